//! A place in an item: a name, then members and list positions, `a.b[3].c`.

use std::fmt;

use crate::error::SealedError;
use crate::value::{Item, Value};

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(String),
    Position(usize),
}

/// A parsed place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    attribute: String,
    steps: Vec<Step>,
}

impl Location {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for an empty text or a broken list position.
    pub fn parse(text: &str) -> Result<Self, SealedError> {
        let refused = |why: &str| Err(SealedError::SchemaViolation(why.to_owned()));
        let next = |text: &str| text.find(['.', '[']).unwrap_or(text.len());
        if text.is_empty() {
            return refused("Path specification must not be empty.");
        }
        let (attribute, mut rest) = text.split_at(next(text));
        let mut steps = Vec::new();
        while let Some(mark) = rest.chars().next() {
            let end = 1 + next(&rest[1..]);
            let (step, after) = (&rest[1..end], &rest[end..]);
            rest = after;
            if mark == '.' {
                steps.push(Step::Member(step.to_owned()));
                continue;
            }
            let Some(digits) = step.strip_suffix(']') else {
                return refused("List index must end with ]");
            };
            match digits.parse() {
                Ok(position) => steps.push(Step::Position(position)),
                Err(_) => {
                    return refused(&format!("Unexpected character in number : {digits}"));
                }
            }
        }
        Ok(Self {
            attribute: attribute.to_owned(),
            steps,
        })
    }

    /// The attribute that the place is in.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Whether the place is a whole attribute.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is there.
    #[must_use]
    pub fn value<'i>(&self, item: &'i Item) -> Option<&'i Value> {
        let mut value = item.get(&self.attribute)?;
        for step in &self.steps {
            value = match (step, value) {
                (Step::Member(name), Value::M(members)) => members.get(name)?,
                (Step::Position(at), Value::L(values)) => values.get(*at)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// What is there, as text: numbers as they are written, truth and null by name.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a value that has no text.
    pub fn text(&self, item: &Item) -> Result<Option<String>, SealedError> {
        self.value(item).map(text_of).transpose()
    }
}

fn text_of(value: &Value) -> Result<String, SealedError> {
    let no_text = |what: &str| {
        Err(SealedError::SchemaViolation(format!(
            "Can't convert {what}"
        )))
    };
    match value {
        Value::S(text) | Value::N(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Ok("null".to_owned()),
        Value::B(_) => no_text("Binary to string"),
        Value::Ss(_) => no_text("String Set to string."),
        Value::Ns(_) => no_text("Number Set to string."),
        Value::Bs(_) => no_text("Binary Set to string."),
        Value::L(_) => no_text("List to string."),
        Value::M(_) => no_text("Map to string."),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attribute)?;
        for step in &self.steps {
            match step {
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Position(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_members_and_positions() {
        let inner = Value::M([("c".to_owned(), Value::Bool(true))].into());
        let list = Value::L(vec![Value::Null, inner]);
        let item: Item = [("a".to_owned(), Value::M([("b".to_owned(), list)].into()))].into();
        let at = |text: &str| Location::parse(text).unwrap();
        assert_eq!(at("a.b[1].c").text(&item), Ok(Some("true".to_owned())));
        assert_eq!(at("a.b[0]").text(&item), Ok(Some("null".to_owned())));
        assert_eq!(at("a.b[2]").text(&item), Ok(None));
        assert_eq!(at("a[0]").text(&item), Ok(None));
        assert_eq!(at("x").text(&item), Ok(None));
        assert_eq!(at("a.b[1].c").to_string(), "a.b[1].c");
        assert_eq!(
            at("a").text(&item).unwrap_err().to_string(),
            "Can't convert Map to string."
        );
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for bad in ["", "a[1", "a[x]", "a[-1]"] {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }
}
