//! Looking at runs from outside: `--otlp` sends them to a collector, `--report trace=FILE`
//! writes what Perfetto opens.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use faultline_tests::collector::Collector;
use faultline_tests::{Findings, program, shipped};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

/// 2026-01-01T00:00:00Z, where simulated time begins.
const BASE_NANOS: u64 = 1_767_225_600_000_000_000;
/// More than any of the runs here takes, and far less than real time is away.
const DAY_NANOS: u64 = 86_400_000_000_000;

fn run(scenario: &str, url: &str) -> Output {
    let out = tempfile::tempdir().expect("a folder");
    Command::new(program::path())
        .args(["run", scenario, "--transport", "loopback", "--otlp", url])
        .arg("--out")
        .arg(out.path())
        .current_dir(shipped::root())
        .output()
        .expect("the program runs")
}

fn ended_well(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Names from a span up to its outermost ancestor.
fn ancestry<'a>(span: &'a Span, by_id: &BTreeMap<(&[u8], &[u8]), &'a Span>) -> Vec<&'a str> {
    let mut names = vec![span.name.as_str()];
    let mut at = span;
    while let Some(parent) = by_id.get(&(at.trace_id.as_slice(), at.parent_span_id.as_slice())) {
        names.push(&parent.name);
        at = parent;
    }
    names
}

#[test]
fn a_collector_gets_whole_traces_at_simulated_time_and_metrics() {
    let collector = Collector::listen();
    let output = run("scenarios/03-crr-sse-modes.yaml", &collector.url());
    assert!(ended_well(&output).contains("spans and the metrics were sent"));
    let received = collector.received();

    let mut findings = Findings::default();
    let spans: Vec<&Span> = received.spans.iter().map(|(_, span)| span).collect();
    let by_id: BTreeMap<_, _> = spans
        .iter()
        .map(|span| ((span.trace_id.as_slice(), span.span_id.as_slice()), *span))
        .collect();
    findings.check(by_id.len() == spans.len(), || "span ids recur".to_owned());
    for span in &spans {
        let (from, to) = (span.start_time_unix_nano, span.end_time_unix_nano);
        let simulated = from >= BASE_NANOS && to < BASE_NANOS + DAY_NANOS && from <= to;
        findings.check(simulated, || format!("{} is at {from} to {to}", span.name));
        let parent = (span.trace_id.as_slice(), span.parent_span_id.as_slice());
        let whole = span.parent_span_id.is_empty() || by_id.contains_key(&parent);
        findings.check(whole, || format!("the parent of {} is missing", span.name));
    }
    let services: BTreeSet<&str> = received.spans.iter().map(|(it, _)| it.as_str()).collect();
    for service in ["scenario", "clients", "eu-west-1", "us-east-1"] {
        findings.check(services.contains(service), || {
            format!("no {service}: {services:?}")
        });
    }
    // The put of one Region and what it makes the other do are one trace.
    let across = received.spans.iter().any(|(service, span)| {
        let names = ancestry(span, &by_id);
        service == "us-east-1"
            && names.contains(&"s3.PutObject")
            && names.iter().any(|name| name.starts_with("message "))
            && names.last().is_some_and(|name| name.starts_with("step "))
    });
    findings.check(across, || {
        "no replica is in the trace of its put".to_owned()
    });
    // KMS is asked by S3, for the client.
    let nested = spans.iter().any(|span| {
        span.name.starts_with("kms.amazonaws.com")
            && ancestry(span, &by_id).contains(&"s3.PutObject")
    });
    findings.check(nested, || {
        "no call of KMS is in the trace of a put".to_owned()
    });

    let names: BTreeSet<&str> = received.metrics.iter().map(|it| it.name.as_str()).collect();
    for name in [
        "faultline.calls",
        "faultline.call.duration",
        "faultline.messages",
        "faultline.runs",
    ] {
        findings.check(names.contains(name), || format!("no {name}: {names:?}"));
    }
    let runs = received
        .metrics
        .iter()
        .find(|it| it.name == "faultline.runs");
    let counted = match runs.and_then(|it| it.data.as_ref()) {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        _ => 0,
    };
    findings.check(counted == 1, || format!("{counted} verdicts of one run"));
    findings.assert_none();
}

#[test]
fn a_run_sent_twice_is_the_same_spans_twice() {
    let sent = || {
        let collector = Collector::listen();
        ended_well(&run("scenarios/kms/delegation.yaml", &collector.url()));
        let spans = collector.received().spans;
        assert!(spans.len() > 10, "{} spans", spans.len());
        spans
    };
    assert!(sent() == sent(), "the spans differ");
}

#[test]
fn a_collector_that_is_not_there_is_a_warning() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let url = format!("http://{}", closed.expect("a port"));
    let said = ended_well(&run("scenarios/kms/delegation.yaml", &url));
    let warnings = said
        .lines()
        .filter(|line| line.starts_with("warning: nothing was sent"));
    assert_eq!(warnings.count(), 1, "{said}");
    assert!(
        said.contains(&url) && said.contains("The run is not affected"),
        "{said}"
    );
}

