//! Conditions: what they say. Whether an item is so is in `holds`.

use super::Problem;
use super::holds::order;
use super::parser::{Parser, operand_type, operands};
use super::path::Path;
use super::tokens::Kind;
use crate::services::dynamodb::value::Value;

/// Most operands of IN.
const MOST_IN: usize = 100;
const TYPES: [&str; 10] = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"];

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Or(Box<Condition>, Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Comparison, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    Type(Operand, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

/// `=`, `<>`, `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(Value),
    Size(Box<Operand>),
}

/// Something in parentheses may turn out to be either.
enum Node {
    Condition(Condition),
    Operand(Operand),
}

/// Reads a whole condition.
pub(super) fn read(parser: &mut Parser<'_, '_>) -> Result<Condition, Problem> {
    let node = either(parser)?;
    parser.end()?;
    condition(parser, node)
}

fn condition(parser: &Parser<'_, '_>, node: Node) -> Result<Condition, Problem> {
    match node {
        Node::Condition(condition) => Ok(condition),
        Node::Operand(Operand::Size(_)) => Err(misused("size")),
        Node::Operand(_) => Err(parser.wrong()),
    }
}

fn operand(parser: &Parser<'_, '_>, node: Node) -> Result<Operand, Problem> {
    match node {
        Node::Operand(operand) => Ok(operand),
        Node::Condition(Condition::Exists(_)) => Err(misused("attribute_exists")),
        Node::Condition(Condition::NotExists(_)) => Err(misused("attribute_not_exists")),
        Node::Condition(Condition::Type(..)) => Err(misused("attribute_type")),
        Node::Condition(Condition::BeginsWith(..)) => Err(misused("begins_with")),
        Node::Condition(Condition::Contains(..)) => Err(misused("contains")),
        Node::Condition(_) => Err(parser.wrong()),
    }
}

fn misused(function: &str) -> Problem {
    Problem(format!(
        "The function is not allowed to be used this way in an expression; function: {function}"
    ))
}

fn either(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    let mut left = both(parser)?;
    while parser.keyword("OR") {
        let right = both(parser)?;
        let sides = (condition(parser, left)?, condition(parser, right)?);
        left = Node::Condition(Condition::Or(Box::new(sides.0), Box::new(sides.1)));
    }
    Ok(left)
}

fn both(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    let mut left = negation(parser)?;
    while parser.keyword("AND") {
        let right = negation(parser)?;
        let sides = (condition(parser, left)?, condition(parser, right)?);
        left = Node::Condition(Condition::And(Box::new(sides.0), Box::new(sides.1)));
    }
    Ok(left)
}

fn negation(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    if !parser.keyword("NOT") {
        return comparison(parser);
    }
    let inner = parser.deeper(negation)?;
    let inner = condition(parser, inner)?;
    Ok(Node::Condition(Condition::Not(Box::new(inner))))
}

fn comparison(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    let left = primary(parser)?;
    let sign = match parser.peek() {
        Kind::Sign("=") => Some(Comparison::Equal),
        Kind::Sign("<>") => Some(Comparison::NotEqual),
        Kind::Sign("<") => Some(Comparison::Less),
        Kind::Sign("<=") => Some(Comparison::AtMost),
        Kind::Sign(">") => Some(Comparison::Greater),
        Kind::Sign(">=") => Some(Comparison::AtLeast),
        _ => None,
    };
    let found = if let Some(sign) = sign {
        let left = operand(parser, left)?;
        parser.next();
        let right = primary(parser)?;
        let right = operand(parser, right)?;
        check_comparison(sign, &left, &right)?;
        Condition::Compare(sign, left, right)
    } else if parser.keyword("BETWEEN") {
        let left = operand(parser, left)?;
        let low = primary(parser)?;
        let low = operand(parser, low)?;
        if !parser.keyword("AND") {
            return Err(parser.wrong());
        }
        let high = primary(parser)?;
        let high = operand(parser, high)?;
        check_between(&low, &high)?;
        Condition::Between(left, low, high)
    } else if parser.keyword("IN") {
        let left = operand(parser, left)?;
        parser.expect("(")?;
        let all = arguments(parser)?;
        if all.len() > MOST_IN {
            return Err(operands("IN", all.len()));
        }
        Condition::In(left, all)
    } else {
        return Ok(left);
    };
    Ok(Node::Condition(found))
}

/// Operands up to the closing parenthesis.
fn arguments(parser: &mut Parser<'_, '_>) -> Result<Vec<Operand>, Problem> {
    let mut all = Vec::new();
    loop {
        let node = parser.deeper(primary)?;
        all.push(operand(parser, node)?);
        if !parser.take(",") {
            parser.expect(")")?;
            return Ok(all);
        }
    }
}

fn primary(parser: &mut Parser<'_, '_>) -> Result<Node, Problem> {
    if parser.take("(") {
        let inner = parser.deeper(either)?;
        parser.expect(")")?;
        return Ok(inner);
    }
    if let Some(name) = parser.function() {
        let all = arguments(parser)?;
        return call(&name, all);
    }
    if let Kind::Value(name) = parser.peek().clone() {
        parser.next();
        return Ok(Node::Operand(Operand::Value(parser.value(&name)?)));
    }
    Ok(Node::Operand(Operand::Path(parser.path()?)))
}

fn call(name: &str, mut all: Vec<Operand>) -> Result<Node, Problem> {
    let wanted = match name {
        "attribute_exists" | "attribute_not_exists" | "size" => 1,
        "attribute_type" | "begins_with" | "contains" => 2,
        "if_not_exists" | "list_append" => {
            return Err(Problem(format!(
                "The function is not allowed in a condition expression; function: {name}"
            )));
        }
        _ => {
            return Err(Problem(format!("Invalid function name; function: {name}")));
        }
    };
    if all.len() != wanted {
        return Err(operands(name, all.len()));
    }
    let last = all.pop().expect("one or two operands");
    let first = all.pop();
    let found = match (name, first) {
        ("size", None) => {
            if let Operand::Value(value @ (Value::N(_) | Value::Bool(_) | Value::Null)) = &last {
                return Err(operand_type(name, value));
            }
            return Ok(Node::Operand(Operand::Size(Box::new(last))));
        }
        ("attribute_exists", None) => Condition::Exists(path_of(name, last)?),
        ("attribute_not_exists", None) => Condition::NotExists(path_of(name, last)?),
        ("attribute_type", Some(first)) => Condition::Type(first, type_name(&last)?),
        ("begins_with", Some(first)) => {
            for side in [&first, &last] {
                if let Operand::Value(value) = side
                    && !matches!(value, Value::S(_) | Value::B(_))
                {
                    return Err(operand_type(name, value));
                }
            }
            Condition::BeginsWith(first, last)
        }
        (_, Some(first)) => Condition::Contains(first, last),
        (_, None) => return Err(operands(name, 1)),
    };
    Ok(Node::Condition(found))
}

fn path_of(function: &str, operand: Operand) -> Result<Path, Problem> {
    match operand {
        Operand::Path(path) => Ok(path),
        Operand::Value(_) | Operand::Size(_) => Err(Problem(format!(
            "Operator or function requires a document path; operator or function: {function}"
        ))),
    }
}

fn type_name(operand: &Operand) -> Result<String, Problem> {
    match operand {
        Operand::Value(Value::S(text)) if TYPES.contains(&text.as_str()) => Ok(text.clone()),
        Operand::Value(Value::S(text)) => Err(Problem(format!(
            "Invalid attribute type name found; type: {text}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
        ))),
        Operand::Value(value) => Err(operand_type("attribute_type", value)),
        Operand::Path(_) | Operand::Size(_) => Err(Problem::new(
            "Incorrect operand type for operator or function; operator or function: \
             attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
        )),
    }
}

fn check_comparison(sign: Comparison, left: &Operand, right: &Operand) -> Result<(), Problem> {
    let text = match sign {
        Comparison::Equal | Comparison::NotEqual => None,
        Comparison::Less => Some("<"),
        Comparison::AtMost => Some("<="),
        Comparison::Greater => Some(">"),
        Comparison::AtLeast => Some(">="),
    };
    for side in [left, right] {
        if let (Some(text), Operand::Value(value)) = (text, side)
            && !matches!(value, Value::S(_) | Value::N(_) | Value::B(_))
        {
            return Err(operand_type(text, value));
        }
    }
    match (left, right) {
        (Operand::Path(one), Operand::Path(other)) if one == other => Err(Problem(format!(
            "The first operand must be distinct from the remaining operands for this operator \
             or function; operator: {}, first operand: {one}",
            text.unwrap_or(if sign == Comparison::Equal { "=" } else { "<>" })
        ))),
        _ => Ok(()),
    }
}

fn check_between(low: &Operand, high: &Operand) -> Result<(), Problem> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else {
        return Ok(());
    };
    let shown = |value: &Value| match value {
        Value::S(text) => format!("AttributeValue: {{S:{text}}}"),
        Value::N(number) => format!("AttributeValue: {{N:{number}}}"),
        other => format!("AttributeValue: {{{}}}", other.kind()),
    };
    let wants = if low.kind() != high.kind() {
        "same data type for lower and upper bounds"
    } else if matches!(order(low, high), Some(std::cmp::Ordering::Greater)) {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(Problem(format!(
        "The BETWEEN operator requires {wants}; lower bound operand: {}, upper bound operand: {}",
        shown(low),
        shown(high)
    )))
}
