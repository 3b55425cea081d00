//! Each call that a Region answered is in its trail once, refused calls too, and what a
//! service asked on a caller's behalf says which service asked.
//!
//! Calls whose credential nobody knows, or whose operation nobody has, are refused before
//! anybody can say whose they are, and leave no event.
//!
//! It cannot see calls that died with their node before the commit, and it does not compare
//! what an event says with what was asked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::{CallAnswered, Event, Outcome};

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

/// See the module.
pub(super) struct AuditComplete {
    account: Option<String>,
    calls: BTreeMap<String, Followed>,
}

#[derive(Default)]
struct Followed {
    operation: String,
    principal: String,
    account: String,
    own: Vec<u64>,
    /// An event of a service that does not say which service.
    nameless: Option<(String, u64)>,
    answered: Option<u64>,
}

impl AuditComplete {
    pub fn new(account: Option<String>) -> Self {
        Self {
            account,
            calls: BTreeMap::new(),
        }
    }

    fn trail(&mut self, line: &Value, n: u64) {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        // The owner's copy of a foreign call is no second event of the caller's.
        let copy = text("recipientAccountId") != text("account");
        let Some(call) = self.calls.get_mut(text("call")).filter(|_| !copy) else {
            return;
        };
        let own = call.operation.rsplit('.').next().unwrap_or_default();
        if !text("invokedBy").is_empty() {
            return;
        }
        if text("eventName") == own {
            text("account").clone_into(&mut call.account);
            call.own.push(n);
        } else {
            call.nameless
                .get_or_insert((text("eventName").to_owned(), n));
        }
    }

    fn answer(&mut self, answered: &CallAnswered, n: u64) {
        let nobodys = match &answered.outcome {
            Outcome::Success { .. } => false,
            Outcome::Refused(refused) => NOBODYS.contains(&refused.code.as_str()),
            Outcome::Unheard { .. } => true,
        };
        if nobodys {
            self.calls.remove(&answered.call);
        } else if let Some(call) = self.calls.get_mut(&answered.call) {
            call.answered = Some(n);
        }
    }
}

impl Oracle for AuditComplete {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                let followed = Followed {
                    operation: sent.operation.clone(),
                    principal: sent.principal.clone(),
                    ..Followed::default()
                };
                self.calls.insert(sent.call.clone(), followed);
            }
            What::Audit { event: line, .. } => self.trail(line, event.n),
            What::CallAnswered(answered) => self.answer(answered, event.n),
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let account = self.account.as_ref().map(|name| {
            let known = end.world.accounts.get(name);
            known.unwrap_or(name).clone()
        });
        let mut measured = 0;
        for call in self.calls.values() {
            let Some(answered) = call.answered else {
                continue;
            };
            let whose = if call.account.is_empty() {
                let meant = end.meant_by(&call.principal);
                let account = meant.first().and_then(|arn| arn.split(':').nth(4));
                account.unwrap_or_default().to_owned()
            } else {
                call.account.clone()
            };
            if account.as_ref().is_some_and(|account| *account != whose) {
                continue;
            }
            measured += 1;
            let operation = &call.operation;
            match call.own.as_slice() {
                [_] => {}
                [] => {
                    let because = format!("a call of {operation} was answered and is in no trail");
                    return Finding::violated(because, [answered]);
                }
                many => {
                    let because = format!(
                        "one call of {operation} is {} times in the trail",
                        many.len()
                    );
                    return Finding::violated(because, many.iter().copied());
                }
            }
            if let Some((name, n)) = &call.nameless {
                let because = format!(
                    "{name}, asked for by a service on behalf of {operation}, does not say by which"
                );
                return Finding::violated(because, [*n]);
            }
        }
        Finding::measured(measured, "no Region answered a call")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{ACCOUNT, Doctored, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("audit_complete", json!({}))
    }

    fn audit(run: &mut Doctored, name: &str, invoked_by: &str) -> u64 {
        run.audit(
            json!({ "eventName": name, "call": "call-1", "invokedBy": invoked_by,
            "account": ACCOUNT, "recipientAccountId": ACCOUNT }),
        )
    }

    #[test]
    fn a_call_with_its_events_holds_also_when_it_is_refused() {
        for code in ["", "AccessDenied"] {
            let mut run = run();
            run.sent("s3.PutObject", json!({}));
            audit(&mut run, "GenerateDataKey", "s3.eu-west-1.amazonaws.com");
            audit(&mut run, "PutObject", "");
            // What the owner of a foreign key sees of it.
            run.audit(json!({ "eventName": "PutObject", "call": "call-1",
                "account": ACCOUNT, "recipientAccountId": "222222222222" }));
            run.answered("s3.PutObject", code);
            run.holds(1);
        }
    }

    #[test]
    fn a_missing_a_double_and_a_nameless_event_violate() {
        for events in [
            &[][..],
            &[("PutObject", ""), ("PutObject", "")][..],
            &[("GenerateDataKey", ""), ("PutObject", "")][..],
        ] {
            let mut run = run();
            run.sent("s3.PutObject", json!({}));
            for (name, invoked_by) in events {
                audit(&mut run, name, invoked_by);
            }
            run.answered("s3.PutObject", "");
            violated(run.finding());
        }
    }

    #[test]
    fn it_looks_at_one_account_when_told_to() {
        let mut run = Doctored::new("audit_complete", json!({ "account": "222222222222" }));
        run.sent("kms.Encrypt", json!({}));
        run.answered("kms.Encrypt", "");
        unknown(run.finding());
    }

    #[test]
    fn calls_that_nobody_answered_or_nobody_owns_leave_it_unknown() {
        let mut run = run();
        run.sent("kms.Encrypt", json!({}));
        unknown(run.finding());
        run.answered("kms.Encrypt", "UnrecognizedClientException");
        unknown(run.finding());
    }
}
