//! At no moment do two Regions hold the primary of one multi-Region key.
//!
//! Each Region tells the role of its key when that changes, and when its process starts. Two
//! replicas without a primary, as between the two halves of a promotion, are allowed.
//!
//! It cannot see a change that a Region committed and died before it told, until it starts
//! again.

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// See the module.
pub(super) struct OnePrimaryAtMost {
    key: String,
    keys: BTreeMap<String, Roles>,
}

#[derive(Default)]
struct Roles {
    primaries: BTreeMap<String, u64>,
    told: u64,
    two: Option<(String, Vec<u64>)>,
}

impl OnePrimaryAtMost {
    pub fn new(key: String) -> Self {
        Self {
            key,
            keys: BTreeMap::new(),
        }
    }
}

impl Oracle for OnePrimaryAtMost {
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
        let (Some(key), Some(role)) = (fields.get("key_id"), fields.get("role")) else {
            return;
        };
        if note != "key_role" {
            return;
        }
        let roles = self.keys.entry(key.clone()).or_default();
        roles.told += 1;
        if role == "PRIMARY" {
            roles.primaries.insert(region.to_string(), event.n);
        } else {
            roles.primaries.remove(region.as_str());
        }
        if roles.primaries.len() > 1 && roles.two.is_none() {
            let regions: BTreeSet<_> = roles.primaries.keys().cloned().collect();
            let regions: Vec<_> = regions.into_iter().collect();
            let lines = roles.primaries.values().copied().collect();
            roles.two = Some((regions.join(" and "), lines));
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let nothing = "no Region told a role of this key: it is no multi-Region key, or never was";
        let Some(roles) = self.keys.get(&end.key_id(&self.key)) else {
            return Finding::unknown(nothing);
        };
        match &roles.two {
            Some((regions, at)) => Finding::violated(
                format!("{} has a primary in {regions} at one moment", self.key),
                at.iter().copied(),
            ),
            None => Finding::measured(roles.told, nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, KEY, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("one_primary_at_most", json!({ "key": "payments" }))
    }

    fn role(run: &mut Doctored, region: &str, role: &str) -> u64 {
        run.note(region, "key_role", &[("key_id", KEY), ("role", role)])
    }

    #[test]
    fn a_promotion_by_the_book_holds() {
        let mut run = run();
        role(&mut run, "eu-west-1", "PRIMARY");
        role(&mut run, "us-east-1", "REPLICA");
        role(&mut run, "eu-west-1", "REPLICA");
        role(&mut run, "us-east-1", "PRIMARY");
        run.holds(4);
    }

    #[test]
    fn two_primaries_violate_even_for_a_moment() {
        let mut run = run();
        let first = role(&mut run, "eu-west-1", "PRIMARY");
        let second = role(&mut run, "us-east-1", "PRIMARY");
        role(&mut run, "eu-west-1", "REPLICA");
        let (because, at) = violated(run.finding());
        assert_eq!(at, [first, second]);
        assert!(because.contains("eu-west-1 and us-east-1"), "{because}");
    }

    #[test]
    fn roles_of_other_keys_leave_it_unknown() {
        let mut run = run();
        run.note(
            "eu-west-1",
            "key_role",
            &[("key_id", "mrk-other"), ("role", "PRIMARY")],
        );
        unknown(run.finding());
    }
}
