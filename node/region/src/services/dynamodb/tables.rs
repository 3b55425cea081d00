//! CreateTable, DescribeTable, DeleteTable, and a table's way from CREATING to gone.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{
    CreateTableRequest, CreateTableResponse, DeleteTableRequest, DeleteTableResponse,
    DescribeTableRequest, DescribeTableResponse, Tag,
};
use faultline_proto::names::Elapsed;
use faultline_proto::progress::Progress;
use serde::{Deserialize, Serialize};

use super::error::DynamoError;
use super::keyspaces::{
    Billing, Conflicts, Counted, Disassociable, Extras, ExtrasRow, Items, Replica, ReplicaStatus,
    Stream, TableRow, TableStatus, Tables, Waiting,
};
use super::names::TableName;
use super::records::GroupChange;
use super::schema::KeySchema;
use super::streams::changes;
use super::{
    describe, encryption, index_fill, index_settings, indexes, lagging, members, settings, strong,
    value, watch,
};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Elapsed microseconds in which a table becomes ACTIVE, and in which it is gone.
const MADE_IN: (u64, u64) = (4_000_000, 9_000_000);
const GONE_IN: (u64, u64) = (3_000_000, 8_000_000);
/// How old ItemCount and TableSizeBytes may be, microseconds: six hours.
const COUNTED_EVERY: u64 = 6 * 3600 * 1_000_000;
/// How long the source of a new replica must stay, microseconds (DDB-028).
const SOURCE_STAYS: u64 = 24 * 3600 * 1_000_000;
/// Rows deleted with a table at one time.
const AT_ONCE: usize = 1000;

/// The payload of a table's timers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TableTimer {
    pub(crate) account: faultline_proto::names::AccountId,
    pub(crate) table: String,
    pub(crate) id: String,
}

impl TableTimer {
    /// For a table.
    pub(crate) fn of(name: &TableName, row: &TableRow) -> Self {
        Self {
            account: name.account.clone(),
            table: name.name.clone(),
            id: row.id.clone(),
        }
    }

    /// The table, if it is still the same one.
    pub(crate) fn found(&self, ctx: &mut Ctx<'_>) -> Option<(TableName, TableRow)> {
        let name = TableName {
            account: self.account.clone(),
            name: self.table.clone(),
        };
        let row = row_of(ctx, &name)?;
        (row.id == self.id).then_some((name, row))
    }
}

/// Wakes a table's timer `kind` in `from` to `to` microseconds.
pub(crate) fn wake(
    ctx: &mut Ctx<'_>,
    kind: &str,
    name: &TableName,
    row: &TableRow,
    (from, to): (u64, u64),
) -> Elapsed {
    let pause = from + ctx.entropy().below("dynamodb.pause", to - from);
    let at = ctx.elapsed().plus_micros(pause);
    ctx.schedule("dynamodb", at, kind, encode(&TableTimer::of(name, row)));
    at
}

/// A table's row.
pub(crate) fn row_of(ctx: &mut Ctx<'_>, name: &TableName) -> Option<TableRow> {
    ctx.get::<Tables>((&name.account, name.name.as_str()))
}

/// Writes a table's row.
pub(crate) fn save(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) {
    ctx.put::<Tables>((&name.account, name.name.as_str()), row);
}

