//! Aurora Global Database: one storage volume, and its copies in other Regions (EBS-051).
//!
//! ```text
//!   primary's Region                                secondary's Region
//!   commit n  --page n----------------------------> sealed under its own key (EBS-052)
//!             <-------------------------confirm n--
//!   what each Region knows of the whole (GlobalRow) comes from the Region that writes
//! ```
//!
//! - [`members`]: who belongs to it. [`flow`]: commits on their way. [`changes`]: another primary.
//!
//! All records of a global database travel in the order of one stream, `rds/NAME`. A reign of a
//! primary has a number (`epoch`); what an older reign sends is ignored. Write forwarding is not
//! built: `EnableGlobalWriteForwarding` is refused by name.

pub mod changes;
pub mod flow;
pub mod members;

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::Progress;
use faultline_proto::rds::{
    CreateGlobalClusterRequest, CreateGlobalClusterResponse, DeleteGlobalClusterRequest,
    DeleteGlobalClusterResponse, DescribeGlobalClustersRequest, FailoverState, GlobalCluster,
    GlobalClusterMember, GlobalClustersMessage, SwitchoverGlobalClusterResponse,
};
use serde::Serialize;

use super::error::Error;
use super::keyspaces::{DatabaseRow, Databases, Family, GlobalRow, Globals, MemberRow, Membership};
use super::{clusters, health, keys, names};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

pub use flow::committed;
pub use members::{enter, most_instances};

/// Sends a record about a global database, in the order of its stream.
pub fn send<T: Serialize>(
    ctx: &mut Ctx<'_>,
    to: &RegionName,
    global: &str,
    kind: &str,
    record: &T,
) {
    let stream = format!("rds/{global}");
    ctx.replicate(to, &stream, "rds", kind, encode(record));
}

