//! Each shipped scenario passes, and its story is the one in `tests/goldens/`. A golden is
//! reviewed as code; `FAULTLINE_UPDATE=1 cargo test -p faultline-tests --test scenarios`
//! writes those that changed, of scenarios that pass, and removes those without a scenario.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use faultline::cli::jobs::Job;
use faultline::journal::event::Judgement;
use faultline::report::transcript;
use faultline_tests::{Findings, runs, shipped};

const UPDATE: &str = "FAULTLINE_UPDATE";
const COMMAND: &str = "FAULTLINE_UPDATE=1 cargo test -p faultline-tests --test scenarios";

/// Where a job's golden lies. A matrix has one for each combination.
fn golden(job: &Job) -> PathBuf {
    let mut name = shipped::name(job);
    name.retain(|it| it != '[' && it != ']');
    let name = name.replace(", ", "-").replace([' ', '='], "-");
    goldens().join(format!("{name}.txt"))
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// The first line that differs, as two lines to be compared.
fn difference(golden: &str, story: &str) -> String {
    let (mut was, mut is) = (golden.lines(), story.lines());
    for number in 1.. {
        match (was.next(), is.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let told = |line: Option<&str>| line.unwrap_or("(no more lines)").to_owned();
                return format!("  line {number}\n  - {}\n  + {}", told(one), told(other));
            }
        }
    }
    "  only line ends differ".to_owned()
}

/// Every file below a folder.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                below(&path)
            } else {
                BTreeSet::from([path])
            }
        })
        .collect()
}

#[test]
fn every_scenario_passes_and_its_story_is_the_golden_one() {
    let update = std::env::var_os(UPDATE).is_some();
    let mut findings = Findings::default();
    let mut told = BTreeSet::new();
    let large = shipped::large();
    let first_large = shipped::all().len();
    for (nth, job) in shipped::all().into_iter().chain(large).enumerate() {
        let name = shipped::name(&job);
        let file = golden(&job);
        told.insert(file.clone());
        // Optimised builds tell large stories in seconds, others in a minute.
        if cfg!(debug_assertions) && !update && nth >= first_large {
            continue;
        }
        let ran = match runs::loopback(&job) {
            Ok(ran) => ran,
            Err(broken) => {
                findings.add(format!("{name}: {broken}"));
                continue;
            }
        };
        let story = transcript::write(&ran.summary);
        if ran.outcome.judgement != Judgement::Pass {
            findings.add(format!(
                "{name}: {}: {}",
                transcript::judgement(ran.outcome.judgement),
                ran.outcome.because
            ));
            continue;
        }
        match fs::read_to_string(&file) {
            Ok(golden) if golden == story => {}
            _ if update => {
                let folder = file.parent().expect("a golden lies in a folder");
                fs::create_dir_all(folder).expect("the folder can be made");
                fs::write(&file, story).expect("the golden can be written");
            }
            Ok(golden) => findings.add(format!(
                "{name}: another story; if it is right: {COMMAND}\n{}",
                difference(&golden, &story)
            )),
            Err(_) => findings.add(format!("{name}: it has no golden yet: {COMMAND}")),
        }
    }
    for stale in below(&goldens()).difference(&told) {
        if update {
            fs::remove_file(stale).expect("the golden can be removed");
        } else {
            let file = stale.strip_prefix(goldens()).unwrap_or(stale);
            findings.add(format!(
                "goldens/{}: no such scenario; remove it: {COMMAND}",
                file.display()
            ));
        }
    }
    findings.assert_none();
}
