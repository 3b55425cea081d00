//! The trail is whole: it has every call that was answered, in each account that AWS would tell,
//! and nothing that did not happen.
//!
//! - Each answered call, a refused one too, is in its caller's trail once, in the Region that
//!   was asked, under its caller's name and with the error that the caller got.
//! - Each use of a key that a Region tells of is in the trail, with the key, and each event of
//!   a cryptographic operation that succeeded belongs to such a use. So what services ask of
//!   KMS on a caller's behalf cannot be missing; it says which service asked ([`uses`]).
//! - A call that succeeded across accounts is in both trails under one shared id, one that was
//!   denied only in the caller's ([`copies`]).
//! - No event tells of a call that nobody sent, and no two have one id.
//!
//! Calls whose credential nobody knows, or whose operation nobody has, are refused before
//! anybody can say whose they are, and leave no event.
//!
//! It cannot see calls that died with their node before the commit. It does not compare the
//! parameters of an event with what was asked.

mod copies;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::copies::Copies;
use self::uses::Uses;
use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::{CallAnswered, Event, Outcome, Refused};

/// Refusals of requests that belong to nobody.
const NOBODYS: [&str; 9] = [
    "UnknownOperationException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "ExpiredToken",
    "ExpiredTokenException",
    "AuthFailure",
];

/// What is wrong, and the lines that show it.
type Wrong = (String, Vec<u64>);

/// See the module.
pub(super) struct AuditComplete {
    account: Option<String>,
    calls: BTreeMap<String, Followed>,
    copies: Copies,
    uses: Uses,
    ids: BTreeSet<String>,
    /// The first thing that no later line can mend.
    wrong: Option<Wrong>,
}

#[derive(Default)]
struct Followed {
    operation: String,
    principal: String,
    region: String,
    own: Vec<Own>,
    /// Names of calls to KMS for this one that were refused.
    denied: BTreeSet<String>,
    answered: Option<Answered>,
}

/// The event of a call itself.
struct Own {
    n: u64,
    region: String,
    account: String,
    principal: String,
    error: String,
}

struct Answered {
    n: u64,
    /// As the trail spells it; empty for a success.
    error: String,
    /// The call to KMS that a refusal of another service's call is about.
    denied: Option<String>,
}

/// Members of a line of the trail.
fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

/// Whether the line is an owner's copy of a foreign call, and no second event of the caller's.
fn is_copy(line: &Value) -> bool {
    text(line, "identityType") == "AWSAccount"
        && text(line, "recipientAccountId") != text(line, "account")
}

impl AuditComplete {
    pub fn new(account: Option<String>) -> Self {
        Self {
            account,
            calls: BTreeMap::new(),
            copies: Copies::default(),
            uses: Uses::default(),
            ids: BTreeSet::new(),
            wrong: None,
        }
    }

    fn trail(&mut self, region: &str, line: &Value, n: u64) {
        let wrong = self.identifies(region, line, n);
        let wrong = wrong.or_else(|| self.copies.hear(line, n));
        let wrong = wrong.or_else(|| self.follow(line, n));
        if self.wrong.is_none() {
            self.wrong = wrong;
        }
        if !is_copy(line) {
            self.uses.event(region, line, n);
        }
    }

    /// An event has an id of its own, a trail that it is in, and says the right Region.
    fn identifies(&mut self, region: &str, line: &Value, n: u64) -> Option<Wrong> {
        let (name, id) = (text(line, "eventName"), text(line, "eventID"));
        if !id.is_empty() && !self.ids.insert(id.to_owned()) {
            return Some((format!("two events have the id {id}"), vec![n]));
        }
        let said = text(line, "awsRegion");
        if !said.is_empty() && said != region {
            let because = format!("{name} in the trail of {region} says that it was in {said}");
            return Some((because, vec![n]));
        }
        None
    }

    /// Files the event under the call that it is of.
    fn follow(&mut self, line: &Value, n: u64) -> Option<Wrong> {
        let (name, id) = (text(line, "eventName"), text(line, "call"));
        let by_itself = text(line, "identityType").is_empty() && text(line, "principal").is_empty();
        let asked_by_service = !text(line, "invokedBy").is_empty();
        let root = id.split('@').next().unwrap_or_default();
        // `root-N` is what a fault does as root, by no client's call.
        if is_copy(line) || root == "-" || root.starts_with("bg-") || root.starts_with("root-") {
            return None;
        }
        let Some(call) = self.calls.get_mut(root) else {
            let because = format!("{name} is in the trail, and nobody made such a call");
            return Some((because, vec![n]));
        };
        let own = call.operation.rsplit('.').next().unwrap_or_default();
        if asked_by_service || by_itself {
            if !text(line, "errorCode").is_empty() {
                call.denied.insert(name.to_owned());
            }
        } else if name == own && root == id {
            call.own.push(Own {
                n,
                region: text(line, "awsRegion").to_owned(),
                account: text(line, "account").to_owned(),
                principal: text(line, "principal").to_owned(),
                error: text(line, "errorCode").to_owned(),
            });
        } else if root == id {
            let operation = &call.operation;
            let because = format!(
                "{name}, asked for by a service on behalf of {operation}, does not say by which"
            );
            return Some((because, vec![n]));
        }
        None
    }

    fn answer(&mut self, answered: &CallAnswered, n: u64) {
        let (error, denied) = match &answered.outcome {
            Outcome::Success { .. } => (String::new(), None),
            Outcome::Refused(refused) if NOBODYS.contains(&refused.code.as_str()) => {
                self.forget(&answered.call, n);
                return;
            }
            Outcome::Refused(refused) => (spelled(&refused.code), nested(answered, refused)),
            // It may be in the trail or not: nobody knows what became of it.
            Outcome::Unheard { .. } => return,
        };
        if let Some(call) = self.calls.get_mut(&answered.call) {
            call.answered = Some(Answered { n, error, denied });
        }
    }

