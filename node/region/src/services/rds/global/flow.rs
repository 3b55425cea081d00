//! Commits on their way from the primary to the secondaries, and how far each is.

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use super::{load, local, publish, save, send};
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::services::rds::keyspaces::{Commits, DatabaseRow, GlobalRow, Sealing, State};
use crate::services::rds::pull::{self, Page};
use crate::services::rds::{cells, health, names, parameters};
use crate::store::Range;

/// A commit on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Commit {
    account: AccountId,
    global: String,
    epoch: u64,
    lsn: u64,
    /// When it was made, unskewed microseconds.
    at: u64,
    key: String,
    value: serde_bytes::ByteBuf,
}

/// A part of all rows, for storage that begins anew.
#[derive(Debug, Serialize, Deserialize)]
struct Fill {
    account: AccountId,
    global: String,
    epoch: u64,
    lsn: u64,
    at: u64,
    is_first: bool,
    page: Page,
}

/// How far a secondary is.
#[derive(Debug, Serialize, Deserialize)]
struct Confirmation {
    account: AccountId,
    global: String,
    epoch: u64,
    lsn: u64,
}

/// The primary has committed: `row.lsn` is the commit's number.
pub fn committed(ctx: &mut Ctx<'_>, row: &mut DatabaseRow, key: &str, value: &[u8]) {
    let at = ctx.elapsed().0;
    let Some(member) = row.global.as_mut().filter(|member| member.is_writer) else {
        return;
    };
    member.committed = at;
    let Some(global) = load(ctx, &row.account, &member.global) else {
        return;
    };
    let commit = Commit {
        account: row.account.clone(),
        global: global.name.clone(),
        epoch: member.epoch,
        lsn: row.lsn,
        at,
        key: key.to_owned(),
        value: value.to_vec().into(),
    };
    if global.members.len() > 1 {
        ctx.put::<Commits>((row.resource.as_str(), row.lsn), &at);
    }
    for region in others(ctx, &global) {
        send(ctx, &region, &global.name, "commit", &commit);
    }
}

/// The Regions of the other members.
pub fn others(ctx: &Ctx<'_>, global: &GlobalRow) -> Vec<RegionName> {
    let here = ctx.region();
    global
        .members
        .keys()
        .filter(|region| *region != here)
        .cloned()
        .collect()
}

/// Sends a member all rows: its storage begins anew.
pub fn fill(ctx: &mut Ctx<'_>, global: &GlobalRow, cluster: &DatabaseRow, to: &RegionName) {
    let mut rest = cells::all(ctx, &cluster.resource);
    let at = cluster.global.as_ref().map_or(0, |member| member.committed);
    let mut is_first = true;
    loop {
        let page = health::hosted(ctx, cluster)
            .and_then(|key| pull::fill(rest.clone().into_iter(), key.as_ref()));
        let page = match page {
            Ok(page) => page,
            Err(refusal) => {
                let arn = names::arn(ctx, cluster);
                let why = refusal.message;
                return ctx.note("fill_refused", &[("database", &arn), ("why", &why)]);
            }
        };
        let more = page.more;
        rest.drain(..page.rows.len());
        let record = Fill {
            account: global.account.clone(),
            global: global.name.clone(),
            epoch: global.epoch,
            lsn: cluster.lsn,
            at,
            is_first,
            page,
        };
        send(ctx, to, &global.name, "fill", &record);
        is_first = false;
        if !more {
            return;
        }
    }
}

/// This Region's secondary, if it follows that reign.
fn follower(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, epoch: u64) -> Option<DatabaseRow> {
    let global = load(ctx, account, name)?;
    let (cluster, member) = local(ctx, &global)?;
    let is_open = cluster.host.is_some() || cluster.sealing == Sealing::Clear;
    let follows = !member.is_writer && member.epoch == epoch && is_open;
    follows.then_some(cluster)
}

/// A commit has come.
///
/// # Errors
/// A record of another shape; a data key that does not open.
pub(in crate::services::rds) fn commit(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let commit: Commit = decode(body)?;
    let Some(mut row) = follower(ctx, &commit.account, &commit.global, commit.epoch) else {
        return Ok(());
    };
    let key = health::hosted(ctx, &row)?;
    cells::write(
        ctx,
        &row.resource,
        &commit.key,
        commit.lsn,
        key.as_ref(),
        &commit.value,
    );
    row.lsn = commit.lsn;
    let lag = ctx.elapsed().0.saturating_sub(commit.at);
    if let Some(member) = row.global.as_mut() {
        member.committed = commit.at;
        member.lag = lag;
    }
    names::save(ctx, &row);
    let arn = names::arn(ctx, &row);
    let to = ctx.region().to_string();
    ctx.note(
        "replicated",
        &[
            ("service", "rds"),
            ("database", &arn),
            ("from", from.as_str()),
            ("to", &to),
            ("lsn", &commit.lsn.to_string()),
            ("outcome", "COMPLETED"),
            ("lag_us", &lag.to_string()),
        ],
    );
    confirm(
        ctx,
        from,
        commit.account,
        commit.global,
        (commit.epoch, commit.lsn),
    );
    Ok(())
}

