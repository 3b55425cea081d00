//! Images: RegisterImage, DescribeImages, and who sees them.
//!
//! An image is names of snapshots and a permission to launch: for accounts, for everybody, for an
//! organisation or a unit of one. Left out: instance-store images.

use faultline_proto::codec::time::to_iso;
use faultline_proto::ec2::{
    BlockDeviceMapping, DescribeImagesRequest, DescribeImagesResponse, EbsBlockDevice, Image,
    RegisterImageRequest, RegisterImageResponse, StateReason,
};
use faultline_proto::names::AccountId;

use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{
    Device, ImageRow, ImageState, Images, LaunchOrganizations, SnapshotState, Snapshots,
};
use super::{select, snapshots, tiers, volumes};
use crate::context::Ctx;
use crate::directory;
use crate::refusal::Refusal;
use crate::store::Range;

/// Devices as a request maps them.
///
/// # Errors
/// EBS-039: a key without `Encrypted`.
pub fn devices(mappings: Vec<BlockDeviceMapping>) -> Result<Vec<Device>, Error> {
    let mut devices = Vec::new();
    for mapping in mappings {
        let Some(ebs) = mapping.ebs else { continue };
        volumes::check_key(ebs.encrypted, ebs.kms_key_id.as_deref())?;
        devices.push(Device {
            name: mapping.device_name.unwrap_or_default(),
            snapshot: ebs.snapshot_id,
            size: ebs.volume_size,
            kind: ebs.volume_type,
            iops: ebs.iops,
            throughput: ebs.throughput,
            encrypted: ebs.encrypted,
            key: ebs.kms_key_id,
            delete_on_termination: ebs.delete_on_termination.unwrap_or(true),
        });
    }
    Ok(devices)
}

/// Refuses a name that the caller's account uses already.
///
/// # Errors
/// InvalidAMIName.Duplicate.
pub fn check_name(ctx: &mut Ctx<'_>, name: &str) -> Result<(), Error> {
    let account = ctx.account();
    let taken = ctx
        .all(Range::<Images>::all())
        .into_iter()
        .find(|(_, row)| row.owner == account && row.name == name);
    match taken {
        Some((id, row)) => Err(Error::NameTaken(row.name, id)),
        None => Ok(()),
    }
}

/// RegisterImage: of completed snapshots of the caller's own.
pub(super) fn register(
    ctx: &mut Ctx<'_>,
    request: RegisterImageRequest,
) -> Result<RegisterImageResponse, Refusal> {
    let name = request.name.unwrap_or_default();
    check_name(ctx, &name)?;
    let devices = devices(request.block_device_mappings)?;
    for device in &devices {
        let Some(snapshot) = &device.snapshot else {
            continue;
        };
        let row = snapshots::visible(ctx, snapshot)?;
        if row.state != SnapshotState::Completed {
            let text = format!(
                "Snapshot {snapshot} is in invalid state - {}",
                snapshots::word(row.state)
            );
            return Err(Error::IncorrectState(text).into());
        }
        tiers::check(ctx, snapshot)?;
    }
    let root_device = request.root_device_name;
    if root_device
        .as_ref()
        .is_some_and(|root| !devices.iter().any(|device| device.name == *root))
    {
        return Err(Error::InvalidValue(
            "The root device is not in the block device mappings".to_owned(),
        )
        .into());
    }
    let id = Kind::Image.new_id(ctx);
    let row = ImageRow {
        owner: ctx.account(),
        name,
        description: request.description,
        architecture: request.architecture.unwrap_or_else(|| "x86_64".to_owned()),
        root_device,
        virtualization: request
            .virtualization_type
            .unwrap_or_else(|| "hvm".to_owned()),
        ena: request.ena_support,
        devices,
        created: ctx.now().millis(),
        state: ImageState::Available,
        reason: None,
        shared_with: std::collections::BTreeSet::new(),
        public: false,
        copied_from: None,
        tags: select::tags_for(&request.tag_specifications, "image"),
    };
    ctx.put::<Images>(id.as_str(), &row);
    Ok(RegisterImageResponse { image_id: Some(id) })
}

