//! Conditions: what they say, and whether an item is so.

use super::Problem;
use super::parser::{Parser, operand_type, operands};
use super::path::Path;
use super::tokens::Kind;
use crate::services::dynamodb::number::Number;
use crate::services::dynamodb::value::{Item, Value};

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

/// The order of two values of one type that has an order.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::S(left), Value::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::N(left), Value::N(right)) => Some(left.cmp(right)),
        (Value::B(left), Value::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

impl Operand {
    fn value(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Path(path) => path.find(item).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(inner) => Some(Value::N(Number::whole(match inner.value(item)? {
                Value::S(text) => text.chars().count() as u64,
                Value::B(bytes) => bytes.len() as u64,
                Value::Ss(set) => set.len() as u64,
                Value::Ns(set) => set.len() as u64,
                Value::Bs(set) => set.len() as u64,
                Value::M(map) => map.len() as u64,
                Value::L(list) => list.len() as u64,
                Value::N(_) | Value::Null | Value::Bool(_) => return None,
            }))),
        }
    }
}

impl Comparison {
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let by_order = |fits: fn(std::cmp::Ordering) -> bool| {
            left.zip(right)
                .and_then(|(left, right)| order(left, right))
                .is_some_and(fits)
        };
        match self {
            Self::Equal => left.is_some() && left == right,
            Self::NotEqual => left != right,
            Self::Less => by_order(std::cmp::Ordering::is_lt),
            Self::AtMost => by_order(std::cmp::Ordering::is_le),
            Self::Greater => by_order(std::cmp::Ordering::is_gt),
            Self::AtLeast => by_order(std::cmp::Ordering::is_ge),
        }
    }
}

impl Condition {
    /// Whether it holds for an item; an item that is not there is an empty one.
    pub(crate) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Not(inner) => !inner.holds(item),
            Self::Compare(sign, left, right) => {
                sign.holds(left.value(item).as_ref(), right.value(item).as_ref())
            }
            Self::Between(middle, low, high) => {
                let middle = middle.value(item);
                Comparison::AtLeast.holds(middle.as_ref(), low.value(item).as_ref())
                    && Comparison::AtMost.holds(middle.as_ref(), high.value(item).as_ref())
            }
            Self::In(one, all) => {
                let one = one.value(item);
                one.is_some() && all.iter().any(|other| other.value(item) == one)
            }
            Self::Exists(path) => path.find(item).is_some(),
            Self::NotExists(path) => path.find(item).is_none(),
            Self::Type(operand, kind) => operand
                .value(item)
                .is_some_and(|value| value.kind() == kind),
            Self::BeginsWith(operand, start) => match (operand.value(item), start.value(item)) {
                (Some(Value::S(text)), Some(Value::S(start))) => text.starts_with(&start),
                (Some(Value::B(bytes)), Some(Value::B(start))) => bytes.starts_with(&start),
                _ => false,
            },
            Self::Contains(operand, part) => match (operand.value(item), part.value(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
        }
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::S(text), Value::S(part)) => text.contains(part.as_str()),
        (Value::B(bytes), Value::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (Value::Ss(set), Value::S(part)) => set.contains(part),
        (Value::Ns(set), Value::N(part)) => set.contains(part),
        (Value::Bs(set), Value::B(part)) => set.contains(part),
        (Value::L(list), part) => list.contains(part),
        _ => false,
    }
}
