//! Query: the items of one partition, in the order of their sort key.
//!
//! Rows of a partition lie together and in no order, for an order would tell something of sealed
//! keys. A query opens them all and sorts: 10,000 items are tens of milliseconds. A query that
//! names the whole key of a table reads one row.

use faultline_proto::dynamodb::{QueryRequest, QueryResponse};
use faultline_proto::progress::Progress;

use super::capacity::Kind;
use super::error::DynamoError;
use super::expression::Scope;
use super::expression::condition::{Comparison, Condition};
use super::expression::key::{self, KeyCondition, Sort};
use super::expression::path::Path;
use super::indexes;
use super::keyspaces::Index;
use super::names::TableName;
use super::pages::{self, Asked, Page, Position};
use super::schema::KeySchema;
use super::shelf::{self, Shelf};
use super::strong::compare::Extent;
use super::value::{self, Item};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// What a request says in expressions.
struct Expressions {
    paths: Option<Vec<Path>>,
    filter: Option<Condition>,
    condition: Condition,
}

fn expressions(request: &QueryRequest) -> Result<Expressions, DynamoError> {
    let (paths, filter, condition) = (
        request.projection_expression.as_ref(),
        request.filter_expression.as_ref(),
        request.key_condition_expression.as_ref(),
    );
    let given = [
        ("ProjectionExpression", paths),
        ("FilterExpression", filter),
        ("KeyConditionExpression", condition),
    ];
    let mut scope = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &given,
    )?;
    let paths = scope.projection(paths)?;
    let filter = scope.condition_of("FilterExpression", filter)?;
    let condition = scope.condition_of("KeyConditionExpression", condition)?;
    scope.all_used()?;
    let condition = condition.ok_or_else(|| {
        DynamoError::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in \
             the request.",
        )
    })?;
    Ok(Expressions {
        paths,
        filter,
        condition,
    })
}

/// Reads a page of a partition.
pub(super) fn query(
    ctx: &mut Ctx<'_>,
    request: QueryRequest,
) -> Result<Progress<QueryResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let Expressions {
        paths,
        filter,
        condition,
    } = expressions(&request)?;
    let table = shelf::ready(ctx, &name)?;
    let shelf = Shelf::open(ctx, name, table)?;
    let schema = &shelf.table.schema;
    let index = indexes::named(shelf.extras(ctx).as_ref(), request.index_name.as_deref())?;
    let consistent = request.consistent_read.unwrap_or_default();
    pages::check_consistency(consistent, index.as_ref())?;
    let queried = index.as_ref().map_or(schema, |index| &index.schema);
    let condition = key::read(condition, queried)?;
    if let Some(filter) = &filter {
        key::no_keys(filter, queried)?;
    }
    let shown = pages::select(request.select.as_deref(), paths, schema, index.as_ref())?;
    let after = Position::read(&request.exclusive_start_key, schema, index.as_ref())?;
    if let Some(after) = &after {
        inside(after, &condition, queried)?;
    }
    let forward = request.scan_index_forward.unwrap_or(true);
    let items = sorted(
        ctx,
        &shelf,
        index.as_ref(),
        &condition,
        after.as_ref(),
        forward,
    )?;
    let asked = Asked {
        index: index.as_ref(),
        filter: filter.as_ref(),
        shown: &shown,
        limit: request.limit,
        consistent,
    };
    let mut page = Page::new(&shelf, &asked);
    for item in &items {
        if page.offer(ctx, item)? {
            break;
        }
    }
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(QueryResponse {
        consumed_capacity: page.used().shown(wanted, &shelf.name, Kind::Plain),
        items: page.items,
        count: Some(page.count),
        scanned_count: Some(page.scanned),
        last_evaluated_key: page
            .last
            .map(|last| value::wire_of(&last.key))
            .unwrap_or_default(),
    }))
}

/// Which items of its table a query looks at.
pub(crate) fn extent(request: &QueryRequest, schema: &KeySchema) -> Result<Extent, DynamoError> {
    let KeyCondition { hash, range } = key::read(expressions(request)?.condition, schema)?;
    let of_hash = (schema.hash.name.clone(), hash.clone());
    Ok(match (&schema.range, range) {
        (None, _) => Extent::Keys(vec![Item::from([of_hash])]),
        (Some(attribute), Some(Sort::Compare(Comparison::Equal, value))) => {
            let key = Item::from([of_hash, (attribute.name.clone(), value)]);
            Extent::Keys(vec![key])
        }
        (Some(_), _) => Extent::Partition(hash),
    })
}

/// The start must lie where the condition looks.
fn inside(
    after: &Position,
    condition: &KeyCondition,
    schema: &KeySchema,
) -> Result<(), DynamoError> {
    let hash = after.key.get(&schema.hash.name) == Some(&condition.hash);
    let range = match (&schema.range, &condition.range) {
        (Some(attribute), Some(sort)) => after
            .key
            .get(&attribute.name)
            .is_some_and(|value| sort.holds(value)),
        _ => true,
    };
    if hash && range {
        return Ok(());
    }
    Err(DynamoError::validation(if hash {
        "The provided starting key does not match the range key predicate"
    } else {
        "The provided starting key is outside query boundaries based on provided conditions"
    }))
}

/// The items that the condition names, in their order, after a position.
fn sorted(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    index: Option<&Index>,
    condition: &KeyCondition,
    after: Option<&Position>,
    forward: bool,
) -> Result<Vec<Item>, Refusal> {
    let schema = &shelf.table.schema;
    let items = match (index, &schema.range, &condition.range) {
        (None, None, _) => {
            let key = Item::from([(schema.hash.name.clone(), condition.hash.clone())]);
            shelf.find(ctx, key)?.item.into_iter().collect()
        }
        (None, Some(range), Some(Sort::Compare(Comparison::Equal, value))) => {
            let key = Item::from([
                (schema.hash.name.clone(), condition.hash.clone()),
                (range.name.clone(), value.clone()),
            ]);
            shelf.find(ctx, key)?.item.into_iter().collect()
        }
        (None, Some(_), _) => shelf.partition(ctx, &condition.hash)?,
        (Some(index), ..) => indexes::partition(ctx, shelf, index, &condition.hash)?,
    };
    let sort_key = index.map_or(&schema.range, |index| &index.schema.range);
    let fits = |item: &Item| match (&condition.range, sort_key) {
        (Some(sort), Some(attribute)) => item
            .get(&attribute.name)
            .is_some_and(|value| sort.holds(value)),
        _ => true,
    };
    let mut keyed: Vec<_> = items
        .into_iter()
        .filter(fits)
        .map(|item| (pages::order_of(&item, schema, index), item))
        .collect();
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    if !forward {
        keyed.reverse();
    }
    let from = after.map_or(0, |after| {
        let after = pages::order_of(&after.key, schema, index);
        keyed.partition_point(|(order, _)| {
            if forward {
                *order <= after
            } else {
                *order >= after
            }
        })
    });
    Ok(keyed.into_iter().skip(from).map(|(_, item)| item).collect())
}
