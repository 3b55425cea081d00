//! The simulator over Regions that are closures.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use faultline_proto::driving::{
    Body, Completed, Credential, Envelope, Reply, Step, Success, completed::Outcome, step::Input,
};
use faultline_proto::registry::find_operation;

use super::answer::{Answered, Timeouts};
use super::*;
use crate::clock::Skew;
use crate::faults::*;
use crate::journal::{Event, Memory};
use crate::transport::scripted::Scripted;

mod machines;

fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}
fn ireland() -> RegionName {
    region("eu-west-1")
}
fn virginia() -> RegionName {
    region("us-east-1")
}

fn spec(from: RegionName, to: RegionName) -> CallSpec {
    CallSpec {
        step: "1".to_owned(),
        lane: String::new(),
        principal: "app".to_owned(),
        credential: Credential::default(),
        from,
        region: to,
        operation: find_operation("kms.Encrypt").expect("it is defined"),
        request: Bytes::new(),
        body: None,
        context: BTreeMap::new(),
        timeouts: Timeouts::default(),
        attempt: 1,
    }
}

/// Answers every call at once.
fn prompt(step: &Step) -> Reply {
    match &step.input {
        Some(Input::Call(call)) if !call.has_body => Reply {
            completed: vec![done(&call.id, None)],
            ..Reply::default()
        },
        Some(Input::Body(body)) if body.last => Reply {
            completed: vec![done(&body.call, None)],
            ..Reply::default()
        },
        _ => Reply::default(),
    }
}

fn done(call: &str, body_length: Option<u64>) -> Completed {
    let outcome = Some(Outcome::Success(Success {
        response: vec![],
        body_length,
    }));
    Completed {
        call: call.to_owned(),
        outcome,
        cross_region_calls: 0,
    }
}

fn envelope(from: &RegionName, to: &RegionName, seq: u64) -> Envelope {
    let stream = "kms".to_owned();
    Envelope {
        from: from.to_string(),
        to: to.to_string(),
        stream,
        seq,
        payload: vec![0; 100],
        ..Envelope::default()
    }
}

struct Bench {
    sim: Sim,
    journal: Memory,
    steps: Rc<RefCell<Vec<(String, Step)>>>,
}

/// Two Regions that reply as the closures say; every step is kept.
fn bench(
    mut in_ireland: impl FnMut(&Step) -> Reply + 'static,
    mut in_virginia: impl FnMut(&Step) -> Reply + 'static,
) -> Bench {
    let steps = Rc::new(RefCell::new(Vec::new()));
    let keep = |name: &str, step: &Step, steps: &RefCell<Vec<(String, Step)>>| {
        steps.borrow_mut().push((name.to_owned(), step.clone()));
    };
    let (one, two) = (Rc::clone(&steps), Rc::clone(&steps));
    let transport = Scripted::default()
        .with(&ireland(), move |step| {
            keep("eu-west-1", step, &one);
            in_ireland(step)
        })
        .with(&virginia(), move |step| {
            keep("us-east-1", step, &two);
            in_virginia(step)
        });
    let config = SimConfig {
        seed: RunSeed(7),
        world: RunSeed(7),
        regions: vec![ireland(), virginia()],
        home: ireland(),
        links: BTreeMap::new(),
        accounts: vec![],
        settings: Settings::default(),
        budget: None,
    };
    let journal = Memory::default();
    let sim = Sim::start(
        config,
        Box::new(transport),
        Journal::new().heard_by(journal.clone()),
    )
    .expect("it starts");
    Bench {
        sim,
        journal,
        steps,
    }
}

impl Bench {
    fn call(&self, from: RegionName, to: RegionName) -> Answer {
        self.sim
            .run(self.sim.call(spec(from, to)))
            .expect("the run goes on")
    }
    fn sleep(&self, span: Span) {
        self.sim.run(self.sim.sleep(span)).expect("the run goes on");
    }
    fn begin(&self, fault: Fault) -> u64 {
        self.sim.begin_fault(&fault).expect("nobody refuses it")
    }
    fn events(&self, pick: impl Fn(&Event) -> bool) -> usize {
        self.journal
            .with(|events| events.iter().filter(|event| pick(event)).count())
    }
    fn inputs(&self, region: &str) -> Vec<Input> {
        let steps = self.steps.borrow();
        steps
            .iter()
            .filter(|(name, _)| name == region)
            .filter_map(|(_, step)| step.input.clone())
            .collect()
    }
}

fn down(region: RegionName) -> Fault {
    Fault::RegionDown(RegionDown { region })
}

fn cut() -> Fault {
    Fault::Partition(Partition::Groups(vec![
        [ireland()].into(),
        [virginia()].into(),
    ]))
}

