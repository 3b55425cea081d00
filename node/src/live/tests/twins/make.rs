//! Requests from the tables of their operations, with what earlier answers have named.

use std::collections::BTreeMap;

use faultline_proto::registry::SERVICES;
use faultline_proto::tables::{
    Card, FieldDef, Kind, MessageDef, OperationDef, Place, Protocol, Shape,
};
use serde_json::{Map, Value, json};

use crate::dice::Dice;

/// Deepest structure that is filled.
const DEPTH: usize = 4;
/// Texts remembered by name.
const REMEMBERED: usize = 12;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

pub(super) struct Maker {
    dice: Dice,
    /// Texts that stood in calls that worked, by the member's name.
    known: BTreeMap<String, Vec<String>>,
    rest: bool,
}

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            known: BTreeMap::new(),
            rest: false,
        }
    }

    /// Remembers the texts of a request or an answer.
    pub fn learn(&mut self, value: &Value) {
        self.remember("", value);
    }

    fn remember(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    self.remember(name, inner);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.remember(name, item);
                }
            }
            Value::String(text) if !text.is_empty() && text.len() < 300 => {
                let known = self.known.entry(name.to_owned()).or_default();
                if known.contains(text) {
                } else if known.len() < REMEMBERED {
                    known.push(text.clone());
                } else {
                    let at = self.dice.below(REMEMBERED as u64);
                    known[usize::try_from(at).expect("small")].clone_from(text);
                }
            }
            _ => {}
        }
    }

    /// A request; the first turn says no more than it must.
    pub fn request(&mut self, operation: &'static OperationDef, turn: usize) -> Value {
        let service = SERVICES.iter().find(|one| one.prefix == operation.service);
        self.rest = service.is_some_and(|one| one.protocol == Protocol::RestXml);
        let more = if turn == 0 { 0 } else { 3 };
        self.structure(operation.input, 0, more)
    }

    /// `more` of ten members that need not be there are.
    fn structure(&mut self, def: &'static MessageDef, depth: usize, more: u64) -> Value {
        let mut members = Map::new();
        if def.union {
            let all = def.fields.len().min(3);
            let at = usize::try_from(self.dice.below(all as u64)).expect("small");
            let field = &def.fields[at];
            members.insert(field.aws.to_owned(), self.member(field, depth, more));
            return Value::Object(members);
        }
        for field in def.fields.iter().filter(|field| !left_out(field)) {
            let wanted = if field.shape.required {
                self.dice.below(20) > 0 || self.rest
            } else {
                self.dice.below(10) < more && depth < DEPTH
            };
            if wanted {
                members.insert(field.aws.to_owned(), self.member(field, depth, more));
            }
        }
        // Neither query parameters nor XML can say that a structure is there and empty.
        let plain = |field: &&FieldDef| {
            !matches!(field.kind, Kind::Message(_)) && field.card == Card::One && !left_out(field)
        };
        if members.is_empty()
            && depth > 0
            && let Some(field) = def.fields.iter().find(plain)
        {
            members.insert(field.aws.to_owned(), self.member(field, depth, more));
        }
        Value::Object(members)
    }

    fn member(&mut self, field: &'static FieldDef, depth: usize, more: u64) -> Value {
        let shape = field.shape.item.unwrap_or(field.shape);
        let least = field.shape.min_length.unwrap_or(1).clamp(1, 3);
        let count = least + self.dice.below(2);
        match field.card {
            Card::One => self.value(field, field.shape, depth, more),
            Card::List => (0..count)
                .map(|_| self.value(field, shape, depth, more))
                .collect(),
            Card::Map => (0..count)
                .map(|at| (format!("k{at}"), self.value(field, shape, depth, more)))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    fn value(&mut self, field: &'static FieldDef, shape: &Shape, depth: usize, more: u64) -> Value {
        match field.kind {
            Kind::Str => json!(self.text(field, shape)),
            Kind::Bytes => json!(*self.dice.pick(&["aGVsbG8=", "AAEC", "d2F2ZXM="])),
            Kind::Bool => json!(self.dice.below(2) == 0),
            Kind::I32 | Kind::I64 => json!(self.number(shape)),
            Kind::F64 => json!(1.5),
            Kind::Timestamp if self.rest && field.shape.wire.place == Place::Body => {
                json!("2027-01-15T08:01:40Z")
            }
            Kind::Timestamp if self.rest => json!("Fri, 15 Jan 2027 08:01:40 GMT"),
            Kind::Timestamp => json!(1_800_000_100),
            Kind::Message(def) => match def.seen_through() {
                Some(inner) => self.member(inner, depth + 1, more),
                None => self.structure(def, depth + 1, more),
            },
        }
    }

    fn number(&mut self, shape: &Shape) -> i64 {
        let least = shape.min.unwrap_or(0);
        let most = shape.max.unwrap_or(40).min(least + 40);
        if self.dice.below(8) == 0 {
            return i64::try_from(self.dice.below(40)).expect("small");
        }
        let span = u64::try_from((most - least).max(0)).expect("no less") + 1;
        least + i64::try_from(self.dice.below(span)).expect("small")
    }

    fn text(&mut self, field: &FieldDef, shape: &Shape) -> String {
        if !shape.values.is_empty() && self.dice.below(8) > 0 {
            return (*self.dice.pick(shape.values)).to_owned();
        }
        if field.shape.policy_document {
            return POLICY.to_owned();
        }
        if self.dice.below(4) > 0
            && let Some(text) = self.known(field.aws)
        {
            return text;
        }
        let words: &[&str] = match field.aws {
            name if name.contains("Arn") => &["arn:aws:iam::111111111111:root"],
            name if name.contains("Region") => &["eu-west-1"],
            name if name.contains("Bucket") => &["bucket-one", "bucket-two"],
            name if name.contains("Alias") => &["alias/one", "alias/two"],
            name if name.ends_with("Name") => &["one", "two", "name-three"],
            name if name.ends_with("Document") => &[POLICY],
            _ if in_document(field) => &["x", "", "a b<&>+", "eu-west-1", "{}", "111111111111"],
            _ => &["x", "a b<&>+", "eu-west-1", "{}", "111111111111"],
        };
        (*self.dice.pick(words)).to_owned()
    }

    /// A text that a member of this name had, or one whose name ends alike.
    fn known(&mut self, name: &str) -> Option<String> {
        let alike = |known: &str| name.ends_with(known) || known.ends_with(name);
        let names: Vec<&String> = match self.known.get_key_value(name) {
            Some((exact, _)) => vec![exact],
            None => self.known.keys().filter(|known| alike(known)).collect(),
        };
        if names.is_empty() {
            return None;
        }
        let texts = &self.known[*self.dice.pick(&names)];
        Some(self.dice.pick(texts).clone())
    }
}

fn in_document(field: &FieldDef) -> bool {
    field.shape.wire.place == Place::Body
}

/// What is not a member of a call, or what an entrance judges alone.
fn left_out(field: &FieldDef) -> bool {
    let alone = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("x-amz-checksum-") || name == "content-md5" || name == "content-length"
    };
    field.shape.body
        || matches!(field.shape.wire.place, Place::Header)
            && alone(&field.xml_name(Protocol::RestXml))
}
