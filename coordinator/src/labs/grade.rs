//! Many learners: everything that they built is run again, with the lab's seeds and with
//! others that they have not seen, so that an answer made for three seeds is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::judge::{Bench, judge};
use super::progress::Progress;
use super::shelf::Folder;
use super::{Lab, Work};
use crate::report::html::{Markup, document};

/// What one learner's folder is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Name of the folder.
    pub student: String,
    /// Points that were reached.
    pub points: u64,
    /// Points that there are.
    pub of: u64,
    /// One for each step.
    pub steps: Vec<StepScore>,
}

/// What one step is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepScore {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Points that were reached.
    pub points: u64,
    /// Points that there are.
    pub of: u64,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Judges a learner's folder.
#[must_use]
pub fn grade(lab: &Lab, folder: &Folder, path: &Path, hidden: &[u64]) -> Score {
    let name = path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    let files = lab.edited().into_iter();
    let work: BTreeMap<String, String> = files
        .filter_map(|file| {
            let text = std::fs::read_to_string(path.join(file)).ok()?;
            Some((file.to_owned(), text))
        })
        .collect();
    let progress = Progress::read(path).unwrap_or_default();
    let bench = Bench {
        lab,
        folder,
        work,
        colour: false,
    };
    let mut steps = Vec::new();
    for step in &lab.steps {
        let because = match &step.work {
            Work::Ask(question) => {
                let answer = progress.steps.get(&step.id).and_then(|it| it.answer);
                let chosen = answer.and_then(|it| question.answers.get(it.wrapping_sub(1)));
                match chosen {
                    None => Some("not answered".to_owned()),
                    Some(choice) if choice.right => None,
                    Some(choice) => Some(format!("answered: {}", choice.text)),
                }
            }
            Work::Build(build) => [None, Some(hidden)].into_iter().find_map(|seeds| {
                let failure = judge(&bench, build, seeds).failure?;
                let title = &build.checks[failure.check].title;
                let with = if seeds.is_some() {
                    " (seeds not seen before)"
                } else {
                    ""
                };
                Some(format!("{title}{with}\n{}", failure.picture))
            }),
        };
        steps.push(StepScore {
            id: step.id.clone(),
            title: step.title.clone(),
            points: if because.is_none() { step.points } else { 0 },
            of: step.points,
            because,
        });
    }
    Score {
        student: name
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        points: steps.iter().map(|step| step.points).sum(),
        of: steps.iter().map(|step| step.of).sum(),
        steps,
    }
}

/// A line of a table, quoted where it must be (RFC 4180).
#[must_use]
pub fn csv(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        })
        .collect();
    cells.join(",") + "\r\n"
}

/// A page about one learner, complete in itself.
#[must_use]
pub fn page(lab: &Lab, score: &Score) -> String {
    let mut body = Markup::default();
    body.leaf("h1", &[], &score.student);
    let points = format!("{}: {} of {} points", lab.title, score.points, score.of);
    body.leaf("p", &[], &points);
    body.head("Steps", &["", "step", "points", "why"]);
    for step in &score.steps {
        let mark = if step.because.is_none() { "✓" } else { "✗" };
        body.fixed("<tr>").cell(mark).cell(&step.title);
        body.cell(&format!("{} of {}", step.points, step.of));
        body.fixed("<td>")
            .leaf("pre", &[], step.because.as_deref().unwrap_or_default())
            .fixed("</td></tr>");
    }
    body.foot();
    let title = format!("{}: {}", lab.title, score.student);
    document(&title, &[], body, None, "")
}
