//! Wildcards: `*` is any run of characters, `?` is one, `${key}` is a value of the request.
//!
//! A pattern is compiled once, when its document is read. The common shapes (everything, one
//! exact text, a text with a star at its end) are compared without a search. A variable's value
//! is inserted as plain text: a star inside it matches only a star.

use std::borrow::Cow;

use super::glob::{Case, Unit, glob};

/// Where a pattern finds the values of its `${variables}`.
pub trait Variables {
    /// The single value of a (lower-case) condition key; `None` when absent or many-valued.
    fn value(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// A request without any condition keys.
#[derive(Debug, Clone, Copy)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn value(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// How a text becomes a pattern.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Whether case matters.
    pub case: Case,
    /// Whether `*` and `?` are wildcards.
    pub wildcards: bool,
    /// Whether `${...}` is a variable (policy version 2012-10-17, in places that allow it).
    pub variables: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Units(Box<[Unit]>),
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Wild(Box<[Unit]>),
    Variables(Box<[Part]>),
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    shape: Shape,
    case: Case,
}

impl Pattern {
    /// Compiles `text`; cannot fail, for an unfinished `${` is plain text.
    #[must_use]
    pub fn new(text: &str, reading: Reading) -> Self {
        let parts = read_parts(text, reading);
        let shape = match parts.as_slice() {
            [] => Shape::Exact("".into()),
            [Part::Units(units)] => plain_shape(units),
            _ => Shape::Variables(parts.into_boxed_slice()),
        };
        Self {
            text: text.into(),
            shape,
            case: reading.case,
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is a single `*`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.shape == Shape::Any
    }

    /// Whether all of `text` matches. A variable without a value matches nothing.
    #[must_use]
    pub fn matches(&self, text: &str, variables: &dyn Variables) -> bool {
        match &self.shape {
            Shape::Any => true,
            Shape::Exact(exact) => self.same(exact.as_bytes(), text.as_bytes()),
            Shape::Prefix(prefix) => {
                text.len() >= prefix.len()
                    && self.same(prefix.as_bytes(), &text.as_bytes()[..prefix.len()])
            }
            Shape::Wild(units) => glob(units, text.as_bytes(), self.case),
            Shape::Variables(parts) => match expand(parts, self.case, variables) {
                Some(units) => glob(&units, text.as_bytes(), self.case),
                None => false,
            },
        }
    }

    /// As [`Pattern::matches`], but each of the six parts of an ARN for itself, so that no star
    /// reaches across a colon of the first five (`ArnLike` and `ArnEquals`).
    #[must_use]
    pub fn matches_arn(&self, arn: &str, variables: &dyn Variables) -> bool {
        let owned: Cow<'_, [Unit]> = match &self.shape {
            Shape::Any => return arn.starts_with("arn:"),
            Shape::Exact(exact) => return self.same(exact.as_bytes(), arn.as_bytes()),
            Shape::Prefix(prefix) => {
                let mut units: Vec<Unit> = prefix.bytes().map(Unit::Byte).collect();
                units.push(Unit::Many);
                Cow::Owned(units)
            }
            Shape::Wild(units) => Cow::Borrowed(units),
            Shape::Variables(parts) => match expand(parts, self.case, variables) {
                Some(units) => Cow::Owned(units),
                None => return false,
            },
        };
        let mut wanted = owned.splitn(6, |unit| *unit == Unit::Byte(b':'));
        let mut given = arn.splitn(6, ':');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(units), Some(part)) if glob(units, part.as_bytes(), self.case) => {}
                _ => return false,
            }
        }
    }

    fn same(&self, own: &[u8], other: &[u8]) -> bool {
        match self.case {
            Case::Matters => own == other,
            Case::Ignored => own.eq_ignore_ascii_case(other),
        }
    }
}

fn plain_shape(units: &[Unit]) -> Shape {
    let wild = units
        .iter()
        .filter(|unit| !matches!(unit, Unit::Byte(_)))
        .count();
    let literal = |units: &[Unit]| -> Box<str> {
        let bytes = units.iter().filter_map(|unit| match unit {
            Unit::Byte(byte) => Some(*byte),
            Unit::One | Unit::Many => None,
        });
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into()
    };
    match (wild, units.last()) {
        (0, _) => Shape::Exact(literal(units)),
        (1, Some(Unit::Many)) if units.len() == 1 => Shape::Any,
        (1, Some(Unit::Many)) => Shape::Prefix(literal(units)),
        _ => Shape::Wild(units.into()),
    }
}

