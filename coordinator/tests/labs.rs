//! The course, and the loop of a learner, an author and a teacher through the program itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use faultline::labs::{author, shelf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn lab(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_faultline");
    let mut command = Command::new(program);
    command.arg("lab").args(arguments).current_dir(folder);
    command.output().expect("the program runs")
}

fn told(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = lab(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{text}");
    text
}

#[test]
fn every_lab_of_the_course_does_what_it_promises() {
    let labs = shelf::own();
    assert!(labs.len() >= 16, "{}", labs.len());
    assert_eq!(
        labs,
        shelf::at(&root().join("scenarios/labs")).expect("a folder")
    );
    let ids: Vec<String> = labs
        .iter()
        .map(|folder| folder.lab().expect("a lab").id)
        .collect();
    let mut found = Vec::new();
    for folder in &labs {
        // `faultline lab test` runs twenty seeds more.
        for problem in author::test(folder, &ids, 0) {
            found.push(format!("{}: {problem}", folder.name));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the variable changes a file, not a run"
)]
fn the_shipped_schema_is_the_one_that_the_reader_makes() {
    let path = root().join("scenarios/schema/lab.v1.json");
    let text = faultline::labs::schema::text();
    if std::env::var("FAULTLINE_UPDATE").is_ok() {
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == text, "write it anew with FAULTLINE_UPDATE=1");
}

#[test]
fn a_learner_goes_through_a_lab() {
    let home = tempfile::tempdir().expect("a folder");
    told(home.path(), &["start", "one-key"], 2);
    let begun = told(home.path(), &["start", "2"], 0);
    assert!(begun.contains("See it fail"), "{begun}");
    let desk = home.path().join("one-key-two-regions");
    assert!(told(&desk, &["next"], 2).contains("not done"));
    assert!(told(&desk, &["answer", "1"], 1).contains("IAM is global"));
    told(&desk, &["answer", "9"], 2);
    told(&desk, &["answer", "2"], 0);
    told(&desk, &["next"], 0);

    let failed = told(&desk, &["check"], 1);
    for part in [
        "error[X0001]",
        "us-east-1",
        "✗ not yet",
        "· waits",
        ".faultline/check.yaml",
    ] {
        assert!(failed.contains(part), "{part} is not in\n{failed}");
    }
    let text = std::fs::read_to_string(desk.join(".faultline/check.yaml")).expect("it is there");
    assert!(text.contains("drill.yaml"), "{text}");
    let json = told(&desk, &["check", "--format", "json"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["version"], 3);
    assert_eq!(json["status"], "fail");
    assert_eq!(json["tests"].as_array().map(Vec::len), Some(2));
    assert!(told(&desk, &["hint"], 0).starts_with("1. "));
    assert!(told(&desk, &["solution"], 2).contains("after 3 tries"));

    let solution = root().join("scenarios/labs/02-one-key-two-regions/solutions/world.yaml");
    std::fs::copy(solution, desk.join("world.yaml")).expect("it is written");
    assert!(told(&desk, &["check"], 0).contains("Why it is so"));
    told(&desk, &["skip"], 0);
    assert!(told(&desk, &["status"], 0).contains("✓ done     fix"));
    told(&desk, &["reset", "fix"], 0);
    assert!(desk.join(".faultline/old/2-world.yaml").exists());
    assert!(told(&desk, &["status"], 0).contains("· to do    fix"));
}

#[test]
fn watch_takes_commands_a_line_each() {
    let home = tempfile::tempdir().expect("a folder");
    told(home.path(), &["start", "two-doors"], 0);
    let desk = home.path().join("two-doors");
    let mut child = Command::new(env!("CARGO_BIN_EXE_faultline"))
        .args(["lab", "watch", "--manual"])
        .current_dir(&desk)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut typed = child.stdin.take().expect("a pipe");
    typed.write_all(b"h\nr\nz\nq\n").expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["1. Both doors", "check 1 of 1", "`z` does nothing here"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_class_is_graded_by_running_everything_again() {
    let home = tempfile::tempdir().expect("a folder");
    let labs = root().join("scenarios/labs/07-cancel-is-not-enable");
    let (ann, bob) = (home.path().join("ann"), home.path().join("bob, jr"));
    for (learner, file) in [
        (&ann, "solutions/rescue.yaml"),
        (&bob, "starters/rescue.yaml"),
    ] {
        std::fs::create_dir(learner).expect("a folder");
        std::fs::copy(labs.join(file), learner.join("rescue.yaml")).expect("it is written");
    }
    // A file that claims everything is worth nothing.
    let lie = r#"{"lab":"cancel-is-not-enable","at":"rescue","steps":{"rescue":{"state":"done"}}}"#;
    std::fs::write(bob.join("progress.json"), lie).expect("it is written");
    let arguments = ["grade", "ann", "bob, jr", "--lab", "cancel-is-not-enable"];
    let text = told(home.path(), &arguments, 0);
    assert!(text.contains("1 of 1 points"), "{text}");
    let table = std::fs::read_to_string(home.path().join("grades/scores.csv")).expect("a table");
    assert_eq!(
        table,
        "student,points,of,rescue\r\nann,1,1,1\r\n\"bob, jr\",0,1,0\r\n"
    );
    let page = std::fs::read_to_string(home.path().join("grades/bob, jr.html")).expect("a page");
    assert!(page.contains("DisabledException"), "{page}");
    let junit = std::fs::read_to_string(home.path().join("grades/junit.xml")).expect("a report");
    assert!(junit.contains("<failure"), "{junit}");
    let csv = told(&bob, &["export", "--format", "csv", "--student", "Bob"], 0);
    assert!(csv.contains("Bob,cancel-is-not-enable,rescue,1,1"), "{csv}");
}

#[test]
fn an_author_begins_with_a_lab_that_works() {
    let home = tempfile::tempdir().expect("a folder");
    told(home.path(), &["new", "my-lab"], 0);
    assert!(told(home.path(), &["test", "my-lab"], 0).contains("ok"));
    told(home.path(), &["start", "my-lab", "--course", "."], 2);
    told(
        home.path(),
        &["start", "my-lab", "--course", ".", "--into", "desk"],
        0,
    );
    told(&home.path().join("desk"), &["answer", "1"], 0);
}
