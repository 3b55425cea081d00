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

/// Finds whether a job passes and tells its golden story, which `update` writes.
fn told(job: &Job, update: bool, findings: &mut Findings) {
    let name = shipped::name(job);
    let ran = match runs::loopback(job) {
        Ok(ran) => ran,
        Err(broken) => return findings.add(format!("{name}: {broken}")),
    };
    let story = transcript::write(&ran.summary);
    if ran.outcome.judgement != Judgement::Pass {
        let judgement = transcript::judgement(ran.outcome.judgement);
        return findings.add(format!("{name}: {judgement}: {}", ran.outcome.because));
    }
    let file = golden(job);
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

#[test]
fn every_scenario_passes_and_its_story_is_the_golden_one() {
    let update = std::env::var_os(UPDATE).is_some();
    let (mut jobs, large) = (shipped::all(), shipped::large());
    let known: BTreeSet<_> = jobs.iter().chain(&large).map(golden).collect();
    // Optimised builds tell large stories in seconds, others in a minute.
    if update || !cfg!(debug_assertions) {
        jobs.extend(large);
    }
    let mut findings = Findings::over(&jobs, |job, findings| told(job, update, findings));
    for stale in below(&goldens()).difference(&known) {
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
