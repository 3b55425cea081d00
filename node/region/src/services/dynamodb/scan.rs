//! Scan: a whole table or index, partition after partition, perhaps in parallel parts.
//!
//! Partitions come in the order of their hashed names, as on AWS; items of one partition in the
//! order of their sort key. A segment is a range of hashed names.

use faultline_proto::dynamodb::{ScanRequest, ScanResponse};
use faultline_proto::progress::Progress;

use super::capacity::Kind;
use super::error::DynamoError;
use super::expression::Scope;
use super::indexes;
use super::keyspaces::{Entries, Index, Items};
use super::names::TableName;
use super::pages::{self, Asked, Page, Position};
use super::sealing::PART;
use super::shelf::{self, Shelf};
use super::value::{self, Item};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Rows read at one time.
const AT_ONCE: usize = 256;

/// Reads a page of a table or index.
pub(super) fn scan(
    ctx: &mut Ctx<'_>,
    request: ScanRequest,
) -> Result<Progress<ScanResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let segment = segment(request.segment, request.total_segments)?;
    let expressions = [
        (
            "ProjectionExpression",
            request.projection_expression.as_ref(),
        ),
        ("FilterExpression", request.filter_expression.as_ref()),
    ];
    let mut scope = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &expressions,
    )?;
    let paths = scope.projection(request.projection_expression.as_ref())?;
    let filter = scope.condition_of("FilterExpression", request.filter_expression.as_ref())?;
    scope.all_used()?;
    let table = shelf::ready(ctx, &name)?;
    let shelf = Shelf::open(ctx, name, table)?;
    let schema = &shelf.table.schema;
    let index = indexes::named(shelf.extras(ctx).as_ref(), request.index_name.as_deref())?;
    let consistent = request.consistent_read.unwrap_or_default();
    pages::check_consistency(consistent, index.as_ref())?;
    let shown = pages::select(request.select.as_deref(), paths, schema, index.as_ref())?;
    let after = Position::read(&request.exclusive_start_key, schema, index.as_ref())?;
    let rows = Rows {
        shelf: &shelf,
        index: index.as_ref(),
        segment,
    };
    if let Some(after) = &after
        && !rows.holds(&rows.part_of(&after.key))
    {
        return Err(DynamoError::validation(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use \
             ExclusiveStartKey with correct Segment. TotalSegments: "
                .to_owned()
                + &format!("{} Segment: {}", segment.1, segment.0),
        )
        .into());
    }
    let asked = Asked {
        index: index.as_ref(),
        filter: filter.as_ref(),
        shown: &shown,
        limit: request.limit,
        consistent,
    };
    let mut page = Page::new(&shelf, &asked);
    rows.walk(ctx, after.as_ref(), &mut page)?;
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(ScanResponse {
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

/// Segment and number of segments.
fn segment(segment: Option<i32>, total: Option<i32>) -> Result<(u64, u64), DynamoError> {
    match (segment, total) {
        (None, None) => Ok((0, 1)),
        (Some(_), None) => Err(DynamoError::validation(
            "The TotalSegments parameter is required but was not present in the request when \
             Segment parameter is present",
        )),
        (None, Some(_)) => Err(DynamoError::validation(
            "The Segment parameter is required but was not present in the request when parameter \
             TotalSegments is present",
        )),
        (Some(segment), Some(total)) if segment >= total => Err(DynamoError::Validation(format!(
            "The Segment parameter is zero-based and must be less than parameter \
                 TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => Ok((
            u64::try_from(segment).unwrap_or_default(),
            u64::try_from(total).unwrap_or(1),
        )),
    }
}

/// Rows by name, opened, and the last one's name when there may be more.
type Portion = (Vec<(Vec<u8>, Item)>, Option<Vec<u8>>);

/// The rows of a table or index that a segment has.
struct Rows<'a> {
    shelf: &'a Shelf,
    index: Option<&'a Index>,
    segment: (u64, u64),
}

impl Rows<'_> {
    /// First bytes of the partitions of a segment, and of the next one's.
    fn bounds(&self) -> (u64, Option<u64>) {
        let (segment, total) = self.segment;
        let at = |segment: u64| {
            let first = (u128::from(segment) << 64).div_ceil(u128::from(total));
            u64::try_from(first).ok()
        };
        (at(segment).unwrap_or_default(), at(segment + 1))
    }

    fn holds(&self, part: &[u8]) -> bool {
        let first = part
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let (from, to) = self.bounds();
        first >= from && to.is_none_or(|to| first < to)
    }

    fn part_of(&self, key: &Item) -> [u8; PART] {
        match self.index {
            None => self
                .shelf
                .key
                .partition(&key[&self.shelf.table.schema.hash.name]),
            Some(index) => self
                .shelf
                .key
                .entries(&index.id, &key[&index.schema.hash.name]),
        }
    }

    /// Up to `AT_ONCE` rows after one, opened; and the last row's name when there may be more.
    fn some(&self, ctx: &mut Ctx<'_>, after: &[u8]) -> Result<Portion, Refusal> {
        let mut found = Vec::new();
        let last = match self.index {
            None => {
                let id = self.shelf.table.id.as_str();
                let rows = ctx.page(Range::<Items>::under((id,)).after((id, after)), AT_ONCE);
                let last =
                    (rows.len() == AT_ONCE).then(|| rows.last().map(|((_, row), _)| row.clone()));
                for ((_, row), item) in rows {
                    if !item.deleted && self.holds(&row) {
                        let item = self.shelf.opened(&row, &item)?;
                        found.push((row, item));
                    }
                }
                last.flatten()
            }
            Some(index) => {
                let id = index.id.as_str();
                let elapsed = ctx.elapsed().0;
                let rows = ctx.page(Range::<Entries>::under((id,)).after((id, after)), AT_ONCE);
                let last =
                    (rows.len() == AT_ONCE).then(|| rows.last().map(|((_, row), _)| row.clone()));
                for ((_, row), entry) in rows {
                    if let Some(sealed) = entry.visible(elapsed).filter(|_| self.holds(&row)) {
                        let item = self.shelf.key.open_at((id, &row), &sealed)?;
                        found.push((row, item));
                    }
                }
                last.flatten()
            }
        };
        let (_, to) = self.bounds();
        let past = last.as_ref().is_some_and(|last| {
            let first = last
                .first_chunk::<8>()
                .map_or(0, |bytes| u64::from_be_bytes(*bytes));
            to.is_some_and(|to| first >= to)
        });
        Ok((found, last.filter(|_| !past)))
    }

    /// Offers the items after a position until the page is full.
    fn walk(
        &self,
        ctx: &mut Ctx<'_>,
        after: Option<&Position>,
        page: &mut Page<'_>,
    ) -> Result<(), Refusal> {
        let part = after.map(|after| self.part_of(&after.key));
        let mut at = match part {
            Some(part) => part.to_vec(),
            None => self.bounds().0.to_be_bytes().to_vec(),
        };
        let order = |item: &Item| pages::order_of(item, &self.shelf.table.schema, self.index);
        let mut partition: Vec<(Vec<u8>, Item)> = Vec::new();
        loop {
            let (rows, last) = self.some(ctx, &at)?;
            let mut rows = rows.into_iter().peekable();
            loop {
                let next = rows.peek();
                let ends = match (next, partition.first()) {
                    (Some((row, _)), Some((first, _))) => row[..PART] != first[..PART],
                    (None, _) => last.is_none(),
                    (Some(_), None) => false,
                };
                if ends {
                    let mut keyed: Vec<_> = partition
                        .drain(..)
                        .map(|(row, item)| (order(&item), row, item))
                        .collect();
                    keyed.sort_by(|(one, ..), (other, ..)| one.cmp(other));
                    for (place, row, item) in &keyed {
                        let seen = after.is_some_and(|after| {
                            part.is_some_and(|part| row[..PART] == part)
                                && *place <= order(&after.key)
                        });
                        if !seen && page.offer(ctx, item)? {
                            return Ok(());
                        }
                    }
                }
                match rows.next() {
                    Some(row) => partition.push(row),
                    None => break,
                }
            }
            match last {
                Some(last) => at = last,
                None => return Ok(()),
            }
        }
    }
}
