//! Replication, fact by fact.

mod arriving;
mod batching;
mod configuring;
mod never;
mod owning;
mod refusing;
mod rows;
mod selecting;
mod timing;

use faultline_proto::driving::Failure;
use serde_json::Value;

use super::*;
use crate::testing::people::{allow, trust};

pub(super) const ROLE_ACTIONS: [&str; 7] = [
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionAcl",
    "s3:ReplicateObject",
    "kms:*",
    "s3:ReplicateDelete",
];

pub(super) struct Setup {
    pub world: World,
    pub root: Credential,
    pub role: String,
}

/// A bucket here that may replicate to one there.
pub(super) fn setup() -> Setup {
    with_role(&ROLE_ACTIONS)
}

/// The same with a role of these actions.
pub(super) fn with_role(actions: &[&str]) -> Setup {
    let mut world = World::new(&[THERE, HERE]);
    let root = world.root(ACCOUNT);
    for (region, name) in [(HERE, "photos"), (THERE, "photos-copy")] {
        bucket(&mut world, &root, region, name);
        allow_sse_c(&mut world, &root, region, name);
    }
    let role = world.role(
        ACCOUNT,
        "replicator",
        &trust("s3.amazonaws.com"),
        &allow(actions, &["*"]),
    );
    Setup { world, root, role }
}

pub(super) fn enabled() -> Option<String> {
    text("Enabled")
}

/// A V2 rule, with a key the opt-in to objects under KMS.
pub(super) fn rule(prefix: &str, replica_key: Option<&str>) -> s3::ReplicationRule {
    s3::ReplicationRule {
        id: text(if prefix.is_empty() { "all" } else { prefix }),
        priority: Some(1),
        filter: Some(s3::ReplicationRuleFilter {
            prefix: text(prefix),
            ..Default::default()
        }),
        status: enabled(),
        delete_marker_replication: Some(s3::DeleteMarkerReplication {
            status: text("Disabled"),
        }),
        source_selection_criteria: replica_key.map(|_| s3::SourceSelectionCriteria {
            sse_kms_encrypted_objects: Some(s3::SseKmsEncryptedObjects { status: enabled() }),
            ..Default::default()
        }),
        destination: Some(s3::Destination {
            bucket: text("arn:aws:s3:::photos-copy"),
            encryption_configuration: replica_key.map(|key| s3::EncryptionConfiguration {
                replica_kms_key_id: text(key),
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The same with Replication Time Control.
pub(super) fn timed() -> s3::ReplicationRule {
    let fifteen = || Some(s3::ReplicationTimeValue { minutes: Some(15) });
    let mut rule = rule("", None);
    let target = rule.destination.as_mut().unwrap();
    target.replication_time = Some(s3::ReplicationTime {
        status: enabled(),
        time: fifteen(),
    });
    target.metrics = Some(s3::Metrics {
        status: enabled(),
        event_threshold: fifteen(),
    });
    rule
}

/// The same to another bucket.
pub(super) fn to(
    mut rule: s3::ReplicationRule,
    bucket: &str,
    priority: i32,
) -> s3::ReplicationRule {
    rule.id = Some(format!("{bucket}-{priority}"));
    rule.priority = Some(priority);
    rule.destination.as_mut().unwrap().bucket = Some(format!("arn:aws:s3:::{bucket}"));
    rule
}

impl Setup {
    pub fn try_replicate(
        &mut self,
        from: (&str, &str),
        rules: Vec<s3::ReplicationRule>,
    ) -> Result<s3::PutBucketReplicationResponse, Failure> {
        let request = s3::PutBucketReplicationRequest {
            bucket: text(from.1),
            replication_configuration: Some(s3::ReplicationConfiguration {
                role: Some(self.role.clone()),
                rules,
            }),
            ..Default::default()
        };
        self.world.call(from.0, &self.root, &request)
    }

    pub fn replicate(&mut self, rules: Vec<s3::ReplicationRule>) {
        self.try_replicate((HERE, "photos"), rules).unwrap();
    }

    pub fn put(&mut self, key: &str) -> String {
        self.put_as(&put("photos", key))
    }

    pub fn put_as(&mut self, request: &s3::PutObjectRequest) -> String {
        let sent = request.key().as_bytes().to_vec();
        let made = self.world.upload(HERE, &self.root, request, &sent).unwrap();
        made.version_id.unwrap_or_default()
    }

    pub fn delete(&mut self, region: &str, name: &str, key: &str, version_id: Option<&str>) {
        let request = s3::DeleteObjectRequest {
            bucket: text(name),
            key: text(key),
            version_id: version_id.map(ToOwned::to_owned),
            ..Default::default()
        };
        self.world.call(region, &self.root, &request).unwrap();
    }

    pub fn status(&mut self, key: &str) -> Option<String> {
        head(&mut self.world, HERE, &self.root, "photos", key).replication_status
    }

    /// What the look says of an object, one entry a destination.
    pub fn seen(&mut self, key: &str) -> Vec<Value> {
        let arguments = serde_json::json!({ "bucket": "photos", "object": key });
        let look = self.world.look(HERE, "bucket_replication", &arguments);
        look["objects"].as_array().cloned().unwrap_or_default()
    }

    /// AWS's failureReason of an object's first destination, and why.
    pub fn reason(&mut self, key: &str) -> (String, String) {
        let seen = self.seen(key);
        let word = |name: &str| seen[0][name].as_str().unwrap_or_default().to_owned();
        (word("failure_reason"), word("why"))
    }

    /// Keys and versions of a bucket.
    pub fn versions(&mut self, region: &str, name: &str) -> Vec<String> {
        let arguments = serde_json::json!({ "bucket": name });
        let look = self.world.look(region, "bucket_digest", &arguments);
        look["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version.as_str().unwrap().to_owned())
            .collect()
    }

    /// Sets a bucket's policy.
    pub fn policy(&mut self, region: &str, name: &str, statements: Value) {
        let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": statements });
        let request = s3::PutBucketPolicyRequest {
            bucket: text(name),
            policy: Some(policy.to_string()),
            ..Default::default()
        };
        self.world.call(region, &self.root, &request).unwrap();
    }

    pub fn versioning(&mut self, region: &str, name: &str, status: &str) -> Result<(), Failure> {
        let request = s3::PutBucketVersioningRequest {
            bucket: text(name),
            versioning_configuration: Some(s3::VersioningConfiguration {
                status: text(status),
                mfa_delete: None,
            }),
            ..Default::default()
        };
        self.world.call(region, &self.root, &request).map(drop)
    }
}
