//! Protobuf bytes to JSON value.

use serde_json::{Map, Number, Value};

use super::{Face, Times, plain, time};
use crate::tables::{Card, FieldDef, Kind, MessageDef};
use crate::validate::{MAX_DEPTH, find};
use crate::wire::{Fields, Malformed, Value as Wire, map_entry};

/// Turns a message into a value.
///
/// Lists and maps that are empty are left out, unless the definition says that AWS
/// writes them.
///
/// # Errors
/// [`Malformed`] when the bytes are not this message.
pub fn decode(def: &'static MessageDef, message: &[u8], face: Face) -> Result<Value, Malformed> {
    self::message(def, message, face, 0)
}

fn message(
    def: &'static MessageDef,
    bytes: &[u8],
    face: Face,
    depth: usize,
) -> Result<Value, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    let mut slots: Vec<Option<Value>> = def
        .fields
        .iter()
        .map(|field| match field.card {
            Card::List if field.shape.emit_empty || def.transparent => {
                Some(Value::Array(Vec::new()))
            }
            Card::Map if field.shape.emit_empty || def.transparent => {
                Some(Value::Object(Map::new()))
            }
            _ => None,
        })
        .collect();
    for entry in Fields::of(bytes) {
        let (tag, wire) = entry?;
        if let Some((at, field)) = find(def, tag) {
            if def.union {
                // On protobuf's wire the last member of a union wins.
                slots.fill(None);
            }
            if face.shows(field) {
                put(&mut slots[at], field, wire, face, depth)?;
            }
        }
    }
    if def.transparent {
        return Ok(slots.into_iter().next().flatten().unwrap_or(Value::Null));
    }
    let shown = def.fields.iter().zip(slots);
    let shown = shown.filter(|(field, _)| face.shows(field));
    let members: Map<String, Value> = shown
        .filter_map(|(field, slot)| slot.map(|value| (face.name(field), value)))
        .collect();
    if face.plain_values && def.is_plain_value() {
        return Ok(plain::decode(members));
    }
    Ok(Value::Object(members))
}

fn put(
    slot: &mut Option<Value>,
    field: &'static FieldDef,
    wire: Wire<'_>,
    face: Face,
    depth: usize,
) -> Result<(), Malformed> {
    match field.card {
        Card::One => *slot = Some(value(field.kind, wire, face, depth)?),
        Card::List => {
            let item = value(field.kind, wire, face, depth)?;
            match slot {
                Some(Value::Array(items)) => items.push(item),
                _ => *slot = Some(Value::Array(vec![item])),
            }
        }
        Card::Map => {
            let (key, wire) = map_entry(wire.bytes()?)?;
            let item = match wire {
                Some(wire) => value(field.kind, wire, face, depth)?,
                None => nothing(field.kind, face, depth)?,
            };
            match slot {
                Some(Value::Object(entries)) => {
                    entries.insert(key.to_owned(), item);
                }
                _ => {
                    *slot = Some(Value::Object(
                        [(key.to_owned(), item)].into_iter().collect(),
                    ))
                }
            }
        }
    }
    Ok(())
}

fn value(kind: Kind, wire: Wire<'_>, face: Face, depth: usize) -> Result<Value, Malformed> {
    Ok(match kind {
        Kind::Str => Value::String(wire.text()?.to_owned()),
        Kind::Bytes => Value::String(plain::bytes_out(wire.bytes()?, face.bytes)),
        Kind::Bool => Value::Bool(wire.varint()? != 0),
        Kind::I32 | Kind::I64 => Value::Number(Number::from(wire.varint()?.cast_signed())),
        Kind::F64 => match wire {
            Wire::Fixed64(bits) => {
                Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
            }
            Wire::Varint(_) | Wire::Bytes(_) | Wire::Fixed32(_) => return Err(Malformed),
        },
        Kind::Timestamp => {
            let millis = wire.varint()?.cast_signed();
            match face.times {
                Times::Seconds => time::to_seconds(millis),
                Times::Iso => Value::String(time::to_iso(millis)),
                Times::Text => Value::String(time::to_text(millis)),
            }
        }
        Kind::Message(def) => message(def, wire.bytes()?, face, depth + 1)?,
    })
}

/// A map entry whose value is proto's default: it is not on the wire.
fn nothing(kind: Kind, face: Face, depth: usize) -> Result<Value, Malformed> {
    match kind {
        Kind::F64 => value(kind, Wire::Fixed64(0), face, depth),
        Kind::Str | Kind::Bytes | Kind::Message(_) => value(kind, Wire::Bytes(&[]), face, depth),
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::Timestamp => {
            value(kind, Wire::Varint(0), face, depth)
        }
    }
}
