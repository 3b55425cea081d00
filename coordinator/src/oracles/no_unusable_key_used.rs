//! No key was used while its Region said that it is disabled, on its way out, gone, or without
//! its material (K-036 to K-057).
//!
//! Each Region tells the state of a key when that changes, and when its process starts, and
//! tells of each cryptographic use. A use after such a word, and before a better one of the
//! same Region, violates.
//!
//! It cannot see a change that a Region committed and died before it told, until it starts
//! again, nor what services do with data keys that they got before.

use std::collections::BTreeMap;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// States in which a key does nothing for anybody.
const UNUSABLE: [&str; 6] = [
    "Creating",
    "Deleted",
    "Disabled",
    "PendingDeletion",
    "PendingImport",
    "PendingReplicaDeletion",
];

/// See the module.
pub(super) struct NoUnusableKeyUsed {
    key: Option<String>,
    /// The last word on each key, by ARN, with its line.
    states: BTreeMap<String, (String, u64)>,
    /// Uses of keys whose state was told, by id.
    uses: BTreeMap<String, u64>,
    wrong: Vec<Wrong>,
}

struct Wrong {
    id: String,
    operation: String,
    region: String,
    state: String,
    at: [u64; 2],
}

impl NoUnusableKeyUsed {
    pub fn new(key: Option<String>) -> Self {
        Self {
            key,
            states: BTreeMap::new(),
            uses: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    fn used(&mut self, event: &Event, key: &str, region: &str, operation: &str) {
        let id = key.rsplit('/').next().unwrap_or(key).to_owned();
        let Some((state, told)) = self.states.get(key) else {
            return;
        };
        *self.uses.entry(id.clone()).or_default() += 1;
        if UNUSABLE.contains(&state.as_str()) {
            self.wrong.push(Wrong {
                id,
                operation: operation.to_owned(),
                region: region.to_owned(),
                state: state.clone(),
                at: [*told, event.n],
            });
        }
    }
}

impl Oracle for NoUnusableKeyUsed {
    fn hear(&mut self, event: &Event) {
        let What::Note {
            region,
            note,
            fields,
            ..
        } = &event.what
        else {
            return;
        };
        let field = |name: &str| fields.get(name).map(String::as_str);
        match (note.as_str(), field("key")) {
            ("key_state", Some(key)) => {
                let state = field("state").unwrap_or_default().to_owned();
                self.states.insert(key.to_owned(), (state, event.n));
            }
            ("key_used", Some(key)) => {
                let operation = field("operation").unwrap_or_default();
                self.used(event, key, region.as_str(), operation);
            }
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let only = self.key.as_deref().map(|key| end.key_id(key));
        let meant = |id: &str| only.as_deref().is_none_or(|only| only == id);
        if let Some(wrong) = self.wrong.iter().find(|wrong| meant(&wrong.id)) {
            let Wrong {
                id,
                operation,
                region,
                state,
                at,
            } = wrong;
            return Finding::violated(
                format!("{operation} used {id} in {region}, where it was {state}"),
                *at,
            );
        }
        let uses = self.uses.iter().filter(|(id, _)| meant(id));
        let measured = uses.map(|(_, count)| count).sum();
        Finding::measured(measured, "no key whose state was told was used")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, key_arn, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("no_unusable_key_used", json!({ "key": "payments" }))
    }

    fn state(run: &mut Doctored, region: &str, state: &str) -> u64 {
        let arn = key_arn(region);
        run.note(region, "key_state", &[("key", &arn), ("state", state)])
    }

    fn used(run: &mut Doctored, region: &str) -> u64 {
        let arn = key_arn(region);
        run.note(
            region,
            "key_used",
            &[("key", &arn), ("operation", "Decrypt")],
        )
    }

    #[test]
    fn uses_of_an_enabled_key_hold_whatever_its_relatives_are() {
        let mut run = run();
        state(&mut run, "eu-west-1", "Enabled");
        state(&mut run, "us-east-1", "Disabled");
        used(&mut run, "eu-west-1");
        state(&mut run, "eu-west-1", "Updating");
        used(&mut run, "eu-west-1");
        run.holds(2);
    }

    #[test]
    fn a_use_of_a_disabled_key_violates_k_039() {
        let mut run = run();
        state(&mut run, "eu-west-1", "Enabled");
        used(&mut run, "eu-west-1");
        let told = state(&mut run, "eu-west-1", "Disabled");
        let at = used(&mut run, "eu-west-1");
        let (because, lines) = violated(run.finding());
        assert_eq!(lines, [told, at]);
        assert!(because.contains("where it was Disabled"), "{because}");
    }

    #[test]
    fn without_a_use_nobody_can_say() {
        let mut run = run();
        state(&mut run, "eu-west-1", "Disabled");
        unknown(run.finding());
    }
}
