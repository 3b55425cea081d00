//! Results for those who teach: one learner's own, or everybody's, run again.

use std::path::{Path, PathBuf};

use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::{out, refuse, say};
use crate::exit::Exit;
use crate::labs::desk::{Desk, find};
use crate::labs::grade::{Score, csv, grade as judged, page};
use crate::labs::progress::State;
use crate::labs::{Lab, Step};

/// Run everything of many learners again, also with seeds that they have not seen.
#[derive(Debug, Args)]
pub struct GradeArgs {
    /// The learners' folders, each called after its learner.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// The lab's id.
    #[arg(long)]
    lab: String,
    /// A folder of labs, instead of those that come with the program.
    #[arg(long)]
    course: Option<PathBuf>,
    /// The first of five seeds that nobody has seen.
    #[arg(long, default_value_t = 7_001)]
    hidden: u64,
    /// Where scores.csv, scores.json, junit.xml and a page for each learner are put.
    #[arg(long, default_value = "grades")]
    out: PathBuf,
}

/// Grades folders.
pub(super) fn grade(args: &GradeArgs) -> Exit {
    let (folder, lab) = match find(&args.lab, args.course.as_deref()) {
        Ok(found) => found,
        Err(problem) => return refuse(&problem),
    };
    if let Some(missing) = args.folders.iter().find(|folder| !folder.is_dir()) {
        return refuse(&format!("{} is no folder", missing.display()));
    }
    let hidden: Vec<u64> = (args.hidden..args.hidden.saturating_add(5)).collect();
    let mut scores = Vec::new();
    for path in &args.folders {
        let score = judged(&lab, &folder, path, &hidden);
        out(&format!(
            "{:<24} {:>3} of {} points\n",
            score.student, score.points, score.of
        ));
        scores.push(score);
    }
    match write(&args.out, &lab, &scores) {
        Ok(()) => {
            say(&format!("results in {}", args.out.display()));
            Exit::Passed
        }
        Err(error) => {
            say(&format!("{}: {error}", args.out.display()));
            Exit::Environment
        }
    }
}

fn write(folder: &Path, lab: &Lab, scores: &[Score]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut head = vec!["student".to_owned(), "points".to_owned(), "of".to_owned()];
    head.extend(lab.steps.iter().map(|step| step.id.clone()));
    let mut table = csv(&head);
    let mut report = Report::new(lab.id.clone());
    for score in scores {
        let mut cells = vec![
            score.student.clone(),
            score.points.to_string(),
            score.of.to_string(),
        ];
        cells.extend(score.steps.iter().map(|step| step.points.to_string()));
        table.push_str(&csv(&cells));
        let mut suite = TestSuite::new(score.student.clone());
        for step in &score.steps {
            suite.add_test_case(case(&step.title, step.because.as_deref()));
        }
        report.add_test_suite(suite);
        let name = format!("{}.html", score.student);
        std::fs::write(folder.join(name), page(lab, score))?;
    }
    std::fs::write(folder.join("scores.csv"), table)?;
    let text = serde_json::to_string_pretty(scores).map_err(std::io::Error::other)?;
    std::fs::write(folder.join("scores.json"), text + "\n")?;
    let junit = report.to_string().map_err(std::io::Error::other)?;
    std::fs::write(folder.join("junit.xml"), junit)
}

fn case(name: &str, because: Option<&str>) -> TestCase {
    let status = match because {
        None => TestCaseStatus::success(),
        Some(because) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(because.lines().next().unwrap_or_default());
            status.set_description(because);
            status
        }
    };
    TestCase::new(name, status)
}

/// A learner's own results, as their file remembers them.
pub(super) fn export(desk: &Desk, format: &str, student: &str) -> String {
    let standing = |step: &Step| {
        let standing = desk.progress.steps.get(&step.id).cloned();
        standing.unwrap_or_default()
    };
    let points = |step: &Step| {
        if standing(step).state == State::Done {
            step.points
        } else {
            0
        }
    };
    let steps = &desk.lab.steps;
    let (sum, of): (u64, u64) = (
        steps.iter().map(points).sum(),
        steps.iter().map(|step| step.points).sum(),
    );
    match format {
        "csv" => {
            let mut table = csv(
                &["student", "lab", "step", "points", "of", "tries", "hints"].map(str::to_owned),
            );
            for step in steps {
                let standing = standing(step);
                table.push_str(&csv(&[
                    student.to_owned(),
                    desk.lab.id.clone(),
                    step.id.clone(),
                    points(step).to_string(),
                    step.points.to_string(),
                    standing.tries.to_string(),
                    standing.hints.to_string(),
                ]));
            }
            table
        }
        "junit" => {
            let mut report = Report::new(desk.lab.id.clone());
            let mut suite = TestSuite::new(student);
            for step in steps {
                let done = standing(step).state == State::Done;
                suite.add_test_case(case(&step.title, (!done).then_some("not done")));
            }
            report.add_test_suite(suite);
            report.to_string().unwrap_or_default()
        }
        "gradescope" => {
            let tests = steps.iter().map(|step| {
                json!({ "name": step.title, "score": points(step), "max_score": step.points })
            });
            json!({ "score": sum, "tests": tests.collect::<Vec<_>>() }).to_string() + "\n"
        }
        _ => {
            let progress = json!(desk.progress.steps);
            json!({
                "student": student, "lab": desk.lab.id, "points": sum, "of": of, "steps": progress,
            })
            .to_string()
                + "\n"
        }
    }
}
