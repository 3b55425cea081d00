//! Expiry of items (DDB-019, DDB-020): UpdateTimeToLive, DescribeTimeToLive, and the deletions.
//!
//! AWS scans in the background and deletes an expired item within a few days; until then reads
//! answer it. Here each write of an item that expires sets a timer for a moment after that, so
//! nothing is scanned and an idle hour costs nothing. The Region that wrote the item deletes it,
//! and the deletion is replicated like any other; the other Regions come two days later, in case
//! it could not.

use faultline_proto::dynamodb::{
    DescribeTimeToLiveRequest, DescribeTimeToLiveResponse, TimeToLiveDescription,
    UpdateTimeToLiveRequest, UpdateTimeToLiveResponse,
};
use faultline_proto::names::Elapsed;
use faultline_proto::progress::Progress;
use serde::{Deserialize, Serialize};

use super::encryption;
use super::error::DynamoError;
use super::group_settings;
use super::keyspaces::{Extras, ExtrasRow, Items, TableRow, Ttl, TtlStatus, Version};
use super::names::TableName;
use super::shelf::{Cause, Place, Shelf};
use super::tables::{self, TableTimer};
use super::value::{Item, Value};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// How long after its moment an item is deleted, microseconds: "typically within a few days".
const LAG: (u64, u64) = (60_000_000, 48 * 3600 * 1_000_000);
/// How much later the Regions come that did not write the item.
const OTHERS: u64 = 48 * 3600 * 1_000_000;
/// How long ENABLING and DISABLING take, microseconds.
const CHANGED_IN: (u64, u64) = (20_000_000, 120_000_000);
/// How often the setting may change, microseconds.
const PAUSE: u64 = 3600 * 1_000_000;
/// Items that expired longer ago than this stay, seconds: AWS takes them for a mistake.
const FORGOTTEN: u64 = 5 * 365 * 24 * 3600;
/// Items looked at in one portion.
const PORTION: usize = 256;

/// The payload of an item's timer.
#[derive(Debug, Serialize, Deserialize)]
struct Expiry {
    table: TableTimer,
    row: Vec<u8>,
}

/// The payload of the walk over what a table had before.
#[derive(Debug, Serialize, Deserialize)]
struct Walk {
    table: TableTimer,
    after: Option<Vec<u8>>,
}

impl TtlStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Enabling => "ENABLING",
            Self::Enabled => "ENABLED",
            Self::Disabling => "DISABLING",
            Self::Disabled => "DISABLED",
        }
    }

    fn is_on(self) -> bool {
        match self {
            Self::Enabling | Self::Enabled => true,
            Self::Disabling | Self::Disabled => false,
        }
    }
}

/// Switches expiry on or off.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateTimeToLiveRequest,
) -> Result<Progress<UpdateTimeToLiveResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let row = tables::row_of(ctx, &name)
        .filter(|row| row.status.is_open())
        .ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    let spec = request
        .time_to_live_specification
        .clone()
        .unwrap_or_default();
    let (on, attribute) = (
        spec.enabled.unwrap_or_default(),
        spec.attribute_name.clone().unwrap_or_default(),
    );
    let mut extras = ctx.get::<Extras>(row.id.as_str()).unwrap_or_default();
    let elapsed = ctx.elapsed().0;
    let is_on = extras.ttl.as_ref().is_some_and(|ttl| ttl.status.is_on());
    if let Some(ttl) = &extras.ttl {
        if elapsed - ttl.changed < PAUSE && is_on != on {
            return Err(DynamoError::validation(
                "Time to live has been modified multiple times within a fixed interval",
            )
            .into());
        }
        if is_on && ttl.attribute != attribute {
            return Err(DynamoError::Validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                ttl.attribute
            ))
            .into());
        }
    }
    if is_on == on {
        let state = if on { "enabled" } else { "disabled" };
        return Err(DynamoError::Validation(format!("TimeToLive is already {state}")).into());
    }
    set(ctx, &name, &row, &mut extras, attribute, on);
    group_settings::tell(ctx, &name, &row, &extras);
    Ok(Progress::Done(UpdateTimeToLiveResponse {
        time_to_live_specification: request.time_to_live_specification,
    }))
}

/// Begins a change, here or as another member says.
pub(crate) fn set(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    extras: &mut ExtrasRow,
    attribute: String,
    on: bool,
) {
    let status = if on {
        TtlStatus::Enabling
    } else {
        TtlStatus::Disabling
    };
    extras.ttl = Some(Ttl {
        attribute,
        status,
        changed: ctx.elapsed().0,
    });
    ctx.put::<Extras>(row.id.as_str(), extras);
    tables::wake(ctx, "ttl_changed", name, row, CHANGED_IN);
}

/// A change is done; items that were there before get their moments.
pub(super) fn changed(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    let Some((_, row)) = timer.found(ctx) else {
        return;
    };
    let Some(mut extras) = ctx.get::<Extras>(row.id.as_str()) else {
        return;
    };
    let Some(ttl) = &mut extras.ttl else {
        return;
    };
    ttl.status = match ttl.status {
        TtlStatus::Enabling | TtlStatus::Enabled => TtlStatus::Enabled,
        TtlStatus::Disabling | TtlStatus::Disabled => TtlStatus::Disabled,
    };
    let on = ttl.status.is_on();
    ctx.put::<Extras>(row.id.as_str(), &extras);
    if on {
        let walk = Walk {
            table: timer.clone(),
            after: None,
        };
        ctx.schedule("dynamodb", ctx.elapsed(), "ttl_walk", encode(&walk));
    }
}