fn crash(point: CrashPoint, operation: Option<&str>, restarts: bool) -> Fault {
    Fault::NodeCrash(NodeCrash {
        region: ireland(),
        point,
        operation: operation.map(str::to_owned),
        restarts,
    })
}

#[test]
fn lat_002_a_call_inside_a_region_takes_a_millisecond_and_across_its_round_trip() {
    let bench = bench(prompt, prompt);
    let near = bench.call(ireland(), ireland());
    assert!((900..=1_200).contains(&near.latency.0), "{}", near.latency);
    assert_eq!(near.cross_region_calls, 0);
    let far = bench.call(ireland(), virginia());
    assert!(
        (62_000..=79_000).contains(&far.latency.0),
        "{}",
        far.latency
    );
    assert_eq!(far.cross_region_calls, 1);
}

#[test]
fn the_same_run_twice_is_the_same_journal() {
    let digest = || {
        let bench = bench(prompt, prompt);
        let fault = bench.begin(down(virginia()));
        bench.call(ireland(), virginia());
        bench.sim.heal_fault(fault).expect("it heals");
        bench.call(ireland(), virginia());
        bench.sim.journal_digest()
    };
    assert_eq!(digest(), digest());
}

#[test]
fn a_region_that_is_down_is_a_connect_timeout_with_its_cause_even_from_inside() {
    let bench = bench(prompt, prompt);
    bench.begin(down(ireland()));
    let answer = bench.call(ireland(), ireland());
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("ConnectTimeout"), Some("region_down"))
    );
    assert_eq!(answer.latency, Span::secs(3));
    assert!(
        !bench
            .inputs("eu-west-1")
            .iter()
            .any(|input| matches!(input, Input::Call(_)))
    );
}

#[test]
fn a_link_that_heals_in_time_is_only_a_slow_call() {
    let bench = bench(prompt, prompt);
    let window = Window {
        from: SimTime::ZERO,
        until: Some(SimTime(500_000)),
    };
    bench.sim.schedule_fault(&cut(), window);
    bench.sleep(Span(1));
    let answer = bench.call(ireland(), virginia());
    assert_eq!(answer.code(), None);
    assert!(
        answer.latency > Span::secs(1),
        "the second dial gets through: {}",
        answer.latency
    );
}

#[test]
fn an_answer_that_a_cut_swallows_is_a_read_timeout_with_its_cause() {
    let bench = bench(prompt, prompt);
    bench.sim.schedule_fault(
        &cut(),
        Window {
            from: SimTime(50_000),
            until: None,
        },
    );
    let answer = bench.call(ireland(), virginia());
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("ReadTimeout"), Some("partition"))
    );
    assert!(answer.latency >= Span::secs(60));
}

#[test]
fn a_region_that_never_answers_is_a_read_timeout_without_a_cause() {
    let bench = bench(|_| Reply::default(), prompt);
    let answer = bench.call(ireland(), ireland());
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("ReadTimeout"), None)
    );
}

#[test]
fn lost_packets_only_make_a_call_slower() {
    let bench = bench(prompt, prompt);
    bench.begin(Fault::Messages(Messages {
        between: std::collections::BTreeSet::new(),
        drop: crate::seed::Ratio::percent(60),
        duplicate: crate::seed::Ratio::NEVER,
        reorder: crate::seed::Ratio::NEVER,
        hold: None,
        hold_chance: crate::seed::Ratio::NEVER,
    }));
    let slowest = (0..20).map(|_| bench.call(ireland(), virginia()));
    let slowest = slowest
        .inspect(|answer| assert_eq!(answer.code(), None))
        .map(|answer| answer.latency)
        .max();
    assert!(slowest > Some(Span::millis(250)), "{slowest:?}");
}

#[test]
fn a_crash_resets_the_connection_and_the_node_comes_back_with_a_later_step() {
    for (point, kept) in [(CrashPoint::BeforeCommit, 0), (CrashPoint::AfterCommit, 1)] {
        let bench = bench(prompt, prompt);
        bench.begin(crash(point, Some("kms.Encrypt"), true));
        let answer = bench.call(ireland(), ireland());
        assert_eq!(
            (answer.code(), answer.caused_by()),
            (Some("ConnectionReset"), Some("node_crash"))
        );
        assert_eq!(
            bench
                .inputs("eu-west-1")
                .iter()
                .filter(|input| matches!(input, Input::Call(_)))
                .count(),
            kept
        );
        assert_eq!(
            bench.call(ireland(), ireland()).code(),
            None,
            "it strikes once"
        );
        let ids: Vec<u64> = bench
            .steps
            .borrow()
            .iter()
            .filter(|(name, _)| name == "eu-west-1")
            .map(|it| it.1.id)
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    }
}

