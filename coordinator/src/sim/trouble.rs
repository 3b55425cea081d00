//! Faults begin and heal: their effects are carried out here.
//!
//! What a fault does as root is done by the simulator's own hand: straight into the Region,
//! without a link and without time, so that a Region that is cut off can still be broken.

use faultline_proto::driving::{self, Credential, Failure, completed::Outcome, step::Input};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;
use faultline_proto::tables::{Card, Kind, MessageDef};
use faultline_proto::wire::{self, Fields};
use serde_json::{Value, json};

use super::core::{Core, Next};
use super::nodes::Node;
use crate::clock::SimTime;
use crate::faults::{
    Effect, Fault, KeyDisabled, KeyPendingDeletion, NodeCrash, RootCall, RootChange, Rule,
    RuleAction,
};
use crate::journal::What;
use crate::journal::event::FaultEvent;
use crate::network::Cause;

/// A Region refused what a fault does as root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {operation} as root in {region} was refused: {problem}")]
pub struct FaultRefused {
    /// The fault in words.
    pub fault: String,
    /// What root asked.
    pub operation: String,
    /// Whom.
    pub region: RegionName,
    /// The refusal.
    pub problem: String,
}

/// A fault in force.
pub(super) struct Active {
    pub kind: &'static str,
    fault: Fault,
    /// Crashes that have not struck.
    armed: Vec<NodeCrash>,
    /// What root takes back when it heals.
    heals: Vec<RootCall>,
    /// Regions whose process stays dead until it heals.
    dead: Vec<RegionName>,
}

impl Core {
    pub fn faults_in_force(&self) -> Vec<u64> {
        self.faults.keys().copied().collect()
    }

    /// A fault of a schedule begins; a refusal is told by the journal alone.
    pub fn begin_scheduled(&mut self, fault: &Fault, until: Option<SimTime>) {
        if let (Ok(id), Some(until)) = (self.begin_fault(fault), until) {
            self.queue.push(until, Next::HealFault(id));
        }
    }

    pub fn begin_fault(&mut self, fault: &Fault) -> Result<u64, FaultRefused> {
        self.next_fault += 1;
        let id = self.next_fault;
        let cause = Cause {
            fault: id,
            kind: fault.kind(),
        };
        self.record(What::FaultStarted(told(id, fault)));
        let mut active = Active {
            kind: fault.kind(),
            fault: fault.clone(),
            armed: vec![],
            heals: vec![],
            dead: vec![],
        };
        let mut refused = Ok(());
        let mut ruled = Vec::new();
        for effect in fault.effects() {
            match effect {
                Effect::Network(condition) => self.network.begin(cause.clone(), condition),
                Effect::Clock(region, skew) => {
                    let now = self.now();
                    self.hamper(&region, |node| node.clock.begin(id, now, skew));
                }
                Effect::Crash(crash) => {
                    if !crash.restarts {
                        active.dead.push(crash.region.clone());
                    }
                    active.armed.push(crash);
                }
                Effect::Restart(region) => self.restart(&region, &cause),
                Effect::Freeze(region) => {
                    self.hamper(&region, |node| node.frozen.push(cause.clone()));
                }
                Effect::NoRoom(region) => {
                    self.hamper(&region, |node| node.no_room.push(cause.clone()));
                }
                Effect::SlowDisk(region, latency) => self.hamper(&region, |node| {
                    node.slow.insert(id, (cause.clone(), latency));
                }),
                Effect::Inside(region, rule) => {
                    if let Some(node) = self.nodes.get_mut(&region) {
                        node.rules
                            .entry(id)
                            .or_default()
                            .push(stage(cause.kind, &rule));
                        ruled.push(region);
                    }
                }
                Effect::Root(change) => match self.change(fault, &change) {
                    Ok(heal) => active.heals.extend([heal].into_iter().chain(change.then)),
                    Err(problem) => refused = refused.and(Err(problem)),
                },
            }
        }
        ruled.dedup();
        for region in ruled {
            self.send_rules(&region);
        }
        self.faults.insert(id, active);
        self.tell_network();
        refused.map(|()| id)
    }

    /// Whoever carries the Regions may have links of its own to break.
    fn tell_network(&mut self) {
        let conditions: Vec<_> = self.network.conditions().cloned().collect();
        if let Err(error) = self.transport.network(self.queue.now(), &conditions) {
            self.break_off(error);
        }
    }

