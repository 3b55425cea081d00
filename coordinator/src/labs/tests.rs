//! The lab file and the judge, on a lab as `faultline lab new` writes it.

use std::collections::BTreeMap;

use super::judge::{Bench, Status, judge};
use super::shelf::Folder;
use super::{Work, author, read};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::source::Source;

const NEW: [(&str, &str); 6] = [
    ("lab.yaml", include_str!("../cli/lab/new/lab.yaml")),
    ("README.md", include_str!("../cli/lab/new/README.md")),
    ("drill.yaml", include_str!("../cli/lab/new/drill.yaml")),
    (
        "starters/world.yaml",
        include_str!("../cli/lab/new/starter.yaml"),
    ),
    (
        "solutions/world.yaml",
        include_str!("../cli/lab/new/solution.yaml"),
    ),
    (
        "wrong/another-key.yaml",
        include_str!("../cli/lab/new/wrong.yaml"),
    ),
];

fn folder() -> Folder {
    let files = NEW.map(|(name, text)| (name.to_owned(), text.replace("LAB-ID", "first")));
    Folder {
        name: "01-first".to_owned(),
        files: files.into(),
    }
}

#[test]
fn a_new_lab_does_what_it_promises() {
    let found = author::test(&folder(), &[], 2);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_author_is_told_everything_that_is_missing_or_left_over() {
    let mut folder = folder();
    folder.name = "01-second".to_owned();
    folder.files.remove("solutions/world.yaml");
    folder.files.insert("notes.txt".to_owned(), String::new());
    let readme = "See [the drill](drill.yaml) and [more](more.md).";
    folder
        .files
        .insert("README.md".to_owned(), readme.to_owned());
    let found = author::test(&folder, &[], 0).join("\n");
    for told in [
        "should be called after the lab's id, first",
        "solutions/world.yaml is not there",
        "nothing in lab.yaml speaks of notes.txt",
        "the link to more.md leads nowhere",
    ] {
        assert!(found.contains(told), "{told} is not in\n{found}");
    }
}

#[test]
fn a_wrong_answer_hears_its_own_sentence_and_a_solution_passes() {
    let folder = folder();
    let lab = folder.lab().expect("it is a lab");
    let Work::Build(build) = &lab.steps[1].work else {
        panic!("it builds")
    };
    let judged = |file: &str| {
        let text = folder.files[file].clone();
        let bench = Bench {
            lab: &lab,
            folder: &folder,
            work: BTreeMap::from([("world.yaml".to_owned(), text)]),
            colour: false,
        };
        judge(&bench, build, None)
    };
    assert!(judged("solutions/world.yaml").passed());
    let failure = judged("wrong/another-key.yaml").failure.expect("it fails");
    assert_eq!(
        failure.said.as_deref(),
        Some("us-east-1 has no key of this id.")
    );
    assert_eq!(failure.facts.0["verb"], "kms.decrypt");
    assert_eq!(failure.facts.0["region"], "us-east-1");
    assert!(
        failure.picture.contains("drill.yaml:6:5"),
        "{}",
        failure.picture
    );

    let bench = Bench {
        lab: &lab,
        folder: &folder,
        work: BTreeMap::from([("world.yaml".to_owned(), "scenario: [".to_owned())]),
        colour: false,
    };
    let judged = judge(&bench, build, None);
    assert_eq!(judged.checks, [Status::Failed]);
    let failure = judged.failure.expect("it fails");
    assert!(failure.facts.0.contains_key("invalid"), "{failure:?}");
    // Though the bracket that it leaves open is missed only in the next file.
    let picture = failure.picture;
    assert!(picture.contains("world.yaml:"), "{picture}");
}

#[test]
fn what_is_wrong_with_a_lab_file_is_shown_where_it_stands() {
    let text = "lab: 1\nid: x\ntitle: X\nlevel: hard\ntakes: 5m\nstory: s\nsteps:\n  - id: a\n    titel: A\n    task: t\n    explain: e\n    ask: { question: q, answers: [{ text: no }] }\n";
    let source = Source::new("lab.yaml", text);
    let found = read::read(&source).expect_err("it is wrong");
    let told = render(&source, &found, Format::Human(false));
    for part in [
        "`level` is one of beginner, intermediate, advanced",
        "unknown key `titel` in a step of a lab",
        "a step of a lab needs the key `title`",
        "a wrong answer explains itself: it needs `so`",
        "one of them is right",
        "lab.yaml:9:5",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}
