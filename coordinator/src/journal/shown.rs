//! A message as the journal shows it: AWS member names, secrets and long values as digests.
//!
//! It walks the tables over the bytes as they were sent. It is not a wire format: sensitive
//! members show length, digest and canary name, other bytes short of the limit base64.

use base64::Engine;
use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, Shape};
use faultline_proto::wire::{self, Fields, Malformed};
use serde_json::{Map, Value, json};

use super::redact::{Canaries, LONGEST, digest};

/// Shows `bytes`, a message of the form `def`.
#[must_use]
pub fn shown(def: &MessageDef, bytes: &[u8], canaries: &Canaries) -> Value {
    let shower = Shower { canaries };
    shower
        .message(def, bytes)
        .unwrap_or_else(|_| json!({ "malformed": digest(bytes, canaries) }))
}

struct Shower<'a> {
    canaries: &'a Canaries,
}

impl Shower<'_> {
    fn message(&self, def: &MessageDef, bytes: &[u8]) -> Result<Value, Malformed> {
        let mut members = Map::new();
        for field in Fields::of(bytes) {
            let (tag, value) = field?;
            let Some(field) = def.fields.iter().find(|field| field.tag == tag) else {
                continue;
            };
            match field.card {
                Card::One => {
                    members.insert(field.aws.to_owned(), self.value(field, field.shape, value)?);
                }
                Card::List => {
                    let list = members.entry(field.aws).or_insert_with(|| json!([]));
                    self.items(field, value, list)?;
                }
                Card::Map => {
                    let (key, value) = wire::map_entry(value.bytes()?)?;
                    let value = value.map_or(Ok(Value::Null), |value| {
                        self.value(field, item(field), value)
                    })?;
                    members.entry(field.aws).or_insert_with(|| json!({}))[key] = value;
                }
            }
        }
        Ok(if def.transparent && def.fields.len() == 1 {
            members
                .remove(def.fields[0].aws)
                .unwrap_or_else(|| json!([]))
        } else {
            Value::Object(members)
        })
    }

    /// One item of a list, or all of a packed one.
    fn items(
        &self,
        field: &FieldDef,
        value: wire::Value<'_>,
        list: &mut Value,
    ) -> Result<(), Malformed> {
        let Some(list) = list.as_array_mut() else {
            return Err(Malformed);
        };
        match (field.kind, value) {
            (
                Kind::Bool | Kind::I32 | Kind::I64 | Kind::Timestamp,
                wire::Value::Bytes(mut packed),
            ) => {
                while !packed.is_empty() {
                    let (number, rest) = varint(packed)?;
                    list.push(self.value(field, item(field), wire::Value::Varint(number))?);
                    packed = rest;
                }
            }
            _ => list.push(self.value(field, item(field), value)?),
        }
        Ok(())
    }

    fn value(
        &self,
        field: &FieldDef,
        shape: &Shape,
        value: wire::Value<'_>,
    ) -> Result<Value, Malformed> {
        if shape.sensitive || field.shape.sensitive {
            return Ok(match value {
                wire::Value::Bytes(bytes) => digest(bytes, self.canaries),
                wire::Value::Varint(_) | wire::Value::Fixed64(_) | wire::Value::Fixed32(_) => {
                    json!("hidden")
                }
            });
        }
        Ok(match field.kind {
            Kind::Str => {
                let text = value.text()?;
                if text.len() > LONGEST {
                    digest(text.as_bytes(), self.canaries)
                } else {
                    text.into()
                }
            }
            Kind::Bytes => {
                let bytes = value.bytes()?;
                if bytes.len() > LONGEST {
                    digest(bytes, self.canaries)
                } else {
                    base64::engine::general_purpose::STANDARD
                        .encode(bytes)
                        .into()
                }
            }
            Kind::Bool => (value.varint()? != 0).into(),
            Kind::I32 | Kind::I64 | Kind::Timestamp => value.varint()?.cast_signed().into(),
            Kind::F64 => match value {
                wire::Value::Fixed64(bits) => f64::from_bits(bits).to_string().into(),
                wire::Value::Varint(_) | wire::Value::Bytes(_) | wire::Value::Fixed32(_) => {
                    return Err(Malformed);
                }
            },
            Kind::Message(def) => self.message(def, value.bytes()?)?,
        })
    }
}

/// What the definition says of the items of a list or the values of a map.
fn item(field: &FieldDef) -> &Shape {
    field.shape.item.unwrap_or(field.shape)
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return Ok((value, &bytes[at + 1..]));
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::kms::EncryptRequest;
    use faultline_proto::registry::find_operation;
    use prost::Message;

    #[test]
    fn secrets_show_their_canary_and_the_rest_its_aws_names() {
        let request = EncryptRequest {
            key_id: Some("alias/x".to_owned()),
            plaintext: Some(b"4242".to_vec()),
            encryption_context: [("app".to_owned(), "shop".to_owned())].into(),
            ..EncryptRequest::default()
        };
        let mut canaries = Canaries::default();
        canaries.add("card", b"4242");
        let def = find_operation("kms.Encrypt").expect("it is defined").input;
        let value = shown(def, &request.encode_to_vec(), &canaries);
        assert_eq!(value["KeyId"], "alias/x");
        assert_eq!(value["Plaintext"]["canary"], "card");
        assert_eq!(value["Plaintext"]["length"], 4);
        assert_eq!(value["EncryptionContext"], json!({ "app": "shop" }));
    }

    #[test]
    fn what_is_no_message_is_shown_as_a_digest() {
        let def = find_operation("kms.Encrypt").expect("it is defined").input;
        assert_eq!(
            shown(def, &[0xff], &Canaries::default())["malformed"]["length"],
            1
        );
    }
}
