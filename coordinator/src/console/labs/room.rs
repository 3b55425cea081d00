//! One lab that is open: a learner's folder, what its last check said, and what changed.

use serde_json::{Value, json};

use crate::console::stage::played;
use crate::labs::desk::{Desk, RUN, TRIES};
use crate::labs::judge::{Judged, Status};
use crate::labs::parts::{before, findings};
use crate::labs::progress::State;
use crate::labs::{Build, Run, Step, What, Work};
use crate::scenario::complete::{Offers, complete};
use crate::scenario::diagnostic::Severity;
use crate::scenario::load;
use crate::scenario::source::Source;

/// See the module.
#[derive(Debug, Clone)]
pub struct Room {
    desk: Desk,
    /// Counts changes, so that a page knows when to ask again.
    version: u64,
    /// What the last check of the shown step said.
    judged: Option<Judged>,
    /// The file's text that was looked at last.
    seen: Option<String>,
    /// A text that is there now, and may be half written.
    arriving: Option<String>,
    /// A solution, while it is looked at.
    solution: Option<String>,
    /// Whether somebody went on from the last step.
    over: bool,
    /// Whether a class looks on.
    class: bool,
}

impl Room {
    /// A lab that was just opened.
    #[must_use]
    pub fn new(desk: Desk, class: bool) -> Self {
        let mut room = Self {
            desk,
            version: 1,
            judged: None,
            seen: None,
            arriving: None,
            solution: None,
            over: false,
            class,
        };
        room.turned();
        room
    }

    /// Which change was the last.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Another step is shown: nothing was said of it yet.
    fn turned(&mut self) {
        self.judged = None;
        self.solution = None;
        self.seen = self.desk.file().map(|(_, text)| text);
        self.arriving = None;
        self.version += 1;
    }

    /// Looks at the folder: a file that was saved elsewhere is judged as soon as it stands still
    /// between two looks, and what another program did to the progress is taken over.
    pub fn look(&mut self) {
        if self.desk.refresh() {
            self.turned();
        }
        let Some((_, text)) = self.desk.file() else {
            return;
        };
        if self.seen.as_ref() == Some(&text) || text.is_empty() {
            self.arriving = None;
        } else if self.arriving.as_ref() == Some(&text) {
            self.judge();
            // A disk that is full is told with the next act.
            drop(self.desk.save());
        } else {
            self.arriving = Some(text);
        }
    }

    fn judge(&mut self) {
        self.seen = self.desk.file().map(|(_, text)| text);
        self.arriving = None;
        self.judged = self.desk.check(false);
        self.version += 1;
    }

    /// Does what the page wants.
    ///
    /// # Errors
    /// Why it cannot be, for people.
    pub fn act(&mut self, act: Act) -> Result<(), String> {
        self.desk.refresh();
        let quiet = self.class && matches!(act, Act::Solution | Act::Skip);
        if quiet {
            return Err("a class sees no solution; go on to the next step instead".to_owned());
        }
        match act {
            Act::Save { text } => {
                self.desk.put(&text)?;
                self.judge();
            }
            Act::Check => self.judge(),
            Act::Answer { number } => {
                self.desk.answer(number)?;
                self.version += 1;
            }
            Act::Hint => {
                self.desk.hint(false);
                self.version += 1;
            }
            Act::Solution => {
                self.solution = Some(self.desk.solution()?);
                self.version += 1;
            }
            Act::Next if self.class => self.went(1)?,
            Act::Back => self.went(-1)?,
            Act::Next => {
                self.over = !self.desk.go_on()?;
                self.turned();
            }
            Act::Skip => {
                self.over = !self.desk.skip()?;
                self.turned();
            }
            Act::Reset { step } => {
                self.desk.reset(step.as_deref())?;
                self.over = false;
                self.turned();
            }
        }
        self.desk.save()
    }

    /// Shows another step, done or not.
    fn went(&mut self, by: isize) -> Result<(), String> {
        if !self.class {
            return Err("only who presents a lab turns back".to_owned());
        }
        self.over = !self.desk.turn(by)? && by > 0;
        self.turned();
        Ok(())
    }

    fn build(&self) -> Option<&Build> {
        match &self.desk.step().1.work {
            Work::Build(build) => Some(build),
            Work::Ask(_) => None,
        }
    }

    /// The run that the page draws: the one that failed, else the first of the step's checks.
    #[must_use]
    pub fn run(&self) -> Value {
        let failed = self.judged.as_ref().and_then(|it| it.failure.as_ref());
        let run = self.build().and_then(|build| {
            let first = failed.map_or(0, |failure| failure.check);
            let mut checks = build.checks.iter().skip(first).chain(&build.checks);
            checks.find_map(|check| match &check.what {
                What::Run(run) => Some(run),
                _ => None,
            })
        });
        let played = run.map(|run| self.played(run, failed.and_then(|it| it.seed)));
        match played {
            None => json!({ "run": null, "why": "This step has no single run to look at." }),
            Some(Ok(run)) => json!({ "run": run }),
            Some(Err(problem)) => json!({ "run": null, "why": problem }),
        }
    }

    fn played(&self, run: &Run, seed: Option<u64>) -> Result<Value, String> {
        let text = self.desk.bench(false).whole(run);
        let text = text.ok_or("the files make no scenario yet")?;
        let seed = seed.or(run.seeds.first().copied());
        let plan = load(&Source::new(RUN, text));
        let plan = plan.map_err(|_| "The file cannot run yet: see what is wrong with it below.")?;
        let case = plan.cases.first().ok_or("the file has nothing to run")?;
        played(&plan, case, RUN, seed)
    }

