//! Rotation: what a key remembers of it, and how a new material becomes current (kms section 6).
//!
//! ```text
//!   due, or RotateKeyOnDemand        every replica           all have it
//!   primary makes material  ----->   keeps it, says so ----> primary: current; tells the set
//! ```
//!
//! Nobody encrypts with a new material before every member has it (K-121): a replica that is cut
//! off holds the rotation of the whole set up. Imported material does not travel; there the
//! replicas' own imports are what the primary waits for (K-123), and that comes before.
//!
//! Only the primary rotates. What it decides (settings, standing of materials) is told to the
//! replicas as a record with a revision; a later revision is the newer word. Presence of imported
//! material is each member's own (K-107).

use faultline_proto::names::{AccountId, Elapsed, RegionName, Timestamp};
use serde::{Deserialize, Serialize};

use super::identifiers::KeyId;
use super::key_materials::{KeyMaterial, KeyMaterials, RotationType, Standing};
use super::keyspaces::KeyRow;
use super::material::{self, Shipped};
use super::specs::Origin;
use super::states::KeyState;
use super::{journal, resolve};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};

/// The rotation settings of a key; a multi-Region set shares those of its primary (K-106).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Rotation {
    /// Counts what the primary told, so that members know the newer word.
    pub revision: u64,
    /// Automatic rotation, when it is on.
    pub automatic: Option<Schedule>,
    /// How many rotations on demand there were (K-156).
    pub on_demand: u32,
    /// A rotation under way.
    pub running: Option<Running>,
}

/// Automatic rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    /// Days between rotations, 90 to 2,560 (K-147).
    pub period_days: u32,
    /// The unskewed moment of the next one.
    pub at: Elapsed,
    /// The NextRotationDate that is shown.
    pub date: Timestamp,
}

/// A rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// What caused it.
    pub cause: RotationType,
    /// When it began.
    pub started: Timestamp,
}

/// Shortest and longest time of a rotation on demand, microseconds.
const ROTATING: (u64, u64) = (3_000_000, 9_000_000);

const DAY: u64 = 24 * 60 * 60;

/// What the primary tells its replicas.
#[derive(Serialize, Deserialize)]
pub(crate) struct Shared {
    account: AccountId,
    id: KeyId,
    rotation: Rotation,
    materials: KeyMaterials,
}

impl Shared {
    /// What `row` knows.
    pub(crate) fn of(row: &KeyRow) -> Self {
        Self {
            account: row.account.clone(),
            id: row.id.clone(),
            rotation: row.rotation.clone(),
            materials: row.materials.clone(),
        }
    }
}

fn replicas(row: &KeyRow) -> Vec<RegionName> {
    row.members
        .iter()
        .flat_map(|members| members.replicas())
        .filter(|region| region.as_str() != row.arn.region())
        .cloned()
        .collect()
}

/// Whether the key rotates here: single-Region keys and primaries.
pub(crate) fn leads(row: &KeyRow) -> bool {
    row.members.is_none() || row.is_primary()
}

/// Writes a change of what the set shares, and tells the replicas of it.
pub(crate) fn publish(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    row.rotation.revision += 1;
    resolve::save(ctx, row);
    let body = encode(&Shared::of(row));
    for region in replicas(row) {
        ctx.replicate(&region, "kms", "kms", "shared", body.clone());
    }
}

/// The next rotation of a schedule that begins now; sets its timer.
pub(crate) fn schedule(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    id: &KeyId,
    period_days: u32,
) -> Schedule {
    let seconds = u64::from(period_days) * DAY;
    let at = ctx.elapsed().plus_seconds(seconds);
    ctx.schedule("kms", at, "rotate", encode(&(account, id, at)));
    let ahead = i64::try_from(seconds).expect("2,560 days fit");
    Schedule {
        period_days,
        at,
        date: ctx.now().plus_seconds(ahead),
    }
}

/// The timer of [`schedule`]. A key that is not usable now catches up when it is (K-152, K-153).
pub(crate) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, id, moment)) = decode::<(AccountId, KeyId, Elapsed)>(payload) else {
        return;
    };
    let Some(mut row) = resolve::current(ctx, &account, &id) else {
        return;
    };
    let is_this = |schedule: &Schedule| schedule.at == moment;
    if leads(&row) && row.rotation.automatic.as_ref().is_some_and(is_this) {
        catch_up(ctx, &mut row);
    }
}

