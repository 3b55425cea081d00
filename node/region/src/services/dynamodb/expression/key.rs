//! Key conditions of Query: `id = :id AND begins_with(sort, :start)`.
//!
//! The grammar is that of conditions; what a key condition may say is less, and which attribute
//! it may say it of, the key schema of the table or index decides.

use super::condition::{Comparison, Condition, Operand};
use super::holds::order;
use super::path::Path;
use crate::services::dynamodb::error::DynamoError;
use crate::services::dynamodb::schema::{KeyAttribute, KeySchema};
use crate::services::dynamodb::value::Value;

/// Which items of a table or index a query is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyCondition {
    pub(crate) hash: Value,
    pub(crate) range: Option<Sort>,
}

/// A condition on the sort key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sort {
    Compare(Comparison, Value),
    Between(Value, Value),
    BeginsWith(Value),
}

impl Sort {
    /// Whether a sort key is so.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        let at_least = |low: &Value| order(value, low).is_some_and(std::cmp::Ordering::is_ge);
        let at_most = |high: &Value| order(value, high).is_some_and(std::cmp::Ordering::is_le);
        match self {
            Self::Compare(Comparison::Equal, other) => value == other,
            Self::Compare(Comparison::NotEqual, other) => value != other,
            Self::Compare(Comparison::Less, other) => !at_least(other),
            Self::Compare(Comparison::AtMost, other) => at_most(other),
            Self::Compare(Comparison::Greater, other) => !at_most(other),
            Self::Compare(Comparison::AtLeast, other) => at_least(other),
            Self::Between(low, high) => at_least(low) && at_most(high),
            Self::BeginsWith(start) => match (value, start) {
                (Value::S(text), Value::S(start)) => text.starts_with(start.as_str()),
                (Value::B(bytes), Value::B(start)) => bytes.starts_with(start),
                _ => false,
            },
        }
    }

    fn values(&self) -> Vec<&Value> {
        match self {
            Self::Compare(_, value) | Self::BeginsWith(value) => vec![value],
            Self::Between(low, high) => vec![low, high],
        }
    }
}

fn invalid_operator(operator: &str) -> DynamoError {
    DynamoError::Validation(format!(
        "Invalid operator used in KeyConditionExpression: {operator}"
    ))
}

/// The terms that AND joins, each with its attribute.
fn terms(condition: Condition, out: &mut Vec<(String, Sort)>) -> Result<(), DynamoError> {
    let term = match condition {
        Condition::And(left, right) => {
            terms(*left, out)?;
            return terms(*right, out);
        }
        Condition::Compare(Comparison::NotEqual, ..) => return Err(invalid_operator("<>")),
        Condition::Compare(sign, Operand::Path(path), Operand::Value(value)) => {
            (path, Sort::Compare(sign, value))
        }
        Condition::Compare(sign, Operand::Value(value), Operand::Path(path)) => {
            (path, Sort::Compare(turned(sign), value))
        }
        Condition::Between(Operand::Path(path), Operand::Value(low), Operand::Value(high)) => {
            (path, Sort::Between(low, high))
        }
        Condition::BeginsWith(Operand::Path(path), Operand::Value(start)) => {
            (path, Sort::BeginsWith(start))
        }
        Condition::Compare(..) | Condition::Between(..) | Condition::BeginsWith(..) => {
            return Err(DynamoError::validation(
                "Invalid KeyConditionExpression: No key attribute specified",
            ));
        }
        Condition::Or(..) => return Err(invalid_operator("OR")),
        Condition::Not(_) => return Err(invalid_operator("NOT")),
        Condition::In(..) => return Err(invalid_operator("IN")),
        Condition::Exists(_) => return Err(invalid_operator("attribute_exists")),
        Condition::NotExists(_) => return Err(invalid_operator("attribute_not_exists")),
        Condition::Type(..) => return Err(invalid_operator("attribute_type")),
        Condition::Contains(..) => return Err(invalid_operator("contains")),
    };
    let (path, sort) = term;
    if path.0.len() > 1 {
        return Err(DynamoError::validation(
            "KeyConditionExpressions cannot have conditions on nested attributes",
        ));
    }
    let name = path.head().to_owned();
    if out.iter().any(|(known, _)| *known == name) {
        return Err(DynamoError::validation(
            "KeyConditionExpressions must only contain one condition per key",
        ));
    }
    out.push((name, sort));
    Ok(())
}

