//! Snapshots of databases and clusters: taken, described, deleted, and who sees them.
//!
//! A snapshot is of the moment of its call and has the key of its database; being made is time
//! only. Left out: automated backups and restoring to a moment between snapshots.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, Elapsed};
use faultline_proto::rds::{
    CreateDbClusterSnapshotRequest, CreateDbClusterSnapshotResponse, CreateDbSnapshotRequest,
    CreateDbSnapshotResponse, DbClusterSnapshotMessage, DbSnapshotMessage,
    DeleteDbClusterSnapshotRequest, DeleteDbClusterSnapshotResponse, DeleteDbSnapshotRequest,
    DeleteDbSnapshotResponse, DescribeDbClusterSnapshotsRequest, DescribeDbSnapshotsRequest,
};

use super::error::Error;
use super::keyspaces::{DatabaseRow, Family, SnapshotRow, SnapshotState, Snapshots};
use super::{cells, health, keys, names, redshift, shows};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Microseconds that the smallest snapshot takes.
const LEAST: u64 = 60_000_000;
/// Microseconds for each GiB.
const PER_GIB: u64 = 500_000;

/// Which snapshot a timer is about.
pub type Address = (AccountId, Family, String, String);

/// GiB as a factor.
#[must_use]
pub fn size(gib: i32) -> u64 {
    u64::try_from(gib).unwrap_or_default()
}

/// A new snapshot's name.
///
/// # Errors
/// InvalidParameterValue; the name is taken.
pub fn free(ctx: &mut Ctx<'_>, family: Family, name: Option<&str>) -> Result<String, Error> {
    let member = match family {
        Family::Instance => "DBSnapshotIdentifier",
        Family::Cluster => "DBClusterSnapshotIdentifier",
        Family::Warehouse => "SnapshotIdentifier",
    };
    let name = names::fresh(name, member)?;
    let account = ctx.account();
    if ctx.has::<Snapshots>((&account, family.word(), name.as_str())) {
        return Err(Error::SnapshotExists(family, name));
    }
    Ok(name)
}

/// A new holder of rows.
pub fn holder(ctx: &mut Ctx<'_>) -> String {
    format!("snap-{}", ctx.entropy().hex::<16>("rds.snapshot-id"))
}

/// A snapshot of a database, with its rows.
pub fn of(ctx: &mut Ctx<'_>, row: &DatabaseRow, name: String) -> SnapshotRow {
    let now = ctx.now().millis();
    let began = ctx.elapsed().0;
    let holder = holder(ctx);
    cells::share(ctx, &row.resource, &holder);
    SnapshotRow {
        account: row.account.clone(),
        family: row.family,
        name,
        holder,
        source: row.name.clone(),
        resource: row.resource.clone(),
        engine: row.engine.clone(),
        version: row.version.clone(),
        user: row.user.clone(),
        gib: row.gib,
        zone: row.zone.clone(),
        storage: row.storage.clone(),
        source_created: row.created,
        created: now,
        first_created: now,
        state: SnapshotState::Creating,
        span: (began, began + LEAST + size(row.gib) * PER_GIB),
        is_filled: true,
        sealing: row.sealing.clone(),
        copied_from: None,
        kind: "manual".to_owned(),
        shared_with: BTreeSet::new(),
        public: false,
        lsn: row.lsn,
        tags: BTreeMap::new(),
    }
}

/// Takes a snapshot of what a request names.
///
/// # Errors
/// What the database's state, its key or the name is refused with.
pub fn take(
    ctx: &mut Ctx<'_>,
    family: Family,
    id: Option<&str>,
    name: Option<&str>,
    tags: BTreeMap<String, String>,
) -> Result<SnapshotRow, Refusal> {
    let name = free(ctx, family, name)?;
    let row = health::running(ctx, family, id)?;
    if row.cluster.is_some() {
        let text = "A DB instance that belongs to a DB cluster has no storage of its own; take a snapshot of the DB cluster";
        return Err(Error::value(text).into());
    }
    let mut snapshot = of(ctx, &row, name);
    snapshot.tags = tags;
    begin(ctx, &snapshot);
    Ok(snapshot)
}

/// Stores a snapshot that is done when its span is over.
pub fn begin(ctx: &mut Ctx<'_>, row: &SnapshotRow) {
    names::save_snapshot(ctx, row);
    let address: Address = (
        row.account.clone(),
        row.family,
        row.name.clone(),
        row.holder.clone(),
    );
    ctx.schedule("rds", Elapsed(row.span.1), "snapshot", encode(&address));
    noted(ctx, row, "");
}

/// Tells of a snapshot's state.
pub fn noted(ctx: &mut Ctx<'_>, row: &SnapshotRow, why: &str) {
    let arn = names::snapshot_arn(ctx, row);
    let key = keys::arn(&row.sealing).unwrap_or_default().to_owned();
    ctx.note(
        "snapshot",
        &[
            ("snapshot", &arn),
            ("state", shows::word(row.state)),
            ("key", &key),
            ("why", why),
        ],
    );
}

