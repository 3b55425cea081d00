//! Whether a lab does what it promises: starters fail, solutions pass with many seeds, every
//! wrong answer gets its own sentence, and nothing is missing or left over.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Bench, Judged, judge};
use super::shelf::{self, Folder};
use super::{Build, Lab, What, Work};

/// Seeds that a solution must pass with besides the lab's own.
pub const RANDOM: u64 = 20;

/// Everything that is wrong with a lab; `others` are the labs beside it. Solutions must pass
/// with so many `random` seeds besides the lab's own.
#[must_use]
pub fn test(folder: &Folder, others: &[String], random: u64) -> Vec<String> {
    let lab = match folder.lab() {
        Ok(lab) => lab,
        Err(picture) => return vec![picture],
    };
    let mut found = Vec::new();
    names(folder, &lab, others, &mut found);
    files(folder, &lab, &mut found);
    links(folder, others, &mut found);
    if found.is_empty() {
        steps(folder, &lab, random, &mut found);
    }
    found
}

fn names(folder: &Folder, lab: &Lab, others: &[String], found: &mut Vec<String>) {
    let bare = folder
        .name
        .trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
    if bare != lab.id {
        found.push(format!(
            "the folder {} should be called after the lab's id, {}",
            folder.name, lab.id
        ));
    }
    for need in &lab.needs {
        if !others.iter().any(|other| other == need) {
            found.push(format!("`needs` names {need}, and no lab is called so"));
        }
    }
}

/// The files that a lab speaks of.
fn named(lab: &Lab) -> BTreeSet<&str> {
    let mut named: BTreeSet<&str> = [shelf::FILE, "README.md"].into();
    named.extend(lab.read.iter().map(String::as_str));
    let written = lab.edited();
    for step in &lab.steps {
        let Work::Build(build) = &step.work else {
            continue;
        };
        named.extend([build.starter.as_str(), build.solution.as_str()]);
        named.extend(build.wrong.iter().map(|wrong| wrong.file.as_str()));
        for check in &build.checks {
            let files: Vec<&str> = match &check.what {
                What::Run(run) => run.files.iter().map(String::as_str).collect(),
                What::Campaign { file, .. } | What::Look { file, .. } => vec![file],
            };
            named.extend(files.into_iter().filter(|file| !written.contains(file)));
        }
    }
    named
}

fn files(folder: &Folder, lab: &Lab, found: &mut Vec<String>) {
    let named = named(lab);
    for file in &named {
        if !folder.files.contains_key(*file) {
            found.push(format!("{file} is not there"));
        }
    }
    for file in folder.files.keys() {
        if !named.contains(file.as_str()) {
            found.push(format!("nothing in lab.yaml speaks of {file}"));
        }
    }
}

/// Links of texts that lead nowhere.
fn links(folder: &Folder, others: &[String], found: &mut Vec<String>) {
    let texts = folder.files.iter();
    for (file, text) in texts.filter(|(file, _)| file.ends_with(".md") || *file == shelf::FILE) {
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let is_lab = |other: &String| link.trim_matches('/').ends_with(other.as_str());
            let outside = link.starts_with("https://");
            if !outside && !folder.files.contains_key(link) && !others.iter().any(is_lab) {
                found.push(format!("{file}: the link to {link} leads nowhere"));
            }
        }
    }
}

fn steps(folder: &Folder, lab: &Lab, random: u64, found: &mut Vec<String>) {
    let mut bench = Bench {
        lab,
        folder,
        work: BTreeMap::new(),
        colour: false,
    };
    for step in &lab.steps {
        let Work::Build(build) = &step.work else {
            continue;
        };
        let place = format!("step {}", step.id);
        if !bench.work.contains_key(&build.edit) {
            try_file(&mut bench, build, &build.starter);
        }
        let starter = judge(&bench, build, None);
        if starter.passed() {
            found.push(format!("{place}: what it begins with passes already"));
        }
        for wrong in &build.wrong {
            try_file(&mut bench, build, &wrong.file);
            said(
                &judge(&bench, build, None),
                &wrong.file,
                &wrong.says,
                &place,
                found,
            );
        }
        try_file(&mut bench, build, &build.solution);
        let random: Vec<u64> = (1..=random).map(|seed| seed * 7_919).collect();
        for seeds in [None, Some(random.as_slice())] {
            if let Some(failure) = judge(&bench, build, seeds).failure {
                let title = &build.checks[failure.check].title;
                found.push(format!(
                    "{place}: its solution fails \"{title}\"\n{}",
                    failure.picture
                ));
                break;
            }
        }
    }
}

fn try_file(bench: &mut Bench<'_>, build: &Build, file: &str) {
    let text = bench.folder.files.get(file).cloned().unwrap_or_default();
    bench.work.insert(build.edit.clone(), text);
}

fn said(judged: &Judged, file: &str, says: &str, place: &str, found: &mut Vec<String>) {
    match &judged.failure {
        None => found.push(format!("{place}: {file} passes, and is meant to be wrong")),
        Some(failure) => {
            let said = failure.said.as_deref().unwrap_or_default();
            if !said.contains(says) {
                found.push(format!(
                    "{place}: {file} is told \"{said}\", and not \"{says}\"; known of it: {:?}\n{}",
                    failure.facts.0, failure.picture
                ));
            }
        }
    }
}
