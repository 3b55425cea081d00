//! The query once more, on what was opened: beacons collide, and what collided is dropped.
//!
//! An attribute that is not there satisfies no comparison but `<>`, as in DynamoDB.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::Search;
use super::config::refused;
use super::expression::{Comparison, Function, Token, attribute, tokens};
use super::location::Location;
use super::rewrite::Query;
use crate::error::SealedError;
use crate::number;
use crate::value::{Item, Value};

impl Search {
    /// Whether an opened item is what the query asks for.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for an expression that cannot be read.
    pub fn matches(&self, query: &Query, item: &Item) -> Result<bool, SealedError> {
        for text in query.key_condition.iter().chain(&query.filter) {
            let mut judge = Judge {
                search: self,
                query,
                item,
                tokens: tokens(text),
                at: 0,
            };
            let holds = judge.either()?;
            if judge.at != judge.tokens.len() {
                return judge.unread();
            }
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

struct Judge<'a> {
    search: &'a Search,
    query: &'a Query,
    item: &'a Item,
    tokens: Vec<Token>,
    at: usize,
}

impl Judge<'_> {
    fn unread<T>(&self) -> Result<T, SealedError> {
        let near = self.tokens.get(self.at).map(ToString::to_string);
        refused(format!(
            "the expression cannot be read near '{}'",
            near.unwrap_or_default()
        ))
    }

    fn take(&mut self, token: &Token) -> bool {
        let is_it = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, token: &Token) -> Result<(), SealedError> {
        if self.take(token) {
            return Ok(());
        }
        self.unread()
    }

    fn either(&mut self) -> Result<bool, SealedError> {
        let mut holds = self.both()?;
        while self.take(&Token::Or) {
            holds |= self.both()?;
        }
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, SealedError> {
        let mut holds = self.negated()?;
        while self.take(&Token::And) {
            holds &= self.negated()?;
        }
        Ok(holds)
    }

    fn negated(&mut self) -> Result<bool, SealedError> {
        if self.take(&Token::Not) {
            return Ok(!self.negated()?);
        }
        if self.take(&Token::Open) {
            let holds = self.either()?;
            self.expect(&Token::Close)?;
            return Ok(holds);
        }
        match self.tokens.get(self.at) {
            Some(Token::Call(function)) if *function != Function::Size => {
                let function = *function;
                self.at += 1;
                self.called(function)
            }
            _ => self.compared(),
        }
    }

    fn called(&mut self, function: Function) -> Result<bool, SealedError> {
        self.expect(&Token::Open)?;
        let first = self.operand()?;
        let two = matches!(
            function,
            Function::AttributeType | Function::BeginsWith | Function::Contains
        );
        let second = if two {
            self.expect(&Token::Comma)?;
            self.operand()?
        } else {
            None
        };
        self.expect(&Token::Close)?;
        Ok(match (function, first, second) {
            (Function::AttributeExists, first, _) => first.is_some(),
            (Function::AttributeNotExists, first, _) => first.is_none(),
            (Function::AttributeType, Some(first), Some(Value::S(name))) => {
                first.type_name() == name
            }
            (Function::BeginsWith, Some(first), Some(second)) => begins_with(&first, &second),
            (Function::Contains, Some(first), Some(second)) => contains(&first, &second),
            _ => false,
        })
    }

    fn compared(&mut self) -> Result<bool, SealedError> {
        let left = self.operand()?;
        if self.take(&Token::Between) {
            let low = self.operand()?;
            self.expect(&Token::And)?;
            let high = self.operand()?;
            return Ok(ordered(&low, &left, true) && ordered(&left, &high, true));
        }
        if self.take(&Token::In) {
            self.expect(&Token::Open)?;
            let mut found = false;
            loop {
                found |= equal(&left, &self.operand()?);
                if !self.take(&Token::Comma) {
                    break;
                }
            }
            self.expect(&Token::Close)?;
            return Ok(found);
        }
        let Some(Token::Compare(comparison)) = self.tokens.get(self.at).cloned() else {
            return self.unread();
        };
        self.at += 1;
        let right = self.operand()?;
        Ok(match comparison {
            Comparison::Equal => equal(&left, &right),
            Comparison::Unequal => !equal(&left, &right),
            Comparison::Less => ordered(&left, &right, false),
            Comparison::LessOrEqual => ordered(&left, &right, true),
            Comparison::Greater => ordered(&right, &left, false),
            Comparison::GreaterOrEqual => ordered(&right, &left, true),
        })
    }

    fn operand(&mut self) -> Result<Option<Value>, SealedError> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Value(name)) => match self.query.values.get(&name) {
                Some(value) => Ok(Some(value.clone())),
                None => refused(format!("{name} not found in ExpressionAttributeValueMap")),
            },
            Some(Token::Name(name)) => self.named(&name),
            Some(Token::Call(Function::Size)) => {
                self.expect(&Token::Open)?;
                let value = self.operand()?;
                self.expect(&Token::Close)?;
                Ok(value.and_then(|value| size(&value)))
            }
            _ => {
                self.at -= 1;
                self.unread()
            }
        }
    }

    /// What a name stands for: what a beacon is made of, or what is in the item.
    fn named(&self, name: &str) -> Result<Option<Value>, SealedError> {
        let first = attribute(name, &self.query.names);
        let whole = !name.contains(['.', '[']);
        if whole {
            if let Some(compound) = self.search.compound(&first) {
                return Ok(compound.of_item(self.item, None)?.map(Value::S));
            }
            if let Some(standard) = self.search.standard(&first) {
                let location = &standard.location;
                return match self.search.field(location) {
                    Some(field) => Ok(field.value(self.item)?.map(Value::S)),
                    None => Ok(location.value(self.item).cloned()),
                };
            }
        }
        let steps = name.find(['.', '[']).map_or("", |at| &name[at..]);
        let mut path = steps.to_owned();
        for (alias, real) in &self.query.names {
            path = replaced(&path, alias, real);
        }
        let location = Location::parse(&format!("{first}{path}"))?;
        Ok(location.value(self.item).cloned())
    }
}

