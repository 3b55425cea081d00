//! A step's checks against what a learner wrote: judged by what runs come to.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::facts::{Facts, Listening};
use super::parts::{NO_YAML, Parts};
use super::shelf::Folder;
use super::{Build, Check, Lab, Run, Verdict, What, Work};
use crate::campaign::Campaign;
use crate::campaign::search::{Search, ToTheEnd, search};
use crate::journal::event::Judgement;
use crate::journal::{Journal, Memory};
use crate::report::summary::{Summarizer, Summary};
use crate::runner::{Options, run_case};
use crate::scenario::beside::{beside, trouble};
use crate::scenario::diagnostic::{Diagnostic, Severity};
use crate::scenario::emit;
use crate::scenario::load;
use crate::scenario::plan::{Action, Case, Lane, Plan, Step as PlanStep};
use crate::scenario::source::{Entry, Node, Source, Span, Value, parse};
use crate::seed::RunSeed;
use crate::transport::Loopback;

/// A lab and a learner's files.
#[derive(Debug, Clone)]
pub struct Bench<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Its files.
    pub folder: &'a Folder,
    /// What the learner wrote, by file.
    pub work: BTreeMap<String, String>,
    /// Whether pictures have colours.
    pub colour: bool,
}

/// What came of a step's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// One for each check, in order.
    pub checks: Vec<Status>,
    /// The first that failed.
    pub failure: Option<Failure>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// An earlier one does not hold, so nobody looked.
    Waiting,
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which, from 0.
    pub check: usize,
    /// What went wrong first, for people.
    pub picture: String,
    /// What the lab says of it.
    pub said: Option<String>,
    /// What is known of it.
    pub facts: Facts,
    /// The seed of the run that failed, if it was one.
    pub seed: Option<u64>,
}

impl Judged {
    /// Whether everything holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// Why a check does not hold.
struct No {
    picture: String,
    facts: Facts,
    seed: Option<u64>,
}

impl No {
    fn because(words: impl Into<String>) -> Self {
        Self {
            picture: words.into(),
            facts: Facts::default(),
            seed: None,
        }
    }
}

/// Judges a step that builds something. `seeds` stand for those of the checks where given.
#[must_use]
pub fn judge(bench: &Bench<'_>, build: &Build, seeds: Option<&[u64]>) -> Judged {
    let mut checks = vec![Status::Waiting; build.checks.len()];
    for (index, check) in build.checks.iter().enumerate() {
        match bench.check(check, seeds) {
            Ok(()) => checks[index] = Status::Passed,
            Err(mut no) => {
                checks[index] = Status::Failed;
                no.facts.say("check", (index + 1).to_string());
                let said = no.facts.cause(&build.causes).map(str::to_owned);
                // Of a file that cannot be read nothing is known that `otherwise` could mean.
                let read = no.facts.0.get("invalid").is_none_or(|code| code != NO_YAML);
                let otherwise = check.otherwise.clone().filter(|_| read);
                let failure = Failure {
                    check: index,
                    picture: no.picture,
                    said: said.or(otherwise),
                    facts: no.facts,
                    seed: no.seed,
                };
                return Judged {
                    checks,
                    failure: Some(failure),
                };
            }
        }
    }
    Judged {
        checks,
        failure: None,
    }
}

impl Bench<'_> {
    /// Whether learners write this file.
    fn is_written(&self, file: &str) -> bool {
        let mut steps = self.lab.steps.iter();
        steps.any(|step| matches!(&step.work, Work::Build(build) if build.edit == file))
    }

    fn text(&self, file: &str) -> Result<&str, No> {
        if self.is_written(file) {
            let text = self.work.get(file).map(String::as_str);
            return text.ok_or_else(|| {
                No::because(format!(
                    "{file} is not there; `faultline lab reset` brings it back"
                ))
            });
        }
        self.folder.text(file).map_err(No::because)
    }

    fn check(&self, check: &Check, seeds: Option<&[u64]>) -> Result<(), No> {
        match &check.what {
            What::Run(run) => self.run(run, seeds),
            What::Campaign {
                file,
                seeds: count,
                breaks,
            } => self.campaign(file, *count, breaks.as_deref()),
            What::Look { file, at, is } => self.look(file, at, is),
        }
    }

    fn run(&self, run: &Run, seeds: Option<&[u64]>) -> Result<(), No> {
        let parts = self.joined(&run.files)?;
        let source = &parts.source;
        let mut plan = load(source).map_err(|found| self.invalid(&parts, &found))?;
        if !run.under.is_empty() {
            self.put_under(&mut plan, source, &run.under)?;
        }
        for seed in seeds.unwrap_or(&run.seeds) {
            for case in &plan.cases {
                let (seed, verdict) = (*seed, &run.verdict);
                self.one_run(&parts, &plan, case, seed, verdict)
                    .map_err(|no| No {
                        seed: Some(seed),
                        ..no
                    })?;
            }
        }
        Ok(())
    }

