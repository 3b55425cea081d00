//! Another Region becomes the primary.
//!
//! ```text
//!   switchover   primary: no writes any more, "handover" behind the last commit
//!                target:  all commits before it are here: a new reign, nothing lost (EBS-054)
//!   failover     target:  a new reign with what has arrived (EBS-055)
//!                primary, when it hears of it: fenced; a snapshot of its storage; tells how many of its
//!                commits are lost and how old the first was: that is the RPO
//! ```
//!
//! Fencing is best effort: a primary that cannot be reached goes on writing, and what it writes then is
//! lost too. Every other member begins anew with the new primary's rows.

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::rds::{
    FailoverGlobalClusterRequest, FailoverGlobalClusterResponse, SwitchoverGlobalClusterRequest,
    SwitchoverGlobalClusterResponse,
};
use serde::{Deserialize, Serialize};

use super::{flow, global_arn, load, local, named, publish, send, show};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::services::rds::error::Error;
use crate::services::rds::keyspaces::{
    ChangeRow, Commits, DatabaseRow, Family, GlobalRow, Membership, OutcomeRow, State,
};
use crate::services::rds::{health, names, snapshots};

/// Microseconds until a new primary takes writes: planned, unplanned.
const PROMOTION: (u64, u64) = (30_000_000, 60_000_000);

/// What an old primary has lost.
#[derive(Debug, Serialize, Deserialize)]
struct Loss {
    account: AccountId,
    global: String,
    epoch: u64,
    lost: u64,
    rpo: u64,
}

/// SwitchoverGlobalCluster.
pub(in crate::services::rds) fn switchover(
    ctx: &mut Ctx<'_>,
    request: SwitchoverGlobalClusterRequest,
) -> Result<Progress<SwitchoverGlobalClusterResponse>, Refusal> {
    let name = request.global_cluster_identifier.as_deref();
    let target = request.target_db_cluster_identifier.as_deref();
    Ok(match change(ctx, name, target, false)? {
        Progress::Done(row) => Progress::Done(SwitchoverGlobalClusterResponse {
            global_cluster: Some(show(&row)),
        }),
        Progress::Open(saga) => Progress::Open(saga),
    })
}

/// FailoverGlobalCluster.
pub(in crate::services::rds) fn failover(
    ctx: &mut Ctx<'_>,
    request: FailoverGlobalClusterRequest,
) -> Result<Progress<FailoverGlobalClusterResponse>, Refusal> {
    let loss = request.allow_data_loss.unwrap_or_default();
    if loss && request.switchover.unwrap_or_default() {
        // EBS-056.
        let text = "AllowDataLoss and Switchover are mutually exclusive: specify one of them";
        return Err(Error::Combination(text.to_owned()).into());
    }
    let name = request.global_cluster_identifier.as_deref();
    let target = request.target_db_cluster_identifier.as_deref();
    Ok(match change(ctx, name, target, loss)? {
        Progress::Done(row) => Progress::Done(FailoverGlobalClusterResponse {
            global_cluster: Some(show(&row)),
        }),
        Progress::Open(saga) => Progress::Open(saga),
    })
}

/// Does it, or asks the Region that has to: the primary's for a switchover, the target's for a
/// failover.
fn change(
    ctx: &mut Ctx<'_>,
    name: Option<&str>,
    target: Option<&str>,
    loss: bool,
) -> Result<Progress<GlobalRow>, Refusal> {
    let global = named(ctx, name)?;
    let cluster = names::named(ctx, Family::Cluster.word(), target);
    let member = global.members.get(&cluster.region);
    if member.is_none_or(|member| member.cluster != cluster.name) {
        return Err(Error::NoCluster(target.unwrap_or_default().to_owned()).into());
    }
    let writer = global
        .writer
        .clone()
        .unwrap_or_else(|| cluster.region.clone());
    if writer == cluster.region {
        let text = format!("DB cluster {} is the primary already", cluster.name);
        return Err(Error::State(Family::Cluster, text).into());
    }
    let (doer, kind) = if loss {
        (cluster.region.clone(), "failover")
    } else {
        (writer, "switchover")
    };
    if doer == *ctx.region() {
        let row = if loss {
            fail_over(ctx, &global.name)?
        } else {
            switch_over(ctx, &global.name, &cluster.region)?
        };
        return Ok(Progress::Done(row));
    }
    ctx.ask(&doer, kind, encode(&(&global.name, &cluster.region)));
    Ok(Progress::Open(Saga {
        kind: "global",
        state: Vec::new(),
    }))
}