/// Whether an account may launch it.
fn is_shared_with(ctx: &mut Ctx<'_>, id: &str, row: &ImageRow, account: &AccountId) -> bool {
    row.owner == *account
        || row.public
        || row.shared_with.contains(account)
        || ctx.get::<LaunchOrganizations>(id).is_some_and(|arns| {
            organizations_of(ctx, account)
                .iter()
                .any(|arn| arns.contains(arn))
        })
}

/// ARNs of the organisation and the units that an account belongs to, as this Region knows them.
fn organizations_of(ctx: &mut Ctx<'_>, account: &AccountId) -> Vec<String> {
    let Some(row) = directory::organization_of(ctx, account) else {
        return Vec::new();
    };
    let arn = |rest: String| format!("arn:aws:organizations::{}:{rest}", row.management);
    let path = row.org_path(account);
    let units = path.split('/').filter(|part| part.starts_with("ou-"));
    let mut arns: Vec<String> = units
        .map(|unit| arn(format!("ou/{}/{unit}", row.id)))
        .collect();
    arns.push(arn(format!("organization/{}", row.id)));
    arns
}

/// An image that the caller may launch.
///
/// # Errors
/// InvalidAMIID.NotFound.
pub fn visible(ctx: &mut Ctx<'_>, id: &str) -> Result<ImageRow, Error> {
    Kind::Image.check(id)?;
    let account = ctx.account();
    let found = ctx.get::<Images>(id);
    match found {
        Some(row) if is_shared_with(ctx, id, &row, &account) => Ok(row),
        _ => Err(Error::NoImage(id.to_owned())),
    }
}

/// The same, and it is ready.
///
/// # Errors
/// IncorrectState while it is being copied, or when that failed.
pub fn ready(ctx: &mut Ctx<'_>, id: &str) -> Result<ImageRow, Error> {
    let row = visible(ctx, id)?;
    match row.state {
        ImageState::Available => Ok(row),
        state => Err(wrong_state(id, state)),
    }
}

/// What is asked needs another state.
#[must_use]
pub fn wrong_state(id: &str, state: ImageState) -> Error {
    Error::IncorrectState(format!("The image {id} is in state {}", word(state)))
}

/// An image of the caller's account.
///
/// # Errors
/// InvalidAMIID.NotFound; AuthFailure for one that is only shared.
pub fn own(ctx: &mut Ctx<'_>, id: &str) -> Result<ImageRow, Error> {
    let row = visible(ctx, id)?;
    if row.owner == ctx.account() {
        Ok(row)
    } else {
        Err(Error::NotYours(format!("image {id}")))
    }
}

/// A snapshot of an image that is being copied is done: so may be the image (EBS-038).
pub(super) fn settle(ctx: &mut Ctx<'_>, id: &str) {
    let Some(mut row) = ctx
        .get::<Images>(id)
        .filter(|row| row.state == ImageState::Pending)
    else {
        return;
    };
    let mut state = ImageState::Available;
    for snapshot in row
        .devices
        .iter()
        .filter_map(|device| device.snapshot.as_deref())
    {
        match ctx.get::<Snapshots>(snapshot).map(|row| row.state) {
            Some(SnapshotState::Completed) => {}
            Some(SnapshotState::Pending) if state == ImageState::Failed => {}
            Some(SnapshotState::Pending) => state = ImageState::Pending,
            Some(SnapshotState::Error) | None => state = ImageState::Failed,
        }
    }
    if state == ImageState::Failed {
        row.reason = Some("Given key ID is not accessible".to_owned());
    }
    row.state = state;
    ctx.put::<Images>(id, &row);
    ctx.note("image", &[("image", id), ("state", word(state))]);
}