#[test]
fn a_node_that_stays_down_refuses_connections_until_the_fault_heals() {
    let bench = bench(prompt, prompt);
    let fault = bench.begin(crash(CrashPoint::BeforeCommit, None, false));
    bench.call(ireland(), ireland());
    let answer = bench.call(ireland(), ireland());
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("ConnectionRefused"), Some("node_crash"))
    );
    bench.sim.heal_fault(fault).expect("it heals");
    assert_eq!(bench.call(ireland(), ireland()).code(), None);
}

#[test]
fn bodies_go_in_chunks_and_come_by_pulls() {
    let body: Bytes = (0..200_000_u32)
        .map(|n| n.to_le_bytes()[0])
        .collect::<Vec<u8>>()
        .into();
    let (heard, answer) = (Rc::new(RefCell::new(Vec::new())), body.clone());
    let keep = Rc::clone(&heard);
    let bench = bench(
        move |step| match &step.input {
            Some(Input::Body(chunk)) => {
                keep.borrow_mut().extend_from_slice(&chunk.bytes);
                let completed = if chunk.last {
                    vec![done(&chunk.call, Some(answer.len() as u64))]
                } else {
                    vec![]
                };
                Reply {
                    completed,
                    ..Reply::default()
                }
            }
            Some(Input::Pull(pull)) => {
                let chunks = answer
                    .chunks(10_000)
                    .enumerate()
                    .map(|(index, bytes)| Body {
                        call: pull.call.clone(),
                        index: index as u64,
                        bytes: bytes.to_vec(),
                        last: index == 19,
                    });
                let from = usize::try_from(pull.from_index).expect("small");
                let credit = usize::try_from(pull.credit).expect("small");
                Reply {
                    body: chunks.skip(from).take(credit).collect(),
                    ..Reply::default()
                }
            }
            _ => Reply::default(),
        },
        prompt,
    );
    let spec = CallSpec {
        body: Some(body.clone()),
        ..spec(virginia(), ireland())
    };
    let answer = bench
        .sim
        .run(bench.sim.call(spec))
        .expect("the run goes on");
    let Answered::Success {
        body: Some(got), ..
    } = answer.result
    else {
        panic!("it has a body")
    };
    assert!(*heard.borrow() == body && got == body);
}

#[test]
fn an_empty_body_is_one_last_chunk() {
    let bench = bench(prompt, prompt);
    let spec = CallSpec {
        body: Some(Bytes::new()),
        ..spec(ireland(), ireland())
    };
    assert_eq!(
        bench
            .sim
            .run(bench.sim.call(spec))
            .expect("the run goes on")
            .code(),
        None
    );
}

#[test]
fn a_region_is_woken_when_it_wants_and_only_then() {
    let mut woken = 0;
    let bench = bench(
        move |step| {
            woken += u64::from(matches!(step.input, Some(Input::Tick(_))));
            Reply {
                wake: (woken < 3).then_some((woken + 1) * 1_000_000),
                ..Reply::default()
            }
        },
        prompt,
    );
    bench.sleep(Span::secs(3_600));
    let ticks: Vec<u64> = bench
        .steps
        .borrow()
        .iter()
        .filter(|(_, it)| matches!(it.input, Some(Input::Tick(_))))
        .map(|(_, it)| it.elapsed)
        .collect();
    assert_eq!(ticks, [1_000_000, 2_000_000, 3_000_000]);
}

#[test]
fn a_region_that_never_rests_is_a_bug_and_not_a_hang() {
    let bench = bench(
        |step| Reply {
            wake: Some(step.elapsed),
            ..Reply::default()
        },
        prompt,
    );
    let broken = bench
        .sim
        .run(bench.sim.sleep(Span::secs(1)))
        .expect_err("it is told");
    assert!(matches!(broken, Broken::Restless { .. }), "{broken}");
}

#[test]
fn messages_arrive_unless_their_link_is_cut_before_or_under_them() {
    let send = |step: &Step| {
        let outbox = if matches!(step.input, Some(Input::Call(_))) {
            vec![envelope(&ireland(), &virginia(), 1)]
        } else {
            vec![]
        };
        Reply {
            outbox,
            ..prompt(step)
        }
    };
    let bench = bench(send, prompt);
    let delivered = || {
        bench
            .inputs("us-east-1")
            .iter()
            .filter(|input| matches!(input, Input::Deliver(_)))
            .count()
    };
    bench.call(ireland(), ireland());
    bench.sleep(Span::millis(100));
    assert_eq!(delivered(), 1);
    bench.call(ireland(), ireland());
    let fault = bench.begin(cut());
    bench.sleep(Span::millis(100));
    assert_eq!(delivered(), 1, "what was on the cable is lost");
    bench.call(ireland(), ireland());
    bench.sleep(Span::millis(100));
    bench.sim.heal_fault(fault).expect("it heals");
    bench.sleep(Span::millis(100));
    assert_eq!(delivered(), 1, "what was dropped does not come later");
    assert_eq!(
        bench.events(|event| matches!(event.what, What::MessageLost(_))),
        1
    );
}