/// Looks at the next portion of what was there before.
pub(super) fn walk(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(mut walk) = decode::<Walk>(payload) else {
        return;
    };
    let Some((name, row)) = walk.table.found(ctx) else {
        return;
    };
    let Some(extras) = ctx.get::<Extras>(row.id.as_str()) else {
        return;
    };
    let Ok(key) = encryption::key_for_replication(ctx, &name, &row) else {
        let at = encryption::try_again(ctx);
        ctx.schedule("dynamodb", at, "ttl_walk", payload.to_vec());
        return;
    };
    let shelf = Shelf::with(name, row.into(), key);
    let range = Range::<Items>::under((shelf.table.id.as_str(),));
    let range = match &walk.after {
        Some(after) => range.after((shelf.table.id.as_str(), after.as_slice())),
        None => range,
    };
    let portion = ctx.page(range, PORTION);
    for ((_, place), item) in portion.iter().filter(|(_, item)| !item.deleted) {
        if let Ok(content) = shelf.opened(place, item) {
            later(ctx, &shelf, &extras, place, &item.version, &content);
        }
    }
    if let Some(((_, last), _)) = portion.last().filter(|_| portion.len() == PORTION) {
        walk.after = Some(last.clone());
        let at = ctx.elapsed().plus_micros(20_000);
        ctx.schedule("dynamodb", at, "ttl_walk", encode(&walk));
    }
}

/// When an item expires, seconds since 1970.
fn moment(extras: &ExtrasRow, item: &Item) -> Option<u64> {
    let ttl = extras.ttl.as_ref().filter(|ttl| ttl.status.is_on())?;
    match item.get(&ttl.attribute) {
        Some(Value::N(number)) => number.to_string().parse::<f64>().ok().and_then(|seconds| {
            // What is beyond any clock never comes.
            (seconds > 0.0 && seconds < 1e12).then_some(seconds as u64)
        }),
        _ => None,
    }
}

/// Sets the timer of an item that was written.
pub(crate) fn plan(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    extras: &ExtrasRow,
    place: &Place,
    version: &Version,
    new: Option<&Item>,
) {
    if let Some(item) = new {
        later(ctx, shelf, extras, place.row(), version, item);
    }
}

fn later(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    extras: &ExtrasRow,
    row: &[u8],
    version: &Version,
    item: &Item,
) {
    let Some(moment) = moment(extras, item) else {
        return;
    };
    let now = u64::try_from(ctx.now().0).unwrap_or_default();
    let rest = (moment * 1_000_000).saturating_sub(now);
    let (from, to) = LAG;
    let mut lag = from + ctx.entropy().below("dynamodb.ttl-lag", to - from);
    if version.writer != *ctx.region() {
        lag += OTHERS;
    }
    let at = Elapsed(ctx.elapsed().0 + rest + lag);
    let expiry = Expiry {
        table: TableTimer::of(&shelf.name, &shelf.table),
        row: row.to_vec(),
    };
    ctx.schedule("dynamodb", at, "expire", encode(&expiry));
}

/// An item's moment has come: it is deleted if it still says so (DDB-020).
pub(super) fn expire(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(expiry) = decode::<Expiry>(payload) else {
        return;
    };
    let Some((name, table)) = expiry.table.found(ctx) else {
        return;
    };
    let Some(found) = ctx
        .get::<Items>((table.id.as_str(), expiry.row.as_slice()))
        .filter(|found| !found.deleted)
    else {
        return;
    };
    let Some(extras) = ctx.get::<Extras>(table.id.as_str()) else {
        return;
    };
    let key = encryption::key_for_replication(ctx, &name, &table).ok();
    // DDB-064: deletions go on for half an hour after the key was lost.
    let Some(key) = key.or_else(|| encryption::key_until_lately(ctx, &table)) else {
        let at = encryption::try_again(ctx);
        ctx.schedule("dynamodb", at, "expire", payload.to_vec());
        return;
    };
    let shelf = Shelf::with(name, table.into(), key);
    let Ok(item) = shelf.opened(&expiry.row, &found) else {
        return;
    };
    let now = u64::try_from(ctx.now().0).unwrap_or_default() / 1_000_000;
    let over = moment(&extras, &item).is_some_and(|at| at <= now && now - at < FORGOTTEN);
    let Ok(key) = shelf.table.schema.key_of(&item) else {
        return;
    };
    if let (true, Ok(place)) = (over, shelf.find(ctx, key)) {
        shelf.write(ctx, &place, None, Cause::Expiry);
    }
}

/// Tells which attribute says when an item expires.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeTimeToLiveRequest,
) -> Result<Progress<DescribeTimeToLiveResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let row = tables::row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    let ttl = ctx
        .get::<Extras>(row.id.as_str())
        .and_then(|extras| extras.ttl);
    let status = ttl.as_ref().map_or(TtlStatus::Disabled, |ttl| ttl.status);
    let shown = status != TtlStatus::Disabled;
    Ok(Progress::Done(DescribeTimeToLiveResponse {
        time_to_live_description: Some(TimeToLiveDescription {
            time_to_live_status: Some(status.text().to_owned()),
            attribute_name: ttl.filter(|_| shown).map(|ttl| ttl.attribute),
        }),
    }))
}
