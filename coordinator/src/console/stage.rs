//! The file on the stage, what was done to it, and its latest run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::acts::{Act, staged};
use super::dial::{self, Target};
use super::view;
use crate::journal::{Journal, Memory};
use crate::runner::{Options, run_case};
use crate::scenario::diagnostic::{Diagnostic, Format, Severity, render};
use crate::scenario::load;
use crate::scenario::plan::{Case, Plan};
use crate::scenario::source::Source;
use crate::seed::RunSeed;
use crate::transport::Loopback;

/// Longest file that is taken from a page.
pub const LONGEST: usize = 1 << 20;
/// Most acts of one stage.
const ACTS: usize = 64;

/// See the module.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The file's name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The seed; the file's own when absent.
    pub seed: Option<u64>,
    /// What was done, in the order of the clicks.
    pub acts: Vec<Act>,
    /// Counts changes, so that a page knows when to ask again.
    pub version: u64,
    /// What the dial can write to, and who may be asked to.
    pub targets: Vec<Target>,
    principals: Vec<String>,
    latest: Value,
}

impl Stage {
    /// A file that was just opened, and ran once.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let mut stage = Self {
            name: name.to_owned(),
            text: text.to_owned(),
            seed: None,
            acts: Vec::new(),
            version: 0,
            targets: Vec::new(),
            principals: Vec::new(),
            latest: Value::Null,
        };
        stage.run();
        stage
    }

    /// The latest run, with all that a page needs to go on.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "version": self.version, "file": self.name, "text": self.text, "seed": self.seed,
            "acts": self.acts, "run": self.latest, "targets": self.targets, "principals": self.principals,
        })
    }

    /// The scenario as it is now, to be saved.
    ///
    /// # Errors
    /// What keeps it from being one, for people.
    pub fn scenario(&self) -> Result<String, String> {
        if self.acts.is_empty() {
            return Ok(self.text.clone());
        }
        self.staged()
    }

    fn staged(&self) -> Result<String, String> {
        staged(
            &Source::new(self.name.clone(), self.text.clone()),
            &self.acts,
        )
    }

    /// Does something: with one act more, if all that can still be run.
    ///
    /// # Errors
    /// What is wrong with it, for people; then nothing was done.
    pub fn act(&mut self, act: Act) -> Result<(), String> {
        if self.acts.len() >= ACTS {
            return Err(format!(
                "{ACTS} clicks are enough for one run: take some back"
            ));
        }
        self.acts.push(act);
        let tried = self.checked();
        if let Err(problem) = tried {
            self.acts.pop();
            return Err(problem);
        }
        self.run();
        Ok(())
    }

    /// Takes an act back. Nothing happens when there is none of that number.
    pub fn undo(&mut self, index: usize) {
        if index < self.acts.len() {
            self.acts.remove(index);
            self.run();
        }
    }

    /// Takes another text or seed.
    ///
    /// # Errors
    /// What is wrong with the text, as a picture; then the old one stays.
    pub fn edit(&mut self, text: String, seed: Option<u64>) -> Result<(), String> {
        let old = (std::mem::replace(&mut self.text, text), self.seed);
        self.seed = seed;
        if let Err(problem) = self.checked() {
            (self.text, self.seed) = old;
            return Err(problem);
        }
        self.run();
        Ok(())
    }

    fn checked(&self) -> Result<(), String> {
        let source = Source::new(self.name.clone(), self.scenario()?);
        load(&source)
            .map(drop)
            .map_err(|found| render(&source, &found, Format::Human(false)))
    }

    fn run(&mut self) {
        self.version += 1;
        self.latest = self.ran().unwrap_or_else(|problem| {
            json!({ "verdict": "error", "because": problem, "events": [], "regions": [], "links": [],
                    "keys": [], "steps": [], "oracles": [], "problems": [problem], "end": 0 })
        });
    }

    fn ran(&mut self) -> Result<Value, String> {
        let source = Source::new(self.name.clone(), self.staged()?);
        let plan = load(&source).map_err(|found| render(&source, &found, Format::Human(false)))?;
        let case = plan.cases.first().ok_or("the file has nothing to run")?;
        self.targets = dial::targets(&case.world);
        self.principals = case.world.principals.keys().cloned().collect();
        played(&plan, case, &self.name, self.seed)
    }
}

/// A run of a plan's case as the page reads it, with the file's own seed unless said.
///
/// # Errors
/// What kept it from coming to an end, for people.
pub fn played(plan: &Plan, case: &Case, name: &str, seed: Option<u64>) -> Result<Value, String> {
    let memory = Memory::default();
    let seed = seed.or(plan.seed).unwrap_or(1);
    let options = Options::new(name, RunSeed(seed));
    let journal = Journal::new().heard_by(memory.clone());
    let transport = Box::new(Loopback::new());
    // A page must be able to show that something broke.
    catch_unwind(AssertUnwindSafe(|| {
        run_case(plan, case, &options, transport, journal)
    }))
    .map_err(|_| "the run broke: a bug of the program".to_owned())?
    .map_err(|broken| broken.to_string())?;
    Ok(memory.with(view::view))
}

/// What is wrong with a text, for an editor's gutter.
#[must_use]
pub fn findings(name: &str, text: &str) -> Value {
    let source = Source::new(name, text);
    let found: Vec<Diagnostic> = match load(&source) {
        Ok(plan) => plan.warnings,
        Err(found) => found,
    };
    let told = found.iter().map(|one| {
        let (line, column) = source.position(one.primary.start);
        json!({
            "line": line, "column": column, "code": one.code, "message": one.message,
            "caption": one.caption, "help": one.help,
            "severity": if one.severity == Severity::Error { "error" } else { "warning" },
        })
    });
    told.collect()
}
