//! Instances: RunInstances, DescribeInstances, and the launch that dies.
//!
//! A launch is accepted at once. Seconds later EBS makes the volumes on the launcher's behalf;
//! a key that is refused then ends the instance (EBS-008). Left out: everything of an instance but
//! its disks.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::ec2::{
    DescribeInstancesRequest, DescribeInstancesResponse, EbsInstanceBlockDevice,
    IamInstanceProfile, Instance, InstanceBlockDeviceMapping, InstanceState as StateMessage,
    Placement, Reservation, RunInstancesRequest, StateReason,
};

use super::error::Error;
use super::ids::{self, Kind};
use super::keyspaces::{
    Attachment, Device, ImageRow, InstanceRow, InstanceState, Instances, Snapshots, Tokens,
};
use super::volumes::{self, Wanted};
use super::{attaching, hosts, images, select};
use crate::caller::{self, CallerRow};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Microseconds until a launch has its disks.
pub const LAUNCH: u64 = 5_000_000;
/// How a launch dies (EBS-008).
pub const DIED: (&str, &str) = (
    "Client.InternalError",
    "Client.InternalError: Client error on launch",
);

/// The image's devices with what the launch says of them.
fn devices(image: &ImageRow, request: &mut RunInstancesRequest) -> Result<Vec<Device>, Error> {
    let mappings = std::mem::take(&mut request.block_device_mappings);
    let left_out: Vec<String> = mappings
        .iter()
        .filter(|mapping| mapping.no_device.is_some())
        .filter_map(|mapping| mapping.device_name.clone())
        .collect();
    let mut devices: Vec<Device> = image.devices.clone();
    devices.retain(|device| !left_out.contains(&device.name));
    for given in images::devices(mappings)? {
        match devices.iter_mut().find(|device| device.name == given.name) {
            Some(device) => {
                *device = Device {
                    snapshot: device.snapshot.take(),
                    size: given.size.or(device.size),
                    kind: given.kind.clone().or_else(|| device.kind.take()),
                    ..given
                }
            }
            None => devices.push(given),
        }
    }
    Ok(devices)
}

fn counts(request: &RunInstancesRequest) -> Result<i32, Error> {
    let (least, most) = (
        request.min_count.unwrap_or(1),
        request.max_count.unwrap_or(1),
    );
    if least < 1 || most < least {
        return Err(Error::InvalidValue(format!(
            "Value ({most}) for parameter maxCount is invalid."
        )));
    }
    Ok(most)
}

/// RunInstances.
pub(super) fn run(
    ctx: &mut Ctx<'_>,
    mut request: RunInstancesRequest,
) -> Result<Reservation, Refusal> {
    let image_id = request.image_id.clone().ok_or(Error::Missing("ImageId"))?;
    let count = counts(&request)?;
    let token = request
        .client_token
        .clone()
        .map(|token| (ctx.account().to_string(), "RunInstances".to_owned(), token));
    if let Some(known) = token.as_ref().and_then(|token| ctx.get::<Tokens>(token)) {
        let rows = ctx.all(Range::<Instances>::all());
        let of = rows
            .into_iter()
            .filter(|(_, row)| row.reservation == known)
            .collect();
        return Ok(reservations(of).pop().unwrap_or_default());
    }
    let image = images::ready(ctx, &image_id)?;
    let devices = devices(&image, &mut request)?;
    let reservation = ids::reservation(ctx);
    let zone = request
        .placement
        .and_then(|placement| placement.availability_zone);
    let row = InstanceRow {
        owner: ctx.account(),
        launcher: CallerRow::of(&ctx.caller()),
        reservation: reservation.clone(),
        index: 0,
        image: image_id,
        kind: request
            .instance_type
            .unwrap_or_else(|| "m1.small".to_owned()),
        zone: zone.unwrap_or_else(|| format!("{}a", ctx.region())),
        architecture: image.architecture,
        root_device: image.root_device,
        virtualization: image.virtualization,
        profile: request
            .iam_instance_profile
            .and_then(|profile| profile.arn.or(profile.name)),
        launched: ctx.now().millis(),
        state: InstanceState::Pending,
        reason: None,
        devices,
        volumes: BTreeMap::new(),
        token: request.client_token,
        tags: select::tags_for(&request.tag_specifications, "instance"),
    };
    let mut made = Vec::new();
    for index in 0..count {
        let id = Kind::Instance.new_id(ctx);
        let row = InstanceRow {
            index,
            ..row.clone()
        };
        ctx.put::<Instances>(id.as_str(), &row);
        let at = ctx.elapsed().plus_micros(LAUNCH);
        ctx.schedule("ec2", at, "launch", encode(&id));
        made.push((id, row));
    }
    if let Some(token) = token {
        ctx.put::<Tokens>(&token, &reservation);
    }
    Ok(reservations(made).pop().unwrap_or_default())
}