/// Rotates when the date has come and the key is usable; the key is written when it changed.
pub(crate) fn catch_up(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    let now = ctx.elapsed();
    let Some(schedule) = &row.rotation.automatic else {
        return;
    };
    let usable = matches!(row.state, KeyState::Enabled | KeyState::Updating { .. });
    if schedule.at > now || !usable || !leads(row) {
        return;
    }
    let period = schedule.period_days;
    let (account, id) = (row.account.clone(), row.id.clone());
    row.rotation.automatic = Some(self::schedule(ctx, &account, &id, period));
    // One that is under way stands for this one.
    if row.rotation.running.is_none() {
        begin(ctx, row, RotationType::Automatic);
        step(ctx, row);
    } else {
        publish(ctx, row);
    }
}

fn begin(ctx: &Ctx<'_>, row: &mut KeyRow, cause: RotationType) {
    row.rotation.running = Some(Running {
        cause,
        started: ctx.now(),
    });
}

/// RotateKeyOnDemand was accepted: the rotation follows in some seconds (K-155: asynchronous).
pub(crate) fn begin_on_demand(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    row.rotation.on_demand += 1;
    begin(ctx, row, RotationType::OnDemand);
    step_later(ctx, row);
    publish(ctx, row);
}

fn step_later(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let micros = ROTATING.0 + ctx.entropy().below("kms.rotating", ROTATING.1 - ROTATING.0);
    let at = ctx.elapsed().plus_micros(micros);
    ctx.schedule("kms", at, "rotation_step", encode(&(&row.account, &row.id)));
}

/// The timer of a rotation on demand.
pub(crate) fn step_due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, id)) = decode::<(AccountId, KeyId)>(payload) else {
        return;
    };
    if let Some(mut row) = resolve::current(ctx, &account, &id)
        && leads(&row)
        && row.rotation.running.is_some()
    {
        step(ctx, &mut row);
    }
}

/// Makes the new material, or takes the imported one; goes on as far as it can.
fn step(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    if row.kind.origin != Origin::External && row.materials.with(Standing::Travelling).is_none() {
        let mut fresh = material::make(ctx, &row.account, &row.id);
        fresh.standing = Standing::Travelling;
        row.materials.add(fresh);
        publish(ctx, row);
        journal::material(ctx, row);
        for region in replicas(row) {
            send(ctx, row, &region);
        }
    }
    complete(ctx, row);
}

/// Sends the material that travels to one replica.
pub(crate) fn send(ctx: &mut Ctx<'_>, row: &KeyRow, to: &RegionName) {
    let Some(travelling) = row.materials.with(Standing::Travelling) else {
        return;
    };
    if mutants::is(Mutant::RotationStaysAtHome) {
        return;
    }
    if let Ok(shipped) = material::ship_one(ctx, row, travelling) {
        let body = encode(&(&row.account, &row.id, travelling, shipped));
        ctx.replicate(to, "kms", "kms", "material", body);
    }
}

/// A replica gets material that is to become current (K-121), and says that it has it.
pub(crate) fn receive(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) {
    type Sent = (AccountId, KeyId, KeyMaterial, Shipped);
    let Ok((account, id, meta, shipped)) = decode::<Sent>(body) else {
        return;
    };
    let Some(mut row) = resolve::current(ctx, &account, &id) else {
        return;
    };
    material::take_in(ctx, &account, &id, std::slice::from_ref(&shipped));
    if row.materials.get(&meta.id).is_none() {
        row.materials.add(meta.clone());
        resolve::save(ctx, &row);
    }
    journal::material(ctx, &row);
    report(ctx, &row, &meta.id, from);
}

/// A material that is to become current, with its bytes. It goes with the role: a primary that
/// got it later, by another stream, would make a second one.
pub(crate) type Travelling = (KeyMaterial, Shipped);

/// What a primary hands over.
pub(crate) fn hand_over(ctx: &mut Ctx<'_>, row: &KeyRow) -> Option<Travelling> {
    let travelling = row.materials.with(Standing::Travelling)?.clone();
    let shipped = material::ship_one(ctx, row, &travelling).ok()?;
    Some((travelling, shipped))
}

/// Takes it.
pub(crate) fn take_over(ctx: &mut Ctx<'_>, row: &mut KeyRow, handed: Option<Travelling>) {
    let Some((travelling, shipped)) = handed else {
        return;
    };
    material::take_in(ctx, &row.account, &row.id, std::slice::from_ref(&shipped));
    if row.materials.get(&travelling.id).is_none() {
        row.materials.add(travelling);
        resolve::save(ctx, row);
        journal::material(ctx, row);
    }
}

/// Tells the primary that a material is here.
pub(crate) fn report(ctx: &mut Ctx<'_>, row: &KeyRow, material: &str, primary: &RegionName) {
    let here = ctx.region().clone();
    let body = encode(&(&row.account, &row.id, material, &here));
    ctx.replicate(primary, "kms", "kms", "material_here", body);
}

