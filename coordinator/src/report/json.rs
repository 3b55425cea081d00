//! `run.json`: the summary, with what identifies the run.

use serde_json::{Value, json};

use super::Summary;

/// The run as JSON. `digest` is the journal's SHA-256.
#[must_use]
pub fn write(summary: &Summary, digest: &str) -> Value {
    let mut value =
        serde_json::to_value(summary).unwrap_or_else(|error| json!({ "error": error.to_string() }));
    value["digest"] = digest.into();
    value["simulated_us"] = summary.took().0.into();
    value
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn it_has_what_a_tool_asks_first() {
        let value = write(&Summarizer::of(&example::journal()), "abc");
        assert_eq!(value["judgement"], "fail");
        assert_eq!(value["seed"], 7);
        assert_eq!(value["digest"], "abc");
        assert_eq!(value["steps"][1]["problem"]["code"], "X0007");
        assert_eq!(value["simulated_us"], 7_000_000);
    }
}
