//! Changes of permissions that may be in force though no line of the trail tells of them.
//!
//! A Region may commit a call and die before it tells anybody. Its client then heard nothing, and
//! what the call would have changed is in doubt from the moment at which it was sent.

use std::collections::BTreeMap;

use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::{Event, Outcome};

/// Operations of KMS that change who may use a key.
const OF_KEYS: [&str; 6] = [
    "kms.CreateGrant",
    "kms.CreateKey",
    "kms.PutKeyPolicy",
    "kms.ReplicateKey",
    "kms.RetireGrant",
    "kms.RevokeGrant",
];

/// What was sent.
struct Sent {
    at: SimTime,
    /// Id of the key, if the change is one of a key.
    key: Option<String>,
}

/// Hears calls, and knows those of which nothing came back.
#[derive(Default)]
pub(super) struct Unseen {
    open: BTreeMap<String, Sent>,
    lost: Vec<Sent>,
}

impl Unseen {
    pub fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                let of_key = OF_KEYS.contains(&sent.operation.as_str());
                if of_key || sent.operation.starts_with("iam.") {
                    let key = &sent.request["KeyId"];
                    let key = key.as_str().filter(|key| !key.contains("alias/"));
                    let key = key.map(|key| key.rsplit('/').next().unwrap_or(key).to_owned());
                    let at = event.t;
                    self.open.insert(sent.call.clone(), Sent { at, key });
                }
            }
            What::Audit { event: line, .. } => {
                if let Some(call) = line["call"].as_str() {
                    self.open.remove(call);
                }
            }
            What::CallAnswered(answered) => {
                let sent = self.open.remove(&answered.call);
                if let (Some(sent), Outcome::Unheard { .. }) = (sent, &answered.outcome) {
                    self.lost.push(sent);
                }
            }
            _ => {}
        }
    }

    /// Whether what permits uses of this key may have changed unseen before `now`.
    pub fn concerns(&self, key: &str, now: SimTime) -> bool {
        let id = key.rsplit('/').next().unwrap_or(key);
        let mut all = self.lost.iter().chain(self.open.values());
        all.any(|sent| sent.at <= now && sent.key.as_deref().is_none_or(|key| key == id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{ACCOUNT, Doctored, KEY, key_arn, violated};
    use crate::oracles::{Finding, unseen};

    fn run() -> Doctored {
        let mut run = Doctored::new("no_key_used_without_permission", json!({}));
        run.audit(json!({ "eventName": "CreateKey", "account": ACCOUNT,
            "recipientAccountId": ACCOUNT, "resources": [key_arn("eu-west-1")],
            "requestParameters": Value::Null }));
        run
    }

    fn used(run: &mut Doctored) {
        let principal = format!("arn:aws:iam::{ACCOUNT}:user/clerk");
        let key = key_arn("eu-west-1");
        run.note(
            "eu-west-1",
            "key_used",
            &[
                ("key", &key),
                ("operation", "Decrypt"),
                ("principal", &principal),
            ],
        );
    }

    #[test]
    fn a_grant_whose_maker_heard_nothing_may_be_what_permits() {
        assert!(unseen::OF_KEYS.contains(&"kms.CreateGrant"));
        let mut run = run();
        run.sent("kms.CreateGrant", json!({ "KeyId": KEY }));
        used(&mut run);
        assert!(!matches!(run.finding(), Finding::Violated { .. }));
    }

    #[test]
    fn one_for_another_key_or_one_that_was_refused_is_not() {
        let mut run = run();
        run.sent("kms.CreateGrant", json!({ "KeyId": "mrk-other" }));
        run.sent("kms.CreateGrant", json!({ "KeyId": KEY }));
        run.answered("kms.CreateGrant", "AccessDeniedException");
        used(&mut run);
        violated(run.finding());
    }
}
