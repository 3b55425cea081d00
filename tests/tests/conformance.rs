//! The conformance tables say the truth: every fact is listed once, and each proof that is named
//! is there and mentions the fact.

use std::fs;
use std::path::{Path, PathBuf};

const LAST: usize = 367;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the repository")
        .to_owned()
}

/// Whether `text` mentions the fact: `K-121`, `k_121`, or a range of a name or comment around it.
fn mentions(text: &str, fact: usize) -> bool {
    if text.contains(&format!("K-{fact:03}")) || text.contains(&format!("k_{fact:03}")) {
        return true;
    }
    let range = |first: &str, between: &str| {
        text.match_indices(between).any(|(at, _)| {
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok());
            let from = number(text.get(at.saturating_sub(3)..at));
            let after = at + between.len();
            let to = number(text.get(after..after + 3));
            let named = at >= 5 && text.get(at - 5..at - 3) == Some(first);
            matches!((named, from, to), (true, Some(from), Some(to)) if (from..=to).contains(&fact))
        })
    };
    range("k_", "_to_k_") || range("K-", " to K-")
}

/// The test `name` of a file, from its comments to the next function.
fn test_of<'t>(source: &'t str, name: &str) -> Option<&'t str> {
    let at = source.find(&format!("fn {name}("))?;
    let begin = source[..at].rfind("\n}\n").map_or(0, |end| end + 2);
    let end = source[at..]
        .find("\n}\n")
        .map_or(source.len(), |end| at + end);
    source.get(begin..end)
}

fn check_proof(fact: usize, by: &str) -> Result<(), String> {
    for proof in by.split(", ") {
        let words: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        let (name, file) = match words.as_slice() {
            [file] => (None, *file),
            [name, file] => (Some(*name), *file),
            _ => return Err(format!("K-{fact:03}: not a test and a file: {proof}")),
        };
        let source = fs::read_to_string(root().join(file))
            .map_err(|error| format!("K-{fact:03}: {file}: {error}"))?;
        let text = match name {
            None => Some(source.as_str()),
            // A test inside a module is indented: there the whole file stands for it.
            Some(name) => test_of(&source, name)
                .filter(|text| mentions(text, fact))
                .or_else(|| {
                    source
                        .contains(&format!("    fn {name}("))
                        .then_some(source.as_str())
                }),
        };
        if !text.is_some_and(|text| mentions(text, fact)) {
            return Err(format!("K-{fact:03} is not mentioned by {proof}"));
        }
    }
    Ok(())
}

fn check_row(at: usize, row: &str) -> Result<(), String> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [id, _, status, by] = cells.as_slice() else {
        return Err(format!("not four cells: {row}"));
    };
    let fact = at + 1;
    if *id != format!("K-{fact:03}") {
        return Err(format!("K-{fact:03} should be here, not {id}"));
    }
    match *status {
        "proven" => check_proof(fact, by),
        "out of scope" if by.is_empty() => Err(format!("{id}: why is it out of scope?")),
        "out of scope" | "not yet" => Ok(()),
        other => Err(format!("{id}: '{other}' is no status")),
    }
}

#[test]
fn every_fact_of_kms_is_listed_and_every_proof_mentions_it() {
    let path = root().join("docs/conformance/kms.md");
    let page = fs::read_to_string(&path).expect("the page is in the repository");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| K-"))
        .collect();
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| check_row(at, row).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(rows.len(), LAST);
    let count = |status: &str| {
        rows.iter()
            .filter(|row| row.contains(&format!("| {status} |")))
            .count()
    };
    let sum = format!(
        "Of {LAST}: {} proven, {} out of scope, {} not yet.",
        count("proven"),
        count("out of scope"),
        count("not yet")
    );
    assert!(page.contains(&sum), "the page should say: {sum}");
}

#[test]
fn a_mention_is_an_id_or_a_range_around_it() {
    assert!(mentions("fn k_036_to_k_057_every_cell", 40));
    assert!(mentions("// K-053 to K-057", 55));
    assert!(mentions("K-121", 121) && mentions("fn k_121_x", 121));
    assert!(!mentions("fn k_036_to_k_057_every_cell", 58) && !mentions("K-12", 121));
}
