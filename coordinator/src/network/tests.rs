use std::collections::BTreeSet;

use super::condition::{Mischief, Scope};
use super::link::Bandwidth;
use super::*;
use crate::seed::Ratio;

fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}

/// A message of `bytes` from Ireland to Virginia, sent at `at` microseconds.
fn send(network: &mut Network, at: u64, stream: &str, bytes: u64) -> Fate {
    let (from, to) = (region("eu-west-1"), region("us-east-1"));
    network.send(
        SimTime(at),
        &Message {
            from: &from,
            to: &to,
            stream,
            flow: "",
            bytes,
        },
    )
}

fn network() -> Network {
    Network::new(RunSeed(1), BTreeMap::new())
}

fn cause(fault: u64, kind: &'static str) -> Cause {
    Cause { fault, kind }
}

fn mischief(mischief: Mischief, streams: &[&str]) -> Condition {
    let streams = streams.iter().map(|text| (*text).to_owned()).collect();
    Condition::Messages {
        scope: Scope {
            streams,
            ..Scope::default()
        },
        mischief,
    }
}

#[test]
fn the_same_seed_gives_the_same_fates() {
    let fates = |mut network: Network| -> Vec<Fate> {
        (0..50)
            .map(|at| send(&mut network, at * 1_000, "kms", 100))
            .collect()
    };
    assert_eq!(fates(network()), fates(network()));
    assert_ne!(
        fates(network()),
        fates(Network::new(RunSeed(2), BTreeMap::new()))
    );
}

#[test]
fn one_more_message_on_another_stream_changes_no_jitter() {
    let mut alone = network();
    let mut together = network();
    send(&mut together, 0, "s3", 0);
    assert_eq!(
        send(&mut alone, 0, "kms", 0),
        send(&mut together, 0, "kms", 0)
    );
}

#[test]
fn one_stream_keeps_its_order() {
    let mut network = network();
    let mut last = SimTime::ZERO;
    for at in 0..200 {
        let Fate::Deliver(arrives) = send(&mut network, at, "kms", 10) else {
            panic!("nothing is wrong")
        };
        assert!(arrives >= last);
        last = arrives;
    }
}

#[test]
fn a_slow_link_delays_and_narrows() {
    let mut network = network();
    let scope = Scope {
        from: BTreeSet::from([region("us-east-1")]),
        both_ways: true,
        ..Scope::default()
    };
    let slow = Condition::Slow {
        scope,
        latency: Some(Span::secs(1)),
        jitter: None,
        bandwidth: Some(Bandwidth::mbit(8)),
    };
    network.begin(cause(1, "slow_link"), slow);
    let Fate::Deliver(at) = send(&mut network, 0, "kms", 1_000_000) else {
        panic!("slow is not lost")
    };
    assert!(
        (2_000_000..=2_008_000).contains(&at.0),
        "a second for the bytes, one more for the way: {at}"
    );
}

#[test]
fn a_cut_drops_and_names_its_fault() {
    let mut network = network();
    network.begin(
        cause(4, "region_down"),
        Condition::RegionDown(region("us-east-1")),
    );
    assert_eq!(
        send(&mut network, 0, "kms", 1),
        Fate::Drop(cause(4, "region_down"))
    );
    network.heal(4);
    assert!(matches!(send(&mut network, 0, "kms", 1), Fate::Deliver(_)));
}

#[test]
fn each_kind_of_mischief_happens_always_when_its_chance_is_one() {
    let always = |set: fn(&mut Mischief)| {
        let mut it = Mischief::default();
        set(&mut it);
        let mut network = network();
        network.begin(cause(1, "messages"), mischief(it, &["kms"]));
        assert!(
            matches!(send(&mut network, 0, "s3", 1), Fate::Deliver(_)),
            "another stream is left alone"
        );
        send(&mut network, 0, "kms", 1)
    };
    assert_eq!(
        always(|it| it.lose = Ratio::ALWAYS),
        Fate::Drop(cause(1, "messages"))
    );
    assert_eq!(
        always(|it| it.hold = Ratio::ALWAYS),
        Fate::Hold(cause(1, "messages"))
    );
    assert!(
        matches!(always(|it| it.duplicate = Ratio::ALWAYS), Fate::Duplicate(first, second) if first < second)
    );
}

#[test]
fn a_reordered_message_is_overtaken() {
    let mut network = network();
    let it = Mischief {
        reorder: Ratio::percent(50),
        by: Span::secs(5),
        ..Mischief::default()
    };
    network.begin(cause(1, "messages"), mischief(it, &[]));
    let arrivals: Vec<SimTime> = (0..40)
        .filter_map(|at| match send(&mut network, at, "kms", 1) {
            Fate::Deliver(at) => Some(at),
            _ => None,
        })
        .collect();
    assert_eq!(arrivals.len(), 40);
    assert!(arrivals.windows(2).any(|pair| pair[0] > pair[1]));
}

#[test]
fn what_a_condition_cuts() {
    let (a, b, c) = (
        region("eu-west-1"),
        region("us-east-1"),
        region("ap-south-1"),
    );
    let set = |region: &RegionName| BTreeSet::from([region.clone()]);
    let both = Condition::Cut {
        from: set(&a),
        to: set(&b),
        both_ways: true,
    };
    let one = Condition::Cut {
        from: set(&a),
        to: set(&b),
        both_ways: false,
    };
    let down = Condition::RegionDown(a.clone());
    let cases = [
        (&both, &a, &b, true),
        (&both, &b, &a, true),
        (&both, &a, &a, false),
        (&both, &a, &c, false),
        (&one, &a, &b, true),
        (&one, &b, &a, false),
        (&down, &a, &b, true),
        (&down, &b, &a, true),
        (&down, &a, &a, true),
        (&down, &b, &c, false),
    ];
    for (condition, from, to, cut) in cases {
        assert_eq!(
            condition.cuts(from, to),
            cut,
            "{condition:?} from {from} to {to}"
        );
    }
}
