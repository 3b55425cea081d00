//! What EBS tells of itself: EventBridge's notifications, and the owner's trail.
//!
//! The notifications are rows that `look.ec2_events` shows; the causes are KMS's own words, which
//! are those of EBS (`ARN is disabled.`, EBS-006, EBS-007). What another account does with a
//! shared snapshot stands in its owner's trail (EBS-034).

use faultline_proto::names::AccountId;
use serde_json::{Value, json};

use super::ids::{self, Kind};
use super::keyspaces::{EventRow, Events, Makings, SnapshotRow, SnapshotState, Snapshots};
use crate::audit::{self, OwnDeed};
use crate::context::Ctx;
use crate::store::Range;

/// Events are kept for a day.
const KEPT: u64 = 24 * 3_600_000_000;

/// What KMS says more than EBS does.
const BOTH: &str = " (or pending replica deletion)";

/// An event to be told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Account that gets it.
    pub account: &'a AccountId,
    /// `attachVolume`
    pub event: &'a str,
    /// `failed`
    pub result: &'a str,
    /// Why.
    pub cause: &'a str,
    /// What it is about.
    pub resource: &'a str,
    /// What that was made of; may be empty.
    pub source: &'a str,
}

/// Tells EventBridge; a refusal of the call keeps it.
pub fn tell(ctx: &mut Ctx<'_>, told: Told<'_>) {
    let now = ctx.elapsed().0;
    while let Some((key, _)) = ctx.first(Range::<Events>::all()) {
        if key.0.saturating_add(KEPT) > now {
            break;
        }
        ctx.delete::<Events>(&key);
    }
    let row = EventRow {
        account: told.account.clone(),
        event: told.event.to_owned(),
        result: told.result.to_owned(),
        cause: told.cause.replace(BOTH, ""),
        resource: told.resource.to_owned(),
        source: told.source.to_owned(),
        at: ctx.now().millis(),
    };
    let key = (now, told.resource.to_owned(), told.event.to_owned());
    ctx.put_kept::<Events>(&key, &row);
    ctx.note(
        "ebs_event",
        &[
            ("event", told.event),
            ("result", told.result),
            ("cause", &row.cause),
            ("resource", told.resource),
            ("source", told.source),
        ],
    );
}

/// A snapshot is complete, or failed.
pub fn snapshot_settled(ctx: &mut Ctx<'_>, id: &str, row: &SnapshotRow) {
    let (event, source) = match &row.copied_from {
        None => ("createSnapshot", row.volume.clone()),
        Some((region, source)) => (
            "copySnapshot",
            format!("arn:aws:ec2::{region}:snapshot/{source}"),
        ),
    };
    let result = match row.state {
        SnapshotState::Completed => "succeeded",
        SnapshotState::Error => "failed",
        SnapshotState::Pending => return,
    };
    let told = Told {
        account: &row.owner,
        event,
        result,
        cause: row.message.as_deref().unwrap_or_default(),
        resource: id,
        source: &source,
    };
    tell(ctx, told);
    let minutes = ctx.get::<Makings>(id).and_then(|making| making.minutes);
    let late = minutes
        .and_then(|minutes| u64::try_from(minutes).ok())
        .is_some_and(|minutes| ctx.elapsed().0 > row.span.0 + minutes * 60_000_000);
    if late && row.state == SnapshotState::Completed {
        // EBS-026
        let event = "copyMissedCompletionDuration";
        tell(
            ctx,
            Told {
                event,
                result: "missed",
                ..told
            },
        );
    }
}

/// The owner's trail of a shared snapshot, when somebody else uses it (EBS-034).
fn owner_told(ctx: &mut Ctx<'_>, id: &str, name: &str) {
    let account = ctx.account();
    let Some(row) = ctx.get::<Snapshots>(id).filter(|row| row.owner != account) else {
        return;
    };
    let resource = ids::arn(ctx, Kind::Snapshot, id);
    let deed = OwnDeed {
        service: "ec2",
        name,
        account: &row.owner,
        resource,
        elements: None,
        details: Some(json!({ "snapshotId": id, "byAccount": account.as_str() })),
    };
    audit::of_itself(ctx, deed);
}

/// Another account copies it.
pub fn shared_copy(ctx: &mut Ctx<'_>, id: &str) {
    owner_told(ctx, id, "SharedSnapshotCopyInitiated");
}

/// Another account makes a volume of it.
pub fn shared_volume(ctx: &mut Ctx<'_>, id: &str) {
    owner_told(ctx, id, "SharedSnapshotVolumeCreated");
}

/// What was told, oldest first; `account` chooses.
pub(super) fn seen(ctx: &mut Ctx<'_>, account: Option<&str>) -> Value {
    let rows = ctx.all(Range::<Events>::all());
    let events: Vec<Value> = rows
        .into_iter()
        .filter(|(_, row)| account.is_none_or(|account| account == row.account.as_str()))
        .map(|(_, row)| {
            json!({
                "account": row.account.as_str(),
                "event": row.event,
                "result": row.result,
                "cause": row.cause,
                "resource": row.resource,
                "source": row.source,
                "time": row.at,
            })
        })
        .collect();
    json!({ "events": events })
}
