//! Text, quoted for a shell.

use super::marks::{END, START};

/// A text as one word: marks become variables, all else stands for itself.
#[must_use]
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::new();
    for (nth, part) in text.split(START).enumerate() {
        let rest = match part.split_once(END) {
            Some((variable, rest)) if nth > 0 => {
                out.push_str(&format!("\"${variable}\""));
                rest
            }
            _ => part,
        };
        if !rest.is_empty() {
            out.push_str(&format!("'{}'", rest.replace('\'', "'\\''")));
        }
    }
    if out.is_empty() {
        out.push_str("''");
    }
    out
}

/// A name as a variable of the shell.
#[must_use]
pub(super) fn variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_themselves() {
        for (text, word) in [
            ("alias/payments", "alias/payments"),
            ("", "''"),
            ("it's", "'it'\\''s'"),
            ("$(rm -rf)", "'$(rm -rf)'"),
            ("arn:\u{E000}made_id\u{E001}/x", "'arn:'\"$made_id\"'/x'"),
            ("\u{E000}a\u{E001}", "\"$a\""),
        ] {
            assert_eq!(quoted(text), word, "{text}");
        }
        assert_eq!(variable("orders-mrk"), "orders_mrk");
    }
}
