//! What CloudTrail shows of a KMS call beyond what the caller sent (K-260, K-267).
//!
//! KMS writes its defaults down: an event says which algorithm decrypted and what kind of key
//! was made, also when the caller left that to KMS.

use faultline_proto::kms::{DescribeKeyResponse, KeyMetadata};
use faultline_proto::registry;
use prost::Message as _;
use serde_json::{Map, Value, json};

use crate::audit;

/// Adds the defaults of `operation` to the parameters of its event.
pub(super) fn defaults(operation: &str, parameters: &mut Map<String, Value>) {
    let symmetric = || Value::from("SYMMETRIC_DEFAULT");
    let defaults: &[(&str, Value)] = match operation {
        // K-260.
        "Encrypt" | "Decrypt" => &[("encryptionAlgorithm", symmetric())],
        "ReEncrypt" => &[
            ("sourceEncryptionAlgorithm", symmetric()),
            ("destinationEncryptionAlgorithm", symmetric()),
        ],
        "CreateKey" => {
            let spec = parameters.get("customerMasterKeySpec").cloned();
            &[
                ("description", json!("")),
                ("keyUsage", json!("ENCRYPT_DECRYPT")),
                ("keySpec", spec.unwrap_or_else(symmetric)),
                ("origin", json!("AWS_KMS")),
                ("multiRegion", json!(false)),
                ("bypassPolicyLockoutSafetyCheck", json!(false)),
            ]
        }
        // K-267.
        "ReplicateKey" => &[
            ("description", json!("")),
            ("bypassPolicyLockoutSafetyCheck", json!(false)),
        ],
        "PutKeyPolicy" => &[
            ("policyName", json!("default")),
            ("bypassPolicyLockoutSafetyCheck", json!(false)),
        ],
        "ScheduleKeyDeletion" => &[("pendingWindowInDays", json!(30))],
        _ => &[],
    };
    for (name, value) in defaults {
        parameters.entry(*name).or_insert_with(|| value.clone());
    }
}

/// A key's metadata as responseElements shows it.
pub(super) fn metadata(metadata: &KeyMetadata) -> Value {
    let answer = DescribeKeyResponse {
        key_metadata: Some(metadata.clone()),
    };
    let describe = registry::find_operation("kms.DescribeKey");
    describe.map_or(Value::Null, |describe| {
        let mut shown = audit::shown(describe.output, &answer.encode_to_vec());
        shown["keyMetadata"].take()
    })
}
