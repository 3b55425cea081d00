//! A step's verb: asked once, until it is as expected, or for as long as it must stay so.

use std::cell::Cell;

use faultline_proto::driving::Credential;
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use serde_json::{Value, json};

use super::Runner;
use super::ask::{self, Caller, Said};
use super::problem::{Asking, Trouble};
use super::steps::Place;
use crate::clock::{SimTime, Span};
use crate::journal::What;
use crate::journal::event::{Expectation, Problem};
use crate::scenario::matchers::{Judge, Unmet, matches};
use crate::scenario::plan::step::Retries as Written;
use crate::scenario::plan::{Call, Patience};
use crate::scenario::template::{Bindings, EvaluateError};
use crate::scenario::vocabulary::verbs::Verb;
use crate::sim::answer::Timeouts;
use crate::sim::sdk::Retries;

/// How long a role's session is used before another is opened.
const SESSION: Span = Span::secs(50 * 60);

/// A verb with everything that its step says, values put in.
pub(super) struct Asked {
    pub arguments: Value,
    pub region: Option<RegionName>,
    pub caller: Caller,
    pub purpose: String,
}

impl Runner<'_> {
    /// Carries a verb out. Answers a few words, or a picture and how often was asked.
    pub(super) async fn call(
        &self,
        call: &Call,
        place: &Place,
        bindings: &mut Bindings,
    ) -> Result<String, (Box<Problem>, u64)> {
        let since = self.sim.now();
        let attempts = Cell::new(0);
        let outcome = self.patiently(call, place, bindings, &attempts).await;
        let asking = Asking {
            call,
            since,
            attempts: attempts.get(),
        };
        match outcome {
            Ok(said) => {
                let summary = self.summary(call, &said, &asking);
                if call.expect.is_some() || call.call.is_some() || call.fails_with.is_some() {
                    self.sim.record(What::Expectation(Expectation {
                        step: place.path.clone(),
                        passed: true,
                        attempts: asking.attempts,
                        since,
                        problem: None,
                    }));
                }
                if let Some(name) = &call.save {
                    let value = match said.result {
                        Ok(value) => value,
                        Err(refusal) => refusal.value(),
                    };
                    bindings.bind(name.clone(), value);
                }
                Ok(summary)
            }
            Err(trouble) => Err((Box::new(self.picture(&trouble, &asking)), asking.attempts)),
        }
    }

    async fn patiently(
        &self,
        call: &Call,
        place: &Place,
        bindings: &Bindings,
        attempts: &Cell<u64>,
    ) -> Result<Said, Trouble> {
        let since = self.sim.now();
        let (most, stays) = match &call.patience {
            Patience::Once => (Span::ZERO, false),
            Patience::Within(span) => (Span::from(span.get(bindings)?), false),
            Patience::Throughout(span) => (Span::from(span.get(bindings)?), true),
        };
        let slowest = Span(most.0 / 20);
        let mut pause = Span::millis(100);
        loop {
            attempts.set(attempts.get() + 1);
            let said = self.once(call, place, bindings, attempts.get()).await?;
            let judged = self.judge(call, &said, bindings);
            let passed = self.sim.now().since(since);
            match judged {
                Ok(()) if !stays || passed >= most => return Ok(said),
                Err(trouble) if stays || passed >= most || trouble.is_final() => {
                    return Err(trouble);
                }
                Ok(()) | Err(_) => {}
            }
            self.sim.sleep(pause.min(most.minus(passed))).await;
            pause = Span(pause.0 * 3 / 2).min(slowest).max(Span::millis(20));
        }
    }

    /// Asks once.
    async fn once(
        &self,
        call: &Call,
        place: &Place,
        bindings: &Bindings,
        round: u64,
    ) -> Result<Said, Trouble> {
        let asked = self.asked(call, place, bindings, round).await?;
        match call.verb {
            Verb::Operation(operation) => {
                let region = asked.region.as_ref().ok_or_else(|| {
                    self.own("NoRegion", "the step does not say which Region is asked")
                })?;
                self.secrets
                    .borrow_mut()
                    .of_request(&self.sim, operation, &asked.arguments);
                Ok(ask::ask(
                    &self.sim,
                    &asked.caller,
                    region,
                    operation,
                    &asked.arguments,
                    &asked.purpose,
                )
                .await)
            }
            Verb::BuiltIn(built_in) => match built_in.verb {
                "sealed.put_item" => self.sealed_put(&asked).await,
                "sealed.get_item" => self.sealed_get(&asked).await,
                "sealed.query" | "sealed.scan" => self.sealed_find(&asked).await,
                verb @ ("sealed.batch_get_item"
                | "sealed.batch_write_item"
                | "sealed.transact_get_items"
                | "sealed.transact_write_items"
                | "sealed.update_item") => self.sealed_request(verb, &asked).await,
                "sealed.create_branch_key" => self.create_branch_key(&asked).await,
                "sealed.version_branch_key" => self.version_branch_key(&asked).await,
                "sealed.wrap_key_material" => self.wrap_key_material(&asked),
                "time.advance" => {
                    let by = asked.arguments["by"].as_str();
                    let by = by.and_then(crate::scenario::quantity::duration);
                    self.sim.sleep(by.unwrap_or_default().into()).await;
                    Ok(Said {
                        result: Ok(json!({})),
                        call: Value::Null,
                    })
                }
                other => self.see(other, &asked),
            },
        }
    }

    async fn asked(
        &self,
        call: &Call,
        place: &Place,
        bindings: &Bindings,
        round: u64,
    ) -> Result<Asked, Trouble> {
        let region = match &call.region {
            Some(region) => Some(region.get(bindings)?),
            None => None,
        };
        let principal = match &call.principal {
            Some(principal) if call.verb.needs_caller() => principal.get(bindings)?,
            _ => String::new(),
        };
        let asked = region.clone().unwrap_or_else(|| self.world.home.clone());
        let from = match &call.from {
            Some(from) => from.get(bindings)?,
            None => asked.clone(),
        };
        let names = self.names(&asked, &principal);
        let arguments = call.arguments.evaluate(bindings, &names)?;
        let client = call.client.or(&self.case.world.client);
        let usual = Timeouts::default();
        let mut caller = Caller {
            step: place.path.clone(),
            lane: place.lane.clone(),
            principal,
            credential: Credential::default(),
            from,
            timeouts: Timeouts {
                connect: client.connect_timeout.map_or(usual.connect, Span::from),
                read: client.read_timeout.map_or(usual.read, Span::from),
            },
            retries: match client.retries {
                None | Some(Written::Times(0)) => Retries::None,
                Some(Written::Times(times)) => Retries::Times(times),
                Some(Written::Standard) => Retries::STANDARD,
            },
            raw: call.raw,
        };
        let purpose = format!("{} {round}", place.path);
        if call.verb.needs_caller() {
            caller.credential = self.credential(&caller, &asked, &purpose).await?;
        }
        Ok(Asked {
            arguments,
            region,
            caller,
            purpose,
        })
    }

    /// A user's access key, or a session of a role, which the client opens where it asks.
    async fn credential(
        &self,
        caller: &Caller,
        region: &RegionName,
        purpose: &str,
    ) -> Result<Credential, Trouble> {
        let name = &caller.principal;
        let Some(principal) = self.world.principals.get(name) else {
            return Err(self.own(
                "UnknownPrincipal",
                format!("the world has no principal `{name}`"),
            ));
        };
        let Some(own) = principal.credential.clone() else {
            return Err(self.own(
                "NoCredential",
                format!("only a service may assume the role `{name}`"),
            ));
        };
        if !principal.role {
            return Ok(own);
        }
        let now = self.sim.now();
        let fresh = |(since, credential): &(SimTime, Credential)| {
            (now.since(*since) < SESSION).then(|| credential.clone())
        };
        if let Some(credential) = self.sessions.borrow().get(name).and_then(fresh) {
            return Ok(credential);
        }
        let assumer = Caller {
            credential: own,
            ..caller.clone()
        };
        let operation = find_verb("sts.assume_role")
            .ok_or_else(|| self.own("NotBuilt", "this build does not have `sts.assume_role`"))?;
        let mut arguments = json!({ "role_arn": principal.arn, "role_session_name": name });
        if let Some(policy) = &principal.session_policy {
            arguments["policy"] = json!(policy);
        }
        let purpose = format!("{purpose} session");
        let said = ask::ask(&self.sim, &assumer, region, operation, &arguments, &purpose).await;
        let answer = said
            .result
            .map_err(|refusal| Trouble::Refused(Box::new(refusal)))?;
        let text = |member: &str| {
            let text = answer["credentials"][member].as_str();
            text.unwrap_or_default().to_owned()
        };
        let credential = Credential {
            access_key: text("access_key_id"),
            session_token: text("session_token"),
        };
        self.sessions
            .borrow_mut()
            .insert(name.clone(), (now, credential.clone()));
        Ok(credential)
    }

    /// Whether what came is as the step says.
    fn judge(&self, call: &Call, said: &Said, bindings: &Bindings) -> Result<(), Trouble> {
        let region = match &call.region {
            Some(region) => region.get(bindings)?,
            None => self.world.home.clone(),
        };
        let names = self.names(&region, "");
        let judge = Judge {
            bindings,
            names: &names,
        };
        match (&said.result, &call.fails_with) {
            (Err(_), None) if call.may_fail => Ok(()),
            (Err(refusal), None) => Err(Trouble::Refused(Box::new(refusal.clone()))),
            (Ok(_), Some(failure)) => Err(Trouble::Succeeded(failure.span)),
            (Err(refusal), Some(failure)) => {
                let value = refusal.value();
                match matches(&failure.matcher, Some(&value), judge) {
                    Ok(()) => Ok(()),
                    Err(Unmet::Mismatch(mismatch)) => Err(Trouble::FailedOtherwise(Box::new((
                        refusal.clone(),
                        mismatch,
                    )))),
                    Err(Unmet::Evaluate(error)) => Err(error.into()),
                }
            }
            (Ok(value), None) => {
                let parts = [(&call.expect, value), (&call.call, &said.call)];
                for (matcher, value) in parts {
                    let Some(matcher) = matcher else { continue };
                    match matches(matcher, Some(value), judge) {
                        Ok(()) => {}
                        Err(Unmet::Mismatch(mismatch)) => {
                            return Err(Trouble::Differs(Box::new(mismatch)));
                        }
                        Err(Unmet::Evaluate(error)) => return Err(error.into()),
                    }
                }
                Ok(())
            }
        }
    }

    fn summary(&self, call: &Call, said: &Said, asking: &Asking<'_>) -> String {
        let took = self.sim.now().since(asking.since);
        let what = match &said.result {
            Err(refusal) => match &refusal.caused_by {
                Some(fault) => format!("{}, because of {fault}", refusal.code),
                None => refusal.code.clone(),
            },
            Ok(_) => match &said.call["latency"] {
                Value::String(latency) => latency.clone(),
                _ => String::new(),
            },
        };
        match &call.patience {
            Patience::Within(_) if asking.attempts > 1 => {
                format!("after {took}, asked {} times", asking.attempts)
            }
            Patience::Throughout(_) => format!("for {took}, asked {} times", asking.attempts),
            Patience::Within(_) | Patience::Once => what,
        }
    }
}

impl From<EvaluateError> for Trouble {
    fn from(error: EvaluateError) -> Self {
        Self::Evaluate(error)
    }
}