#[test]
fn what_is_held_until_the_fault_heals_goes_out_then() {
    let send = |step: &Step| {
        let outbox = if matches!(step.input, Some(Input::Call(_))) {
            vec![envelope(&ireland(), &virginia(), 1)]
        } else {
            vec![]
        };
        Reply {
            outbox,
            ..prompt(step)
        }
    };
    let bench = bench(send, prompt);
    let never = crate::seed::Ratio::NEVER;
    let fault = bench.begin(Fault::Messages(Messages {
        between: [ireland(), virginia()].into(),
        drop: never,
        duplicate: never,
        reorder: never,
        hold: None,
        hold_chance: crate::seed::Ratio::ALWAYS,
    }));
    let spec = spec(ireland(), ireland());
    let one = bench.sim.clone();
    let work = async {
        let call = one.call(spec);
        let heal: Lane<'_, ()> = Box::pin(async {
            one.sleep(Span::secs(5)).await;
            one.heal_fault(fault).expect("it heals");
        });
        let call: Lane<'_, ()> = Box::pin(async { drop(call.await) });
        join(vec![call, heal]).await;
        one.sleep(Span::secs(1)).await;
    };
    bench.sim.run(work).expect("the run goes on");
    let at: Vec<u64> = bench
        .steps
        .borrow()
        .iter()
        .filter(|(_, it)| matches!(it.input, Some(Input::Deliver(_))))
        .map(|(_, it)| it.elapsed)
        .collect();
    assert!(at.len() == 1 && at[0] > 5_000_000, "{at:?}");
}

#[test]
fn lanes_share_time() {
    let bench = bench(prompt, prompt);
    let sim = bench.sim.clone();
    let lane = |wait: Span| -> Lane<'_, SimTime> {
        let sim = sim.clone();
        Box::pin(async move {
            sim.sleep(wait).await;
            sim.call(spec(ireland(), ireland())).await.sent
        })
    };
    let sent = bench
        .sim
        .run(join(vec![lane(Span::millis(400)), lane(Span::ZERO)]))
        .expect("the run goes on");
    assert_eq!(sent, [SimTime(400_000), SimTime(0)]);
}

#[test]
fn a_skewed_clock_is_told_to_its_region_alone() {
    let bench = bench(prompt, prompt);
    let skew = Skew {
        offset: -300_000_000,
        ..Skew::default()
    };
    bench.begin(Fault::ClockSkew(ClockSkew {
        region: ireland(),
        skew,
    }));
    assert_eq!(
        bench.sim.wall(&virginia()).0 - bench.sim.wall(&ireland()).0,
        300_000_000
    );
    bench.call(ireland(), ireland());
    let steps = bench.steps.borrow();
    let (_, last) = steps.last().expect("a step");
    assert_eq!(
        last.wall,
        crate::clock::BASE_WALL + last.elapsed.cast_signed() - 300_000_000
    );
}

#[test]
fn rules_reach_their_region_and_leave_it() {
    let bench = bench(prompt, prompt);
    let fault = bench.begin(Fault::KmsThrottled(KmsThrottled {
        region: ireland(),
        passes_per_second: 0,
    }));
    bench.sim.heal_fault(fault).expect("it heals");
    let sets: Vec<usize> = bench
        .inputs("eu-west-1")
        .iter()
        .filter_map(|input| match input {
            Input::SetFaults(set) => Some(set.faults.len()),
            _ => None,
        })
        .collect();
    assert_eq!(sets, [1, 0]);
    assert!(
        !bench
            .inputs("us-east-1")
            .iter()
            .any(|input| matches!(input, Input::SetFaults(_)))
    );
}

#[test]
fn an_sdk_tries_again_and_every_try_is_in_the_journal() {
    let bench = bench(prompt, prompt);
    bench.sim.schedule_fault(
        &down(ireland()),
        Window {
            from: SimTime::ZERO,
            until: Some(SimTime(4_000_000)),
        },
    );
    bench.sleep(Span(1));
    let spec = spec(ireland(), ireland());
    let answers = bench
        .sim
        .run(bench.sim.send(spec, sdk::Retries::STANDARD, "1"))
        .expect("the run goes on");
    assert_eq!(
        answers.first().and_then(Answer::code),
        Some("ConnectTimeout")
    );
    assert_eq!(answers.last().and_then(Answer::code), None);
    assert_eq!(
        bench.events(|event| matches!(event.what, What::CallSent(_))),
        answers.len()
    );
}

#[test]
fn waiting_for_nothing_is_a_bug_that_is_told() {
    let bench = bench(prompt, prompt);
    let broken = bench
        .sim
        .run(std::future::pending::<()>())
        .expect_err("nothing will happen");
    assert!(matches!(broken, Broken::Stuck(_)), "{broken}");
}
