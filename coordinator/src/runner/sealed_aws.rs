//! What a sealed client is given: a way to AWS, and chance.

use std::cell::{Cell, RefCell};

use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;
use faultline_sealed::{AwsClient, CallFailure, Entropy};

use super::ask::{self, Caller, Refusal};
use crate::clock::BASE_WALL;
use crate::seed::RunSeed;
use crate::sim::Sim;
use crate::sim::answer::Answered;

/// The client's way to AWS.
pub(super) struct Aws<'a> {
    pub sim: &'a Sim,
    pub caller: &'a Caller,
    pub purpose: &'a str,
    /// Protobuf bytes to append to a PutItem: what the client itself does not write.
    pub more: Vec<u8>,
    pub calls: Cell<u32>,
    /// The most attempts that one of its calls took.
    pub attempts: Cell<u32>,
    pub cross_region: Cell<u32>,
    pub last: RefCell<Option<Refusal>>,
}

impl AwsClient for Aws<'_> {
    async fn call(
        &self,
        region: &RegionName,
        operation: &'static str,
        mut request: Vec<u8>,
    ) -> Result<Vec<u8>, CallFailure> {
        let fails = |code: &str, message: &str, payload: String| CallFailure {
            region: region.clone(),
            operation,
            code: code.to_owned(),
            message: message.to_owned(),
            payload,
        };
        let Some(def) = find_operation(operation) else {
            return Err(fails(
                "NotBuilt",
                "this build does not have it",
                String::new(),
            ));
        };
        if operation == "dynamodb.PutItem" {
            request.extend_from_slice(&self.more);
        }
        self.calls.set(self.calls.get() + 1);
        let purpose = format!("{} call {}", self.purpose, self.calls.get());
        let answers = ask::send(
            self.sim,
            self.caller,
            region,
            def,
            request.into(),
            None,
            &purpose,
        )
        .await;
        let Some(answer) = answers.last() else {
            return Err(fails("NotSent", "nothing was sent", String::new()));
        };
        self.attempts.set(self.attempts.get().max(answer.attempt));
        self.cross_region
            .set(self.cross_region.get() + answer.cross_region_calls);
        match &answer.result {
            Answered::Success { response, .. } => Ok(response.to_vec()),
            Answered::Refused { .. } | Answered::Unheard { .. } => {
                let refusal = ask::refusal(answer, def, self.sim.now());
                self.last.replace(Some(refusal.clone()));
                let payload = serde_json::to_string(&refusal).unwrap_or_default();
                Err(fails(&refusal.code, &refusal.message, payload))
            }
        }
    }

    fn now(&self) -> u64 {
        let micros = BASE_WALL.saturating_add_unsigned(self.sim.now().0);
        u64::try_from(micros).unwrap_or_default()
    }
}

/// The client's own chance, from the run's seed.
pub(super) struct Chance<'a> {
    pub seed: RunSeed,
    pub purpose: &'a str,
    pub drawn: u64,
}

impl Entropy for Chance<'_> {
    fn fill(&mut self, purpose: &str, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let draw = self
                .seed
                .draw(&format!("{purpose} {}", self.purpose), self.drawn);
            self.drawn += 1;
            chunk.copy_from_slice(&draw.bytes()[..chunk.len()]);
        }
    }
}
