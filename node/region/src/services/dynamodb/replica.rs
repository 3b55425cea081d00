//! The other side of ReplicaUpdates: what a Region does when another asks it for a replica.

use super::access;
use super::encryption;
use super::error::DynamoError;
use super::global;
use super::keyspaces::{
    Billing, Counted, Encryption, ReplicaStatus, Stream, TableRow, TableStatus,
};
use super::names::TableName;
use super::records::{DropReplica, MakeReplica};
use super::sagas::BOTH_IMAGES;
use super::strong::{group, leaving};
use super::tables::{self, TableTimer};
use super::watch;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::RemoteCall;

/// DDB-039: what the caller must be allowed in the new Region.
const TO_ADD: [&str; 9] = [
    "CreateTable",
    "CreateTableReplica",
    "Query",
    "Scan",
    "UpdateItem",
    "PutItem",
    "GetItem",
    "DeleteItem",
    "BatchWriteItem",
];
const TO_REMOVE: [&str; 2] = ["DeleteTable", "DeleteTableReplica"];
/// How long an empty replica takes, and one with items (DDB-040), microseconds.
const EMPTY_IN: (u64, u64) = (15_000_000, 50_000_000);
const FILLED_IN: (u64, u64) = (600_000_000, 660_000_000);
/// How long a removed replica takes to go (DDB-040), microseconds.
const GONE_IN: (u64, u64) = (120_000_000, 240_000_000);

/// What a question touches here.
pub(super) fn access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let (event, actions, name): (_, &[&str], _) = match kind {
        "make_replica" | "make_witness" => {
            let asked: MakeReplica = decode(body)?;
            let name = TableName {
                account: asked.account,
                name: asked.table,
            };
            ("CreateTableReplica", &TO_ADD, name)
        }
        "drop_replica" => ("DeleteTableReplica", &TO_REMOVE, dropped(body)?.0),
        // What follows from a call that was allowed is asked of nobody again.
        _ => {
            return Ok(RemoteCall {
                event: None,
                read_only: false,
                accesses: Vec::new(),
                charge: None,
            });
        }
    };
    Ok(RemoteCall {
        event: Some(event),
        read_only: false,
        accesses: actions
            .iter()
            .map(|action| access::on(ctx, action, &name))
            .collect(),
        charge: None,
    })
}

fn dropped(body: &[u8]) -> Result<(TableName, String), Refusal> {
    let asked: DropReplica = decode(body)?;
    let name = TableName {
        account: asked.account,
        name: asked.table,
    };
    Ok((name, asked.group))
}

/// Makes a replica that fills.
pub(super) fn make(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let asked: MakeReplica = decode(body)?;
    let name = TableName {
        account: asked.account.clone(),
        name: asked.table.clone(),
    };
    if tables::row_of(ctx, &name).is_some() {
        return Err(global::taken(&name).into());
    }
    let id = ctx.entropy().uuid("dynamodb.table-id");
    let encryption = match &asked.key {
        Some(key) => encryption::under_kms(ctx, &name, &id, key).map_err(disabled)?,
        None => encryption::owned(ctx, &id),
    };
    let pause = match (asked.strong, asked.has_items) {
        (true, _) => group::pause(asked.witness.is_some()),
        (false, true) => FILLED_IN,
        (false, false) => EMPTY_IN,
    };
    let mut row = row_of(ctx, &asked, id, encryption);
    let at = tables::wake(ctx, "filled", &name, &row, pause).0;
    row.status = TableStatus::Filling {
        at,
        // The members of an MRSC table begin empty.
        complete: asked.strong,
    };
    tables::save(ctx, &name, &row);
    if asked.strong {
        group::joined(ctx, &row, asked.witness);
    }
    watch::begin(ctx, &name, &row);
    Ok(encode(&tables::as_replica(&row, ReplicaStatus::Creating)))
}

/// The row of a new member.
pub(super) fn row_of(
    ctx: &Ctx<'_>,
    asked: &MakeReplica,
    id: String,
    encryption: Encryption,
) -> TableRow {
    // DDB-078: no stream unless it is switched on.
    let stream = (!asked.strong).then(|| Stream {
        view: BOTH_IMAGES.to_owned(),
        since: ctx.now(),
    });
    TableRow {
        group: asked.group.clone(),
        created: ctx.now(),
        status: TableStatus::Filling {
            at: 0,
            complete: false,
        },
        schema: asked.schema.clone(),
        billing: Billing::PayPerRequest,
        stream,
        class: asked.class.clone(),
        deletion_protection: false,
        tags: Default::default(),
        encryption,
        replicas: asked.members.clone(),
        source_since: None,
        encryption_changes: Vec::new(),
        counted: Counted {
            at: ctx.elapsed().0,
            ..Counted::default()
        },
        inaccessible: None,
        id,
    }
}

/// DDB-066: a key that is disabled already is reported in other words here.
fn disabled(refusal: Refusal) -> Refusal {
    if !refusal.message.starts_with("KMS key disabled error") {
        return refusal;
    }
    let words = DynamoError::validation(
        "Operation cannot be performed while replica server-side encryption status is in \
         UPDATING state. Retry after some time.",
    );
    refusal.in_words(words)
}

/// Gives the replica up.
pub(super) fn drop(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (name, group) = dropped(body)?;
    if leaving::drop_witness(ctx, &name, &group) {
        return Ok(Vec::new());
    }
    let row = tables::row_of(ctx, &name)
        .filter(|row| row.group == group)
        .ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    tables::begin_deletion(ctx, &name, row, GONE_IN)?;
    Ok(Vec::new())
}

/// Forgets a replica that was asked for in vain.
pub(super) fn forget(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (name, group) = dropped(body)?;
    leaving::drop_witness(ctx, &name, &group);
    if let Some(mut row) = tables::row_of(ctx, &name)
        && (row.group == group || group.is_empty())
        && matches!(row.status, TableStatus::Filling { .. })
    {
        row.status = TableStatus::Deleting;
        tables::save(ctx, &name, &row);
        tables::gone(ctx, &TableTimer::of(&name, &row));
    }
    Ok(Vec::new())
}
