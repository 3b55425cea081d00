//! Faults of machines: frozen processes, slow and full disks.

use super::*;

fn frozen(region: RegionName) -> Fault {
    Fault::Freeze(Freeze { region })
}

#[test]
fn a_frozen_region_takes_a_call_and_answers_when_it_thaws() {
    let bench = bench(prompt, prompt);
    let fault = bench.begin(frozen(ireland()));
    let answer = bench.call(ireland(), ireland());
    assert_eq!(answer.code(), Some("ReadTimeout"));
    assert_eq!(answer.caused_by(), Some("freeze"));
    let calls = |bench: &Bench| {
        let inputs = bench.inputs("eu-west-1");
        inputs
            .iter()
            .filter(|input| matches!(input, Input::Call(_)))
            .count()
    };
    assert_eq!(calls(&bench), 0, "it takes no step");
    bench.sim.heal_fault(fault).expect("it thaws");
    bench.sleep(Span::millis(10));
    let answer = bench.call(ireland(), ireland());
    assert_eq!(answer.code(), None);
    assert_eq!(calls(&bench), 2, "what nobody waits for is done too");
}

#[test]
fn what_was_under_way_to_a_frozen_region_is_done_later() {
    let bench = bench(prompt, prompt);
    let fault = bench.begin(frozen(ireland()));
    let heal = async {
        bench.sim.sleep(Span::secs(2)).await;
        bench.sim.heal_fault(fault).expect("it thaws");
    };
    let both = async {
        let call = bench.sim.call(spec(ireland(), ireland()));
        let (answer, ()) = tokio::join!(call, heal);
        answer
    };
    let answer = bench.sim.run(both).expect("the run goes on");
    assert_eq!(answer.code(), None);
    assert!(answer.latency >= Span::secs(2), "{}", answer.latency);
}

#[test]
fn messages_and_timers_wait_for_a_frozen_region() {
    let send_one = |step: &Step| match &step.input {
        Some(Input::Call(call)) => Reply {
            completed: vec![done(&call.id, None)],
            outbox: vec![envelope(&ireland(), &virginia(), 1)],
            ..Reply::default()
        },
        _ => Reply::default(),
    };
    let tick_at_one = |step: &Step| match &step.input {
        Some(Input::Start(_)) => Reply {
            wake: Some(1_000_000),
            ..Reply::default()
        },
        _ => Reply::default(),
    };
    let bench = bench(send_one, tick_at_one);
    let fault = bench.begin(frozen(virginia()));
    bench.call(ireland(), ireland());
    bench.sleep(Span::secs(5));
    let later = |bench: &Bench| {
        let inputs = bench.inputs("us-east-1").into_iter();
        inputs
            .filter(|input| matches!(input, Input::Deliver(_) | Input::Tick(_)))
            .count()
    };
    assert_eq!(later(&bench), 0);
    bench.sim.heal_fault(fault).expect("it thaws");
    bench.sleep(Span(1));
    assert_eq!(later(&bench), 2, "the message and the tick");
    let lost = bench.events(|event| matches!(event.what, What::MessageLost(_)));
    assert_eq!(lost, 0);
}

#[test]
fn a_slow_disk_delays_answers_and_messages() {
    let send_one = |step: &Step| match &step.input {
        Some(Input::Call(call)) => Reply {
            completed: vec![done(&call.id, None)],
            outbox: vec![envelope(&ireland(), &virginia(), 1)],
            ..Reply::default()
        },
        _ => Reply::default(),
    };
    let bench = bench(send_one, prompt);
    let fault = bench.begin(Fault::SlowDisk(SlowDisk {
        region: ireland(),
        latency: Span::millis(800),
    }));
    let began = bench.sim.now();
    let answer = bench.call(ireland(), ireland());
    assert!(answer.latency >= Span::millis(800), "{}", answer.latency);
    let sent = bench.journal.with(|events| {
        let sent = events
            .iter()
            .find(|event| matches!(event.what, What::MessageSent(_)));
        sent.map(|event| event.t.since(began))
    });
    assert!(
        sent.is_some_and(|sent| sent >= Span::millis(800)),
        "{sent:?}"
    );
    bench.sim.heal_fault(fault).expect("it heals");
    let answer = bench.call(ireland(), ireland());
    assert!(answer.latency < Span::millis(800), "{}", answer.latency);
}

#[test]
fn a_full_disk_takes_no_messages() {
    let send_one = |step: &Step| match &step.input {
        Some(Input::Call(call)) => Reply {
            completed: vec![done(&call.id, None)],
            outbox: vec![envelope(&ireland(), &virginia(), 1)],
            ..Reply::default()
        },
        _ => Reply::default(),
    };
    let bench = bench(send_one, prompt);
    bench.begin(Fault::DiskFull(DiskFull { region: virginia() }));
    bench.call(ireland(), ireland());
    bench.sleep(Span::secs(1));
    let lost = bench.events(|event| {
        matches!(&event.what, What::MessageLost(it) if it.caused_by.as_deref() == Some("disk_full"))
    });
    assert_eq!(lost, 1);
    let inputs = bench.inputs("us-east-1");
    assert!(
        !inputs
            .iter()
            .any(|input| matches!(input, Input::Deliver(_)))
    );
}
