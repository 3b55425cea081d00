//! JUnit XML: a scenario is a suite, a step a case, an oracle and a goal too.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary::{StepLine, Summary};
use super::{picture, terminal};
use crate::clock::Span;
use crate::journal::event::{Judgement, StepStatus};

/// All runs in one report.
///
/// # Errors
/// When the XML cannot be written, which text in memory can.
pub fn write(summaries: &[Summary]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("faultline");
    for summary in summaries {
        report.add_test_suite(suite(summary));
    }
    report.to_string()
}

fn suite(summary: &Summary) -> TestSuite {
    let mut suite = TestSuite::new(summary.run.name.as_str());
    suite.add_property(Property::new("seed", summary.run.seed.to_string()));
    suite.add_property(Property::new("title", summary.run.title.as_str()));
    suite.set_time(wall(summary.took()));
    for step in &summary.steps {
        suite.add_test_case(case(summary, step));
    }
    for oracle in &summary.oracles {
        let name = format!("always {} {}", oracle.oracle, oracle.about);
        let status = status(oracle.judgement, &oracle.because);
        suite.add_test_case(TestCase::new(name.trim().to_owned(), status));
    }
    for goal in &summary.goals {
        let name = format!("goal {} {}", goal.goal, goal.wanted);
        let status = status(
            goal.judgement,
            &format!("measured {} of {}", goal.measured, goal.samples),
        );
        suite.add_test_case(TestCase::new(name, status));
    }
    // A run that failed outside its steps must not look green.
    let told = status(summary.judgement, &summary.because);
    if matches!(summary.judgement, Judgement::Error | Judgement::Unknown) {
        suite.add_test_case(TestCase::new("the run", told));
    }
    suite
}

fn case(summary: &Summary, step: &StepLine) -> TestCase {
    let status = match step.status {
        StepStatus::Passed => TestCaseStatus::success(),
        StepStatus::Skipped => TestCaseStatus::skipped(),
        StepStatus::Interrupted => status(Judgement::Unknown, "the run was cut here"),
        StepStatus::Failed => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(problem) = &step.problem {
                failed.set_type(problem.code.as_str());
                failed.set_message(problem.message.as_str());
                let run = &summary.run;
                failed.set_description(picture::draw(&run.file, &run.source, problem, false));
            }
            failed
        }
    };
    let name = format!("{} {}", step.step.step, terminal::name(step));
    let mut case = TestCase::new(name, status);
    case.set_classname(summary.run.name.as_str());
    case.set_time(wall(step.ended.since(step.began)));
    case
}

fn status(judgement: Judgement, message: &str) -> TestCaseStatus {
    let (kind, word) = match judgement {
        Judgement::Pass => return TestCaseStatus::success(),
        Judgement::Fail => (NonSuccessKind::Failure, "fail"),
        Judgement::Unknown => (NonSuccessKind::Error, "unknown"),
        Judgement::Error => (NonSuccessKind::Error, "error"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word);
    status.set_message(message);
    status
}

/// Virtual time, as if it had been waited for.
fn wall(span: Span) -> Duration {
    Duration::from_micros(span.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn steps_oracles_and_goals_are_cases() {
        let xml = write(&[Summarizer::of(&example::journal())]).expect("XML");
        assert!(
            xml.contains(
                r#"<testsuite name="example" tests="4" skipped="0" errors="0" failures="2""#
            ),
            "{xml}"
        );
        assert!(
            xml.contains(r#"<property name="seed" value="7"/>"#),
            "{xml}"
        );
        assert!(
            xml.contains("asked 3 times in 3s"),
            "the picture is in it: {xml}"
        );
    }
}
