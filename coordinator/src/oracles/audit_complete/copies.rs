//! Both trails of a call across accounts (K-263, K-264).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Wrong, is_copy, text};

/// Events that share an id.
#[derive(Default)]
pub(super) struct Copies {
    shared: BTreeMap<String, Shared>,
}

#[derive(Default)]
struct Shared {
    /// Name and request of the original.
    original: Option<(String, String, u64)>,
    /// Accounts whose ARNs the original names beside its own.
    owners: BTreeSet<String>,
    /// Recipient, name, request and line of each copy.
    copies: Vec<(String, String, String, u64)>,
}

impl Copies {
    /// Hears a line; what it alone shows to be wrong.
    pub fn hear(&mut self, line: &Value, n: u64) -> Option<Wrong> {
        let (name, shared) = (text(line, "eventName"), text(line, "sharedEventID"));
        let (request, account) = (text(line, "requestID"), text(line, "account"));
        let failed = !text(line, "errorCode").is_empty();
        if is_copy(line) {
            if failed {
                let because = format!("{name} was refused, and the owner of the resource sees it");
                return Some((because, vec![n]));
            }
            let recipient = text(line, "recipientAccountId").to_owned();
            let seen = self.shared.entry(shared.to_owned()).or_default();
            seen.copies
                .push((recipient, name.to_owned(), request.to_owned(), n));
            return None;
        }
        // Who has no account is recorded with the owners alone.
        if failed || account != text(line, "recipientAccountId") {
            return None;
        }
        let owners = foreign(line, account);
        if shared.is_empty() {
            let owner = owners.first()?;
            let because = format!("{name} used what {owner} owns, and has no shared id");
            return Some((because, vec![n]));
        }
        let seen = self.shared.entry(shared.to_owned()).or_default();
        seen.owners = owners;
        let original = (name.to_owned(), request.to_owned(), n);
        if let Some((_, _, first)) = seen.original.replace(original) {
            let because = format!("two events of {name} share an id and are no copies");
            return Some((because, vec![first, n]));
        }
        None
    }

    /// What is wrong when all has been heard.
    pub fn wrong(&self) -> Option<Wrong> {
        self.shared.values().find_map(Shared::wrong)
    }
}

impl Shared {
    fn wrong(&self) -> Option<Wrong> {
        let lines = || self.copies.iter().map(|copy| copy.3);
        let Some((name, request, n)) = &self.original else {
            let (_, name, ..) = self.copies.first()?;
            let because = format!("an owner's trail has {name}, and no caller's trail has it");
            return Some((because, lines().collect()));
        };
        let different =
            |copy: &&(String, String, String, u64)| copy.1 != *name || copy.2 != *request;
        if let Some((.., line)) = self.copies.iter().find(different) {
            let because = format!("the owner's copy of {name} tells of something else");
            return Some((because, vec![*n, *line]));
        }
        let told: BTreeSet<&String> = self.copies.iter().map(|copy| &copy.0).collect();
        if told.len() < self.copies.len() {
            let because = format!("{name} is twice in an owner's trail");
            return Some((because, lines().collect()));
        }
        let missing = self.owners.iter().find(|owner| !told.contains(owner));
        if let Some(owner) = missing {
            let because = format!("{name} used what {owner} owns, whose trail does not have it");
            return Some((because, vec![*n]));
        }
        None
    }
}

/// Accounts in the event's ARNs other than its own.
fn foreign(line: &Value, account: &str) -> BTreeSet<String> {
    let arns = line["resources"].as_array().into_iter().flatten();
    arns.filter_map(|arn| arn.as_str()?.split(':').nth(4))
        .filter(|owner| !owner.is_empty() && *owner != account && *owner != "aws")
        .map(str::to_owned)
        .collect()
}