    /// The files one after the other, as one: a part of a file is a file's beginning.
    fn joined(&self, files: &[String]) -> Result<Parts, No> {
        let mut texts = Vec::new();
        for file in files {
            texts.push((file.clone(), self.text(file)?.to_owned()));
        }
        let written = files.iter().find(|file| self.is_written(file));
        let name = written.or(files.last()).cloned().unwrap_or_default();
        Ok(Parts::of(&name, &texts))
    }

    /// The same for who only looks; `None` when one of them is not there.
    #[must_use]
    pub fn parts(&self, files: &[String]) -> Option<Parts> {
        self.joined(files).ok()
    }

    /// The scenario of a run as one file, with the faults that the check adds: to be run and
    /// looked at like any other.
    #[must_use]
    pub fn whole(&self, run: &Run) -> Option<String> {
        let source = self.parts(&run.files)?.source;
        if run.under.is_empty() {
            return Some(source.text.clone());
        }
        let (root, _) = parse(&source);
        let lanes = lanes_of(&run.under)?.into_iter().enumerate();
        let lanes = lanes.map(|(index, lane)| (fault_lane(index), lane));
        beside(&root?, lanes.collect())
    }

    fn invalid(&self, parts: &Parts, found: &[Diagnostic]) -> No {
        let mut facts = Facts::default();
        let mut errors = found.iter().filter(|it| it.severity == Severity::Error);
        let first = errors.next();
        if let Some(first) = first {
            facts.say("invalid", first.code);
        }
        No {
            picture: parts.drawn(first, self.colour),
            facts,
            seed: None,
        }
    }

    fn one_run(
        &self,
        parts: &Parts,
        plan: &Plan,
        case: &Case,
        seed: u64,
        wanted: &Verdict,
    ) -> Result<(), No> {
        let (memory, ear) = (Memory::default(), Listening::default());
        let journal = Journal::new()
            .heard_by(memory.clone())
            .heard_by(ear.clone());
        let options = Options::new("check", RunSeed(seed));
        let transport = Box::new(Loopback::new());
        // A learner's file must not be able to end the lesson.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run_case(plan, case, &options, transport, journal)
        }));
        let Ok(Ok(outcome)) = ran else {
            return Err(No::because(
                "the run broke: this is a bug of the program, not of your file",
            ));
        };
        let summary = memory.with(|events| Summarizer::of(events));
        let violated = |oracle: &str| {
            let mut oracles = summary.oracles.iter();
            oracles.any(|it| it.oracle == oracle && it.judgement == Judgement::Fail)
        };
        let picture = match wanted {
            Verdict::Pass if outcome.judgement == Judgement::Pass => return Ok(()),
            Verdict::Fail if outcome.judgement == Judgement::Fail => return Ok(()),
            Verdict::Violates(oracle) if violated(oracle) => return Ok(()),
            Verdict::Pass => self.picture(&summary, parts),
            Verdict::Fail => format!("with seed {seed} it passes, and was to fail"),
            Verdict::Violates(oracle) => {
                format!("with seed {seed} `{oracle}` holds, and was to be violated")
            }
        };
        Err(No {
            picture,
            facts: ear.facts(),
            seed: None,
        })
    }

    /// What went wrong first in a run.
    fn picture(&self, summary: &Summary, parts: &Parts) -> String {
        let first = summary.problems().next();
        first.map_or_else(
            || summary.because.clone(),
            |problem| parts.picture(problem, self.colour),
        )
    }

    /// Puts faults beside all of a plan's steps.
    fn put_under(&self, plan: &mut Plan, source: &Arc<Source>, under: &[Node]) -> Result<(), No> {
        let text = storm(source, under).ok_or_else(|| No::because("`under` cannot be read"))?;
        let parts = Parts::of("under", &[("under".to_owned(), text)]);
        let mut storm = load(&parts.source).map_err(|found| self.invalid(&parts, &found))?;
        let lanes: Vec<PlanStep> = storm.cases.remove(0).steps;
        for case in &mut plan.cases {
            let steps = std::mem::take(&mut case.steps);
            let mut sides = vec![Lane {
                name: "file".to_owned(),
                steps,
            }];
            for (index, step) in lanes.iter().enumerate() {
                if let Action::Do(steps) = &step.action {
                    let name = fault_lane(index);
                    let mut steps = steps.clone();
                    name_anew(&mut steps, &name);
                    sides.push(Lane { name, steps });
                }
            }
            case.steps = vec![together(sides)];
        }
        Ok(())
    }

    fn campaign(&self, file: &str, seeds: u64, breaks: Option<&str>) -> Result<(), No> {
        let parts = self.joined(&[file.to_owned()])?;
        let campaign = crate::campaign::read::read(&parts.source, Path::new(file))
            .map_err(|found| self.invalid(&parts, &found))?;
        let campaign = Campaign {
            seeds: (1, seeds),
            ..campaign
        };
        let plan = Search {
            shard: None,
            workers: 1,
            stop_after: Some(1),
            twice: 0,
            guided: false,
        };
        let tally = search(&campaign, &plan, &mut ToTheEnd).tally;
        let failure = tally.failures.first();
        let mut facts = Facts::default();
        if let Some(failure) = failure {
            facts.say("oracle", failure.property.clone());
        }
        let picture = match (breaks, failure) {
            (None, None) => return Ok(()),
            (Some(wanted), Some(failure)) if failure.property == wanted => return Ok(()),
            (None, Some(failure)) => format!(
                "seed {} breaks `{}`: {}",
                failure.seed, failure.property, failure.because
            ),
            (Some(wanted), Some(failure)) => format!(
                "seed {} breaks `{}`; `{wanted}` was to break: {}",
                failure.seed, failure.property, failure.because
            ),
            (Some(wanted), None) => {
                format!("{} runs, and none breaks `{wanted}`", tally.runs)
            }
        };
        let seed = failure.map(|it| it.seed);
        Err(No {
            picture,
            facts,
            seed,
        })
    }

    fn look(&self, file: &str, at: &[String], is: &Node) -> Result<(), No> {
        let parts = self.joined(&[file.to_owned()])?;
        let source = &parts.source;
        let (root, found) = parse(source);
        let Some(root) = root.filter(|_| found.is_empty()) else {
            return Err(self.invalid(&parts, &found));
        };
        let place = at.join(".");
        let mut node = &root;
        for key in at {
            let below = match (&node.value, key.parse::<usize>()) {
                (Value::Seq(items), Ok(index)) => items.get(index),
                _ => node.get(key),
            };
            node = below.ok_or_else(|| No::because(format!("{file} says nothing at `{place}`")))?;
        }
        if same(node, is) {
            return Ok(());
        }
        let (line, _) = source.position(node.span.start);
        let wanted = is.text().map(|text| format!("; expected `{text}`"));
        Err(No::because(format!(
            "{file}, line {line}: `{place}` is something else{}",
            wanted.unwrap_or_default()
        )))
    }
}