/// The primary begins to hand over.
pub(in crate::services::rds) fn switch_over(
    ctx: &mut Ctx<'_>,
    name: &str,
    to: &RegionName,
) -> Result<GlobalRow, Refusal> {
    let mut global = named(ctx, Some(name))?;
    let here = ctx.region().clone();
    let is_ready = global.writer.as_ref() == Some(&here) && global.change.is_none();
    let primary = local(ctx, &global).filter(|_| is_ready);
    let Some((cluster, _)) = primary else {
        let text = format!("Global cluster {name} is not in available state");
        return Err(Error::GlobalState(text).into());
    };
    let mut cluster = health::look_after(ctx, cluster);
    let target = global.members.get(to).filter(|_| *to != here);
    let target = target.ok_or_else(|| Error::NoCluster(to.to_string()))?;
    if target.version != cluster.version {
        let text = format!(
            "The engine versions of the primary ({}) and the target ({}) are not the same",
            cluster.version, target.version
        );
        return Err(Error::GlobalState(text).into());
    }
    if !target.is_filled {
        let text = format!("DB cluster {} has not been filled yet", target.cluster);
        return Err(Error::State(Family::Cluster, text).into());
    }
    if cluster.state != State::Available {
        let text = format!(
            "DB cluster {} is {}",
            cluster.name,
            health::word(cluster.state)
        );
        return Err(Error::State(Family::Cluster, text).into());
    }
    cluster.state = State::Switching;
    names::save(ctx, &cluster);
    health::noted(ctx, &cluster);
    global.change = Some(ChangeRow {
        from: here,
        to: to.clone(),
        loss: false,
    });
    publish(ctx, &mut global);
    let record = (&global.account, &global.name, global.epoch + 1, cluster.lsn);
    send(ctx, to, &global.name, "handover", &record);
    Ok(global)
}

/// The primary hands over: all its commits came before this.
///
/// # Errors
/// A record of another shape.
pub(in crate::services::rds) fn handed_over(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let (account, name, epoch, lsn): (AccountId, String, u64, u64) = decode(body)?;
    let Some(global) = load(ctx, &account, &name) else {
        return Ok(());
    };
    let Some((cluster, member)) = local(ctx, &global) else {
        return Ok(());
    };
    let is_due = global.epoch + 1 == epoch && global.writer.as_ref() == Some(from);
    if !is_due || member.is_writer {
        return Ok(());
    }
    if cluster.lsn != lsn {
        return Err(Refusal::internal("a handover came before its commits"));
    }
    take_over(ctx, global, cluster, member, false);
    Ok(())
}

/// The target takes over with what has arrived.
pub(in crate::services::rds) fn fail_over(
    ctx: &mut Ctx<'_>,
    name: &str,
) -> Result<GlobalRow, Refusal> {
    let global = named(ctx, Some(name))?;
    let found = local(ctx, &global).filter(|(_, member)| !member.is_writer);
    let (cluster, member) = found.ok_or_else(|| Error::NoCluster(name.to_owned()))?;
    let cluster = health::look_after(ctx, cluster);
    if cluster.state != State::Available || !member.is_filled {
        let text = format!(
            "DB cluster {} is {} and cannot take over",
            cluster.name,
            if member.is_filled {
                health::word(cluster.state)
            } else {
                "not filled"
            }
        );
        return Err(Error::State(Family::Cluster, text).into());
    }
    Ok(take_over(ctx, global, cluster, member, true))
}

fn take_over(
    ctx: &mut Ctx<'_>,
    mut global: GlobalRow,
    mut cluster: DatabaseRow,
    mut member: Membership,
    loss: bool,
) -> GlobalRow {
    let here = ctx.region().clone();
    let from = global.writer.replace(here.clone());
    let change = ChangeRow {
        from: from.unwrap_or_else(|| here.clone()),
        to: here.clone(),
        loss,
    };
    global.epoch += 1;
    global.revision = 0;
    let known = (!loss).then_some(0);
    global.outcomes.push(OutcomeRow {
        epoch: global.epoch,
        change: change.clone(),
        lsn: cluster.lsn,
        lost: known,
        rpo: known,
        at: ctx.elapsed().0,
    });
    for (region, one) in &mut global.members {
        one.is_filled = *region == here;
        one.confirmed = 0;
    }
    member.epoch = global.epoch;
    member.is_writer = true;
    cluster.global = Some(member);
    cluster.state = State::Switching;
    names::save(ctx, &cluster);
    flow::forget(ctx, &cluster);
    crowned(ctx, &global, change.from.as_str(), cluster.lsn, loss);
    global.change = Some(change);
    publish(ctx, &mut global);
    for region in flow::others(ctx, &global) {
        flow::fill(ctx, &global, &cluster, &region);
    }
    if !loss {
        reported(ctx, &global, global.epoch, 0, 0);
    }
    let takes = if loss { PROMOTION.1 } else { PROMOTION.0 };
    let at = ctx.elapsed().plus_micros(takes);
    health::wake(ctx, &cluster, at, "promoted");
    global
}

