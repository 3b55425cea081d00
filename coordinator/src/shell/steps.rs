//! The steps of a case in order, each as the commands that do it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use faultline_proto::names::{AccountId, RegionName};
use serde_json::Value;

use super::command::{ANSWER, Command};
use super::expected::{Expected, Part, expected};
use super::faults::{Acts, acts};
use super::marks::{END, Marks, START, variables};
use super::words::quoted;
use crate::runner::world::Asked;
use crate::scenario::matchers::{Matcher, Test};
use crate::scenario::plan::{Action, Call, Case, FaultPlan, Later, Patience, Step};
use crate::scenario::template::{Bindings, EvaluateError, Form, Template};
use crate::scenario::vocabulary::verbs::{CLIENT_CODES, Verb};

/// More than anybody waits for a script.
const LONG: Duration = Duration::from_secs(120);

/// Writes steps.
pub(super) struct Writer<'a> {
    case: &'a Case,
    marks: &'a mut Marks,
    bindings: Bindings,
    /// Names of answers.
    answers: BTreeSet<String>,
    /// Variables to keep, by answer.
    keep: BTreeMap<String, Vec<String>>,
    /// How many faults were begun, for the names of variables.
    faults: usize,
    /// Lines that end faults which last until they are healed, by the name they have then.
    started: BTreeMap<String, Vec<String>>,
    pub text: String,
    pub left_out: Vec<(String, String)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(case: &'a Case, marks: &'a mut Marks) -> Self {
        Self {
            bindings: Bindings::new(case.vars.clone()),
            answers: BTreeSet::new(),
            keep: BTreeMap::new(),
            faults: 0,
            started: BTreeMap::new(),
            text: String::new(),
            left_out: Vec::new(),
            case,
            marks,
        }
    }

    /// The variables that the script uses.
    pub(super) fn needed(&self) -> BTreeSet<String> {
        let words = self
            .text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let known = words.filter(|word| self.marks.of_answers.contains_key(*word));
        known.map(str::to_owned).collect()
    }

    /// Keeps what later commands need.
    pub(super) fn keep(&mut self, needed: BTreeSet<String>) {
        for variable in needed {
            if let Some((answer, _)) = self.marks.of_answers.get(&variable) {
                self.keep.entry(answer.clone()).or_default().push(variable);
            }
        }
    }

    pub(super) fn all(&mut self) {
        let case = self.case;
        self.steps(&case.steps);
        self.steps(&case.finally);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn leave_out(&mut self, step: &Step, why: String) {
        let why = why.replace([START, END], "");
        self.line(&format!("# Left out: {why}."));
        self.left_out.push((step.id.clone(), why));
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        let say = step.say.as_ref();
        let say = say.and_then(|say| say.evaluate(&self.bindings, &self.names("", None)).ok());
        let say = match (say, &step.action) {
            (Some(Value::String(say)), _) => say,
            (_, Action::Call(call)) => call.verb.name().to_owned(),
            _ => String::new(),
        };
        let title = format!("{} {say}", step.id);
        self.line(&format!("\nstep {}", quoted(title.trim_end())));
        if let Err(why) = self.rounds(step) {
            self.leave_out(step, why);
        }
    }

    fn rounds(&mut self, step: &Step) -> Result<(), String> {
        if let Some(when) = &step.when
            && !self.known(when, "when")?
        {
            return Err("its `when` is false in this case".to_owned());
        }
        let items = match &step.for_each {
            Some((name, items)) => {
                let items = self.known(items, "for_each")?;
                items
                    .into_iter()
                    .map(|item| Some((name.clone(), item)))
                    .collect()
            }
            None => vec![None],
        };
        let times = match &step.repeat {
            Some(repeat) => self.known(repeat, "repeat")?,
            None => 1,
        };
        for item in items {
            if let Some((name, item)) = item {
                self.bindings.bind(name, item);
            }
            for _ in 0..times {
                self.round(step)?;
            }
        }
        Ok(())
    }

    /// A value that must be known before the run.
    fn known<T: crate::scenario::plan::later::FromValue + Clone>(
        &self,
        later: &Later<T>,
        what: &str,
    ) -> Result<T, String> {
        if let Later::Template(template) = later
            && let Some(answer) = self.reads(template)
        {
            return Err(format!("its `{what}` depends on the answer `${answer}`"));
        }
        later.get(&self.bindings).map_err(words)
    }

    fn round(&mut self, step: &Step) -> Result<(), String> {
        let mut begun = Vec::new();
        for fault in &step.faults {
            begun.push(self.fault(fault)?);
        }
        let mut heals = Vec::new();
        for acts in begun {
            heals.push(self.begin(acts));
        }
        let done = self.action(step);
        for heal in heals.into_iter().rev().flatten() {
            self.line(&heal);
        }
        done
    }

    fn fault(&self, plan: &FaultPlan) -> Result<Acts, String> {
        let spec = plan.resolve(&self.bindings, &crate::scenario::template::Nameless);
        let spec = spec.map_err(words)?;
        acts(&spec, &self.marks.world).map_err(|why| format!("`{}`: {why}", plan.def.name))
    }

    /// Begins a fault; the lines that end it.
    fn begin(&mut self, acts: Acts) -> Vec<String> {
        let mut heals = acts.end;
        for start in acts.starts {
            self.faults += 1;
            let name = format!("fault_{}", self.faults);
            self.line(&format!("{name}=$(faultline fault start {start})"));
            heals.push(format!("faultline fault heal \"${name}\""));
        }
        for call in &acts.begin {
            self.line(&format!("{call} >/dev/null"));
        }
        heals
    }

    fn action(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Call(call) => self.call(call)?,
            Action::Do(steps) => self.steps(steps),
            Action::Together(lanes) => {
                self.line("# At the same time in the scenario, one after the other here.");
                for lane in lanes {
                    self.steps(&lane.steps);
                }
            }
            Action::Wait(duration) => {
                let duration = self.known(duration, "wait")?;
                self.sleep(duration)?;
            }
            Action::StartFault { faults, name } => {
                for fault in faults {
                    let acts = self.fault(fault)?;
                    let heals = self.begin(acts);
                    let name = name.clone().unwrap_or_default();
                    self.started.entry(name).or_default().extend(heals);
                }
            }
            Action::Heal(name) => {
                let heals = match name {
                    Some(name) => self.started.remove(name).unwrap_or_default(),
                    None => std::mem::take(&mut self.started)
                        .into_values()
                        .flatten()
                        .collect(),
                };
                for heal in heals {
                    self.line(&heal);
                }
            }
        }
        Ok(())
    }

    fn sleep(&mut self, duration: Duration) -> Result<(), String> {
        if duration > LONG {
            return Err(format!(
                "it waits for {duration:?}, and live nodes go by the clock on the wall"
            ));
        }
        self.line(&format!("sleep {}", duration.as_secs_f64()));
        Ok(())
    }

    fn names<'n>(&'n self, principal: &str, region: Option<&'n RegionName>) -> Asked<'n> {
        let world = &self.marks.world;
        let account: Option<&AccountId> = match world.principals.get(principal) {
            Some(principal) => Some(&principal.account),
            None => world
                .accounts
                .get(principal.strip_prefix("root of ").unwrap_or(principal)),
        };
        Asked {
            world,
            region: region.unwrap_or(&world.home),
            account,
        }
    }

    fn call(&mut self, call: &Call) -> Result<(), String> {
        let operation = match call.verb {
            Verb::Operation(operation) => operation,
            Verb::BuiltIn(built_in) if built_in.verb == "time.advance" => {
                let by = call
                    .arguments
                    .evaluate(&self.bindings, &self.names("", None));
                let by = by.map_err(words)?["by"]
                    .as_str()
                    .and_then(crate::scenario::quantity::duration);
                return self.sleep(by.unwrap_or_default());
            }
            Verb::BuiltIn(built_in) => {
                return Err(format!("`{}` is no call of AWS", built_in.verb));
            }
        };
        let region = match &call.region {
            Some(region) => self.known(region, "in")?,
            None => self.marks.world.home.clone(),
        };
        let principal = match &call.principal {
            Some(principal) => self.known(principal, "as")?,
            None => String::new(),
        };
        self.unsure(&call.arguments)?;
        let names = self.names(&principal, Some(&region));
        let arguments = call
            .arguments
            .evaluate(&self.bindings, &names)
            .map_err(words)?;
        let command = Command::new(operation, &region, &arguments)?;
        let wanted = match &call.expect {
            Some(matcher) => expected(matcher, operation.output, &self.bindings, &names),
            None => Expected {
                whole: true,
                ..Expected::default()
            },
        };
        for line in &command.files {
            self.line(line);
        }
        if !wanted.whole || call.call.is_some() {
            self.line("# The scenario expects more than is compared here.");
        }
        let who = match principal.as_str() {
            "" => command.words,
            principal => format!("as {} {}", quoted(principal), command.words),
        };
        let patience = match &call.patience {
            Patience::Once => String::new(),
            Patience::Within(most) => {
                let most = self.known(most, "within")?;
                // On a wall clock everything takes a little longer.
                format!("within {} ", most.as_secs() + 5)
            }
            Patience::Throughout(_) => {
                self.line("# The scenario asks again and again; here it is asked once.");
                String::new()
            }
        };
        self.asked(call, &who, &patience, &wanted);
        if let Some(name) = &call.save {
            let answer = self.marks.answer(name, operation.output);
            self.bindings.bind(name.clone(), answer);
            self.answers.insert(name.clone());
        }
        Ok(())
    }

    /// The command with all that must come of it.
    fn asked(&mut self, call: &Call, who: &str, patience: &str, wanted: &Expected) {
        if let Some(failure) = &call.fails_with {
            let code = code(&failure.matcher).unwrap_or_default();
            return self.line(&format!("{patience}refused {} {who}", quoted(&code)));
        }
        let or = if call.may_fail { " || true" } else { "" };
        let kept = call
            .save
            .as_ref()
            .and_then(|name| self.keep.get(name))
            .cloned();
        let kept = kept.unwrap_or_default();
        let query = |queries: &[&str]| match queries {
            [one] => format!("--query {} --output text", quoted(one)),
            many => format!(
                "--query {} --output text",
                quoted(&format!("[{}]", many.join(",")))
            ),
        };
        if !wanted.parts.is_empty() {
            let queries: Vec<&str> = wanted.parts.iter().map(|it| it.query.as_str()).collect();
            let text = told(&wanted.parts);
            let query = query(&queries);
            self.line(&format!("{patience}is {text} {who} {query}{or}"));
        }
        if !kept.is_empty() {
            let of_answers = &self.marks.of_answers;
            let queries: Vec<&str> = kept.iter().map(|it| of_answers[it].1.as_str()).collect();
            let (query, variables) = (query(&queries), kept.join(" "));
            let patience = if wanted.parts.is_empty() {
                patience
            } else {
                ""
            };
            self.line(&format!("answer=$({patience}{who} {query}){or}"));
            self.line(&format!("IFS=$'\\t' read -r {variables} <<<\"$answer\""));
        } else if wanted.parts.is_empty() {
            self.line(&format!("{patience}{who}{or}"));
        }
        if let Some(body) = &wanted.body {
            self.line(&format!("is {} cat {ANSWER}", quoted(body)));
        }
    }

    /// An answer that a template reads.
    fn reads(&self, template: &Template) -> Option<String> {
        let answer = |root: &String| self.answers.contains(root).then(|| root.clone());
        match &template.form {
            Form::Reference(path) => answer(&path.root),
            Form::Expression(expression) => {
                expression.inputs.iter().find_map(|it| answer(&it.root))
            }
            Form::Text(parts) | Form::List(parts) => parts.iter().find_map(|it| self.reads(it)),
            Form::Map(members) => members.iter().find_map(|(_, it)| self.reads(it)),
            Form::Bytes(inner) | Form::Name(_, inner) | Form::Member(_, inner) => self.reads(inner),
            Form::Literal(_) | Form::Policy(_) => None,
        }
    }

    /// Refuses expressions that would compute with a mark instead of an answer.
    fn unsure(&self, template: &Template) -> Result<(), String> {
        match &template.form {
            Form::Expression(expression) => {
                let Some(answer) = self.reads(template) else {
                    return Ok(());
                };
                let value = template.evaluate(&self.bindings, &crate::scenario::template::Nameless);
                match value.map_err(words)? {
                    Value::String(text) if variables(&text).next().is_some() => Ok(()),
                    _ => Err(format!(
                        "`$({})` computes with the answer `${answer}`",
                        expression.source
                    )),
                }
            }
            Form::Text(parts) | Form::List(parts) => {
                parts.iter().try_for_each(|it| self.unsure(it))
            }
            Form::Map(members) => members.iter().try_for_each(|(_, it)| self.unsure(it)),
            Form::Bytes(inner) | Form::Name(_, inner) | Form::Member(_, inner) => {
                self.unsure(inner)
            }
            Form::Reference(_) | Form::Literal(_) | Form::Policy(_) => Ok(()),
        }
    }
}

/// What `--output text` prints of several parts: one line, with tabs between them.
fn told(parts: &[Part]) -> String {
    let texts: Vec<String> = parts.iter().map(|part| quoted(&part.text)).collect();
    texts.join("$'\\t'")
}

/// The one code that a failure must have; nothing when any of several will do, or when it is a
/// client's own, which the AWS CLI tells in other words.
fn code(matcher: &Matcher) -> Option<String> {
    let Test::Members { members, .. } = &matcher.test else {
        return None;
    };
    let (_, matcher) = members.iter().find(|(name, _)| name == "code")?;
    let Test::Equals(template) = &matcher.test else {
        return None;
    };
    let code = template.constant()?.as_str()?.to_owned();
    (!CLIENT_CODES.contains(&code.as_str())).then_some(code)
}

fn words(error: EvaluateError) -> String {
    error.message
}