#[test]
fn a_collector_that_never_answers_does_not_hold_the_run() {
    // It accepts connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let since = Instant::now();
    let said = ended_well(&run("scenarios/kms/delegation.yaml", &url));
    assert!(said.contains("warning: nothing was sent"), "{said}");
    assert!(
        since.elapsed() < Duration::from_secs(60),
        "{:?}",
        since.elapsed()
    );
}

#[test]
fn a_trace_file_has_the_form_that_perfetto_opens() {
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("trace.json");
    let output = Command::new(program::path())
        .args([
            "run",
            "scenarios/03-crr-sse-modes.yaml",
            "--transport",
            "loopback",
        ])
        .arg(format!("--report=trace={}", file.display()))
        .arg("--out")
        .arg(out.path())
        .current_dir(shipped::root())
        .output()
        .expect("the program runs");
    ended_well(&output);
    let text = std::fs::read_to_string(&file).expect("the trace is there");
    let trace: Value = serde_json::from_str(&text).expect("the trace is JSON");
    let events = trace["traceEvents"].as_array().expect("it has events");

    let mut findings = Findings::default();
    let mut processes = BTreeSet::new();
    let (mut starts, mut ends) = (BTreeMap::new(), BTreeMap::new());
    let (mut began, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for event in events {
        let number = |key: &str| event[key].as_u64();
        let phase = event["ph"].as_str().unwrap_or_default();
        let needed: &[&str] = match phase {
            "M" => &["pid"],
            "X" => &["pid", "tid", "ts", "dur"],
            "s" | "f" => &["pid", "tid", "ts", "id"],
            "b" | "e" => &["pid", "ts", "id"],
            "i" => &["pid", "tid", "ts"],
            _ => &["an event of no known kind"],
        };
        findings.check(
            needed.iter().all(|key| number(key).is_some()) && event["name"].is_string(),
            || format!("{event} needs {needed:?}"),
        );
        let place = (number("pid"), number("ts"));
        match phase {
            "M" if event["name"] == "process_name" => {
                processes.insert(event["args"]["name"].as_str().unwrap_or_default());
            }
            "s" => drop(starts.insert(number("id"), place)),
            "f" => drop(ends.insert(number("id"), place)),
            "b" => drop(began.insert(number("id"))),
            "e" => drop(ended.insert(number("id"))),
            _ => {}
        }
    }
    for process in ["scenario", "eu-west-1", "us-east-1"] {
        findings.check(processes.contains(process), || {
            format!("no process {process}")
        });
    }
    let across = starts.iter().filter(|(id, from)| {
        ends.get(*id)
            .is_some_and(|to| to.0 != from.0 && to.1 > from.1)
    });
    findings.check(across.count() > 10, || {
        "hardly any arrow between Regions".to_owned()
    });
    findings.check(starts.len() == ends.len(), || {
        "an arrow has one end".to_owned()
    });
    findings.check(began == ended, || "a band has one end".to_owned());
    findings.assert_none();
}
