//! KMS on its wire, by the ids of the facts (K-279 to K-286).

use faultline_proto::registry::find_service;
use faultline_proto::tables::Protocol;
use serde_json::{Value, json};

use super::super::errors::Problem;
use super::*;

impl Client {
    /// A KMS call that must be answered.
    async fn made(&self, operation: &str, body: Value) -> Got {
        let got = self.kms(operation, &body.to_string()).await;
        assert_eq!(got.status, 200, "{operation}: {got:?}");
        got
    }

    /// A fresh key's id and metadata.
    async fn key(&self, body: Value) -> (String, Value) {
        let made = self.made("CreateKey", body).await.json();
        let metadata = made["KeyMetadata"].clone();
        (
            metadata["KeyId"].as_str().expect("an id").to_owned(),
            metadata,
        )
    }
}

#[test]
fn k_279_every_operation_is_a_post_to_the_root_with_its_target() {
    let service = find_service("kms").expect("KMS");
    assert_eq!(service.target, "TrentService");
    assert!(matches!(service.protocol, Protocol::Json11));
    with_gateway(Limits::default(), async |client| {
        for operation in service.operations {
            // Nothing that it needs is said, or the key is nobody's: it is known all the same.
            let got = client.kms(operation.name, "{}").await;
            let code = got.json()["__type"].as_str().unwrap_or_default().to_owned();
            assert_ne!(code, "UnknownOperationException", "{}", operation.name);
            assert_eq!(got.header("content-type"), "application/x-amz-json-1.1");
        }
        let got = client.kms("Nonsense", "{}").await;
        assert_eq!(got.refused(), (404, "UnknownOperationException".into()));
    });
}

#[test]
fn k_280_blobs_are_base64_times_are_numbers_and_what_is_absent_is_left_out() {
    with_gateway(Limits::default(), async |client| {
        let made = client.made("CreateKey", json!({})).await;
        assert!(!made.body.contains("null"), "{made:?}");
        let metadata = &made.json()["KeyMetadata"];
        assert!(metadata["CreationDate"].is_number(), "{metadata}");
        for absent in ["DeletionDate", "ValidTo", "MultiRegionConfiguration"] {
            assert_eq!(metadata.get(absent), None, "{absent}");
        }
        let key = &metadata["KeyId"];
        let asked = json!({ "KeyId": key, "Plaintext": "aGVsbG8=" });
        let sealed = client.made("Encrypt", asked).await.json();
        let blob = sealed["CiphertextBlob"].as_str().expect("text");
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(blob);
        assert!(bytes.is_ok_and(|bytes| bytes.len() > 64), "{blob}");
        let asked = json!({ "KeyId": key, "PendingWindowInDays": 7 });
        let dated = client.made("ScheduleKeyDeletion", asked).await;
        assert!(
            dated.json()["DeletionDate"].is_f64(),
            "a fraction: {dated:?}"
        );
    });
}

/// What answers nothing.
const WITHOUT_OUTPUT: [&str; 14] = [
    "CreateAlias",
    "UpdateAlias",
    "DeleteAlias",
    "EnableKey",
    "DisableKey",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "TagResource",
    "UntagResource",
    "RetireGrant",
    "RevokeGrant",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
];

