use prost::Message;
use serde_json::json;

use super::*;
use crate::{Operation, dynamodb, kms, s3};

fn operation<T: Operation>() -> &'static crate::tables::OperationDef {
    T::def()
}

#[test]
fn aws_json_becomes_the_message_and_ignores_what_it_does_not_know() {
    let text =
        br#"{"KeyId":"k","Plaintext":"aGk=","EncryptionContext":{"a":""},"New":1,"DryRun":null}"#;
    let bytes = json::request(operation::<kms::EncryptRequest>(), text).expect("a good request");
    let request = kms::EncryptRequest::decode(bytes.as_slice()).expect("the bytes are the message");
    assert_eq!(request.plaintext.as_deref(), Some(b"hi".as_slice()));
    assert_eq!(
        request.encryption_context,
        [("a".to_owned(), String::new())].into()
    );
    assert_eq!(request.dry_run, None);
    let answer = kms::EncryptResponse {
        ciphertext_blob: Some(vec![1, 2]),
        ..Default::default()
    };
    let text = json::response(operation::<kms::EncryptRequest>(), &answer.encode_to_vec());
    assert_eq!(text.as_deref(), Ok(r#"{"CiphertextBlob":"AQI="}"#));
}

#[test]
fn aws_json_refuses_another_type_with_a_serialization_exception() {
    let refused =
        json::request(operation::<kms::EncryptRequest>(), br#"{"KeyId":7}"#).expect_err("a number");
    assert_eq!(refused.code, "SerializationException");
    assert_eq!(
        refused.message,
        "NUMBER_VALUE can not be converted to String"
    );
    let refused =
        json::request(operation::<kms::EncryptRequest>(), b"").expect_err("members are required");
    assert_eq!(refused.code, "ValidationException");
}

#[test]
fn empty_lists_are_written_where_aws_writes_them() {
    let keys = json::response(operation::<kms::ListKeysRequest>(), &[]);
    assert_eq!(keys.as_deref(), Ok(r#"{"Keys":[]}"#));
    assert_eq!(
        json::response(operation::<kms::EnableKeyRequest>(), &[]).as_deref(),
        Ok("")
    );
}

#[test]
fn times_are_seconds_on_aws_json_and_iso_in_scenarios() {
    let metadata = kms::KeyMetadata {
        creation_date: Some(1_716_400_000_123),
        ..Default::default()
    };
    let answer = kms::DescribeKeyResponse {
        key_metadata: Some(metadata),
    }
    .encode_to_vec();
    let output = operation::<kms::DescribeKeyRequest>().output;
    let aws = decode(output, &answer, Face::AWS_JSON).expect("decodes");
    assert_eq!(
        aws,
        json!({ "KeyMetadata": { "CreationDate": 1_716_400_000.123 } })
    );
    let ours = to_snake(output, &answer, None).expect("decodes");
    assert_eq!(
        ours,
        json!({ "key_metadata": { "creation_date": "2024-05-22T17:46:40.123Z" } })
    );
}

#[test]
fn scenario_arguments_are_strict_and_report_everything() {
    let wrong = json!({ "keyid": "payments", "plaintext": 7, "encryption_context": { "a": 1 } });
    let problems =
        from_snake(operation::<kms::EncryptRequest>().input, &wrong).expect_err("three problems");
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "encryption_context.a: expected text, found a number",
            "keyid: unknown argument 'keyid', did you mean 'key_id'?",
            "plaintext: expected bytes, found a number",
        ]
    );
}

#[test]
fn scenario_bytes_are_text_or_marked_base64() {
    let input = operation::<kms::EncryptRequest>().input;
    let bytes = from_snake(input, &json!({ "key_id": "k", "plaintext": "4242" }))
        .expect("good")
        .message;
    let request = kms::EncryptRequest::decode(bytes.as_slice()).expect("the bytes are the message");
    assert_eq!(request.plaintext.as_deref(), Some(b"4242".as_slice()));
    let output = operation::<kms::EncryptRequest>().output;
    let sealed = kms::EncryptResponse {
        ciphertext_blob: Some(vec![0xff, 0]),
        ..Default::default()
    };
    let shown = to_snake(output, &sealed.encode_to_vec(), None).expect("decodes");
    assert_eq!(shown, json!({ "ciphertext_blob": "base64:/wA=" }));
    let back = from_snake(operation::<kms::DecryptRequest>().input, &shown)
        .expect("an answer is an argument")
        .message;
    assert_eq!(
        kms::DecryptRequest::decode(back.as_slice())
            .expect("message")
            .ciphertext_blob,
        Some(vec![0xff, 0])
    );
}

#[test]
fn a_body_travels_beside_its_message() {
    let input = operation::<s3::PutObjectRequest>().input;
    let put = from_snake(
        input,
        &json!({ "bucket": "photos", "key": "sea", "body": "waves" }),
    )
    .expect("good");
    assert_eq!(put.body.as_deref(), Some(b"waves".as_slice()));
    let request = s3::PutObjectRequest::decode(put.message.as_slice()).expect("message");
    assert_eq!(request.body, None);
    let output = operation::<s3::GetObjectRequest>().output;
    assert_eq!(
        to_snake(output, &[], Some(b"waves")),
        Ok(json!({ "body": "waves" }))
    );
    let mut whole = put.message.clone();
    join_body(input, &mut whole, b"waves");
    assert_eq!(split_body(input, &whole), Ok((put.message, put.body)));
}

#[test]
fn policies_may_be_written_as_yaml() {
    let policy = json!({ "Version": "2012-10-17", "Statement": [] });
    let arguments = json!({ "key_id": "k", "policy": policy });
    let bytes = from_snake(operation::<kms::PutKeyPolicyRequest>().input, &arguments)
        .expect("good")
        .message;
    let request = kms::PutKeyPolicyRequest::decode(bytes.as_slice()).expect("message");
    assert_eq!(
        request.policy.as_deref(),
        Some(r#"{"Statement":[],"Version":"2012-10-17"}"#)
    );
}

#[test]
fn dynamodb_items_are_plain_in_scenarios_and_typed_on_the_wire() {
    let put = operation::<dynamodb::PutItemRequest>().input;
    let item = json!({
        "id": "o-1", "n": 7, "ok": true, "none": null, "list": ["a", 1], "map": { "x": "y" }, "void": {},
        "set": { "SS": ["a", "b"] }, "raw": { "B": "base64:AAE=" }, "big": { "N": "1e200" }, "odd": { "M": { "S": "x" } },
    });
    let bytes = from_snake(put, &json!({ "table_name": "orders", "item": item }))
        .expect("good")
        .message;
    let typed = decode(put, &bytes, Face::AWS_JSON).expect("decodes");
    assert_eq!(
        typed["Item"],
        json!({
            "id": { "S": "o-1" }, "n": { "N": "7" }, "ok": { "BOOL": true }, "none": { "NULL": true },
            "list": { "L": [{ "S": "a" }, { "N": "1" }] }, "map": { "M": { "x": { "S": "y" } } }, "void": { "M": {} },
            "set": { "SS": ["a", "b"] }, "raw": { "B": "AAE=" }, "big": { "N": "1e200" },
            "odd": { "M": { "S": { "S": "x" } } },
        })
    );
    let again = json::request(
        operation::<dynamodb::PutItemRequest>(),
        typed.to_string().as_bytes(),
    )
    .expect("good");
    let decoded = |bytes: &[u8]| dynamodb::PutItemRequest::decode(bytes).expect("message");
    assert_eq!(decoded(&again), decoded(&bytes));
    let back = to_snake(put, &bytes, None).expect("decodes");
    let mut expected = item;
    expected["raw"] = json!({ "B": "base64:AAE=" });
    assert_eq!(back["item"], expected);
}

#[test]
fn json_takes_dynamodbs_32_levels() {
    let mut value = json!({ "S": "x" });
    for _ in 1..32 {
        value = json!({ "M": { "m": value } });
    }
    let text = json!({ "TableName": "orders", "Item": { "id": value } }).to_string();
    let bytes = json::request(operation::<dynamodb::PutItemRequest>(), text.as_bytes())
        .expect("32 levels are allowed");
    assert!(dynamodb::PutItemRequest::decode(bytes.as_slice()).is_ok());
}

#[test]
fn k257_the_trail_has_no_secrets() {
    let request = kms::EncryptRequest {
        key_id: Some("k".into()),
        plaintext: Some(b"secret".to_vec()),
        encryption_context: [("table".to_owned(), "orders".to_owned())].into(),
        ..Default::default()
    };
    let shown = trail(
        operation::<kms::EncryptRequest>().input,
        &request.encode_to_vec(),
    )
    .expect("decodes");
    assert_eq!(
        shown,
        json!({ "keyId": "k", "encryptionContext": { "table": "orders" } })
    );
}
