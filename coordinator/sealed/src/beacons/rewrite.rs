//! A query with beacons in place of names and values (CSE-038).

use std::collections::BTreeMap;

use super::config::refused;
use super::expression::{Comparison, Function, Names, Token, attribute, tokens, written};
use super::{BEACON_PREFIX, BeaconKeys, Search};
use crate::error::SealedError;
use crate::plaintext::Terminal;
use crate::value::{Item, Value};

/// What a query or a scan asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The key condition; a scan has none.
    pub key_condition: Option<String>,
    /// The filter.
    pub filter: Option<String>,
    /// Names behind `#name`.
    pub names: Names,
    /// Values behind `:value`.
    pub values: Item,
}

/// How a value is used.
struct Use<'t> {
    name: &'t str,
    operator: Operator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare(Comparison),
    In,
    BeginsWith,
    Contains,
    Between,
}

impl Operator {
    fn word(self) -> String {
        match self {
            Self::Compare(comparison) => comparison.to_string(),
            Self::In => "IN".to_owned(),
            Self::BeginsWith => "begins_with".to_owned(),
            Self::Contains => "contains".to_owned(),
            Self::Between => "BETWEEN".to_owned(),
        }
    }

    fn is_equality(self) -> bool {
        use Comparison::{Equal, Unequal};
        matches!(self, Self::Compare(Equal | Unequal) | Self::In)
    }

    fn is_order(self) -> bool {
        use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        matches!(
            self,
            Self::Compare(Less | LessOrEqual | Greater | GreaterOrEqual)
        )
    }
}

impl Search {
    /// Whether the query looks at a beacon or at an encrypted attribute: whether it needs
    /// keys, and its results are to be judged again.
    #[must_use]
    pub fn concerns(&self, query: &Query) -> bool {
        let expressions = query.key_condition.iter().chain(&query.filter);
        let looked = expressions.flat_map(|text| tokens(text));
        looked.into_iter().any(|token| match token {
            Token::Name(name) => {
                let name = attribute(&name, &query.names);
                self.standard(&name).is_some()
                    || self.compound(&name).is_some()
                    || self.encrypted.contains(&name)
            }
            _ => false,
        })
    }

    /// The query as DynamoDB is asked it.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`], in the SDK's words, when it looks at an encrypted
    /// attribute that has no beacon, or in a way its beacon does not allow.
    pub fn rewritten(&self, query: &Query, keys: &BeaconKeys) -> Result<Query, SealedError> {
        let mut new = Query {
            names: query.names.clone(),
            values: query.values.clone(),
            ..Query::default()
        };
        let mut seen = BTreeMap::new();
        let mut rewrite = |text: &String| self.expression(text, query, keys, &mut new, &mut seen);
        let key_condition = query.key_condition.as_ref().map(&mut rewrite).transpose()?;
        let filter = query.filter.as_ref().map(&mut rewrite).transpose()?;
        Ok(Query {
            key_condition,
            filter,
            ..new
        })
    }

    fn expression(
        &self,
        text: &str,
        old: &Query,
        keys: &BeaconKeys,
        new: &mut Query,
        seen: &mut BTreeMap<String, Value>,
    ) -> Result<String, SealedError> {
        let before = tokens(text);
        let mut after = before.clone();
        for (at, token) in before.iter().enumerate() {
            match token {
                Token::Name(name) => {
                    if let Some(beacon) = self.renamed(&before, at, name, &old.names)? {
                        if name.starts_with('#') {
                            new.names.insert(name.clone(), beacon);
                        } else {
                            after[at] = Token::Name(beacon);
                        }
                    }
                }
                Token::Value(name) => {
                    let Some(value) = old.values.get(name) else {
                        return refused(format!("{name} not found in ExpressionAttributeValueMap"));
                    };
                    let value = self.value(&before, at, value, old, keys)?;
                    if seen
                        .insert(name.clone(), value.clone())
                        .is_some_and(|it| it != value)
                    {
                        return refused(format!(
                            "{name} used in two different contexts, which is not allowed."
                        ));
                    }
                    new.values.insert(name.clone(), value);
                }
                _ => {}
            }
        }
        Ok(written(&after))
    }

    /// What the beacon with this name is called in DynamoDB, where its value is meant.
    fn renamed(
        &self,
        tokens: &[Token],
        at: usize,
        name: &str,
        names: &Names,
    ) -> Result<Option<String>, SealedError> {
        if name.starts_with('#') && !names.contains_key(name) {
            return refused(format!("Name {name} not in ExpressionAttributeNameMap."));
        }
        let name = names.get(name).map_or(name, String::as_str);
        let Some(stored) = self.stored_name(name) else {
            return Ok(None);
        };
        let function = match at.checked_sub(2).map(|before| &tokens[before..at]) {
            Some([Token::Call(function), Token::Open]) => Some(*function),
            _ => None,
        };
        match function {
            Some(Function::AttributeExists | Function::AttributeNotExists) => Ok(None),
            Some(Function::Size | Function::AttributeType) => refused(format!(
                "Function {} cannot be used on encrypted fields, but it is being used with {name}",
                tokens[at - 2]
            )),
            Some(Function::BeginsWith | Function::Contains) | None => Ok(Some(stored)),
        }
    }

