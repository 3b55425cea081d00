//! What labs look like in a terminal, and to a program.

use std::fmt::Write as _;

use serde_json::json;

use super::desk::Desk;
use crate::labs::judge::{Judged, Status};
use crate::labs::progress::State;
use crate::labs::shelf::Folder;
use crate::labs::{Choice, Step, What, Work};

/// Where the scenario of a check that failed can be run.
pub(super) const RUN: &str = ".faultline/check.yaml";

/// Width of the rulers.
const WIDTH: usize = 88;

fn rule() -> String {
    "─".repeat(WIDTH)
}

/// The labs of a course.
pub(super) fn list(labs: &[Folder]) -> Result<String, String> {
    let mut text = String::new();
    for folder in labs {
        let lab = folder.lab()?;
        let number = folder.name.split('-').next().unwrap_or_default();
        let number = if number.parse::<u32>().is_ok() {
            number
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{number:>3}  {:<32} {:<13} {:>4}  {}",
            lab.id, lab.level, lab.takes, lab.title
        );
    }
    text.push_str("\nfaultline lab start ID begins one, in a folder of its own.\n");
    Ok(text)
}

/// A lab has begun.
pub(super) fn begun(desk: &Desk) -> String {
    let lab = &desk.lab;
    let mut text = format!("{}\n{}\n{}\n\n", lab.title, rule(), lab.story);
    text.push_str("Afterwards you can\n");
    for skill in &lab.learn {
        let _ = writeln!(text, "  - {skill}");
    }
    let path = desk.path.display();
    let _ = writeln!(
        text,
        "\nThe lab is in {path}/. Go there, and: faultline lab watch\n"
    );
    text + &task(desk)
}

fn head(desk: &Desk) -> String {
    let (place, step) = desk.step();
    let file = match &step.work {
        Work::Build(build) => build.edit.as_str(),
        Work::Ask(_) => "a question",
    };
    let left = format!(
        "{}  {}/{}  {}",
        desk.lab.id,
        place + 1,
        desk.lab.steps.len(),
        step.title
    );
    let gap = WIDTH.saturating_sub(left.chars().count() + file.chars().count());
    format!("{left}{}{file}\n{}\n", " ".repeat(gap.max(2)), rule())
}

fn bar(desk: &Desk) -> String {
    let (done, all) = (desk.progress.over(&desk.lab), desk.lab.steps.len());
    let full = done * 20 / all.max(1);
    format!(
        "{}{}  {done} of {all} steps\n",
        "█".repeat(full),
        "░".repeat(20 - full)
    )
}

/// What is to be done now.
pub(super) fn task(desk: &Desk) -> String {
    let step = desk.step().1;
    let mut text = format!("{}{}\n", head(desk), step.task);
    if let Work::Ask(question) = &step.work {
        let _ = writeln!(text, "\n{}\n", question.question);
        for (index, answer) in question.answers.iter().enumerate() {
            let _ = writeln!(text, "  {}  {}", index + 1, answer.text);
        }
        text.push_str("\nfaultline lab answer NUMBER\n");
    }
    text + "\n" + &bar(desk)
}

/// What came of a check.
pub(super) fn checked(desk: &Desk, step: &Step, judged: &Judged) -> String {
    let mut text = head(desk);
    if let Some(failure) = &judged.failure {
        let _ = writeln!(text, "{}", failure.picture.trim_end());
        if let Some(said) = &failure.said {
            let _ = writeln!(text, "\n{said}");
        }
        if let Work::Build(build) = &step.work
            && matches!(build.checks[failure.check].what, What::Run(_))
        {
            let again = format!("faultline run {RUN} --transport loopback");
            let _ = writeln!(text, "\nThe whole run: {again}");
        }
        text.push('\n');
    }
    if let Work::Build(build) = &step.work {
        let count = build.checks.len();
        for (index, (check, status)) in build.checks.iter().zip(&judged.checks).enumerate() {
            let word = match status {
                Status::Passed => "✓ holds",
                Status::Failed => "✗ not yet",
                Status::Waiting => "· waits",
            };
            let number = index + 1;
            let _ = writeln!(
                text,
                "check {number} of {count}  {word:<10} {}",
                check.title
            );
        }
    }
    if judged.passed() {
        text.push_str(&explained(step));
    }
    text + &rule() + "\n" + &bar(desk)
}

