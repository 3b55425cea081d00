//! `key_pending_deletion: { key: payments }` schedules the deletion of a KMS key in one Region or
//! in all that hold it, by ScheduleKeyDeletion as the account's root user; healing calls
//! CancelKeyDeletion, which leaves the key disabled (K-041), and so EnableKey.
//!
//! | key | while it lasts |
//! | --- | --- |
//! | single-Region, replica | PendingDeletion |
//! | primary with replicas | PendingReplicaDeletion |

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::key_disabled::KeyAt;
use super::{Effect, RootChange};

/// Days of the window: the longest, so that no experiment outlasts it (K-040).
const WINDOW: u64 = 30;

/// Keys whose deletion is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPendingDeletion {
    /// The key by its world name.
    pub name: String,
    /// Where.
    pub at: Vec<KeyAt>,
}

impl KeyPendingDeletion {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let window = json!({ "PendingWindowInDays": WINDOW });
        let change = |key: &KeyAt| {
            Effect::Root(Box::new(RootChange {
                read: None,
                begin: key.call("kms.ScheduleKeyDeletion", window.clone()),
                heal: key.call("kms.CancelKeyDeletion", json!({})),
                then: Some(key.call("kms.EnableKey", json!({}))),
                restores: None,
                otherwise: None,
            }))
        };
        self.at.iter().map(change).collect()
    }
}

impl fmt::Display for KeyPendingDeletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the deletion of key {} is scheduled in {}",
            self.name,
            super::list(self.at.iter().map(|key| &key.region))
        )
    }
}

#[cfg(test)]
mod tests {
    use faultline_proto::names::AccountId;

    use super::super::region;
    use super::*;

    #[test]
    fn root_schedules_the_deletion_cancels_it_and_enables_the_key_k_041() {
        let fault = KeyPendingDeletion {
            name: "payments".to_owned(),
            at: vec![KeyAt {
                region: region("eu-west-1"),
                account: AccountId::new("111111111111").expect("an account"),
                key: "mrk-1".to_owned(),
            }],
        };
        let effects = fault.effects();
        let [Effect::Root(change)] = effects.as_slice() else {
            panic!("root does it: {effects:?}");
        };
        assert_eq!(change.begin.operation, "kms.ScheduleKeyDeletion");
        assert_eq!(change.begin.request["PendingWindowInDays"], 30);
        assert_eq!(change.heal.operation, "kms.CancelKeyDeletion");
        let then = change.then.as_ref().map(|call| call.operation);
        assert_eq!(then, Some("kms.EnableKey"));
        assert_eq!(
            fault.to_string(),
            "the deletion of key payments is scheduled in eu-west-1"
        );
    }
}
