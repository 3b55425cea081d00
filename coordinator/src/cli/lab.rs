//! `faultline lab`: lessons to work through.
//!
//! - [`show`]: what is printed. [`watch`]: the loop over saves and keys.
//! - [`begin`]: folders for learners and for authors. [`present`]: a lab on a class's wall.
//! - [`class`]: results for those who teach.

mod begin;
mod class;
mod present;
mod show;
mod watch;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::{colours, out, say};
use crate::exit::Exit;
use crate::labs::author;
use crate::labs::desk::Desk;
use crate::labs::shelf;

/// Learn by doing: lessons on keys, policies and copies across Regions.
///
/// Everything runs on this machine, costs nothing and leaves nothing behind but the lab's own
/// folder. `faultline lab list`, then `faultline lab start ID`.
#[derive(Debug, Args)]
pub struct LabArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The labs, with what each takes and teaches.
    List {
        /// A folder of labs, instead of those that come with the program.
        #[arg(long)]
        course: Option<PathBuf>,
    },
    /// Begin a lab in a folder of its own.
    Start {
        /// The lab's id, or its number.
        id: String,
        /// A folder of labs, instead of those that come with the program.
        #[arg(long)]
        course: Option<PathBuf>,
        /// The folder; called after the lab unless said.
        #[arg(long)]
        into: Option<PathBuf>,
    },
    /// Check again at each save, with keys for all the rest.
    Watch {
        #[command(flatten)]
        place: Place,
        /// Read commands and Enter instead of single keys, and check when told so: for
        /// containers and shells whose file system does not tell of saves.
        #[arg(long)]
        manual: bool,
    },
    /// Judge the step that you are at.
    Check {
        #[command(flatten)]
        place: Place,
        /// For people, or for a program: the form of the Exercism test runners, version 3.
        #[arg(long, value_parser = PossibleValuesParser::new(["human", "json"]), default_value = "human")]
        format: String,
    },
    /// Answer the question of the step that you are at.
    Answer {
        /// The answer's number, from 1.
        number: usize,
        #[command(flatten)]
        place: Place,
    },
    /// Go on to the next step.
    Next(Place),
    /// One hint more.
    Hint {
        #[command(flatten)]
        place: Place,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
    /// Show a solution of the step: when it is done, or after three tries.
    Solution(Place),
    /// Take the solution and go on.
    Skip(Place),
    /// Begin a step anew, or the whole lab; what you wrote is kept under `.faultline/old`.
    Reset {
        /// The step's id; everything when left out.
        step: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// The steps, and how far you are.
    Status(Place),
    /// Your results, for somebody else's table.
    Export {
        #[command(flatten)]
        place: Place,
        /// The form.
        #[arg(long, value_parser = PossibleValuesParser::new(["json", "csv", "junit", "gradescope"]), default_value = "json")]
        format: String,
        /// Whose they are.
        #[arg(long, env = "FAULTLINE_STUDENT", default_value = "")]
        student: String,
    },
    /// Run everything of many learners again, also with seeds that they have not seen.
    Grade(class::GradeArgs),
    /// Show a lab to a class: in a browser, in large type, a step at a time, without solutions.
    Present(present::PresentArgs),
    /// For authors: does a lab, or every lab of a folder, do what it promises?
    Test {
        /// A lab's folder or a course's; the labs of this program when left out.
        path: Option<PathBuf>,
    },
    /// For authors: a small lab to begin with.
    New {
        /// Its folder; must not be there yet.
        folder: PathBuf,
    },
}

/// Whose folder is meant.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The lab's folder.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

/// Does what is asked.
#[must_use]
pub fn lab(args: &LabArgs) -> Exit {
    match &args.command {
        Command::List { course } => list(course.as_ref()),
        Command::Start { id, course, into } => begin::start(id, course.as_deref(), into.as_deref()),
        Command::Watch { place, manual } => at(place, |desk| watch::watch(desk, *manual)),
        Command::Check { place, format } => at(place, |desk| {
            let (text, passed) = if format == "json" {
                show::check_json(desk)
            } else {
                show::check(desk, colours())
            };
            out(&text);
            // A program that reads the form looks into it, not at the status.
            if passed || format == "json" {
                Exit::Passed
            } else {
                Exit::Failed
            }
        }),
        Command::Answer { number, place } => at(place, |desk| match show::answer(desk, *number) {
            Ok((text, right)) => {
                out(&text);
                if right { Exit::Passed } else { Exit::Failed }
            }
            Err(problem) => refuse(&problem),
        }),
        Command::Next(place) => told(place, show::next),
        Command::Hint { place, all } => told(place, |desk| Ok(show::hint(desk, *all))),
        Command::Solution(place) => told(place, Desk::solution),
        Command::Skip(place) => told(place, show::skip),
        Command::Reset { step, place } => told(place, |desk| show::reset(desk, step.as_deref())),
        Command::Status(place) => told(place, |desk| Ok(show::status(desk))),
        Command::Export {
            place,
            format,
            student,
        } => told(place, |desk| Ok(class::export(desk, format, student))),
        Command::Grade(args) => class::grade(args),
        Command::Present(args) => present::present(args),
        Command::Test { path } => test(path.as_ref()),
        Command::New { folder } => begin::new(folder),
    }
}

fn refuse(problem: &str) -> Exit {
    say(problem);
    Exit::Usage
}

/// Opens the folder, does something at it, and keeps what came of it.
fn at(place: &Place, act: impl FnOnce(&mut Desk) -> Exit) -> Exit {
    let mut desk = match Desk::open(&place.dir) {
        Ok(desk) => desk,
        Err(problem) => return refuse(&problem),
    };
    let exit = act(&mut desk);
    match desk.save() {
        Ok(()) => exit,
        Err(problem) => {
            say(&problem);
            Exit::Environment
        }
    }
}

fn told(place: &Place, act: impl FnOnce(&mut Desk) -> Result<String, String>) -> Exit {
    at(place, |desk| match act(desk) {
        Ok(text) => {
            out(&text);
            Exit::Passed
        }
        Err(problem) => refuse(&problem),
    })
}

fn list(course: Option<&PathBuf>) -> Exit {
    match shelf::of(course.map(PathBuf::as_path)).and_then(|labs| show::list(&labs)) {
        Ok(text) => {
            out(&text);
            Exit::Passed
        }
        Err(problem) => refuse(&problem),
    }
}

fn test(path: Option<&PathBuf>) -> Exit {
    let labs = match shelf::of(path.map(PathBuf::as_path)) {
        Ok(labs) => labs,
        Err(problem) => return refuse(&problem),
    };
    let beside = path.and_then(|path| shelf::at(path.parent()?).ok());
    let known = labs.iter().chain(beside.iter().flatten());
    let known: Vec<String> = known
        .filter_map(|folder| folder.lab().ok().map(|lab| lab.id))
        .collect();
    let mut wrong = 0;
    for folder in &labs {
        let found = author::test(folder, &known, author::RANDOM);
        let word = if found.is_empty() { "ok" } else { "WRONG" };
        out(&format!("{word:<6}{}\n", folder.name));
        for problem in &found {
            out(&format!("      {}\n", problem.replace('\n', "\n      ")));
        }
        wrong += found.len();
    }
    if wrong == 0 {
        Exit::Passed
    } else {
        Exit::Failed
    }
}
