//! Uses of keys against events of KMS: what services ask for cannot be missing, and no event of
//! a cryptographic operation can be made up.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Wrong, text};

/// Operations that tell of each use of a key.
const TOLD: [&str; 5] = [
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
];

/// Region, call, operation and key.
type Key = (String, String, String, String);

/// How often, and the last line.
#[derive(Default)]
struct Count {
    uses: u64,
    by_service: u64,
    last: u64,
}

#[derive(Default)]
struct Told {
    events: u64,
    succeeded: u64,
    by_service: u64,
    last: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Uses {
    /// By the use's own word: `ReEncryptFrom`.
    used: BTreeMap<Key, Count>,
    /// By the event's name: `ReEncrypt`.
    told: BTreeMap<Key, Told>,
}

/// The event that records an action: ReEncrypt is one call and two actions.
pub(super) fn event_name(action: &str) -> &str {
    match action {
        "ReEncryptFrom" | "ReEncryptTo" => "ReEncrypt",
        other => other,
    }
}

impl Uses {
    /// A Region tells that a key was used.
    pub fn note(&mut self, region: &str, fields: &BTreeMap<String, String>, n: u64) {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let key = (
            region.to_owned(),
            field("call"),
            field("operation"),
            field("key"),
        );
        let count = self.used.entry(key).or_default();
        count.uses += 1;
        count.by_service += u64::from(!field("via").is_empty());
        count.last = n;
    }

    /// The trail tells of a call to KMS.
    pub fn event(&mut self, region: &str, line: &Value, n: u64) {
        let name = text(line, "eventName");
        if !text(line, "eventSource").starts_with("kms.") {
            return;
        }
        for arn in line["resources"].as_array().into_iter().flatten() {
            let arn = arn.as_str().unwrap_or_default().to_owned();
            let call = text(line, "call").to_owned();
            let told = self
                .told
                .entry((region.to_owned(), call, name.to_owned(), arn));
            let told = told.or_default();
            told.events += 1;
            told.succeeded += u64::from(text(line, "errorCode").is_empty());
            told.by_service += u64::from(!text(line, "invokedBy").is_empty());
            told.last = n;
        }
    }

    /// What is wrong when all has been heard.
    pub fn wrong(&self) -> Option<Wrong> {
        self.untold().or_else(|| self.made_up())
    }

    fn untold(&self) -> Option<Wrong> {
        self.used
            .iter()
            .find_map(|((region, call, action, key), count)| {
                let name = event_name(action);
                let at = (region.clone(), call.clone(), name.to_owned(), key.clone());
                let told = self.told.get(&at);
                if told.map_or(0, |told| told.events) < count.uses {
                    let because =
                        format!("{key} was used for {name} in {region}, and no trail has it");
                    return Some((because, vec![count.last]));
                }
                let told = told?;
                (told.by_service < count.by_service).then(|| {
                let because = format!(
                    "a service used {key} for {name} in {region}, and the trail does not say which"
                );
                (because, vec![count.last, told.last])
            })
            })
    }

    fn made_up(&self) -> Option<Wrong> {
        self.told
            .iter()
            .find_map(|((region, call, name, key), told)| {
                if !TOLD.contains(&name.as_str()) || !key.contains(":key/") {
                    return None;
                }
                let used = |action: &str| {
                    let at = (region.clone(), call.clone(), action.to_owned(), key.clone());
                    self.used.get(&at).map_or(0, |count| count.uses)
                };
                let uses = if name == "ReEncrypt" {
                    used("ReEncryptFrom").max(used("ReEncryptTo"))
                } else {
                    used(name)
                };
                (told.succeeded > uses).then(|| {
                    let because = format!(
                        "the trail has {name} with {key} in {region}, which nobody used for it"
                    );
                    (because, vec![told.last])
                })
            })
    }
}
