//! For people: one line a run, its steps with ticks, pictures of what failed.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::picture;
use super::summary::{CallLine, StepLine, Summary};
use crate::clock::{SimTime, Span};
use crate::journal::event::{Judgement, StepStatus};

/// How much is shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Steps of passed runs too.
    pub steps: bool,
    /// Every call of every step.
    pub calls: bool,
    /// With colours.
    pub colour: bool,
}

/// Tells one run. `wall` is how long it took a person to wait, if that is known.
#[must_use]
pub fn tell(summary: &Summary, view: View, wall: Option<std::time::Duration>) -> String {
    let mut out = String::new();
    let paint = Paint(view.colour);
    let word = match summary.judgement {
        Judgement::Pass => paint.green("PASS"),
        Judgement::Fail => paint.red("FAIL"),
        Judgement::Unknown => paint.yellow("UNKNOWN"),
        Judgement::Error => paint.red("ERROR"),
    };
    let run = &summary.run;
    let wall = wall
        .map(|wall| format!(" / {:.2}s", wall.as_secs_f64()))
        .unwrap_or_default();
    let took = SimTime(summary.took().0);
    line(&mut out, format_args!("{word}  {}", paint.bold(&run.title)));
    line(
        &mut out,
        format_args!(
            "      {}",
            paint.dim(&format!(
                "{}  seed {}  {took} sim{wall}",
                run.name, run.seed
            ))
        ),
    );
    if view.steps || summary.judgement != Judgement::Pass {
        steps(&mut out, summary, view, paint);
        claims(&mut out, summary, paint);
    }
    for problem in summary.problems() {
        line(&mut out, format_args!(""));
        line(
            &mut out,
            format_args!(
                "{}",
                picture::draw(&run.file, &run.source, problem, view.colour)
            ),
        );
    }
    if summary.judgement != Judgement::Pass {
        line(&mut out, format_args!("\n      {}", summary.because));
        let again = format!("again: faultline run {} --seed {}", run.file, run.seed);
        line(&mut out, format_args!("      {}", paint.dim(&again)));
    }
    out
}

fn steps(out: &mut String, summary: &Summary, view: View, paint: Paint) {
    let mut faults: Vec<(SimTime, String)> = Vec::new();
    for fault in &summary.faults {
        faults.push((
            fault.began,
            format!("{} {}", paint.yellow("!"), fault.fault.text),
        ));
        if let Some(healed) = fault.healed {
            faults.push((
                healed,
                format!("{} healed: {}", paint.dim("~"), fault.fault.text),
            ));
        }
    }
    faults.sort_by_key(|(t, _)| *t);
    let mut faults = faults.into_iter().peekable();
    for step in &summary.steps {
        while let Some((t, told)) = faults.next_if(|(t, _)| *t <= step.began) {
            line(out, format_args!("  {:>10}  {told}", summary.at(t)));
        }
        one_step(out, summary, step, view, paint);
    }
    for (t, told) in faults {
        line(out, format_args!("  {:>10}  {told}", summary.at(t)));
    }
}

fn one_step(out: &mut String, summary: &Summary, step: &StepLine, view: View, paint: Paint) {
    let tick = match step.status {
        StepStatus::Passed => paint.green("✓"),
        StepStatus::Failed => paint.red("✗"),
        StepStatus::Skipped => paint.dim("-"),
        StepStatus::Interrupted => paint.yellow("?"),
    };
    let indent = "  ".repeat(step.step.step.matches('.').count());
    let lane = if step.step.lane.is_empty() {
        String::new()
    } else {
        format!("[{}] ", step.step.lane)
    };
    let at = summary.at(step.began);
    line(
        out,
        format_args!("  {at:>10}  {indent}{tick} {lane}{}", name(step)),
    );
    if step.status == StepStatus::Failed || view.calls {
        for call in &step.calls {
            line(
                out,
                format_args!("              {indent}{}", paint.dim(&call_line(call))),
            );
        }
        for refusal in &step.refusals {
            line(
                out,
                format_args!("              {indent}{}", paint.dim(refusal)),
            );
        }
    }
    if step.status == StepStatus::Failed && !step.why.is_empty() {
        line(
            out,
            format_args!("              {indent}why: {}", step.why.trim()),
        );
    }
}

fn claims(out: &mut String, summary: &Summary, paint: Paint) {
    let tick = |judgement: Judgement| match judgement {
        Judgement::Pass => paint.green("✓"),
        Judgement::Fail | Judgement::Error => paint.red("✗"),
        Judgement::Unknown => paint.yellow("?"),
    };
    for oracle in &summary.oracles {
        let meant = if oracle.meant_to_violate {
            " (meant to be violated)"
        } else {
            ""
        };
        let because = if oracle.because.is_empty() {
            String::new()
        } else {
            format!(": {}", oracle.because)
        };
        let about = if oracle.about.is_empty() {
            String::new()
        } else {
            format!(" {}", oracle.about)
        };
        let tick = tick(oracle.judgement);
        line(
            out,
            format_args!(
                "      always  {tick} {}{about}{meant}{because}",
                oracle.oracle
            ),
        );
    }
    for goal in &summary.goals {
        let measured = if goal.measured.is_empty() {
            "nothing measured"
        } else {
            &goal.measured
        };
        let (tick, samples) = (tick(goal.judgement), goal.samples);
        line(
            out,
            format_args!(
                "      goal    {tick} {} {}: {measured} of {samples} samples",
                goal.goal, goal.wanted
            ),
        );
    }
}

/// What a step is called: what it says, else what it does.
#[must_use]
pub fn name(step: &StepLine) -> String {
    let say = step.step.say.trim();
    match (say.is_empty(), step.step.verb.is_empty()) {
        (false, _) => say.to_owned(),
        (true, false) => {
            let at = step
                .step
                .region
                .as_ref()
                .map(|region| format!(" in {region}"))
                .unwrap_or_default();
            format!("{}{at}", step.step.verb)
        }
        (true, true) => format!("step {}", step.step.step),
    }
}

/// Calls in one line: `app kms.Encrypt in eu-west-1: ConnectTimeout by region_down (3 times)`.
#[must_use]
pub fn call_line(call: &CallLine) -> String {
    let mut told = format!("{} {} in {}: ", call.principal, call.operation, call.region);
    told.push_str(call.code.as_deref().unwrap_or("ok"));
    if let Some(by) = call.denied_by.as_ref().or(call.caused_by.as_ref()) {
        told.push_str(" by ");
        told.push_str(by);
    }
    if call.longest >= Span::secs(1) {
        let _ = write!(told, " after {}", SimTime(call.longest.0));
    }
    if call.count > 1 {
        let _ = write!(told, " ({} times)", call.count);
    }
    told
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
    fn green(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default().bold(), text)
    }
    fn red(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }
    fn yellow(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }
    fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }
    fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn a_failed_run_is_told_with_its_steps_its_faults_and_the_picture() {
        let view = View {
            steps: false,
            calls: false,
            colour: false,
        };
        let told = tell(&Summarizer::of(&example::journal()), view, None);
        insta::assert_snapshot!(told);
    }
}
