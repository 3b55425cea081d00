//! What happened by itself and is worth a line at the step during which it did: an object that S3 did
//! not replicate, and why; a destination that has caught up.

use std::collections::BTreeMap;

/// Lines of one step, at most.
const MOST: usize = 20;

/// Adds a line, unless there are enough.
pub(super) fn tell(lines: &mut Vec<String>, told: String) {
    if lines.len() < MOST {
        lines.push(told);
    }
}

/// What a Region's note says to people; most say nothing.
pub(super) fn told(note: &str, fields: &BTreeMap<String, String>) -> Option<String> {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let seconds = |name: &str| field(name).parse::<u64>().unwrap_or_default() / 1_000_000;
    match note {
        "replicated" if field("service") == "s3" && field("outcome") == "FAILED" => Some(format!(
            "{} of {} did not go to {} by rule {}: {}: {}",
            field("key"),
            field("bucket"),
            field("to"),
            field("rule"),
            field("reason"),
            field("why"),
        )),
        "replication_caught_up" => Some(format!(
            "{} caught up with {}: {} operations in {} s, after {} s of silence",
            field("to"),
            field("bucket"),
            field("operations"),
            seconds("took_us"),
            seconds("silent_us"),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_why_and_a_recovery_how_long() {
        let fields = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let failed = fields(&[
            ("service", "s3"),
            ("outcome", "FAILED"),
            ("bucket", "photos"),
            ("key", "sea"),
            ("to", "copy"),
            ("rule", "all"),
            ("reason", "DstKmsKeyInvalidState"),
            ("why", "KMS.DisabledException: it is disabled"),
        ]);
        assert_eq!(
            told("replicated", &failed).as_deref(),
            Some(
                "sea of photos did not go to copy by rule all: DstKmsKeyInvalidState: KMS.DisabledException: it is disabled"
            )
        );
        let caught_up = fields(&[
            ("bucket", "photos"),
            ("to", "copy"),
            ("operations", "7"),
            ("took_us", "2500000"),
            ("silent_us", "7200000000"),
        ]);
        assert_eq!(
            told("replication_caught_up", &caught_up).as_deref(),
            Some("copy caught up with photos: 7 operations in 2 s, after 7200 s of silence")
        );
        assert_eq!(told("replica_written", &caught_up), None);
    }
}
