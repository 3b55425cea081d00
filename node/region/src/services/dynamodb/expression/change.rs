//! What an update does to an item.
//!
//! Every right side is read from the item as it was; then the clauses are done in this order:
//! SET, REMOVE (last index of a list first), ADD, DELETE.

use std::collections::BTreeSet;

use super::path::{Path, Step};
use super::update::{Source, Update};
use crate::services::dynamodb::error::DynamoError;
use crate::services::dynamodb::number::{BadNumber, Number};
use crate::services::dynamodb::value::{Item, Value};

fn wrong_type() -> DynamoError {
    DynamoError::validation("An operand in the update expression has an incorrect data type")
}

fn wrong_path() -> DynamoError {
    DynamoError::validation(
        "The document path provided in the update expression is invalid for update",
    )
}

impl Source {
    fn value(&self, item: &Item) -> Result<Value, DynamoError> {
        let missing = || {
            DynamoError::validation(
                "The provided expression refers to an attribute that does not exist in the item",
            )
        };
        match self {
            Self::Path(path) => path.find(item).cloned().ok_or_else(missing),
            Self::Value(value) => Ok(value.clone()),
            Self::IfNotExists(path, other) => match path.find(item) {
                Some(value) => Ok(value.clone()),
                None => other.value(item),
            },
            Self::ListAppend(first, second) => match (first.value(item)?, second.value(item)?) {
                (Value::L(mut list), Value::L(more)) => {
                    list.extend(more);
                    Ok(Value::L(list))
                }
                _ => Err(wrong_type()),
            },
            Self::Plus(left, right) => numbers(left, right, item, Number::plus),
            Self::Minus(left, right) => numbers(left, right, item, Number::minus),
        }
    }
}

fn numbers(
    left: &Source,
    right: &Source,
    item: &Item,
    combine: fn(Number, Number) -> Result<Number, BadNumber>,
) -> Result<Value, DynamoError> {
    match (left.value(item)?, right.value(item)?) {
        (Value::N(left), Value::N(right)) => Ok(Value::N(combine(left, right)?)),
        _ => Err(wrong_type()),
    }
}

impl Update {
    /// Every path that it changes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.set
            .iter()
            .map(|(path, _)| path)
            .chain(&self.remove)
            .chain(self.add.iter().map(|(path, _)| path))
            .chain(self.delete.iter().map(|(path, _)| path))
    }

    /// The item after it.
    pub(crate) fn apply(&self, before: &Item) -> Result<Item, DynamoError> {
        let values = self
            .set
            .iter()
            .map(|(_, source)| source.value(before))
            .collect::<Result<Vec<_>, _>>()?;
        let mut item = before.clone();
        for ((path, _), value) in self.set.iter().zip(values) {
            put(&mut item, path, value)?;
        }
        let mut removed: Vec<&Path> = self.remove.iter().collect();
        removed.sort_by(|one, other| other.cmp(one));
        for path in removed {
            remove(&mut item, path)?;
        }
        for (path, more) in &self.add {
            let value = added(path.find(&item), more)?;
            put(&mut item, path, value)?;
        }
        for (path, less) in &self.delete {
            match path.find(&item) {
                None => {}
                Some(value) => match without(value, less)? {
                    Some(rest) => put(&mut item, path, rest)?,
                    None => remove(&mut item, path)?,
                },
            }
        }
        Ok(item)
    }
}

fn added(value: Option<&Value>, more: &Value) -> Result<Value, DynamoError> {
    Ok(match (value, more) {
        (None, more) => more.clone(),
        (Some(Value::N(number)), Value::N(more)) => Value::N(number.plus(*more)?),
        (Some(Value::Ss(set)), Value::Ss(more)) => Value::Ss(set.union(more).cloned().collect()),
        (Some(Value::Ns(set)), Value::Ns(more)) => Value::Ns(set.union(more).copied().collect()),
        (Some(Value::Bs(set)), Value::Bs(more)) => Value::Bs(set.union(more).cloned().collect()),
        _ => return Err(wrong_type()),
    })
}

/// The rest of a set; nothing when it is empty.
fn without(value: &Value, less: &Value) -> Result<Option<Value>, DynamoError> {
    let (rest, empty) = match (value, less) {
        (Value::Ss(set), Value::Ss(less)) => {
            let rest: BTreeSet<_> = set.difference(less).cloned().collect();
            (Value::Ss(rest.clone()), rest.is_empty())
        }
        (Value::Ns(set), Value::Ns(less)) => {
            let rest: BTreeSet<_> = set.difference(less).copied().collect();
            (Value::Ns(rest.clone()), rest.is_empty())
        }
        (Value::Bs(set), Value::Bs(less)) => {
            let rest: BTreeSet<_> = set.difference(less).cloned().collect();
            (Value::Bs(rest.clone()), rest.is_empty())
        }
        _ => return Err(wrong_type()),
    };
    Ok((!empty).then_some(rest))
}

/// Where a nested path's last step is done.
fn parent<'a>(item: &'a mut Item, path: &Path) -> Result<&'a mut Value, DynamoError> {
    let mut at = item.get_mut(path.head()).ok_or_else(wrong_path)?;
    for step in &path.0[1..path.0.len() - 1] {
        at = match (step, at) {
            (Step::Name(name), Value::M(map)) => map.get_mut(name).ok_or_else(wrong_path)?,
            (Step::Index(index), Value::L(list)) => list.get_mut(*index).ok_or_else(wrong_path)?,
            _ => return Err(wrong_path()),
        };
    }
    Ok(at)
}

fn put(item: &mut Item, path: &Path, value: Value) -> Result<(), DynamoError> {
    let [.., last] = path.0.as_slice() else {
        return Err(wrong_path());
    };
    if path.0.len() == 1 {
        item.insert(path.head().to_owned(), value);
        return Ok(());
    }
    match (last, parent(item, path)?) {
        (Step::Name(name), Value::M(map)) => {
            map.insert(name.clone(), value);
        }
        (Step::Index(index), Value::L(list)) => match list.get_mut(*index) {
            Some(place) => *place = value,
            None => list.push(value),
        },
        _ => return Err(wrong_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) -> Result<(), DynamoError> {
    let [.., last] = path.0.as_slice() else {
        return Err(wrong_path());
    };
    if path.0.len() == 1 {
        item.remove(path.head());
        return Ok(());
    }
    match (last, parent(item, path)?) {
        (Step::Name(name), Value::M(map)) => {
            map.remove(name);
        }
        (Step::Index(index), Value::L(list)) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        _ => return Err(wrong_path()),
    }
    Ok(())
}
