//! The commands that the documents show exist, with all their flags, and so do the files
//! they name.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use faultline::cli::Cli;
use faultline_tests::{Findings, shipped};

/// The documents: the README, and every page of `docs/`.
fn documents() -> Vec<PathBuf> {
    let root = shipped::root();
    let pages = std::fs::read_dir(root.join("docs"))
        .into_iter()
        .flatten()
        .flatten();
    let pages = pages
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"));
    let mut all: Vec<PathBuf> = pages.chain([root.join("README.md")]).collect();
    all.sort();
    all
}

/// Lines of the `sh` blocks of a document with their numbers, continued lines joined, without
/// prompts and comments.
fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found: Vec<(usize, Vec<String>)> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside && matches!(language.trim(), "sh" | "shell" | "bash" | "console");
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default();
        let line = line.trim().trim_start_matches("$ ");
        if !inside || line.is_empty() || line.starts_with('#') {
            continue;
        }
        let next = line.ends_with('\\');
        let words = line.trim_end_matches('\\').split_whitespace();
        let words = words.map(|word| word.trim_matches(['"', '\'']).to_owned());
        match found.last_mut() {
            Some((_, before)) if goes_on => before.extend(words),
            _ => found.push((index + 1, words.collect())),
        }
        goes_on = next;
    }
    found
}

/// A command's arguments as `faultline` gets them, if it is one of ours.
fn ours(words: &[String]) -> Option<&[String]> {
    // Environment first: `NAME=value faultline run`.
    let words = &words[words.iter().take_while(|word| word.contains('=')).count()..];
    // What the shell does with its output is the shell's.
    let end = words
        .iter()
        .position(|word| [">", "|"].contains(&word.as_str()));
    let words = &words[..end.unwrap_or(words.len())];
    let name = words.first()?.rsplit('/').next()?;
    match name {
        "faultline" => Some(&words[1..]),
        "cargo" if words.get(1)? == "run" => {
            let at = words.iter().position(|word| word == "--")?;
            Some(&words[at + 1..])
        }
        _ => None,
    }
}

/// A path into the project that is not there. What a command makes is none.
fn missing(word: &str) -> bool {
    let folders = ["scenarios", "docs", "tests", "node", "coordinator", "proto"];
    let first = word.split('/').next().unwrap_or_default();
    folders.contains(&first) && !shipped::root().join(word).exists()
}

#[test]
fn every_command_of_the_documents_exists() {
    let mut findings = Findings::default();
    let mut checked = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("a document is text");
        let name = document.strip_prefix(shipped::root()).unwrap_or(&document);
        for (line, words) in commands(&text) {
            let place = format!("{}:{line}: {}", name.display(), words.join(" "));
            for word in words.iter().filter(|word| missing(word)) {
                findings.add(format!("{place}: there is no {word}"));
            }
            if let Some(arguments) = ours(&words) {
                checked += 1;
                if let Some(problem) = refused(arguments) {
                    findings.add(format!("{place}: {problem}"));
                }
            }
        }
    }
    findings.check(checked > 5, || {
        format!("only {checked} commands were found")
    });
    findings.assert_none();
}

/// Why the program would not take these arguments.
fn refused(arguments: &[String]) -> Option<String> {
    let words = std::iter::once("faultline").chain(arguments.iter().map(String::as_str));
    match Cli::try_parse_from(words) {
        Err(error) if error.use_stderr() => Some(error.to_string()),
        Ok(_) | Err(_) => None,
    }
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let text = "```sh\n$ faultline run x --fastly # why not\ncargo run -- fly\nls\n```\n";
    let found = commands(text);
    let told: Vec<bool> = found
        .iter()
        .filter_map(|(_, words)| ours(words))
        .map(|arguments| refused(arguments).is_some())
        .collect();
    assert_eq!((found.len(), told), (3, vec![true, true]));
    assert!(
        missing("scenarios/no-such.yaml")
            && !missing(Path::new("README.md").to_str().expect("text"))
    );
}