/// A plan's only step: lanes at the same time.
fn together(lanes: Vec<Lane>) -> PlanStep {
    PlanStep {
        id: "1".to_owned(),
        say: None,
        why: None,
        when: None,
        for_each: None,
        repeat: None,
        faults: Vec::new(),
        action: Action::Together(lanes),
        span: Span::default(),
    }
}

/// Gives steps names that no step of a file has.
fn name_anew(steps: &mut [PlanStep], under: &str) {
    for step in steps {
        step.id = format!("{under}.{}", step.id);
        match &mut step.action {
            Action::Do(steps) => name_anew(steps, under),
            Action::Together(lanes) => {
                for lane in lanes {
                    name_anew(&mut lane.steps, under);
                }
            }
            _ => {}
        }
    }
}

/// A scenario in the same world whose steps are faults for their time.
fn storm(source: &Arc<Source>, under: &[Node]) -> Option<String> {
    let (root, _) = parse(source);
    let mut entries: Vec<Entry> = root?.entries()?.to_vec();
    entries.retain(|it| {
        matches!(
            it.key.text.as_str(),
            "scenario" | "title" | "world" | "vars"
        )
    });
    let lanes = lanes_of(under)?.into_iter();
    let steps = lanes
        .map(|lane| emit::map(vec![emit::entry("do", emit::list(lane))]))
        .collect();
    entries.push(emit::entry("steps", emit::list(steps)));
    Some(emit::file(&entries))
}

fn fault_lane(index: usize) -> String {
    format!("fault_{}", index + 1)
}

/// The steps of each fault that a check adds.
fn lanes_of(under: &[Node]) -> Option<Vec<Vec<Node>>> {
    let mut lanes = Vec::new();
    for fault in under {
        let mut fault = fault.entries()?.to_vec();
        let mut take = |key: &str| {
            let at = fault.iter().position(|it| it.key.text == key)?;
            Some(fault.remove(at).value)
        };
        let (from, lasts) = (take("from"), take("lasts")?);
        // A wait of no time is none.
        let after = from.filter(|node| node.text() != Some("0s"));
        lanes.push(trouble(after, vec![emit::map(fault)], lasts));
    }
    Some(lanes)
}

/// Whether two parts of files say the same.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Scalar(one), Value::Scalar(other)) => one.value() == other.value(),
        (Value::Seq(one), Value::Seq(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(_)) => one.iter().all(|entry| {
            let there = other.get(&entry.key.text);
            there.is_some_and(|there| same(&entry.value, there))
        }),
        _ => false,
    }
}