/// The row that an address means, if it is still the same.
pub fn at(ctx: &mut Ctx<'_>, (account, family, name, holder): &Address) -> Option<SnapshotRow> {
    let found = ctx.get::<Snapshots>((account, family.word(), name.as_str()));
    found.filter(|row| row.holder == *holder)
}

/// The time of a snapshot is over.
pub(super) fn complete(ctx: &mut Ctx<'_>, address: &Address) {
    let Some(mut row) = at(ctx, address) else {
        return;
    };
    let pends = matches!(row.state, SnapshotState::Creating | SnapshotState::Copying);
    if !pends || !row.is_filled || ctx.elapsed().0 < row.span.1 {
        return;
    }
    row.state = SnapshotState::Available;
    names::save_snapshot(ctx, &row);
    noted(ctx, &row, "");
    if row.family == Family::Warehouse {
        redshift::completed(ctx, &row);
    }
    if let Some(from) = row.copied_from.clone() {
        copied(ctx, &row, &from);
    }
}

fn copied(ctx: &mut Ctx<'_>, row: &SnapshotRow, from: &str) {
    let lag = ctx.elapsed().0.saturating_sub(row.span.0).to_string();
    let from = from.split(':').nth(3).unwrap_or_default().to_owned();
    let (to, arn) = (ctx.region().to_string(), names::snapshot_arn(ctx, row));
    ctx.note(
        "replicated",
        &[
            ("service", row.family.house()),
            ("snapshot", &arn),
            ("from", &from),
            ("to", &to),
            ("outcome", "COMPLETED"),
            ("lag_us", &lag),
        ],
    );
}

/// Whether an account may copy and restore it.
#[must_use]
pub fn is_for(row: &SnapshotRow, account: &AccountId) -> bool {
    row.account == *account || row.public || row.shared_with.contains(account)
}

