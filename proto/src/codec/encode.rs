//! JSON value to protobuf bytes.

use serde_json::Value;

use super::problem::{Part, Problem, ProblemKind};
use super::{Face, Names, kind_words, plain, time};
use crate::tables::{Card, FieldDef, Kind, MessageDef};
use crate::validate::MAX_DEPTH;
use crate::wire;

/// A message, and the body of its call beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Protobuf bytes, without the body member.
    pub message: Vec<u8>,
    /// The body member, when given.
    pub body: Option<Vec<u8>>,
}

/// Turns a value into a message.
///
/// Null members are absent. Required members are not checked here, but over the bytes
/// ([`crate::validate`]), so that every entrance gives one verdict.
///
/// # Errors
/// Every problem with its place, in the order of the value.
pub fn encode(
    def: &'static MessageDef,
    value: &Value,
    face: Face,
) -> Result<Encoded, Vec<Problem>> {
    let mut encoder = Encoder {
        face,
        path: Vec::new(),
        problems: Vec::new(),
        body: None,
    };
    let mut message = Vec::new();
    encoder.message(def, value, &mut message, 0);
    if encoder.problems.is_empty() {
        Ok(Encoded {
            message,
            body: encoder.body,
        })
    } else {
        Err(encoder.problems)
    }
}

pub(super) struct Encoder {
    pub(super) face: Face,
    path: Vec<Part>,
    problems: Vec<Problem>,
    body: Option<Vec<u8>>,
}

impl Encoder {
    pub(super) fn message(
        &mut self,
        def: &'static MessageDef,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return self.problem(ProblemKind::TooDeep);
        }
        if let Some(inner) = def.seen_through() {
            return self.field(inner, value, out, depth);
        }
        if self.face.plain_values && def.is_plain_value() {
            return plain::encode(self, def, value, out, depth);
        }
        let Value::Object(members) = value else {
            return self.wrong("a map", value);
        };
        for (name, value) in members {
            let known = def.fields.iter().find(|field| match self.face.names {
                Names::Aws => field.aws == name,
                Names::Snake => field.snake == name,
                Names::LowerCamel => self.face.name(field) == *name,
            });
            self.path.push(Part::Name(name.clone()));
            match known {
                Some(field) => self.field(field, value, out, depth),
                None if self.face.strict => {
                    let did_you_mean = def.nearest(name);
                    self.problem(ProblemKind::Unknown {
                        name: name.clone(),
                        did_you_mean,
                    });
                }
                None if self.face.names == Names::Aws
                    && says_something(value)
                    && def.not_built.contains(&name.as_str()) =>
                {
                    self.problem(ProblemKind::NotBuilt { name: name.clone() });
                }
                None => {}
            }
            self.path.pop();
        }
    }

    /// One member; the path already leads to it.
    pub(super) fn field(
        &mut self,
        field: &'static FieldDef,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) {
        match (field.card, value) {
            (_, Value::Null) => {}
            (Card::One, _) if field.shape.body => {
                let mut holder = Vec::new();
                self.value(field, value, &mut holder, depth);
                let body = wire::Fields::of(&holder).next().and_then(Result::ok);
                self.body = body
                    .and_then(|(_, value)| value.bytes().ok())
                    .map(<[u8]>::to_vec);
            }
            (Card::One, _)
                if field.shape.policy_document && (value.is_object() || value.is_array()) =>
            {
                wire::put_bytes(out, field.tag, value.to_string().as_bytes());
            }
            (Card::One, value) => self.value(field, value, out, depth),
            (Card::List, Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.path.push(Part::Index(at));
                    // Nothing in a list is still a place in the list.
                    if item.is_null() && !self.takes_null(field) {
                        self.wrong(kind_words(field.kind), item);
                    } else {
                        self.value(field, item, out, depth);
                    }
                    self.path.pop();
                }
            }
            (Card::Map, Value::Object(entries)) => {
                for (key, value) in entries {
                    self.path.push(Part::Name(key.clone()));
                    let mut entry = Vec::new();
                    wire::put_bytes(&mut entry, 1, key.as_bytes());
                    let inside = FieldDef {
                        tag: 2,
                        card: Card::One,
                        ..copy(field)
                    };
                    if value.is_null() && !self.takes_null(field) {
                        self.wrong(kind_words(field.kind), value);
                    } else {
                        self.value(&inside, value, &mut entry, depth);
                    }
                    wire::put_bytes(out, field.tag, &entry);
                    self.path.pop();
                }
            }
            (Card::List, value) => self.wrong("a list", value),
            (Card::Map, value) => self.wrong("a map", value),
        }
    }

    fn takes_null(&self, field: &FieldDef) -> bool {
        self.face.plain_values && matches!(field.kind, Kind::Message(def) if def.is_plain_value())
    }

    fn value(&mut self, field: &FieldDef, value: &Value, out: &mut Vec<u8>, depth: usize) {
        let expected = kind_words(field.kind);
        match (field.kind, value) {
            (Kind::Message(def), value) => {
                let mut inner = Vec::new();
                self.message(def, value, &mut inner, depth + 1);
                wire::put_bytes(out, field.tag, &inner);
            }
            (Kind::Str, Value::String(text)) => wire::put_bytes(out, field.tag, text.as_bytes()),
            (Kind::Bytes, Value::String(text)) => match plain::bytes_in(text, self.face.bytes) {
                Some(bytes) => wire::put_bytes(out, field.tag, &bytes),
                None => self.problem(ProblemKind::Base64),
            },
            (Kind::Bool, Value::Bool(truth)) => wire::put_number(out, field.tag, u64::from(*truth)),
            (Kind::I32 | Kind::I64, Value::Number(number)) => match whole(number) {
                Some(whole) if matches!(field.kind, Kind::I64) || i32::try_from(whole).is_ok() => {
                    wire::put_number(out, field.tag, whole.cast_unsigned());
                }
                _ => self.problem(ProblemKind::Range),
            },
            (Kind::F64, Value::Number(number)) => {
                wire::put_double(out, field.tag, number.as_f64().unwrap_or_default());
            }
            (Kind::Timestamp, Value::Number(number)) => match time::from_seconds(number) {
                Some(millis) => wire::put_number(out, field.tag, millis.cast_unsigned()),
                None => self.problem(ProblemKind::Time),
            },
            (Kind::Timestamp, Value::String(text)) => match time::from_iso(text) {
                Some(millis) => wire::put_number(out, field.tag, millis.cast_unsigned()),
                None => self.problem(ProblemKind::Time),
            },
            (_, value) => self.wrong(expected, value),
        }
    }

    pub(super) fn wrong(&mut self, expected: &'static str, value: &Value) {
        self.problem(ProblemKind::Type {
            expected,
            found: token(value),
        });
    }

    pub(super) fn problem(&mut self, kind: ProblemKind) {
        self.problems.push(Problem {
            path: self.path.clone(),
            kind,
        });
    }

    pub(super) fn at(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        self.path.push(Part::Name(name.to_owned()));
        work(self);
        self.path.pop();
    }
}

/// Whether a member asks for anything: SDKs may write what is nothing.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn copy(field: &FieldDef) -> FieldDef {
    FieldDef { ..*field }
}

/// A whole number, also when written `7.0` as some clients do.
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let value = number
            .as_f64()
            .filter(|value| value.fract() == 0.0 && value.abs() < 9.0e15)?;
        Some(value as i64)
    })
}

/// AWS's name for the token that was found.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}
