//! CopySnapshot: called where the copy is to be (EBS-019).
//!
//! ```text
//!   call --> the source is seen? --> snapshot id, pending --> EBS works on the caller's behalf
//!            here, or asked of its Region                     here ([`works`]), or block by
//!                                                             block over the link ([`pull`])
//!                                                             --> completed | error (EBS-025)
//! ```
//!
//! A copy takes as long as its blocks take: 1 ms each here, the link's bandwidth from elsewhere.
//! A completion duration (EBS-026) changes nothing but what is told when it was missed.
//! [`targets`](super::targets) says which blocks need not move (EBS-022).

use faultline_proto::ec2::{CopySnapshotRequest, CopySnapshotResponse};
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::ids::Kind;
use super::keys::DEFAULT_KEY;
use super::keyspaces::{
    MakingRow, Makings, Origin, Sealing, SnapshotRow, SnapshotState, Snapshots, Tags,
};
use super::{events, pull, select, settings, snapshots, targets, tiers};
use crate::caller::CallerRow;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// Copies under way at one time, an account and destination Region (EBS-023).
const MOST: usize = 20;
/// Microseconds until EBS begins to work.
const START: u64 = 1_000_000;
/// What a failed copy says (EBS-025).
const REFUSED: &str = "Given key ID is not accessible";
/// VolumeId of every copy (EBS-024).
const NO_VOLUME: &str = "vol-ffffffff";

/// What is known of a source before it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Meta {
    /// GiB.
    pub size: i32,
    /// Bytes of content.
    pub length: u64,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Where its content comes from.
    pub origin: Origin,
}

/// What the caller wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wanted {
    /// Region of the source.
    pub from: RegionName,
    /// The source.
    pub snapshot: String,
    /// Key, when given.
    pub key: Option<String>,
    /// Whether it is to be encrypted, when said.
    pub encrypted: Option<bool>,
    /// Free text.
    pub description: String,
    /// Tags of the copy; those of the source stay behind (EBS-024).
    pub tags: Tags,
    /// Image whose copy needs it.
    pub for_image: Option<String>,
    /// Minutes in which it is to be complete (EBS-026).
    pub minutes: Option<i32>,
}

/// A copy that EBS works at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The new snapshot.
    pub target: String,
    /// The source.
    pub snapshot: String,
    /// Its Region.
    pub from: RegionName,
    /// Key of the copy.
    pub key: Option<String>,
}

/// Takes the name of a Region of this world.
///
/// # Errors
/// InvalidParameterValue.
pub fn region(ctx: &Ctx<'_>, name: Option<&str>) -> Result<RegionName, Error> {
    let name = name.unwrap_or_default();
    let found = ctx
        .core
        .regions
        .iter()
        .find(|region| region.as_str() == name);
    found
        .cloned()
        .ok_or_else(|| Error::InvalidValue(format!("Invalid source region: {name}")))
}

/// A source as the caller may see it here.
///
/// # Errors
/// EBS-035; IncorrectState unless it is completed (EBS-017).
pub fn meta(ctx: &mut Ctx<'_>, id: &str) -> Result<Meta, Error> {
    let row = snapshots::visible(ctx, id)?;
    match row.state {
        SnapshotState::Completed => {
            tiers::check(ctx, id)?;
            Ok(of(ctx, id, &row))
        }
        state => {
            let text = format!(
                "Snapshot {id} is in invalid state - {}",
                snapshots::word(state)
            );
            Err(Error::IncorrectState(text))
        }
    }
}

/// What is known of a snapshot before it is read.
pub fn of(ctx: &mut Ctx<'_>, id: &str, row: &SnapshotRow) -> Meta {
    let making = ctx.get::<Makings>(id);
    Meta {
        size: row.size,
        length: row.length,
        encrypted: row.encrypted,
        origin: making.map_or_else(
            || Origin {
                region: ctx.region().clone(),
                volume: row.volume.clone(),
            },
            |making| making.origin,
        ),
    }
}

/// The source's side: what it is, for whom its Region lets see it.
///
/// # Errors
/// As [`meta`].
pub(super) fn source(ctx: &mut Ctx<'_>, id: &str) -> Result<Meta, Error> {
    let meta = meta(ctx, id)?;
    events::shared_copy(ctx, id);
    Ok(meta)
}

/// EBS-026: a quarter of an hour, or several, up to two days.
fn check_minutes(minutes: Option<i32>) -> Result<(), Error> {
    match minutes {
        Some(minutes) if minutes % 15 != 0 || !(15..=2880).contains(&minutes) => {
            Err(Error::InvalidValue(format!(
                "Value ({minutes}) for parameter completionDurationMinutes is invalid. Specify a value in 15 minute increments between 15 and 2880."
            )))
        }
        _ => Ok(()),
    }
}

