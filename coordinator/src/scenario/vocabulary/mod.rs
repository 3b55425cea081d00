//! The words of the language, as tables.
//!
//! World entries, faults, oracles, metrics and the verbs that AWS does not have are
//! described by the same [`MessageDef`] and [`FieldDef`] tables as the operations of AWS.
//! So one checker reads them all, and one schema, one `explain` and one "did you mean"
//! serve them all. What is left out: what the words do. That is with who does it.

mod beacons;
pub mod built_in;
pub mod call;
mod database_looks;
mod ec2_looks;
mod entries;
pub mod faults;
mod links;
mod looks;
pub mod metrics;
pub mod oracles;
mod quotas;
mod replication_looks;
pub mod sealed_clients;
mod sealed_verbs;
mod secret_looks;
pub mod verbs;
pub mod world;

use faultline_proto::tables::{Card, FieldDef, Form, Kind, MessageDef, Referent, Refers, Shape};

/// A span of time, `400ms`, `15s`, `1m30s`.
pub const DURATION: &str = r"(\d+(\.\d+)?(us|ms|s|m|h|d))+";
/// A span of time that may point backwards.
pub const OFFSET: &str = r"[+-]?(\d+(\.\d+)?(us|ms|s|m|h|d))+";
/// Bits per second.
pub const BANDWIDTH: &str = r"\d+(\.\d+)?[kMG]?bit/s";
/// Events per span of time.
pub const RATE: &str = r"\d+(\.\d+)?/(s|m|h)";
/// A chance, `1/10` or `10%`.
pub const CHANCE: &str = r"\d+/[1-9]\d*|\d+(\.\d+)?%";
/// A share of time gained or lost by a clock.
pub const DRIFT: &str = r"[+-]?\d+(\.\d+)?(ppm|%)";

/// A service quota: a number, AWS's own, or none.
pub const LIMIT: &str = r"\d+(\.\d+)?|aws|none";

/// The forms of text that our own tables ask for, in words.
#[must_use]
pub fn form_in_words(pattern: &str) -> Option<&'static str> {
    Some(match pattern {
        DURATION => "a duration such as `400ms`, `15s` or `1m30s`",
        OFFSET => "a duration such as `90s` or `-5m`",
        BANDWIDTH => "a bandwidth such as `100Mbit/s`",
        RATE => "a rate such as `20/s`",
        CHANCE => "a chance such as `1/10` or `10%`",
        entries::RETRIES_PATTERN => "a number of retries up to 10, or `standard`",
        LIMIT => "a number such as `40` or `0.25`, `aws` or `none`",
        DRIFT => "a drift such as `200ppm` or `-1%`",
        _ => return None,
    })
}

/// A shape that says nothing.
pub(crate) const ANY: Shape = Shape::NONE;

/// One member with one value.
pub(crate) const fn one(
    snake: &'static str,
    kind: Kind,
    shape: &'static Shape,
    doc: &'static str,
) -> FieldDef {
    FieldDef {
        tag: 0,
        snake,
        aws: snake,
        doc,
        card: Card::One,
        kind,
        shape,
    }
}
/// One member with a list.
pub(crate) const fn list(
    snake: &'static str,
    kind: Kind,
    shape: &'static Shape,
    doc: &'static str,
) -> FieldDef {
    FieldDef {
        tag: 0,
        snake,
        aws: snake,
        doc,
        card: Card::List,
        kind,
        shape,
    }
}
/// One member with a map.
pub(crate) const fn map(
    snake: &'static str,
    kind: Kind,
    shape: &'static Shape,
    doc: &'static str,
) -> FieldDef {
    FieldDef {
        tag: 0,
        snake,
        aws: snake,
        doc,
        card: Card::Map,
        kind,
        shape,
    }
}
/// A message of our own.
pub(crate) const fn message(
    name: &'static str,
    doc: &'static str,
    fields: &'static [FieldDef],
) -> MessageDef {
    MessageDef {
        name,
        doc,
        transparent: false,
        union: false,
        not_built: &[],
        fields,
    }
}
/// An answer that is a list, with nothing around it.
pub(crate) const fn bare(
    name: &'static str,
    doc: &'static str,
    fields: &'static [FieldDef],
) -> MessageDef {
    MessageDef {
        name,
        doc,
        transparent: true,
        union: false,
        not_built: &[],
        fields,
    }
}

const fn refers(to: Referent) -> Option<Refers> {
    Some(Refers { to, form: Form::Id })
}

/// Shapes that several tables use. `NEED_` is required.
pub(crate) mod shapes {
    use super::{ANY, BANDWIDTH, CHANCE, DRIFT, DURATION, OFFSET, RATE, Referent, Shape, refers};

    macro_rules! shapes {
        ($($name:ident = { $($body:tt)* })*) => {
            $(pub(crate) static $name: Shape = Shape { $($body)*, ..ANY };)*
        };
    }
    shapes! {
        FREE = { required: false }
        NEED = { required: true }
        ACCOUNT = { refers_to: refers(Referent::Account) }
        NEED_ACCOUNT = { required: true, refers_to: refers(Referent::Account) }
        PRINCIPAL = { refers_to: refers(Referent::Principal) }
        NEED_PRINCIPAL = { required: true, refers_to: refers(Referent::Principal) }
        KEY = { refers_to: refers(Referent::Key) }
        NEED_KEY = { required: true, refers_to: refers(Referent::Key) }
        BUCKET = { refers_to: refers(Referent::Bucket) }
        NEED_BUCKET = { required: true, refers_to: refers(Referent::Bucket) }
        TABLE = { refers_to: refers(Referent::Table) }
        NEED_TABLE = { required: true, refers_to: refers(Referent::Table) }
        NEED_VOLUME = { required: true, refers_to: refers(Referent::Volume) }
        REGION = { refers_to: refers(Referent::Region) }
        NEED_REGION = { required: true, refers_to: refers(Referent::Region) }
        REGIONS = { item: Some(&REGION) }
        TWO_REGIONS = { required: true, min_length: Some(2), max_length: Some(2), item: Some(&REGION) }
        KEYS = { item: Some(&KEY) }
        POLICY = { policy_document: true }
        NEED_POLICY = { required: true, policy_document: true }
        TIME = { pattern: Some(DURATION) }
        NEED_TIME = { required: true, pattern: Some(DURATION) }
        SIGNED_TIME = { pattern: Some(OFFSET) }
        WIDTH = { pattern: Some(BANDWIDTH) }
        SPEED = { pattern: Some(RATE) }
        ODDS = { pattern: Some(CHANCE) }
        SKEW = { pattern: Some(DRIFT) }
        COUNT = { min: Some(0) }
    }
}

/// A value of a DynamoDB attribute: plain YAML, as the codec knows it by name and union.
pub(crate) static ATTRIBUTE_VALUE: MessageDef = MessageDef {
    name: "faultline.AttributeValue",
    doc: "A value as DynamoDB holds it.",
    transparent: false,
    union: true,
    not_built: &[],
    fields: &[],
};
