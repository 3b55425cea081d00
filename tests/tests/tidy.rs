//! The house is kept: file budgets, no silenced lints, no leftovers.

use std::fs;
use std::path::{Path, PathBuf};

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of the project")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of the project with its text.
fn files() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &mut found,
    );
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("UTF-8");
        (path, text)
    };
    found.into_iter().map(read).collect()
}

/// Lines before the unit tests begin.
fn production_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .count()
}

fn is_test(path: &Path) -> bool {
    let named = |part: std::path::Component<'_>| {
        matches!(
            part.as_os_str().to_str(),
            Some("tests" | "testing" | "tests.rs")
        )
    };
    path.components()
        .skip_while(|part| part.as_os_str() != "..")
        .any(named)
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<String> = files()
        .iter()
        .filter(|(path, text)| !is_test(path) && production_lines(text) > 500)
        .map(|(path, text)| format!("{} has {} lines", path.display(), production_lines(text)))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

fn without(words: &[&str]) {
    let mut found = Vec::new();
    for (path, text) in files() {
        for word in words.iter().filter(|word| text.contains(**word)) {
            found.push(format!("{}: {word}", path.display()));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

// The words are written in pieces, so that this file does not find itself.

#[test]
fn nothing_is_left_to_do_in_silence() {
    without(&[
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("FIX", "ME"),
        concat!("#[all", "ow("),
        concat!("#[ign", "ore"),
    ]);
}

#[test]
fn nothing_names_a_machine() {
    without(&[
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
    ]);
}
