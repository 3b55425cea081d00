//! The names of a world, by kind, and what may be said with them.

use std::collections::BTreeMap;

use faultline_proto::tables::Referent;

use super::source::Span;

/// All names of a world, each with its place.
#[derive(Debug, Clone, Default)]
pub struct Names {
    by_kind: BTreeMap<Referent, BTreeMap<String, Span>>,
    /// Tables for which a sealed client is described.
    pub sealed: BTreeMap<String, Span>,
}

impl Names {
    /// Adds a name.
    pub fn add(&mut self, kind: Referent, name: impl Into<String>, span: Span) {
        self.by_kind
            .entry(kind)
            .or_default()
            .insert(name.into(), span);
    }
    /// Whether the world has that name.
    #[must_use]
    pub fn has(&self, kind: Referent, name: &str) -> bool {
        self.by_kind
            .get(&kind)
            .is_some_and(|names| names.contains_key(name))
    }
    /// All names of a kind.
    pub fn of(&self, kind: Referent) -> impl Iterator<Item = &str> {
        self.by_kind
            .get(&kind)
            .into_iter()
            .flat_map(|names| names.keys().map(String::as_str))
    }
    /// The kind of thing that has that name, if it is of another kind.
    #[must_use]
    pub fn other_kind(&self, kind: Referent, name: &str) -> Option<Referent> {
        self.by_kind
            .iter()
            .find(|(other, names)| **other != kind && names.contains_key(name))
            .map(|(other, _)| *other)
    }
}

/// A kind of thing, in words.
#[must_use]
pub fn in_words(kind: Referent) -> &'static str {
    match kind {
        Referent::Account => "account",
        Referent::Principal => "principal",
        Referent::Key => "key",
        Referent::Bucket => "bucket",
        Referent::Table => "table",
        Referent::Volume => "volume",
        Referent::Region => "Region",
    }
}

/// The code of "unknown name" for a kind.
#[must_use]
pub fn unknown_code(kind: Referent) -> &'static str {
    match kind {
        Referent::Region => "E0201",
        Referent::Account => "E0203",
        Referent::Principal => "E0204",
        Referent::Key => "E0205",
        Referent::Bucket => "E0206",
        Referent::Table => "E0207",
        Referent::Volume => "E0208",
    }
}

/// Whether a text is what AWS itself calls things of that kind, and so no name of a world.
#[must_use]
pub fn is_aws_spelling(kind: Referent, text: &str) -> bool {
    if text.starts_with("arn:") {
        return true;
    }
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match kind {
        Referent::Account => {
            (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()))
                || matches!(text, "self" | "amazon" | "all")
        }
        Referent::Key => {
            let uuid = text.len() == 36 && text.split('-').all(hex);
            uuid || text.starts_with("alias/") || text.strip_prefix("mrk-").is_some_and(hex)
        }
        Referent::Volume => text.strip_prefix("vol-").is_some_and(hex),
        Referent::Principal => text == "*" || text.ends_with(".amazonaws.com"),
        Referent::Bucket | Referent::Table | Referent::Region => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_aws_are_no_names() {
        assert!(is_aws_spelling(Referent::Key, "alias/aws/ebs"));
        assert!(is_aws_spelling(
            Referent::Key,
            "mrk-1234567890abcdef1234567890abcdef"
        ));
        assert!(is_aws_spelling(
            Referent::Key,
            "1234abcd-12ab-34cd-56ef-1234567890ab"
        ));
        assert!(!is_aws_spelling(Referent::Key, "payments"));
        assert!(is_aws_spelling(Referent::Account, "111111111111"));
        assert!(!is_aws_spelling(Referent::Table, "orders"));
    }
}
