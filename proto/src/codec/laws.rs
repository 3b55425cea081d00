//! Laws that hold for every definition.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::handlers::{
    CloudTrailRequest, DatabaseRequest, DynamoDbRequest, DynamoDbStreamsRequest, Ec2Request,
    IamRequest, KmsRequest, OrganizationsRequest, RdsRequest, RedshiftRequest, S3ControlRequest,
    S3Request, SecretsManagerRequest, SsmRequest, StsRequest,
};
use crate::tables::Card;
use crate::{registry, validate};

/// A value with every member, different for each seed; lists and maps have two entries.
fn sample(message: &MessageDef, seed: u64, depth: usize) -> Value {
    if let Some(inner) = message.seen_through() {
        return filled(inner, seed, depth);
    }
    let mut members = Map::new();
    let chosen = message.fields.iter().enumerate().filter(|(at, field)| {
        // Of a union one member; nothing endless.
        let only = !message.union || *at as u64 == seed % message.fields.len() as u64;
        only && !field.shape.body && (depth < 6 || !matches!(field.kind, Kind::Message(_)))
    });
    for (at, field) in chosen {
        members.insert(
            field.aws.to_owned(),
            filled(field, seed.wrapping_mul(31).wrapping_add(at as u64), depth),
        );
    }
    if members.is_empty() && message.union {
        members.insert("S".to_owned(), json!("end"));
    }
    Value::Object(members)
}

fn filled(field: &FieldDef, seed: u64, depth: usize) -> Value {
    match field.card {
        Card::One => one(field, seed, depth),
        Card::List => json!([one(field, seed, depth), one(field, seed + 1, depth)]),
        Card::Map => json!({ "a": one(field, seed, depth), "b c": one(field, seed + 1, depth) }),
    }
}

fn one(field: &FieldDef, seed: u64, depth: usize) -> Value {
    match field.kind {
        Kind::Str => json!(format!("text {seed}")),
        Kind::Bytes => json!(plain::bytes_out(&seed.to_be_bytes(), Bytes::Base64)),
        Kind::Bool => json!(seed.is_multiple_of(2)),
        Kind::I32 => json!(seed as i32),
        Kind::I64 => json!(seed.cast_signed()),
        Kind::F64 => json!((seed % 1000) as f64 / 4.0),
        Kind::Timestamp => json!(seed % 4_000_000_000),
        Kind::Message(message) => sample(message, seed, depth + 1),
    }
}

fn typed(operation: &str, bytes: &[u8]) -> bool {
    macro_rules! any {
        ($($request:ident)*) => { $($request::decode(operation, bytes).is_some_and(|read| read.is_ok()))||* };
    }
    any!(KmsRequest IamRequest StsRequest S3Request S3ControlRequest DynamoDbRequest DynamoDbStreamsRequest Ec2Request CloudTrailRequest OrganizationsRequest SecretsManagerRequest SsmRequest RdsRequest RedshiftRequest DatabaseRequest)
}

#[test]
fn every_message_goes_through_aws_json_unchanged() {
    for message in registry::messages()
        .into_iter()
        .filter(|message| !message.transparent)
    {
        for seed in [1, 7, 12_345, 99_999_999_999] {
            let value = sample(message, seed, 0);
            let bytes = encode(message, &value, Face::AWS_JSON)
                .expect("the sample fits its definition")
                .message;
            assert_eq!(
                decode(message, &bytes, Face::AWS_JSON),
                Ok(value),
                "{}",
                message.name
            );
            let scenario = to_snake(message, &bytes, None).expect("the bytes are the message");
            let again = from_snake(message, &scenario).expect("a result is a good argument");
            let back = decode(message, &again.message, Face::AWS_JSON);
            assert_eq!(
                back,
                decode(message, &bytes, Face::AWS_JSON),
                "{}",
                message.name
            );
        }
    }
}

#[test]
fn tables_and_messages_agree_about_the_wire() {
    for operation in registry::operations() {
        for seed in 0..12 {
            let value = sample(operation.input, seed, 0);
            let bytes = encode(operation.input, &value, Face::AWS_JSON)
                .expect("the sample fits")
                .message;
            assert!(
                typed(operation.id, &bytes),
                "{} reads what the tables write",
                operation.id
            );
        }
    }
}

fn yaml() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>()
            .prop_filter("JSON has no infinity", |number| number.is_finite())
            .prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{0,3}|S|M|NULL", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect()))
                .prop_filter("an explicit form is not plain", |value| plain::explicit(
                    value
                )
                .is_none()),
        ]
    })
}

proptest! {
    #[test]
    fn a_plain_item_comes_back_as_it_went(value in yaml()) {
        let input = registry::find_verb("dynamodb.put_item").expect("DynamoDB puts").input;
        let arguments = json!({ "table_name": "orders", "item": { "id": value } });
        let bytes = from_snake(input, &arguments).expect("plain values fit").message;
        prop_assert_eq!(to_snake(input, &bytes, None), Ok(arguments));
    }

    #[test]
    fn bytes_come_back_as_they_went(bytes: Vec<u8>) {
        for form in [Bytes::Base64, Bytes::Text] {
            let written = plain::bytes_out(&bytes, form);
            prop_assert_eq!(plain::bytes_in(&written, form), Some(bytes.clone()));
        }
    }

    #[test]
    fn no_bytes_make_a_walk_panic(bytes: Vec<u8>, which: prop::sample::Index) {
        let messages = registry::messages();
        let message = messages[which.index(messages.len())];
        let _ = validate::check(message, &bytes);
        let _ = decode(message, &bytes, Face::SCENARIO);
        let _ = split_body(message, &bytes);
    }
}
