//! The conformance tables say the truth: every fact is listed once, and each proof that is named
//! is there and mentions the fact.

use std::fs;
use std::path::{Path, PathBuf};

/// Facts of one kind: the letters of their ids, their first and last number, and the page that
/// lists them.
struct Facts {
    letters: &'static str,
    first: usize,
    last: usize,
    page: &'static str,
}

const FACTS: &[Facts] = &[
    Facts {
        letters: "DDB",
        first: 1,
        last: 80,
        page: "docs/conformance/dynamodb.md",
    },
    Facts {
        letters: "K",
        first: 1,
        last: 367,
        page: "docs/conformance/kms.md",
    },
    Facts {
        letters: "S3",
        first: 1,
        last: 96,
        page: "docs/conformance/s3.md",
    },
    Facts {
        letters: "SSE",
        first: 1,
        last: 65,
        page: "docs/conformance/s3.md",
    },
    Facts {
        letters: "SEC",
        first: 1,
        last: 42,
        page: "docs/conformance/secrets.md",
    },
    Facts {
        letters: "CSE",
        first: 1,
        last: 49,
        page: "docs/conformance/sealed.md",
    },
    // Disks, and databases.
    Facts {
        letters: "EBS",
        first: 1,
        last: 40,
        page: "docs/conformance/ec2.md",
    },
    Facts {
        letters: "EBS",
        first: 41,
        last: 60,
        page: "docs/conformance/rds.md",
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the repository")
        .to_owned()
}

/// Whether `text` mentions the fact: `K-121`, `k_121`, or a range of a name or comment around it.
fn mentions(text: &str, letters: &str, fact: usize) -> bool {
    let (comment, name) = (
        format!("{letters}-"),
        format!("{}_", letters.to_ascii_lowercase()),
    );
    if text.contains(&format!("{comment}{fact:03}")) || text.contains(&format!("{name}{fact:03}")) {
        return true;
    }
    let range = |first: &str, between: &str| {
        text.match_indices(between).any(|(at, _)| {
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok());
            let from = number(text.get(at.saturating_sub(3)..at));
            let after = at + between.len();
            let to = number(text.get(after..after + 3));
            let begin = (at.saturating_sub(3)).checked_sub(first.len());
            let named = begin.and_then(|begin| text.get(begin..at - 3));
            matches!((named == Some(first), from, to), (true, Some(from), Some(to)) if (from..=to).contains(&fact))
        })
    };
    range(&name, &format!("_to_{name}")) || range(&comment, &format!(" to {comment}"))
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

fn check_proof(letters: &str, fact: usize, by: &str) -> Result<(), String> {
    for proof in by.split(", ") {
        let words: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        let (name, file) = match words.as_slice() {
            [file] => (None, *file),
            [name, file] => (Some(*name), *file),
            _ => {
                return Err(format!(
                    "{letters}-{fact:03}: not a test and a file: {proof}"
                ));
            }
        };
        let source = fs::read_to_string(root().join(file))
            .map_err(|error| format!("{letters}-{fact:03}: {file}: {error}"))?;
        let text = match name {
            None => Some(source.as_str()),
            // A test inside a module is indented: there the whole file stands for it.
            Some(name) => test_of(&source, name)
                .filter(|text| mentions(text, letters, fact))
                .or_else(|| {
                    source
                        .contains(&format!("    fn {name}("))
                        .then_some(source.as_str())
                }),
        };
        if !text.is_some_and(|text| mentions(text, letters, fact)) {
            return Err(format!("{letters}-{fact:03} is not mentioned by {proof}"));
        }
    }
    Ok(())
}

fn check_row(letters: &str, fact: usize, row: &str) -> Result<(), String> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [id, _, status, by] = cells.as_slice() else {
        return Err(format!("not four cells: {row}"));
    };
    if *id != format!("{letters}-{fact:03}") {
        return Err(format!("{letters}-{fact:03} should be here, not {id}"));
    }
    match *status {
        "proven" => check_proof(letters, fact, by),
        "out of scope" if by.is_empty() => Err(format!("{id}: why is it out of scope?")),
        "out of scope" | "not yet" => Ok(()),
        other => Err(format!("{id}: '{other}' is no status")),
    }
}

fn check_page(facts: &Facts) {
    let Facts {
        letters,
        first,
        last,
        page,
    } = facts;
    let page = fs::read_to_string(root().join(page)).expect("the page is in the repository");
    let begins = format!("| {letters}-");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with(&begins))
        .collect();
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| check_row(letters, first + at, row).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = last + 1 - first;
    assert_eq!(rows.len(), all);
    let count = |status: &str| {
        rows.iter()
            .filter(|row| row.contains(&format!("| {status} |")))
            .count()
    };
    let sum = format!(
        "Of {all}: {} proven, {} out of scope, {} not yet.",
        count("proven"),
        count("out of scope"),
        count("not yet")
    );
    assert!(page.contains(&sum), "the page should say: {sum}");
}

#[test]
fn every_fact_is_listed_and_every_proof_mentions_it() {
    for facts in FACTS {
        check_page(facts);
    }
}

#[test]
fn a_mention_is_an_id_or_a_range_around_it() {
    assert!(mentions("fn k_036_to_k_057_every_cell", "K", 40));
    assert!(mentions("// K-053 to K-057", "K", 55));
    assert!(mentions("fn sse_038_to_sse_043_a_put", "SSE", 40));
    assert!(mentions("K-121", "K", 121) && mentions("fn k_121_x", "K", 121));
    assert!(!mentions("fn k_036_to_k_057_every_cell", "K", 58) && !mentions("K-12", "K", 121));
}
