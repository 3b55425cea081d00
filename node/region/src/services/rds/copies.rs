//! CopyDBSnapshot and CopyDBClusterSnapshot: called where the copy is to be.
//!
//! ```text
//!   call --> the source is seen, its key read by a grant   (here, or asked of its Region: EBS-048)
//!        --> a data key of its own under the new key       --> copying --> available
//! ```
//!
//! Keys are looked at in the call, as RDS does: what EC2 tells later, RDS refuses at once. Every
//! copy is full (EBS-050). A copy from another Region waits for those before it of the same source
//! Region (LAT-010).

use std::collections::BTreeMap;

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::rds::{
    CopyDbClusterSnapshotRequest, CopyDbClusterSnapshotResponse, CopyDbSnapshotRequest,
    CopyDbSnapshotResponse, Tag,
};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keys::{self, Wanted};
use super::keyspaces::{Family, Sealing, SnapshotRow, SnapshotState, Snapshots};
use super::names::{self, Named};
use super::{cells, pull, shows, snapshots};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;
use crate::vault::SecretKey;

/// Copies under way at one time, an account and destination Region (EBS-050).
const MOST: usize = 5;
/// Microseconds of a copy within the Region, and for each GiB.
const HERE: (u64, u64) = (120_000_000, 1_000_000);
/// Microseconds of a copy from another Region, and for each GiB.
const ACROSS: (u64, u64) = (300_000_000, 10_000_000);

/// What the caller wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copy {
    /// What is copied.
    pub family: Family,
    /// Name or ARN of the source.
    pub source: String,
    /// Name of the copy.
    pub target: String,
    /// Key, when given.
    pub key: Option<String>,
    /// Tags of the copy.
    pub tags: BTreeMap<String, String>,
    /// Whether the source's tags go along.
    pub copy_tags: bool,
}

/// A source that another Region has opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Opened {
    /// The source.
    pub row: SnapshotRow,
    /// Name of the read there.
    pub read: String,
}

struct Asked {
    source: Option<String>,
    target: Option<String>,
    key: Option<String>,
    tags: Vec<Tag>,
    copy_tags: Option<bool>,
    source_region: Option<String>,
}

/// CopyDBSnapshot.
pub(super) fn copy_snapshot(
    ctx: &mut Ctx<'_>,
    request: CopyDbSnapshotRequest,
) -> Result<Progress<CopyDbSnapshotResponse>, Refusal> {
    let asked = Asked {
        source: request.source_db_snapshot_identifier,
        target: request.target_db_snapshot_identifier,
        key: request.kms_key_id,
        tags: request.tags,
        copy_tags: request.copy_tags,
        source_region: request.source_region,
    };
    Ok(match copy(ctx, Family::Instance, asked)? {
        Progress::Done(row) => Progress::Done(CopyDbSnapshotResponse {
            db_snapshot: Some(shows::snapshot(ctx, &row)),
        }),
        Progress::Open(saga) => Progress::Open(saga),
    })
}

/// CopyDBClusterSnapshot.
pub(super) fn copy_cluster_snapshot(
    ctx: &mut Ctx<'_>,
    request: CopyDbClusterSnapshotRequest,
) -> Result<Progress<CopyDbClusterSnapshotResponse>, Refusal> {
    let asked = Asked {
        source: request.source_db_cluster_snapshot_identifier,
        target: request.target_db_cluster_snapshot_identifier,
        key: request.kms_key_id,
        tags: request.tags,
        copy_tags: request.copy_tags,
        source_region: request.source_region,
    };
    Ok(match copy(ctx, Family::Cluster, asked)? {
        Progress::Done(row) => Progress::Done(CopyDbClusterSnapshotResponse {
            db_cluster_snapshot: Some(shows::cluster_snapshot(ctx, &row)),
        }),
        Progress::Open(saga) => Progress::Open(saga),
    })
}

fn copy(ctx: &mut Ctx<'_>, family: Family, asked: Asked) -> Result<Progress<SnapshotRow>, Refusal> {
    let target = snapshots::free(ctx, family, asked.target.as_deref())?;
    let wanted = Copy {
        family,
        source: asked.source.unwrap_or_default(),
        target,
        key: asked.key,
        tags: names::tags(&asked.tags),
        copy_tags: asked.copy_tags.unwrap_or_default(),
    };
    let source = names::named(ctx, family.snapshot(), Some(&wanted.source));
    if let Some(region) = asked.source_region
        && region != source.region.as_str()
    {
        let text = format!("The source is not in {region}: name it by its ARN");
        return Err(Error::value(text).into());
    }
    room(ctx)?;
    if source.region == *ctx.region() {
        return here(ctx, wanted).map(Progress::Done);
    }
    across(ctx, &source, &wanted)?;
    Ok(Progress::Open(Saga {
        kind: "copy",
        state: encode(&wanted),
    }))
}

fn under_way(ctx: &mut Ctx<'_>) -> Vec<SnapshotRow> {
    let account = ctx.account();
    let all = ctx.all(Range::<Snapshots>::under((&account,)));
    all.into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.state == SnapshotState::Copying)
        .collect()
}

fn room(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if under_way(ctx).len() < MOST {
        Ok(())
    } else {
        Err(Error::TooManyCopies(MOST))
    }
}

/// What the copy is to be encrypted with.
fn rules(wanted: &Copy, row: &SnapshotRow, shared: bool, across: bool) -> Result<Wanted, Error> {
    match (&row.sealing, &wanted.key) {
        // EBS-049.
        (Sealing::Clear, Some(_)) if wanted.family == Family::Cluster => Err(Error::Combination(
            "KmsKeyId cannot be specified when copying an unencrypted DB cluster snapshot"
                .to_owned(),
        )),
        (_, Some(key)) => Ok(Wanted::Key(key.clone())),
        (Sealing::Clear, None) => Ok(Wanted::Clear),
        // EBS-048.
        (_, None) if shared => Err(Error::NewKeyShared),
        (Sealing::Kms { .. }, None) if across => Err(Error::NewKeyAcross),
        (Sealing::Kms { key, .. }, None) => Ok(Wanted::Key(key.clone())),
        (Sealing::Owned { .. }, None) => Ok(Wanted::Owned),
    }
}

