//! Whether a database can be used: RDS looks at its key, and what happens when that one is shut.
//!
//! ```text
//!   available --key shut--> recoverable, stopped --7 days--> inaccessible
//!                               ^ key enabled and started
//!   a cluster with members in other Regions cannot stop: inaccessible at once (EBS-044)
//! ```
//!
//! RDS looks at a key when somebody asks for the database, at most every five minutes: a
//! database that nobody asks for costs nothing.

use faultline_proto::names::{AccountId, Elapsed};
use zeroize::Zeroizing;

use super::error::Error;
use super::keyspaces::{DatabaseRow, Databases, Family, Sealing, State};
use super::{keys, names};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// Microseconds between two looks at a key.
const LOOK: u64 = 300_000_000;
/// Microseconds until a key that is shut ends a database, and until a stopped one starts (EBS-043).
const WEEK: u64 = 7 * 24 * 3600 * 1_000_000;
/// Microseconds that a start takes.
const START: u64 = 120_000_000;
/// Purpose of what hosts keep.
const HOST: &str = "rds.host";

/// Which database a timer is about.
pub type Address = (AccountId, Family, String, String);

/// The address of a row.
#[must_use]
pub fn address(row: &DatabaseRow) -> Address {
    let (name, resource) = (row.name.clone(), row.resource.clone());
    (row.account.clone(), row.family, name, resource)
}

/// The row that an address means, if it is still the same.
pub fn at(ctx: &mut Ctx<'_>, (account, family, name, resource): &Address) -> Option<DatabaseRow> {
    let found = ctx.get::<Databases>((account, family.word(), name.as_str()));
    found.filter(|row| row.resource == *resource)
}

/// Wakes a database at a moment.
pub fn wake(ctx: &mut Ctx<'_>, row: &DatabaseRow, at: Elapsed, kind: &str) {
    ctx.schedule("rds", at, kind, encode(&address(row)));
}

/// A state as AWS writes it.
#[must_use]
pub fn word(state: State) -> &'static str {
    match state {
        State::Creating => "creating",
        State::Available => "available",
        State::Starting => "starting",
        State::Stopped(_) => "stopped",
        State::Recoverable(_) => "inaccessible-encryption-credentials-recoverable",
        State::Inaccessible => "inaccessible-encryption-credentials",
        State::Switching => "switching-over",
        State::Rebuilding => "rebuilding",
    }
}

/// Keeps the data key where the database runs.
pub fn host(ctx: &mut Ctx<'_>, row: &mut DatabaseRow, key: Option<&SecretKey>) {
    row.host = key.map(|key| ctx.seal_local(HOST, row.resource.as_bytes(), key.expose()));
    row.checked = ctx.elapsed().0;
}

/// The data key as the hosts have it; none for clear storage.
///
/// # Errors
/// An internal refusal when nothing runs.
pub fn hosted(ctx: &Ctx<'_>, row: &DatabaseRow) -> Result<Option<SecretKey>, Refusal> {
    if row.sealing == Sealing::Clear {
        return Ok(None);
    }
    let sealed = row.host.as_deref();
    let sealed = sealed.ok_or_else(|| Refusal::internal("no host has the data key"))?;
    let opened = Zeroizing::new(ctx.open_local(HOST, row.resource.as_bytes(), sealed)?);
    Ok(SecretKey::from_slice(&opened))
}

/// Looks at the key of a database, when it is time to.
pub fn look_after(ctx: &mut Ctx<'_>, mut row: DatabaseRow) -> DatabaseRow {
    let now = ctx.elapsed().0;
    let Some(key) = keys::arn(&row.sealing).map(str::to_owned) else {
        return row;
    };
    // A warehouse has its key in memory, and nobody says that Redshift looks at it meanwhile.
    let runs = row.family != Family::Warehouse
        && matches!(row.state, State::Available | State::Rebuilding);
    if !runs || now.saturating_sub(row.checked) < LOOK {
        return row;
    }
    row.checked = now;
    if !keys::is_usable(ctx, &key) {
        row.host = None;
        row.state = if row.global.is_some() {
            State::Inaccessible
        } else {
            State::Recoverable(now.saturating_add(WEEK))
        };
        noted(ctx, &row);
        if let State::Recoverable(at) = row.state {
            wake(ctx, &row, Elapsed(at), "week");
        }
    }
    names::save(ctx, &row);
    row
}

