use super::*;
use crate::{Operation, dynamodb, ec2, iam, kms, registry, s3};

fn verdict<T: Operation>(request: &T) -> Result<(), (&'static str, String)> {
    validate(T::def(), &request.encode_to_vec()).map_err(|refusal| (refusal.code, refusal.message))
}

fn says<T: Operation>(request: &T, code: &str, message: &str) {
    let (said_code, said) = verdict(request).expect_err("the request is wrong");
    assert_eq!((said_code, said.as_str()), (code, message));
}

#[test]
fn every_pattern_of_the_definitions_compiles() {
    fn compiles(shape: &crate::tables::Shape, name: &str) {
        if let Some(pattern) = shape.pattern {
            assert!(crate::pattern::compiles(pattern), "{name}: {pattern}");
        }
        for inner in [shape.item, shape.key].into_iter().flatten() {
            compiles(inner, name);
        }
    }
    for message in registry::messages() {
        assert!(
            message.fields.len() <= 128,
            "the walk marks members in 128 bits"
        );
        for field in message.fields {
            compiles(field.shape, field.aws);
        }
    }
}

#[test]
fn k015_an_unknown_value_is_answered_with_the_enum_value_set() {
    let request = kms::CreateKeyRequest {
        key_usage: Some("EVERYTHING".into()),
        ..Default::default()
    };
    says(
        &request,
        "ValidationException",
        "1 validation error detected: Value 'EVERYTHING' at 'keyUsage' failed to satisfy constraint: Member must satisfy enum value set: [SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT, ENCAPSULATE_DECAPSULATE]",
    );
}

#[test]
fn a_long_value_is_repeated_to_a_bound() {
    let request = kms::EncryptRequest {
        key_id: Some("ab".repeat(250_000)),
        plaintext: Some(vec![1]),
        ..Default::default()
    };
    let (code, message) = verdict(&request).unwrap_err();
    assert_eq!(code, "ValidationException");
    assert!(message.contains("...' at 'keyId'"), "{message}");
    assert!(message.len() < 2_000, "{}", message.len());
}

#[test]
fn k058_too_much_plaintext_is_refused_without_showing_it() {
    let mut request = kms::EncryptRequest {
        key_id: Some("k".into()),
        plaintext: Some(vec![0; 4096]),
        ..Default::default()
    };
    assert_eq!(verdict(&request), Ok(()));
    request.plaintext = Some(vec![0; 4097]);
    says(
        &request,
        "ValidationException",
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    );
}

#[test]
fn k015_missing_members_are_null_and_come_in_the_order_of_the_definition() {
    says(
        &kms::EncryptRequest {
            grant_tokens: vec![String::new()],
            ..Default::default()
        },
        "ValidationException",
        "3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value null at 'plaintext' failed to satisfy constraint: Member must not be null; Value '[]' at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]",
    );
}

#[test]
fn a_place_inside_lists_and_structures_has_aws_spelling() {
    let tag = kms::Tag {
        tag_key: Some(String::new()),
        tag_value: None,
    };
    says(
        &kms::CreateKeyRequest {
            tags: vec![tag],
            ..Default::default()
        },
        "ValidationException",
        "2 validation errors detected: Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'tags.1.member.tagValue' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn query_services_call_it_validation_error() {
    let (code, message) = verdict(&iam::CreateUserRequest {
        user_name: Some("a b".into()),
        ..Default::default()
    })
    .expect_err("a blank is not allowed");
    assert_eq!(code, "ValidationError");
    assert!(
        message.ends_with("Member must satisfy regular expression pattern: [\\w+=,.@-]+"),
        "{message}"
    );
}

#[test]
fn ec2_names_the_missing_parameter() {
    says(
        &ec2::CreateSnapshotRequest::default(),
        "MissingParameter",
        "The request must contain the parameter VolumeId",
    );
}

#[test]
fn a_rule_without_a_destination_is_malformed_xml() {
    let rule = s3::ReplicationRule {
        status: Some("Enabled".into()),
        ..Default::default()
    };
    let request = s3::PutBucketReplicationRequest {
        bucket: Some("photos".into()),
        replication_configuration: Some(s3::ReplicationConfiguration {
            role: Some("arn:aws:iam::111111111111:role/r".into()),
            rules: vec![rule],
        }),
        ..Default::default()
    };
    assert_eq!(
        verdict(&request).expect_err("destination is required").0,
        "MalformedXML"
    );
}

fn nested(levels: usize) -> dynamodb::PutItemRequest {
    let mut value = dynamodb::AttributeValue {
        value: Some(dynamodb::attribute_value::Value::S("x".into())),
    };
    for _ in 1..levels {
        let items = [("m".to_owned(), value)].into();
        let map = dynamodb::MapAttributeValue { items };
        value = dynamodb::AttributeValue {
            value: Some(dynamodb::attribute_value::Value::M(map)),
        };
    }
    dynamodb::PutItemRequest {
        table_name: Some("orders".into()),
        item: [("id".to_owned(), value)].into(),
        ..Default::default()
    }
}

#[test]
fn dynamodb_takes_32_levels_and_no_bottomless_pit() {
    assert_eq!(verdict(&nested(32)), Ok(()));
    assert_eq!(
        verdict(&nested(60)).expect_err("too deep").0,
        "ValidationException"
    );
}

#[test]
fn an_attribute_value_without_a_type_is_refused_in_dynamodbs_words() {
    let request = dynamodb::GetItemRequest {
        table_name: Some("orders".into()),
        key: [("id".to_owned(), dynamodb::AttributeValue { value: None })].into(),
        ..Default::default()
    };
    says(
        &request,
        "ValidationException",
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    );
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let refused = validate(kms::EncryptRequest::def(), &[0xff, 0xff]).expect_err("garbage");
    assert_eq!(refused.code, "SerializationException");
}
