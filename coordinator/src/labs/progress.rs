//! How far somebody is: a readable file beside their answers.
//!
//! It remembers; it proves nothing. Whoever grades runs everything again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Lab, Step};

/// The file's name.
pub const FILE: &str = "progress.json";

/// How far somebody is in one lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The lab.
    pub lab: String,
    /// Folder of the lab or its course; absent when it came with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<PathBuf>,
    /// The step that is shown.
    pub at: String,
    /// Steps by their ids.
    pub steps: BTreeMap<String, Standing>,
}

/// How far somebody is in one step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standing {
    /// Whether it is done.
    pub state: State,
    /// How often it was checked.
    pub tries: u64,
    /// How many hints were read.
    pub hints: usize,
    /// Whether the solution was shown.
    pub solution_seen: bool,
    /// The last answer to a question, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<usize>,
}

/// Whether a step is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not yet.
    #[default]
    Todo,
    /// It passed.
    Done,
    /// Its solution was taken.
    Skipped,
}

impl Progress {
    /// Nothing is done.
    #[must_use]
    pub fn new(lab: &Lab, course: Option<PathBuf>) -> Self {
        Self {
            lab: lab.id.clone(),
            course,
            at: lab
                .steps
                .first()
                .map(|step| step.id.clone())
                .unwrap_or_default(),
            steps: BTreeMap::new(),
        }
    }

    /// Reads the file of a folder.
    ///
    /// # Errors
    /// What is wrong with it and what to do, for people.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!(
                    "{} is no lab's folder: `faultline lab start ID` makes one",
                    folder.display()
                ));
            }
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        serde_json::from_str(&text).map_err(|error| {
            format!(
                "{}: {error}; delete it and `faultline lab start` the lab again: your answers stay",
                path.display()
            )
        })
    }

    /// Writes the file of a folder, whole or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        let beside = folder.join(format!(".{FILE}.new"));
        std::fs::write(&beside, text + "\n")?;
        std::fs::rename(beside, folder.join(FILE))
    }

    /// The step that is shown, with its place from 0; the first when the lab has no such step.
    #[must_use]
    pub fn current<'l>(&self, lab: &'l Lab) -> (usize, &'l Step) {
        lab.step(&self.at).unwrap_or((0, &lab.steps[0]))
    }

    /// How far somebody is in a step.
    pub fn standing(&mut self, step: &str) -> &mut Standing {
        self.steps.entry(step.to_owned()).or_default()
    }

    /// Whether a step needs nothing more.
    #[must_use]
    pub fn is_over(&self, step: &str) -> bool {
        let standing = self.steps.get(step);
        standing.is_some_and(|it| it.state != State::Todo)
    }

    /// How many steps of a lab are over.
    #[must_use]
    pub fn over(&self, lab: &Lab) -> usize {
        lab.steps
            .iter()
            .filter(|step| self.is_over(&step.id))
            .count()
    }
}
