//! What becomes of an image: CreateImage, DeregisterImage, DisableImage, EnableImage.
//!
//! Deregistering takes no snapshot with it unless that is asked for; then one that another image
//! needs, or that a lock holds, stays. A disabled image is nobody's to launch and shared with
//! nobody.

use faultline_proto::ec2::{
    CreateImageRequest, CreateImageResponse, DeleteSnapshotReturnCode, DeregisterImageRequest,
    DeregisterImageResponse, DisableImageRequest, DisableImageResponse, EnableImageRequest,
    EnableImageResponse,
};

use super::attaching::instance;
use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{
    Device, ImageRow, ImageState, Images, InstanceState, LaunchOrganizations, SnapshotRow,
    Snapshots, Volumes,
};
use super::{images, select, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// CreateImage: snapshots of all volumes of an instance, and an image of them.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateImageRequest,
) -> Result<CreateImageResponse, Refusal> {
    let of = request.instance_id.unwrap_or_default();
    let machine = instance(ctx, &of)?;
    if !matches!(
        machine.state,
        InstanceState::Running | InstanceState::Stopped
    ) {
        return Err(Error::InstanceState(of, "imaged").into());
    }
    let name = request.name.unwrap_or_default();
    images::check_name(ctx, &name)?;
    let id = Kind::Image.new_id(ctx);
    let mut devices = Vec::new();
    for (device, volume) in &machine.volumes {
        let Some(row) = ctx.get::<Volumes>(volume.as_str()) else {
            continue;
        };
        let text = format!("Created by CreateImage({of}) for {id}");
        let tags = select::tags_for(&request.tag_specifications, "snapshot");
        let at = row.attachment.clone();
        let (kind, size) = (row.kind.clone(), row.size);
        let (snapshot, taken) = snapshots::take(ctx, volume, row, text, tags)?;
        let taken = SnapshotRow {
            for_image: Some(id.clone()),
            ..taken
        };
        ctx.put::<Snapshots>(snapshot.as_str(), &taken);
        devices.push(Device {
            name: device.clone(),
            snapshot: Some(snapshot),
            size: Some(size),
            kind: Some(kind),
            iops: None,
            throughput: None,
            encrypted: None,
            key: None,
            delete_on_termination: at.is_some_and(|at| at.delete_on_termination),
        });
    }
    let row = ImageRow {
        owner: ctx.account(),
        name,
        description: request.description,
        architecture: machine.architecture,
        root_device: machine.root_device,
        virtualization: machine.virtualization,
        ena: None,
        devices,
        created: ctx.now().millis(),
        state: ImageState::Pending,
        reason: None,
        shared_with: std::collections::BTreeSet::new(),
        public: false,
        copied_from: None,
        tags: select::tags_for(&request.tag_specifications, "image"),
    };
    ctx.put::<Images>(id.as_str(), &row);
    images::settle(ctx, &id);
    Ok(CreateImageResponse { image_id: Some(id) })
}

/// DeregisterImage.
pub(super) fn deregister(
    ctx: &mut Ctx<'_>,
    request: DeregisterImageRequest,
) -> Result<DeregisterImageResponse, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let row = images::own(ctx, &id)?;
    ctx.delete::<Images>(id.as_str());
    ctx.delete::<LaunchOrganizations>(id.as_str());
    ctx.note("image", &[("image", &id), ("state", "deregistered")]);
    let mut results = Vec::new();
    if request.delete_associated_snapshots.unwrap_or_default() {
        for device in row.devices {
            let Some(snapshot) = device.snapshot else {
                continue;
            };
            let outcome =
                snapshots::own(ctx, &snapshot).and_then(|_| snapshots::remove(ctx, &snapshot));
            let code = match outcome {
                Ok(()) => "success",
                Err(Error::SnapshotInUse(..)) => "skipped",
                Err(_) => "client-error",
            };
            results.push(DeleteSnapshotReturnCode {
                snapshot_id: Some(snapshot),
                return_code: Some(code.to_owned()),
            });
        }
    }
    Ok(DeregisterImageResponse {
        r#return: Some(true),
        delete_snapshot_results: results,
    })
}

/// DisableImage: ends its sharing too.
pub(super) fn disable(
    ctx: &mut Ctx<'_>,
    request: DisableImageRequest,
) -> Result<DisableImageResponse, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let row = images::own(ctx, &id)?;
    if row.state != ImageState::Available {
        return Err(images::wrong_state(&id, row.state).into());
    }
    let row = ImageRow {
        state: ImageState::Disabled,
        public: false,
        shared_with: std::collections::BTreeSet::new(),
        ..row
    };
    ctx.delete::<LaunchOrganizations>(id.as_str());
    ctx.put::<Images>(id.as_str(), &row);
    Ok(DisableImageResponse {
        r#return: Some(true),
    })
}

/// EnableImage.
pub(super) fn enable(
    ctx: &mut Ctx<'_>,
    request: EnableImageRequest,
) -> Result<EnableImageResponse, Refusal> {
    let id = request.image_id.unwrap_or_default();
    let row = images::own(ctx, &id)?;
    if row.state != ImageState::Disabled {
        return Err(images::wrong_state(&id, row.state).into());
    }
    let row = ImageRow {
        state: ImageState::Available,
        ..row
    };
    ctx.put::<Images>(id.as_str(), &row);
    Ok(EnableImageResponse {
        r#return: Some(true),
    })
}
