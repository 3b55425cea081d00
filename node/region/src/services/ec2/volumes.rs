//! Volumes: CreateVolume, DescribeVolumes, DeleteVolume.
//!
//! KMS is asked inside the call, and a refusal shows only later: the volume goes to `error`
//! (EBS-007). Left out: ModifyVolume.

use faultline_proto::ec2::{
    CreateVolumeRequest, DeleteVolumeRequest, DeleteVolumeResponse, DescribeVolumesRequest,
    DescribeVolumesResponse, Volume, VolumeAttachment,
};

use super::derive::{self, Source};
use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{
    Attachment, SnapshotRow, SnapshotState, Tags, Tokens, Transit, Transits, VolumeRow,
    VolumeState, Volumes,
};
use super::{blocks, events, hosts, select, settings, snapshots, tiers};
use crate::caller::CallerRow;
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Microseconds until a new volume is available.
const BIRTH: u64 = 2_000_000;
/// Microseconds until a deleted volume is gone.
const END: u64 = 1_000_000;

/// What a volume is to be.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// GiB.
    pub size: Option<i32>,
    /// Kind of volume.
    pub kind: Option<String>,
    /// Operations a second.
    pub iops: Option<i32>,
    /// MiB a second.
    pub throughput: Option<i32>,
    /// Zone.
    pub zone: String,
    /// Snapshot and its id.
    pub source: Option<(String, SnapshotRow)>,
    /// Whether it is to be encrypted, when said.
    pub encrypted: Option<bool>,
    /// Its key, when said.
    pub key: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// EBS-011, EBS-039: a key needs the word that says so.
///
/// # Errors
/// InvalidParameterDependency.
pub fn check_key(encrypted: Option<bool>, key: Option<&str>) -> Result<(), Error> {
    if key.is_some() && encrypted != Some(true) {
        Err(Error::KeyWithoutEncrypted)
    } else {
        Ok(())
    }
}

/// Which key a new volume has (EBS-012, EBS-013, EBS-036).
fn key_of(ctx: &mut Ctx<'_>, wanted: &Wanted) -> Option<String> {
    let source = wanted
        .source
        .as_ref()
        .map(|(_, row)| row)
        .filter(|row| row.encrypted);
    match (&wanted.key, source) {
        (Some(key), _) => Some(key.clone()),
        (None, Some(source)) if source.owner == ctx.account() => source.key.clone(),
        (None, Some(_)) => Some(settings::default_key(ctx)),
        (None, None) if wanted.encrypted == Some(true) || settings::is_on(ctx) => {
            Some(settings::default_key(ctx))
        }
        (None, None) => None,
    }
}

