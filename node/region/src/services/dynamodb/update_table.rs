//! UpdateTable: capacity, stream, class, protection, encryption; replicas are in `global`.

use faultline_proto::dynamodb::{UpdateTableRequest, UpdateTableResponse};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;

use super::encryption::MANAGED_ALIAS;
use super::error::DynamoError;
use super::keyspaces::{
    Encryption, ReplicaStatus, Stream, StreamRow, Streams, TableRow, TableStatus,
};
use super::names::TableName;
use super::{
    describe, disassociation, encryption, global, index_settings, members, settings, strong,
    tables, watch,
};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// How long a changed table is UPDATING, microseconds.
const CHANGED_IN: (u64, u64) = (4_000_000, 12_000_000);
/// Encryption changes in 24 hours, and after them one in six hours (DDB-050).
const FREE_CHANGES: usize = 4;
const DAY: u64 = 24 * 3600 * 1_000_000;
const QUARTER: u64 = 6 * 3600 * 1_000_000;

/// Changes a table.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let mut row =
        tables::row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    if strong::group::is_meant(ctx, &row, &request) {
        return strong::group::update(ctx, name, row, &request);
    }
    if disassociation::is_meant(&request) {
        return disassociation::update(ctx, name, row, &request);
    }
    if !request.replica_updates.is_empty() {
        return global::update(ctx, name, row, &request);
    }
    // DDB-033.
    if row.status != TableStatus::Active || !global::is_settled(&row) {
        return Err(DynamoError::InUse("updated", name.name).into());
    }
    let slow = capacity(&mut row, &request)?
        | stream(ctx, &name, &mut row, &request)?
        | encrypted(ctx, &name, &mut row, &request)?
        | index_settings::update(ctx, &name, &row, &request)?;
    if let Some(class) = &request.table_class {
        row.class = Some(class.clone());
    }
    if let Some(on) = request.deletion_protection_enabled {
        row.deletion_protection = on;
    }
    let asked =
        slow || request.table_class.is_some() || request.deletion_protection_enabled.is_some();
    if !asked {
        return Err(DynamoError::validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
             GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
        )
        .into());
    }
    if slow {
        row.status = TableStatus::Updating;
        tables::wake(ctx, "ready", &name, &row, CHANGED_IN);
    }
    tables::save(ctx, &name, &row);
    if request.sse_specification.is_some() {
        // The others show which key each replica has.
        members::tell_own(ctx, &name, &row, ReplicaStatus::Active);
    }
    let mut description = describe::of(ctx, &name, &row);
    strong::shown(ctx, &row, &mut description);
    Ok(Progress::Done(UpdateTableResponse {
        table_description: Some(description),
    }))
}

fn capacity(row: &mut TableRow, request: &UpdateTableRequest) -> Result<bool, DynamoError> {
    let (mode, units) = (
        request.billing_mode.as_deref(),
        request.provisioned_throughput.as_ref(),
    );
    if mode.is_none() && units.is_none() {
        return Ok(false);
    }
    let billing = settings::billing(mode, units)?;
    if !row.replicas.is_empty() {
        tables::check_capacity_for_replicas(billing)?;
    }
    row.billing = billing;
    Ok(true)
}

fn stream(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &mut TableRow,
    request: &UpdateTableRequest,
) -> Result<bool, DynamoError> {
    let Some(spec) = &request.stream_specification else {
        return Ok(false);
    };
    let view = settings::stream(spec)?;
    if !row.replicas.is_empty() {
        // DDB-006.
        return Err(DynamoError::invalid(
            "The stream of a global table replica cannot be changed",
        ));
    }
    match (&view, &row.stream) {
        (Some(_), Some(_)) => {
            return Err(DynamoError::validation(
                "Table already has an enabled stream",
            ));
        }
        (None, None) => {
            return Err(DynamoError::validation(
                "Table does not have a stream to disable",
            ));
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    let since = ctx.now();
    if let Some(old) = &row.stream {
        ended(ctx, name, row, old);
    }
    row.stream = view.map(|view| Stream { view, since });
    Ok(true)
}

/// A stream that is switched off can be read for 24 hours more.
fn ended(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, stream: &Stream) {
    let ended = StreamRow {
        table: row.id.clone(),
        schema: row.schema.clone(),
        view: stream.view.clone(),
        since: stream.since,
        ended: Some(ctx.elapsed().0),
    };
    let label = describe::label(stream.since);
    let key = (&name.account, name.name.as_str(), label.as_str());
    ctx.put::<Streams>(key, &ended);
    let payload = encode(&(&name.account, &name.name, &label));
    let at = ctx.elapsed().plus_micros(DAY);
    ctx.schedule("dynamodb", at, "stream_gone", payload);
}

/// A stream that was switched off a day ago.
pub(super) fn stream_gone(ctx: &mut Ctx<'_>, payload: &[u8]) {
    if let Ok((account, table, label)) = decode::<(AccountId, String, String)>(payload) {
        ctx.delete::<Streams>((&account, table.as_str(), label.as_str()));
    }
}

fn encrypted(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &mut TableRow,
    request: &UpdateTableRequest,
) -> Result<bool, Refusal> {
    let Some(spec) = &request.sse_specification else {
        return Ok(false);
    };
    let key = settings::encryption(spec)?;
    let (was_kms, was_managed) = match &row.encryption {
        Encryption::Owned { .. } => (false, false),
        Encryption::Kms { managed, .. } => (true, *managed),
    };
    if key.is_none() && !was_kms {
        return Err(DynamoError::invalid("Table is already encrypted by default").into());
    }
    if let (Some(key), Some(present)) = (&key, row.encryption.key_arn().map(str::to_owned)) {
        let same = (key == MANAGED_ALIAS && was_managed)
            || (key != MANAGED_ALIAS && encryption::resolve(ctx, key)? == present);
        if same {
            // DDB-049.
            return Err(DynamoError::invalid(
                "Table is already encrypted with given KMSMasterKeyId",
            )
            .into());
        }
    }
    let kind = |key: Option<&str>| key.map(|key| key == MANAGED_ALIAS);
    let present = was_kms.then_some(was_managed);
    if !row.replicas.is_empty() && kind(key.as_deref()) != present {
        return Err(
            DynamoError::NotBuilt("changing the kind of encryption key of a global table").into(),
        );
    }
    limit(ctx, name, row)?;
    let old = row.clone();
    row.encryption = encryption::rewrapped(ctx, name, row, key.as_deref())?;
    row.encryption_changes.push(ctx.elapsed().0);
    encryption::forget(ctx, &old);
    if !was_kms {
        watch::begin(ctx, name, row);
    }
    Ok(true)
}

/// DDB-050.
fn limit(ctx: &Ctx<'_>, name: &TableName, row: &TableRow) -> Result<(), DynamoError> {
    let now = ctx.elapsed().0;
    let recent = row.encryption_changes.iter().filter(|at| now - **at < DAY);
    let last = row.encryption_changes.last();
    if recent.count() >= FREE_CHANGES && last.is_some_and(|at| now - at < QUARTER) {
        return Err(DynamoError::Limit(format!(
            "Subscriber limit exceeded: Encryption mode changes are limited to {FREE_CHANGES} \
             per 24-hour window, and one per 6 hours after that, for table {}",
            name.name
        )));
    }
    Ok(())
}
