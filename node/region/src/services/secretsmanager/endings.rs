//! How a replica's state comes to its primary, and how a replica ends.

use faultline_proto::names::RegionName;
use faultline_proto::secretsmanager::{
    RemoveRegionsFromReplicationRequest, RemoveRegionsFromReplicationResponse,
};

use super::error::Error;
use super::ids;
use super::keyspaces::{Place, Progress, SecretRow, Secrets};
use super::replication::{Address, Status, address, fail, send, status, tell};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;

/// Seconds until a removed replica is deleted: at least, and the span (SEC-011).
const REMOVAL: (u64, u64) = (40, 50);

/// RemoveRegionsFromReplication: the replicas are deleted a little later (SEC-011).
pub(super) fn remove(
    ctx: &mut Ctx<'_>,
    request: RemoveRegionsFromReplicationRequest,
) -> Result<RemoveRegionsFromReplicationResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    for name in &request.remove_replica_regions {
        let region = RegionName::new(name).map_err(|_| Error::ReplicaRegion)?;
        let Place::Primary(replicas) = &mut row.place else {
            return Err(Error::Replica.into());
        };
        let Some(replica) = replicas.remove(&region) else {
            let text = format!("Secret is not replicated to region {region}.");
            return Err(Error::parameter(text).into());
        };
        let (least, span) = REMOVAL;
        let after = least + ctx.entropy().below("secretsmanager.removal", span);
        let at = ctx.elapsed().plus_seconds(after);
        let payload = encode(&(&region, address(&row, replica.join)));
        ctx.schedule("secretsmanager", at, "remove", payload);
    }
    ids::save(ctx, &row);
    Ok(RemoveRegionsFromReplicationResponse {
        arn: Some(ids::arn(ctx, &row)),
        replication_status: status(&row),
    })
}

/// A removed replica is to be deleted, if its primary is still there to say so (SEC-012).
pub(super) fn removal(ctx: &mut Ctx<'_>, region: &RegionName, address: &Address) {
    let known = ctx.get::<Secrets>((&address.account, address.name.as_str()));
    if known.is_some_and(|row| row.suffix == address.suffix) {
        send(ctx, region, "remove", address);
    } else {
        let secret = format!("{}/{}-{}", address.account, address.name, address.suffix);
        let region = region.to_string();
        ctx.note(
            "secret_replica_stranded",
            &[("secret", &secret), ("region", &region)],
        );
    }
}

/// The primary and its replica `from` that a record is about; `None` when it means nothing any more.
fn known(ctx: &mut Ctx<'_>, from: &RegionName, address: &Address) -> Option<SecretRow> {
    let row = ctx.get::<Secrets>((&address.account, address.name.as_str()))?;
    let replica = row.replicas()?.get(from)?;
    (row.suffix == address.suffix && replica.join == address.join).then_some(row)
}

/// A replica says what became of an update.
pub(super) fn answered(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) -> Result<(), Refusal> {
    let told: Status = decode(body)?;
    let Some(mut row) = known(ctx, from, &told.address) else {
        return Ok(());
    };
    if let Some(why) = told.failure {
        fail(ctx, &mut row, from, why);
        ids::save(ctx, &row);
        return Ok(());
    }
    let Place::Primary(replicas) = &mut row.place else {
        return Ok(());
    };
    let is_last = replicas.get_mut(from).is_some_and(|replica| {
        let is_about_the_last =
            replica.revision == told.revision || mutants::is(Mutant::InSyncTooSoon);
        let is_last = is_about_the_last && replica.progress == Progress::InProgress;
        if is_last {
            replica.progress = Progress::InSync;
        }
        is_last
    });
    if is_last {
        ids::save(ctx, &row);
        tell(ctx, &row, "secret_in_sync", Some((from, "")));
    }
    Ok(())
}

/// A replica has become a secret of its own (SEC-010).
pub(super) fn left(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) -> Result<(), Refusal> {
    let address: Address = decode(body)?;
    if let Some(mut row) = known(ctx, from, &address)
        && let Place::Primary(replicas) = &mut row.place
    {
        replicas.remove(from);
        ids::save(ctx, &row);
    }
    Ok(())
}

/// A replica has another key (SEC-002).
pub(super) fn key_changed(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let (address, key): (Address, Option<String>) = decode(body)?;
    if let Some(mut row) = known(ctx, from, &address)
        && let Place::Primary(replicas) = &mut row.place
        && let Some(replica) = replicas.get_mut(from)
    {
        replica.key = key;
        ids::save(ctx, &row);
    }
    Ok(())
}