/// Tells of a new primary.
pub fn crowned(ctx: &mut Ctx<'_>, global: &GlobalRow, from: &str, lsn: u64, loss: bool) {
    let arn = global_arn(global);
    let here = ctx.region().to_string();
    let member = RegionName::new(from)
        .ok()
        .and_then(|from| global.members.get(&from));
    let cluster = member.map_or("", |member| member.cluster.as_str());
    ctx.note(
        "global_primary",
        &[
            ("global", &arn),
            ("region", &here),
            ("from", from),
            ("from_cluster", cluster),
            ("epoch", &global.epoch.to_string()),
            ("lsn", &lsn.to_string()),
            ("loss", if loss { "true" } else { "false" }),
        ],
    );
}

/// Reports what a change of the primary has lost.
fn reported(ctx: &mut Ctx<'_>, global: &GlobalRow, epoch: u64, lost: u64, rpo: u64) {
    let arn = global_arn(global);
    ctx.note(
        "global_rpo",
        &[
            ("global", &arn),
            ("epoch", &epoch.to_string()),
            ("lost", &lost.to_string()),
            ("rpo_us", &rpo.to_string()),
        ],
    );
}

/// The new primary takes writes.
pub(in crate::services::rds) fn promoted(ctx: &mut Ctx<'_>, address: &health::Address) {
    let Some(mut cluster) = health::at(ctx, address) else {
        return;
    };
    let member = cluster.global.clone().filter(|member| member.is_writer);
    let Some(member) = member.filter(|_| cluster.state == State::Switching) else {
        return;
    };
    let global = load(ctx, &cluster.account, &member.global);
    let here = ctx.region().clone();
    let Some(mut global) = global.filter(|global| global.writer.as_ref() == Some(&here)) else {
        return;
    };
    cluster.state = State::Available;
    names::save(ctx, &cluster);
    health::noted(ctx, &cluster);
    global.change = None;
    publish(ctx, &mut global);
}

/// This Region's primary hears of a newer reign.
pub fn fence(
    ctx: &mut Ctx<'_>,
    global: &GlobalRow,
    mut cluster: DatabaseRow,
    mut member: Membership,
) {
    let next = global
        .outcomes
        .iter()
        .find(|one| one.epoch == member.epoch + 1);
    if let Some(outcome) = next.filter(|one| one.change.loss) {
        let lost = cluster.lsn.saturating_sub(outcome.lsn);
        let first = if mutants::is(Mutant::RpoFromLastCommit) {
            cluster.lsn
        } else {
            outcome.lsn + 1
        };
        let first = (cluster.resource.as_str(), first);
        let first = ctx.get::<Commits>(first).filter(|_| lost > 0);
        let rpo = first.map_or(0, |at| outcome.at.saturating_sub(at));
        keep(ctx, &cluster);
        let loss = Loss {
            account: global.account.clone(),
            global: global.name.clone(),
            epoch: outcome.epoch,
            lost,
            rpo,
        };
        if let Some(writer) = global.writer.clone() {
            send(ctx, &writer, &global.name, "loss", &loss);
        }
    }
    flow::forget(ctx, &cluster);
    member.is_writer = false;
    member.epoch = global.epoch;
    member.is_filled = false;
    cluster.global = Some(member);
    if matches!(cluster.state, State::Available | State::Switching) {
        cluster.state = State::Rebuilding;
    }
    names::save(ctx, &cluster);
    health::noted(ctx, &cluster);
}

/// EBS-055: a snapshot of the old primary's storage, with what is lost.
fn keep(ctx: &mut Ctx<'_>, cluster: &DatabaseRow) {
    let moment = ctx.now().millis();
    let name = format!("rds:unplanned-global-failover-{}-{moment}", cluster.name);
    let mut row = snapshots::of(ctx, cluster, name);
    "automated".clone_into(&mut row.kind);
    snapshots::begin(ctx, &row);
}

/// The old primary tells what is lost.
///
/// # Errors
/// A record of another shape.
pub(in crate::services::rds) fn lost(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<(), Refusal> {
    let loss: Loss = decode(body)?;
    let Some(mut global) = load(ctx, &loss.account, &loss.global) else {
        return Ok(());
    };
    let outcome = global
        .outcomes
        .iter_mut()
        .find(|one| one.epoch == loss.epoch);
    if let Some(outcome) = outcome {
        outcome.lost = Some(loss.lost);
        outcome.rpo = Some(loss.rpo);
        reported(ctx, &global, loss.epoch, loss.lost, loss.rpo);
        if global.writer.as_ref() == Some(ctx.region()) {
            publish(ctx, &mut global);
        }
    }
    Ok(())
}
