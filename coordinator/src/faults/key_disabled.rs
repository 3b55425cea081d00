//! `key_disabled: { key: payments }` disables a KMS key in one Region or in all that hold
//! it, by DisableKey as the account's root user; healing calls EnableKey. It is a change of
//! state like any other: it is in the trail, and it does not undo what others changed.

use std::fmt;

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Effect, RootCall, RootChange};

/// A key in one Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAt {
    /// Region of the key or replica.
    pub region: RegionName,
    /// Account that owns it.
    pub account: AccountId,
    /// Key id or ARN.
    pub key: String,
}

impl KeyAt {
    /// A call about this key by its account's root.
    pub(super) fn call(&self, operation: &'static str, more: serde_json::Value) -> RootCall {
        let mut request = json!({ "KeyId": self.key });
        if let (Some(members), serde_json::Value::Object(more)) = (request.as_object_mut(), more) {
            members.extend(more);
        }
        RootCall {
            region: self.region.clone(),
            account: self.account.clone(),
            operation,
            request,
        }
    }
}

/// Keys that are disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDisabled {
    /// The key by its world name.
    pub name: String,
    /// Where it is disabled.
    pub at: Vec<KeyAt>,
}

impl KeyDisabled {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let change = |key: &KeyAt| {
            Effect::Root(Box::new(RootChange {
                read: None,
                begin: key.call("kms.DisableKey", json!({})),
                heal: key.call("kms.EnableKey", json!({})),
                then: None,
                restores: None,
                otherwise: None,
            }))
        };
        self.at.iter().map(change).collect()
    }
}

impl fmt::Display for KeyDisabled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key {} is disabled in {}",
            self.name,
            super::list(self.at.iter().map(|key| &key.region))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn root_disables_the_key_in_each_region_and_enables_it_again() {
        let at = |name| KeyAt {
            region: region(name),
            account: AccountId::new("111111111111").expect("an account"),
            key: "mrk-1".to_owned(),
        };
        let fault = KeyDisabled {
            name: "payments".to_owned(),
            at: vec![at("eu-west-1"), at("us-east-1")],
        };
        let effects = fault.effects();
        assert_eq!(effects.len(), 2);
        let Effect::Root(change) = &effects[1] else {
            panic!("root does it")
        };
        assert_eq!(change.begin.operation, "kms.DisableKey");
        assert_eq!(change.begin.region, region("us-east-1"));
        assert_eq!(change.heal.operation, "kms.EnableKey");
        assert_eq!(change.heal.request, json!({ "KeyId": "mrk-1" }));
        assert_eq!(
            fault.to_string(),
            "key payments is disabled in eu-west-1, us-east-1"
        );
    }
}