fn turned(sign: Comparison) -> Comparison {
    match sign {
        Comparison::Less => Comparison::Greater,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Greater => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::Equal | Comparison::NotEqual => sign,
    }
}

/// Reads a condition against the key of a table or index.
pub(crate) fn read(condition: Condition, schema: &KeySchema) -> Result<KeyCondition, DynamoError> {
    let mut all = Vec::new();
    terms(condition, &mut all)?;
    if all.len() > 2 {
        return Err(DynamoError::validation(
            "Conditions can be of length 1 or 2 only",
        ));
    }
    let missed = |attribute: &KeyAttribute| {
        DynamoError::Validation(format!(
            "Query condition missed key schema element: {}",
            attribute.name
        ))
    };
    let mut take = |attribute: &KeyAttribute| {
        let at = all.iter().position(|(name, _)| *name == attribute.name)?;
        Some(all.remove(at).1)
    };
    let hash = take(&schema.hash).ok_or_else(|| missed(&schema.hash))?;
    let range = schema.range.as_ref().and_then(take);
    if !all.is_empty() {
        return Err(match &schema.range {
            Some(attribute) => missed(attribute),
            None => DynamoError::validation("Query key condition not supported"),
        });
    }
    let Sort::Compare(Comparison::Equal, hash) = hash else {
        return Err(DynamoError::validation("Query key condition not supported"));
    };
    typed(schema, &schema.hash, &hash)?;
    if let (Some(attribute), Some(range)) = (&schema.range, &range) {
        for value in range.values() {
            typed(schema, attribute, value)?;
        }
    }
    Ok(KeyCondition { hash, range })
}

fn typed(schema: &KeySchema, attribute: &KeyAttribute, value: &Value) -> Result<(), DynamoError> {
    if value.kind() != attribute.kind.name() {
        return Err(DynamoError::invalid(
            "Condition parameter type does not match schema type",
        ));
    }
    schema.fits(attribute, value)
}

/// Refuses a filter on key attributes.
pub(crate) fn no_keys(filter: &Condition, schema: &KeySchema) -> Result<(), DynamoError> {
    let mut paths = Vec::new();
    filter.paths(&mut paths);
    match paths.into_iter().find(|path| schema.has(path.head())) {
        Some(path) => Err(DynamoError::Validation(format!(
            "Filter Expression can only contain non-primary key attributes: Primary key \
             attribute: {}",
            path.head()
        ))),
        None => Ok(()),
    }
}

impl Operand {
    fn paths<'a>(&'a self, out: &mut Vec<&'a Path>) {
        match self {
            Self::Path(path) => out.push(path),
            Self::Value(_) => {}
            Self::Size(inner) => inner.paths(out),
        }
    }
}

impl Condition {
    /// Every path that it speaks of.
    pub(crate) fn paths<'a>(&'a self, out: &mut Vec<&'a Path>) {
        match self {
            Self::Or(left, right) | Self::And(left, right) => {
                left.paths(out);
                right.paths(out);
            }
            Self::Not(inner) => inner.paths(out),
            Self::Compare(_, left, right)
            | Self::BeginsWith(left, right)
            | Self::Contains(left, right) => {
                left.paths(out);
                right.paths(out);
            }
            Self::Between(middle, low, high) => {
                middle.paths(out);
                low.paths(out);
                high.paths(out);
            }
            Self::In(one, all) => {
                one.paths(out);
                all.iter().for_each(|other| other.paths(out));
            }
            Self::Exists(path) | Self::NotExists(path) => out.push(path),
            Self::Type(operand, _) => operand.paths(out),
        }
    }
}