/// DescribeImages: the caller's own and those shared with it.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeImagesRequest,
) -> Result<DescribeImagesResponse, Refusal> {
    for id in &request.image_ids {
        visible(ctx, id)?;
    }
    let account = ctx.account();
    let owners = select::accounts(&request.owners, &account);
    let users = select::accounts(&request.executable_users, &account);
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Images>::all()) {
        let may_launch = |user: &String| match user.as_str() {
            "all" => row.public,
            user => row
                .shared_with
                .iter()
                .any(|account| account.as_str() == user),
        };
        let wanted = is_shared_with(ctx, &id, &row, &account)
            && (request.image_ids.is_empty() || request.image_ids.contains(&id))
            && (owners.is_empty() || owners.contains(row.owner.as_str()))
            && (users.is_empty() || users.iter().any(may_launch));
        if wanted && select::passes(&request.filters, &row.tags, |name| look(&id, &row, name))? {
            found.push((id, row));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    let images = page.iter().map(|(id, row)| show(ctx, id, row)).collect();
    Ok(DescribeImagesResponse { next_token, images })
}

fn look(id: &str, row: &ImageRow, name: &str) -> select::Looked {
    let snapshots = || {
        row.devices
            .iter()
            .filter_map(|device| device.snapshot.clone())
            .collect()
    };
    Some(vec![match name {
        "image-id" => id.to_owned(),
        "name" => row.name.clone(),
        "state" => word(row.state).to_owned(),
        "owner-id" => row.owner.to_string(),
        "is-public" => row.public.to_string(),
        "architecture" => row.architecture.clone(),
        "block-device-mapping.snapshot-id" => return Some(snapshots()),
        _ => return None,
    }])
}

/// A state as AWS writes it.
fn word(state: ImageState) -> &'static str {
    match state {
        ImageState::Pending => "pending",
        ImageState::Available => "available",
        ImageState::Failed => "failed",
        ImageState::Disabled => "disabled",
    }
}

/// The devices of an image as an answer shows them.
pub fn mappings(ctx: &mut Ctx<'_>, row: &ImageRow) -> Vec<BlockDeviceMapping> {
    let mut mappings = Vec::new();
    for device in &row.devices {
        let snapshot = device
            .snapshot
            .as_deref()
            .and_then(|id| ctx.get::<Snapshots>(id));
        let encrypted = snapshot
            .as_ref()
            .map(|row| row.encrypted)
            .or(device.encrypted);
        mappings.push(BlockDeviceMapping {
            ebs: Some(EbsBlockDevice {
                delete_on_termination: Some(device.delete_on_termination),
                iops: device.iops,
                snapshot_id: device.snapshot.clone(),
                volume_size: device.size.or(snapshot.map(|row| row.size)),
                volume_type: device.kind.clone().or_else(|| Some("gp2".to_owned())),
                throughput: device.throughput,
                encrypted: Some(encrypted.unwrap_or_default()),
                ..EbsBlockDevice::default()
            }),
            device_name: Some(device.name.clone()),
            ..BlockDeviceMapping::default()
        });
    }
    mappings
}

/// An image as an answer shows it.
fn show(ctx: &mut Ctx<'_>, id: &str, row: &ImageRow) -> Image {
    let (region, image) = row
        .copied_from
        .clone()
        .map(|(region, image)| (region.to_string(), image))
        .unzip();
    Image {
        block_device_mappings: mappings(ctx, row),
        description: row.description.clone(),
        ena_support: row.ena,
        name: Some(row.name.clone()),
        root_device_name: row.root_device.clone(),
        root_device_type: Some("ebs".to_owned()),
        state_reason: row.reason.clone().map(|message| StateReason {
            code: Some("Client.InternalError".to_owned()),
            message: Some(message),
        }),
        tags: select::tag_list(&row.tags),
        virtualization_type: Some(row.virtualization.clone()),
        source_image_id: image,
        source_image_region: region,
        image_id: Some(id.to_owned()),
        state: Some(word(row.state).to_owned()),
        owner_id: Some(row.owner.to_string()),
        creation_date: Some(to_iso(row.created)),
        public: Some(row.public),
        architecture: Some(row.architecture.clone()),
        image_type: Some("machine".to_owned()),
    }
}