/// A global database as this Region knows it.
pub fn load(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Option<GlobalRow> {
    let found = ctx.get::<Globals>((account, name));
    found.filter(|row| !row.is_deleted)
}

/// The global database that a request names.
///
/// # Errors
/// GlobalClusterNotFoundFault.
pub fn named(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<GlobalRow, Error> {
    let name = name.unwrap_or_default().to_lowercase();
    let account = ctx.account();
    load(ctx, &account, &name).ok_or(Error::NoGlobal(name))
}

/// Stores a global database.
pub fn save(ctx: &mut Ctx<'_>, row: &GlobalRow) {
    ctx.put::<Globals>((&row.account, row.name.as_str()), row);
}

/// Stores a change that the writing Region made, and tells every other Region.
pub fn publish(ctx: &mut Ctx<'_>, row: &mut GlobalRow) {
    row.revision += 1;
    save(ctx, row);
    for peer in ctx.peers() {
        send(ctx, &peer, &row.name, "global", row);
    }
}

/// This Region's cluster of a global database.
pub fn local(ctx: &mut Ctx<'_>, row: &GlobalRow) -> Option<(DatabaseRow, Membership)> {
    let here = ctx.region().clone();
    let cluster = &row.members.get(&here)?.cluster;
    let word = Family::Cluster.word();
    let found = ctx.get::<Databases>((&row.account, word, cluster.as_str()))?;
    let member = found.global.clone();
    let member = member.filter(|member| member.global == row.name)?;
    Some((found, member))
}

/// What the writing Region tells.
///
/// # Errors
/// A record of another shape.
pub(super) fn told(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<(), Refusal> {
    let row: GlobalRow = decode(body)?;
    let known = ctx.get::<Globals>((&row.account, row.name.as_str()));
    let is_older =
        known.is_some_and(|known| (known.epoch, known.revision) >= (row.epoch, row.revision));
    if is_older {
        return Ok(());
    }
    save(ctx, &row);
    if let Some((mut cluster, mut member)) = local(ctx, &row)
        && member.epoch < row.epoch
    {
        if member.is_writer {
            changes::fence(ctx, &row, cluster, member);
        } else {
            member.epoch = row.epoch;
            member.is_filled = false;
            cluster.global = Some(member);
            names::save(ctx, &cluster);
        }
    }
    Ok(())
}

/// CreateGlobalCluster.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateGlobalClusterRequest,
) -> Result<CreateGlobalClusterResponse, Refusal> {
    let name = names::fresh(
        request.global_cluster_identifier.as_deref(),
        "GlobalClusterIdentifier",
    )?;
    let account = ctx.account();
    let before = ctx.get::<Globals>((&account, name.as_str()));
    if before.as_ref().is_some_and(|row| !row.is_deleted) {
        return Err(Error::GlobalExists(name).into());
    }
    let mut row = GlobalRow {
        resource: names::resource(ctx, Family::Cluster),
        account,
        name,
        engine: String::new(),
        version: String::new(),
        database: request.database_name,
        encryption: "sse-rds".to_owned(),
        protected: request.deletion_protection.unwrap_or_default(),
        tags: names::tags(&request.tags),
        writer: None,
        epoch: before.map_or(1, |row| row.epoch + 1),
        revision: 0,
        members: std::collections::BTreeMap::new(),
        change: None,
        outcomes: Vec::new(),
        is_deleted: false,
    };
    match request.source_db_cluster_identifier.as_deref() {
        Some(source) => {
            if request.engine.is_some() || request.storage_encrypted.is_some() {
                let text = "When creating global cluster from existing db cluster, value for engineName and storageEncrypted should not be specified since it will be inherited from source cluster";
                return Err(Error::Combination(text.to_owned()).into());
            }
            adopt(ctx, &mut row, source)?;
        }
        None => {
            row.engine = clusters::engine(request.engine.as_deref())?;
            let usual = super::instances::blank(ctx, Family::Cluster, String::new(), &row.engine);
            row.version = request.engine_version.unwrap_or(usual.version);
            if request.storage_encrypted == Some(true) {
                "sse-kms".clone_into(&mut row.encryption);
            }
        }
    }
    publish(ctx, &mut row);
    Ok(CreateGlobalClusterResponse {
        global_cluster: Some(show(&row)),
    })
}

/// A cluster that is there becomes the primary.
fn adopt(ctx: &mut Ctx<'_>, row: &mut GlobalRow, source: &str) -> Result<(), Refusal> {
    let mut cluster = health::running(ctx, Family::Cluster, Some(source))?;
    if cluster.global.is_some() {
        let text = format!("DB cluster {} is part of a global cluster", cluster.name);
        return Err(Error::State(Family::Cluster, text).into());
    }
    row.engine.clone_from(&cluster.engine);
    row.version.clone_from(&cluster.version);
    row.encryption = keys::word(&cluster.sealing).to_owned();
    reign(ctx, row, &mut cluster);
    Ok(())
}

/// Makes a cluster the first primary.
pub fn reign(ctx: &mut Ctx<'_>, row: &mut GlobalRow, cluster: &mut DatabaseRow) {
    let here = ctx.region().clone();
    let member = MemberRow {
        cluster: cluster.name.clone(),
        version: cluster.version.clone(),
        confirmed: 0,
        is_filled: true,
    };
    row.members.insert(here.clone(), member);
    row.writer = Some(here);
    cluster.global = Some(Membership {
        global: row.name.clone(),
        epoch: row.epoch,
        is_writer: true,
        committed: ctx.elapsed().0,
        lag: 0,
        is_filled: true,
    });
    names::save(ctx, cluster);
    changes::crowned(ctx, row, "", cluster.lsn, false);
}

/// DescribeGlobalClusters: as this Region knows them.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeGlobalClustersRequest,
) -> Result<GlobalClustersMessage, Refusal> {
    let rows = match request.global_cluster_identifier.as_deref() {
        Some(name) => vec![named(ctx, Some(name))?],
        None => {
            let account = ctx.account();
            let all = ctx.all(Range::<Globals>::under((&account,)));
            let all = all.into_iter().map(|(_, row)| row);
            all.filter(|row| !row.is_deleted).collect()
        }
    };
    let found = rows
        .iter()
        .map(|row| (row.name.clone(), show(row)))
        .collect();
    let (global_clusters, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(GlobalClustersMessage {
        marker,
        global_clusters,
    })
}

/// DeleteGlobalCluster.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteGlobalClusterRequest,
) -> Result<DeleteGlobalClusterResponse, Refusal> {
    let mut row = named(ctx, request.global_cluster_identifier.as_deref())?;
    if row.protected {
        let text = "Cannot delete protected Global Cluster, please disable deletion protection and try again.";
        return Err(Error::Combination(text.to_owned()).into());
    }
    if !row.members.is_empty() {
        let text = format!("Global Cluster {} is not empty", global_arn(&row));
        return Err(Error::GlobalState(text).into());
    }
    let mut shown = show(&row);
    row.is_deleted = true;
    publish(ctx, &mut row);
    shown.status = Some("deleting".to_owned());
    Ok(DeleteGlobalClusterResponse {
        global_cluster: Some(shown),
    })
}

/// ARN of a global database.
#[must_use]
pub fn global_arn(row: &GlobalRow) -> String {
    names::global_arn(&row.account, &row.name)
}

fn member_arn(row: &GlobalRow, region: &RegionName, member: &MemberRow) -> String {
    names::arn_in(
        region,
        &row.account,
        Family::Cluster.word(),
        &member.cluster,
    )
}

fn shown_members(row: &GlobalRow) -> Vec<GlobalClusterMember> {
    let is_writer = |region: &RegionName| row.writer.as_ref() == Some(region);
    let readers: Vec<String> = row
        .members
        .iter()
        .filter(|(region, _)| !is_writer(region))
        .map(|(region, member)| member_arn(row, region, member))
        .collect();
    let mut members: Vec<GlobalClusterMember> = row
        .members
        .iter()
        .map(|(region, member)| {
            let writes = is_writer(region);
            let status = if writes || member.is_filled {
                "connected"
            } else {
                "pending-resync"
            };
            GlobalClusterMember {
                db_cluster_arn: Some(member_arn(row, region, member)),
                readers: if writes { readers.clone() } else { Vec::new() },
                is_writer: Some(writes),
                global_write_forwarding_status: (!writes).then(|| "disabled".to_owned()),
                synchronization_status: Some(status.to_owned()),
            }
        })
        .collect();
    members.sort_by_key(|member| member.is_writer != Some(true));
    members
}

/// A global database as an answer shows it.
pub fn show(row: &GlobalRow) -> GlobalCluster {
    let arn = |region: &RegionName| {
        let member = row.members.get(region);
        member.map(|member| member_arn(row, region, member))
    };
    let failover_state = row.change.as_ref().map(|change| FailoverState {
        status: Some("failing-over".to_owned()),
        from_db_cluster_arn: arn(&change.from),
        to_db_cluster_arn: arn(&change.to),
        is_data_loss_allowed: Some(change.loss),
    });
    let status = match &row.change {
        None => "available",
        Some(change) if change.loss => "failing-over",
        Some(_) => "switching-over",
    };
    GlobalCluster {
        global_cluster_identifier: Some(row.name.clone()),
        global_cluster_resource_id: Some(row.resource.clone()),
        global_cluster_arn: Some(global_arn(row)),
        status: Some(status.to_owned()),
        engine: Some(row.engine.clone()),
        engine_version: Some(row.version.clone()),
        database_name: row.database.clone(),
        storage_encrypted: Some(row.encryption != "none"),
        storage_encryption_type: Some(row.encryption.clone()),
        deletion_protection: Some(row.protected),
        global_cluster_members: shown_members(row),
        failover_state,
        tag_list: names::tag_list(&row.tags),
    }
}

/// Another Region has done what was asked of it: all these answers have one shape.
///
/// # Errors
/// The other Region's refusal; 503 when it does not answer.
pub(super) fn answered(input: SagaInput<'_>) -> Result<Progress<Vec<u8>>, Refusal> {
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::internal("the other Region does not answer").with_status(503));
    };
    let row: GlobalRow = decode(outcome?)?;
    let answer = SwitchoverGlobalClusterResponse {
        global_cluster: Some(show(&row)),
    };
    Ok(Progress::Done(prost::Message::encode_to_vec(&answer)))
}
