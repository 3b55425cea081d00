//! What a person, and a build server, hear of a campaign.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::interrupt::Interrupt;
use super::super::say;
use super::super::stopwatch::Stopwatch;
use super::found::Kept;
use crate::campaign::search::Searched;
use crate::campaign::tally::{Failure, Tally};
use crate::campaign::{Campaign, check};
use crate::clock::Span;
use crate::journal::event::{GoalVerdict, Judgement};
use crate::runner::goals::judge_samples;

/// One line a second while it runs.
pub(super) struct Line<'a> {
    pub campaign: &'a Campaign,
    pub since: &'a Stopwatch,
    pub interrupt: &'a Interrupt,
    quiet: bool,
    told: Duration,
}

impl<'a> Line<'a> {
    pub fn new(
        campaign: &'a Campaign,
        since: &'a Stopwatch,
        interrupt: &'a Interrupt,
        quiet: bool,
    ) -> Self {
        Self {
            campaign,
            since,
            interrupt,
            quiet,
            told: Duration::ZERO,
        }
    }

    pub fn tell(&mut self, sum: &Tally) {
        let now = self.since.elapsed();
        if self.quiet || now.saturating_sub(self.told) < Duration::from_secs(1) {
            return;
        }
        self.told = now;
        say(&self.words(sum, now));
    }

    fn words(&self, sum: &Tally, now: Duration) -> String {
        format!(
            "{:>4}s  {} of {} runs  {}  {} faults  {} failed",
            now.as_secs(),
            sum.runs,
            sum.seeds.1,
            hours(sum.simulated),
            sum.faults,
            sum.failed
        )
    }

    pub fn finish(&self) {}
}

/// Virtual time in words.
fn hours(micros: u64) -> String {
    let tenths = micros / 360_000_000;
    match tenths {
        0 => format!("{} simulated", Span(micros / 1_000_000 * 1_000_000)),
        _ => format!("{}.{} simulated hours", tenths / 10, tenths % 10),
    }
}

/// The goals over the samples of all runs.
pub(super) fn goals(campaign: &Campaign, tally: &Tally) -> Vec<GoalVerdict> {
    let goals = check::goals(campaign);
    let samples = tally.samples.iter().map(|sum| {
        sum.iter()
            .flat_map(|(value, count)| {
                std::iter::repeat_n(*value, usize::try_from(*count).unwrap_or(usize::MAX))
            })
            .collect::<Vec<i64>>()
    });
    goals
        .iter()
        .zip(samples)
        .flat_map(|(goal, samples)| judge_samples(goal, &samples))
        .collect()
}

/// The result for people.
pub(super) fn human(
    campaign: &Campaign,
    searched: &Searched,
    kept: &[Kept],
    took: Duration,
) -> String {
    let tally = &searched.tally;
    let mut text = summary(campaign, tally);
    for (property, failures) in by_property(tally) {
        let first = failures[0];
        let _ = writeln!(
            text,
            "\n{property} broke in {} of {} runs, first in seed {}",
            failures.len(),
            tally.runs,
            first.seed
        );
        let _ = writeln!(text, "  {}", first.because);
        for kept in kept.iter().filter(|kept| kept.property == property) {
            let _ = writeln!(text, "  {}", kept.words());
        }
    }
    for seed in &searched.undetermined {
        let _ = writeln!(
            text,
            "\nseed {seed} gave two different journals: a bug of this program"
        );
    }
    if let Some((marks, new)) = searched.marks {
        let _ = writeln!(
            text,
            "  guided: {new} runs saw something new, {marks} marks in all"
        );
    }
    if searched.cut {
        let _ = writeln!(text, "\nit was cut before its last seed");
    }
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let _ = writeln!(
        text,
        "\n{} runs in {}.{:02}s: {} runs a second, {} in each second",
        tally.runs,
        millis / 1000,
        millis % 1000 / 10,
        tally.runs * 1000 / millis,
        hours(tally.simulated / millis * 1000)
    );
    text
}

/// What holds without a clock: also what `merge` tells.
pub(super) fn summary(campaign: &Campaign, tally: &Tally) -> String {
    let mut text = counts(campaign.title.as_str(), tally);
    for (operation, kinds) in tally.never_seen(campaign) {
        let _ = writeln!(text, "  never  {operation} during {}", kinds.join(", "));
    }
    for goal in goals(campaign, tally) {
        let sign = if goal.judgement == Judgement::Pass {
            "✓"
        } else {
            "✗"
        };
        let _ = writeln!(
            text,
            "  goal   {sign} {} {}: {} of {} samples",
            goal.goal, goal.wanted, goal.measured, goal.samples
        );
    }
    text
}

/// The numbers of a tally.
pub(super) fn counts(title: &str, tally: &Tally) -> String {
    let verdict = match (tally.failed, tally.unknown) {
        (0, 0) if tally.unreached().next().is_none() => "PASS",
        (0, 0) => "FAIL",
        (0, _) => "UNKNOWN",
        _ => "FAIL",
    };
    let mut text = format!("{verdict}  {title}\n");
    let _ = writeln!(
        text,
        "  {} runs, {} failed, {} unknown; {}, {} faults, {} calls, {} (operation, outcome, fault) seen",
        tally.runs,
        tally.failed,
        tally.unknown,
        hours(tally.simulated),
        tally.faults,
        tally.calls,
        tally.coverage.len()
    );
    for (reason, count) in &tally.unjudged {
        let _ = writeln!(text, "  unknown in {count}: {reason}");
    }
    for (name, count) in &tally.reach {
        let sign = if *count > 0 { "✓" } else { "✗" };
        let words = if *count > 0 {
            format!("in {count} runs")
        } else {
            "never".to_owned()
        };
        let _ = writeln!(text, "  reach  {sign} {name}: {words}");
    }
    text
}

/// Failures by what broke.
pub(super) fn by_property(tally: &Tally) -> BTreeMap<&str, Vec<&Failure>> {
    let mut map: BTreeMap<&str, Vec<&Failure>> = BTreeMap::new();
    for failure in &tally.failures {
        map.entry(&failure.property).or_default().push(failure);
    }
    map
}

/// A case for each property.
///
/// # Errors
/// When the XML cannot be written.
pub(super) fn junit(
    campaign: &Campaign,
    tally: &Tally,
) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(campaign.name.as_str());
    let failing = |words: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(words);
        status
    };
    for (property, failures) in by_property(tally) {
        let words = format!(
            "{} runs, first in seed {}: {}",
            failures.len(),
            failures[0].seed,
            failures[0].because
        );
        suite.add_test_case(TestCase::new(property, failing(words)));
    }
    for (name, count) in &tally.reach {
        let status = if *count > 0 {
            TestCaseStatus::success()
        } else {
            failing("no run reached it".into())
        };
        suite.add_test_case(TestCase::new(format!("reach {name}"), status));
    }
    for goal in goals(campaign, tally) {
        let status = if goal.judgement == Judgement::Pass {
            TestCaseStatus::success()
        } else {
            failing(format!("measured {}", goal.measured))
        };
        suite.add_test_case(TestCase::new(
            format!("goal {} {}", goal.goal, goal.wanted),
            status,
        ));
    }
    let status = if tally.failed == 0 {
        TestCaseStatus::success()
    } else {
        failing(format!("{} of {} runs failed", tally.failed, tally.runs))
    };
    suite.add_test_case(TestCase::new("all runs", status));
    let mut report = Report::new("faultline");
    report.add_test_suite(suite);
    report.to_string()
}
