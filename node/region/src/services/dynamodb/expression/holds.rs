//! Whether an item is as a condition says.

use super::condition::{Comparison, Condition, Operand};
use crate::services::dynamodb::number::Number;
use crate::services::dynamodb::value::{Item, Value};

/// The order of two values of one type that has an order.
pub(super) fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
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
