//! A learner's folder: the lab's files to read, what is written, and how far it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{labs, out, refuse, say, show};
use crate::exit::Exit;
use crate::labs::judge::{Bench, Judged, judge};
use crate::labs::progress::{Progress, State};
use crate::labs::shelf::{self, Folder};
use crate::labs::{Lab, Step, What, Work};

/// Tries after which a solution is shown to somebody who asks.
const TRIES: u64 = 3;

/// See the module.
pub(super) struct Desk {
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
    pub fn open(path: &Path) -> Result<Self, String> {
        let progress = Progress::read(path)?;
        let course = progress.course.as_ref().map(|course| path.join(course));
        let (folder, lab) = find(&progress.lab, course.as_ref())?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            lab,
            progress,
        })
    }

    /// Keeps how far it is.
    pub fn save(&self) -> Result<(), String> {
        let written = self.progress.write(&self.path);
        written.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// The step that is shown, with its place from 0.
    pub fn step(&self) -> (usize, &Step) {
        self.progress.current(&self.lab)
    }

    fn step_id(&self) -> String {
        self.step().1.id.clone()
    }

    /// What the learner wrote.
    fn work(&self) -> BTreeMap<String, String> {
        let files = self.lab.edited().into_iter();
        files
            .filter_map(|file| {
                let text = std::fs::read_to_string(self.path.join(file)).ok()?;
                Some((file.to_owned(), text))
            })
            .collect()
    }

    /// Judges a step that builds something; `None` for a question.
    pub fn judged(&self, step: &Step, colour: bool) -> Option<Judged> {
        let Work::Build(build) = &step.work else {
            return None;
        };
        Some(judge(&self.bench(colour), build, None))
    }

    fn bench(&self, colour: bool) -> Bench<'_> {
        Bench {
            lab: &self.lab,
            folder: &self.folder,
            work: self.work(),
            colour,
        }
    }

    /// Judges the step that is shown: what to print, and whether it is done.
    pub fn check(&mut self, json: bool, colour: bool) -> (String, bool) {
        let step = self.step().1.clone();
        let Some(judged) = self.judged(&step, colour) else {
            let done = self.progress.is_over(&step.id);
            let text = if json {
                show::json_of_question(&step, done)
            } else {
                show::task(self)
            };
            return (text, done);
        };
        self.show_run(&step, &judged);
        let standing = self.progress.standing(&step.id);
        standing.tries += 1;
        if judged.passed() {
            standing.state = State::Done;
        }
        let text = if json {
            show::json(&step, &judged)
        } else {
            show::checked(self, &step, &judged)
        };
        (text, judged.passed())
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
        drop(text.map(|text| self.write(show::RUN, &text)));
    }

    /// Takes an answer: what to print, and whether it is right.
    pub fn answer(&mut self, number: usize) -> Result<(String, bool), String> {
        let step = self.step().1.clone();
        let Work::Ask(question) = &step.work else {
            return Err("this step asks nothing: `faultline lab check` judges it".to_owned());
        };
        let choice = number
            .checked_sub(1)
            .and_then(|at| question.answers.get(at));
        let Some(choice) = choice else {
            return Err(format!("answers are 1 to {}", question.answers.len()));
        };
        let standing = self.progress.standing(&step.id);
        standing.tries += 1;
        standing.answer = Some(number);
        if choice.right {
            standing.state = State::Done;
        }
        Ok((show::answered(&step, choice), choice.right))
    }

    /// Goes on to the next step.
    pub fn next(&mut self) -> Result<String, String> {
        let (place, step) = self.step();
        if !self.progress.is_over(&step.id) {
            return Err(
                "this step is not done; `faultline lab skip` takes its solution".to_owned(),
            );
        }
        let Some(next) = self.lab.steps.get(place + 1).cloned() else {
            return Ok(show::finished(self));
        };
        self.progress.at.clone_from(&next.id);
        self.put_starter(&next)?;
        Ok(show::task(self))
    }

    /// One more hint, or all.
    pub fn hint(&mut self, all: bool) -> String {
        let step = self.step().1.clone();
        let standing = self.progress.standing(&step.id);
        let read = if all {
            step.hints.len()
        } else {
            standing.hints + 1
        };
        standing.hints = read.min(step.hints.len());
        show::hints(&step, standing.hints)
    }

    /// The solution, for whoever has tried.
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
        Ok(show::solution(&self.folder, &step))
    }

    /// Takes the solution and goes on.
    pub fn skip(&mut self) -> Result<String, String> {
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
        self.next()
    }

    /// Begins a step anew, or everything.
    pub fn reset(&mut self, step: Option<&str>) -> Result<String, String> {
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
        self.put_files()?;
        Ok(show::task(self))
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
pub(super) fn find(id: &str, course: Option<&PathBuf>) -> Result<(Folder, Lab), String> {
    let all = labs(course)?;
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

/// Begins a lab, or goes on with one that was begun there.
pub(super) fn start(id: &str, course: Option<&PathBuf>, into: Option<&PathBuf>) -> Exit {
    let (folder, lab) = match find(id, course) {
        Ok(found) => found,
        Err(problem) => return refuse(&problem),
    };
    let path = into.cloned().unwrap_or_else(|| PathBuf::from(&lab.id));
    let course = match course.map(|course| course.canonicalize()).transpose() {
        Ok(course) => course,
        Err(error) => return refuse(&error.to_string()),
    };
    let progress = match Progress::read(&path) {
        Ok(progress) if progress.lab == lab.id => progress,
        Ok(progress) => {
            let problem = format!("{} holds the lab {} already", path.display(), progress.lab);
            return refuse(&problem);
        }
        Err(_) if path.join(crate::labs::progress::FILE).exists() => Progress::new(&lab, course),
        Err(_) if path.exists() && path.read_dir().is_ok_and(|mut it| it.next().is_some()) => {
            let problem = format!("{} is not empty; say another with --into", path.display());
            return refuse(&problem);
        }
        Err(_) => Progress::new(&lab, course),
    };
    let desk = Desk {
        path,
        folder,
        lab,
        progress,
    };
    match desk.put_files().and_then(|()| desk.save()) {
        Ok(()) => {
            out(&show::begun(&desk));
            Exit::Passed
        }
        Err(problem) => {
            say(&problem);
            Exit::Environment
        }
    }
}

/// A small lab for authors.
const NEW: [(&str, &str); 6] = [
    (shelf::FILE, include_str!("new/lab.yaml")),
    ("README.md", include_str!("new/README.md")),
    ("drill.yaml", include_str!("new/drill.yaml")),
    ("starters/world.yaml", include_str!("new/starter.yaml")),
    ("solutions/world.yaml", include_str!("new/solution.yaml")),
    ("wrong/another-key.yaml", include_str!("new/wrong.yaml")),
];

/// Writes a lab to begin with.
pub(super) fn new(folder: &Path) -> Exit {
    if folder.exists() {
        return refuse(&format!("{} is there already", folder.display()));
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    for (file, text) in NEW {
        let path = folder.join(file);
        let text = text.replace("LAB-ID", &name);
        let under = path.parent().unwrap_or(folder);
        let written = std::fs::create_dir_all(under).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            say(&format!("{}: {error}", path.display()));
            return Exit::Environment;
        }
    }
    say(&format!(
        "wrote {0}; try: faultline lab test {0}",
        folder.display()
    ));
    Exit::Passed
}
