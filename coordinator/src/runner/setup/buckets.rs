//! Buckets and their replication.

use serde_json::{Value, json};

use super::{Maker, SetUpFailed};
use crate::runner::world::Bucket;
use crate::scenario::plan::world::{BucketPlan, Named, ReplicationPlan, RulePlan};

impl Maker<'_> {
    pub(super) async fn buckets(&mut self) -> Result<(), SetUpFailed> {
        let plan = self.plan;
        for (name, bucket) in &plan.buckets {
            self.span.set(bucket.span);
            let made = Bucket {
                account: self.account(&bucket.what.account),
                region: bucket.what.region.clone(),
            };
            self.world.buckets.insert(name.clone(), made);
            self.bucket(name, bucket).await?;
        }
        for replication in &plan.replication {
            if let Some(bucket) = plan.buckets.get(&replication.from) {
                self.span.set(bucket.span);
            }
            self.replication(replication).await?;
        }
        Ok(())
    }

    async fn bucket(&self, name: &str, plan: &Named<BucketPlan>) -> Result<(), SetUpFailed> {
        let (account, region) = (self.account(&plan.what.account), &plan.what.region);
        let mut create = json!({ "bucket": name });
        if region.as_str() != "us-east-1" {
            create["create_bucket_configuration"] =
                json!({ "location_constraint": region.as_str() });
        }
        self.root(&account, region, "s3.create_bucket", create)
            .await?;
        if plan.what.versioned {
            let put =
                json!({ "bucket": name, "versioning_configuration": { "status": "Enabled" } });
            self.root(&account, region, "s3.put_bucket_versioning", put)
                .await?;
        }
        if plan.what.allow_sse_c || plan.what.encryption.is_some() {
            let put = json!({
                "bucket": name,
                "server_side_encryption_configuration": { "rules": [self.encryption(&plan.what)] },
            });
            self.root(&account, region, "s3.put_bucket_encryption", put)
                .await?;
        }
        if let Some(policy) = &plan.policy {
            let put = json!({ "bucket": name, "policy": policy.document(&self.names(region)) });
            self.root(&account, region, "s3.put_bucket_policy", put)
                .await?;
        }
        Ok(())
    }

    /// New buckets block SSE-C; `NONE` lets it in.
    fn encryption(&self, plan: &BucketPlan) -> Value {
        let mut default = json!({ "sse_algorithm": "AES256" });
        let mut bucket_key = Value::Null;
        if let Some(encryption) = &plan.encryption {
            default["sse_algorithm"] = encryption.sse_algorithm.as_str().into();
            if let Some(key) = &encryption.kms_master_key_id {
                default["kms_master_key_id"] = self.key_arn(key, &plan.region).into();
            }
            bucket_key = encryption.bucket_key_enabled.into();
        }
        let mut rule = json!({
            "apply_server_side_encryption_by_default": default,
            "bucket_key_enabled": bucket_key,
        });
        if plan.allow_sse_c {
            rule["blocked_encryption_types"] = json!({ "encryption_type": ["NONE"] });
        }
        rule
    }

    /// A key's ARN by its world name; what is no name stays as it is.
    pub(super) fn key_arn(&self, key: &str, region: &faultline_proto::names::RegionName) -> String {
        let known = self.world.keys.get(key);
        known.map_or_else(|| key.to_owned(), |key| key.arn(region))
    }

    async fn replication(&self, plan: &ReplicationPlan) -> Result<(), SetUpFailed> {
        let Some(source) = self.world.buckets.get(&plan.from) else {
            return Ok(());
        };
        let role = self.world.principals.get(&plan.role);
        let rules: Vec<Value> = plan
            .rules
            .iter()
            .zip(1_i64..)
            .map(|(rule, number)| self.rule(plan, rule, number))
            .collect();
        let put = json!({
            "bucket": plan.from,
            "replication_configuration": {
                "role": role.map_or(plan.role.as_str(), |role| role.arn.as_str()),
                "rules": rules,
            },
        });
        self.root(
            &source.account,
            &source.region,
            "s3.put_bucket_replication",
            put,
        )
        .await
        .map(drop)
    }

    fn rule(&self, plan: &ReplicationPlan, rule: &RulePlan, number: i64) -> Value {
        let destination = self.world.buckets.get(&plan.to);
        let mut to = json!({ "bucket": format!("arn:aws:s3:::{}", plan.to) });
        if let (Some(key), Some(bucket)) = (&rule.replica_kms_key_id, destination) {
            to["encryption_configuration"] =
                json!({ "replica_kms_key_id": self.key_arn(key, &bucket.region) });
        }
        let mut value = json!({
            "id": rule.id,
            "priority": rule.priority.unwrap_or(number),
            "status": rule.status.as_deref().unwrap_or("Enabled"),
            "filter": { "prefix": rule.prefix.as_deref().unwrap_or_default() },
            "destination": to,
            "delete_marker_replication": {
                "status": rule.delete_marker_replication.as_deref().unwrap_or("Disabled"),
            },
        });
        if let Some(status) = &rule.sse_kms_encrypted_objects {
            value["source_selection_criteria"] =
                json!({ "sse_kms_encrypted_objects": { "status": status } });
        }
        value
    }
}