/// The path with one step's alias made its name.
fn replaced(path: &str, alias: &str, real: &str) -> String {
    let steps: Vec<String> = path
        .split('.')
        .map(|step| {
            let (name, rest) = step.split_at(step.find('[').unwrap_or(step.len()));
            let name = if name == alias { real } else { name };
            format!("{name}{rest}")
        })
        .collect();
    steps.join(".")
}

fn equal(left: &Option<Value>, right: &Option<Value>) -> bool {
    match (left, right) {
        (Some(Value::N(left)), Some(Value::N(right))) => {
            number::compare(left, right) == Some(Ordering::Equal)
        }
        (Some(Value::Ns(left)), Some(Value::Ns(right))) => {
            let spelled = |set: &BTreeSet<String>| -> BTreeSet<String> {
                set.iter()
                    .filter_map(|text| number::normalize(text).ok())
                    .collect()
            };
            spelled(left) == spelled(right)
        }
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

fn ordered(low: &Option<Value>, high: &Option<Value>, or_equal: bool) -> bool {
    let order = match (low, high) {
        (Some(Value::N(low)), Some(Value::N(high))) => number::compare(low, high),
        (Some(Value::S(low)), Some(Value::S(high))) => Some(low.cmp(high)),
        (Some(Value::B(low)), Some(Value::B(high))) => Some(low.cmp(high)),
        _ => None,
    };
    match order {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => or_equal,
        Some(Ordering::Greater) | None => false,
    }
}

fn begins_with(value: &Value, prefix: &Value) -> bool {
    match (value, prefix) {
        (Value::S(value), Value::S(prefix)) => value.starts_with(prefix),
        (Value::B(value), Value::B(prefix)) => value.starts_with(prefix),
        _ => false,
    }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::S(value), Value::S(part)) => value.contains(part),
        (Value::B(value), Value::B(part)) => {
            part.is_empty() || value.windows(part.len()).any(|window| window == part)
        }
        (Value::Ss(set), Value::S(part)) => set.contains(part),
        (Value::Ns(set), Value::N(part)) => {
            let is_it = |text: &String| number::compare(text, part) == Some(Ordering::Equal);
            set.iter().any(is_it)
        }
        (Value::Bs(set), Value::B(part)) => set.contains(part),
        (Value::L(values), part) => values.contains(part),
        _ => false,
    }
}

fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::S(text) => text.chars().count(),
        Value::B(bytes) => bytes.len(),
        Value::Ss(set) => set.len(),
        Value::Ns(set) => set.len(),
        Value::Bs(set) => set.len(),
        Value::M(members) => members.len(),
        Value::L(values) => values.len(),
        Value::N(_) | Value::Bool(_) | Value::Null => return None,
    };
    Some(Value::N(size.to_string()))
}
