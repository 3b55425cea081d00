//! Copies of snapshots into another Region, by themselves (EBS-060).
//!
//! Each snapshot that is there goes to the destination with the name of the grant; there Redshift
//! gets a data key by the grant and pulls the rows. What goes wrong there (the grant is gone, its
//! key is shut, the name is taken) nobody is told in the source's Region: the copy is not there.

use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::redshift::{
    DisableSnapshotCopyRequest, DisableSnapshotCopyResponse, EnableSnapshotCopyRequest,
    EnableSnapshotCopyResponse, ModifySnapshotCopyRetentionPeriodRequest,
    ModifySnapshotCopyRetentionPeriodResponse,
};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keyspaces::{
    CopyRow, WarehouseRow, WarehouseSnapshotRow, WarehouseSnapshots, Warehouses,
};
use super::{clusters, grants, shows};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::services::rds::keyspaces::{
    DatabaseRow, Family, Sealing, SnapshotRow, SnapshotState, Snapshots,
};
use crate::services::rds::{keys, names, pull, snapshots as storage};
use crate::vault::SecretKey;

/// Microseconds of a copy, and for each GiB.
const TAKES: (u64, u64) = (300_000_000, 10_000_000);

/// A snapshot on its way into another Region.
#[derive(Debug, Serialize, Deserialize)]
struct Shipped {
    row: SnapshotRow,
    more: WarehouseSnapshotRow,
    /// ARN of the source.
    arn: String,
    /// Name of the read there.
    read: String,
    grant: Option<String>,
}

fn save(ctx: &mut Ctx<'_>, row: &DatabaseRow, more: &WarehouseRow) {
    ctx.put::<Warehouses>((&row.account, row.name.as_str()), more);
}

/// Sends a record about a warehouse, in the order of its stream.
fn send(ctx: &mut Ctx<'_>, to: &RegionName, cluster: &str, kind: &str, record: Vec<u8>) {
    let stream = format!("redshift/{cluster}");
    ctx.replicate(to, &stream, "redshift", kind, record);
}

/// Tells the destination who begins or ends to copy by a grant.
fn tell(ctx: &mut Ctx<'_>, row: &DatabaseRow, copy: &CopyRow, kind: &str) {
    if let Some(grant) = &copy.grant {
        let record = encode(&(&row.account, grant, &row.name));
        send(ctx, &copy.to, &row.name, kind, record);
    }
}

fn automated(days: Option<i32>) -> Result<i32, Error> {
    match days.unwrap_or(7) {
        days if (1..=35).contains(&days) => Ok(days),
        other => Err(Error::Retention(other, "from 1 to 35")),
    }
}

/// EnableSnapshotCopy; with a grant the answer waits for the destination.
pub(super) fn enable(
    ctx: &mut Ctx<'_>,
    request: EnableSnapshotCopyRequest,
) -> Result<Progress<EnableSnapshotCopyResponse>, Refusal> {
    let id = request.cluster_identifier.as_deref();
    let (row, more) = clusters::running(ctx, id)?;
    if more.copy.is_some() {
        return Err(Error::Enabled(row.name).into());
    }
    let to = request.destination_region.unwrap_or_default();
    let known = ctx.peers().into_iter().find(|one| one.as_str() == to);
    let copy = CopyRow {
        to: known.ok_or(Error::Region(to))?,
        grant: request.snapshot_copy_grant_name,
        automated: automated(request.retention_period)?,
        manual: clusters::manual_days(request.manual_snapshot_retention_period, -1)?,
    };
    let Some(grant) = copy.grant.clone() else {
        if matches!(row.sealing, Sealing::Kms { .. }) {
            return Err(Error::GrantRequired.into());
        }
        return Ok(Progress::Done(enabled(ctx, &row, more, copy)));
    };
    ctx.ask(&copy.to, "has", encode(&grant));
    Ok(Progress::Open(Saga {
        kind: "enable",
        state: encode(&(row.name, copy)),
    }))
}

fn enabled(
    ctx: &mut Ctx<'_>,
    row: &DatabaseRow,
    mut more: WarehouseRow,
    copy: CopyRow,
) -> EnableSnapshotCopyResponse {
    tell(ctx, row, &copy, "use");
    more.copy = Some(copy);
    save(ctx, row, &more);
    EnableSnapshotCopyResponse {
        cluster: Some(shows::cluster(ctx, row)),
    }
}

/// The destination has said whether it has the grant.
///
/// # Errors
/// SnapshotCopyGrantNotFoundFault; 503 when it does not answer; what has changed meanwhile.
pub(super) fn answered(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let (name, copy): (String, CopyRow) = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::internal("the destination Region does not answer").with_status(503));
    };
    outcome?;
    let (row, more) = clusters::running(ctx, Some(&name))?;
    if more.copy.is_some() {
        return Err(Error::Enabled(row.name).into());
    }
    let answer = enabled(ctx, &row, more, copy);
    Ok(Progress::Done(prost::Message::encode_to_vec(&answer)))
}

