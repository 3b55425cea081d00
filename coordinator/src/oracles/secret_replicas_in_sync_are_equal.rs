//! What a primary calls InSync is equal: the replica has the values, labels, tags, description and
//! resource policy that the primary has at that moment (SEC-001, SEC-007).
//!
//! Each side tells a digest of its own rows: the replica when it has taken a change, the primary
//! when it says InSync. The digest is made under a key that all Regions share, so nobody learns
//! from it what the secret is.
//!
//! It cannot see what a Region stores and does not tell of, nor a replica that nobody calls InSync. What
//! a replica's Region did before it died it may not have told: what is known of its copies is forgotten
//! then.

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// See the module.
pub(super) struct SecretReplicasInSyncAreEqual {
    secret: Option<String>,
    /// The last word of each replica, by secret and Region: digest and line.
    copies: BTreeMap<(String, String), (String, u64)>,
    /// Regions that have died: what they have nobody may have heard.
    died: BTreeSet<String>,
    measured: u64,
    unclear: u64,
    wrong: Option<(String, Vec<u64>)>,
}

impl SecretReplicasInSyncAreEqual {
    pub fn new(secret: Option<String>) -> Self {
        Self {
            secret,
            copies: BTreeMap::new(),
            died: BTreeSet::new(),
            measured: 0,
            unclear: 0,
            wrong: None,
        }
    }

    /// `account/name-suffix`, as notes name a secret.
    fn is_meant(&self, secret: &str) -> bool {
        let name = secret
            .split_once('/')
            .and_then(|(_, rest)| rest.rsplit_once('-'))
            .map_or(secret, |(name, _)| name);
        self.secret.as_deref().is_none_or(|wanted| wanted == name)
    }

    fn in_sync(&mut self, secret: &str, region: &str, content: &str, line: u64) {
        let place = (secret.to_owned(), region.to_owned());
        let wrong = match self.copies.get(&place) {
            None if self.died.contains(region) => {
                self.unclear += 1;
                return;
            }
            Some((copy, _)) if copy == content => {
                self.measured += 1;
                return;
            }
            Some((_, told)) => (
                format!("{secret} is InSync in {region}, and the replica has something else"),
                vec![*told, line],
            ),
            None => (
                format!("{secret} is InSync in {region}, and no replica there has taken it"),
                vec![line],
            ),
        };
        self.wrong.get_or_insert(wrong);
    }
}

impl Oracle for SecretReplicasInSyncAreEqual {
    fn hear(&mut self, event: &Event) {
        let (note, fields) = match &event.what {
            What::Note { note, fields, .. } => (note, fields),
            What::NodeDied { region, .. } => {
                let died = region.as_str();
                self.copies.retain(|(_, at), _| at != died);
                self.died.insert(died.to_owned());
                return;
            }
            _ => return,
        };
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (secret, region, content) = (field("secret"), field("region"), field("content"));
        if !self.is_meant(secret) {
            return;
        }
        match note.as_str() {
            "secret_copied" => {
                let place = (secret.to_owned(), region.to_owned());
                self.copies.insert(place, (content.to_owned(), event.n));
            }
            "secret_in_sync" => self.in_sync(secret, region, content, event.n),
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        match &self.wrong {
            Some((because, at)) => Finding::violated(because.clone(), at.iter().copied()),
            None if self.measured > 0 && self.unclear > 0 => Finding::Holds {
                measured: self.measured,
                but: format!("{} more were told by a Region that died", self.unclear),
            },
            None => Finding::measured(self.measured, "no replica of a secret was ever InSync"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::journal::What;
    use crate::oracles::testing::{Doctored, unknown, violated};

    fn run() -> Doctored {
        Doctored::new(
            "secret_replicas_in_sync_are_equal",
            json!({ "secret": "shop/db" }),
        )
    }

    fn tell(run: &mut Doctored, at: &str, note: &str, name: &str, content: &str) -> u64 {
        let secret = format!("111111111111/{name}-AbCdEf");
        let fields = [
            ("secret", secret.as_str()),
            ("region", "us-east-1"),
            ("content", content),
        ];
        run.note(at, note, &fields)
    }

    #[test]
    fn an_equal_replica_holds() {
        let mut run = run();
        tell(&mut run, "us-east-1", "secret_copied", "shop/db", "aa");
        tell(&mut run, "eu-west-1", "secret_in_sync", "shop/db", "aa");
        run.holds(1);
    }

    #[test]
    fn another_content_or_none_violates() {
        let mut run = run();
        let copied = tell(&mut run, "us-east-1", "secret_copied", "shop/db", "aa");
        let said = tell(&mut run, "eu-west-1", "secret_in_sync", "shop/db", "bb");
        assert_eq!(violated(run.finding()).1, [copied, said]);
        let mut run = self::run();
        tell(&mut run, "eu-west-1", "secret_in_sync", "shop/db", "bb");
        assert!(violated(run.finding()).0.contains("no replica there"));
    }

    #[test]
    fn what_a_region_did_before_it_died_is_not_known() {
        let mut run = run();
        tell(&mut run, "us-east-1", "secret_copied", "shop/db", "aa");
        tell(&mut run, "eu-west-1", "secret_in_sync", "shop/db", "aa");
        run.tell(What::NodeDied {
            region: "us-east-1".parse().unwrap(),
            point: "after_commit".to_owned(),
            caused_by: None,
        });
        tell(&mut run, "eu-west-1", "secret_in_sync", "shop/db", "bb");
        tell(&mut run, "us-east-1", "secret_copied", "shop/db", "cc");
        run.holds(1);
    }

    #[test]
    fn another_secret_is_not_measured() {
        let mut run = run();
        tell(&mut run, "eu-west-1", "secret_in_sync", "shop/mail", "bb");
        unknown(run.finding());
    }
}