/// Creates a table in this Region.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateTableRequest,
) -> Result<Progress<CreateTableResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let billing = settings::billing(
        request.billing_mode.as_deref(),
        request.provisioned_throughput.as_ref(),
    )?;
    let schema = KeySchema::read(&request.key_schema, &request.attribute_definitions)?;
    let indexes = index_settings::create(ctx, &request, &schema, billing)?;
    let view = request.stream_specification.as_ref().map(settings::stream);
    let key = request.sse_specification.as_ref().map(settings::encryption);
    let (view, key) = (view.transpose()?.flatten(), key.transpose()?.flatten());
    if row_of(ctx, &name).is_some() {
        return Err(DynamoError::TableExists(name.name).into());
    }
    let id = ctx.entropy().uuid("dynamodb.table-id");
    let since = ctx.now();
    let row = TableRow {
        group: id.clone(),
        created: ctx.now(),
        status: TableStatus::Creating,
        schema,
        billing,
        stream: view.map(|view| Stream { view, since }),
        class: request.table_class,
        deletion_protection: request.deletion_protection_enabled.unwrap_or_default(),
        tags: tags(&request.tags)?,
        encryption: match key {
            Some(key) => encryption::under_kms(ctx, &name, &id, &key)?,
            None => encryption::owned(ctx, &id),
        },
        replicas: BTreeMap::new(),
        source_since: None,
        encryption_changes: Vec::new(),
        counted: Counted {
            at: ctx.elapsed().0,
            ..Counted::default()
        },
        inaccessible: None,
        id,
    };
    save(ctx, &name, &row);
    if !indexes.is_empty() {
        let extras = ExtrasRow { indexes, ttl: None };
        ctx.put::<Extras>(row.id.as_str(), &extras);
    }
    wake(ctx, "ready", &name, &row, MADE_IN);
    watch::begin(ctx, &name, &row);
    Ok(Progress::Done(CreateTableResponse {
        table_description: Some(describe::of(ctx, &name, &row)),
    }))
}

/// Tags as a request gives them.
pub(crate) fn tags(tags: &[Tag]) -> Result<BTreeMap<String, String>, DynamoError> {
    let mut out = BTreeMap::new();
    for tag in tags {
        let key = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        if out.insert(key.clone(), value).is_some() {
            return Err(DynamoError::invalid(format!("Duplicate tag keys: {key}")));
        }
    }
    Ok(out)
}

/// Describes a table.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeTableRequest,
) -> Result<Progress<DescribeTableResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let mut row = row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    if ctx.elapsed().0 - row.counted.at >= COUNTED_EVERY {
        count(ctx, &name, &mut row);
    }
    let mut description = describe::of(ctx, &name, &row);
    strong::shown(ctx, &row, &mut description);
    Ok(Progress::Done(DescribeTableResponse {
        table: Some(description),
    }))
}

/// Brings ItemCount and TableSizeBytes up to date; without the table's key they stay as they are.
fn count(ctx: &mut Ctx<'_>, name: &TableName, row: &mut TableRow) {
    let Some(key) = encryption::key_for_look(ctx, row) else {
        return;
    };
    let mut counted = Counted {
        at: ctx.elapsed().0,
        ..Counted::default()
    };
    for ((_, place), item) in ctx.all(Range::<Items>::under((row.id.as_str(),))) {
        if item.deleted {
            continue;
        }
        if let Ok(item) = key.open(&row.id, &place, &item.version, &item.sealed) {
            counted.items += 1;
            counted.bytes += value::size(&item);
        }
    }
    row.counted = counted;
    save(ctx, name, row);
    let Some(mut extras) = ctx.get::<Extras>(row.id.as_str()) else {
        return;
    };
    for index in &mut extras.indexes {
        index.counted = indexes::count(ctx, &key, index);
    }
    ctx.put::<Extras>(row.id.as_str(), &extras);
}

/// Deletes a table and its items; a replica leaves its global table.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteTableRequest,
) -> Result<Progress<DeleteTableResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let row = row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    if strong::is(ctx, &row) {
        // DDB-073.
        return Err(DynamoError::validation(
            "A replica of a global table with MultiRegionConsistency STRONG cannot be deleted alone. \
             Delete both other members with UpdateTable first.",
        )
        .into());
    }
    let row = begin_deletion(ctx, &name, row, GONE_IN)?;
    Ok(Progress::Done(DeleteTableResponse {
        table_description: Some(describe::of(ctx, &name, &row)),
    }))
}

