use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::journal::event::{Arrival, MessageSent};
use crate::report::example;

fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}

/// A put in Ireland, its audit line, and the message that brings it to Virginia, where a
/// timer finds more to do later.
fn story() -> Vec<Event> {
    let call = TraceContext::of_call(RunSeed(7), "1", 5);
    let message = call.child(RunSeed(7), "message", 3).to_string();
    let call = call.to_string();
    let (ireland, virginia) = (region("eu-west-1"), region("us-east-1"));
    let note = |trace: &str, note: &str| What::Note {
        region: virginia.clone(),
        note: note.to_owned(),
        fields: [("key".to_owned(), "k".to_owned())].into(),
        trace: trace.to_owned(),
    };
    let line = json!({ "eventSource": "s3.amazonaws.com", "eventName": "PutObject" });
    let told = [
        (
            10,
            What::Audit {
                region: ireland.clone(),
                event: line,
                trace: call.clone(),
            },
        ),
        (
            10,
            What::MessageSent(MessageSent {
                message: 3,
                from: ireland,
                to: virginia.clone(),
                stream: "s3".to_owned(),
                seq: 1,
                ack: 0,
                bytes: 100,
                fate: "delivered".to_owned(),
                arrives: vec![SimTime(50)],
                trace: call,
                caused_by: None,
            }),
        ),
        (
            50,
            What::MessageDelivered(Arrival {
                message: 3,
                to: virginia.clone(),
                caused_by: None,
            }),
        ),
        (50, note(&message, "replicated")),
        (90, note(&message, "retried")),
        (95, note("", "expired")),
    ];
    let started = example::journal().into_iter().next().expect("it begins");
    let rest = told.into_iter().enumerate().map(|(n, (t, what))| Event {
        t: SimTime(t),
        n: n as u64 + 1,
        what,
    });
    let mut events = vec![started];
    events.push(Event {
        t: SimTime(1),
        n: 100,
        what: sent(),
    });
    events.extend(rest);
    events
}

fn sent() -> What {
    What::CallSent(CallSent {
        call: "call-5".to_owned(),
        step: "1".to_owned(),
        lane: String::new(),
        operation: "s3.PutObject".to_owned(),
        principal: "app".to_owned(),
        from: region("eu-west-1"),
        region: region("eu-west-1"),
        attempt: 1,
        request: json!({}),
        body: None,
    })
}

/// Each span with its ancestors' names, outermost last.
fn lines(spans: &[Span]) -> BTreeSet<String> {
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (span.context, span)).collect();
    let line = |span: &Span| {
        let mut words = vec![span.name.clone()];
        let mut at = span;
        while let Some(parent) = at.parent.and_then(|parent| by_id.get(&parent)) {
            words.push(parent.name.clone());
            at = parent;
        }
        words.join(" < ")
    };
    spans.iter().map(line).collect()
}

#[test]
fn a_put_and_its_replica_are_one_trace() {
    let spans = Spans::of(&story());
    let there = "message s3 in us-east-1 < message s3 < s3.PutObject";
    let expected = [
        "s3.PutObject",
        "s3.PutObject in eu-west-1 < s3.PutObject",
        "s3.amazonaws.com PutObject < s3.PutObject in eu-west-1 < s3.PutObject",
        "message s3 < s3.PutObject",
        there,
        "time in us-east-1 < message s3 < s3.PutObject",
        "time in us-east-1 < run example",
        "run example",
    ];
    assert_eq!(lines(&spans), expected.map(str::to_owned).into());
    let at = |name: &str| {
        let span = spans.iter().find(|span| span.name == name);
        span.map(|span| (span.began.0, span.ended.0))
    };
    assert_eq!(at("message s3"), Some((10, 50)));
    assert_eq!(at("message s3 in us-east-1"), Some((50, 50)));
    let traces: BTreeSet<_> = spans
        .iter()
        .filter(|span| span.name.contains("s3"))
        .map(|span| span.context.trace)
        .collect();
    assert_eq!(traces.len(), 1);
}

#[test]
fn a_timer_that_comes_at_another_moment_is_a_span_of_its_own() {
    let spans = Spans::of(&story());
    let works: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "time in us-east-1")
        .map(|span| (span.began.0, span.moments[0].name.as_str()))
        .collect();
    assert_eq!(works, [(90, "retried"), (95, "expired")]);
}

#[test]
fn failures_causes_and_faults_are_told() {
    let spans = Spans::of(&example::journal());
    let failed: BTreeMap<_, _> = spans
        .iter()
        .filter_map(|span| Some((span.name.as_str(), span.error.as_deref()?)))
        .collect();
    assert_eq!(
        failed.get("kms.UpdatePrimaryRegion"),
        Some(&"ConnectTimeout")
    );
    assert_eq!(failed.get("run example"), Some(&"fail"));
    assert!(failed.contains_key("step 2 Promotion goes on."));
    let fault = spans.iter().find(|span| span.name == "eu-west-1 is down");
    let fault = fault.expect("the fault is a span");
    assert_eq!((fault.began.0, fault.ended.0), (2_500_000, 9_000_000));
    assert_eq!(fault.parent, Some(TraceContext::of_run(RunSeed(7))));
}

#[test]
fn every_span_has_an_id_of_its_own_and_a_parent_that_is_there() {
    for events in [example::journal(), story()] {
        let spans = Spans::of(&events);
        let ids: BTreeSet<_> = spans.iter().map(|span| span.context).collect();
        assert_eq!(ids.len(), spans.len());
        for span in spans {
            let step_is_cut_off = span.service == CLIENTS && span.ended.0 < 1_000;
            assert!(
                step_is_cut_off || span.parent.is_none_or(|parent| ids.contains(&parent)),
                "{span:?}"
            );
            assert!(span.ended >= span.began, "{span:?}");
        }
    }
}
