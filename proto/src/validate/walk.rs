//! The walk over tables and bytes together.

use super::{Invalid, MAX_DEPTH, Violation};
use crate::tables::{Card, FieldDef, Kind, MessageDef, Shape};
use crate::wire::{Fields, Malformed, Value, map_entry};

const EMPTY: &str =
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const SEVERAL: &str = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";

/// Where we are: a chain on the stack, turned into text only when something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member {
        ordinal: u32,
        field: &'static FieldDef,
    },
    Item(u32),
    Key(&'a str),
}

impl Place<'_> {
    fn render(&self, text: &mut String, order: &mut Vec<u32>) {
        if let Some(parent) = self.parent {
            parent.render(text, order);
        }
        match self.step {
            Step::Member { ordinal, field } => {
                if !text.is_empty() {
                    text.push('.');
                }
                let mut letters = field.aws.chars();
                text.extend(letters.next().map(|first| first.to_ascii_lowercase()));
                text.push_str(letters.as_str());
                order.push(ordinal);
            }
            Step::Item(at) => {
                text.push_str(&format!(".{at}.member"));
                order.push(at);
            }
            Step::Key(key) => text.push_str(&format!(".{key}.member")),
        }
    }
}

/// Violations found so far, with the place that orders them.
#[derive(Default)]
pub(super) struct Walk {
    found: Vec<(Vec<u32>, Violation)>,
}

impl Walk {
    pub(super) fn finish(mut self) -> Vec<Violation> {
        self.found.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.found
            .into_iter()
            .map(|(_, violation)| violation)
            .collect()
    }

    pub(super) fn message(
        &mut self,
        def: &'static MessageDef,
        bytes: &[u8],
        parent: Option<&Place<'_>>,
        depth: usize,
    ) -> Result<(), Invalid> {
        if depth > MAX_DEPTH {
            return Err(Invalid::TooDeep);
        }
        let mut seen = 0_u128;
        let (mut last, mut run) = (usize::MAX, 0);
        for entry in Fields::of(bytes) {
            let (tag, value) = entry?;
            let Some((at, field)) = find(def, tag) else {
                continue;
            };
            run = if at == last { run + 1 } else { 1 };
            last = at;
            seen |= 1 << (at & 127);
            let place = Place {
                parent,
                step: Step::Member {
                    ordinal: at as u32,
                    field,
                },
            };
            // A transparent wrapper is not part of the path.
            let here = if def.transparent {
                parent.copied().unwrap_or(place)
            } else {
                place
            };
            match field.card {
                Card::One => self.one(field, value, &here, depth)?,
                Card::List => self.item(field, value, &here, run, depth)?,
                Card::Map => self.entry(field, value, &here, depth)?,
            }
        }
        self.presence(def, bytes, seen, parent)
    }