fn read_parts(text: &str, reading: Reading) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut units: Vec<Unit> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if reading.variables
            && let Some(inner) = rest.strip_prefix("${")
            && let Some(end) = inner.find('}')
        {
            match &inner[..end] {
                // The three escapes: `${*}`, `${?}` and `${$}` are the characters themselves.
                escape @ ("*" | "?" | "$") => units.extend(escape.bytes().map(Unit::Byte)),
                name => {
                    flush(&mut units, &mut parts);
                    parts.push(variable(name));
                }
            }
            rest = &inner[end + 1..];
            continue;
        }
        match first {
            // Two stars in a row say no more than one.
            '*' if reading.wildcards => {
                if units.last() != Some(&Unit::Many) {
                    units.push(Unit::Many);
                }
            }
            '?' if reading.wildcards => units.push(Unit::One),
            _ => units.extend(
                rest.as_bytes()[..first.len_utf8()]
                    .iter()
                    .map(|byte| Unit::Byte(*byte)),
            ),
        }
        rest = &rest[first.len_utf8()..];
    }
    flush(&mut units, &mut parts);
    parts
}

fn flush(units: &mut Vec<Unit>, parts: &mut Vec<Part>) {
    if !units.is_empty() {
        parts.push(Part::Units(std::mem::take(units).into_boxed_slice()));
    }
}

/// `key` or `key, 'default'`.
fn variable(inner: &str) -> Part {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, Some(default.trim().trim_matches('\''))),
        None => (inner, None),
    };
    Part::Variable {
        key: key.trim().to_ascii_lowercase().into(),
        default: default.map(Into::into),
    }
}

fn expand(parts: &[Part], case: Case, variables: &dyn Variables) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    for part in parts {
        match part {
            Part::Units(own) => units.extend_from_slice(own),
            Part::Variable { key, default } => {
                let value = variables
                    .value(key)
                    .or(default.as_deref().map(Cow::Borrowed))?;
                units.extend(value.bytes().map(|byte| match case {
                    Case::Matters => Unit::Byte(byte),
                    Case::Ignored => Unit::Byte(byte.to_ascii_lowercase()),
                }));
            }
        }
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);
    impl Variables for One {
        fn value(&self, key: &str) -> Option<Cow<'_, str>> {
            (key == "aws:username").then_some(Cow::Borrowed(self.0))
        }
    }

    fn wild(text: &str) -> Pattern {
        Pattern::new(
            text,
            Reading {
                case: Case::Matters,
                wildcards: true,
                variables: true,
            },
        )
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("kms:*", "kms:Encrypt", true),
            ("kms:*", "kms", false),
            ("kms:Generate*Key", "kms:GenerateDataKey", true),
            ("kms:Generate*Key", "kms:GenerateDataKeyPair", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("**", "x", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("*é", "xé", true),
            ("?", "日", true),
            ("*?", "", false),
        ] {
            assert_eq!(
                wild(pattern).matches(text, &NoVariables),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        let action = |text| {
            Pattern::new(
                text,
                Reading {
                    case: Case::Ignored,
                    wildcards: true,
                    variables: false,
                },
            )
        };
        assert!(action("KMS:enc*").matches("kms:Encrypt", &NoVariables));
        assert!(action("kms:encrypt").matches("kms:Encrypt", &NoVariables));
        assert!(action("kms:*crypt").matches("kms:ENCRYPT", &NoVariables));
        assert!(!wild("arn:aws:s3:::Photos").matches("arn:aws:s3:::photos", &NoVariables));
    }

    #[test]
    fn variables_are_inserted_as_plain_text() {
        let home = wild("arn:aws:s3:::home/${aws:username}/*");
        assert!(home.matches("arn:aws:s3:::home/ann/x", &One("ann")));
        assert!(!home.matches("arn:aws:s3:::home/bob/x", &One("ann")));
        assert!(
            !home.matches("arn:aws:s3:::home/bob/x", &One("*")),
            "a star in a value is only a star"
        );
        assert!(
            !home.matches("arn:aws:s3:::home//x", &NoVariables),
            "a missing value matches nothing"
        );
        assert!(wild("${aws:PrincipalTag/team, 'none'}/*").matches("none/x", &NoVariables));
        assert!(wild("a${*}b${?}${$}").matches("a*b?$", &NoVariables));
        assert!(wild("${unfinished").matches("${unfinished", &NoVariables));
    }

    #[test]
    fn an_arn_is_compared_part_by_part() {
        for (pattern, arn, expected) in [
            (
                "arn:aws:kms:*:111111111111:key/*",
                "arn:aws:kms:eu-west-1:111111111111:key/k",
                true,
            ),
            (
                "arn:aws:*:key/*",
                "arn:aws:kms:eu-west-1:111111111111:key/k",
                false,
            ),
            (
                "arn:aws:sns:*:*:*",
                "arn:aws:sns:eu-west-1:111111111111:a:b",
                true,
            ),
            ("arn:aws:s3:::photos*", "arn:aws:s3:::photos/x:y", true),
            ("*", "arn:aws:s3:::photos", true),
            ("*", "photos", false),
        ] {
            assert_eq!(
                wild(pattern).matches_arn(arn, &NoVariables),
                expected,
                "{pattern} on {arn}"
            );
        }
    }
}