/// CopySnapshot.
pub(super) fn copy(
    ctx: &mut Ctx<'_>,
    request: CopySnapshotRequest,
) -> Result<Progress<CopySnapshotResponse>, Refusal> {
    let id = request.source_snapshot_id.unwrap_or_default();
    Kind::Snapshot.check(&id)?;
    if request
        .destination_region
        .is_some_and(|name| name != ctx.region().as_str())
    {
        let text = "A snapshot is copied by the Region that is to hold the copy".to_owned();
        return Err(Error::InvalidValue(text).into());
    }
    if request.encrypted == Some(false) {
        let text = "Value (false) for parameter encrypted is invalid: omit it, or set it to true"
            .to_owned();
        return Err(Error::InvalidValue(text).into());
    }
    check_minutes(request.completion_duration_minutes)?;
    let wanted = Wanted {
        from: region(ctx, request.source_region.as_deref())?,
        snapshot: id,
        key: request.kms_key_id,
        encrypted: request.encrypted,
        description: request.description.unwrap_or_default(),
        tags: select::tags_for(&request.tag_specifications, "snapshot"),
        for_image: None,
        minutes: request.completion_duration_minutes,
    };
    let account = ctx.account();
    let busy = ctx
        .all(Range::<Snapshots>::all())
        .into_iter()
        .filter(|(_, row)| {
            row.copied_from.is_some() && row.state == SnapshotState::Pending && row.owner == account
        });
    if busy.count() >= MOST {
        return Err(Error::TooManyCopies(MOST).into());
    }
    if wanted.from == *ctx.region() {
        let meta = source(ctx, &wanted.snapshot)?;
        return Ok(Progress::Done(accepted(ctx, wanted, &meta)));
    }
    ctx.ask(&wanted.from.clone(), "source", encode(&wanted.snapshot));
    Ok(Progress::Open(Saga {
        kind: "copy-snapshot",
        state: encode(&wanted),
    }))
}

/// The source's Region has answered the call.
pub(super) fn answered(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let wanted: Wanted = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::internal("the source Region does not answer").with_status(503));
    };
    let meta: Meta = decode(outcome?)?;
    let answer = accepted(ctx, wanted, &meta);
    Ok(Progress::Done(prost::Message::encode_to_vec(&answer)))
}

fn accepted(ctx: &mut Ctx<'_>, wanted: Wanted, meta: &Meta) -> CopySnapshotResponse {
    let tags = select::tag_list(&wanted.tags);
    CopySnapshotResponse {
        tags,
        snapshot_id: Some(begin(ctx, wanted, meta)),
    }
}

/// Key of a copy (EBS-020).
fn key_of(ctx: &mut Ctx<'_>, wanted: &Wanted, meta: &Meta) -> Option<String> {
    if let Some(key) = &wanted.key {
        return Some(key.clone());
    }
    match (settings::is_on(ctx), meta.encrypted) {
        (true, _) => Some(settings::default_key(ctx)),
        // Even where the account has chosen another default.
        (false, true) => Some(DEFAULT_KEY.to_owned()),
        (false, false) => (wanted.encrypted == Some(true)).then(|| settings::default_key(ctx)),
    }
}

/// Makes the new snapshot, pending, and lets EBS begin.
pub fn begin(ctx: &mut Ctx<'_>, wanted: Wanted, meta: &Meta) -> String {
    let key = key_of(ctx, &wanted, meta);
    let target = Kind::Snapshot.new_id(ctx);
    let row = SnapshotRow {
        description: wanted.description,
        encrypted: key.is_some(),
        key: key.clone(),
        tags: wanted.tags,
        copied_from: Some((wanted.from.clone(), wanted.snapshot.clone())),
        for_image: wanted.for_image,
        ..snapshots::blank(ctx, NO_VOLUME, meta.size, meta.length, 0)
    };
    let making = MakingRow {
        origin: meta.origin.clone(),
        base: None,
        moved: 0,
        total: None,
        minutes: wanted.minutes,
    };
    ctx.put::<Makings>(target.as_str(), &making);
    ctx.put::<Snapshots>(target.as_str(), &row);
    let task = Task {
        target: target.clone(),
        snapshot: wanted.snapshot,
        from: wanted.from,
        key,
    };
    if task.from == *ctx.region() {
        let who = CallerRow::of(&ctx.caller());
        let at = ctx.elapsed().plus_micros(START);
        ctx.schedule("ec2", at, "copy", encode(&(who, task)));
    } else {
        pull::begin(ctx, task);
    }
    target
}

/// The copy is made, or is refused and says so with AWS's one sentence.
pub fn finish(ctx: &mut Ctx<'_>, target: &str, outcome: Result<Option<Sealing>, Refusal>) {
    let Some(mut row) = ctx.get::<Snapshots>(target) else {
        // Deleted meanwhile: nobody wants its blocks.
        return super::blocks::release(ctx, target);
    };
    match outcome {
        Ok(sealing) => {
            row.key = sealing.as_ref().map(|sealing| sealing.key.clone());
            row.sealing = sealing;
            targets::remember(ctx, target, &row);
            let at = row.span.1.max(ctx.elapsed().0);
            ctx.put::<Snapshots>(target, &row);
            let id = target.to_owned();
            ctx.schedule(
                "ec2",
                faultline_proto::names::Elapsed(at),
                "snapshot",
                encode(&id),
            );
        }
        Err(refusal) => {
            ctx.note(
                "copy_refused",
                &[
                    ("service", "ec2"),
                    ("snapshot", target),
                    ("why", &refusal.to_string()),
                ],
            );
            snapshots::fail(ctx, target, REFUSED);
        }
    }
}
