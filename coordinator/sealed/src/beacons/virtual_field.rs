//! Virtual fields: text made of parts of an item, searched for and never stored.
//!
//! Characters are UTF-16 code units, as the SDK counts them.

use super::location::Location;
use crate::error::SealedError;
use crate::value::Item;

/// A change of text. Positions count from zero, or backwards from the end if negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// ASCII letters to capitals.
    Upper,
    /// ASCII letters to small ones.
    Lower,
    /// This text behind it.
    Insert(String),
    /// The first characters; all but the last ones if negative.
    Prefix(i32),
    /// The last characters; all but the first ones if negative.
    Suffix(i32),
    /// From the first position to before the second.
    Substring(i32, i32),
    /// One piece of what the character splits.
    Segment(char, i32),
    /// Pieces of what the character splits, joined again.
    Segments(char, i32, i32),
}

/// One part of a virtual field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualPart {
    /// Where it is read.
    pub location: Location,
    /// What is done with it, in order.
    pub transforms: Vec<Transform>,
}

/// A virtual field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualField {
    /// Its name, which no attribute has.
    pub name: String,
    /// Its parts, joined in order.
    pub parts: Vec<VirtualPart>,
}

impl VirtualField {
    /// The field's value; `None` when a part is not in the item.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a part that has no text, or text cut inside a
    /// character.
    pub fn value(&self, item: &Item) -> Result<Option<String>, SealedError> {
        let mut value = Vec::new();
        for part in &self.parts {
            let Some(text) = part.location.text(item)? else {
                return Ok(None);
            };
            let units = text.encode_utf16().collect();
            value.extend(
                part.transforms
                    .iter()
                    .fold(units, |text, with| with.on(text)),
            );
        }
        String::from_utf16(&value).map(Some).map_err(|_| {
            SealedError::SchemaViolation(format!("virtual field {} is not text", self.name))
        })
    }
}

impl Transform {
    fn on(&self, mut text: Vec<u16>) -> Vec<u16> {
        match self {
            Self::Upper => cased(text, b'a'..=b'z'),
            Self::Lower => cased(text, b'A'..=b'Z'),
            Self::Insert(more) => {
                text.extend(more.encode_utf16());
                text
            }
            Self::Prefix(length) => {
                let end = counted(*length, text.len());
                text.truncate(end);
                text
            }
            Self::Suffix(length) => {
                let begin = text.len() - counted(*length, text.len());
                text.split_off(begin)
            }
            Self::Substring(low, high) => range(&text, *low, *high).to_vec(),
            Self::Segment(split, index) => segment(&text, *split, *index),
            Self::Segments(split, low, high) => {
                let pieces = split_at(&text, *split);
                let mut buffer = [0; 2];
                range(&pieces, *low, *high).join(&*split.encode_utf16(&mut buffer))
            }
        }
    }
}

fn cased(text: Vec<u16>, from: std::ops::RangeInclusive<u8>) -> Vec<u16> {
    let letters = u16::from(*from.start())..=u16::from(*from.end());
    let other = |unit| {
        if letters.contains(&unit) {
            unit ^ 0x20
        } else {
            unit
        }
    };
    text.into_iter().map(other).collect()
}

/// How many of `size` characters a length asks for: so many, or all but so many.
fn counted(length: i32, size: usize) -> usize {
    let magnitude = usize::try_from(length.unsigned_abs()).unwrap_or(size);
    if length < 0 {
        size.saturating_sub(magnitude)
    } else {
        magnitude.min(size)
    }
}

/// The index of a position, which never lies behind the last entry.
fn index(position: i32, size: usize) -> usize {
    let magnitude = usize::try_from(position.unsigned_abs()).unwrap_or(size);
    if position < 0 {
        size.saturating_sub(magnitude)
    } else {
        magnitude.min(size.saturating_sub(1))
    }
}

fn range<T>(entries: &[T], low: i32, high: i32) -> &[T] {
    let (low, high) = (index(low, entries.len()), index(high, entries.len()));
    entries.get(low..high).unwrap_or_default()
}

fn split_at(text: &[u16], split: char) -> Vec<Vec<u16>> {
    let unit = u16::try_from(u32::from(split)).ok();
    text.split(|at| Some(*at) == unit)
        .map(<[u16]>::to_vec)
        .collect()
}

fn segment(text: &[u16], split: char, position: i32) -> Vec<u16> {
    let mut pieces = split_at(text, split);
    let size = pieces.len();
    let magnitude = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    let is_there = if position < 0 {
        magnitude <= size
    } else {
        magnitude < size
    };
    if is_there {
        pieces.swap_remove(index(position, size))
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn transformed(transform: Transform, text: &str) -> String {
        let field = VirtualField {
            name: "v".to_owned(),
            parts: vec![VirtualPart {
                location: Location::parse("a").unwrap(),
                transforms: vec![transform],
            }],
        };
        let item = [("a".to_owned(), Value::S(text.to_owned()))].into();
        field.value(&item).unwrap().unwrap()
    }

    #[test]
    fn cse_036_each_transform_does_what_the_specification_says() {
        use Transform::{Insert, Lower, Prefix, Segment, Segments, Substring, Suffix, Upper};
        let cases = [
            (Upper, "aBcé1", "ABCé1"),
            (Lower, "aBcÉ1", "abcÉ1"),
            (Insert("-x".to_owned()), "ab", "ab-x"),
            (Prefix(2), "abcd", "ab"),
            (Prefix(9), "abcd", "abcd"),
            (Prefix(-1), "abcd", "abc"),
            (Prefix(-9), "abcd", ""),
            (Suffix(3), "abcd", "bcd"),
            (Suffix(9), "abcd", "abcd"),
            (Suffix(-1), "abcd", "bcd"),
            (Suffix(-9), "abcd", ""),
            (Substring(1, 3), "abcd", "bc"),
            (Substring(-3, -1), "abcd", "bc"),
            (Substring(3, 1), "abcd", ""),
            // A position never lies behind the last character, so the end is never reached.
            (Substring(1, 99), "abcd", "bc"),
            (Segment('.', 1), "a.b.c", "b"),
            (Segment('.', -1), "a.b.c", "c"),
            (Segment('.', 3), "a.b.c", ""),
            (Segment('.', -4), "a.b.c", ""),
            (Segments('.', 0, 2), "a.b.c", "a.b"),
            (Segments('.', -2, -1), "a.b.c", "b"),
            (Segments('.', 2, 0), "a.b.c", ""),
        ];
        for (transform, text, wanted) in cases {
            assert_eq!(
                transformed(transform.clone(), text),
                wanted,
                "{transform:?}"
            );
        }
    }

    #[test]
    fn a_field_without_all_its_parts_has_no_value() {
        let part = |name: &str| VirtualPart {
            location: Location::parse(name).unwrap(),
            transforms: vec![Transform::Prefix(1)],
        };
        let field = VirtualField {
            name: "v".to_owned(),
            parts: vec![part("state"), part("tested")],
        };
        let mut item: Item = [("state".to_owned(), Value::S("CA".to_owned()))].into();
        assert_eq!(field.value(&item), Ok(None));
        item.insert("tested".to_owned(), Value::Bool(true));
        assert_eq!(field.value(&item), Ok(Some("Ct".to_owned())));
        item.insert("state".to_owned(), Value::S("😀".to_owned()));
        assert_eq!(field.value(&item).unwrap_err().code(), "SchemaViolation");
    }
}
