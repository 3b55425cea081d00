//! The one serialization of an attribute value: what is encrypted, signed and bound.
//!
//! Type ids and layouts of CSE-019. Sets and maps are ordered (texts by UTF-16 code
//! units, bytes by bytes), numbers normalised, all lengths big endian.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::SealedError;
use crate::number;
use crate::value::Value;

/// How deep lists and maps may nest, DynamoDB's own limit.
const DEPTH: usize = 32;

/// Two bytes that say what a serialized value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeId(pub [u8; 2]);

impl TypeId {
    /// Null.
    pub const NULL: Self = Self([0x00, 0x00]);
    /// Text.
    pub const S: Self = Self([0x00, 0x01]);
    /// Number.
    pub const N: Self = Self([0x00, 0x02]);
    /// Truth.
    pub const BOOL: Self = Self([0x00, 0x04]);
    /// Set of texts.
    pub const SS: Self = Self([0x01, 0x01]);
    /// Set of numbers.
    pub const NS: Self = Self([0x01, 0x02]);
    /// Set of byte strings.
    pub const BS: Self = Self([0x01, 0xff]);
    /// Map.
    pub const M: Self = Self([0x02, 0x00]);
    /// List.
    pub const L: Self = Self([0x03, 0x00]);
    /// Bytes, and everything encrypted.
    pub const B: Self = Self([0xff, 0xff]);
}

/// A value as type id and bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Terminal {
    /// What the bytes are.
    pub type_id: TypeId,
    /// The serialized value.
    pub bytes: Vec<u8>,
}

impl Terminal {
    /// A terminal of plain bytes.
    #[must_use]
    pub fn binary(bytes: Vec<u8>) -> Self {
        Self {
            type_id: TypeId::B,
            bytes,
        }
    }

    /// Serializes `value`.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a number or a set that DynamoDB would refuse.
    pub fn of(value: &Value) -> Result<Self, SealedError> {
        encode(value, 0).map_err(SealedError::SchemaViolation)
    }

    /// The value again.
    ///
    /// # Errors
    /// [`SealedError::InvalidHeader`] when the bytes are not the serialization of a value.
    pub fn value(&self) -> Result<Value, SealedError> {
        decode(self.type_id, &self.bytes, 0)
            .map_err(|why| SealedError::InvalidHeader(format!("Deserialization failed: {why}")))
    }
}

fn encode(value: &Value, depth: usize) -> Result<Terminal, String> {
    if depth > DEPTH {
        return Err("Nesting Levels have exceeded supported limits".to_owned());
    }
    let (type_id, bytes) = match value {
        Value::Null => (TypeId::NULL, Vec::new()),
        Value::S(text) => (TypeId::S, text.as_bytes().to_vec()),
        Value::N(text) => (TypeId::N, number::normalize(text)?.into_bytes()),
        Value::B(bytes) => (TypeId::B, bytes.clone()),
        Value::Bool(truth) => (TypeId::BOOL, vec![u8::from(*truth)]),
        Value::Ss(texts) => (TypeId::SS, encode_set(utf16_order(texts.iter().cloned()))?),
        Value::Ns(numbers) => (TypeId::NS, encode_set(normalized(numbers)?)?),
        Value::Bs(blobs) => (TypeId::BS, encode_set(blobs)?),
        Value::L(values) => (TypeId::L, encode_list(values, depth)?),
        Value::M(members) => (TypeId::M, encode_map(members, depth)?),
    };
    Ok(Terminal { type_id, bytes })
}

fn normalized(numbers: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let mut set = BTreeSet::new();
    for text in numbers {
        if !set.insert(number::normalize(text)?) {
            return Err(format!("Number Set had duplicate values: {text}"));
        }
    }
    Ok(set)
}

/// Code units order: characters beyond the basic plane come before U+E000.
fn utf16_order(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    texts
}