    fn presence(
        &mut self,
        def: &'static MessageDef,
        bytes: &[u8],
        seen: u128,
        parent: Option<&Place<'_>>,
    ) -> Result<(), Invalid> {
        if def.union {
            return match seen.count_ones() {
                1 => Ok(()),
                0 => Err(Invalid::Union(EMPTY)),
                _ => Err(Invalid::Union(SEVERAL)),
            };
        }
        for (at, field) in def.fields.iter().enumerate() {
            let place = Place {
                parent,
                step: Step::Member {
                    ordinal: at as u32,
                    field,
                },
            };
            if seen >> (at & 127) & 1 == 0 {
                if field.shape.required && !field.shape.body {
                    self.report(
                        &place,
                        field,
                        "Value null".to_owned(),
                        "Member must not be null".to_owned(),
                    );
                }
            } else if field.card != Card::One
                && (field.shape.min_length.is_some() || field.shape.max_length.is_some())
            {
                let count = Fields::of(bytes)
                    .filter(|entry| matches!(entry, Ok((tag, _)) if *tag == field.tag))
                    .count();
                self.length(field, field.shape, count as u64, &place, &|| {
                    list_text(field, bytes)
                });
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        field: &'static FieldDef,
        value: Value<'_>,
        place: &Place<'_>,
        depth: usize,
    ) -> Result<(), Invalid> {
        match field.kind {
            Kind::Message(def) => self.message(def, value.bytes()?, Some(place), depth + 1),
            _ => {
                for constraint in broken(field.kind, field.shape, value)? {
                    let shown = shown(field.kind, field.shape.sensitive, value);
                    self.report(place, field, shown, constraint);
                }
                Ok(())
            }
        }
    }

    fn item(
        &mut self,
        field: &'static FieldDef,
        value: Value<'_>,
        place: &Place<'_>,
        run: u32,
        depth: usize,
    ) -> Result<(), Invalid> {
        match (field.kind, field.shape.item) {
            (Kind::Message(def), _) => {
                let item = Place {
                    parent: Some(place),
                    step: Step::Item(run),
                };
                self.message(def, value.bytes()?, Some(&item), depth + 1)
            }
            (kind, Some(shape)) if !broken(kind, shape, value)?.is_empty() => {
                let shown = format!("Value '[{}]'", plain(kind, value));
                let shown = if field.shape.sensitive {
                    "Value".to_owned()
                } else {
                    shown
                };
                self.report(
                    place,
                    field,
                    shown,
                    format!("Member must satisfy constraint: [{}]", all(shape)),
                );
                Ok(())
            }
            (Kind::Str, _) => Ok(value.text().map(|_| ())?),
            _ => Ok(()),
        }
    }

    fn entry(
        &mut self,
        field: &'static FieldDef,
        value: Value<'_>,
        place: &Place<'_>,
        depth: usize,
    ) -> Result<(), Invalid> {
        let (key, value) = map_entry(value.bytes()?)?;
        if let Some(shape) = field.shape.key
            && !broken(Kind::Str, shape, Value::Bytes(key.as_bytes()))?.is_empty()
        {
            let shown = format!("Value '{{{key}}}'");
            self.report(
                place,
                field,
                shown,
                format!("Map keys must satisfy constraint: [{}]", all(shape)),
            );
        }
        match (field.kind, field.shape.item) {
            (Kind::Message(def), _) => {
                let item = Place {
                    parent: Some(place),
                    step: Step::Key(key),
                };
                let bytes = value.map_or(Ok(&[][..]), Value::bytes)?;
                self.message(def, bytes, Some(&item), depth + 1)
            }
            (kind, Some(shape)) => {
                let value = value.unwrap_or(Value::Bytes(&[]));
                if !broken(kind, shape, value)?.is_empty() {
                    let shown = format!("Value '{{{key}={}}}'", plain(kind, value));
                    self.report(
                        place,
                        field,
                        shown,
                        format!("Map value must satisfy constraint: [{}]", all(shape)),
                    );
                }
                Ok(())
            }
            (Kind::Str, None) => Ok(value.map_or(Ok(""), Value::text).map(|_| ())?),
            (_, None) => Ok(()),
        }
    }

    fn length(
        &mut self,
        field: &'static FieldDef,
        shape: &Shape,
        count: u64,
        place: &Place<'_>,
        text: &dyn Fn() -> String,
    ) {
        for constraint in lengths(shape, count) {
            let shown = if field.shape.sensitive {
                "Value".to_owned()
            } else {
                format!("Value '{}'", text())
            };
            self.report(place, field, shown, constraint);
        }
    }

    fn report(
        &mut self,
        place: &Place<'_>,
        field: &'static FieldDef,
        value: String,
        constraint: String,
    ) {
        let (mut path, mut order) = (String::new(), Vec::new());
        place.render(&mut path, &mut order);
        let missing = constraint == "Member must not be null";
        // A list says once that its items are wrong.
        if self
            .found
            .iter()
            .any(|(_, other)| other.path == path && other.constraint == constraint)
        {
            return;
        }
        self.found.push((
            order,
            Violation {
                path,
                member: field.aws,
                value,
                constraint,
                missing,
            },
        ));
    }
}

/// The member with this tag; definitions mostly number them in order.
pub(crate) fn find(def: &'static MessageDef, tag: u32) -> Option<(usize, &'static FieldDef)> {
    let guess = (tag as usize).wrapping_sub(1);
    match def.fields.get(guess) {
        Some(field) if field.tag == tag => Some((guess, field)),
        _ => def
            .fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.tag == tag),
    }
}

/// The constraints that a scalar breaks, in AWS's words. Allocates only when there are some.
fn broken(kind: Kind, shape: &Shape, value: Value<'_>) -> Result<Vec<String>, Malformed> {
    let mut out = Vec::new();
    match kind {
        Kind::Str => {
            let text = value.text()?;
            if !shape.values.is_empty() && !shape.values.contains(&text) {
                out.push(enum_words(shape));
            }
            if let Some(pattern) = shape.pattern
                && !crate::pattern::matches(pattern, text)
            {
                out.push(format!(
                    "Member must satisfy regular expression pattern: {}",
                    pattern
                ));
            }
            if shape.min_length.is_some() || shape.max_length.is_some() {
                out.extend(lengths(shape, text.chars().count() as u64));
            }
        }
        Kind::Bytes => out.extend(lengths(shape, value.bytes()?.len() as u64)),
        Kind::I32 | Kind::I64 => {
            let number = value.varint()?.cast_signed();
            if let Some(min) = shape.min.filter(|min| number < *min) {
                out.push(format!(
                    "Member must have value greater than or equal to {min}"
                ));
            }
            if let Some(max) = shape.max.filter(|max| number > *max) {
                out.push(format!(
                    "Member must have value less than or equal to {max}"
                ));
            }
        }
        Kind::Bool | Kind::Timestamp => {
            value.varint()?;
        }
        Kind::F64 | Kind::Message(_) => {}
    }
    Ok(out)
}

fn lengths(shape: &Shape, count: u64) -> impl Iterator<Item = String> {
    let low = shape.min_length.filter(|min| count < *min);
    let high = shape.max_length.filter(|max| count > *max);
    let low = low.map(|min| format!("Member must have length greater than or equal to {min}"));
    let high = high.map(|max| format!("Member must have length less than or equal to {max}"));
    low.into_iter().chain(high)
}

fn enum_words(shape: &Shape) -> String {
    format!(
        "Member must satisfy enum value set: [{}]",
        shape.values.join(", ")
    )
}

/// Every constraint of an item: AWS lists them all when one is broken.
fn all(shape: &Shape) -> String {
    let mut out = Vec::new();
    if !shape.values.is_empty() {
        out.push(enum_words(shape));
    }
    if let Some(max) = shape.max_length {
        out.push(format!(
            "Member must have length less than or equal to {max}"
        ));
    }
    if let Some(min) = shape.min_length {
        out.push(format!(
            "Member must have length greater than or equal to {min}"
        ));
    }
    if let Some(pattern) = shape.pattern {
        out.push(format!(
            "Member must satisfy regular expression pattern: {}",
            pattern
        ));
    }
    out.join(", ")
}

/// Bytes and secrets are not shown (K-058).
fn shown(kind: Kind, sensitive: bool, value: Value<'_>) -> String {
    if sensitive || matches!(kind, Kind::Bytes) {
        return "Value".to_owned();
    }
    format!("Value '{}'", plain(kind, value))
}

fn plain(kind: Kind, value: Value<'_>) -> String {
    match (kind, value) {
        (Kind::Bool, Value::Varint(value)) => (value != 0).to_string(),
        (_, Value::Varint(value)) => value.cast_signed().to_string(),
        (Kind::Str, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        (Kind::F64, Value::Fixed64(bits)) => f64::from_bits(bits).to_string(),
        _ => String::new(),
    }
}

fn list_text(field: &FieldDef, bytes: &[u8]) -> String {
    let items: Vec<String> = Fields::of(bytes)
        .filter_map(Result::ok)
        .filter(|(tag, _)| *tag == field.tag)
        .map(|(_, value)| plain(field.kind, value))
        .collect();
    format!("[{}]", items.join(", "))
}
