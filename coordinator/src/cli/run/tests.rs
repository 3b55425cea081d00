use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use clap::Parser;

use super::*;
use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::{JOURNAL_FORM, RunStarted, RunVerdict};
use crate::report::folder::{LATEST, RUN};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    args: RunArgs,
}

/// Comes to the judgement given, without any Region.
struct Oracle {
    judgement: Judgement,
    /// Changes the journal from run to run.
    fickle: bool,
    runs: Cell<u64>,
}

impl Oracle {
    fn saying(judgement: Judgement) -> Self {
        Self {
            judgement,
            fickle: false,
            runs: Cell::new(0),
        }
    }
}

impl Conductor for Oracle {
    fn conduct(&self, job: &Job, mut stage: Stage) -> Result<String, Broken> {
        self.runs.set(self.runs.get() + 1);
        let started = RunStarted {
            journal: JOURNAL_FORM,
            name: job.name(),
            title: job.plan.title.clone(),
            file: job.file(),
            source: job.plan.source.text.clone(),
            seed: job.seed.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        stage
            .journal
            .record(SimTime::ZERO, What::RunStarted(started));
        let t = if self.fickle {
            SimTime(self.runs.get())
        } else {
            SimTime::ZERO
        };
        let verdict = RunVerdict {
            judgement: self.judgement,
            because: String::new(),
            interrupted: false,
        };
        stage.journal.record(t, What::Verdict(verdict));
        let digest = stage.journal.digest();
        stage.journal.finish()?;
        Ok(digest)
    }
}

/// A folder with one scenario, and where runs go.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::write(place.path("tides.yaml"), super::super::new::TEMPLATE).expect("it is written");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, conductor: &dyn Conductor, more: &[&str]) -> Exit {
        let (file, out) = (self.path("tides.yaml"), self.path("runs"));
        let mut words = vec![
            "run",
            file.to_str().expect("text"),
            "--transport",
            "loopback",
            "-q",
            "--out",
        ];
        words.push(out.to_str().expect("text"));
        words.extend(more);
        run(
            &Program::try_parse_from(words)
                .expect("the flags are right")
                .args,
            conductor,
        )
    }
}

#[test]
fn a_run_leaves_its_folder_and_its_reports() {
    let place = Place::new();
    let report = format!("junit={}", place.path("junit.xml").display());
    assert_eq!(
        place.run(
            &Oracle::saying(Judgement::Pass),
            &["--report", &report, "--seed", "9"]
        ),
        Exit::Passed
    );
    let folder = RunFolder::find(&place.path("runs"), LATEST).expect("it is there");
    assert_eq!(folder.summary().expect("a journal").run.seed, 9);
    let json = fs::read_to_string(folder.path().join(RUN)).expect("it is there");
    assert!(
        json.contains("tides.yaml") && json.contains("\"judgement\": \"pass\""),
        "{json}"
    );
    assert!(
        fs::read_to_string(place.path("junit.xml"))
            .expect("it is there")
            .contains("testsuite")
    );
}

#[test]
fn the_exit_tells_how_it_went() {
    let cases = [
        (Judgement::Pass, Exit::Passed),
        (Judgement::Fail, Exit::Failed),
        (Judgement::Unknown, Exit::Unknown),
        (Judgement::Error, Exit::Environment),
    ];
    for (judgement, exit) in cases {
        assert_eq!(Place::new().run(&Oracle::saying(judgement), &[]), exit);
    }
}

#[test]
fn every_seed_runs_until_one_fails_when_that_is_wanted() {
    let fails = Oracle::saying(Judgement::Fail);
    Place::new().run(&fails, &["--seeds", "1..5"]);
    assert_eq!(fails.runs.get(), 5);
    Place::new().run(&fails, &["--seeds", "1..5", "--fail-fast"]);
    assert_eq!(fails.runs.get(), 6);
}

#[test]
fn two_journals_for_one_seed_are_a_bug() {
    let fickle = Oracle {
        fickle: true,
        ..Oracle::saying(Judgement::Pass)
    };
    assert_eq!(Place::new().run(&fickle, &["--repeat", "2"]), Exit::Bug);
    assert_eq!(
        Place::new().run(&Oracle::saying(Judgement::Pass), &["--repeat", "2"]),
        Exit::Passed
    );
}

#[test]
fn what_is_filtered_out_is_nothing_to_run() {
    assert_eq!(
        Place::new().run(&Oracle::saying(Judgement::Pass), &["--filter", "dynamodb"]),
        Exit::Nothing
    );
}

#[test]
fn unknown_reports_are_wrong_usage() {
    assert!(Program::try_parse_from(["run", "x", "--report", "pdf=x"]).is_err());
    assert!(Program::try_parse_from(["run", "x", "--seeds", "5..1"]).is_err());
}

#[derive(Parser)]
struct Replayer {
    #[command(flatten)]
    args: super::super::replay::ReplayArgs,
}

#[test]
fn a_replay_comes_to_the_same_journal_or_is_a_bug() {
    let place = Place::new();
    place.run(&Oracle::saying(Judgement::Fail), &["--var", "secret=other"]);
    fs::write(place.path("tides.yaml"), "changed since").expect("it is written");
    let out = place.path("runs");
    let words = ["replay", "latest", "--out", out.to_str().expect("text")];
    let args = Replayer::try_parse_from(words)
        .expect("the flags are right")
        .args;
    let replay = |oracle: &Oracle| super::super::replay::replay(&args, oracle);
    assert_eq!(replay(&Oracle::saying(Judgement::Fail)), Exit::Failed);
    assert_eq!(
        replay(&Oracle {
            fickle: true,
            ..Oracle::saying(Judgement::Fail)
        }),
        Exit::Bug
    );
}
