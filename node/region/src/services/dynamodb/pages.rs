//! What Query and Scan have in common: which attributes are answered, and where a page ends.

use faultline_proto::dynamodb::{AttributeMap, AttributeValue};
use std::collections::BTreeMap;

use super::capacity::{self, Used};
use super::error::DynamoError;
use super::expression::condition::Condition;
use super::expression::path::{Path, project};
use super::keyspaces::Index;
use super::schema::KeySchema;
use super::shelf::Shelf;
use super::value::{self, Item, Value};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Bytes of items that one page looks at.
const PAGE: u64 = 1024 * 1024;

/// Which attributes are answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Select {
    All,
    Paths(Vec<Path>),
    Count,
}

/// A select, and whether a local index must ask its table.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) select: Select,
    pub(crate) from_table: bool,
}

/// Reads Select and ProjectionExpression.
pub(crate) fn select(
    asked: Option<&str>,
    paths: Option<Vec<Path>>,
    table: &KeySchema,
    index: Option<&Index>,
) -> Result<Shown, DynamoError> {
    if paths.is_some() && !matches!(asked, None | Some("SPECIFIC_ATTRIBUTES")) {
        let asked = asked.unwrap_or_default();
        return Err(DynamoError::Validation(format!(
            "Cannot specify the ProjectionExpression when choosing to get {asked}"
        )));
    }
    let (select, wants_all) = match (asked, paths) {
        (Some("COUNT"), _) => (Select::Count, false),
        (Some("SPECIFIC_ATTRIBUTES"), None) => {
            return Err(DynamoError::validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get \
                 SPECIFIC_ATTRIBUTES",
            ));
        }
        (_, Some(paths)) => (Select::Paths(paths), false),
        (Some("ALL_PROJECTED_ATTRIBUTES"), None) if index.is_none() => {
            return Err(DynamoError::validation(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
            ));
        }
        (Some("ALL_ATTRIBUTES"), None) => (Select::All, true),
        _ => (Select::All, false),
    };
    let Some(index) = index else {
        return Ok(Shown {
            select,
            from_table: false,
        });
    };
    let missing = match &select {
        Select::Paths(paths) => paths.iter().any(|path| !index.has(table, path.head())),
        Select::All | Select::Count => wants_all && !index.has_all(),
    };
    if missing && index.global {
        return Err(match &select {
            Select::Paths(paths) => {
                let lacking: Vec<&str> = paths
                    .iter()
                    .map(Path::head)
                    .filter(|head| !index.has(table, head))
                    .collect();
                DynamoError::invalid(format!(
                    "Global secondary index {} does not project [{}]",
                    index.name,
                    lacking.join(", ")
                ))
            }
            Select::All | Select::Count => DynamoError::invalid(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {} \
                 because its projection type is not ALL",
                index.name
            )),
        });
    }
    Ok(Shown {
        select,
        from_table: missing,
    })
}

/// Refuses reads that an index does not have.
pub(crate) fn check_consistency(
    consistent: bool,
    index: Option<&Index>,
) -> Result<(), DynamoError> {
    match index {
        Some(index) if index.global && consistent => Err(DynamoError::validation(
            "Consistent reads are not supported on global secondary indexes",
        )),
        _ => Ok(()),
    }
}

/// A place in a table or index, as LastEvaluatedKey gives it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position {
    pub(crate) key: Item,
}

impl Position {
    /// Checks an ExclusiveStartKey: exactly the keys of table and index.
    pub(crate) fn read(
        given: &BTreeMap<String, AttributeValue>,
        table: &KeySchema,
        index: Option<&Index>,
    ) -> Result<Option<Self>, DynamoError> {
        if given.is_empty() {
            return Ok(None);
        }
        let key = value::read(given)?;
        let wanted = attributes(table, index);
        let fits = key.len() == wanted.len()
            && wanted
                .iter()
                .all(|(name, kind)| key.get(*name).is_some_and(|value| value.kind() == *kind));
        if !fits {
            return Err(DynamoError::validation(
                "The provided starting key is invalid: The provided key element does not match \
                 the schema",
            ));
        }
        Ok(Some(Self { key }))
    }