/// DisableSnapshotCopy: copies that are there stay.
pub(super) fn disable(
    ctx: &mut Ctx<'_>,
    request: DisableSnapshotCopyRequest,
) -> Result<DisableSnapshotCopyResponse, Refusal> {
    let id = request.cluster_identifier.as_deref();
    let (row, more) = clusters::running(ctx, id)?;
    if more.copy.is_none() {
        return Err(Error::Disabled(row.name).into());
    }
    stop(ctx, &row);
    Ok(DisableSnapshotCopyResponse {
        cluster: Some(shows::cluster(ctx, &row)),
    })
}

/// A warehouse copies no more, if it did.
pub fn stop(ctx: &mut Ctx<'_>, row: &DatabaseRow) {
    let found = ctx.get::<Warehouses>((&row.account, row.name.as_str()));
    let Some(mut more) = found else { return };
    if let Some(copy) = more.copy.take() {
        tell(ctx, row, &copy, "unuse");
        save(ctx, row, &more);
    }
}

/// ModifySnapshotCopyRetentionPeriod.
pub(super) fn modify(
    ctx: &mut Ctx<'_>,
    request: ModifySnapshotCopyRetentionPeriodRequest,
) -> Result<ModifySnapshotCopyRetentionPeriodResponse, Refusal> {
    let id = request.cluster_identifier.as_deref();
    let (row, mut more) = clusters::running(ctx, id)?;
    let Some(copy) = more.copy.as_mut() else {
        return Err(Error::CopyDisabled(row.name).into());
    };
    if request.manual.unwrap_or_default() {
        copy.manual = clusters::manual_days(request.retention_period, -1)?;
    } else {
        copy.automated = automated(request.retention_period)?;
    }
    save(ctx, &row, &more);
    Ok(ModifySnapshotCopyRetentionPeriodResponse {
        cluster: Some(shows::cluster(ctx, &row)),
    })
}

/// A snapshot is there: it goes on to where its warehouse copies to.
pub fn begin(ctx: &mut Ctx<'_>, row: &SnapshotRow, more: &WarehouseSnapshotRow) {
    let found = ctx.get::<Warehouses>((&row.account, row.source.as_str()));
    let Some(copy) = found.and_then(|found| found.copy) else {
        return;
    };
    let arn = names::snapshot_arn(ctx, row);
    // By the grant that lives as long as the warehouse.
    let key = match keys::open(ctx, &row.sealing) {
        Ok(key) => key,
        Err(refusal) => return failed(ctx, &arn, &copy.to, &refusal),
    };
    let shipped = Shipped {
        row: row.clone(),
        more: WarehouseSnapshotRow {
            days: copy.manual,
            kept_from: None,
            ..more.clone()
        },
        arn,
        read: pull::hold(ctx, row, key.as_ref(), None),
        grant: copy.grant,
    };
    send(ctx, &copy.to, &row.source, "snapshot", encode(&shipped));
}

/// Tells of a copy that comes to nothing.
fn failed(ctx: &mut Ctx<'_>, arn: &str, to: &RegionName, refusal: &Refusal) {
    ctx.note(
        "replicated",
        &[
            ("service", "redshift"),
            ("snapshot", arn),
            ("to", to.as_str()),
            ("outcome", "FAILED"),
            ("why", &refusal.to_string()),
        ],
    );
}

/// A data key for a copy: by the grant, or an AWS owned one.
fn sealed(
    ctx: &mut Ctx<'_>,
    shipped: &Shipped,
    from: &RegionName,
) -> Result<(Sealing, Option<SecretKey>), Refusal> {
    let row = &shipped.row;
    let Some(grant) = shipped.grant.as_deref() else {
        let (sealing, key) = keys::owned(ctx);
        return Ok((sealing, Some(key)));
    };
    let grant = grants::find(ctx, &row.account, grant)?;
    let bound = names::warehouse_bound(from, &row.account, &row.source, row.source_created);
    keys::draw(ctx, &grant.key, grant.managed, &bound)
}

/// The destination's side: a snapshot comes.
///
/// # Errors
/// A record of another shape.
pub(super) fn arrived(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) -> Result<(), Refusal> {
    let shipped: Shipped = decode(body)?;
    let here = ctx.region().clone();
    let word = Family::Warehouse.word();
    let name = shipped.row.name.as_str();
    let is_taken = ctx.has::<Snapshots>((&shipped.row.account, word, name));
    let sealed = if is_taken {
        let text = format!("a snapshot with the identifier {name} is here");
        Err(Refusal::new("ClusterSnapshotAlreadyExists", text))
    } else {
        sealed(ctx, &shipped, from)
    };
    let (sealing, key) = match sealed {
        Ok(sealed) => sealed,
        Err(refusal) => {
            failed(ctx, &shipped.arn, &here, &refusal);
            pull::let_go(ctx, from, &shipped.read);
            return Ok(());
        }
    };
    let began = ctx.elapsed().0;
    let lasts = TAKES.0 + storage::size(shipped.row.gib) * TAKES.1;
    let row = SnapshotRow {
        holder: storage::holder(ctx),
        state: SnapshotState::Copying,
        span: (began, began + lasts),
        is_filled: false,
        sealing,
        copied_from: Some(shipped.arn),
        zone: Some(format!("{here}a")),
        ..shipped.row
    };
    ctx.put::<WarehouseSnapshots>((&row.account, row.name.as_str()), &shipped.more);
    storage::begin(ctx, &row);
    pull::begin(ctx, &row, from, &shipped.read, key.as_ref());
    Ok(())
}
