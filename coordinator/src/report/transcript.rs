//! The golden story of a run: what a reviewer reads when behaviour changes.
//!
//! One line a step, one a kind of call, refusals and faults where they happened, messages
//! in sums. Times are there to the tenth of a second: enough to see that something now
//! takes another way, too little to change with every byte on the wire.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::summary::{StepLine, Summary};
use super::terminal::{call_line, name};
use crate::clock::SimTime;
use crate::journal::event::{Judgement, StepStatus};

/// Writes the story.
#[must_use]
pub fn write(summary: &Summary) -> String {
    let mut out = String::new();
    let run = &summary.run;
    line(
        &mut out,
        format_args!("{}: {} (seed {})", run.name, run.title, run.seed),
    );
    let set_up = tenths(SimTime(summary.zero.0));
    line(
        &mut out,
        format_args!("set-up: {} calls, {set_up}", summary.set_up_calls),
    );
    let mut faults = Vec::new();
    for fault in &summary.faults {
        faults.push((fault.began, format!("begins: {}", fault.fault.text)));
        faults.extend(
            fault
                .healed
                .map(|healed| (healed, format!("heals:  {}", fault.fault.text))),
        );
    }
    faults.sort_by_key(|(t, _)| *t);
    let mut faults = faults.into_iter().peekable();
    let mut fold = Fold::default();
    for step in &summary.steps {
        if fold.takes(step) {
            continue;
        }
        fold.tell(&mut out);
        while let Some((t, told)) = faults.next_if(|(t, _)| *t <= step.began) {
            line(&mut out, format_args!("{:>8}  -- {told}", at(summary, t)));
        }
        one_step(&mut out, summary, step);
    }
    fold.tell(&mut out);
    for (t, told) in faults {
        line(&mut out, format_args!("{:>8}  -- {told}", at(summary, t)));
    }
    sums(&mut out, summary);
    claims(&mut out, summary);
    out
}

/// Steps of one loop that are told; what is more of the same is counted.
const TOLD: usize = 60;

/// What of a long loop is not told: steps that passed and met nothing.
#[derive(Default)]
struct Fold {
    /// Steps told by the number of the step that holds them.
    told: BTreeMap<String, usize>,
    more: usize,
}

impl Fold {
    fn takes(&mut self, step: &StepLine) -> bool {
        let id = &step.step.step;
        let top = id.split(['.', '[']).next().unwrap_or(id);
        let told = self.told.entry(top.to_owned()).or_default();
        let dull = step.status == StepStatus::Passed && step.refusals.is_empty();
        if dull && *told >= TOLD {
            self.more += 1;
            return true;
        }
        *told += 1;
        false
    }

    fn tell(&mut self, out: &mut String) {
        if self.more > 0 {
            let more = std::mem::take(&mut self.more);
            line(
                out,
                format_args!("               ... and {more} more steps that passed"),
            );
        }
    }
}

fn one_step(out: &mut String, summary: &Summary, step: &StepLine) {
    let mark = match step.status {
        StepStatus::Passed => "ok  ",
        StepStatus::Failed => "FAIL",
        StepStatus::Skipped => "skip",
        StepStatus::Interrupted => "cut ",
    };
    let lane = if step.step.lane.is_empty() {
        String::new()
    } else {
        format!("[{}] ", step.step.lane)
    };
    let at = at(summary, step.began);
    line(
        out,
        format_args!("{at:>8}  {mark} {} {lane}{}", step.step.step, name(step)),
    );
    for call in &step.calls {
        line(out, format_args!("               {}", call_line(call)));
    }
    for refusal in &step.refusals {
        line(out, format_args!("               {refusal}"));
    }
    if !step.summary.is_empty() {
        line(out, format_args!("               {}", step.summary));
    }
    if let Some(problem) = &step.problem {
        line(
            out,
            format_args!("               {}: {}", problem.code, problem.message),
        );
        for note in &problem.notes {
            line(out, format_args!("               note: {note}"));
        }
        for help in &problem.help {
            line(out, format_args!("               help: {help}"));
        }
    }
}

fn sums(out: &mut String, summary: &Summary) {
    for (way, messages) in &summary.messages {
        let lost = if messages.lost == 0 {
            String::new()
        } else {
            format!(", {} lost", messages.lost)
        };
        line(
            out,
            format_args!("messages: {way}: {}{lost}", messages.sent),
        );
    }
    if !summary.notes.is_empty() {
        let notes: Vec<String> = summary
            .notes
            .iter()
            .map(|(note, count)| format!("{note} {count}"))
            .collect();
        line(out, format_args!("notes: {}", notes.join(", ")));
    }
}

fn claims(out: &mut String, summary: &Summary) {
    for oracle in &summary.oracles {
        let word = match oracle.judgement {
            Judgement::Pass => "holds",
            Judgement::Fail => "violated",
            Judgement::Unknown => "unknown",
            Judgement::Error => "broken",
        };
        let about = if oracle.about.is_empty() {
            String::new()
        } else {
            format!(" {}", oracle.about)
        };
        let because = if oracle.because.is_empty() {
            String::new()
        } else {
            format!(": {}", oracle.because)
        };
        line(
            out,
            format_args!("always {}{about}: {word}{because}", oracle.oracle),
        );
    }
    for goal in &summary.goals {
        let measured = if goal.measured.is_empty() {
            "nothing measured"
        } else {
            &goal.measured
        };
        let word = judgement(goal.judgement);
        line(
            out,
            format_args!(
                "goal {} {}: {word}, {measured} of {} samples",
                goal.goal, goal.wanted, goal.samples
            ),
        );
    }
    let because = if summary.because.is_empty() {
        String::new()
    } else {
        format!(": {}", summary.because)
    };
    line(
        out,
        format_args!("{}{because}", judgement(summary.judgement)),
    );
}

/// A judgement as a word.
#[must_use]
pub fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Pass => "pass",
        Judgement::Fail => "fail",
        Judgement::Unknown => "unknown",
        Judgement::Error => "error",
    }
}

fn at(summary: &Summary, t: SimTime) -> String {
    if t < summary.zero {
        "set-up".to_owned()
    } else {
        tenths(SimTime(t.since(summary.zero).0))
    }
}

fn tenths(t: SimTime) -> String {
    let tenths = t.0.saturating_add(50_000) / 100_000;
    format!("{}.{}s", tenths / 10, tenths % 10)
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn it_reads_as_a_story() {
        insta::assert_snapshot!(write(&Summarizer::of(&example::journal())));
    }
}
