//! No key was used for somebody whom its policy, its grants and the caller's own policies did
//! not permit.
//!
//! It learns key policies, grants and inline policies from the trail, and reads them naively
//! for every use that a Region tells of. A use that nothing permits, or that something
//! explicitly denies, violates. A policy that was replaced less than five minutes ago, one of a
//! principal that another Region may not have heard of, or a change of which nobody heard whether
//! it happened (`unseen`), makes a use unclear.
//!
//! It cannot see keys that AWS makes for itself, boundaries, session policies, and most
//! conditions: uses that depend on them are counted as unclear, and a run of nothing else is
//! unknown.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policies::{Answer, Asked};
use super::unseen::Unseen;
use super::{End, Finding, Oracle};
use crate::clock::{SimTime, Span};
use crate::journal::What;
use crate::journal::event::Event;

/// How long a policy that was replaced may still count.
const ECHO: Span = Span::secs(300);

/// See the module.
pub(super) struct NoKeyUsedWithoutPermission {
    key: Option<String>,
    home: String,
    policies: BTreeMap<String, Document>,
    grants: BTreeMap<String, Vec<Grant>>,
    /// Account, kind and name of a principal, then names of its policies.
    identities: BTreeMap<(String, &'static str, String), BTreeMap<String, Document>>,
    /// Principals whose boundary or session policy may take away what is given.
    bounded: Vec<(String, &'static str, String)>,
    uses: Vec<Use>,
    unseen: Unseen,
}

/// A policy and what it was before.
#[derive(Default)]
struct Document {
    now: String,
    since: SimTime,
    before: Vec<(String, SimTime)>,
}

struct Grant {
    id: String,
    grantee: String,
    operations: Vec<String>,
    constrained: bool,
    ended: Option<SimTime>,
}

struct Use {
    key: String,
    who: String,
    action: String,
    n: u64,
    at: SimTime,
    permitted: Answer,
}

impl Document {
    fn replace(&mut self, text: &str, at: SimTime) {
        let before = std::mem::replace(&mut self.now, text.to_owned());
        if !before.is_empty() {
            self.before.push((before, at));
        }
        self.since = at;
    }
}

impl NoKeyUsedWithoutPermission {
    pub fn new(key: Option<String>) -> Self {
        Self {
            key,
            home: String::new(),
            policies: BTreeMap::new(),
            grants: BTreeMap::new(),
            identities: BTreeMap::new(),
            bounded: Vec::new(),
            uses: Vec::new(),
            unseen: Unseen::default(),
        }
    }

    fn trail(&mut self, line: &Value, at: SimTime) {
        let copy = line["recipientAccountId"] != line["account"];
        if line.get("errorCode").is_some() || copy {
            return;
        }
        let asked = &line["requestParameters"];
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let account = line["account"].as_str().unwrap_or_default();
        match line["eventName"].as_str().unwrap_or_default() {
            "PutUserPolicy" => {
                let owner = (account, "user", text("userName"));
                self.identity(owner, text("policyName"), text("policyDocument"), at);
            }
            "DeleteUserPolicy" => {
                let owner = (account, "user", text("userName"));
                self.identity(owner, text("policyName"), "", at);
            }
            "PutRolePolicy" => {
                let owner = (account, "role", text("roleName"));
                self.identity(owner, text("policyName"), text("policyDocument"), at);
            }
            "DeleteRolePolicy" => {
                let owner = (account, "role", text("roleName"));
                self.identity(owner, text("policyName"), "", at);
            }
            "CreateUser" | "CreateRole" if asked.get("permissionsBoundary").is_some() => {
                let (kind, name) = match text("userName") {
                    "" => ("role", text("roleName")),
                    user => ("user", user),
                };
                self.bounded
                    .push((account.to_owned(), kind, name.to_owned()));
            }
            "AssumeRole" if asked.get("policy").is_some() => {
                let role = text("roleArn");
                let owner = role.split(':').nth(4).unwrap_or_default();
                let name = role.rsplit('/').next().unwrap_or_default();
                self.bounded
                    .push((owner.to_owned(), "role", name.to_owned()));
            }
            _ => self.key_event(line, at),
        }
    }

    fn identity(
        &mut self,
        (account, kind, name): (&str, &'static str, &str),
        policy: &str,
        text: &str,
        at: SimTime,
    ) {
        let owner = (account.to_owned(), kind, name.to_owned());
        let policies = self.identities.entry(owner).or_default();
        let document = policies.entry(policy.to_owned()).or_default();
        document.replace(text, at);
    }

    fn key_event(&mut self, line: &Value, at: SimTime) {
        let asked = &line["requestParameters"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let touched = line["resources"].as_array().into_iter().flatten();
        let key = touched
            .filter_map(Value::as_str)
            .find(|arn| arn.starts_with("arn:aws:kms:"))
            .unwrap_or_default()
            .to_owned();
        let answered = &line["responseElements"];
        match line["eventName"].as_str().unwrap_or_default() {
            // A replica's Region tells of CreateKey too, without what was asked.
            "CreateKey" if line.get("requestParameters").is_some() && !key.is_empty() => {
                let owner = key.split(':').nth(4).unwrap_or_default();
                let policy = match text(&asked["policy"]) {
                    given if given.is_empty() => usual(owner),
                    given => given,
                };
                self.policies.entry(key).or_default().replace(&policy, at);
            }
            "PutKeyPolicy" if !key.is_empty() => {
                let policy = text(&asked["policy"]);
                self.policies.entry(key).or_default().replace(&policy, at);
            }
            "ReplicateKey" => {
                let replica = text(&answered["replicaKeyMetadata"]["arn"]);
                let policy = text(&answered["replicaPolicy"]);
                let document = self.policies.entry(replica).or_default();
                // The replica's own Region may have told of a newer one meanwhile.
                if document.now.is_empty() && !policy.is_empty() {
                    document.replace(&policy, at);
                }
            }
            "CreateGrant" => {
                let operations = asked["operations"].as_array().into_iter().flatten();
                let grantee = match text(&asked["granteePrincipal"]) {
                    none if none.is_empty() => text(&asked["granteeServicePrincipal"]),
                    principal => principal,
                };
                let key = match text(&answered["keyId"]) {
                    none if none.is_empty() => key,
                    arn => arn,
                };
                self.grants.entry(key).or_default().push(Grant {
                    id: text(&answered["grantId"]),
                    grantee,
                    operations: operations.map(text).collect(),
                    constrained: asked.get("constraints").is_some(),
                    ended: None,
                });
            }
            "RevokeGrant" | "RetireGrant" => {
                let id = text(&asked["grantId"]);
                let grants = self.grants.values_mut().flatten();
                // A token says less: any grant may be the one.
                for grant in grants.filter(|grant| id.is_empty() || grant.id == id) {
                    grant.ended.get_or_insert(at);
                    grant.constrained |= id.is_empty();
                }
            }
            _ => {}
        }
    }

    fn used(&mut self, region: &str, fields: &BTreeMap<String, String>, event: &Event) {
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let asked = Asked {
            principal: field("principal"),
            action: format!("kms:{}", field("operation")),
            resource: field("key"),
            via: field("via"),
        };
        let permitted = self.permitted(&asked, region, event.t);
        self.uses.push(Use {
            key: field("key").to_owned(),
            who: asked.principal.to_owned(),
            action: asked.action,
            n: event.n,
            at: event.t,
            permitted,
        });
    }

    /// Whether anything permitted it and nothing denied it, as far as the model knows.
    fn permitted(&self, asked: &Asked<'_>, region: &str, now: SimTime) -> Answer {
        let Some(policy) = self.policies.get(asked.resource) else {
            return Answer::Unclear;
        };
        let of_key = weigh(asked, policy, now, true);
        let identity = self.identity_says(asked, region, now);
        if of_key.deny == Answer::Yes || identity.deny == Answer::Yes {
            return Answer::No;
        }
        let own = asked.account() == asked.resource.split(':').nth(4).unwrap_or_default();
        let identity_allows = if asked.is_root() || asked.account().is_empty() {
            Answer::Yes
        } else {
            identity.allow
        };
        let by_account = of_key.account.min(identity_allows);
        let directly = if own {
            of_key.allow
        } else {
            of_key.allow.min(identity_allows)
        };
        let allowed = directly.max(by_account).max(self.granted(asked, now));
        let unclear = of_key.deny == Answer::Unclear
            || identity.deny == Answer::Unclear
            || self.is_bounded(asked);
        if unclear {
            allowed.min(Answer::Unclear)
        } else {
            allowed
        }
    }

    fn identity_says(
        &self,
        asked: &Asked<'_>,
        region: &str,
        now: SimTime,
    ) -> super::policies::Said {
        let mut said = super::policies::Said::default();
        let Some((kind, name)) = asked.owner() else {
            return said;
        };
        let owner = (asked.account().to_owned(), kind, name.to_owned());
        for document in self
            .identities
            .get(&owner)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            let here = weigh(asked, document, now, region == self.home);
            said.allow = said.allow.max(here.allow);
            said.deny = said.deny.max(here.deny);
        }
        said
    }

    fn is_bounded(&self, asked: &Asked<'_>) -> bool {
        let Some((kind, name)) = asked.owner() else {
            return false;
        };
        let mut all = self.bounded.iter();
        all.any(|(account, of, bounded)| {
            account == asked.account() && *of == kind && bounded == name
        })
    }

    fn granted(&self, asked: &Asked<'_>, now: SimTime) -> Answer {
        let operation = asked.action.trim_start_matches("kms:");
        let grants = self.grants.get(asked.resource).into_iter().flatten();
        let said = grants.map(|grant| {
            let named = asked.of(
                &serde_json::json!({ "Statement": { "Effect": "Allow", "Action": "*",
                    "Principal": { "AWS": grant.grantee } } })
                .to_string(),
            );
            let over = grant.ended.is_some_and(|end| now.since(end) > ECHO);
            let mut answer = named.allow.max(named.account);
            if over || !grant.operations.iter().any(|known| known == operation) {
                answer = Answer::No;
            }
            if grant.constrained || grant.ended.is_some() {
                answer = answer.min(Answer::Unclear);
            }
            answer
        });
        said.max().unwrap_or_default()
    }
}

/// What a policy says, with the doubt that goes with a change: `prompt` ones settle in
/// [`ECHO`], others perhaps never.
fn weigh(
    asked: &Asked<'_>,
    document: &Document,
    now: SimTime,
    prompt: bool,
) -> super::policies::Said {
    let mut said = asked.of(&document.now_or_empty());
    let settled = prompt && now.since(document.since) > ECHO;
    let changed = !document.before.is_empty();
    if changed && !settled {
        said.deny = said.deny.min(Answer::Unclear);
    }
    for (before, until) in &document.before {
        if !prompt || now.since(*until) <= ECHO {
            let earlier = asked.of(before);
            said.allow = said.allow.max(earlier.allow.min(Answer::Unclear));
            said.account = said.account.max(earlier.account.min(Answer::Unclear));
        }
    }
    said
}

impl Document {
    fn now_or_empty(&self) -> String {
        if self.now.is_empty() {
            "{}".to_owned()
        } else {
            self.now.clone()
        }
    }
}

/// The policy of a key that was made without one: the account decides (K-175).
fn usual(account: &str) -> String {
    let root = format!("arn:aws:iam::{account}:root");
    serde_json::json!({ "Statement": [{ "Effect": "Allow", "Principal": { "AWS": root },
        "Action": "kms:*", "Resource": "*" }] })
    .to_string()
}

impl Oracle for NoKeyUsedWithoutPermission {
    fn hear(&mut self, event: &Event) {
        self.unseen.hear(event);
        match &event.what {
            What::World(world) => self.home.clone_from(&world.home),
            What::Audit { event: line, .. } => self.trail(line, event.t),
            What::Note {
                region,
                note,
                fields,
                ..
            } if note == "key_used" => self.used(region.as_str(), fields, event),
            // A fault healed what root itself could not: no line of the trail tells of it.
            What::Note { note, fields, .. } if note == "key_policy" => {
                if let (Some(key), Some(policy)) = (fields.get("key"), fields.get("policy")) {
                    let document = self.policies.entry(key.clone()).or_default();
                    document.replace(policy, event.t);
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let wanted = self.key.as_ref().map(|key| end.key_id(key));
        let (mut clear, mut unclear) = (0, 0);
        for used in &self.uses {
            let id = used.key.rsplit('/').next();
            if wanted.as_deref().is_some_and(|wanted| id != Some(wanted)) {
                continue;
            }
            match used.permitted {
                Answer::Yes => clear += 1,
                Answer::Unclear => unclear += 1,
                Answer::No if self.unseen.concerns(&used.key, used.at) => unclear += 1,
                Answer::No => {
                    let because = format!(
                        "{} used {} for {}, which nothing permitted",
                        used.who, used.key, used.action
                    );
                    return Finding::violated(because, [used.n]);
                }
            }
        }
        match (clear, unclear) {
            (0, 0) => Finding::unknown("no key was used"),
            (0, unclear) => Finding::unknown(format!(
                "no use of a key could be judged ({unclear} in all): whether it was permitted depends on what the trail does not show"
            )),
            (clear, 0) => Finding::Holds {
                measured: clear,
                but: String::new(),
            },
            (clear, unclear) => Finding::Holds {
                measured: clear,
                but: format!("{unclear} more uses depend on what the trail does not show"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{ACCOUNT, Doctored, KEY, key_arn, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("no_key_used_without_permission", json!({}))
    }

    fn audit(run: &mut Doctored, name: &str, asked: Value, answered: Value) {
        run.audit(json!({ "eventName": name, "account": ACCOUNT, "recipientAccountId": ACCOUNT,
            "resources": [key_arn("eu-west-1")], "requestParameters": asked, "responseElements": answered }));
    }

    fn uses(run: &mut Doctored, user: &str, operation: &str) -> u64 {
        let principal = format!("arn:aws:iam::{ACCOUNT}:user/{user}");
        run.note(
            "eu-west-1",
            "key_used",
            &[
                ("key", &key_arn("eu-west-1")),
                ("operation", operation),
                ("principal", &principal),
                ("via", ""),
            ],
        )
    }

    fn identity(run: &mut Doctored, user: &str, actions: Value) {
        let document =
            json!({ "Statement": { "Effect": "Allow", "Action": actions, "Resource": "*" } });
        audit(
            run,
            "PutUserPolicy",
            json!({ "userName": user, "policyName": "p", "policyDocument": document.to_string() }),
            json!({}),
        );
    }

    #[test]
    fn the_account_may_pass_on_what_its_key_leaves_to_it() {
        let mut run = run();
        audit(&mut run, "CreateKey", Value::Null, json!({}));
        identity(&mut run, "app", json!(["kms:Encrypt"]));
        uses(&mut run, "app", "Encrypt");
        run.holds(1);
        let at = uses(&mut run, "app", "Decrypt");
        assert_eq!(violated(run.finding()).1, [at]);
    }

    #[test]
    fn a_grant_permits_until_it_is_revoked() {
        let mut run = run();
        audit(&mut run, "CreateKey", Value::Null, json!({}));
        audit(
            &mut run,
            "CreateGrant",
            json!({ "granteePrincipal": format!("arn:aws:iam::{ACCOUNT}:user/app"), "operations": ["Decrypt"] }),
            json!({ "grantId": "g1", "keyId": key_arn("eu-west-1") }),
        );
        uses(&mut run, "app", "Decrypt");
        run.holds(1);
        audit(
            &mut run,
            "RevokeGrant",
            json!({ "grantId": "g1", "keyId": KEY }),
            json!({}),
        );
        uses(&mut run, "app", "Decrypt");
        run.holds(1);
        run.wait(301);
        uses(&mut run, "app", "Decrypt");
        violated(run.finding());
    }

    #[test]
    fn an_explicit_deny_violates_when_it_had_time_to_settle() {
        let allow =
            json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*" });
        let deny =
            json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*" });
        let mut run = run();
        audit(
            &mut run,
            "CreateKey",
            json!({ "policy": json!({ "Statement": [allow] }).to_string() }),
            json!({}),
        );
        uses(&mut run, "app", "Decrypt");
        audit(
            &mut run,
            "PutKeyPolicy",
            json!({ "policy": json!({ "Statement": [allow, deny] }).to_string() }),
            json!({}),
        );
        uses(&mut run, "app", "Decrypt");
        run.holds(1);
        run.wait(301);
        uses(&mut run, "app", "Decrypt");
        violated(run.finding());
    }

    #[test]
    fn conditions_and_keys_that_nobody_told_of_leave_it_unknown() {
        let mut run = run();
        assert_eq!(unknown(run.finding()), "no key was used");
        uses(&mut run, "app", "Decrypt");
        assert!(unknown(run.finding()).contains("(1 in all)"));
        let policy = json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "kms:*",
            "Resource": "*", "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } } }] });
        audit(
            &mut run,
            "CreateKey",
            json!({ "policy": policy.to_string() }),
            json!({}),
        );
        uses(&mut run, "app", "Decrypt");
        assert!(unknown(run.finding()).contains("(2 in all)"));
    }
}