fn explained(step: &Step) -> String {
    let mut text = format!("\nDone. Why it is so:\n\n{}\n", step.explain);
    if let Some(on_aws) = &step.on_aws {
        let _ = writeln!(text, "\nOn AWS:\n\n    {}", on_aws.replace('\n', "\n    "));
    }
    text.push_str("\n`faultline lab next` goes on; or stay and try something.\n");
    text
}

/// What comes of an answer.
pub(super) fn answered(step: &Step, choice: &Choice) -> String {
    if !choice.right {
        return format!("No. {}\n", choice.so);
    }
    let so = if choice.so.is_empty() {
        String::new()
    } else {
        format!(" {}", choice.so)
    };
    format!("Yes.{so}\n{}", explained(step))
}

/// The hints that were read.
pub(super) fn hints(step: &Step, read: usize) -> String {
    if step.hints.is_empty() {
        return "this step has no hints\n".to_owned();
    }
    let mut text = String::new();
    for (index, hint) in step.hints.iter().take(read).enumerate() {
        let _ = writeln!(text, "{}. {hint}", index + 1);
    }
    if read < step.hints.len() {
        let _ = writeln!(text, "({} more)", step.hints.len() - read);
    }
    text
}

/// The solution of a step.
pub(super) fn solution(folder: &Folder, step: &Step) -> String {
    match &step.work {
        Work::Build(build) => folder.text(&build.solution).unwrap_or_default().to_owned(),
        Work::Ask(question) => {
            let right = question.answers.iter().position(|it| it.right);
            format!("{}\n", right.map_or(0, |at| at + 1))
        }
    }
}

/// The lab is over.
pub(super) fn finished(desk: &Desk) -> String {
    let skipped = desk.progress.steps.values();
    let skipped = skipped.filter(|it| it.state == State::Skipped).count();
    let mut text = format!("{} is done.", desk.lab.title);
    if skipped > 0 {
        let _ = write!(text, " {skipped} of its steps were skipped.");
    }
    text.push_str("\n`faultline lab list` has more.\n");
    text
}

/// How far a lab is.
pub(super) fn status(desk: &Desk) -> String {
    let mut text = format!("{}\n\n", desk.lab.title);
    for step in &desk.lab.steps {
        let standing = desk
            .progress
            .steps
            .get(&step.id)
            .cloned()
            .unwrap_or_default();
        let word = match standing.state {
            State::Done => "✓ done",
            State::Skipped => "- skipped",
            State::Todo => "· to do",
        };
        let here = if step.id == desk.step().1.id {
            ">"
        } else {
            " "
        };
        let _ = writeln!(
            text,
            "{here} {word:<10} {:<20} {}  (tries {}, hints {})",
            step.id, step.title, standing.tries, standing.hints
        );
    }
    text + "\n" + &bar(desk)
}

/// A check as test runners tell it: the form of Exercism's, version 3.
pub(super) fn json(step: &Step, judged: &Judged) -> String {
    let Work::Build(build) = &step.work else {
        return String::new();
    };
    let tests = build.checks.iter().zip(&judged.checks).enumerate();
    let tests: Vec<_> = tests
        .map(|(index, (check, status))| {
            let failure = judged.failure.as_ref().filter(|it| it.check == index);
            let message = failure.map(|it| match &it.said {
                Some(said) => format!("{}\n\n{said}", it.picture),
                None => it.picture.clone(),
            });
            json!({
                "name": check.title,
                "status": match status {
                    Status::Passed => "pass",
                    Status::Failed | Status::Waiting => "fail",
                },
                "message": message,
                "task_id": index + 1,
            })
        })
        .collect();
    let status = if judged.passed() { "pass" } else { "fail" };
    json!({ "version": 3, "status": status, "message": null, "tests": tests }).to_string() + "\n"
}

/// The same for a question.
pub(super) fn json_of_question(step: &Step, done: bool) -> String {
    let status = if done { "pass" } else { "fail" };
    json!({
        "version": 3, "status": status, "message": null,
        "tests": [{ "name": step.title, "status": status, "message": null, "task_id": 1 }],
    })
    .to_string()
        + "\n"
}
