//! Labs: a lesson as data, and how a learner's answer is judged.
//!
//! A lab is a folder: `lab.yaml`, `README.md`, files to read, starters, solutions and wrong
//! answers. Its steps are questions or things to build; what is built is a scenario or a
//! campaign, and it is judged by what a run comes to, never by its text.
//!
//! - [`read`]: the file, strictly, with carets. [`schema`]: the same for editors.
//! - [`shelf`]: courses and the files of labs, those in this program too.
//! - [`parts`]: files one after the other, and back. [`judge`]: a step's checks against the learner's files. [`facts`]: what is known of a
//!   failure, which `when_it_fails` goes by.
//! - [`desk`]: a learner's folder, and all that happens at it. [`progress`]: how far somebody is. [`author`]: whether a lab does what it promises.
//! - [`grade`]: many learners.
//!
//! Left out: everything that is printed or typed, which is the command line's.

pub mod author;
pub mod desk;
pub mod facts;
pub mod grade;
pub mod judge;
pub mod parts;
pub mod progress;
pub mod read;
pub mod schema;
pub mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::scenario::source::Node;

/// A lesson.
#[derive(Debug, Clone)]
pub struct Lab {
    /// Its name: `one-key-two-regions`.
    pub id: String,
    /// One line.
    pub title: String,
    /// `beginner`, `intermediate` or `advanced`.
    pub level: String,
    /// About how long it takes, for people.
    pub takes: String,
    /// Labs that come first.
    pub needs: Vec<String>,
    /// What one can do afterwards.
    pub learn: Vec<String>,
    /// Ids of the facts that it teaches.
    pub facts: Vec<String>,
    /// Markdown: why somebody is in this place.
    pub story: String,
    /// Files that the learner gets to read.
    pub read: Vec<String>,
    /// What is done, in order; at least one.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name within the lab.
    pub id: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub task: String,
    /// What has to be answered or built.
    pub work: Work,
    /// From a nudge to nearly everything.
    pub hints: Vec<String>,
    /// Markdown: why it is so, shown when it is done.
    pub explain: String,
    /// The same with the AWS CLI.
    pub on_aws: Option<String>,
    /// What it counts when a class is graded.
    pub points: u64,
}

/// What a step asks for.
#[derive(Debug, Clone)]
pub enum Work {
    /// One of several answers.
    Ask(Question),
    /// A file.
    Build(Box<Build>),
}

/// A question with answers to choose from.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// At least two, one of them right.
    pub answers: Vec<Choice>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What it says.
    pub text: String,
    /// Whether it is right.
    pub right: bool,
    /// What is said to whoever takes it.
    pub so: String,
}

/// A file that somebody writes, and how it is judged.
#[derive(Debug, Clone)]
pub struct Build {
    /// The learner's file.
    pub edit: String,
    /// What is in it at first.
    pub starter: String,
    /// What must hold; at least one.
    pub checks: Vec<Check>,
    /// From a cause to a sentence; the first that fits is said.
    pub causes: Vec<Cause>,
    /// A file that passes.
    pub solution: String,
    /// Files that fail, with what is then said.
    pub wrong: Vec<Wrong>,
}

/// One thing that must hold.
#[derive(Debug, Clone)]
pub struct Check {
    /// What it says to a person.
    pub title: String,
    /// What is done.
    pub what: What,
    /// What is said when it fails and no cause fits.
    pub otherwise: Option<String>,
}

/// What a check does.
#[derive(Debug, Clone)]
pub enum What {
    /// Runs a scenario.
    Run(Run),
    /// Runs a campaign's seeds.
    Campaign {
        /// The file.
        file: String,
        /// How many seeds, from 1.
        seeds: u64,
        /// The property that must break; none may when absent.
        breaks: Option<String>,
    },
    /// Looks at what is written.
    Look {
        /// The file.
        file: String,
        /// Keys and places in lists from its root.
        at: Vec<String>,
        /// What must stand there.
        is: Node,
    },
}

/// A scenario to run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The files that make it, one after the other.
    pub files: Vec<String>,
    /// For which seeds.
    pub seeds: Vec<u64>,
    /// Faults that are in force besides: each a fault with `from` and `lasts`.
    pub under: Vec<Node>,
    /// What it must come to.
    pub verdict: Verdict,
}

/// What a run must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Pass,
    /// Something does not.
    Fail,
    /// This oracle is violated.
    Violates(String),
}

/// A cause, and what to say of it.
#[derive(Debug, Clone)]
pub struct Cause {
    /// What must be true of the failure, by the names of [`facts::Facts`].
    pub when: BTreeMap<String, String>,
    /// The sentence.
    pub say: String,
}

/// A typical mistake.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// The file with it.
    pub file: String,
    /// What must be said to whoever makes it, in part.
    pub says: String,
}

impl Lab {
    /// A step and its place, from 0.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<(usize, &Step)> {
        let mut steps = self.steps.iter().enumerate();
        steps.find(|(_, step)| step.id == id)
    }

    /// The files that learners write, each once, in the order of the steps.
    #[must_use]
    pub fn edited(&self) -> Vec<&str> {
        let mut files: Vec<&str> = Vec::new();
        for step in &self.steps {
            if let Work::Build(build) = &step.work
                && !files.contains(&build.edit.as_str())
            {
                files.push(&build.edit);
            }
        }
        files
    }
}
