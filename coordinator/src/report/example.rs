//! A small run with everything in it, for the tests of all views.

use faultline_proto::names::RegionName;
use serde_json::json;

use crate::clock::{SimTime, Span};
use crate::journal::event::*;
use crate::journal::{Journal, Memory};

/// The scenario's text.
pub const SOURCE: &str = "\
scenario: 1
steps:
  - say: The app seals.
    kms.encrypt: { key_id: payments }
  - say: Promotion goes on.
    kms.update_primary_region: { key_id: payments }
    within: 9s
    expect: { done: true }
";

/// The run's events.
pub fn journal() -> Vec<Event> {
    let memory = Memory::default();
    let mut journal = Journal::new().heard_by(memory.clone());
    for (seconds, what) in story() {
        journal.record(SimTime(seconds * 500_000), what);
    }
    memory.events()
}

/// A Region by its name.
pub fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}

fn sent(call: &str, step: &str, operation: &str) -> What {
    What::CallSent(CallSent {
        call: call.to_owned(),
        step: step.to_owned(),
        lane: String::new(),
        operation: operation.to_owned(),
        principal: "app".to_owned(),
        from: region("eu-west-1"),
        region: region("eu-west-1"),
        attempt: 1,
        request: json!({ "KeyId": "k" }),
        body: None,
    })
}

fn answered(call: &str, step: &str, operation: &str, outcome: Outcome) -> What {
    What::CallAnswered(CallAnswered {
        call: call.to_owned(),
        step: step.to_owned(),
        operation: operation.to_owned(),
        principal: "app".to_owned(),
        region: region("eu-west-1"),
        attempt: 1,
        latency: Span::millis(1),
        cross_region_calls: 0,
        outcome,
    })
}

fn step(step: &str, say: &str, verb: &str, line: u64) -> What {
    What::StepStarted(StepStarted {
        step: step.to_owned(),
        lane: String::new(),
        say: say.to_owned(),
        verb: verb.to_owned(),
        region: Some(region("eu-west-1")),
        principal: "app".to_owned(),
        line,
    })
}

fn ended(step: &str, status: StepStatus) -> What {
    What::StepEnded(StepEnded {
        step: step.to_owned(),
        status,
        summary: String::new(),
        why: String::new(),
    })
}

/// A message of KMS from Ireland to Virginia.
pub fn message(message: u64, fate: &str, arrives: Vec<SimTime>) -> What {
    What::MessageSent(MessageSent {
        message,
        from: region("eu-west-1"),
        to: region("us-east-1"),
        stream: "kms".to_owned(),
        seq: message,
        ack: 0,
        bytes: 100,
        fate: fate.to_owned(),
        caused_by: arrives.is_empty().then(|| "region_down".to_owned()),
        arrives,
        trace: String::new(),
    })
}

fn ok() -> Outcome {
    Outcome::Success {
        response: json!({}),
        body: None,
    }
}

fn timeout() -> Outcome {
    Outcome::Unheard {
        code: "ConnectTimeout".to_owned(),
        message: "no connection in time".to_owned(),
        caused_by: Some("region_down".to_owned()),
    }
}

fn fault() -> FaultEvent {
    FaultEvent {
        fault: 1,
        name: "region_down".to_owned(),
        text: "eu-west-1 is down".to_owned(),
        regions: vec![region("eu-west-1")],
    }
}

fn problem() -> Problem {
    let place = |text: &str, caption: &str| {
        let start = SOURCE.find(text).expect("the source has it") as u64;
        Mark {
            start,
            end: start + text.len() as u64,
            caption: caption.to_owned(),
        }
    };
    Problem {
        code: "X0007".to_owned(),
        message: "the step failed with ConnectTimeout".to_owned(),
        primary: place("done: true", "expected, got no answer"),
        others: vec![place(
            "kms.update_primary_region: { key_id: payments }",
            "asked 3 times in 3s",
        )],
        notes: vec!["region_down: eu-west-1 is down since t=0.500s".to_owned()],
        help: vec!["faultline show latest --at 0.50s".to_owned()],
    }
}

/// What happens, in half seconds.
#[expect(clippy::too_many_lines, reason = "a story is one list")]
fn story() -> Vec<(u64, What)> {
    let promote = "kms.UpdatePrimaryRegion";
    let arrival = Arrival {
        message: 2,
        to: region("us-east-1"),
        caused_by: Some("region_down".to_owned()),
    };
    vec![
        (
            0,
            What::RunStarted(RunStarted {
                journal: JOURNAL_FORM,
                name: "example".to_owned(),
                title: "An example".to_owned(),
                file: "example.yaml".to_owned(),
                source: SOURCE.to_owned(),
                seed: 7,
                version: "0.1.0".to_owned(),
            }),
        ),
        (
            0,
            What::World(World {
                regions: vec![region("eu-west-1"), region("us-east-1")],
                home: "eu-west-1".to_owned(),
                ..World::default()
            }),
        ),
        (1, sent("call-1", "", "kms.CreateKey")),
        (2, answered("call-1", "", "kms.CreateKey", ok())),
        (4, What::SetUpDone),
        (4, step("1", "The app seals.", "kms.encrypt", 3)),
        (4, sent("call-2", "1", "kms.Encrypt")),
        (5, answered("call-2", "1", "kms.Encrypt", ok())),
        (5, ended("1", StepStatus::Passed)),
        (5, What::FaultStarted(fault())),
        (5, message(1, "dropped", vec![])),
        (5, message(2, "delivered", vec![SimTime(2_600_000)])),
        (6, What::MessageLost(arrival)),
        (
            6,
            step("2", "Promotion goes on.", "kms.update_primary_region", 5),
        ),
        (6, sent("call-3", "2", promote)),
        (8, answered("call-3", "2", promote, timeout())),
        (8, sent("call-4", "2", promote)),
        (10, answered("call-4", "2", promote, timeout())),
        (10, sent("call-5", "2", promote)),
        (12, answered("call-5", "2", promote, timeout())),
        (
            12,
            What::Expectation(Expectation {
                step: "2".to_owned(),
                passed: false,
                attempts: 3,
                since: SimTime(3_000_000),
                problem: Some(problem()),
            }),
        ),
        (12, ended("2", StepStatus::Failed)),
        (18, What::FaultHealed(fault())),
        (
            18,
            What::Oracle(OracleVerdict {
                oracle: "no_plaintext_at_rest".to_owned(),
                about: String::new(),
                judgement: Judgement::Pass,
                meant_to_violate: false,
                checked: 12,
                because: String::new(),
                evidence: vec![],
                problem: None,
            }),
        ),
        (
            18,
            What::Goal(GoalVerdict {
                goal: "value of success_rate".to_owned(),
                wanted: "at_least 100%".to_owned(),
                measured: "25%".to_owned(),
                samples: 4,
                judgement: Judgement::Fail,
                problem: None,
            }),
        ),
        (
            18,
            What::Verdict(RunVerdict {
                judgement: Judgement::Fail,
                because: "step 2 failed".to_owned(),
                interrupted: false,
            }),
        ),
    ]
}
