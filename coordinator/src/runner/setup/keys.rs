//! KMS keys, their replicas, aliases and policies.
//!
//! A policy that would lock the root user out comes last, with
//! `BypassPolicyLockoutSafetyCheck` (K-177): before, root must replicate the key.

use faultline_proto::names::{AccountId, RegionName};
use serde_json::{Value, json};

use super::{Maker, SetUpFailed};
use crate::runner::world::Key;
use crate::scenario::plan::world::{KeyPlan, Named};

impl Maker<'_> {
    pub(super) async fn keys(&mut self) -> Result<(), SetUpFailed> {
        let plan = self.plan;
        for (name, key) in &plan.keys {
            self.span.set(key.span);
            let made = self.key(key).await?;
            self.world.keys.insert(name.clone(), made);
        }
        Ok(())
    }

    async fn key(&self, plan: &Named<KeyPlan>) -> Result<Key, SetUpFailed> {
        let account = self.account(&plan.what.account);
        let region = plan.what.birthplace().unwrap_or(&self.world.home).clone();
        let policy = plan
            .policy
            .as_ref()
            .map(|policy| policy.document(&self.names(&region)));
        let multi_region = plan.what.is_multi_region();
        // Root works on the key after this, so its policy must still be the default then.
        let later = !plan.what.replicas.is_empty() || plan.what.alias.is_some();
        let mut create = json!({
            "multi_region": multi_region,
            "description": plan.what.description,
            "key_spec": plan.what.spec,
            "key_usage": plan.what.usage,
        });
        if let Some(policy) = policy.as_deref().filter(|_| !later) {
            with_policy(&mut create, policy, &account);
        }
        let made = self
            .root(&account, &region, "kms.create_key", create)
            .await?;
        let id = made["key_metadata"]["key_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut regions = vec![region.clone()];
        for replica in &plan.what.replicas {
            if *replica == region {
                continue;
            }
            self.replica(&account, &region, &id, replica).await?;
            regions.push(replica.clone());
        }
        if let Some(alias) = &plan.what.alias {
            for region in &regions {
                let create = json!({ "alias_name": alias, "target_key_id": id });
                self.root(&account, region, "kms.create_alias", create)
                    .await?;
            }
        }
        if let Some(policy) = policy.as_deref().filter(|_| later) {
            for region in &regions {
                let mut put = json!({ "key_id": id, "policy_name": "default" });
                with_policy(&mut put, policy, &account);
                self.root(&account, region, "kms.put_key_policy", put)
                    .await?;
            }
        }
        Ok(Key {
            account,
            id,
            region,
            multi_region,
            regions,
        })
    }

    async fn replica(
        &self,
        account: &AccountId,
        primary: &RegionName,
        id: &str,
        replica: &RegionName,
    ) -> Result<(), SetUpFailed> {
        let replicate = json!({ "key_id": id, "replica_region": replica.as_str() });
        self.root(account, primary, "kms.replicate_key", replicate)
            .await?;
        for region in [replica, primary] {
            let enabled = |value: &Value| value["key_metadata"]["key_state"] == "Enabled";
            self.until(
                account,
                region,
                "kms.describe_key",
                json!({ "key_id": id }),
                enabled,
            )
            .await?;
        }
        Ok(())
    }
}

/// Adds a policy, and the bypass if it would lock the account's root user out.
fn with_policy(request: &mut Value, policy: &str, account: &AccountId) {
    request["policy"] = policy.into();
    if !root_may_change(policy, account) {
        request["bypass_policy_lockout_safety_check"] = true.into();
    }
}

/// Whether some statement lets the account's root user put another policy.
fn root_may_change(policy: &str, account: &AccountId) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return true; // KMS will say what is wrong with it.
    };
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => vec![],
        }
    };
    let root = format!("arn:aws:iam::{account}:root");
    let statements = match &document["Statement"] {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    statements.iter().any(|statement| {
        let principal = match &statement["Principal"] {
            Value::Object(kinds) => kinds.get("AWS").map(texts).unwrap_or_default(),
            other => texts(other),
        };
        let named = principal
            .iter()
            .any(|text| *text == root || text == account.as_str() || text == "*");
        let actions = texts(&statement["Action"]);
        let action = actions.iter().any(|action| {
            let action = action.to_ascii_lowercase();
            match action.split_once('*') {
                Some((start, _)) => "kms:putkeypolicy".starts_with(start),
                None => action == "kms:putkeypolicy",
            }
        });
        statement["Effect"] == "Allow" && named && action && statement.get("Condition").is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_without_root_needs_the_bypass() {
        let account = AccountId::new("111111111111").expect("an account");
        let policy = |principal: &str, action: &str| {
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": action, "Resource": "*" }] }).to_string()
        };
        let root = "arn:aws:iam::111111111111:root";
        assert!(root_may_change(&policy(root, "kms:*"), &account));
        assert!(root_may_change(&policy(root, "kms:Put*"), &account));
        assert!(!root_may_change(&policy(root, "kms:Decrypt"), &account));
        assert!(!root_may_change(
            &policy("arn:aws:iam::111111111111:user/admin", "kms:*"),
            &account
        ));
    }
}