/// Tells of a database's state.
pub fn noted(ctx: &mut Ctx<'_>, row: &DatabaseRow) {
    let arn = names::arn(ctx, row);
    let key = keys::arn(&row.sealing).unwrap_or_default().to_owned();
    ctx.note(
        "database",
        &[
            ("database", &arn),
            ("state", word(row.state)),
            ("key", &key),
        ],
    );
}

/// The database or cluster that a request names, with its key looked at.
///
/// # Errors
/// DBInstanceNotFound, DBClusterNotFoundFault.
pub fn find(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<DatabaseRow, Error> {
    let row = names::stored(ctx, family, id)?;
    Ok(look_after(ctx, row))
}

/// The same, which must run.
///
/// # Errors
/// KMSKeyNotAccessibleFault (EBS-043), InvalidDBInstanceState, InvalidDBClusterStateFault.
pub fn running(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<DatabaseRow, Error> {
    let row = find(ctx, family, id)?;
    match row.state {
        State::Available => Ok(row),
        State::Recoverable(_) | State::Inaccessible => {
            let key = keys::arn(&row.sealing).unwrap_or_default();
            Err(Error::Key(key.to_owned()))
        }
        other => Err(Error::State(family, not_in(&row, other))),
    }
}

fn not_in(row: &DatabaseRow, state: State) -> String {
    let what = match row.family {
        Family::Instance => "DB instance",
        Family::Cluster => "DB cluster",
        Family::Warehouse => "Cluster",
    };
    format!(
        "{what} {} is not in available state; its state is {}.",
        row.name,
        word(state)
    )
}

/// Stops a database; it starts by itself after a week.
///
/// # Errors
/// As [`running`]; EBS-044.
pub fn stop(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<DatabaseRow, Refusal> {
    let mut row = running(ctx, family, id)?;
    if row.cluster.is_some() {
        let text = "An instance of a cluster stops with its cluster";
        return Err(Error::State(family, text.to_owned()).into());
    }
    if row.global.is_some() {
        let text = format!("DB cluster {} is part of a global cluster", row.name);
        return Err(Error::State(family, text).into());
    }
    let until = ctx.elapsed().0.saturating_add(WEEK);
    row.state = State::Stopped(until);
    row.host = None;
    wake(ctx, &row, Elapsed(until), "week");
    names::save(ctx, &row);
    noted(ctx, &row);
    Ok(row)
}

/// Starts a database that was stopped, or whose key is usable again (EBS-043).
///
/// # Errors
/// KMSKeyNotAccessibleFault; InvalidDBInstanceState, InvalidDBClusterStateFault.
pub fn start(ctx: &mut Ctx<'_>, family: Family, id: Option<&str>) -> Result<DatabaseRow, Refusal> {
    let row = names::stored(ctx, family, id)?;
    match row.state {
        State::Stopped(_) | State::Recoverable(_) => come_up(ctx, row),
        State::Inaccessible => {
            let key = keys::arn(&row.sealing).unwrap_or_default();
            Err(Error::Key(key.to_owned()).into())
        }
        other => {
            let text = format!("{} is {}, not stopped", row.name, word(other));
            Err(Error::State(family, text).into())
        }
    }
}

fn come_up(ctx: &mut Ctx<'_>, mut row: DatabaseRow) -> Result<DatabaseRow, Refusal> {
    let name = keys::arn(&row.sealing).unwrap_or_default().to_owned();
    let opened = keys::open(ctx, &row.sealing);
    let key = opened.map_err(|refusal| super::error::told(refusal, Error::Key(name)))?;
    host(ctx, &mut row, key.as_ref());
    row.state = State::Starting;
    let at = ctx.elapsed().plus_micros(START);
    wake(ctx, &row, at, "ready");
    names::save(ctx, &row);
    noted(ctx, &row);
    Ok(row)
}

/// What was being made or started is there.
pub(super) fn ready(ctx: &mut Ctx<'_>, address: &Address) {
    let Some(mut row) = at(ctx, address) else {
        return;
    };
    if matches!(row.state, State::Creating | State::Starting) {
        row.state = State::Available;
        names::save(ctx, &row);
        noted(ctx, &row);
    }
}

/// A week has passed since it was stopped, or since its key was shut.
pub(super) fn week(ctx: &mut Ctx<'_>, address: &Address) {
    let now = ctx.elapsed().0;
    let Some(mut row) = at(ctx, address) else {
        return;
    };
    let is_shut = match row.state {
        State::Recoverable(until) => until <= now,
        State::Stopped(until) => until <= now && come_up(ctx, row.clone()).is_err(),
        _ => false,
    };
    if is_shut {
        row.state = State::Inaccessible;
        names::save(ctx, &row);
        noted(ctx, &row);
    }
}