    /// What is wrong with a text, for the editor: each with its file and place.
    #[must_use]
    pub fn findings(&self, text: &str) -> Value {
        let Some(build) = self.build() else {
            return json!([]);
        };
        let found = findings(&self.desk.bench(false), build, text);
        let told = found.iter().map(|(source, one)| {
            let (line, column) = source.position(one.primary.start);
            let marked = source.slice(one.primary).lines().next().unwrap_or_default();
            json!({
                "file": source.name, "line": line, "column": column,
                "length": marked.trim_end().chars().count().max(1),
                "code": one.code, "message": one.message, "caption": one.caption, "help": one.help,
                "severity": if one.severity == Severity::Error { "error" } else { "warning" },
            })
        });
        told.collect()
    }

    /// What may be written after this beginning of the file.
    #[must_use]
    pub fn offers(&self, text: &str) -> Offers {
        self.build().map_or_else(Offers::default, |build| {
            complete(&(before(&self.desk.bench(false), build) + text))
        })
    }

    /// All that the page shows.
    #[must_use]
    pub fn shown(&self) -> Value {
        let (place, step) = self.desk.step();
        let lab = &self.desk.lab;
        let standing = self
            .desk
            .progress
            .steps
            .get(&step.id)
            .cloned()
            .unwrap_or_default();
        let todo = standing.state == State::Todo;
        let read = lab.read.iter().map(String::as_str).chain(["README.md"]);
        let read = read.map(
            |file| json!({ "name": file, "text": self.desk.folder.text(file).unwrap_or_default() }),
        );
        let file = self.desk.file();
        json!({
            "version": self.version, "class": self.class, "id": lab.id, "title": lab.title,
            "story": lab.story, "learn": lab.learn, "folder": self.desk.path,
            "steps": self.steps(), "place": place, "over": self.over,
            "done": self.desk.progress.over(lab), "read": read.collect::<Vec<_>>(),
            "file": file.as_ref().map(|(name, _)| name), "text": file.as_ref().map(|(_, text)| text),
            "step": {
                "id": step.id, "title": step.title, "task": step.task,
                "state": standing.state, "tries": standing.tries,
                "question": self.question(step, standing.answer),
                "hints": step.hints.iter().take(standing.hints).collect::<Vec<_>>(),
                "hints_left": step.hints.len().saturating_sub(standing.hints),
                "explain": (!todo).then_some(&step.explain),
                "on_aws": step.on_aws.as_ref().filter(|_| !todo),
                "solution": self.solution,
                "solution_after": if todo { TRIES.saturating_sub(standing.tries) } else { 0 },
            },
            "checks": self.checks(), "passed": self.judged.as_ref().map(Judged::passed),
        })
    }

    /// The steps; who presents shows none that is still to come.
    fn steps(&self) -> Vec<Value> {
        let place = self.desk.step().0;
        let steps = self.desk.lab.steps.iter().enumerate();
        steps
            .map(|(index, step)| {
                let standing = self.desk.progress.steps.get(&step.id);
                let title = if self.class && index > place {
                    "…"
                } else {
                    &step.title
                };
                json!({
                    "id": step.id, "title": title, "here": index == place,
                    "state": standing.map(|it| it.state).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The question, with what is said to the answer that was taken; never which one is right.
    fn question(&self, step: &Step, answer: Option<usize>) -> Value {
        let Work::Ask(question) = &step.work else {
            return Value::Null;
        };
        let chosen = answer.and_then(|it| question.answers.get(it.checked_sub(1)?));
        json!({
            "question": question.question,
            "answers": question.answers.iter().map(|it| &it.text).collect::<Vec<_>>(),
            "answer": chosen.and(answer),
            "right": chosen.map(|it| it.right), "so": chosen.map(|it| &it.so),
        })
    }

    fn checks(&self) -> Vec<Value> {
        let checks = self.build().map_or(&[][..], |build| &build.checks);
        let status = |index: usize| self.judged.as_ref().map(|it| it.checks[index]);
        let failure = |index: usize| {
            let failure = self.judged.as_ref()?.failure.as_ref()?;
            (failure.check == index).then_some(failure)
        };
        let all = checks.iter().enumerate();
        all.map(|(index, check)| {
            let word = match status(index) {
                Some(Status::Passed) => "passed",
                Some(Status::Failed) => "failed",
                Some(Status::Waiting) => "waiting",
                None => "unknown",
            };
            let no = failure(index);
            json!({
                "title": check.title, "status": word, "picture": no.map(|it| &it.picture),
                "said": no.and_then(|it| it.said.as_ref()), "seed": no.and_then(|it| it.seed),
            })
        })
        .collect()
    }
}

/// What a page can want.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Write the file and judge it, as a save in any editor does.
    Save {
        /// Its text.
        text: String,
    },
    /// Judge it as it is.
    Check,
    /// Answer the question.
    Answer {
        /// Which, from 1.
        number: usize,
    },
    /// Read one hint more.
    Hint,
    /// Look at the solution.
    Solution,
    /// Go on.
    Next,
    /// Show the step before, to a class.
    Back,
    /// Take the solution and go on.
    Skip,
    /// Begin a step anew, or the lab.
    Reset {
        /// The step; all of them when left out.
        step: Option<String>,
    },
}