    fn hamper(&mut self, region: &RegionName, how: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(region) {
            how(node);
        }
    }

    pub fn heal_fault(&mut self, id: u64) -> Result<(), FaultRefused> {
        let Some(active) = self.faults.remove(&id) else {
            return Ok(());
        };
        self.network.heal(id);
        self.tell_network();
        let mut ruled = Vec::new();
        for (region, node) in &mut self.nodes {
            node.clock.heal(id);
            node.heal(id);
            if node.rules.remove(&id).is_some() {
                ruled.push(region.clone());
            }
        }
        for region in ruled {
            self.send_rules(&region);
        }
        let mut refused = Ok(());
        for call in active.heals {
            refused = refused.and(self.heal_by(&active.fault, call));
        }
        self.record(What::FaultHealed(told(id, &active.fault)));
        for region in active.dead {
            self.revive(&region);
        }
        self.release(id);
        refused
    }

    /// Takes a change back, now or when the Region's process lives again.
    fn heal_by(&mut self, fault: &Fault, call: RootCall) -> Result<(), FaultRefused> {
        if self.nodes.get(&call.region).is_some_and(|node| node.alive) {
            self.take_back(fault, &call)
        } else {
            self.late_heals.push((fault.clone(), call));
            Ok(())
        }
    }

    /// Takes a change back as root; a key policy that locks root out too by the simulator's hand.
    fn take_back(&mut self, fault: &Fault, call: &RootCall) -> Result<(), FaultRefused> {
        let refused = match self.root(fault, call) {
            Err(refused) if call.operation == "kms.PutKeyPolicy" => refused,
            done => return done.map(drop),
        };
        let policy = json!({ "key": call.request["KeyId"], "policy": call.request["Policy"] });
        match self.plant(&call.region, "key_policy", &policy) {
            Some(answer) if answer.get("error").is_none() => Ok(()),
            Some(_) | None => Err(refused),
        }
    }

    /// A Region lives again: what could not be taken back there is taken back now.
    pub fn retry_heals(&mut self, region: &RegionName) {
        let (now, later) = std::mem::take(&mut self.late_heals)
            .into_iter()
            .partition(|(_, call)| call.region == *region);
        self.late_heals = later;
        let now: Vec<(Fault, RootCall)> = now;
        for (fault, call) in now {
            // Its refusal is in the Region's trail.
            drop(self.take_back(&fault, &call));
        }
    }

    /// Makes a change and says what takes it back.
    fn change(&mut self, fault: &Fault, change: &RootChange) -> Result<RootCall, FaultRefused> {
        let mut heal = change.heal.clone();
        if let Some(read) = &change.read {
            match (self.root(fault, read), change.restores) {
                (Ok(answer), Some(member)) => heal.request[member] = answer,
                (Ok(_), None) => {}
                (Err(refused), _) => heal = change.otherwise.clone().ok_or(refused)?,
            }
        }
        self.root(fault, &change.begin)?;
        Ok(heal)
    }

    /// A call as root. Answers the text member that a policy is in, if there is one.
    fn root(&mut self, fault: &Fault, call: &RootCall) -> Result<Value, FaultRefused> {
        let refused = |problem: String| FaultRefused {
            fault: fault.to_string(),
            operation: call.operation.to_owned(),
            region: call.region.clone(),
            problem,
        };
        let operation = find_operation(call.operation)
            .ok_or_else(|| refused("this build has no such operation".to_owned()))?;
        let root = self
            .config
            .accounts
            .iter()
            .find(|account| account.id == call.account.as_str());
        let access_key = root
            .map(|account| account.root_access_key.clone())
            .unwrap_or_default();
        self.next_call += 1;
        let id = format!("root-{}", self.next_call);
        let input = driving::Call {
            id: id.clone(),
            credential: Some(Credential {
                access_key,
                session_token: String::new(),
            }),
            operation: call.operation.to_owned(),
            request: request(operation.input, &call.request),
            ..driving::Call::default()
        };
        self.step(&call.region, Input::Call(input), String::new());
        match self
            .direct
            .remove(&id)
            .and_then(|completed| completed.outcome)
        {
            Some(Outcome::Success(success)) => Ok(policy_in(operation.output, &success.response)),
            Some(Outcome::Failure(failure)) => {
                Err(refused(format!("{}: {}", failure.code, failure.message)))
            }
            None => Err(refused("it did not answer at once".to_owned())),
        }
    }