fn confirm(
    ctx: &mut Ctx<'_>,
    to: &RegionName,
    account: AccountId,
    global: String,
    (epoch, lsn): (u64, u64),
) {
    let record = Confirmation {
        account,
        global,
        epoch,
        lsn,
    };
    send(ctx, to, &record.global, "confirm", &record);
}

/// A part of all rows has come.
///
/// # Errors
/// A record of another shape; a data key that does not open.
pub(in crate::services::rds) fn filled(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let fill: Fill = decode(body)?;
    let Some(mut row) = follower(ctx, &fill.account, &fill.global, fill.epoch) else {
        return Ok(());
    };
    let key = health::hosted(ctx, &row)?;
    if fill.is_first {
        cells::release(ctx, &row.resource);
    }
    for (name, lsn, value) in &fill.page.rows {
        cells::write(ctx, &row.resource, name, *lsn, key.as_ref(), value);
    }
    if fill.page.more {
        return Ok(());
    }
    row.lsn = fill.lsn;
    if row.state == State::Rebuilding {
        row.state = State::Available;
    }
    if let Some(member) = row.global.as_mut() {
        member.committed = fill.at;
        member.is_filled = true;
    }
    names::save(ctx, &row);
    health::noted(ctx, &row);
    confirm(ctx, from, fill.account, fill.global, (fill.epoch, fill.lsn));
    Ok(())
}

/// A secondary has confirmed a commit.
///
/// # Errors
/// A record of another shape.
pub(in crate::services::rds) fn confirmed(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
) -> Result<(), Refusal> {
    let confirmation: Confirmation = decode(body)?;
    let Some(mut global) = load(ctx, &confirmation.account, &confirmation.global) else {
        return Ok(());
    };
    let writes = global.writer.as_ref() == Some(ctx.region());
    if !writes || global.epoch != confirmation.epoch {
        return Ok(());
    }
    let Some(member) = global.members.get_mut(from) else {
        return Ok(());
    };
    member.confirmed = member.confirmed.max(confirmation.lsn);
    let is_new = !std::mem::replace(&mut member.is_filled, true);
    if is_new {
        publish(ctx, &mut global);
    } else {
        save(ctx, &global);
    }
    prune(ctx, &global);
    Ok(())
}

/// Forgets the moments of commits that every secondary has.
fn prune(ctx: &mut Ctx<'_>, global: &GlobalRow) {
    let here = ctx.region().clone();
    let others = global.members.iter().filter(|(region, _)| **region != here);
    let all = others.map(|(_, member)| member.confirmed).min();
    let (Some(all), Some((cluster, _))) = (all, local(ctx, global)) else {
        return;
    };
    let resource = cluster.resource.as_str();
    for ((_, lsn), _) in ctx.all(Range::<Commits>::under((resource,))) {
        if lsn > all {
            return;
        }
        ctx.delete::<Commits>((resource, lsn));
    }
}

/// How long the oldest commit waits that a member has not confirmed, microseconds (EBS-058).
pub fn rpo_lag(ctx: &mut Ctx<'_>, cluster: &DatabaseRow, confirmed: u64) -> u64 {
    let resource = cluster.resource.as_str();
    let waiting = ctx.all(Range::<Commits>::under((resource,)));
    let oldest = waiting.into_iter().find(|((_, lsn), _)| *lsn > confirmed);
    oldest.map_or(0, |(_, at)| ctx.elapsed().0.saturating_sub(at))
}

/// How long, in seconds, all secondaries may lag behind a primary, when all lag more: its commits
/// wait (EBS-057).
pub fn stall(ctx: &mut Ctx<'_>, cluster: &DatabaseRow) -> Option<u64> {
    let member = cluster.global.as_ref().filter(|member| member.is_writer)?;
    let limit = parameters::rpo(ctx, cluster)?;
    let global = load(ctx, &cluster.account, &member.global)?;
    let others = others(ctx, &global);
    let lags = |ctx: &mut Ctx<'_>, region: &RegionName| {
        let confirmed = global.members.get(region).map_or(0, |one| one.confirmed);
        rpo_lag(ctx, cluster, confirmed) > limit
    };
    let all = !others.is_empty() && others.iter().all(|region| lags(ctx, region));
    all.then_some(limit / 1_000_000)
}

/// Forgets the moments of all commits.
pub fn forget(ctx: &mut Ctx<'_>, cluster: &DatabaseRow) {
    let resource = cluster.resource.as_str();
    for ((_, lsn), _) in ctx.all(Range::<Commits>::under((resource,))) {
        ctx.delete::<Commits>((resource, lsn));
    }
}
