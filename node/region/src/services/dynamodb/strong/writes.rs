//! BatchWriteItem to MRSC tables: which writes it is, and what it answers.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{
    BatchWriteItemRequest, BatchWriteItemResponse, ConsumedCapacity, DeleteItemRequest,
    DeleteItemResponse, PutItemRequest, PutItemResponse, WriteRequest,
};
use faultline_proto::progress::Progress;
use prost::Message as _;

use super::super::value;
use super::super::{batch, capacity};
use super::entry::{Op, open_table, unreachable, usable};
use super::many::{Many, Single, refusal_of};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// All writes of a batch, one after the other.
fn each(request: &BatchWriteItemRequest) -> impl Iterator<Item = (&String, &WriteRequest)> {
    let tables = request.request_items.iter();
    tables.flat_map(|(table, requests)| requests.items.iter().map(move |one| (table, one)))
}

/// A batch of writes, when a table of it has strong consistency. What it writes to other tables is
/// written at once.
pub(super) fn asked(
    ctx: &mut Ctx<'_>,
    request: &BatchWriteItemRequest,
) -> Result<Option<Many>, Refusal> {
    let mut tables = BTreeMap::new();
    for table in request.request_items.keys() {
        if let Some((name, row)) = open_table(ctx, Some(table))? {
            usable(ctx, &row)?;
            tables.insert(table.clone(), (name, row));
        }
    }
    if tables.is_empty() {
        return Ok(None);
    }
    batch::check(ctx, request)?;
    let mut local = request.clone();
    local
        .request_items
        .retain(|table, _| !tables.contains_key(table));
    let mut many = Many::new(ctx, "dynamodb.BatchWriteItem", request.encode_to_vec());
    if !local.request_items.is_empty() {
        let Progress::Done(answer) = batch::write(ctx, local)? else {
            return Err(Refusal::internal("a batch of writes of one Region waits"));
        };
        many.local = answer.encode_to_vec();
    }
    for ((table, one), nth) in each(request).zip(0..) {
        let Some((name, row)) = tables.get(table) else {
            continue;
        };
        let returns = request.return_consumed_capacity.clone();
        let of = (name.account.clone(), name.name.clone(), row.group.clone());
        let (asked, key) = match (&one.put_request, &one.delete_request) {
            (Some(put), _) => {
                let asked = PutItemRequest {
                    table_name: Some(table.clone()),
                    item: put.item.clone(),
                    return_consumed_capacity: returns,
                    ..Default::default()
                };
                let key = row.schema.key_of(&value::read(&put.item)?)?;
                (("PutItem", asked.encode_to_vec()), key)
            }
            (None, Some(delete)) => {
                let asked = DeleteItemRequest {
                    table_name: Some(table.clone()),
                    key: delete.key.clone(),
                    return_consumed_capacity: returns,
                    ..Default::default()
                };
                (
                    ("DeleteItem", asked.encode_to_vec()),
                    value::read(&delete.key)?,
                )
            }
            // Refused by the check above.
            (None, None) => continue,
        };
        let op = Op::new(of, asked, key, many.until);
        many.waiting.push(Single { nth, op, wakes: 0 });
    }
    many.waiting.reverse();
    Ok(Some(many))
}

impl Many {
    /// What a batch of writes answers: what was certainly not written may be sent again.
    pub(super) fn written(&self) -> Result<BatchWriteItemResponse, Refusal> {
        let broken = |_| Refusal::internal("a batch of writes does not decode");
        let request = BatchWriteItemRequest::decode(self.request.as_slice()).map_err(broken)?;
        let mut answer = BatchWriteItemResponse::decode(self.local.as_slice()).map_err(broken)?;
        let mut used: BTreeMap<&String, ConsumedCapacity> = BTreeMap::new();
        let (mut done, mut refused) = (false, None);
        for ((table, one), nth) in each(&request).zip(0..) {
            let found = self.ended.iter().find(|(it, _)| *it == nth);
            match found.map(|(_, outcome)| outcome) {
                // Of a table of one Region.
                None => done = true,
                Some(Ok(response)) => {
                    done = true;
                    let units = if one.put_request.is_some() {
                        PutItemResponse::decode(response.as_slice())
                            .map_err(broken)?
                            .consumed_capacity
                    } else {
                        DeleteItemResponse::decode(response.as_slice())
                            .map_err(broken)?
                            .consumed_capacity
                    };
                    match (units, used.get_mut(table)) {
                        (Some(more), Some(sum)) => capacity::add_told(sum, &more),
                        (Some(units), None) => drop(used.insert(table, units)),
                        (None, _) => {}
                    }
                }
                Some(Err(failure)) => {
                    let refusal = refusal_of(failure);
                    if !refusal.definite {
                        return Err(unreachable(false));
                    }
                    refused.get_or_insert(refusal);
                    let left = answer.unprocessed_items.entry(table.clone());
                    left.or_default().items.push(one.clone());
                }
            }
        }
        if let (false, Some(refusal)) = (done, refused) {
            return Err(refusal);
        }
        answer.consumed_capacity.extend(used.into_values());
        Ok(answer)
    }
}