    /// The crash that this step dies of, if one is armed.
    pub fn strike(&mut self, region: &RegionName, input: &Input) -> Option<(Cause, NodeCrash)> {
        let operation = match input {
            Input::Call(call) if self.call_ids.contains_key(&call.id) => {
                Some(call.operation.as_str())
            }
            Input::Body(_) | Input::Pull(_) | Input::Deliver(_) | Input::Tick(_) => None,
            // The simulator's own doing never kills.
            Input::Call(_)
            | Input::Start(_)
            | Input::SetFaults(_)
            | Input::Look(_)
            | Input::Plant(_)
            | Input::Resend(_) => return None,
        };
        for (id, active) in &mut self.faults {
            let found = active
                .armed
                .iter()
                .position(|crash| crash.region == *region && crash.strikes(operation));
            if let Some(at) = found {
                return Some((
                    Cause {
                        fault: *id,
                        kind: active.kind,
                    },
                    active.armed.remove(at),
                ));
            }
        }
        None
    }

    /// The fault that changed what a Region now refuses over: a disabled key, a replaced policy.
    pub fn blame_root(&self, call: u64, failure: &Failure) -> Option<&'static str> {
        let region = &self.calls.get(&call)?.spec.region;
        let disabled = [
            "DisabledException",
            "KMSInvalidStateException",
            "KMS.DisabledException",
        ];
        let fits = |active: &&Active| match &active.fault {
            Fault::KeyDisabled(KeyDisabled { at, .. })
            | Fault::KeyPendingDeletion(KeyPendingDeletion { at, .. }) => {
                disabled.contains(&failure.code.as_str())
                    && at.iter().any(|key| key.region == *region)
            }
            Fault::PolicyReplaced(_) => failure.denial.is_some(),
            _ => false,
        };
        self.faults.values().find(fits).map(|active| active.kind)
    }
}

fn told(id: u64, fault: &Fault) -> FaultEvent {
    FaultEvent {
        fault: id,
        name: fault.kind().to_owned(),
        text: fault.to_string(),
        regions: fault.regions(),
    }
}

/// A rule as a Region takes it.
fn stage(kind: &str, rule: &Rule) -> driving::Fault {
    use driving::fault::Effect;
    let effect = match &rule.action {
        RuleAction::Refuse {
            code,
            message,
            http_status,
            chance,
            passes_per_second,
        } => Effect::Refuse(driving::Refuse {
            code: (*code).to_owned(),
            message: (*message).to_owned(),
            http_status: *http_status,
            chance: chance.of,
            per: chance.per,
            passes_per_second: *passes_per_second,
        }),
        RuleAction::Pause { stream, to } => Effect::PauseReplication(driving::PauseReplication {
            stream: stream.clone(),
            to: to.as_ref().map(ToString::to_string).unwrap_or_default(),
        }),
        RuleAction::DelayDirectory { to, by } => Effect::DelayDirectory(driving::DelayDirectory {
            to: to.as_ref().map(ToString::to_string).unwrap_or_default(),
            by: by.0,
        }),
        RuleAction::DelayEffects { by } => Effect::DelayEffects(driving::DelayEffects { by: by.0 }),
    };
    driving::Fault {
        name: kind.to_owned(),
        service: rule.service.clone(),
        operations: rule.operations.clone(),
        resource: rule.resource.clone(),
        effect: Some(effect),
    }
}

/// Text and truth members of a request; a fault's own calls have no others.
fn request(def: &MessageDef, members: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in def.fields {
        match members.get(field.aws) {
            Some(Value::String(text)) => wire::put_bytes(&mut bytes, field.tag, text.as_bytes()),
            Some(Value::Bool(truth)) => wire::put_number(&mut bytes, field.tag, u64::from(*truth)),
            _ => {}
        }
    }
    bytes
}

/// The policy in an answer: its only text member with that in its name.
fn policy_in(def: &MessageDef, bytes: &[u8]) -> Value {
    let field = def.fields.iter().find(|field| {
        matches!(field.kind, Kind::Str)
            && field.card == Card::One
            && ["Policy", "PolicyDocument"].contains(&field.aws)
    });
    let value = Fields::of(bytes)
        .flatten()
        .find(|(tag, _)| field.is_some_and(|field| field.tag == *tag));
    value
        .and_then(|(_, value)| value.text().ok().map(Value::from))
        .unwrap_or(Value::Null)
}
