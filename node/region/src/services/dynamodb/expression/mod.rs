//! Expressions: conditions, updates, projections, and the placeholders in them.
//!
//! - [`Scope`]: what `#names` and `:values` of a request stand for, and which were used.
//! - [`condition`] and `holds`, [`update`] and `change`, [`path`]: what an expression says, and of an item.
//! - [`key`]: what a Query may say of a key.
//! - `parser` over `tokens`; `reserved`: words that are no attribute names.
//!
//! All are parsed before anything is read, so a wrong expression is refused whatever is stored.

mod change;
pub(crate) mod condition;
mod holds;
pub(crate) mod key;
mod parser;
pub(crate) mod path;
mod reserved;
mod tokens;
pub(crate) mod update;

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::AttributeValue;

use self::condition::Condition;
use self::parser::Parser;
use self::path::Path;
use self::update::Update;
use super::error::DynamoError;
use super::value::Value;

/// What is wrong with an expression; the caller says which expression it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) String);

impl Problem {
    fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    fn of(self, expression: &str) -> DynamoError {
        DynamoError::Validation(format!("Invalid {expression}: {}", self.0))
    }
}

/// The placeholders of a request.
#[derive(Debug)]
pub(crate) struct Scope<'m> {
    names: &'m BTreeMap<String, String>,
    values: BTreeMap<&'m str, Value>,
    unused_names: BTreeSet<&'m str>,
    unused_values: BTreeSet<&'m str>,
}

impl<'m> Scope<'m> {
    /// Checks the placeholders; `expressions` are the request's expressions and their names.
    pub(crate) fn new(
        names: &'m BTreeMap<String, String>,
        values: &'m BTreeMap<String, AttributeValue>,
        expressions: &[(&str, Option<&String>)],
    ) -> Result<Self, DynamoError> {
        if expressions.iter().all(|(_, text)| text.is_none()) {
            for (member, any) in [
                ("ExpressionAttributeNames", !names.is_empty()),
                ("ExpressionAttributeValues", !values.is_empty()),
            ] {
                if any {
                    return Err(without_expression(member, expressions));
                }
            }
        }
        check_placeholders("ExpressionAttributeNames", '#', names.keys())?;
        check_placeholders("ExpressionAttributeValues", ':', values.keys())?;
        let read = values.iter().map(|(name, value)| {
            let value = Value::read(value).map_err(|error| {
                DynamoError::Validation(format!(
                    "ExpressionAttributeValues contains invalid value: {error} for key {name}"
                ))
            })?;
            Ok((name.as_str(), value))
        });
        Ok(Self {
            names,
            values: read.collect::<Result<_, DynamoError>>()?,
            unused_names: names.keys().map(String::as_str).collect(),
            unused_values: values.keys().map(String::as_str).collect(),
        })
    }

    fn name(&mut self, placeholder: &str) -> Result<String, Problem> {
        self.unused_names.remove(placeholder);
        self.names.get(placeholder).cloned().ok_or_else(|| {
            Problem(format!(
                "An expression attribute name used in the document path is not defined; \
                 attribute name: {placeholder}"
            ))
        })
    }

    fn value(&mut self, placeholder: &str) -> Result<Value, Problem> {
        self.unused_values.remove(placeholder);
        self.values.get(placeholder).cloned().ok_or_else(|| {
            Problem(format!(
                "An expression attribute value used in expression is not defined; attribute \
                 value: {placeholder}"
            ))
        })
    }

    /// Reads a ConditionExpression.
    pub(crate) fn condition(
        &mut self,
        text: Option<&String>,
    ) -> Result<Option<Condition>, DynamoError> {
        self.condition_of("ConditionExpression", text)
    }

    /// Reads a condition that the request calls `member`.
    pub(crate) fn condition_of(
        &mut self,
        member: &str,
        text: Option<&String>,
    ) -> Result<Option<Condition>, DynamoError> {
        text.map(|text| Parser::new(text, self).and_then(|mut parser| condition::read(&mut parser)))
            .transpose()
            .map_err(|problem| problem.of(member))
    }

    /// Reads an UpdateExpression.
    pub(crate) fn update(&mut self, text: Option<&String>) -> Result<Option<Update>, DynamoError> {
        text.map(|text| Parser::new(text, self).and_then(|mut parser| update::read(&mut parser)))
            .transpose()
            .map_err(|problem| problem.of("UpdateExpression"))
    }

    /// Reads a ProjectionExpression.
    pub(crate) fn projection(
        &mut self,
        text: Option<&String>,
    ) -> Result<Option<Vec<Path>>, DynamoError> {
        text.map(|text| Parser::new(text, self).and_then(|mut parser| projection(&mut parser)))
            .transpose()
            .map_err(|problem| problem.of("ProjectionExpression"))
    }

    /// Every placeholder must have been used.
    pub(crate) fn all_used(&self) -> Result<(), DynamoError> {
        for (member, unused) in [
            ("ExpressionAttributeNames", &self.unused_names),
            ("ExpressionAttributeValues", &self.unused_values),
        ] {
            if !unused.is_empty() {
                let keys: Vec<&str> = unused.iter().copied().collect();
                return Err(DynamoError::Validation(format!(
                    "Value provided in {member} unused in expressions: keys: {{{}}}",
                    keys.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// The top-level attributes that an expression names, as far as it can be read.
pub(crate) fn heads(text: &str, names: &BTreeMap<String, String>) -> BTreeSet<String> {
    let Ok(tokens) = tokens::read(text) else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    let mut before = None;
    for (at, token) in tokens.iter().enumerate() {
        let called = tokens
            .get(at + 1)
            .is_some_and(|next| next.kind == tokens::Kind::Sign("("));
        let nested = before == Some(&tokens::Kind::Sign("."));
        match &token.kind {
            tokens::Kind::Name(name) if !nested => found.extend(names.get(name).cloned()),
            tokens::Kind::Word(word) if !nested && !called && !reserved::is_reserved(word) => {
                found.insert(word.clone());
            }
            _ => {}
        }
        before = Some(&token.kind);
    }
    found
}

fn without_expression(member: &str, expressions: &[(&str, Option<&String>)]) -> DynamoError {
    let names: Vec<&str> = expressions.iter().map(|(name, _)| *name).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    DynamoError::Validation(format!(
        "{member} can only be specified when using expressions: {} {verb} null",
        names.join(" and ")
    ))
}

fn check_placeholders<'k>(
    member: &str,
    mark: char,
    keys: impl Iterator<Item = &'k String>,
) -> Result<(), DynamoError> {
    for key in keys {
        let known = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let fits = key
            .strip_prefix(mark)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(known));
        if !fits {
            return Err(DynamoError::Validation(format!(
                "{member} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
    }
    Ok(())
}

fn projection(parser: &mut Parser<'_, '_>) -> Result<Vec<Path>, Problem> {
    let mut paths: Vec<Path> = Vec::new();
    loop {
        let path = parser.path()?;
        add_path(&mut paths, path)?;
        if !parser.take(",") {
            parser.end()?;
            return Ok(paths);
        }
    }
}

/// Adds a path that must not overlap with those before it.
fn add_path(paths: &mut Vec<Path>, path: Path) -> Result<(), Problem> {
    match paths.iter().find_map(|known| known.clash(&path)) {
        Some(clash) => Err(Problem(clash)),
        None => {
            paths.push(path);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
