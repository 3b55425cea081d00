//! The walk over tables and bytes together.

use super::words::{all, broken, lengths, list_text, plain, shown};
use super::{Invalid, MAX_DEPTH, Violation};
use crate::tables::{Card, FieldDef, Kind, MessageDef, Shape};
use crate::wire::{Fields, Value, map_entry};

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
        let path = shortened(path, "");
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
                value: shortened(value, "'"),
                constraint,
                missing,
            },
        ));
    }
}

/// What a sentence repeats of the request, at most, in bytes: a refusal must fit into a message.
const LONGEST: usize = 1_024;

/// Text that is no longer than [`LONGEST`], or says where it was cut, with its closing mark.
fn shortened(mut text: String, mark: &str) -> String {
    if text.len() > LONGEST {
        let whole = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(whole.unwrap_or(0));
        text.push_str("...");
        text.push_str(mark);
    }
    text
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