/// The launch's moment has come: volumes, keys, and running; or the end.
pub(super) fn launch(ctx: &mut Ctx<'_>, id: &str) {
    let Some(mut row) = ctx
        .get::<Instances>(id)
        .filter(|row| row.state == InstanceState::Pending)
    else {
        return;
    };
    let launcher = Arc::new(caller::restore(ctx, &row.launcher));
    let outcome = ctx.as_caller(&launcher, |ctx| {
        let outcome = disks(ctx, id, &mut row);
        if outcome.is_err() {
            for volume in std::mem::take(&mut row.volumes).into_values() {
                hosts::destroy(ctx, &volume);
            }
        }
        outcome
    });
    let why = match outcome {
        Ok(()) => {
            row.state = InstanceState::Running;
            String::new()
        }
        Err(refusal) => {
            row.state = InstanceState::Terminated;
            row.reason = Some((DIED.0.to_owned(), DIED.1.to_owned()));
            refusal.to_string()
        }
    };
    ctx.put::<Instances>(id, &row);
    noted(ctx, id, &row, &why);
}

/// Tells of a state that an instance has come to.
pub fn noted(ctx: &mut Ctx<'_>, id: &str, row: &InstanceRow, why: &str) {
    ctx.note(
        "instance",
        &[
            ("instance", id),
            ("image", &row.image),
            ("state", state(row.state).1),
            ("why", why),
        ],
    );
}

fn disks(ctx: &mut Ctx<'_>, id: &str, row: &mut InstanceRow) -> Result<(), Refusal> {
    for device in row.devices.clone() {
        let source = match &device.snapshot {
            None => None,
            // The launch permission of the image is enough to read its snapshots.
            Some(snapshot) => {
                let found = ctx.get::<Snapshots>(snapshot.as_str());
                Some((
                    snapshot.clone(),
                    found.ok_or_else(|| Error::NoSnapshot(snapshot.clone()))?,
                ))
            }
        };
        let wanted = Wanted {
            size: device.size,
            kind: device.kind,
            iops: device.iops,
            throughput: device.throughput,
            zone: row.zone.clone(),
            source,
            encrypted: device.encrypted,
            key: device.key,
            tags: BTreeMap::new(),
        };
        let (volume, made, refusal) = volumes::make(ctx, wanted)?;
        row.volumes.insert(device.name.clone(), volume.clone());
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let attachment = Attachment {
            instance: id.to_owned(),
            device: device.name,
            at: ctx.now().millis(),
            delete_on_termination: device.delete_on_termination,
        };
        hosts::attach(ctx, &volume, made, attachment)?;
    }
    Ok(())
}

