//! A learner's folder: the lab's files to read, what is written, and how far it is.
//!
//! Whatever a learner does is done here, for the terminal and for the browser alike: what they
//! show differs, what happens does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::judge::{Bench, Judged, judge};
use super::progress::{self, Progress, State};
use super::shelf::{self, Folder};
use super::{Choice, Lab, Step, What, Work};

/// Where the scenario of a check that failed can be run.
pub const RUN: &str = ".faultline/check.yaml";

/// Tries after which a solution is shown to somebody who asks.
pub const TRIES: u64 = 3;

/// See the module.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The learner's folder.
    pub path: PathBuf,
    /// The lab's own.
    pub folder: Folder,
    /// The lab.
    pub lab: Lab,
    /// How far it is.
    pub progress: Progress,
}

impl Desk {
    /// Opens a learner's folder.
    ///
    /// # Errors
    /// That it is none, or that its lab is gone, for people.
    pub fn open(path: &Path) -> Result<Self, String> {
        let progress = Progress::read(path)?;
        let course = progress.course.as_ref().map(|course| path.join(course));
        let (folder, lab) = find(&progress.lab, course.as_deref())?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            lab,
            progress,
        })
    }

    /// Begins a lab in a folder, or goes on with it if it was begun there: its files are there then.
    ///
    /// # Errors
    /// Why it cannot be there, for people.
    pub fn begin(
        (folder, lab): (Folder, Lab),
        course: Option<PathBuf>,
        path: &Path,
    ) -> Result<Self, String> {
        let progress = match Progress::read(path) {
            Ok(progress) if progress.lab == lab.id => progress,
            Ok(progress) => {
                let (path, other) = (path.display(), progress.lab);
                return Err(format!(
                    "{path} holds the lab {other} already; say another folder with --into"
                ));
            }
            // A file that cannot be read was perhaps broken on purpose, to begin anew.
            Err(_) if path.join(progress::FILE).exists() => Progress::new(&lab, course),
            Err(_) if path.read_dir().is_ok_and(|mut it| it.next().is_some()) => {
                return Err(format!(
                    "{} is not empty; say another folder with --into",
                    path.display()
                ));
            }
            Err(_) => Progress::new(&lab, course),
        };
        let desk = Self {
            path: path.to_owned(),
            folder,
            lab,
            progress,
        };
        desk.put_files()?;
        desk.save()?;
        Ok(desk)
    }

    /// Takes over what another program, or somebody's editor, did to the progress; whether that
    /// was anything.
    pub fn refresh(&mut self) -> bool {
        match Progress::read(&self.path) {
            Ok(progress) if progress != self.progress && progress.lab == self.lab.id => {
                self.progress = progress;
                true
            }
            // One that is gone or broken is written anew with the next act.
            _ => false,
        }
    }

    /// Keeps how far it is.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn save(&self) -> Result<(), String> {
        let written = self.progress.write(&self.path);
        written.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// The step that is shown, with its place from 0.
    #[must_use]
    pub fn step(&self) -> (usize, &Step) {
        self.progress.current(&self.lab)
    }

    fn step_id(&self) -> String {
        self.step().1.id.clone()
    }

    /// What the learner wrote.
    #[must_use]
    pub fn work(&self) -> BTreeMap<String, String> {
        let files = self.lab.edited().into_iter();
        files
            .filter_map(|file| {
                let text = std::fs::read_to_string(self.path.join(file)).ok()?;
                Some((file.to_owned(), text))
            })
            .collect()
    }

    /// Judges a step that builds something; `None` for a question.
    #[must_use]
    pub fn judged(&self, step: &Step, colour: bool) -> Option<Judged> {
        let Work::Build(build) = &step.work else {
            return None;
        };
        Some(judge(&self.bench(colour), build, None))
    }

    /// What a judge needs.
    #[must_use]
    pub fn bench(&self, colour: bool) -> Bench<'_> {
        Bench {
            lab: &self.lab,
            folder: &self.folder,
            work: self.work(),
            colour,
        }
    }

    /// Judges the step that is shown, which is one try more; `None` for a question.
    pub fn check(&mut self, colour: bool) -> Option<Judged> {
        let step = self.step().1.clone();
        let judged = self.judged(&step, colour)?;
        self.show_run(&step, &judged);
        let standing = self.progress.standing(&step.id);
        standing.tries += 1;
        if judged.passed() {
            standing.state = State::Done;
        }
        Some(judged)
    }

    /// Puts the scenario of the check that failed where it can be run and looked at.
    fn show_run(&self, step: &Step, judged: &Judged) {
        let (Work::Build(build), Some(failure)) = (&step.work, &judged.failure) else {
            return;
        };
        let What::Run(run) = &build.checks[failure.check].what else {
            return;
        };
        let text = self.bench(false).whole(run);
        // It helps to look, and nothing depends on it.
        drop(text.map(|text| self.write(RUN, &text)));
    }

    /// Takes an answer, from 1, which is one try more.
    ///
    /// # Errors
    /// That there is no such answer, or no question.
    pub fn answer(&mut self, number: usize) -> Result<Choice, String> {
        let step = self.step().1.clone();
        let Work::Ask(question) = &step.work else {
            return Err("this step asks nothing: `faultline lab check` judges it".to_owned());
        };
        let choice = number
            .checked_sub(1)
            .and_then(|at| question.answers.get(at));
        let Some(choice) = choice.cloned() else {
            return Err(format!("answers are 1 to {}", question.answers.len()));
        };
        let standing = self.progress.standing(&step.id);
        standing.tries += 1;
        standing.answer = Some(number);
        if choice.right {
            standing.state = State::Done;
        }
        Ok(choice)
    }

    /// Goes on to the next step; false when there is none.
    ///
    /// # Errors
    /// That this one is not done.
    pub fn go_on(&mut self) -> Result<bool, String> {
        if !self.progress.is_over(&self.step_id()) {
            return Err(
                "this step is not done; `faultline lab skip` takes its solution".to_owned(),
            );
        }
        self.turn(1)
    }

    /// Shows another step, done or not, as somebody does who presents a lab; false when there is none.
    ///
    /// # Errors
    /// When what it begins with cannot be written.
    pub fn turn(&mut self, by: isize) -> Result<bool, String> {
        let place = self.step().0.checked_add_signed(by);
        let Some(step) = place.and_then(|place| self.lab.steps.get(place)).cloned() else {
            return Ok(false);
        };
        self.progress.at.clone_from(&step.id);
        self.put_starter(&step)?;
        Ok(true)
    }

    /// One more hint, or all; how many are read then.
    pub fn hint(&mut self, all: bool) -> usize {
        let step = self.step().1.clone();
        let standing = self.progress.standing(&step.id);
        let read = if all {
            step.hints.len()
        } else {
            standing.hints + 1
        };
        standing.hints = read.min(step.hints.len());
        standing.hints
    }

    /// The solution, for whoever has tried: a file's text, or the number of the right answer.
    ///
    /// # Errors
    /// That it is too early.
    pub fn solution(&mut self) -> Result<String, String> {
        let step = self.step().1.clone();
        let standing = self.progress.standing(&step.id);
        if standing.state == State::Todo && standing.tries < TRIES {
            return Err(format!(
                "the solution is shown when the step is done, or after {TRIES} tries ({} so far); \
                 `faultline lab skip` takes it at once",
                standing.tries
            ));
        }
        standing.solution_seen = true;
        Ok(match &step.work {
            Work::Build(build) => self.folder.text(&build.solution)?.to_owned(),
            Work::Ask(question) => {
                let right = question.answers.iter().position(|it| it.right);
                format!("{}\n", right.map_or(0, |at| at + 1))
            }
        })
    }

    /// Takes the solution and goes on; false when this was the last step.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn skip(&mut self) -> Result<bool, String> {
        let step = self.step().1.clone();
        if let Work::Build(build) = &step.work {
            let text = self.folder.text(&build.solution)?.to_owned();
            self.keep_old(&build.edit)?;
            self.write(&build.edit, &text)?;
        }
        let standing = self.progress.standing(&step.id);
        if standing.state == State::Todo {
            standing.state = State::Skipped;
        }
        self.go_on()
    }

    /// The shown step's file, if it wants one, with its text.
    #[must_use]
    pub fn file(&self) -> Option<(String, String)> {
        let Work::Build(build) = &self.step().1.work else {
            return None;
        };
        let text = std::fs::read_to_string(self.path.join(&build.edit)).unwrap_or_default();
        Some((build.edit.clone(), text))
    }

    /// Writes the shown step's file, as an editor does.
    ///
    /// # Errors
    /// That it wants none, or that the disk does not take it.
    pub fn put(&self, text: &str) -> Result<(), String> {
        let (file, _) = self.file().ok_or("this step wants no file")?;
        self.write(&file, text)
    }

    /// Begins a step anew, or everything.
    ///
    /// # Errors
    /// That there is no such step, or that the disk does not take it.
    pub fn reset(&mut self, step: Option<&str>) -> Result<(), String> {
        let steps: Vec<Step> = match step {
            None => self.lab.steps.clone(),
            Some(id) => match self.lab.step(id) {
                Some((_, step)) => vec![step.clone()],
                None => {
                    let ids: Vec<&str> = self.lab.steps.iter().map(|it| it.id.as_str()).collect();
                    return Err(format!(
                        "no step is called {id}: there are {}",
                        ids.join(", ")
                    ));
                }
            },
        };
        for step in steps.iter().rev() {
            self.progress.steps.remove(&step.id);
            if let Work::Build(build) = &step.work {
                self.keep_old(&build.edit)?;
                let path = self.path.join(&build.edit);
                if path.exists() {
                    std::fs::remove_file(&path)
                        .map_err(|error| format!("{}: {error}", path.display()))?;
                }
            }
        }
        let first = steps.first().map(|it| it.id.clone());
        self.progress.at = first.unwrap_or_else(|| self.step_id());
        self.put_files()
    }

    /// Puts a learner's file aside before it is written over.
    fn keep_old(&self, file: &str) -> Result<(), String> {
        let from = self.path.join(file);
        if !from.exists() {
            return Ok(());
        }
        let old = self.path.join(".faultline/old");
        let problem = |error: std::io::Error| format!("{}: {error}", old.display());
        std::fs::create_dir_all(&old).map_err(problem)?;
        let name = file.replace('/', "-");
        let mut number = 1;
        let mut to = old.join(format!("1-{name}"));
        while to.exists() {
            number += 1;
            to = old.join(format!("{number}-{name}"));
        }
        std::fs::copy(from, to).map_err(problem)?;
        Ok(())
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.path.join(file);
        let folder = path.parent().unwrap_or(&self.path);
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Puts what a step begins with, unless something is there.
    fn put_starter(&self, step: &Step) -> Result<(), String> {
        if let Work::Build(build) = &step.work
            && !self.path.join(&build.edit).exists()
        {
            let text = self.folder.text(&build.starter)?.to_owned();
            self.write(&build.edit, &text)?;
        }
        Ok(())
    }

    /// Puts the files to read, and what the shown step begins with.
    fn put_files(&self) -> Result<(), String> {
        let read = self.lab.read.iter().map(String::as_str);
        for file in read.chain(["README.md"]) {
            let text = self.folder.text(file)?.to_owned();
            self.write(file, &text)?;
        }
        // The first file to write is there from the start, to be looked at.
        let mut steps = self.lab.steps.iter();
        if let Some(first) = steps.find(|step| matches!(step.work, Work::Build(_))) {
            self.put_starter(first)?;
        }
        self.put_starter(self.step().1)
    }
}

/// A lab by its id, its number or its folder's name.
///
/// # Errors
/// That there is none, for people.
pub fn find(id: &str, course: Option<&Path>) -> Result<(Folder, Lab), String> {
    let all = shelf::of(course)?;
    let mut ids = Vec::new();
    for folder in all {
        let lab = folder.lab()?;
        let number = folder.name.split('-').next().unwrap_or_default();
        let same_number = id.parse::<u32>().is_ok_and(|id| number.parse() == Ok(id));
        if lab.id == id || folder.name == id || same_number {
            return Ok((folder, lab));
        }
        ids.push(lab.id);
    }
    let near = crate::scenario::diagnostic::nearest(id, ids.iter().map(String::as_str));
    let near = near.map(|near| format!("; did you mean {near}?"));
    Err(format!(
        "no lab is called {id}{}",
        near.unwrap_or_else(|| "; `faultline lab list` names them".to_owned())
    ))
}
