//! The regular expressions of the service models, each compiled at its first use.
//!
//! They are written in Java's syntax and hold for the whole text. A pattern that we
//! cannot compile lets everything pass; a test holds that the definitions have none.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use regex::Regex;

type Compiled = Option<Arc<Regex>>;

static CACHE: RwLock<BTreeMap<&'static str, Compiled>> = RwLock::new(BTreeMap::new());

/// Whether the whole of `value` matches.
#[must_use]
pub fn matches(pattern: &'static str, value: &str) -> bool {
    compiled(pattern).is_none_or(|regex| regex.is_match(value))
}

/// Whether the whole of `value` matches a pattern that a user wrote; `None` when it is none.
#[must_use]
pub fn matches_once(pattern: &str, value: &str) -> Option<bool> {
    compile(pattern).map(|regex| regex.is_match(value))
}

/// Whether we understand the pattern.
#[must_use]
pub fn compiles(pattern: &'static str) -> bool {
    compiled(pattern).is_some()
}

fn compiled(pattern: &'static str) -> Compiled {
    if let Some(known) = CACHE
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(pattern)
    {
        return known.clone();
    }
    let regex = compile(pattern).map(Arc::new);
    CACHE
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(pattern, regex.clone());
    regex
}

fn compile(pattern: &str) -> Option<Regex> {
    let text = pattern
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\d", "[0-9]");
    let mut rust = String::from("^(?s:");
    let mut rest = text.as_str();
    // Java's \uXXXX has no braces.
    while let Some(at) = rest.find(r"\u") {
        let (before, escape) = rest.split_at(at);
        rust.push_str(before);
        rust.push_str(&format!("\\u{{{}}}", escape.get(2..6)?));
        rest = &escape[6..];
    }
    rust.push_str(rest);
    rust.push_str(")$");
    Regex::new(&rust).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns_hold_for_the_whole_text() {
        assert!(matches(r"[\u0020-\u00FF]+", "été"));
        assert!(!matches(r"[\w+=,.@-]+", "a b"));
        assert!(
            !matches(r"[\w+=,.@-]+", "é"),
            "Java's word characters are ASCII"
        );
        assert!(matches(r"\d{3}", "123") && !matches(r"\d{3}", "1234"));
        assert!(!compiles("("));
    }
}