/// Makes a volume for the caller; what KMS said stands in the row.
///
/// # Errors
/// A size that cannot be.
pub fn make(
    ctx: &mut Ctx<'_>,
    wanted: Wanted,
) -> Result<(String, VolumeRow, Option<Refusal>), Refusal> {
    let least = wanted.source.as_ref().map(|(_, row)| row.size);
    let size = wanted
        .size
        .or(least)
        .ok_or(Error::Missing("size or snapshotId"))?;
    if size < least.unwrap_or(1) || size > 65_536 {
        return Err(Error::InvalidValue(format!(
            "Volume of {size}GiB is smaller than its snapshot or too large"
        ))
        .into());
    }
    let id = Kind::Volume.new_id(ctx);
    let key = key_of(ctx, &wanted);
    let source = wanted.source.as_ref().map(|(id, row)| Source {
        holder: id.clone(),
        sealing: row.sealing.clone(),
    });
    let (sealing, refusal) = match derive::derive(ctx, source.as_ref(), &id, key.as_deref()) {
        Ok(sealing) => (sealing, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let row = VolumeRow {
        owner: ctx.account(),
        creator: CallerRow::of(&ctx.caller()),
        size,
        kind: wanted.kind.unwrap_or_else(|| "gp2".to_owned()),
        iops: wanted.iops,
        throughput: wanted.throughput,
        zone: wanted.zone,
        snapshot: wanted.source.as_ref().map(|(id, _)| id.clone()),
        created: ctx.now().millis(),
        state: VolumeState::Creating,
        refused: refusal.as_ref().map(ToString::to_string),
        encrypted: key.is_some(),
        key: sealing.as_ref().map(|sealing| sealing.key.clone()).or(key),
        sealing,
        length: wanted.source.as_ref().map_or(0, |(_, row)| row.length),
        attachment: None,
        tags: wanted.tags,
    };
    ctx.put::<Volumes>(id.as_str(), &row);
    if let Some((snapshot, _)) = wanted.source.filter(|_| refusal.is_none()) {
        events::shared_volume(ctx, &snapshot);
        let entries = blocks::entries(ctx, &id);
        let content = blocks::digest(ctx, &entries, row.length).unwrap_or_default();
        ctx.note(
            "volume_made",
            &[
                ("volume", &id),
                ("snapshot", &snapshot),
                ("owner", row.owner.as_str()),
                ("content", &content),
            ],
        );
    }
    Ok((id, row, refusal))
}

/// CreateVolume.
pub(super) fn create(ctx: &mut Ctx<'_>, request: CreateVolumeRequest) -> Result<Volume, Refusal> {
    check_key(request.encrypted, request.kms_key_id.as_deref())?;
    let zone = request
        .availability_zone
        .ok_or(Error::Missing("availabilityZone"))?;
    if !zone.starts_with(ctx.region().as_str()) {
        return Err(Error::InvalidValue(format!(
            "Value ({zone}) for parameter availabilityZone is invalid."
        ))
        .into());
    }
    let token = request
        .client_token
        .map(|token| (ctx.account().to_string(), "CreateVolume".to_owned(), token));
    if let Some(known) = token.as_ref().and_then(|token| ctx.get::<Tokens>(token)) {
        let row = of_caller(ctx, &known)?;
        return Ok(show(ctx, &known, &row));
    }
    let source = match request.snapshot_id {
        None => None,
        Some(id) => {
            let row = snapshots::visible(ctx, &id)?;
            if row.state != SnapshotState::Completed {
                return Err(Error::IncorrectState(format!(
                    "Snapshot is in invalid state - {}",
                    snapshots::word(row.state)
                ))
                .into());
            }
            tiers::check(ctx, &id)?;
            Some((id, row))
        }
    };
    let wanted = Wanted {
        size: request.size,
        kind: request.volume_type,
        iops: request.iops,
        throughput: request.throughput,
        zone,
        source,
        encrypted: request.encrypted,
        key: request.kms_key_id,
        tags: select::tags_for(&request.tag_specifications, "volume"),
    };
    let (id, row, _) = make(ctx, wanted)?;
    let at = ctx.elapsed().plus_micros(BIRTH);
    ctx.schedule("ec2", at, "volume", encode(&id));
    if let Some(token) = token {
        ctx.put::<Tokens>(&token, &id);
    }
    Ok(show(ctx, &id, &row))
}

/// The time of birth is over.
pub(super) fn born(ctx: &mut Ctx<'_>, id: &str) {
    let Some(mut row) = ctx.get::<Volumes>(id) else {
        return;
    };
    if row.state == VolumeState::Creating {
        row.state = if row.refused.is_some() {
            VolumeState::Error
        } else {
            VolumeState::Available
        };
        ctx.put::<Volumes>(id, &row);
    }
    let why = row.refused.clone().unwrap_or_default();
    let cause = why.split_once(": ").map_or(why.as_str(), |(_, text)| text);
    let told = events::Told {
        account: &row.owner,
        event: "createVolume",
        result: if why.is_empty() {
            "available"
        } else {
            "failed"
        },
        cause,
        resource: id,
        source: row.snapshot.as_deref().unwrap_or_default(),
    };
    events::tell(ctx, told);
    ctx.note(
        "volume",
        &[("volume", id), ("state", word(row.state)), ("why", &why)],
    );
}

/// A volume of the caller's account.
///
/// # Errors
/// When there is none.
pub fn of_caller(ctx: &mut Ctx<'_>, id: &str) -> Result<VolumeRow, Error> {
    Kind::Volume.check(id)?;
    let account = ctx.account();
    ctx.get::<Volumes>(id)
        .filter(|row| row.owner == account)
        .ok_or_else(|| Error::NoVolume(id.to_owned()))
}

/// DescribeVolumes.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeVolumesRequest,
) -> Result<DescribeVolumesResponse, Refusal> {
    for id in &request.volume_ids {
        of_caller(ctx, id)?;
    }
    let account = ctx.account();
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Volumes>::all()) {
        let named = request.volume_ids.is_empty() || request.volume_ids.contains(&id);
        if named
            && row.owner == account
            && select::passes(&request.filters, &row.tags, |name| look(&id, &row, name))?
        {
            found.push((id, row));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    Ok(DescribeVolumesResponse {
        next_token,
        volumes: page.iter().map(|(id, row)| show(ctx, id, row)).collect(),
    })
}

fn look(id: &str, row: &VolumeRow, name: &str) -> select::Looked {
    Some(vec![match name {
        "volume-id" => id.to_owned(),
        "status" => word(row.state).to_owned(),
        "encrypted" => row.encrypted.to_string(),
        "snapshot-id" => row.snapshot.clone().unwrap_or_default(),
        "availability-zone" => row.zone.clone(),
        "volume-type" => row.kind.clone(),
        "size" => row.size.to_string(),
        "attachment.instance-id" => row
            .attachment
            .as_ref()
            .map(|at| at.instance.clone())
            .unwrap_or_default(),
        _ => return None,
    }])
}

/// A state as AWS writes it.
#[must_use]
pub fn word(state: VolumeState) -> &'static str {
    match state {
        VolumeState::Creating => "creating",
        VolumeState::Available => "available",
        VolumeState::InUse => "in-use",
        VolumeState::Error => "error",
        VolumeState::Deleting => "deleting",
    }
}

/// A volume at its instance as an answer shows it.
pub fn show_attachment(ctx: &mut Ctx<'_>, id: &str, at: &Attachment) -> VolumeAttachment {
    let state = match ctx.get::<Transits>(id).map(|row| row.transit) {
        None => "attached",
        Some(Transit::Attaching) => "attaching",
        Some(Transit::Detaching) => "detaching",
    };
    VolumeAttachment {
        delete_on_termination: Some(at.delete_on_termination),
        volume_id: Some(id.to_owned()),
        instance_id: Some(at.instance.clone()),
        device: Some(at.device.clone()),
        state: Some(state.to_owned()),
        attach_time: Some(at.at),
    }
}

/// DeleteVolume: not while it is at an instance.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteVolumeRequest,
) -> Result<DeleteVolumeResponse, Refusal> {
    let id = request.volume_id.unwrap_or_default();
    let mut row = of_caller(ctx, &id)?;
    match (row.state, &row.attachment) {
        (_, Some(at)) => return Err(Error::VolumeInUse(id, at.instance.clone()).into()),
        (VolumeState::Available | VolumeState::Error, None) => {}
        (state, None) => {
            let text = format!("The volume '{id}' is in state '{}'", word(state));
            return Err(Error::IncorrectState(text).into());
        }
    }
    row.state = VolumeState::Deleting;
    ctx.put::<Volumes>(id.as_str(), &row);
    let at = ctx.elapsed().plus_micros(END);
    ctx.schedule("ec2", at, "volume-end", encode(&id));
    Ok(DeleteVolumeResponse {})
}

