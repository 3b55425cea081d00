//! What a table with strong consistency cannot do (DDB-072).

use std::collections::BTreeSet;

use faultline_proto::dynamodb::{TransactGetItem, TransactWriteItem};
use faultline_proto::handlers::DynamoDbRequest;

use super::super::error::DynamoError;
use super::super::keyspaces::{Extras, TableRow, Tables, TtlStatus};
use super::super::names::TableName;
use crate::context::Ctx;

/// Refuses a call that touches such a table and must not.
pub(super) fn check(ctx: &mut Ctx<'_>, request: &DynamoDbRequest) -> Result<(), DynamoError> {
    use DynamoDbRequest as R;
    let (tables, refusal) = match request {
        R::TransactWriteItems(request) => (
            request.transact_items.iter().filter_map(written).collect(),
            transactions(),
        ),
        R::TransactGetItems(request) => (
            request.transact_items.iter().filter_map(read).collect(),
            transactions(),
        ),
        R::UpdateTimeToLive(request) => (
            request.table_name.iter().cloned().collect(),
            DynamoError::validation(
                "Time to Live is not supported for a global table with MultiRegionConsistency \
                 STRONG",
            ),
        ),
        _ => return Ok(()),
    };
    let tables: BTreeSet<String> = tables;
    for table in &tables {
        let Ok(name) = TableName::read(ctx, Some(table)) else {
            continue;
        };
        let row = ctx.get_cached::<Tables>((&name.account, name.name.as_str()));
        if row.is_some_and(|row| super::is(ctx, &row)) {
            return Err(refusal);
        }
    }
    Ok(())
}

fn transactions() -> DynamoError {
    DynamoError::validation(
        "Transactions are not supported for a global table with MultiRegionConsistency STRONG",
    )
}

fn written(item: &TransactWriteItem) -> Option<String> {
    let check = item.condition_check.as_ref().map(|it| &it.table_name);
    let put = item.put.as_ref().map(|it| &it.table_name);
    let delete = item.delete.as_ref().map(|it| &it.table_name);
    let update = item.update.as_ref().map(|it| &it.table_name);
    check.or(put).or(delete).or(update)?.clone()
}

fn read(item: &TransactGetItem) -> Option<String> {
    item.get.as_ref()?.table_name.clone()
}

/// Whether a table may get strong consistency.
pub(super) fn check_table(ctx: &mut Ctx<'_>, row: &TableRow) -> Result<(), DynamoError> {
    let Some(extras) = ctx.get::<Extras>(row.id.as_str()) else {
        return Ok(());
    };
    if extras.indexes.iter().any(|index| !index.global) {
        return Err(DynamoError::validation(
            "Local secondary indexes are not supported for a global table with \
             MultiRegionConsistency STRONG",
        ));
    }
    let expires = extras.ttl.is_some_and(|ttl| match ttl.status {
        TtlStatus::Enabling | TtlStatus::Enabled | TtlStatus::Disabling => true,
        TtlStatus::Disabled => false,
    });
    if expires {
        return Err(DynamoError::validation(
            "Time to Live is not supported for a global table with MultiRegionConsistency STRONG",
        ));
    }
    Ok(())
}
