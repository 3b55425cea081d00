//! `policy_replaced: { key: vault, policy: [...] }` puts another policy in the place of a
//! key's, a bucket's or a principal's. The account's root user reads first what is in force and
//! puts that back when the fault heals; where there was none, it is deleted again. A key
//! policy that would lock root out passes BypassPolicyLockoutSafetyCheck (K-177).

use std::fmt;

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key_disabled::KeyAt;
use super::{Effect, RootCall, RootChange};

/// Whose policy is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyOf {
    /// A key's, in each of these Regions.
    Key(Vec<KeyAt>),
    /// A bucket's.
    Bucket {
        /// Region of the bucket.
        region: RegionName,
        /// Account that owns it.
        account: AccountId,
        /// Its name.
        bucket: String,
    },
    /// An inline policy of a user or role.
    Principal {
        /// The partition's home, where IAM is changed.
        region: RegionName,
        /// Account of the principal.
        account: AccountId,
        /// Whether it is a role rather than a user.
        role: bool,
        /// User or role name.
        name: String,
        /// Name of its inline policy.
        policy_name: String,
    },
}

/// Another policy than the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyReplaced {
    /// World name of the key, bucket or principal.
    pub name: String,
    /// Whose policy.
    pub of: PolicyOf,
    /// The policy document, JSON.
    pub policy: String,
}

impl PolicyReplaced {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let changes = match &self.of {
            PolicyOf::Key(keys) => keys.iter().map(|key| self.of_key(key)).collect(),
            PolicyOf::Bucket {
                region,
                account,
                bucket,
            } => {
                let call = |operation, request: Value| RootCall {
                    region: region.clone(),
                    account: account.clone(),
                    operation,
                    request,
                };
                vec![RootChange {
                    read: Some(call("s3.GetBucketPolicy", json!({ "Bucket": bucket }))),
                    begin: call(
                        "s3.PutBucketPolicy",
                        json!({ "Bucket": bucket, "Policy": self.policy }),
                    ),
                    heal: call("s3.PutBucketPolicy", json!({ "Bucket": bucket })),
                    then: None,
                    restores: Some("Policy"),
                    otherwise: Some(call("s3.DeleteBucketPolicy", json!({ "Bucket": bucket }))),
                }]
            }
            PolicyOf::Principal {
                region,
                account,
                role,
                name,
                policy_name,
            } => {
                let kind = if *role { "RoleName" } else { "UserName" };
                let [get, put, delete] = if *role {
                    [
                        "iam.GetRolePolicy",
                        "iam.PutRolePolicy",
                        "iam.DeleteRolePolicy",
                    ]
                } else {
                    [
                        "iam.GetUserPolicy",
                        "iam.PutUserPolicy",
                        "iam.DeleteUserPolicy",
                    ]
                };
                let named = json!({ kind: name, "PolicyName": policy_name });
                let call = |operation, request: Value| RootCall {
                    region: region.clone(),
                    account: account.clone(),
                    operation,
                    request,
                };
                let new =
                    json!({ kind: name, "PolicyName": policy_name, "PolicyDocument": self.policy });
                vec![RootChange {
                    read: Some(call(get, named.clone())),
                    begin: call(put, new),
                    heal: call(put, named.clone()),
                    then: None,
                    restores: Some("PolicyDocument"),
                    otherwise: Some(call(delete, named)),
                }]
            }
        };
        changes
            .into_iter()
            .map(|change| Effect::Root(Box::new(change)))
            .collect()
    }

    fn of_key(&self, key: &KeyAt) -> RootChange {
        let put = json!({ "PolicyName": "default", "BypassPolicyLockoutSafetyCheck": true });
        let mut new = put.clone();
        new["Policy"] = self.policy.clone().into();
        RootChange {
            read: Some(key.call("kms.GetKeyPolicy", json!({ "PolicyName": "default" }))),
            begin: key.call("kms.PutKeyPolicy", new),
            heal: key.call("kms.PutKeyPolicy", put),
            then: None,
            restores: Some("Policy"),
            otherwise: None,
        }
    }
}

impl fmt::Display for PolicyReplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.of {
            PolicyOf::Key(_) => "key",
            PolicyOf::Bucket { .. } => "bucket",
            PolicyOf::Principal { .. } => "principal",
        };
        write!(f, "the policy of {kind} {} is replaced", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    fn change(of: PolicyOf) -> RootChange {
        let fault = PolicyReplaced {
            name: "x".to_owned(),
            of,
            policy: "{}".to_owned(),
        };
        match fault.effects().remove(0) {
            Effect::Root(change) => *change,
            other => panic!("root does it, not {other:?}"),
        }
    }

    #[test]
    fn each_kind_reads_writes_and_restores() {
        let account = || AccountId::new("111111111111").expect("an account");
        let region = || region("eu-west-1");
        let key = KeyAt {
            region: region(),
            account: account(),
            key: "k".to_owned(),
        };
        let principal = |role| PolicyOf::Principal {
            region: region(),
            account: account(),
            role,
            name: "app".to_owned(),
            policy_name: "world".to_owned(),
        };
        let bucket = PolicyOf::Bucket {
            region: region(),
            account: account(),
            bucket: "photos".to_owned(),
        };
        let cases = [
            (
                PolicyOf::Key(vec![key]),
                "kms.GetKeyPolicy",
                "kms.PutKeyPolicy",
                None,
            ),
            (
                bucket,
                "s3.GetBucketPolicy",
                "s3.PutBucketPolicy",
                Some("s3.DeleteBucketPolicy"),
            ),
            (
                principal(true),
                "iam.GetRolePolicy",
                "iam.PutRolePolicy",
                Some("iam.DeleteRolePolicy"),
            ),
            (
                principal(false),
                "iam.GetUserPolicy",
                "iam.PutUserPolicy",
                Some("iam.DeleteUserPolicy"),
            ),
        ];
        for (of, read, write, otherwise) in cases {
            let change = change(of);
            assert_eq!(change.read.expect("the old one is read").operation, read);
            assert_eq!(
                (change.begin.operation, change.heal.operation),
                (write, write)
            );
            assert_eq!(change.otherwise.map(|call| call.operation), otherwise);
        }
    }

    #[test]
    fn k_177_root_may_lock_itself_out() {
        let key = KeyAt {
            region: region("eu-west-1"),
            account: AccountId::new("111111111111").expect("an account"),
            key: "k".to_owned(),
        };
        let change = change(PolicyOf::Key(vec![key]));
        assert_eq!(change.begin.request["BypassPolicyLockoutSafetyCheck"], true);
        assert_eq!(change.begin.request["Policy"], "{}");
        assert_eq!(
            change.heal.request.get("Policy"),
            None,
            "the old policy is put in when it heals"
        );
    }
}
