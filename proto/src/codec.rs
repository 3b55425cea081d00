//! One codec over the tables: every face of a message is a walk that knows no operation.
//!
//! A [`Face`] says how names, bytes and times are spelled. [`encode`] turns a JSON value
//! into protobuf bytes and collects every problem with its place; [`decode`] is its
//! mirror. The faces in use:
//!
//! - AWS JSON ([`json`]): AWS member names, base64, seconds; lenient as AWS is.
//! - scenarios ([`from_snake`], [`to_snake`]): snake case, strict, bytes as text, plain
//!   values for DynamoDB items.
//! - the trail ([`trail`]): lower camel case, secrets and bytes left out (K-257).
//!
//! Wrappers that proto needs (a list in a union) are never seen outside. The body of a
//! call is kept apart: it is never inside a `Call`.
//!
//! - AWS's query parameters ([`query`]) and XML ([`xml`]), by the wire facts of members.

mod decode;
mod encode;
pub mod json;
pub mod plain;
mod problem;
pub mod query;
mod text;
pub mod time;
pub mod xml;

use serde_json::Value;

use crate::tables::{FieldDef, Kind, MessageDef};
use crate::wire::{self, Fields, Malformed};
pub use decode::decode;
pub use encode::{Encoded, encode};
pub use problem::{Part, Problem, ProblemKind};
pub use text::{scalar, shown};

/// How a message looks from one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face {
    /// Spelling of members.
    pub names: Names,
    /// Form of bytes.
    pub bytes: Bytes,
    /// Form of times when written; every form is read.
    pub times: Times,
    /// Whether DynamoDB values are plain ([`plain`]).
    pub plain_values: bool,
    /// Whether unknown members are problems; else they are ignored.
    pub strict: bool,
    /// Whether sensitive members are written.
    pub secrets: bool,
}

/// Spelling of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `KeyId`.
    Aws,
    /// `key_id`.
    Snake,
    /// `keyId`.
    LowerCamel,
}

/// Form of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// Base64, always.
    Base64,
    /// The text itself, or `base64:...` for what is no text.
    Text,
    /// Not at all: members of bytes are left out.
    LeftOut,
}

/// Form of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Seconds since 1970; whole, or with milliseconds.
    Seconds,
    /// `2026-01-31T12:00:00Z`.
    Iso,
    /// As the trail writes them (K-274), `Jan 31, 2026, 12:00:00 PM`.
    Text,
}

impl Face {
    /// AWS's JSON wire.
    pub const AWS_JSON: Self = Self {
        names: Names::Aws,
        bytes: Bytes::Base64,
        times: Times::Seconds,
        plain_values: false,
        strict: false,
        secrets: true,
    };
    /// Arguments and results in scenarios.
    pub const SCENARIO: Self = Self {
        names: Names::Snake,
        bytes: Bytes::Text,
        times: Times::Iso,
        plain_values: true,
        strict: true,
        secrets: true,
    };
    /// Request parameters in the trail.
    pub const TRAIL: Self = Self {
        names: Names::LowerCamel,
        bytes: Bytes::LeftOut,
        times: Times::Text,
        plain_values: false,
        strict: false,
        secrets: false,
    };

    /// Whether this face has the member at all.
    fn shows(self, field: &FieldDef) -> bool {
        let secret = field.shape.sensitive && !self.secrets;
        let bytes = matches!(field.kind, Kind::Bytes) && self.bytes == Bytes::LeftOut;
        !secret && !bytes
    }

    /// How this face spells a member.
    #[must_use]
    pub fn name(self, field: &FieldDef) -> String {
        match self.names {
            Names::Aws => field.aws.to_owned(),
            Names::Snake => field.snake.to_owned(),
            Names::LowerCamel => {
                let mut letters = field.aws.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(letters).collect()
            }
        }
    }
}

/// Scenario arguments to protobuf bytes: strict, all problems at once.
///
/// # Errors
/// Every problem with its place.
pub fn from_snake(def: &'static MessageDef, arguments: &Value) -> Result<Encoded, Vec<Problem>> {
    encode(def, arguments, Face::SCENARIO)
}

/// Protobuf bytes to a scenario result; `body` becomes the body member, when there is one.
///
/// # Errors
/// [`Malformed`] when the bytes are not this message.
pub fn to_snake(
    def: &'static MessageDef,
    message: &[u8],
    body: Option<&[u8]>,
) -> Result<Value, Malformed> {
    let mut value = decode(def, message, Face::SCENARIO)?;
    if let (Some(body), Some(field), Value::Object(members)) = (body, body_member(def), &mut value)
    {
        members.insert(
            field.snake.to_owned(),
            Value::String(plain::bytes_out(body, Bytes::Text)),
        );
    }
    Ok(value)
}

/// Request parameters or response elements as the trail shows them.
///
/// # Errors
/// [`Malformed`] when the bytes are not this message.
pub fn trail(def: &'static MessageDef, message: &[u8]) -> Result<Value, Malformed> {
    decode(def, message, Face::TRAIL)
}

/// The member that is the body of a call, if any.
#[must_use]
pub fn body_member(def: &MessageDef) -> Option<&FieldDef> {
    def.fields.iter().find(|field| field.shape.body)
}

/// Takes the body out of a message that carries it (a gRPC request from outside).
///
/// # Errors
/// [`Malformed`] when the bytes are no message.
pub fn split_body(
    def: &MessageDef,
    message: &[u8],
) -> Result<(Vec<u8>, Option<Vec<u8>>), Malformed> {
    let Some(member) = body_member(def) else {
        return Ok((message.to_vec(), None));
    };
    let (mut rest, mut body) = (Vec::new(), None);
    for field in Fields::of(message) {
        match field? {
            (tag, value) if tag == member.tag => body = Some(value.bytes()?.to_vec()),
            (tag, value) => wire::put(&mut rest, tag, value),
        }
    }
    Ok((rest, body))
}

/// Puts a body back into its message (a gRPC answer to outside).
pub fn join_body(def: &MessageDef, message: &mut Vec<u8>, body: &[u8]) {
    if let Some(member) = body_member(def) {
        wire::put_bytes(message, member.tag, body);
    }
}

impl MessageDef {
    /// The member with this scenario spelling.
    #[must_use]
    pub fn by_snake(&self, name: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|field| field.snake == name)
    }

    /// The member with this AWS name.
    #[must_use]
    pub fn by_aws(&self, name: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|field| field.aws == name)
    }

    /// The list or map that a wrapper stands for.
    #[must_use]
    pub fn seen_through(&self) -> Option<&FieldDef> {
        if self.transparent {
            self.fields.first()
        } else {
            None
        }
    }

    /// Whether scenarios write this message as plain YAML ([`plain`]).
    #[must_use]
    pub fn is_plain_value(&self) -> bool {
        self.union && self.name.ends_with(".AttributeValue")
    }

    /// The scenario spelling nearest to `name`, when one is near.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.fields.iter().map(|field| field.snake))
    }
}

/// The candidate most like `name`, if any is like it.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&name.to_ascii_lowercase(), candidate);
    candidates
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| other.cmp(one)))
        .map(|(_, candidate)| candidate)
}

/// A kind in the words of errors and documentation.
#[must_use]
pub fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Str => "text",
        Kind::Bytes => "bytes",
        Kind::Bool => "true or false",
        Kind::I32 | Kind::I64 => "a whole number",
        Kind::F64 => "a number",
        Kind::Timestamp => "a time",
        Kind::Message(def) if def.is_plain_value() => "a value",
        Kind::Message(_) => "a structure",
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