    /// A request that belonged to nobody cannot be in somebody's trail.
    fn forget(&mut self, call: &str, n: u64) {
        let Some(call) = self.calls.get(call) else {
            return;
        };
        if let Some(own) = call.own.first()
            && self.wrong.is_none()
        {
            let operation = &call.operation;
            let because = format!("{operation} was refused as nobody's and is in somebody's trail");
            self.wrong = Some((because, vec![own.n, n]));
        }
    }
}

/// The trail's spelling of an error code (K-273).
fn spelled(code: &str) -> String {
    match code {
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "UnauthorizedOperation" => "Client.UnauthorizedOperation".to_owned(),
        other => other.to_owned(),
    }
}

/// The call to KMS that was denied, when another service's call was refused for it.
fn nested(answered: &CallAnswered, refused: &Refused) -> Option<String> {
    let action = refused.denial.as_ref()?.action.strip_prefix("kms:")?;
    let name = uses::event_name(action).to_owned();
    (!answered.operation.starts_with("kms.")).then_some(name)
}

/// Whether an event's `principal` is who `meant` names: itself, or a session of that role.
fn speaks_for(meant: &str, principal: &str) -> bool {
    if meant == principal || !meant.starts_with("arn:") {
        return true;
    }
    let part = |arn: &str, nth: usize| arn.split(':').nth(nth).unwrap_or_default().to_owned();
    let (role, session) = (part(meant, 5), part(principal, 5));
    let mut session = session.split('/');
    part(meant, 4) == part(principal, 4)
        && role.starts_with("role/")
        && session.next() == Some("assumed-role")
        && role.rsplit('/').next() == session.next()
}

impl Followed {
    /// What is wrong with an answered call; its own event must tell of it.
    fn wrong(&self, answered: &Answered, end: &End<'_>) -> Option<Wrong> {
        let operation = &self.operation;
        let own = match self.own.as_slice() {
            [own] => own,
            [] => {
                let because = format!("a call of {operation} was answered and is in no trail");
                return Some((because, vec![answered.n]));
            }
            many => {
                let because = format!(
                    "one call of {operation} is {} times in the trail",
                    many.len()
                );
                return Some((because, many.iter().map(|own| own.n).collect()));
            }
        };
        let lines = vec![own.n, answered.n];
        if own.error != answered.error {
            let said = |error: &str| if error.is_empty() { "success" } else { error }.to_owned();
            let (trail, caller) = (said(&own.error), said(&answered.error));
            let because = format!("{operation} ended in {caller}, and the trail says {trail}");
            return Some((because, lines));
        }
        if !own.region.is_empty() && own.region != self.region {
            let because = format!(
                "{operation} was asked in {} and is in the trail of {}",
                self.region, own.region
            );
            return Some((because, lines));
        }
        let meant = end.meant_by(&self.principal);
        // A client that opens a session of its role is told by the role's name, and calls as
        // whoever may assume it.
        let opens_session =
            operation == "sts.AssumeRole" && meant.iter().all(|arn| arn.contains(":role/"));
        if !opens_session
            && !own.principal.is_empty()
            && !meant.iter().any(|arn| speaks_for(arn, &own.principal))
        {
            let because = format!(
                "{operation} was called by {} and the trail says by {}",
                self.principal, own.principal
            );
            return Some((because, lines));
        }
        let missing = answered.denied.as_ref()?;
        (!self.denied.contains(missing)).then(|| {
            let because =
                format!("{operation} was refused because {missing} was, which is in no trail");
            (because, vec![answered.n])
        })
    }

    fn account(&self, end: &End<'_>) -> String {
        if let Some(own) = self.own.first() {
            return own.account.clone();
        }
        let meant = end.meant_by(&self.principal);
        let account = meant.first().and_then(|arn| arn.split(':').nth(4));
        account.unwrap_or_default().to_owned()
    }
}

impl Oracle for AuditComplete {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                let followed = Followed {
                    operation: sent.operation.clone(),
                    principal: sent.principal.clone(),
                    region: sent.region.to_string(),
                    ..Followed::default()
                };
                self.calls.insert(sent.call.clone(), followed);
            }
            What::Audit {
                region,
                event: line,
                ..
            } => self.trail(region.as_str(), line, event.n),
            What::CallAnswered(answered) => self.answer(answered, event.n),
            What::Note {
                region,
                note,
                fields,
                ..
            } if note == "key_used" => self.uses.note(region.as_str(), fields, event.n),
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let account = self.account.as_ref().map(|name| {
            let known = end.world.accounts.get(name);
            known.unwrap_or(name).clone()
        });
        // One account's trail says nothing of the other's.
        if account.is_none() {
            let wrong = self.wrong.take();
            let wrong = wrong.or_else(|| self.copies.wrong());
            if let Some((because, at)) = wrong.or_else(|| self.uses.wrong()) {
                return Finding::violated(because, at);
            }
        }
        let mut measured = 0;
        for call in self.calls.values() {
            let Some(answered) = &call.answered else {
                continue;
            };
            if account
                .as_ref()
                .is_some_and(|account| *account != call.account(end))
            {
                continue;
            }
            measured += 1;
            if let Some((because, at)) = call.wrong(answered, end) {
                return Finding::violated(because, at);
            }
        }
        Finding::measured(measured, "no Region answered a call")
    }
}
