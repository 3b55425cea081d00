//! Each shipped campaign passes its check and its first seeds, in memory and over gRPC with
//! the same journals.

use std::fs;
use std::path::{Path, PathBuf};

use faultline::campaign::{Campaign, check, generate, read, trial};
use faultline::journal::Journal;
use faultline::scenario::diagnostic::{Format, render};
use faultline::scenario::source::Source;
use faultline::transport;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/campaigns");
    let entries = fs::read_dir(folder).expect("campaigns are shipped");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn load(path: &Path) -> Campaign {
    let source = Source::new(
        path.display().to_string(),
        fs::read_to_string(path).expect("it is text"),
    );
    read::read(&source, path).unwrap_or_else(|problems| {
        panic!("{}", render(&source, &problems, Format::Human(false)));
    })
}

#[test]
fn the_first_seeds_of_each_pass() {
    for path in shipped() {
        let campaign = load(&path);
        let goals = check::goals(&campaign);
        for seed in SEEDS {
            let trial = trial::run(&campaign, &goals, &generate::generate(&campaign, seed));
            let place = format!("{} seed {seed}", path.display());
            assert_eq!(trial.failed, None, "{place}");
            assert_eq!(trial.unknown, None, "{place}");
            assert!(trial.calls > 0, "{place} asks nothing");
        }
    }
}

#[test]
fn a_seed_gives_the_same_journal_over_grpc() {
    for path in shipped() {
        let campaign = load(&path);
        let recorded = generate::generate(&campaign, 2);
        let folder = tempfile::tempdir().expect("a folder");
        let nodes = transport::embedded(folder.path()).expect("a runtime");
        let grpc = trial::over(&campaign, &[], &recorded, nodes, Journal::new());
        let loopback = trial::run(&campaign, &[], &recorded);
        assert_eq!(grpc.digest, loopback.digest, "{}", path.display());
    }
}
