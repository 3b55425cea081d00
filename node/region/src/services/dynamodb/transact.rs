//! TransactWriteItems and TransactGetItems: all or nothing, in one step of this Region.
//!
//! A Region takes one call at a time, so the step is the transaction: conditions are asked of
//! the state before it, then everything is written or nothing is. `TransactionConflict` is a
//! reason that AWS knows and this Region never gives, for nothing runs beside a call. Replicas
//! hear of the items one by one (DDB-017).

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::{
    ItemResponse, TransactGetItemsRequest, TransactGetItemsResponse, TransactWriteItem,
    TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use faultline_proto::names::Elapsed;
use faultline_proto::progress::Progress;
use prost::Message as _;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::actions::{self, Action, After, Asked, Prepared, Terms};
use super::capacity::{self, Kind, Used};
use super::error::DynamoError;
use super::expression::Scope;
use super::expression::path::project;
use super::items::terms;
use super::keyspaces::{TokenRow, Tokens};
use super::names::TableName;
use super::shelf::{self, Shelf};
use super::value::{self, Item};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// Bytes that the items of a transaction may have (DDB-018).
const LARGEST: u64 = 4 * 1024 * 1024;
/// How long a ClientRequestToken is remembered, microseconds (DDB-018).
const REMEMBERED: u64 = 600 * 1_000_000;

/// Writes all items, or none.
pub(super) fn write(
    ctx: &mut Ctx<'_>,
    request: TransactWriteItemsRequest,
) -> Result<Progress<TransactWriteItemsResponse>, Refusal> {
    let wanted = request.return_consumed_capacity.clone();
    let all = request
        .transact_items
        .iter()
        .map(|item| action(ctx, item))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(token) = &request.client_request_token
        && let Some(sizes) = remembered(ctx, token, &request)?
    {
        return Ok(done(wanted.as_deref(), again(ctx, &sizes), Kind::Read));
    }
    let mut touched = BTreeSet::new();
    for action in &all {
        let table = shelf::ready(ctx, &action.name)?;
        let item = action.change.item();
        let key: Item = table
            .schema
            .attributes()
            .filter_map(|attribute| {
                Some((attribute.name.clone(), item.get(&attribute.name)?.clone()))
            })
            .collect();
        if !touched.insert((table.id.clone(), key)) {
            return Err(DynamoError::validation(
                "Transaction request cannot include multiple operations on one item",
            )
            .into());
        }
    }
    let prepared = prepare(ctx, &all)?;
    let size = |prepared: &Prepared| match &prepared.after {
        After::Item(item) => value::size(item),
        After::Gone | After::Unchanged => value::size(&prepared.place.key),
    };
    if prepared.iter().map(size).sum::<u64>() > LARGEST {
        return Err(DynamoError::validation(
            "The aggregate size of the items in the transaction cannot exceed 4 MB",
        )
        .into());
    }
    let mut used: BTreeMap<TableNameKey, Used> = BTreeMap::new();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for one in &prepared {
        let units = actions::commit(ctx, one).times(2.0);
        used.entry(key_of(&one.shelf.name)).or_default().add(&units);
        *sizes.entry(one.shelf.name.name.clone()).or_default() += size(one).div_ceil(4096).max(1);
    }
    if let Some(token) = &request.client_request_token {
        remember(ctx, token, &request, sizes);
    }
    Ok(done(wanted.as_deref(), used, Kind::Write))
}

type TableNameKey = (String, String);

fn key_of(name: &TableName) -> TableNameKey {
    (name.account.to_string(), name.name.clone())
}

fn done(
    wanted: Option<&str>,
    used: BTreeMap<TableNameKey, Used>,
    kind: Kind,
) -> Progress<TransactWriteItemsResponse> {
    Progress::Done(TransactWriteItemsResponse {
        consumed_capacity: shown(wanted, used, kind),
    })
}

fn shown(
    wanted: Option<&str>,
    used: BTreeMap<TableNameKey, Used>,
    kind: Kind,
) -> Vec<faultline_proto::dynamodb::ConsumedCapacity> {
    used.into_iter()
        .filter_map(|((account, name), used)| {
            let account = faultline_proto::names::AccountId::new(&account).ok()?;
            used.shown(wanted, &TableName { account, name }, kind)
        })
        .collect()
}

fn action(ctx: &Ctx<'_>, item: &TransactWriteItem) -> Result<Action, DynamoError> {
    match item {
        TransactWriteItem {
            put: Some(put),
            update: None,
            delete: None,
            condition_check: None,
        } => Action::read(
            ctx,
            put.table_name.as_deref(),
            &Asked::Put(&put.item),
            &terms!(put),
        ),
        TransactWriteItem {
            put: None,
            update: Some(update),
            delete: None,
            condition_check: None,
        } => {
            let asked = Asked::Update(&update.key, update.update_expression.as_ref());
            Action::read(ctx, update.table_name.as_deref(), &asked, &terms!(update))
        }
        TransactWriteItem {
            put: None,
            update: None,
            delete: Some(delete),
            condition_check: None,
        } => {
            let asked = Asked::Delete(&delete.key);
            Action::read(ctx, delete.table_name.as_deref(), &asked, &terms!(delete))
        }
        TransactWriteItem {
            put: None,
            update: None,
            delete: None,
            condition_check: Some(check),
        } => {
            let asked = Asked::Check(&check.key);
            Action::read(ctx, check.table_name.as_deref(), &asked, &terms!(check))
        }
        _ => Err(DynamoError::validation(
            "TransactItems can only contain one of Check, Put, Update or Delete",
        )),
    }
}

/// Asks every action; the reasons of all that fail.
fn prepare(ctx: &mut Ctx<'_>, all: &[Action]) -> Result<Vec<Prepared>, Refusal> {
    let mut prepared = Vec::new();
    let mut reasons = Vec::new();
    for action in all {
        match actions::prepare(ctx, action) {
            Ok(ready) => {
                prepared.push(ready);
                reasons.push(json!({ "Code": "None" }));
            }
            Err(refusal) => reasons.push(reason(refusal)?),
        }
    }
    if prepared.len() < all.len() {
        return Err(DynamoError::Canceled(reasons).into());
    }
    Ok(prepared)
}

/// Why an action failed, unless the whole call fails by it.
fn reason(refusal: Refusal) -> Result<Json, Refusal> {
    let code = match refusal.code.as_ref() {
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "ValidationException" if !refusal.message.starts_with("KMS") => "ValidationError",
        _ => return Err(refusal),
    };
    let mut reason = json!({ "Code": code, "Message": refusal.message });
    let members = refusal
        .members
        .and_then(|text| serde_json::from_str::<Json>(&text).ok());
    if let Some(item) = members.and_then(|members| members.get("Item").cloned()) {
        reason["Item"] = item;
    }
    Ok(reason)
}

fn digest(request: &TransactWriteItemsRequest) -> Vec<u8> {
    let plain = TransactWriteItemsRequest {
        client_request_token: None,
        return_consumed_capacity: None,
        ..request.clone()
    };
    Sha256::digest(plain.encode_to_vec()).to_vec()
}

/// What the same token did in the last 10 minutes (DDB-018).
fn remembered(
    ctx: &mut Ctx<'_>,
    token: &str,
    request: &TransactWriteItemsRequest,
) -> Result<Option<BTreeMap<String, u64>>, DynamoError> {
    let account = ctx.account();
    let elapsed = ctx.elapsed().0;
    let found = ctx.get::<Tokens>((&account, token));
    match found.filter(|row| row.until > elapsed) {
        Some(row) if row.digest == digest(request) => Ok(Some(row.sizes)),
        Some(_) => Err(DynamoError::TokenMismatch),
        None => Ok(None),
    }
}

fn remember(
    ctx: &mut Ctx<'_>,
    token: &str,
    request: &TransactWriteItemsRequest,
    sizes: BTreeMap<String, u64>,
) {
    let account = ctx.account();
    let until = ctx.elapsed().0 + REMEMBERED;
    let row = TokenRow {
        digest: digest(request),
        until,
        sizes,
    };
    ctx.put::<Tokens>((&account, token), &row);
    let payload = encode(&(account, token));
    ctx.schedule("dynamodb", Elapsed(until), "token_gone", payload);
}

/// A token whose time is over.
pub(super) fn forget(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, token)) = decode::<(faultline_proto::names::AccountId, String)>(payload)
    else {
        return;
    };
    let elapsed = ctx.elapsed().0;
    let found = ctx.get::<Tokens>((&account, token.as_str()));
    if found.is_some_and(|row| row.until <= elapsed) {
        ctx.delete::<Tokens>((&account, token.as_str()));
    }
}

