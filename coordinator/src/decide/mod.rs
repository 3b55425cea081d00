//! Policy questions outside of any run: `faultline decide`.
//!
//! A question is one line of JSON that brings everything the evaluator looks at: who asks, for
//! what, under which condition keys, and the policies of every kind. The answer is one line: the
//! decision and its reasons. Nothing is stored, no node runs, and no clock is read.
//!
//! - [`question`]: what a line may say, read strictly. [`papers`]: policy documents and grants.
//! - [`answer`]: the decision as a line.
//!
//! Left out: whether anybody named exists, and who is in which organisation: the question says
//! which policies bind.

mod answer;
mod papers;
mod question;
#[cfg(test)]
mod tests;

use question::Question;

/// What became of a file of questions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided {
    /// One JSON object for each question, each with its line's number.
    pub answers: Vec<String>,
    /// Sentences about lines that are no question, `line 3: ...`.
    pub problems: Vec<String>,
    /// Sentences about decisions that are not what the question expects.
    pub surprises: Vec<String>,
}

/// Decides every question of `text`, one a line; empty lines are passed over.
#[must_use]
pub fn decide(text: &str) -> Decided {
    let mut decided = Decided::default();
    for (number, line) in (1_u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let answer = match Question::read(line).and_then(|question| question.decide(number)) {
            Ok(answer) => answer,
            Err(problem) => {
                decided.problems.push(format!("line {number}: {problem}"));
                decided
                    .answers
                    .push(serde_json::json!({ "line": number, "error": problem }).to_string());
                continue;
            }
        };
        decided.surprises.extend(answer.surprise());
        decided.answers.push(answer.to_line());
    }
    decided
}
