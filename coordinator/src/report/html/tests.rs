//! The page as a whole: what it tells, and that a hostile run says nothing to a browser.

use serde_json::json;

use super::*;
use crate::clock::SimTime;
use crate::journal::event::*;
use crate::report::example;

fn page(events: &[Event]) -> Page {
    Page::of(events, "20260101T000000Z-example-7", Window::default())
}

/// A section of a page, a line for each tag, so that a difference is read easily.
fn part(html: &str, id: &str) -> String {
    let start = html
        .find(&format!("<section id=\"{id}\""))
        .expect("the section is there");
    let end = start + html[start..].find("</section>").expect("it ends");
    html[start..end].replace("><", ">\n<")
}

#[test]
fn a_failed_run_tells_its_first_failure_and_its_steps() {
    let html = write(&page(&example::journal()), &[]);
    insta::assert_snapshot!("first", part(&html, "first"));
    insta::assert_snapshot!("steps", part(&html, "steps"));
    insta::assert_snapshot!("claims", part(&html, "claims"));
    for words in [
        "✕ FAIL",
        "seed 7",
        "faultline run example.yaml --seed 7",
        "eu-west-1 is down",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn the_source_has_results_in_its_margin() {
    let html = write(&page(&example::journal()), &[]);
    insta::assert_snapshot!("source", part(&html, "source"));
}

#[test]
fn time_is_drawn_with_lanes_bands_and_lines() {
    let html = write(&page(&example::journal()), &[]);
    let time = part(&html, "time");
    for shape in [
        "class=\"band\"",
        "class=\"message lost\"",
        "class=\"sign unknown\"",
        "class=\"bar fail\"",
    ] {
        assert!(time.contains(shape), "{shape}");
    }
}

#[test]
fn keys_data_and_denials_follow_the_notes() {
    let mut events = example::journal();
    let at = events.len() - 1;
    for (index, what) in inside().into_iter().enumerate() {
        events.insert(
            at + index,
            Event {
                t: SimTime(8_000_000),
                n: 900,
                what,
            },
        );
    }
    let html = write(&page(&events), &[]);
    insta::assert_snapshot!("keys", part(&html, "keys"));
    insta::assert_snapshot!("data", part(&html, "data"));
    insta::assert_snapshot!("denials", part(&html, "denials"));
    insta::assert_snapshot!("conflicts", part(&html, "conflicts"));
}

fn note(region: &str, note: &str, fields: &[(&str, &str)]) -> What {
    What::Note {
        region: example::region(region),
        note: note.to_owned(),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        trace: String::new(),
    }
}

fn inside() -> Vec<What> {
    let key = "arn:aws:kms:us-east-1:111111111111:key/k1";
    let copy = [
        ("service", "s3"),
        ("bucket", "copy"),
        ("key", "a"),
        ("version_id", "v1"),
        ("encryption", key),
    ];
    let version = [
        ("service", "s3"),
        ("bucket", "photos"),
        ("key", "a"),
        ("version_id", "v1"),
        ("encryption", "AES256"),
    ];
    let done = [
        ("service", "s3"),
        ("bucket", "photos"),
        ("key", "a"),
        ("outcome", "FAILED"),
        ("lag_us", "1500000"),
        ("to", "copy"),
    ];
    let conflict = [
        ("service", "dynamodb"),
        ("table", "orders"),
        ("key", r#"{"id":{"S":"1"}}"#),
        ("winner_writer", "us-east-1"),
        ("winner_time", "1767225603000000"),
        ("winner_digest", "aa"),
        ("loser_writer", "eu-west-1"),
        ("loser_time", "1767225602500000"),
        ("loser_digest", "bb"),
    ];
    let denied = json!({
        "invokedBy": "s3.amazonaws.com", "errorCode": "AccessDenied", "call": "-",
        "denial": {
            "principal": "arn:aws:sts::111111111111:assumed-role/replicator/s3-replication", "action": "kms:Encrypt",
            "resource": key, "denied_by": "key_policy", "explicit": false, "statement": "", "missing": ["a statement"],
        },
    });
    vec![
        note(
            "us-east-1",
            "key_state",
            &[("key", key), ("state", "Enabled")],
        ),
        note(
            "us-east-1",
            "key_used",
            &[("key", key), ("operation", "Encrypt")],
        ),
        note("eu-west-1", "version_written", &version),
        note("us-east-1", "replica_written", &copy),
        note("eu-west-1", "replicated", &done),
        note("eu-west-1", "conflict", &conflict),
        note("us-east-1", "conflict", &conflict),
        What::Audit {
            region: example::region("us-east-1"),
            event: denied,
            trace: String::new(),
        },
    ]
}

/// What an attacker would name things.
const EVIL: &str =
    "</script></title><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload='alert(3)";

fn hostile() -> Vec<Event> {
    let mut events = example::journal();
    for event in &mut events {
        match &mut event.what {
            What::RunStarted(run) => {
                (run.title, run.name, run.file) =
                    (EVIL.to_owned(), EVIL.to_owned(), EVIL.to_owned());
                run.source = format!("{EVIL}\n").repeat(40);
            }
            What::StepStarted(step) => {
                (step.say, step.step, step.lane) =
                    (EVIL.to_owned(), EVIL.to_owned(), EVIL.to_owned())
            }
            What::StepEnded(step) => (step.step, step.why) = (EVIL.to_owned(), EVIL.repeat(10_000)),
            What::CallSent(call) => {
                (call.principal, call.operation) = (EVIL.to_owned(), EVIL.to_owned())
            }
            What::FaultStarted(fault) => fault.text = EVIL.to_owned(),
            What::Oracle(oracle) => oracle.because = EVIL.repeat(10_000),
            What::Verdict(verdict) => verdict.because = EVIL.to_owned(),
            _ => {}
        }
    }
    let at = events.len() - 1;
    let fields = [
        ("service", "s3"),
        ("bucket", EVIL),
        ("key", EVIL),
        ("version_id", EVIL),
        ("encryption", EVIL),
    ];
    let whats = [
        note("eu-west-1", "version_written", &fields),
        note("eu-west-1", EVIL, &[(EVIL, EVIL)]),
    ];
    for what in whats {
        events.insert(
            at,
            Event {
                t: SimTime(8_000_000),
                n: 901,
                what,
            },
        );
    }
    events
}

#[test]
fn a_hostile_run_is_inert_and_small() {
    let page = page(&hostile());
    for html in [
        write(
            &page,
            &[Summary::clone(&page.summary), Summary::clone(&page.summary)],
        ),
        compare(&page, &page),
    ] {
        assert!(
            !html.contains("<img") && !html.contains("alert(1)</script>"),
            "a text became HTML"
        );
        assert!(html.len() < 400_000, "{} bytes", html.len());
        let scripts = html.matches("<script").count();
        assert!(scripts <= 2, "{scripts} scripts");
    }
}

#[test]
fn a_page_asks_nobody_for_anything() {
    // The name of SVG is a name, nobody goes there.
    let html = write(&page(&example::journal()), &[]).replace("http://www.w3.org/2000/svg", "");
    assert!(html.contains("default-src &#39;none&#39;"));
    for outside in ["http://", "https://", "src=", "@import", "url(h", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn two_runs_are_compared_step_by_step() {
    let mut events = example::journal();
    for event in &mut events {
        if let What::StepEnded(step) = &mut event.what {
            step.status = StepStatus::Passed;
        }
    }
    let html = compare(&page(&example::journal()), &page(&events));
    insta::assert_snapshot!("differences", part(&html, "differences"));
    let same = compare(&page(&events), &page(&events));
    assert!(same.contains("Every step ended the same way in both."));
}
