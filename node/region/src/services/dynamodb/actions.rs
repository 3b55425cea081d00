//! What a call wants of one item: asked first, done after.
//!
//! [`prepare`] finds the item, checks the condition and works out what will be there; it writes
//! nothing. [`commit`] writes. Between the two a call about one item does nothing, and a
//! transaction prepares all its other actions: all of them see the state before it.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::AttributeValue;

use super::capacity::{self, Used};
use super::error::DynamoError;
use super::expression::Scope;
use super::expression::condition::Condition;
use super::expression::path::Path;
use super::expression::update::Update;
use super::indexes;
use super::names::TableName;
use super::shelf::{self, Cause, Place, Shelf};
use super::value::{self, Item};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Largest item, in bytes.
const LARGEST: u64 = 400 * 1024;

/// What to do with an item.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put(Item),
    Update(Item, Option<Update>),
    Delete(Item),
    /// Nothing; the condition must hold.
    Check(Item),
}

/// A change of one item of a table, and its condition.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: TableName,
    pub(crate) change: Change,
    condition: Option<Condition>,
    /// Whether a failed condition shows the item.
    shows: bool,
}

/// The members that all calls about one item share.
pub(crate) struct Terms<'m> {
    pub(crate) condition: Option<&'m String>,
    pub(crate) names: &'m BTreeMap<String, String>,
    pub(crate) values: &'m BTreeMap<String, AttributeValue>,
    pub(crate) on_failure: Option<&'m str>,
}

/// What is being asked, before expressions are read.
pub(crate) enum Asked<'m> {
    Put(&'m BTreeMap<String, AttributeValue>),
    Update(&'m BTreeMap<String, AttributeValue>, Option<&'m String>),
    Delete(&'m BTreeMap<String, AttributeValue>),
    Check(&'m BTreeMap<String, AttributeValue>),
}

impl Action {
    /// Reads the members of a call.
    pub(crate) fn read(
        ctx: &Ctx<'_>,
        table: Option<&str>,
        asked: &Asked<'_>,
        terms: &Terms<'_>,
    ) -> Result<Self, DynamoError> {
        let name = TableName::read(ctx, table)?;
        let (members, update) = match asked {
            Asked::Put(members) | Asked::Delete(members) | Asked::Check(members) => (members, None),
            Asked::Update(members, update) => (members, *update),
        };
        let item = value::read(members)?;
        let condition = ("ConditionExpression", terms.condition);
        let with_update = [("UpdateExpression", update), condition];
        let expressions: &[_] = match asked {
            Asked::Update(..) => &with_update,
            Asked::Put(_) | Asked::Delete(_) | Asked::Check(_) => &[condition],
        };
        let mut scope = Scope::new(terms.names, terms.values, expressions)?;
        let update = scope.update(update)?;
        let condition = scope.condition(terms.condition)?;
        scope.all_used()?;
        Ok(Self {
            name,
            change: match asked {
                Asked::Put(_) => Change::Put(item),
                Asked::Update(..) => Change::Update(item, update),
                Asked::Delete(_) => Change::Delete(item),
                Asked::Check(_) => Change::Check(item),
            },
            condition,
            shows: terms.on_failure == Some("ALL_OLD"),
        })
    }
}

/// An action whose condition holds.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) shelf: Shelf,
    pub(crate) place: Place,
    pub(crate) after: After,
}

/// What will be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum After {
    Item(Item),
    Gone,
    Unchanged,
}

/// Finds the item, checks the condition, works out what will be there.
pub(crate) fn prepare(ctx: &mut Ctx<'_>, action: &Action) -> Result<Prepared, Refusal> {
    let table = shelf::ready(ctx, &action.name)?;
    let key = match &action.change {
        Change::Put(item) => {
            let key = table.schema.key_of(item)?;
            sized(item, "Item size has exceeded the maximum allowed size")?;
            key
        }
        Change::Update(key, update) => {
            table.schema.check_key(key)?;
            let mut paths = update.iter().flat_map(Update::paths);
            if let Some(part) = paths.find(|path| table.schema.has(path.head())) {
                return Err(DynamoError::invalid(format!(
                    "Cannot update attribute {}. This attribute is part of the key",
                    part.head()
                ))
                .into());
            }
            key.clone()
        }
        Change::Delete(key) | Change::Check(key) => {
            table.schema.check_key(key)?;
            key.clone()
        }
    };
    let shelf = Shelf::open(ctx, action.name.clone(), table)?;
    let extras = shelf.extras(ctx);
    if let Change::Put(item) = &action.change {
        indexes::check(extras.as_deref(), item)?;
    }
    let place = shelf.find(ctx, key)?;
    holds(action, place.item.as_ref())?;
    let after = match &action.change {
        Change::Put(item) => After::Item(item.clone()),
        Change::Update(key, update) => {
            let before = place.item.as_ref().unwrap_or(key);
            let after = match update {
                Some(update) => update.apply(before)?,
                None => before.clone(),
            };
            value::check_depth(&after)?;
            sized(
                &after,
                "Item size to update has exceeded the maximum allowed size",
            )?;
            indexes::check(extras.as_deref(), &after).map_err(as_update)?;
            After::Item(after)
        }
        Change::Delete(_) if place.item.is_some() => After::Gone,
        Change::Delete(_) | Change::Check(_) => After::Unchanged,
    };
    Ok(Prepared {
        shelf,
        place,
        after,
    })
}

fn as_update(error: DynamoError) -> DynamoError {
    match error {
        DynamoError::Validation(text) if text.contains("Type mismatch for Index Key") => {
            DynamoError::validation(
                "The update expression attempted to update the secondary index key to \
                 unsupported type",
            )
        }
        other => other,
    }
}

fn sized(item: &Item, complaint: &str) -> Result<(), DynamoError> {
    if value::size(item) > LARGEST {
        return Err(DynamoError::validation(complaint));
    }
    Ok(())
}

/// Refuses when the condition does not hold for the local item (DDB-014).
fn holds(action: &Action, item: Option<&Item>) -> Result<(), DynamoError> {
    let none = Item::new();
    match &action.condition {
        Some(condition) if !condition.holds(item.unwrap_or(&none)) => {
            let shown = item.filter(|_| action.shows).cloned().map(Box::new);
            Err(DynamoError::ConditionFailed(shown))
        }
        _ => Ok(()),
    }
}

/// Writes what was prepared; the units it costs.
pub(crate) fn commit(ctx: &mut Ctx<'_>, prepared: &Prepared) -> Used {
    let Prepared {
        shelf,
        place,
        after,
    } = prepared;
    match after {
        After::Item(item) => shelf.write(ctx, place, Some(item), Cause::Call),
        After::Gone => shelf.write(ctx, place, None, Cause::Call),
        After::Unchanged => {
            let size = place.item.as_ref().map_or(0, value::size);
            Used::of_table(capacity::written(size))
        }
    }
}

impl Change {
    /// The item or the key that was sent.
    pub(crate) fn item(&self) -> &Item {
        match self {
            Self::Put(item) | Self::Update(item, _) | Self::Delete(item) | Self::Check(item) => {
                item
            }
        }
    }

    /// The paths that an update changes.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Update(_, Some(update)) => update.paths().collect(),
            Self::Put(_) | Self::Update(_, None) | Self::Delete(_) | Self::Check(_) => Vec::new(),
        }
    }
}
