//! What labs look like in a terminal, and to a program.

use std::fmt::Write as _;

use serde_json::json;

use crate::labs::desk::{Desk, RUN};
use crate::labs::judge::{Failure, Judged, Status};
use crate::labs::progress::State;
use crate::labs::shelf::Folder;
use crate::labs::{Check, Choice, Step, Verdict, What, Work};

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

/// Judges the step that is shown: what to print, and whether it is done.
pub(super) fn check(desk: &mut Desk, colour: bool) -> (String, bool) {
    let step = desk.step().1.clone();
    match desk.check(colour) {
        Some(judged) => (checked(desk, &step, &judged), judged.passed()),
        None => (task(desk), desk.progress.is_over(&step.id)),
    }
}

/// The same for a program.
pub(super) fn check_json(desk: &mut Desk) -> (String, bool) {
    let step = desk.step().1.clone();
    match desk.check(false) {
        Some(judged) => (json(&step, &judged), judged.passed()),
        None => {
            let done = desk.progress.is_over(&step.id);
            (json_of_question(&step, done), done)
        }
    }
}

/// Answers the question that is shown: what to print, and whether it is right.
pub(super) fn answer(desk: &mut Desk, number: usize) -> Result<(String, bool), String> {
    let choice = desk.answer(number)?;
    Ok((answered(desk.step().1, &choice), choice.right))
}

/// One hint more, or all.
pub(super) fn hint(desk: &mut Desk, all: bool) -> String {
    let read = desk.hint(all);
    hints(desk.step().1, read)
}

/// Goes on.
pub(super) fn next(desk: &mut Desk) -> Result<String, String> {
    let more = desk.go_on()?;
    Ok(gone_on(desk, more))
}

/// Takes the solution and goes on.
pub(super) fn skip(desk: &mut Desk) -> Result<String, String> {
    let more = desk.skip()?;
    Ok(gone_on(desk, more))
}

fn gone_on(desk: &Desk, more: bool) -> String {
    if more { task(desk) } else { finished(desk) }
}

/// Begins a step anew, or everything.
pub(super) fn reset(desk: &mut Desk, step: Option<&str>) -> Result<String, String> {
    desk.reset(step)?;
    Ok(task(desk))
}

/// What came of a check.
fn checked(desk: &Desk, step: &Step, judged: &Judged) -> String {
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
fn answered(step: &Step, choice: &Choice) -> String {
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
fn hints(step: &Step, read: usize) -> String {
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

/// The lab is over.
fn finished(desk: &Desk) -> String {
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
fn json(step: &Step, judged: &Judged) -> String {
    let Work::Build(build) = &step.work else {
        return String::new();
    };
    let told = |failure: &Failure| match &failure.said {
        Some(said) => format!("{}\n\n{said}", failure.picture.trim_end()),
        None => failure.picture.clone(),
    };
    // What cannot be read was not run: no test failed, the whole did.
    let unread = judged.failure.as_ref();
    if let Some(failure) = unread.filter(|it| it.facts.0.contains_key("invalid")) {
        let message = told(failure);
        return json!({ "version": 3, "status": "error", "message": message, "tests": [] })
            .to_string()
            + "\n";
    }
    let tests = build.checks.iter().zip(&judged.checks).enumerate();
    let tests: Vec<_> = tests
        .map(|(index, (check, status))| {
            let failure = judged.failure.as_ref().filter(|it| it.check == index);
            let message = match status {
                Status::Passed => None,
                Status::Failed => failure.map(told),
                Status::Waiting => {
                    Some("Nobody looked: a check before this one does not hold.".to_owned())
                }
            };
            json!({
                "name": check.title,
                "status": if *status == Status::Passed { "pass" } else { "fail" },
                "message": message,
                "test_code": code(check),
                "task_id": index + 1,
            })
        })
        .collect();
    let status = if judged.passed() { "pass" } else { "fail" };
    json!({ "version": 3, "status": status, "message": null, "tests": tests }).to_string() + "\n"
}

/// What a check does, as its lab file says it.
fn code(check: &Check) -> String {
    match &check.what {
        What::Run(run) => {
            let files = run.files.join(", ");
            let seeds: Vec<String> = run.seeds.iter().map(u64::to_string).collect();
            let under = match run.under.len() {
                0 => String::new(),
                count => format!(", under {count} more faults"),
            };
            let wanted = match &run.verdict {
                Verdict::Pass => "passes".to_owned(),
                Verdict::Fail => "fails".to_owned(),
                Verdict::Violates(oracle) => format!("violates {oracle}"),
            };
            format!("{files} {wanted} with seeds {}{under}", seeds.join(", "))
        }
        What::Campaign {
            file,
            seeds,
            breaks,
        } => match breaks {
            Some(property) => format!("{file} breaks {property} within {seeds} seeds"),
            None => format!("{file} passes with {seeds} seeds"),
        },
        What::Look { file, at, is } => {
            let is = is.text().map(|text| format!(" is {text}"));
            format!("{file}: {}{}", at.join("."), is.unwrap_or_default())
        }
    }
}

/// The same for a question.
fn json_of_question(step: &Step, done: bool) -> String {
    let status = if done { "pass" } else { "fail" };
    let message = (!done).then_some("Not answered rightly yet: `faultline lab answer NUMBER`.");
    json!({
        "version": 3, "status": status, "message": null,
        "tests": [{ "name": step.title, "status": status, "message": message, "task_id": 1 }],
    })
    .to_string()
        + "\n"
}
