//! AttachVolume and DetachVolume: when a host asks for a data key, and when it forgets it.
//!
//! KMS is asked inside AttachVolume; a key that cannot be used refuses the call (EBS-006,
//! EBS-009) and an event tells why. Detaching takes the data key from the host at once, so the
//! next attach asks KMS again.

use faultline_proto::ec2::{AttachVolumeRequest, DetachVolumeRequest, VolumeAttachment};

use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{
    Attachment, InstanceRow, InstanceState, Instances, Transit, TransitRow, Transits, VolumeState,
    Volumes,
};
use super::{events, hosts, volumes};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;

/// Microseconds until a volume is at its instance, or away from it.
const WAY: u64 = 1_000_000;

/// An instance of the caller's account.
///
/// # Errors
/// InvalidInstanceID.NotFound.
pub fn instance(ctx: &mut Ctx<'_>, id: &str) -> Result<InstanceRow, Error> {
    Kind::Instance.check(id)?;
    let account = ctx.account();
    ctx.get::<Instances>(id)
        .filter(|row| row.owner == account)
        .ok_or_else(|| Error::NoInstance(id.to_owned()))
}

fn go(ctx: &mut Ctx<'_>, id: &str, transit: Transit) {
    let until = ctx.elapsed().plus_micros(WAY);
    let row = TransitRow {
        transit,
        until: until.0,
    };
    ctx.put::<Transits>(id, &row);
    ctx.schedule("ec2", until, "transit", encode(&id.to_owned()));
}

/// AttachVolume.
pub(super) fn attach(
    ctx: &mut Ctx<'_>,
    request: AttachVolumeRequest,
) -> Result<VolumeAttachment, Refusal> {
    let (id, at) = (
        request.volume_id.unwrap_or_default(),
        request.instance_id.unwrap_or_default(),
    );
    let device = request.device.unwrap_or_default();
    let row = volumes::of_caller(ctx, &id)?;
    let mut machine = instance(ctx, &at)?;
    match row.state {
        VolumeState::Available => {}
        VolumeState::InUse => return Err(Error::VolumeTaken(id).into()),
        state => {
            let text = format!("Volume '{id}' is in state '{}'", volumes::word(state));
            return Err(Error::IncorrectState(text).into());
        }
    }
    if !matches!(
        machine.state,
        InstanceState::Running | InstanceState::Stopped
    ) {
        return Err(Error::IncorrectState(format!("Instance '{at}' is not 'running'.")).into());
    }
    if row.zone != machine.zone {
        return Err(Error::ZoneMismatch(id, at).into());
    }
    if machine.volumes.contains_key(&device) {
        return Err(Error::InvalidValue(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        ))
        .into());
    }
    let attachment = Attachment {
        instance: at.clone(),
        device: device.clone(),
        at: ctx.now().millis(),
        delete_on_termination: false,
    };
    let is_stopped = machine.state == InstanceState::Stopped;
    if let Err(refusal) = hosts::attach(ctx, &id, row.clone(), attachment.clone()) {
        let told = events::Told {
            account: &row.owner,
            event: "attachVolume",
            result: "failed",
            cause: &refusal.message,
            resource: &id,
            source: "",
        };
        events::tell(ctx, told);
        return Err(Error::KeyRevoked(id).into());
    }
    if is_stopped {
        // Its host runs nothing: the key is asked for at the start.
        hosts::forget(ctx, &id);
    }
    machine.volumes.insert(device, id.clone());
    ctx.put::<Instances>(at.as_str(), &machine);
    go(ctx, &id, Transit::Attaching);
    Ok(volumes::show_attachment(ctx, &id, &attachment))
}

/// DetachVolume.
pub(super) fn detach(
    ctx: &mut Ctx<'_>,
    request: DetachVolumeRequest,
) -> Result<VolumeAttachment, Refusal> {
    let id = request.volume_id.unwrap_or_default();
    let row = volumes::of_caller(ctx, &id)?;
    let Some(at) = row.attachment else {
        let text = format!(
            "Volume '{id}' is in the '{}' state.",
            volumes::word(row.state)
        );
        return Err(Error::IncorrectState(text).into());
    };
    let fits = |given: &Option<String>, is: &str| given.as_deref().is_none_or(|given| given == is);
    if !fits(&request.instance_id, &at.instance) || !fits(&request.device, &at.device) {
        let (instance, device) = (request.instance_id, request.device);
        return Err(Error::NotAttached(
            id,
            instance.unwrap_or(at.instance),
            device.unwrap_or(at.device),
        )
        .into());
    }
    let runs = ctx
        .get::<Instances>(at.instance.as_str())
        .filter(|machine| machine.state == InstanceState::Running);
    if runs.is_some_and(|machine| machine.root_device.as_deref() == Some(at.device.as_str())) {
        let text = format!(
            "Unable to detach root volume '{id}' from instance '{}'",
            at.instance
        );
        return Err(Refusal::new("OperationNotPermitted", text));
    }
    hosts::forget(ctx, &id);
    go(ctx, &id, Transit::Detaching);
    Ok(volumes::show_attachment(ctx, &id, &at))
}

/// A volume has arrived.
pub(super) fn arrived(ctx: &mut Ctx<'_>, id: &str) {
    let Some(row) = ctx.get::<Transits>(id) else {
        return;
    };
    if row.until > ctx.elapsed().0 {
        return;
    }
    ctx.delete::<Transits>(id);
    let state = match row.transit {
        Transit::Attaching => "attached",
        Transit::Detaching => {
            away(ctx, id);
            "available"
        }
    };
    ctx.note("volume", &[("volume", id), ("state", state)]);
}

/// Takes a volume from its instance; its host has forgotten its key.
pub fn away(ctx: &mut Ctx<'_>, id: &str) {
    let Some(mut row) = ctx.get::<Volumes>(id) else {
        return;
    };
    if let Some(at) = row.attachment.take()
        && let Some(mut machine) = ctx.get::<Instances>(at.instance.as_str())
    {
        machine.volumes.retain(|_, volume| volume != id);
        ctx.put::<Instances>(at.instance.as_str(), &machine);
    }
    row.state = VolumeState::Available;
    ctx.put::<Volumes>(id, &row);
}