fn encode_set<T: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> Result<Vec<u8>, String> {
    let entries = entries.into_iter();
    let mut out = length(entries.len())?.to_vec();
    for entry in entries {
        let entry = entry.as_ref();
        out.extend(length(entry.len())?);
        out.extend(entry);
    }
    Ok(out)
}

fn encode_list(values: &[Value], depth: usize) -> Result<Vec<u8>, String> {
    let mut out = length(values.len())?.to_vec();
    for value in values {
        push_typed(&mut out, &encode(value, depth + 1)?)?;
    }
    Ok(out)
}

fn encode_map(members: &BTreeMap<String, Value>, depth: usize) -> Result<Vec<u8>, String> {
    let mut out = length(members.len())?.to_vec();
    for key in utf16_order(members.keys().cloned()) {
        let value = encode(&members[&key], depth + 1)?;
        let key = Terminal {
            type_id: TypeId::S,
            bytes: key.into_bytes(),
        };
        push_typed(&mut out, &key)?;
        push_typed(&mut out, &value)?;
    }
    Ok(out)
}

fn push_typed(out: &mut Vec<u8>, terminal: &Terminal) -> Result<(), String> {
    out.extend(terminal.type_id.0);
    out.extend(length(terminal.bytes.len())?);
    out.extend(&terminal.bytes);
    Ok(())
}

fn length(size: usize) -> Result<[u8; 4], String> {
    u32::try_from(size)
        .map(u32::to_be_bytes)
        .map_err(|_| "a value is longer than 4 GiB".to_owned())
}

fn decode(type_id: TypeId, bytes: &[u8], depth: usize) -> Result<Value, String> {
    if depth > DEPTH {
        return Err("Nesting Levels have exceeded supported limits".to_owned());
    }
    let mut reader = Reader { rest: bytes };
    let value = match type_id {
        TypeId::NULL => Value::Null,
        TypeId::S => Value::S(text(reader.all())?),
        TypeId::N => Value::N(text(reader.all())?),
        TypeId::B => Value::B(reader.all().to_vec()),
        TypeId::BOOL => match reader.all() {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return Err("Boolean Value of length other than one or neither 0 nor 1".to_owned()),
        },
        TypeId::SS => Value::Ss(decode_set(&mut reader, text)?),
        TypeId::NS => Value::Ns(decode_set(&mut reader, text)?),
        TypeId::BS => Value::Bs(decode_set(&mut reader, |entry| Ok(entry.to_vec()))?),
        TypeId::L => {
            let count = reader.length()?;
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(reader.typed(depth)?);
            }
            Value::L(values)
        }
        TypeId::M => {
            let count = reader.length()?;
            let mut members = BTreeMap::new();
            for _ in 0..count {
                let Value::S(key) = reader.typed(depth)? else {
                    return Err("Key of Map is not String".to_owned());
                };
                if members.insert(key, reader.typed(depth)?).is_some() {
                    return Err("Duplicate key in map".to_owned());
                }
            }
            Value::M(members)
        }
        TypeId(other) => return Err(format!("Unsupported TypeId {other:02x?}")),
    };
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err("trailing bytes".to_owned())
    }
}

