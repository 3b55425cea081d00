//! The page of a property that broke: what, in which seeds, and the timeline of one run of it.

use std::fmt::Write as _;

use crate::campaign::recorded::Recorded;
use crate::campaign::tally::Failure;
use crate::campaign::{Campaign, trial};
use crate::journal::{Journal, Memory};
use crate::report::summary::Summarizer;
use crate::report::terminal::{View, tell};
use crate::report::transcript;
use crate::transport::Loopback;

/// Seeds that are named, at most.
const NAMED: usize = 20;

/// What is told of a property.
pub(super) struct Page<'a> {
    pub campaign: &'a Campaign,
    pub property: &'a str,
    /// Its failures, by seed.
    pub failures: &'a [&'a Failure],
    /// Runs in all.
    pub runs: u64,
    /// The plan of its first failing run, made small.
    pub recorded: &'a Recorded,
    /// How big it was, and is.
    pub sizes: (&'a str, &'a str),
    /// File name of the scenario.
    pub scenario: &'a str,
}

impl Page<'_> {
    /// The page, in Markdown.
    pub fn write(&self) -> String {
        let Self {
            campaign,
            property,
            failures,
            runs,
            recorded,
            sizes: (before, after),
            scenario,
        } = self;
        let memory = Memory::default();
        let trial = trial::over(
            campaign,
            &[],
            recorded,
            Box::new(Loopback::new()),
            Journal::new().heard_by(memory.clone()),
        );
        let summary = memory.with(|events| Summarizer::of(events));
        let seeds: Vec<String> = failures.iter().map(|it| it.seed.to_string()).collect();
        let more = seeds.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let first = &failures[0];
        let because = trial.failed.map_or_else(String::new, |it| it.because);
        let view = View {
            steps: false,
            calls: false,
            colour: false,
        };
        let mut text = String::new();
        let _ = writeln!(text, "# {property}\n\n{}\n", campaign.title);
        let _ = writeln!(
            text,
            "Broke in {} of {runs} runs: {}{more}.\n",
            failures.len(),
            seeds
                .iter()
                .take(NAMED)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        );
        let _ = writeln!(text, "- In run {}: {}", first.seed, first.because);
        let _ = writeln!(text, "- Made small ({before} to {after}): {because}");
        let _ = writeln!(text, "- Again: `faultline run {scenario}`\n");
        let _ = writeln!(
            text,
            "## Timeline\n\n```text\n{}```\n",
            transcript::write(&summary)
        );
        let _ = writeln!(
            text,
            "## What failed\n\n```text\n{}```\n",
            tell(&summary, view, None)
        );
        let plan = trial::text(campaign, recorded);
        let _ = writeln!(text, "## Scenario\n\n```yaml\n{plan}```");
        text
    }
}