/// A snapshot of this Region that the caller may see.
///
/// # Errors
/// DBSnapshotNotFound, DBClusterSnapshotNotFoundFault.
pub fn visible(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<SnapshotRow, Error> {
    let named = names::named(ctx, family.snapshot(), id);
    let caller = ctx.account();
    let key = (&named.account, family.word(), named.name.as_str());
    let is_here = named.region == *ctx.region();
    let found = ctx.get::<Snapshots>(key);
    found
        .filter(|row| is_here && is_for(row, &caller))
        .ok_or_else(|| {
            let what = match family {
                Family::Instance => "DBSnapshot",
                Family::Cluster => "DBClusterSnapshot",
                Family::Warehouse => "Snapshot",
            };
            Error::NoSnapshot(family, format!("{what} {}", id.unwrap_or_default()))
        })
}

/// The same, ready to be copied and restored.
///
/// # Errors
/// InvalidDBSnapshotState, InvalidDBClusterSnapshotStateFault.
pub fn usable(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<SnapshotRow, Error> {
    let row = visible(ctx, family, id)?;
    match row.state {
        SnapshotState::Available => Ok(row),
        other => Err(Error::SnapshotState(
            family,
            format!(
                "The snapshot {} is not in available state; its state is {}.",
                row.name,
                shows::word(other)
            ),
        )),
    }
}

/// A snapshot of the caller's account.
///
/// # Errors
/// As [`visible`].
pub fn own(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<SnapshotRow, Error> {
    let row = visible(ctx, family, id)?;
    if row.account == ctx.account() {
        return Ok(row);
    }
    let text = format!("DBSnapshot {}", id.unwrap_or_default());
    Err(Error::NoSnapshot(family, text))
}

/// Deletes a manual snapshot.
///
/// # Errors
/// As [`own`]; InvalidDBSnapshotState and the like.
pub fn delete(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<SnapshotRow, Refusal> {
    let row = own(ctx, family, id)?;
    if row.kind != "manual" {
        let text = format!("{} is not a manual snapshot.", row.name);
        return Err(Error::SnapshotState(family, text).into());
    }
    erase(ctx, &row);
    Ok(row)
}

/// Takes a snapshot and its rows away for good.
pub fn erase(ctx: &mut Ctx<'_>, row: &SnapshotRow) {
    cells::release(ctx, &row.holder);
    ctx.delete::<Snapshots>((&row.account, row.family.word(), row.name.as_str()));
}

/// What a describing call looks for.
struct Sought {
    source: Option<String>,
    id: Option<String>,
    kind: Option<String>,
    shared: bool,
    public: bool,
    resource: Option<String>,
}

fn sought(ctx: &mut Ctx<'_>, family: Family, sought: &Sought) -> Result<Vec<SnapshotRow>, Error> {
    if let Some(id) = sought.id.as_deref() {
        return Ok(vec![visible(ctx, family, Some(id))?]);
    }
    let caller = ctx.account();
    let all = ctx.all(Range::<Snapshots>::all()).into_iter();
    let wanted = all.map(|(_, row)| row).filter(|row| {
        let is_own = row.account == caller;
        let kind = shows::kind(ctx, row);
        let by_kind = match sought.kind.as_deref() {
            Some(asked) => kind == asked,
            None => {
                is_own || (sought.shared && kind == "shared") || (sought.public && kind == "public")
            }
        };
        let is =
            |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|one| one == value);
        row.family == family
            && by_kind
            && is_for(row, &caller)
            && is(&sought.source, &row.source)
            && is(&sought.resource, &row.resource)
    });
    Ok(wanted.collect())
}

/// CreateDBSnapshot.
pub(super) fn create_snapshot(
    ctx: &mut Ctx<'_>,
    request: CreateDbSnapshotRequest,
) -> Result<CreateDbSnapshotResponse, Refusal> {
    let of = request.db_instance_identifier.as_deref();
    let name = request.db_snapshot_identifier.as_deref();
    let row = take(ctx, Family::Instance, of, name, names::tags(&request.tags))?;
    Ok(CreateDbSnapshotResponse {
        db_snapshot: Some(shows::snapshot(ctx, &row)),
    })
}

/// CreateDBClusterSnapshot.
pub(super) fn create_cluster_snapshot(
    ctx: &mut Ctx<'_>,
    request: CreateDbClusterSnapshotRequest,
) -> Result<CreateDbClusterSnapshotResponse, Refusal> {
    let of = request.db_cluster_identifier.as_deref();
    let name = request.db_cluster_snapshot_identifier.as_deref();
    let row = take(ctx, Family::Cluster, of, name, names::tags(&request.tags))?;
    Ok(CreateDbClusterSnapshotResponse {
        db_cluster_snapshot: Some(shows::cluster_snapshot(ctx, &row)),
    })
}

/// DeleteDBSnapshot.
pub(super) fn delete_snapshot(
    ctx: &mut Ctx<'_>,
    request: DeleteDbSnapshotRequest,
) -> Result<DeleteDbSnapshotResponse, Refusal> {
    let row = delete(
        ctx,
        Family::Instance,
        request.db_snapshot_identifier.as_deref(),
    )?;
    let mut shown = shows::snapshot(ctx, &row);
    shown.status = Some("deleted".to_owned());
    Ok(DeleteDbSnapshotResponse {
        db_snapshot: Some(shown),
    })
}

/// DeleteDBClusterSnapshot.
pub(super) fn delete_cluster_snapshot(
    ctx: &mut Ctx<'_>,
    request: DeleteDbClusterSnapshotRequest,
) -> Result<DeleteDbClusterSnapshotResponse, Refusal> {
    let id = request.db_cluster_snapshot_identifier.as_deref();
    let row = delete(ctx, Family::Cluster, id)?;
    let mut shown = shows::cluster_snapshot(ctx, &row);
    shown.status = Some("deleted".to_owned());
    Ok(DeleteDbClusterSnapshotResponse {
        db_cluster_snapshot: Some(shown),
    })
}

/// DescribeDBSnapshots.
pub(super) fn describe_snapshots(
    ctx: &mut Ctx<'_>,
    request: DescribeDbSnapshotsRequest,
) -> Result<DbSnapshotMessage, Refusal> {
    let wanted = Sought {
        source: request.db_instance_identifier,
        id: request.db_snapshot_identifier,
        kind: request.snapshot_type,
        shared: request.include_shared.unwrap_or_default(),
        public: request.include_public.unwrap_or_default(),
        resource: request.dbi_resource_id,
    };
    let rows = sought(ctx, Family::Instance, &wanted)?;
    let found = rows
        .iter()
        .map(|row| (names::snapshot_arn(ctx, row), shows::snapshot(ctx, row)))
        .collect();
    let (db_snapshots, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(DbSnapshotMessage {
        marker,
        db_snapshots,
    })
}

/// DescribeDBClusterSnapshots.
pub(super) fn describe_cluster_snapshots(
    ctx: &mut Ctx<'_>,
    request: DescribeDbClusterSnapshotsRequest,
) -> Result<DbClusterSnapshotMessage, Refusal> {
    let wanted = Sought {
        source: request.db_cluster_identifier,
        id: request.db_cluster_snapshot_identifier,
        kind: request.snapshot_type,
        shared: request.include_shared.unwrap_or_default(),
        public: request.include_public.unwrap_or_default(),
        resource: request.db_cluster_resource_id,
    };
    let rows = sought(ctx, Family::Cluster, &wanted)?;
    let found = rows
        .iter()
        .map(|row| {
            let shown = shows::cluster_snapshot(ctx, row);
            (names::snapshot_arn(ctx, row), shown)
        })
        .collect();
    let (db_cluster_snapshots, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(DbClusterSnapshotMessage {
        marker,
        db_cluster_snapshots,
    })
}
