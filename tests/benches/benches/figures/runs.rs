//! Whole runs: an idle quarter of an hour, and every shipped scenario.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use faultline::journal::Journal;
use faultline::journal::event::Judgement;
use faultline::runner::{Options, run_case};
use faultline::scenario::{self, Plan, source::Source};
use faultline::seed::RunSeed;
use faultline::transport::{self, Loopback, Transport};

use crate::program;
use crate::table::{Aim, Table};

/// Three Regions with a key in each: then nothing happens.
const IDLE: &str = r#"
scenario: 1
title: Nothing happens for a quarter of an hour
world:
  regions: [eu-west-1, us-east-1, ap-southeast-2]
  accounts: { shop: "111111111111" }
  principals: { app: { account: shop, allow: ["kms:*"] } }
  keys: { payments: { account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1, ap-southeast-2] } }
steps:
  - wait: WAIT
"#;

/// All rows.
pub fn all(table: &mut Table) {
    idle(table, "loopback", |_| Box::new(Loopback::new()));
    idle(table, "grpc", |folder| {
        transport::embedded(folder).expect("a runtime")
    });
    scenarios(table);
}

/// What the quarter of an hour adds to the run that does not wait: the median of several.
fn idle(table: &mut Table, over: &str, carry: impl Fn(&Path) -> Box<dyn Transport>) {
    let name = format!("an idle quarter of an hour, {over}");
    if !table.wants(&name) {
        return;
    }
    let (short, long) = (plan("1ms"), plan("15m"));
    let run = |plan: &Plan| {
        let folder = tempfile::tempdir().expect("a folder");
        timed(plan, carry(folder.path()))
    };
    let added = |_| {
        let begin = run(&short);
        run(&long).saturating_sub(begin)
    };
    let milliseconds = median((0..7).map(added).collect()).as_secs_f64() * 1e3;
    let whole = median((0..7).map(|_| run(&long)).collect()).as_secs_f64() * 1e3;
    table.row(&name, milliseconds, "ms", None, Aim::Below(10.0));
    table.row(
        &format!("the same with its set-up (three Regions, a key in each), {over}"),
        whole,
        "ms",
        None,
        Aim::None,
    );
}

fn plan(wait: &str) -> Plan {
    let source = Source::new("idle.yaml", IDLE.replace("WAIT", wait));
    scenario::load(&source).expect("a scenario")
}

fn timed(plan: &Plan, transport: Box<dyn Transport>) -> Duration {
    let options = Options::new("idle", RunSeed(1));
    let begin = Instant::now();
    let outcome = run_case(plan, &plan.cases[0], &options, transport, Journal::new());
    let took = begin.elapsed();
    let judgement = outcome.expect("it runs").judgement;
    assert_eq!(judgement, Judgement::Pass);
    took
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

fn scenarios(table: &mut Table) {
    for (over, times) in [("grpc", 3), ("loopback", 3), ("processes", 1)] {
        let name = format!("`run scenarios`, {over}");
        if !table.wants(&name) {
            continue;
        }
        let arguments: &[&str] = match over {
            "processes" => &["run", "scenarios", "--quiet", "--processes"],
            over => &["run", "scenarios", "--quiet", "--transport", over],
        };
        let runs: Vec<_> = (0..times)
            .map(|_| program::measured(arguments, &root()))
            .collect();
        let wall = median(runs.iter().map(|run| run.0.wall).collect()).as_secs_f64();
        let processor = median(runs.iter().map(|run| run.0.processor).collect()).as_secs_f64();
        let aim = if over == "grpc" {
            Aim::Below(3.0)
        } else {
            Aim::None
        };
        table.row(&name, wall, "s", None, aim);
        table.row(
            &format!("{name}: processor time"),
            processor,
            "s",
            None,
            Aim::None,
        );
        let memory = runs.iter().map(|run| run.1).fold(0.0, f64::max);
        table.row(
            &format!("{name}: peak memory"),
            memory,
            "MiB",
            None,
            Aim::None,
        );
    }
}

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders deep")
        .to_owned()
}
