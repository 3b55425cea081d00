//! The state of a world, as far as coverage tells states apart.
//!
//! What counts is which states keys are in, where the primaries are and which processes are
//! dead; not which key or when. So a mark is new when something happened in a situation of a new
//! kind, and there are few enough kinds for a search to follow.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::What;
use crate::journal::event::Event;

/// What Regions told so far.
#[derive(Debug, Default)]
pub(super) struct State {
    /// States of keys that are not simply Enabled, by ARN.
    keys: BTreeMap<String, String>,
    /// Where the primary of each multi-Region key is.
    primaries: BTreeMap<String, String>,
    dead: BTreeSet<String>,
}

impl State {
    pub fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Note { note, fields, .. } => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                match (
                    note.as_str(),
                    field("state").as_str(),
                    field("role").as_str(),
                ) {
                    ("key_state", "Enabled" | "Deleted", _) => {
                        self.keys.remove(&field("key"));
                    }
                    ("key_state", state, _) => {
                        self.keys.insert(field("key"), state.to_owned());
                    }
                    ("key_role", _, "PRIMARY") => {
                        self.primaries.insert(field("key_id"), field("region"));
                    }
                    _ => {}
                }
            }
            What::NodeDied { region, .. } => {
                self.dead.insert(region.to_string());
            }
            What::NodeStarted { region, .. } => {
                self.dead.remove(region.as_str());
            }
            _ => {}
        }
    }

    /// In words: `Disabled Updating primary:us-east-1 dead:eu-west-1`.
    pub fn words(&self) -> String {
        let states: BTreeSet<&str> = self.keys.values().map(String::as_str).collect();
        let primaries: BTreeSet<&String> = self.primaries.values().collect();
        let mut words: Vec<String> = states.into_iter().map(str::to_owned).collect();
        words.extend(primaries.iter().map(|region| format!("primary:{region}")));
        words.extend(self.dead.iter().map(|region| format!("dead:{region}")));
        words.join(" ")
    }
}
