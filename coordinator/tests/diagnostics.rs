//! Wrong scenario files and what is said about them.
//!
//! Each `tests/wrong/*.yaml` has a golden `.txt` beside it: the pictures that a person
//! sees. `FAULTLINE_UPDATE=1 cargo test -p faultline --test diagnostics` writes them anew;
//! they are reviewed as code.

use std::path::{Path, PathBuf};

use faultline::explain::codes;
use faultline::scenario::diagnostic::{Diagnostic, Format, Severity, render};
use faultline::scenario::load;
use faultline::scenario::source::Source;

fn wrong_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    files
}

fn findings(file: &Path) -> (std::sync::Arc<Source>, Vec<Diagnostic>) {
    let name = file
        .file_name()
        .expect("a file has a name")
        .to_string_lossy();
    let text = std::fs::read_to_string(file).expect("the corpus is text");
    let source = Source::new(name, text);
    let list = load(&source).map_or_else(|list| list, |plan| plan.warnings);
    (source, list)
}

#[test]
fn what_is_said_about_wrong_files_is_what_was_reviewed() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the variable changes goldens, not a run"
    )]
    let update = std::env::var("FAULTLINE_UPDATE").is_ok();
    let mut different = Vec::new();
    for file in wrong_files() {
        let (source, list) = findings(&file);
        let picture = render(&source, &list, Format::Human(false));
        let golden = file.with_extension("txt");
        if update {
            std::fs::write(&golden, &picture).expect("goldens can be written");
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(&picture) {
            different.push(format!("{}:\n{picture}", file.display()));
        }
    }
    assert!(
        different.is_empty(),
        "{} files differ\n{}",
        different.len(),
        different.join("\n")
    );
}

#[test]
fn every_wrong_file_is_refused_with_known_codes() {
    let files = wrong_files();
    assert!(files.len() >= 60, "only {} files", files.len());
    for file in files {
        let (source, list) = findings(&file);
        let errors = list
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .count();
        assert!(errors > 0, "{} is not refused", file.display());
        for found in &list {
            assert!(
                codes::find(found.code).is_some(),
                "{} of {} is not explained",
                found.code,
                file.display()
            );
            assert!(
                found.primary.end <= source.text.len(),
                "{} points outside",
                file.display()
            );
            assert!(
                !found.message.ends_with('.'),
                "messages have no full stop: {}",
                found.message
            );
        }
    }
}

#[test]
fn the_other_formats_hold_the_same_findings() {
    for file in wrong_files() {
        let (source, list) = findings(&file);
        let json = render(&source, &list, Format::Json);
        let lines: Vec<serde_json::Value> = json
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        let codes: Vec<_> = lines
            .iter()
            .map(|line| line["code"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(
            codes,
            list.iter().map(|found| found.code).collect::<Vec<_>>()
        );
        let github = render(&source, &list, Format::Github);
        assert_eq!(github.lines().count(), list.len());
        assert!(
            github
                .lines()
                .all(|line| line.starts_with("::error ") || line.starts_with("::warning "))
        );
    }
}

#[test]
fn cut_off_files_never_panic() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/01-region-outage.yaml");
    let text = std::fs::read_to_string(shipped).expect("shipped scenarios are there");
    for (cut, _) in text.char_indices().step_by(7) {
        let source = Source::new("cut.yaml", &text[..cut]);
        if let Err(list) = load(&source) {
            assert!(!render(&source, &list, Format::Human(true)).is_empty());
        }
    }
}

/// Whatever a person or a broken editor leaves in a file: an answer, never a panic.
#[test]
fn mangled_files_never_panic() {
    use proptest::test_runner::{Config, TestRunner};
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let texts: Vec<String> = [
        "02-global-table-conflict.yaml",
        "03-crr-sse-modes.yaml",
        "04-share-snapshot.yaml",
    ]
    .iter()
    .map(|name| std::fs::read_to_string(shipped.join(name)).expect("shipped scenarios are there"))
    .collect();
    let scraps = [
        "",
        "$",
        "$(",
        "[",
        "}",
        ": ",
        "\n",
        "- ",
        "\"",
        "é",
        "{ count: 1 }",
        "null",
        "&a ",
        "*a",
        "\t",
        "0",
    ];
    let edits = proptest::collection::vec((0..9_000_usize, 0..40_usize, 0..scraps.len()), 1..4);
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&(0..texts.len(), edits), |(file, edits)| {
            let mut text: Vec<char> = texts[file].chars().collect();
            for (at, length, scrap) in edits {
                let at = at % text.len();
                let end = (at + length).min(text.len());
                text.splice(at..end, scraps[scrap].chars());
            }
            let source = Source::new("mangled.yaml", text.into_iter().collect::<String>());
            let list = load(&source).map_or_else(|list| list, |plan| plan.warnings);
            for format in [Format::Human(false), Format::Json, Format::Github] {
                let text = render(&source, &list, format);
                proptest::prop_assert_eq!(text.is_empty(), list.is_empty());
            }
            Ok(())
        })
        .expect("every file gets an answer");
}
