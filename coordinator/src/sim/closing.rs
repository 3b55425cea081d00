//! The end of a call: what its client is told, why, and what the journal says of it.

use faultline_proto::driving::{Failure, completed::Outcome};

use super::answer::{Answer, Answered, CallSpec, Unheard};
use super::core::Core;
use crate::journal::What;
use crate::journal::event::{self, CallAnswered, Refused};
use crate::journal::shown::shown;

impl Core {
    /// The client stops waiting.
    pub fn give_up(&mut self, number: u64, how: Unheard) {
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        let caused_by = call.blame.as_ref().map(|cause| cause.kind);
        self.close(number, Answered::Unheard { how, caused_by }, 0);
    }

    /// The answer is complete.
    pub fn answer(&mut self, number: u64) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let Some(completed) = call.completed.take() else {
            return;
        };
        let body = std::mem::take(&mut call.body);
        let blame = call.blame.as_ref().map(|cause| cause.kind);
        let cross = completed.cross_region_calls;
        let result = match completed.outcome {
            Some(Outcome::Success(success)) => Answered::Success {
                body: success.body_length.map(|_| body.into()),
                response: success.response.into(),
            },
            Some(Outcome::Failure(failure)) => {
                let named = self
                    .faults
                    .values()
                    .map(|active| active.kind)
                    .find(|kind| *kind == failure.fault);
                // A refusal that the Region came to by itself is not the network's doing.
                let cause = named
                    .or(blame.filter(|_| cross > 0))
                    .or_else(|| self.blame_root(number, &failure));
                Answered::Refused {
                    failure: Box::new(failure),
                    caused_by: cause,
                }
            }
            None => Answered::Unheard {
                how: Unheard::ConnectionReset,
                caused_by: blame,
            },
        };
        self.close(number, result, cross);
    }

    /// The client has what it will have.
    fn close(&mut self, number: u64, result: Answered, cross: u32) {
        let Some(mut call) = self.calls.remove(&number) else {
            return;
        };
        self.call_ids.remove(&call.id);
        let latency = self.now().since(call.sent);
        let cross_region_calls = cross + u32::from(call.spec.from != call.spec.region);
        self.record(What::CallAnswered(CallAnswered {
            call: call.id.clone(),
            step: call.spec.step.clone(),
            operation: call.spec.operation.id.to_owned(),
            principal: call.spec.principal.clone(),
            region: call.spec.region.clone(),
            attempt: call.spec.attempt,
            latency,
            cross_region_calls,
            outcome: self.told(&call.spec, &result),
        }));
        if let Some(promise) = call.promise.take() {
            promise.keep(Answer {
                call: call.id,
                region: call.spec.region,
                attempt: call.spec.attempt,
                sent: call.sent,
                latency,
                cross_region_calls,
                result,
            });
            self.woken = true;
        }
    }

    /// What the journal tells of an answer.
    fn told(&self, spec: &CallSpec, result: &Answered) -> event::Outcome {
        match result {
            Answered::Success { response, body } => event::Outcome::Success {
                response: shown(spec.operation.output, response, &self.canaries),
                body: body.as_ref().map(|body| body.len() as u64),
            },
            Answered::Refused { failure, caused_by } => {
                event::Outcome::Refused(refused(failure, *caused_by))
            }
            Answered::Unheard { how, caused_by } => event::Outcome::Unheard {
                code: how.code().to_owned(),
                message: how.to_string(),
                caused_by: caused_by.map(str::to_owned),
            },
        }
    }
}

fn refused(failure: &Failure, caused_by: Option<&str>) -> Refused {
    Refused {
        code: failure.code.clone(),
        message: failure.message.clone(),
        http_status: failure.http_status,
        definite: failure.definite,
        denial: failure.denial.clone().map(|denial| event::Denial {
            principal: denial.principal,
            action: denial.action,
            resource: denial.resource,
            denied_by: denial.denied_by,
            explicit: denial.explicit,
            statement: denial.statement,
            missing: denial.missing,
        }),
        caused_by: caused_by.map(str::to_owned),
    }
}
