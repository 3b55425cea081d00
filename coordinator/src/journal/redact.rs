//! What the journal shows of a value: the value itself, or its length and digest.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Longest text that the journal shows.
pub const LONGEST: usize = 1024;

/// Secrets of a run by name, so that a digest can be told from another.
#[derive(Debug, Clone, Default)]
pub struct Canaries(BTreeMap<Vec<u8>, String>);

impl Canaries {
    /// Remembers a secret under a name that may be printed.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        if !secret.is_empty() {
            self.0
                .entry(secret.to_vec())
                .or_insert_with(|| name.to_owned());
        }
    }

    /// Every secret with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(secret, name)| (name.as_str(), secret.as_slice()))
    }

    fn name(&self, secret: &[u8]) -> Option<&str> {
        self.0.get(secret).map(String::as_str)
    }
}

/// Stands for `bytes` where they must not or need not be shown.
#[must_use]
pub fn digest(bytes: &[u8], canaries: &Canaries) -> Value {
    let mut shown =
        json!({ "length": bytes.len() as u64, "sha256": hex::encode(Sha256::digest(bytes)) });
    if let Some(name) = canaries.name(bytes) {
        shown["canary"] = name.into();
    }
    shown
}

/// Replaces every text over [`LONGEST`] bytes, however deep, by its length and digest.
pub fn shorten(value: &mut Value, canaries: &Canaries) {
    match value {
        Value::String(text) if text.len() > LONGEST => *value = digest(text.as_bytes(), canaries),
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, canaries)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| shorten(member, canaries)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_become_digests_however_deep() {
        let canaries = Canaries::default();
        let mut value = json!({ "a": ["x".repeat(LONGEST), { "b": "y".repeat(LONGEST + 1) }] });
        shorten(&mut value, &canaries);
        assert_eq!(value["a"][0], "x".repeat(LONGEST));
        assert_eq!(value["a"][1]["b"]["length"], 1025);
    }

    #[test]
    fn a_canary_is_known_by_name() {
        let mut canaries = Canaries::default();
        canaries.add("card", b"4242");
        assert_eq!(digest(b"4242", &canaries)["canary"], "card");
        assert_eq!(digest(b"4243", &canaries).get("canary"), None);
    }
}