    /// The key of this kind of an item.
    pub(crate) fn of(item: &Item, table: &KeySchema, index: Option<&Index>) -> Self {
        let key = attributes(table, index)
            .into_keys()
            .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
        Self { key: key.collect() }
    }
}

fn attributes<'a>(
    table: &'a KeySchema,
    index: Option<&'a Index>,
) -> BTreeMap<&'a str, &'static str> {
    let of_index = index
        .into_iter()
        .flat_map(|index| index.schema.attributes());
    table
        .attributes()
        .chain(of_index)
        .map(|attribute| (attribute.name.as_str(), attribute.kind.name()))
        .collect()
}

/// The order of items in a partition: sort key first, then, in an index, the table's key.
pub(crate) fn order_of(item: &Item, table: &KeySchema, index: Option<&Index>) -> Vec<Value> {
    let (sort, rest): (_, Vec<_>) = match index {
        None => (table.range.as_ref(), Vec::new()),
        Some(index) => (index.schema.range.as_ref(), table.attributes().collect()),
    };
    sort.into_iter()
        .chain(rest)
        .filter_map(|attribute| item.get(&attribute.name).cloned())
        .collect()
}

/// One page as it fills.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) index: Option<&'a Index>,
    pub(crate) filter: Option<&'a Condition>,
    pub(crate) shown: &'a Shown,
    pub(crate) limit: Option<i32>,
    pub(crate) consistent: bool,
    pub(crate) items: Vec<AttributeMap>,
    pub(crate) count: i32,
    pub(crate) scanned: i32,
    pub(crate) last: Option<Position>,
    bytes: u64,
    fetched: f64,
}

/// What a page asks for.
pub(crate) struct Asked<'a> {
    pub(crate) index: Option<&'a Index>,
    pub(crate) filter: Option<&'a Condition>,
    pub(crate) shown: &'a Shown,
    pub(crate) limit: Option<i32>,
    pub(crate) consistent: bool,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub(crate) fn new(shelf: &'a Shelf, asked: &Asked<'a>) -> Self {
        Self {
            shelf,
            index: asked.index,
            filter: asked.filter,
            shown: asked.shown,
            limit: asked.limit,
            consistent: asked.consistent,
            items: Vec::new(),
            count: 0,
            scanned: 0,
            last: None,
            bytes: 0,
            fetched: 0.0,
        }
    }

    /// Looks at the next item. Whether the page is full now; then its last key is set, even when
    /// nothing follows, as DynamoDB does with a limit.
    pub(crate) fn offer(&mut self, ctx: &mut Ctx<'_>, item: &Item) -> Result<bool, Refusal> {
        self.scanned += 1;
        self.bytes += value::size(item);
        let schema = &self.shelf.table.schema;
        let fetched = if self.shown.from_table {
            let key = schema.key_of(item)?;
            let found = self.shelf.find(ctx, key)?.item;
            let size = found.as_ref().map_or(0, value::size);
            self.fetched += capacity::read(size, self.consistent);
            found
        } else {
            None
        };
        let item = fetched.as_ref().unwrap_or(item);
        if self.filter.is_none_or(|filter| filter.holds(item)) {
            self.count += 1;
            match &self.shown.select {
                Select::Count => {}
                Select::All => self.items.push(AttributeMap {
                    items: value::wire_of(item),
                }),
                Select::Paths(paths) => self.items.push(AttributeMap {
                    items: value::wire_of(&project(paths, item)),
                }),
            }
        }
        let full = self.limit.is_some_and(|limit| self.scanned >= limit) || self.bytes >= PAGE;
        if full {
            self.last = Some(Position::of(item, schema, self.index));
        }
        Ok(full)
    }

    /// Units of what was looked at.
    pub(crate) fn used(&self) -> Used {
        let units = capacity::read(self.bytes, self.consistent);
        match self.index {
            None => Used::of_table(units),
            Some(index) => Used {
                table: self.fetched,
                indexes: BTreeMap::from([((index.global, index.name.clone()), units)]),
            },
        }
    }
}