/// DescribeInstances.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeInstancesRequest,
) -> Result<DescribeInstancesResponse, Refusal> {
    let account = ctx.account();
    for id in &request.instance_ids {
        attaching::instance(ctx, id)?;
    }
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Instances>::all()) {
        let named = request.instance_ids.is_empty() || request.instance_ids.contains(&id);
        if named
            && row.owner == account
            && select::passes(&request.filters, &row.tags, |name| look(&id, &row, name))?
        {
            found.push((id, row));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    Ok(DescribeInstancesResponse {
        next_token,
        reservations: reservations(page),
    })
}

fn look(id: &str, row: &InstanceRow, name: &str) -> select::Looked {
    Some(vec![match name {
        "instance-id" => id.to_owned(),
        "instance-state-name" => state(row.state).1.to_owned(),
        "image-id" => row.image.clone(),
        "reservation-id" => row.reservation.clone(),
        "instance-type" => row.kind.clone(),
        "block-device-mapping.volume-id" => return Some(row.volumes.values().cloned().collect()),
        _ => return None,
    }])
}

fn reservations(instances: Vec<(String, InstanceRow)>) -> Vec<Reservation> {
    let mut launches: BTreeMap<String, Vec<(String, InstanceRow)>> = BTreeMap::new();
    for (id, row) in instances {
        launches
            .entry(row.reservation.clone())
            .or_default()
            .push((id, row));
    }
    let reservation = |(id, mut rows): (String, Vec<(String, InstanceRow)>)| {
        rows.sort_by_key(|(_, row)| row.index);
        Reservation {
            reservation_id: Some(id),
            owner_id: rows.first().map(|(_, row)| row.owner.to_string()),
            instances: rows.iter().map(|(id, row)| show(id, row)).collect(),
            ..Reservation::default()
        }
    };
    launches.into_iter().map(reservation).collect()
}

/// A state as AWS writes it: code and name.
fn state(state: InstanceState) -> (i32, &'static str) {
    match state {
        InstanceState::Pending => (0, "pending"),
        InstanceState::Running => (16, "running"),
        InstanceState::Terminated => (48, "terminated"),
        InstanceState::ShuttingDown => (32, "shutting-down"),
        InstanceState::Stopping => (64, "stopping"),
        InstanceState::Stopped => (80, "stopped"),
    }
}

/// A state as an answer shows it.
#[must_use]
pub fn show_state(is: InstanceState) -> StateMessage {
    let (code, name) = state(is);
    StateMessage {
        code: Some(code),
        name: Some(name.to_owned()),
    }
}

/// An instance as an answer shows it.
fn show(id: &str, row: &InstanceRow) -> Instance {
    let mapping = |(device, volume): (&String, &String)| InstanceBlockDeviceMapping {
        device_name: Some(device.clone()),
        ebs: Some(EbsInstanceBlockDevice {
            attach_time: Some(row.launched),
            delete_on_termination: row
                .devices
                .iter()
                .find(|mapped| mapped.name == *device)
                .map(|mapped| mapped.delete_on_termination)
                .or(Some(false)),
            status: Some("attached".to_owned()),
            volume_id: Some(volume.clone()),
        }),
    };
    Instance {
        architecture: Some(row.architecture.clone()),
        block_device_mappings: row.volumes.iter().map(mapping).collect(),
        client_token: row.token.clone(),
        iam_instance_profile: row.profile.clone().map(|arn| IamInstanceProfile {
            arn: Some(arn),
            id: None,
        }),
        root_device_name: row.root_device.clone(),
        root_device_type: Some("ebs".to_owned()),
        state_reason: row.reason.clone().map(|(code, message)| StateReason {
            code: Some(code),
            message: Some(message),
        }),
        tags: select::tag_list(&row.tags),
        virtualization_type: Some(row.virtualization.clone()),
        instance_id: Some(id.to_owned()),
        image_id: Some(row.image.clone()),
        state: Some(show_state(row.state)),
        ami_launch_index: Some(row.index),
        instance_type: Some(row.kind.clone()),
        launch_time: Some(row.launched),
        placement: Some(Placement {
            availability_zone: Some(row.zone.clone()),
        }),
        ..Instance::default()
    }
}