/// What an answer from memory costs: the items are read again, in units of 4 KB.
fn again(ctx: &Ctx<'_>, sizes: &BTreeMap<String, u64>) -> BTreeMap<TableNameKey, Used> {
    let account = ctx.account().to_string();
    sizes
        .iter()
        .map(|(name, units)| {
            (
                (account.clone(), name.clone()),
                Used::of_table(*units as f64 * 2.0),
            )
        })
        .collect()
}

/// Reads items as they are at one moment.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: TransactGetItemsRequest,
) -> Result<Progress<TransactGetItemsResponse>, Refusal> {
    let mut responses = Vec::new();
    let mut used: BTreeMap<TableNameKey, Used> = BTreeMap::new();
    let mut touched = BTreeSet::new();
    let mut bytes = 0;
    let none = BTreeMap::new();
    for item in &request.transact_items {
        let get = item.get.clone().unwrap_or_default();
        let name = TableName::read(ctx, get.table_name.as_deref())?;
        let key = value::read(&get.key)?;
        let expressions = [("ProjectionExpression", get.projection_expression.as_ref())];
        let mut scope = Scope::new(&get.expression_attribute_names, &none, &expressions)?;
        let paths = scope.projection(get.projection_expression.as_ref())?;
        scope.all_used()?;
        let table = shelf::ready(ctx, &name)?;
        table.schema.check_key(&key)?;
        if !touched.insert((table.id.clone(), key.clone())) {
            return Err(DynamoError::validation(
                "Transaction request cannot include multiple operations on one item",
            )
            .into());
        }
        let shelf = Shelf::open(ctx, name, table)?;
        let found = shelf.find(ctx, key)?.item;
        let size = found.as_ref().map_or(0, value::size);
        bytes += size;
        let units = Used::of_table(capacity::read(size, true) * 2.0);
        used.entry(key_of(&shelf.name)).or_default().add(&units);
        let found = found.map(|item| match &paths {
            Some(paths) => project(paths, &item),
            None => item,
        });
        responses.push(ItemResponse {
            item: found.as_ref().map(value::wire_of).unwrap_or_default(),
        });
    }
    if bytes > LARGEST {
        return Err(DynamoError::validation(
            "The aggregate size of the items in the transaction cannot exceed 4 MB",
        )
        .into());
    }
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(TransactGetItemsResponse {
        consumed_capacity: shown(wanted, used, Kind::Read),
        responses,
    }))
}