#[test]
fn k_281_operations_without_output_answer_200_and_nothing() {
    for name in WITHOUT_OUTPUT {
        let known = faultline_proto::registry::find_operation(&format!("kms.{name}"));
        assert!(known.expect("built").output.fields.is_empty(), "{name}");
    }
    with_gateway(Limits::default(), async |client| {
        let (key, _) = client.key(json!({})).await;
        let (other, _) = client.key(json!({})).await;
        let grant = json!({
            "KeyId": key, "Operations": ["Decrypt"],
            "GranteePrincipal": "arn:aws:iam::111111111111:root",
            "RetiringPrincipal": "arn:aws:iam::111111111111:root",
        });
        let first = client.made("CreateGrant", grant.clone()).await.json();
        let second = client.made("CreateGrant", grant).await.json();
        let policy = client
            .made("GetKeyPolicy", json!({ "KeyId": key }))
            .await
            .json();
        for (name, body) in [
            (
                "CreateAlias",
                json!({ "AliasName": "alias/a", "TargetKeyId": key }),
            ),
            (
                "UpdateAlias",
                json!({ "AliasName": "alias/a", "TargetKeyId": other }),
            ),
            ("DeleteAlias", json!({ "AliasName": "alias/a" })),
            ("EnableKeyRotation", json!({ "KeyId": key })),
            ("DisableKeyRotation", json!({ "KeyId": key })),
            (
                "PutKeyPolicy",
                json!({ "KeyId": key, "Policy": policy["Policy"] }),
            ),
            (
                "TagResource",
                json!({ "KeyId": key, "Tags": [{ "TagKey": "a", "TagValue": "1" }] }),
            ),
            ("UntagResource", json!({ "KeyId": key, "TagKeys": ["a"] })),
            (
                "UpdateKeyDescription",
                json!({ "KeyId": key, "Description": "cards" }),
            ),
            (
                "RetireGrant",
                json!({ "KeyId": key, "GrantId": first["GrantId"] }),
            ),
            (
                "RevokeGrant",
                json!({ "KeyId": key, "GrantId": second["GrantId"] }),
            ),
            ("DisableKey", json!({ "KeyId": key })),
            ("EnableKey", json!({ "KeyId": key })),
        ] {
            let got = client.made(name, body).await;
            assert!(matches!(got.body.as_str(), "" | "{}"), "{name}: {got:?}");
        }
    });
}

#[test]
fn k_282_an_error_says_its_type_its_message_and_its_request() {
    with_gateway(Limits::default(), async |client| {
        let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let got = client
            .kms("DescribeKey", &json!({ "KeyId": missing }).to_string())
            .await;
        let text = format!("Key 'arn:aws:kms:{REGION}:111111111111:key/{missing}' does not exist");
        assert_eq!(
            got.json(),
            json!({ "__type": "NotFoundException", "message": text })
        );
        assert_eq!(got.status, 400);
        assert_eq!(got.header("x-amzn-requestid").len(), 36);
        // Some errors have no message at all.
        let (key, _) = client.key(json!({})).await;
        let asked = json!({ "KeyId": key, "Plaintext": "aGVsbG8=" });
        let sealed = client.made("Encrypt", asked).await.json();
        let wrong = json!({
            "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionContext": { "a": "b" },
        });
        let got = client.kms("Decrypt", &wrong.to_string()).await;
        assert_eq!(
            got.json(),
            json!({ "__type": "InvalidCiphertextException" })
        );
    });
}

#[test]
fn k_284_a_signature_is_for_kms_and_for_this_region() {
    with_gateway(Limits::default(), async |client| {
        for (region, service) in [("us-east-1", "kms"), (REGION, "dynamodb")] {
            let mut signer = client.signer(service);
            signer.region = region.into();
            let got = client
                .signed_by(&signer, client.now(), kms("ListKeys", "{}"))
                .await;
            assert_eq!(
                got.refused(),
                (400, "InvalidSignatureException".into()),
                "{region}"
            );
        }
        assert_eq!(client.kms("ListKeys", "{}").await.status, 200);
    });
}

/// K-213: KMS says 400 where it denies, as SDKs show it.
#[test]
fn k_213_k_286_errors_that_the_model_does_not_list() {
    with_gateway(Limits::default(), async |client| {
        let foreign =
            format!("arn:aws:kms:{REGION}:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab");
        let asked = json!({ "KeyId": foreign, "Plaintext": "aGVsbG8=" });
        let got = client.kms("Encrypt", &asked.to_string()).await;
        assert_eq!(got.refused(), (400, "AccessDeniedException".into()));
        let got = client
            .kms("ListKeys", &json!({ "Limit": 0 }).to_string())
            .await;
        assert_eq!(got.refused(), (400, "ValidationException".into()));
        let mut unknown = client.signer("kms");
        unknown.access_key = "AKIANOBODYNOBODYNOBO".into();
        let got = client
            .signed_by(&unknown, client.now(), kms("ListKeys", "{}"))
            .await;
        assert_eq!(got.refused(), (400, "UnrecognizedClientException".into()));
    });
    let throttled = Problem::throttled(Protocol::Json11);
    assert_eq!(
        (throttled.status, throttled.code.as_str()),
        (400, "ThrottlingException")
    );
    let expired = Problem::new(
        400,
        "ExpiredTokenException",
        "The security token is expired",
    );
    let said = expired.clone().in_words_of(Protocol::Json11);
    assert_eq!(
        said, expired,
        "KMS keeps the word that the query services change"
    );
}
