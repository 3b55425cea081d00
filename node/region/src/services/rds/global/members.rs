//! Who belongs to a global database: clusters join, and leave.

use faultline_proto::names::{AccountId, Elapsed, RegionName};
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::rds::{
    CreateDbClusterResponse, RemoveFromGlobalClusterRequest, RemoveFromGlobalClusterResponse,
};
use serde::{Deserialize, Serialize};

use super::{flow, load, local, named, publish, reign, save, send, show};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::services::rds::error::Error;
use crate::services::rds::keys::{self, Wanted};
use crate::services::rds::keyspaces::{
    DatabaseRow, Family, GlobalRow, MemberRow, Membership, State,
};
use crate::services::rds::{clusters, health, instances, names, shows};

/// Secondary Regions of one global database (EBS-051).
const MOST_REGIONS: usize = 10;
/// Readers of a primary, less one for each secondary; of a secondary one more (EBS-053).
const MOST_READERS: usize = 15;

/// A cluster that wants to be a secondary.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Join {
    /// Account.
    pub account: AccountId,
    /// Global database.
    pub global: String,
    /// Its Region.
    pub region: RegionName,
    /// Its name.
    pub cluster: String,
    /// Version of its engine.
    pub version: String,
}

/// How many instances a cluster may have (EBS-053).
pub fn most_instances(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> usize {
    let Some(member) = &row.global else {
        return MOST_READERS + 1;
    };
    if !member.is_writer {
        return MOST_READERS + 1;
    }
    let members = load(ctx, &row.account, &member.global).map_or(1, |global| global.members.len());
    (MOST_READERS + 1).saturating_sub(members.saturating_sub(1))
}

/// EBS-052: what a member's storage is to be encrypted with.
fn storage(
    global: &GlobalRow,
    (encrypted, key): (Option<bool>, Option<String>),
) -> Result<Wanted, Error> {
    let is_first = global.writer.is_none();
    let says_key = key.is_some();
    let usual = match &*global.encryption {
        "none" => Wanted::Clear,
        "sse-kms" if is_first => Wanted::Key(keys::DEFAULT_KEY.to_owned()),
        _ => Wanted::Owned,
    };
    let wanted = instances::wanted(encrypted, key, usual)?;
    let text = match (&*global.encryption, &wanted) {
        ("sse-kms", Wanted::Key(_)) if is_first || says_key => return Ok(wanted),
        ("sse-kms", _) => {
            "The primary cluster is encrypted: specify StorageEncrypted and a KmsKeyId that is valid in this Region"
        }
        ("none", Wanted::Clear) | ("sse-rds", Wanted::Owned | Wanted::Key(_)) => return Ok(wanted),
        ("none", _) => "The primary cluster is not encrypted: its secondary clusters cannot be",
        _ => "The primary cluster is encrypted: its secondary clusters have to be",
    };
    Err(Error::Combination(text.to_owned()))
}

/// A new cluster becomes a member: the first one at once, others when the primary's Region, which
/// is asked, agrees. Answers whether that is open.
///
/// # Errors
/// GlobalClusterNotFoundFault, InvalidGlobalClusterStateFault, KMSKeyNotAccessibleFault.
pub fn enter(
    ctx: &mut Ctx<'_>,
    mut row: DatabaseRow,
    global: &str,
    encryption: (Option<bool>, Option<String>),
) -> Result<bool, Refusal> {
    let mut global = named(ctx, Some(global))?;
    let here = ctx.region().clone();
    if global.members.contains_key(&here) {
        let text = format!(
            "Global cluster {} already has a DB cluster in {here}",
            global.name
        );
        return Err(Error::GlobalState(text).into());
    }
    if row.engine != global.engine {
        let text = format!(
            "The engine of global cluster {} is {}",
            global.name, global.engine
        );
        return Err(Error::Combination(text).into());
    }
    if row.version.is_empty() {
        row.version.clone_from(&global.version);
    }
    let wanted = storage(&global, encryption)?;
    let Some(writer) = global.writer.clone() else {
        instances::settle(ctx, &mut row, &wanted, clusters::BIRTH)?;
        global.epoch += 1;
        global.encryption = keys::word(&row.sealing).to_owned();
        reign(ctx, &mut global, &mut row);
        publish(ctx, &mut global);
        return Ok(false);
    };
    row.global = Some(Membership {
        global: global.name.clone(),
        epoch: global.epoch,
        is_writer: false,
        committed: 0,
        lag: 0,
        is_filled: false,
    });
    instances::settle(ctx, &mut row, &wanted, clusters::BIRTH)?;
    let join = Join {
        account: row.account.clone(),
        global: global.name,
        region: here,
        cluster: row.name,
        version: row.version,
    };
    ctx.ask(&writer, "join", encode(&join));
    Ok(true)
}

/// The primary's side of a new member.
pub(in crate::services::rds) fn join(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let join: Join = decode(body)?;
    let mut global = named(ctx, Some(&join.global))?;
    let here = ctx.region().clone();
    let primary = local(ctx, &global).filter(|_| global.writer.as_ref() == Some(&here));
    let Some((cluster, _)) = primary else {
        let text = format!("The primary of global cluster {} is not here", global.name);
        return Err(Error::GlobalState(text).into());
    };
    if cluster.state != State::Available || global.change.is_some() {
        let text = format!(
            "DB cluster {} is {}",
            cluster.name,
            health::word(cluster.state)
        );
        return Err(Error::State(Family::Cluster, text).into());
    }
    if global.members.len() > MOST_REGIONS {
        return Err(Error::TooManyRegions(MOST_REGIONS).into());
    }
    let count = names::instances(ctx, &cluster).len();
    if count + global.members.len() > MOST_READERS + 1 {
        let text = format!(
            "DB cluster {} has too many readers for one more secondary cluster",
            cluster.name
        );
        return Err(Error::GlobalState(text).into());
    }
    let member = MemberRow {
        cluster: join.cluster,
        version: join.version,
        confirmed: 0,
        is_filled: false,
    };
    global.members.insert(join.region.clone(), member);
    publish(ctx, &mut global);
    flow::fill(ctx, &global, &cluster, &join.region);
    Ok(Vec::new())
}

/// The primary's Region has answered the call.
pub(in crate::services::rds) fn joined(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let (address, global): (health::Address, String) = decode(state)?;
    let outcome = match input {
        SagaInput::Answer { outcome, .. } => outcome.map(|_| ()),
        _ => Err(Refusal::internal("the primary's Region does not answer").with_status(503)),
    };
    let cluster = Some(address.2.as_str());
    let row = outcome.and_then(|()| Ok(names::stored(ctx, Family::Cluster, cluster)?));
    let row = row.inspect_err(|_| {
        // The refusal discards what is written here, but not a timer.
        let now = Elapsed(ctx.elapsed().0);
        ctx.schedule("rds", now, "unjoin", encode(&(&address, &global)));
    })?;
    let answer = CreateDbClusterResponse {
        db_cluster: Some(shows::cluster(ctx, &row)),
    };
    Ok(Progress::Done(prost::Message::encode_to_vec(&answer)))
}

/// A cluster whose joining came to nothing goes again.
pub(in crate::services::rds) fn unjoin(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((address, name)) = decode::<(health::Address, String)>(payload) else {
        return;
    };
    if let Some(row) = health::at(ctx, &address) {
        instances::erase(ctx, &row);
    }
    let writer = load(ctx, &address.0, &name).and_then(|global| global.writer);
    if let Some(writer) = writer.filter(|writer| writer != ctx.region()) {
        send(
            ctx,
            &writer,
            &name,
            "left",
            &(&address.0, &name, &address.2),
        );
    }
}

/// RemoveFromGlobalCluster.
pub(in crate::services::rds) fn remove(
    ctx: &mut Ctx<'_>,
    request: RemoveFromGlobalClusterRequest,
) -> Result<Progress<RemoveFromGlobalClusterResponse>, Refusal> {
    let global = named(ctx, request.global_cluster_identifier.as_deref())?;
    let id = request.db_cluster_identifier.as_deref();
    let cluster = names::named(ctx, Family::Cluster.word(), id);
    let member = global.members.get(&cluster.region);
    if member.is_none_or(|member| member.cluster != cluster.name) {
        return Err(Error::NoCluster(id.unwrap_or_default().to_owned()).into());
    }
    if cluster.region == *ctx.region() {
        let row = leave(ctx, &global.name)?;
        return Ok(Progress::Done(RemoveFromGlobalClusterResponse {
            global_cluster: Some(show(&row)),
        }));
    }
    ctx.ask(&cluster.region, "leave", encode(&global.name));
    Ok(Progress::Open(Saga {
        kind: "global",
        state: Vec::new(),
    }))
}

/// This Region's cluster becomes one of its own; the primary's Region learns of it when it can.
pub(in crate::services::rds) fn leave(ctx: &mut Ctx<'_>, name: &str) -> Result<GlobalRow, Refusal> {
    let mut global = named(ctx, Some(name))?;
    let here = ctx.region().clone();
    let (mut cluster, member) =
        local(ctx, &global).ok_or_else(|| Error::NoCluster(name.to_owned()))?;
    if matches!(cluster.state, State::Switching | State::Creating) {
        let text = format!(
            "DB cluster {} is {}",
            cluster.name,
            health::word(cluster.state)
        );
        return Err(Error::State(Family::Cluster, text).into());
    }
    if member.is_writer && global.members.len() > 1 {
        let text = format!(
            "The primary DB cluster of global cluster {name} cannot be removed while it has secondary clusters"
        );
        return Err(Error::GlobalState(text).into());
    }
    if cluster.state == State::Rebuilding {
        cluster.state = State::Available;
    }
    cluster.global = None;
    names::save(ctx, &cluster);
    global.members.remove(&here);
    if member.is_writer {
        global.writer = None;
        publish(ctx, &mut global);
    } else {
        save(ctx, &global);
        if let Some(writer) = global.writer.clone() {
            let record = (&global.account, &global.name, &cluster.name);
            send(ctx, &writer, &global.name, "left", &record);
        }
    }
    Ok(global)
}

/// A secondary has left.
pub(in crate::services::rds) fn left(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let (account, name, cluster): (AccountId, String, String) = decode(body)?;
    let Some(mut global) = load(ctx, &account, &name) else {
        return Ok(());
    };
    let writes = global.writer.as_ref() == Some(ctx.region());
    let is_same = global
        .members
        .get(from)
        .is_some_and(|one| one.cluster == cluster);
    if writes && is_same {
        global.members.remove(from);
        publish(ctx, &mut global);
    }
    Ok(())
}