/// A replica has a material.
pub(crate) fn reported(ctx: &mut Ctx<'_>, body: &[u8]) {
    let Ok((account, id, material, region)) =
        decode::<(AccountId, KeyId, String, RegionName)>(body)
    else {
        return;
    };
    let Some(mut row) = resolve::current(ctx, &account, &id) else {
        return;
    };
    let Some(known) = row.materials.get_mut(&material) else {
        return;
    };
    known.arrived.insert(region);
    resolve::save(ctx, &row);
    arrived(ctx, &mut row);
}

/// Somebody has a material, or left the set: does what waited for that.
pub(crate) fn arrived(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    if !leads(row) {
        return;
    }
    let waiting = Standing::PendingMultiRegionImportAndRotation;
    if let Some(pending) = row.materials.with(waiting)
        && is_everywhere(row, pending)
    {
        let id = pending.id.clone();
        if let Some(pending) = row.materials.get_mut(&id) {
            pending.standing = Standing::PendingRotation;
        }
        publish(ctx, row);
    }
    if row.materials.with(Standing::Travelling).is_some() {
        complete(ctx, row);
    }
}

fn is_everywhere(row: &KeyRow, material: &KeyMaterial) -> bool {
    mutants::is(Mutant::RotationStaysAtHome)
        || replicas(row)
            .iter()
            .all(|region| material.arrived.contains(region))
}

/// The new material becomes current, when every member has it.
fn complete(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    let Some(running) = row.rotation.running.clone() else {
        return;
    };
    let next = row
        .materials
        .with(Standing::Travelling)
        .or_else(|| row.materials.with(Standing::PendingRotation));
    let Some(next) = next.filter(|next| is_everywhere(row, next)) else {
        return;
    };
    let id = next.id.clone();
    let before = row.materials.current().map(|material| material.id.clone());
    row.materials.promote(&id, running.cause, ctx.now());
    row.rotation.running = None;
    publish(ctx, row);
    rotated(ctx, row, before, running.cause);
}

/// K-164, K-270: the trail tells of it, and oracles of the materials.
fn rotated(ctx: &mut Ctx<'_>, row: &KeyRow, before: Option<String>, cause: RotationType) {
    journal::material(ctx, row);
    let mut details = serde_json::json!({
        "rotationType": cause.text(),
        "keyOrigin": row.kind.origin.text(),
        "currentKeyMaterialId": row.current_material().unwrap_or_default(),
    });
    if let Some(before) = before {
        details["previousKeyMaterialId"] = before.into();
    }
    journal::service_event(ctx, row, row.arn.as_str(), "RotateKey", details);
}

/// What the primary told.
pub(crate) fn take_shared(ctx: &mut Ctx<'_>, body: &[u8]) {
    if let Ok(shared) = decode::<Shared>(body)
        && let Some(mut row) = resolve::current(ctx, &shared.account, &shared.id)
    {
        take(ctx, &mut row, shared);
    }
}

/// Takes the newer word of the primary into a member.
pub(crate) fn take(ctx: &mut Ctx<'_>, row: &mut KeyRow, shared: Shared) {
    if shared.rotation.revision <= row.rotation.revision {
        return;
    }
    let before = row.materials.current().map(|material| material.id.clone());
    for gone in row.materials.adopt(shared.materials, row.kind.origin) {
        material::remove(ctx, row, &gone);
    }
    row.rotation = shared.rotation;
    row.state = row.rest(row.state.clone());
    resolve::save(ctx, row);
    let now = row.materials.current();
    if now.map(|material| &material.id) != before.as_ref() {
        let cause = now.and_then(|material| material.rotated);
        match cause {
            Some((cause, _)) if before.is_some() => rotated(ctx, row, before, cause),
            _ => journal::material(ctx, row),
        }
    }
}

/// A replica has come: it gets what changed while it was made.
pub(crate) fn welcome(ctx: &mut Ctx<'_>, row: &KeyRow, region: &RegionName) {
    let body = encode(&Shared::of(row));
    ctx.replicate(region, "kms", "kms", "shared", body);
    send(ctx, row, region);
}

/// A member has become the primary: rotation is its business now.
pub(crate) fn lead(ctx: &mut Ctx<'_>, row: &KeyRow) {
    if let Some(schedule) = &row.rotation.automatic {
        let payload = encode(&(&row.account, &row.id, schedule.at));
        ctx.schedule("kms", schedule.at, "rotate", payload);
    }
    if row.rotation.running.is_some() {
        step_later(ctx, row);
    }
    for region in replicas(row) {
        send(ctx, row, &region);
    }
}