fn decode_set<T: Ord>(
    reader: &mut Reader<'_>,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<BTreeSet<T>, String> {
    let count = reader.length()?;
    let mut set = BTreeSet::new();
    for _ in 0..count {
        let size = reader.length()?;
        if !set.insert(parse(reader.take(size)?)?) {
            return Err("Duplicate value in set".to_owned());
        }
    }
    Ok(set)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "text is not UTF-8".to_owned())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
    fn take(&mut self, size: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or("Out of bytes")?;
        self.rest = rest;
        Ok(taken)
    }
    fn length(&mut self) -> Result<usize, String> {
        let bytes = self.take(4)?.try_into().map_err(|_| "Out of bytes")?;
        usize::try_from(u32::from_be_bytes(bytes)).map_err(|_| "too long".to_owned())
    }
    fn typed(&mut self, depth: usize) -> Result<Value, String> {
        let type_id = self.take(2)?.try_into().map_err(|_| "Out of bytes")?;
        let size = self.length()?;
        decode(TypeId(type_id), self.take(size)?, depth + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex_of(value: &Value) -> String {
        let terminal = Terminal::of(value).unwrap();
        format!(
            "{} {}",
            hex::encode(terminal.type_id.0),
            hex::encode(terminal.bytes)
        )
    }

    fn strings<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
        texts.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn cse_019_every_type_has_its_id_and_layout() {
        let cases = [
            (Value::Null, "0000 "),
            (Value::S("a".into()), "0001 61"),
            (Value::N("1.0".into()), "0002 31"),
            (Value::Bool(true), "0004 01"),
            (Value::Bool(false), "0004 00"),
            (Value::B(vec![7]), "ffff 07"),
            (
                Value::Ss(strings(["b", "a"])),
                "0101 00000002000000016100000001 62",
            ),
            (
                Value::Ns(strings(["10", "2.0"])),
                "0102 0000000200000002313000000001 32",
            ),
            (
                Value::Bs([vec![2], vec![1, 1]].into()),
                "01ff 00000002000000020101 00000001 02",
            ),
            (
                Value::L(vec![Value::Null, Value::S("x".into())]),
                "0300 00000002 0000 00000000 0001 00000001 78",
            ),
            (
                Value::M([("k".to_owned(), Value::Bool(true))].into()),
                "0200 00000001 0001 00000001 6b 0004 00000001 01",
            ),
        ];
        for (value, wanted) in cases {
            let (id, bytes) = wanted.split_once(' ').unwrap();
            let wanted = format!("{id} {}", bytes.replace(' ', ""));
            assert_eq!(hex_of(&value), wanted, "{value:?}");
        }
    }

    #[test]
    fn cse_019_texts_in_sets_and_maps_are_in_utf16_order() {
        // U+1F600 is D83D DE00 in UTF-16 and so comes before U+FFFD; in UTF-8 it comes after.
        let set = Terminal::of(&Value::Ss(strings(["\u{fffd}", "\u{1f600}"]))).unwrap();
        assert_eq!(
            hex::encode(set.bytes),
            "0000000200000004f09f988000000003efbfbd"
        );
        let map = Value::M(
            [
                ("\u{fffd}".to_owned(), Value::Null),
                ("\u{1f600}".to_owned(), Value::Null),
            ]
            .into(),
        );
        assert!(hex_of(&map).find("f09f9880") < hex_of(&map).find("efbfbd"));
    }

    #[test]
    fn nested_values_come_back() {
        let inner = Value::M(
            [
                ("n".to_owned(), Value::N("-1.5".into())),
                ("l".to_owned(), Value::L(vec![])),
            ]
            .into(),
        );
        let value = Value::L(vec![
            inner,
            Value::Ns(strings(["1", "2"])),
            Value::Bs([vec![], vec![0]].into()),
        ]);
        let terminal = Terminal::of(&value).unwrap();
        assert_eq!(terminal.value(), Ok(value));
    }

    #[test]
    fn numbers_equal_after_normalisation_are_duplicates() {
        let error = Terminal::of(&Value::Ns(strings(["1", "1.0"])))
            .err()
            .unwrap();
        assert_eq!(error.code(), "SchemaViolation");
    }

    #[test]
    fn broken_bytes_are_refused_and_never_panic() {
        for (type_id, bytes) in [
            (TypeId::BOOL, vec![2]),
            (TypeId::BOOL, vec![]),
            (TypeId::NULL, vec![0]),
            (TypeId::S, vec![0xff]),
            (TypeId::SS, vec![0, 0, 0, 1]),
            (TypeId::L, vec![0xff; 4]),
            (TypeId::M, vec![0, 0, 0, 1, 0, 2, 0, 0, 0, 0]),
            (TypeId([9, 9]), vec![]),
        ] {
            assert!(Terminal { type_id, bytes }.value().is_err());
        }
    }
}