/// The time of a deletion is over.
pub(super) fn ended(ctx: &mut Ctx<'_>, id: &str) {
    let found = ctx.get::<Volumes>(id);
    let Some(row) = found.filter(|row| row.state == VolumeState::Deleting) else {
        return;
    };
    hosts::destroy(ctx, id);
    let told = events::Told {
        account: &row.owner,
        event: "deleteVolume",
        result: "deleted",
        cause: "",
        resource: id,
        source: "",
    };
    events::tell(ctx, told);
    ctx.note("volume", &[("volume", id), ("state", "deleted")]);
}

/// A volume as an answer shows it.
fn show(ctx: &mut Ctx<'_>, id: &str, row: &VolumeRow) -> Volume {
    let attachment = row.attachment.as_ref();
    Volume {
        iops: row.iops,
        tags: select::tag_list(&row.tags),
        volume_type: Some(row.kind.clone()),
        throughput: row.throughput,
        sse_type: Some(snapshots::sse(row.encrypted)),
        volume_id: Some(id.to_owned()),
        size: Some(row.size),
        snapshot_id: row.snapshot.clone(),
        availability_zone: Some(row.zone.clone()),
        state: Some(word(row.state).to_owned()),
        create_time: Some(row.created),
        attachments: attachment
            .map(|at| show_attachment(ctx, id, at))
            .into_iter()
            .collect(),
        encrypted: Some(row.encrypted),
        kms_key_id: row.key.clone(),
        ..Volume::default()
    }
}
