//! Volumes at their instances: who holds a data key in the clear.
//!
//! A host asks KMS once, when a volume is attached, and keeps the data key for as long as it is
//! (EBS-001); a key that is disabled meanwhile changes nothing there (EBS-006).

use std::sync::Arc;

use super::blocks;
use super::keys::{self, MAKING};
use super::keyspaces::{Attachment, HostRow, Hosts, Transits, VolumeRow, VolumeState, Volumes};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// Purpose of what hosts keep.
const HOST: &str = "ec2.host";

/// Gives a volume to an instance: its host gets the data key, by a grant of the caller (EBS-001).
///
/// # Errors
/// KMS's refusal (EBS-008).
pub fn attach(
    ctx: &mut Ctx<'_>,
    id: &str,
    mut row: VolumeRow,
    attachment: Attachment,
) -> Result<(), Refusal> {
    open(ctx, id, &row, &attachment.instance)?;
    row.state = VolumeState::InUse;
    row.attachment = Some(attachment);
    ctx.put::<Volumes>(id, &row);
    Ok(())
}

/// Lets the host of an instance have the data key of a volume, by a grant of the caller.
///
/// # Errors
/// KMS's refusal; the host has nothing then.
pub fn open(ctx: &mut Ctx<'_>, id: &str, row: &VolumeRow, instance: &str) -> Result<(), Refusal> {
    let Some(sealing) = &row.sealing else {
        return Ok(());
    };
    let grant = keys::grant(ctx, &sealing.key, &sealing.bound, instance, MAKING)?;
    match keys::open(ctx, &grant, sealing) {
        Ok(key) => {
            let data_key = ctx.seal_local(HOST, id.as_bytes(), key.expose());
            ctx.put::<Hosts>(id, &HostRow { data_key, grant });
            keys::readable(ctx, id, instance, sealing);
            Ok(())
        }
        Err(refusal) => {
            keys::retire(ctx, &grant);
            Err(refusal)
        }
    }
}

/// The host forgets the data key and gives its grant back: detached, or stopped.
pub fn forget(ctx: &mut Ctx<'_>, id: &str) {
    if let Some(host) = ctx.get::<Hosts>(id) {
        keys::retire(ctx, &host.grant);
        ctx.delete::<Hosts>(id);
    }
}

/// Takes a volume away for good.
pub fn destroy(ctx: &mut Ctx<'_>, id: &str) {
    forget(ctx, id);
    ctx.delete::<Transits>(id);
    blocks::release(ctx, id);
    ctx.delete::<Volumes>(id);
}

/// The data key as an instance would have it: from the host while attached (EBS-006), else by
/// attaching on behalf of whoever made the volume.
///
/// # Errors
/// KMS's refusal.
pub fn data_key(
    ctx: &mut Ctx<'_>,
    id: &str,
    row: &VolumeRow,
) -> Result<Option<SecretKey>, Refusal> {
    let Some(sealing) = &row.sealing else {
        return Ok(None);
    };
    if let Some(host) = ctx.get::<Hosts>(id) {
        let opened =
            zeroize::Zeroizing::new(ctx.open_local(HOST, id.as_bytes(), &host.data_key)?);
        return Ok(SecretKey::from_slice(&opened));
    }
    let creator = Arc::new(crate::caller::restore(ctx, &row.creator));
    ctx.as_caller(&creator, |ctx| {
        let grant = keys::grant(ctx, &sealing.key, &sealing.bound, id, MAKING)?;
        let key = keys::open(ctx, &grant, sealing);
        keys::retire(ctx, &grant);
        key.map(Some)
    })
}