/// Takes a table out of use; it is gone some time later.
pub(crate) fn begin_deletion(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    mut row: TableRow,
    gone_in: (u64, u64),
) -> Result<TableRow, DynamoError> {
    match row.status {
        TableStatus::Active | TableStatus::Archived => {}
        TableStatus::Archiving => {
            return Err(DynamoError::InUse("archived", name.name.clone()));
        }
        TableStatus::Creating | TableStatus::Filling { .. } => {
            return Err(DynamoError::InUse("created", name.name.clone()));
        }
        TableStatus::Updating => {
            return Err(DynamoError::InUse("updated", name.name.clone()));
        }
        TableStatus::Deleting => {
            return Err(DynamoError::InUse("deleted", name.name.clone()));
        }
    }
    if row.deletion_protection {
        return Err(DynamoError::validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable \
             deletion protection first.",
        ));
    }
    let elapsed = ctx.elapsed().0;
    let stays = |since: u64| elapsed - since < SOURCE_STAYS;
    if !row.replicas.is_empty() && row.source_since.is_some_and(stays) {
        return Err(DynamoError::validation(
            "Replica cannot be deleted because it has acted as a source region for new \
             replica(s) being added to the table in the last 24 hours.",
        ));
    }
    row.status = TableStatus::Deleting;
    save(ctx, name, &row);
    lagging::push(ctx, name, &row, None);
    members::tell_own(ctx, name, &row, ReplicaStatus::Deleting);
    wake(ctx, "gone", name, &row, gone_in);
    Ok(row)
}

/// A table that was made or changed is ready.
pub(crate) fn made(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    if let Some((name, mut row)) = timer.found(ctx)
        && matches!(row.status, TableStatus::Creating | TableStatus::Updating)
    {
        row.status = TableStatus::Active;
        save(ctx, &name, &row);
    }
}

/// The end of a table: its rows go in portions, then it.
pub(crate) fn gone(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    let Some((name, row)) = timer.found(ctx) else {
        return;
    };
    let id = row.id.as_str();
    let items = ctx.page(Range::<Items>::under((id,)), AT_ONCE);
    for ((_, place), _) in &items {
        ctx.delete::<Items>((id, place.as_slice()));
    }
    if items.len() == AT_ONCE {
        wake(ctx, "gone", &name, &row, (1_000, 2_000));
        return;
    }
    if gone_beside(ctx, &row) {
        wake(ctx, "gone", &name, &row, (1_000, 2_000));
        return;
    }
    for ((_, conflict), _) in ctx.all(Range::<Conflicts>::under((id,))) {
        ctx.delete::<Conflicts>((id, conflict.as_str()));
    }
    for ((_, ordinal), _) in ctx.all(Range::<Waiting>::under((id,))) {
        ctx.delete::<Waiting>((id, ordinal));
    }
    strong::leaving::forget(ctx, &row);
    lagging::forget(ctx, id);
    ctx.delete::<Disassociable>(id);
    encryption::forget(ctx, &row);
    let here = ctx.region().clone();
    let change = GroupChange::Left {
        region: here,
        id: row.id.clone(),
    };
    members::tell(ctx, &name, &row, &change);
    ctx.delete::<Tables>((&name.account, name.name.as_str()));
}

/// Removes a portion of what a table has beside its items; whether there may be more.
fn gone_beside(ctx: &mut Ctx<'_>, row: &TableRow) -> bool {
    let extras = ctx.get::<Extras>(row.id.as_str()).unwrap_or_default();
    let mut more = changes::drop_all(ctx, &row.id);
    for index in &extras.indexes {
        more |= index_fill::drop_entries(ctx, &index.id);
    }
    if !more {
        ctx.delete::<Extras>(row.id.as_str());
    }
    more
}

/// What other members know of this replica.
pub(crate) fn as_replica(row: &TableRow, status: ReplicaStatus) -> Replica {
    Replica {
        id: row.id.clone(),
        status,
        key: row.encryption.key_arn().map(str::to_owned),
        inaccessible: row.inaccessible.map(|since| since.at),
    }
}

/// Whether capacity allows replicas (DDB-038): auto scaling is not built, so on demand alone.
pub(crate) fn check_capacity_for_replicas(billing: Billing) -> Result<(), DynamoError> {
    match billing {
        Billing::PayPerRequest => Ok(()),
        Billing::Provisioned { .. } => Err(DynamoError::validation(
            "Table/GSI write capacity should either be Pay-Per-Request or AutoScaled",
        )),
    }
}