    fn stored_name(&self, name: &str) -> Option<String> {
        let mut compound = self.config.compound.iter();
        match compound.find(|beacon| beacon.name == name) {
            Some(beacon) if !beacon.is_encrypted() => Some(name.to_owned()),
            Some(_) => Some(format!("{BEACON_PREFIX}{name}")),
            None => self
                .standard(name)
                .map(|_| format!("{BEACON_PREFIX}{name}")),
        }
    }

    fn value(
        &self,
        tokens: &[Token],
        at: usize,
        value: &Value,
        query: &Query,
        keys: &BeaconKeys,
    ) -> Result<Value, SealedError> {
        let Some(used) = used(tokens, at) else {
            return Ok(value.clone());
        };
        let name = attribute(used.name, &query.names);
        let operator = used.operator;
        if let Some(standard) = self.standard(&name) {
            if !matches!(
                operator,
                Operator::Compare(Comparison::Equal) | Operator::In | Operator::Contains
            ) {
                return not_standard(operator);
            }
            let bytes = Terminal::of(value)?.bytes;
            return keys.beacon(&name, &bytes, standard.length).map(Value::S);
        }
        let Some(compound) = self.compound(&name) else {
            if self.encrypted.contains(&name) {
                return refused(format!(
                    "Field {name} is encrypted, and cannot be searched without a beacon."
                ));
            }
            return Ok(value.clone());
        };
        let Value::S(text) = value else {
            return refused(format!(
                "CompoundBeacon {name} can only be queried as a string, not as {}",
                value.type_name()
            ));
        };
        if operator.is_order() && !compound.is_ordered(&compound.pieces(text))? {
            return refused(format!(
                "The operation '{}' cannot be used with a compound beacon, unless the value is LessThanComparable : {text}",
                operator.word()
            ));
        }
        if operator == Operator::Between {
            check_between(&compound, tokens, at, query)?;
        }
        compound
            .of_query(text, keys, operator.is_equality())
            .map(Value::S)
    }
}

fn not_standard<T>(operator: Operator) -> Result<T, SealedError> {
    match operator {
        Operator::Between => {
            refused("The operation BETWEEN cannot be used with a standard beacon.".to_owned())
        }
        other => refused(format!(
            "The operation '{}' cannot be used with a standard beacon.",
            other.word()
        )),
    }
}

/// Both ends must be ordered behind the pieces that they have in common.
fn check_between(
    compound: &super::Compound<'_>,
    tokens: &[Token],
    at: usize,
    query: &Query,
) -> Result<(), SealedError> {
    let low = if tokens.get(at.wrapping_sub(1)) == Some(&Token::Between) {
        at
    } else {
        at.saturating_sub(2)
    };
    let text = |at: usize| match tokens.get(at) {
        Some(Token::Value(name)) => match query.values.get(name) {
            Some(Value::S(text)) => text.as_str(),
            _ => "",
        },
        _ => "",
    };
    let (low, high) = (text(low), text(low + 2));
    let (left, right) = (compound.pieces(low), compound.pieces(high));
    let common = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    if compound.is_ordered(&left[common..])? && compound.is_ordered(&right[common..])? {
        return Ok(());
    }
    refused(format!(
        "To use BETWEEN with a compound beacon, the part after any common prefix must be LessThanComparable : BETWEEN {low} AND {high}"
    ))
}

/// The attribute that the value at `at` is compared with, and how.
fn used(tokens: &[Token], at: usize) -> Option<Use<'_>> {
    let token = |offset: isize| at.checked_add_signed(offset).and_then(|at| tokens.get(at));
    let name_at = |offset: isize| match token(offset) {
        Some(Token::Name(name)) => Some(name.as_str()),
        _ => None,
    };
    let found = |offset: isize, operator| name_at(offset).map(|name| Use { name, operator });
    let function = |call: &Token| match call {
        Token::Call(Function::BeginsWith) => Some(Operator::BeginsWith),
        Token::Call(Function::Contains) => Some(Operator::Contains),
        _ => None,
    };
    if let Some(Token::Compare(comparison)) = token(1)
        && let Some(used) = found(2, Operator::Compare(*comparison))
    {
        return Some(used);
    }
    match token(-1)? {
        Token::Compare(comparison) => found(-2, Operator::Compare(*comparison)),
        Token::Between => found(-2, Operator::Between),
        Token::And if token(-3) == Some(&Token::Between) => found(-4, Operator::Between),
        Token::Comma => {
            let called = token(-4).and_then(function);
            match called {
                Some(operator) if token(-3) == Some(&Token::Open) => found(-2, operator),
                _ => in_list(tokens, at),
            }
        }
        Token::Open => {
            let called = token(-2).and_then(function);
            match called {
                Some(operator) if token(1) == Some(&Token::Comma) => found(2, operator),
                _ => in_list(tokens, at),
            }
        }
        _ => None,
    }
}

/// The attribute of `a IN (:x, :y)`.
fn in_list(tokens: &[Token], at: usize) -> Option<Use<'_>> {
    let mut at = at;
    loop {
        match (
            tokens.get(at.checked_sub(1)?)?,
            tokens.get(at.checked_sub(2)?)?,
        ) {
            (Token::Open, Token::In) => {
                return match tokens.get(at.checked_sub(3)?)? {
                    Token::Name(name) => Some(Use {
                        name,
                        operator: Operator::In,
                    }),
                    _ => None,
                };
            }
            (Token::Comma, Token::Value(_)) => at -= 2,
            _ => return None,
        }
    }
}