fn here(ctx: &mut Ctx<'_>, wanted: Copy) -> Result<SnapshotRow, Refusal> {
    let source = snapshots::usable(ctx, wanted.family, Some(&wanted.source))?;
    let shared = source.account != ctx.account();
    let under = rules(&wanted, &source, shared, false)?;
    let (old, reading) = keys::read(ctx, &source.sealing)?;
    let arn = names::snapshot_arn(ctx, &source);
    let (mut row, new) = target(ctx, wanted, &source, &under, arn)?;
    let began = ctx.elapsed().0;
    row.span = (began, began + HERE.0 + snapshots::size(row.gib) * HERE.1);
    row.is_filled = true;
    let from = (source.holder.as_str(), old.as_ref());
    cells::reseal(ctx, from, (&row.holder, new.as_ref()))?;
    if let Some(grant) = reading {
        keys::retire(ctx, keys::RDS, &grant);
    }
    snapshots::begin(ctx, &row);
    Ok(row)
}

/// The new snapshot, without rows.
fn target(
    ctx: &mut Ctx<'_>,
    wanted: Copy,
    source: &SnapshotRow,
    under: &Wanted,
    arn: String,
) -> Result<(SnapshotRow, Option<SecretKey>), Refusal> {
    let made = keys::make(ctx, under, &source.resource)?;
    if let Some(grant) = made.grant {
        // A snapshot needs no grant until it is read.
        keys::retire(ctx, keys::RDS, &grant);
    }
    let mut tags = wanted.tags;
    if wanted.copy_tags {
        for (key, value) in &source.tags {
            tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let row = SnapshotRow {
        account: ctx.account(),
        name: wanted.target,
        holder: snapshots::holder(ctx),
        created: ctx.now().millis(),
        state: SnapshotState::Copying,
        is_filled: false,
        sealing: made.sealing,
        copied_from: Some(arn),
        kind: "manual".to_owned(),
        shared_with: std::collections::BTreeSet::new(),
        public: false,
        tags,
        ..source.clone()
    };
    Ok((row, made.key))
}

fn across(ctx: &mut Ctx<'_>, source: &Named, wanted: &Copy) -> Result<(), Refusal> {
    let region = ctx.core.regions.iter().find(|one| **one == source.region);
    let Some(region) = region.cloned() else {
        let text = format!("Invalid source region: {}", source.region);
        return Err(Error::value(text).into());
    };
    ctx.ask(&region, "open", encode(wanted));
    Ok(())
}

/// The source's side: sees it, reads its key by a grant, and holds its rows fast.
pub(super) fn open(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let wanted: Copy = decode(body)?;
    let row = snapshots::usable(ctx, wanted.family, Some(&wanted.source))?;
    let shared = row.account != ctx.account();
    rules(&wanted, &row, shared, true)?;
    let read = pull::begin_read(ctx, &row)?;
    Ok(encode(&Opened { row, read }))
}

/// The source's Region has answered the call.
pub(super) fn answered(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let wanted: Copy = decode(state)?;
    let family = wanted.family;
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::internal("the source Region does not answer").with_status(503));
    };
    let opened: Opened = decode(outcome?)?;
    let source = names::named(ctx, family.snapshot(), Some(&wanted.source));
    // Nobody may have taken the name while the other Region was asked.
    let went = snapshots::free(ctx, family, Some(&wanted.target))
        .map_err(Refusal::from)
        .and_then(|_| begin(ctx, wanted, &opened, &source));
    let row = went.inspect_err(|_| pull::abandon(ctx, &source.region, &opened.read))?;
    let answer = match family {
        Family::Instance => prost::Message::encode_to_vec(&CopyDbSnapshotResponse {
            db_snapshot: Some(shows::snapshot(ctx, &row)),
        }),
        Family::Cluster | Family::Warehouse => {
            prost::Message::encode_to_vec(&CopyDbClusterSnapshotResponse {
                db_cluster_snapshot: Some(shows::cluster_snapshot(ctx, &row)),
            })
        }
    };
    Ok(Progress::Done(answer))
}

fn begin(
    ctx: &mut Ctx<'_>,
    wanted: Copy,
    opened: &Opened,
    source: &Named,
) -> Result<SnapshotRow, Refusal> {
    let shared = opened.row.account != ctx.account();
    let under = rules(&wanted, &opened.row, shared, true)?;
    let arn = names::arn_in(
        &source.region,
        &opened.row.account,
        wanted.family.snapshot(),
        &opened.row.name,
    );
    let (mut row, key) = target(ctx, wanted, &opened.row, &under, arn)?;
    // LAT-010: one after the other.
    let began = ctx.elapsed().0;
    let from_there = |one: &SnapshotRow| {
        let from = one.copied_from.as_deref().unwrap_or_default();
        from.split(':').nth(3) == Some(source.region.as_str())
    };
    let before = under_way(ctx).into_iter().filter(from_there);
    let starts = before.map(|one| one.span.1).max().unwrap_or(began);
    let lasts = ACROSS.0 + snapshots::size(row.gib) * ACROSS.1;
    row.span = (began, starts.max(began) + lasts);
    snapshots::begin(ctx, &row);
    pull::begin(ctx, &row, &source.region, &opened.read, key.as_ref());
    Ok(row)
}
