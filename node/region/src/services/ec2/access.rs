//! What each request touches.
//!
//! The caller's own policies decide; what belongs to another account is shared or not there, and
//! that is for the handlers to say (EBS-035).

use faultline_proto::handlers::Ec2Request;

use super::ids::{Kind, arn};
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, Wording};

fn on(ctx: &Ctx<'_>, action: &str, resource: impl Into<String>) -> Access {
    Access::new(
        ctx,
        format!("ec2:{action}"),
        resource,
        ctx.account(),
        Wording::UnauthorizedOperation,
    )
}

fn named(ctx: &Ctx<'_>, action: &str, kind: Kind, id: Option<&str>) -> Access {
    let resource = arn(ctx, kind, id.unwrap_or("*"));
    on(ctx, action, resource)
}

/// What `request` touches.
pub(super) fn of(ctx: &Ctx<'_>, request: &Ec2Request) -> Vec<Access> {
    let any = |action| vec![on(ctx, action, "*")];
    let one = |action, kind, id: &Option<String>| vec![named(ctx, action, kind, id.as_deref())];
    match request {
        Ec2Request::CreateVolume(request) => {
            let mut access = named(ctx, "CreateVolume", Kind::Volume, None);
            let encrypted = request.encrypted.unwrap_or_default();
            access.context.set_flag("ec2:encrypted", encrypted);
            vec![access]
        }
        Ec2Request::DescribeVolumes(_) => any("DescribeVolumes"),
        Ec2Request::CreateSnapshot(request) => vec![
            named(ctx, "CreateSnapshot", Kind::Snapshot, None),
            named(
                ctx,
                "CreateSnapshot",
                Kind::Volume,
                request.volume_id.as_deref(),
            ),
        ],
        Ec2Request::CopySnapshot(_) => one("CopySnapshot", Kind::Snapshot, &None),
        Ec2Request::DescribeSnapshots(_) => any("DescribeSnapshots"),
        Ec2Request::DeleteSnapshot(request) => {
            one("DeleteSnapshot", Kind::Snapshot, &request.snapshot_id)
        }
        Ec2Request::ModifySnapshotAttribute(request) => one(
            "ModifySnapshotAttribute",
            Kind::Snapshot,
            &request.snapshot_id,
        ),
        Ec2Request::DescribeSnapshotAttribute(request) => one(
            "DescribeSnapshotAttribute",
            Kind::Snapshot,
            &request.snapshot_id,
        ),
        Ec2Request::RegisterImage(_) => one("RegisterImage", Kind::Image, &None),
        Ec2Request::DescribeImages(_) => any("DescribeImages"),
        Ec2Request::ModifyImageAttribute(request) => {
            one("ModifyImageAttribute", Kind::Image, &request.image_id)
        }
        Ec2Request::CopyImage(_) => one("CopyImage", Kind::Image, &None),
        Ec2Request::RunInstances(request) => vec![
            named(
                ctx,
                "RunInstances",
                Kind::Image,
                request.image_id.as_deref(),
            ),
            named(ctx, "RunInstances", Kind::Instance, None),
            named(ctx, "RunInstances", Kind::Volume, None),
        ],
        Ec2Request::DescribeInstances(_) => any("DescribeInstances"),
        other => of_more(ctx, other),
    }
}

/// The rest of them: what becomes of things; what names no resource is about all.
fn of_more(ctx: &Ctx<'_>, request: &Ec2Request) -> Vec<Access> {
    let one = |action, kind, id: &Option<String>| vec![named(ctx, action, kind, id.as_deref())];
    let snapshot = |action, id: &Option<String>| one(action, Kind::Snapshot, id);
    let each = |action, ids: &[String]| {
        ids.iter()
            .map(|id| named(ctx, action, Kind::Instance, Some(id)))
            .collect()
    };
    match request {
        Ec2Request::AttachVolume(request) => vec![
            named(
                ctx,
                "AttachVolume",
                Kind::Volume,
                request.volume_id.as_deref(),
            ),
            named(
                ctx,
                "AttachVolume",
                Kind::Instance,
                request.instance_id.as_deref(),
            ),
        ],
        Ec2Request::DetachVolume(request) => one("DetachVolume", Kind::Volume, &request.volume_id),
        Ec2Request::DeleteVolume(request) => one("DeleteVolume", Kind::Volume, &request.volume_id),
        Ec2Request::LockSnapshot(request) => snapshot("LockSnapshot", &request.snapshot_id),
        Ec2Request::ModifySnapshotTier(request) => {
            snapshot("ModifySnapshotTier", &request.snapshot_id)
        }
        Ec2Request::RestoreSnapshotTier(request) => {
            snapshot("RestoreSnapshotTier", &request.snapshot_id)
        }
        Ec2Request::UnlockSnapshot(request) => snapshot("UnlockSnapshot", &request.snapshot_id),
        Ec2Request::ResetSnapshotAttribute(request) => {
            snapshot("ResetSnapshotAttribute", &request.snapshot_id)
        }
        Ec2Request::CreateImage(request) => vec![
            named(ctx, "CreateImage", Kind::Image, None),
            named(
                ctx,
                "CreateImage",
                Kind::Instance,
                request.instance_id.as_deref(),
            ),
        ],
        Ec2Request::DeregisterImage(request) => {
            one("DeregisterImage", Kind::Image, &request.image_id)
        }
        Ec2Request::DescribeImageAttribute(request) => {
            one("DescribeImageAttribute", Kind::Image, &request.image_id)
        }
        Ec2Request::ResetImageAttribute(request) => {
            one("ResetImageAttribute", Kind::Image, &request.image_id)
        }
        Ec2Request::DisableImage(request) => one("DisableImage", Kind::Image, &request.image_id),
        Ec2Request::EnableImage(request) => one("EnableImage", Kind::Image, &request.image_id),
        Ec2Request::StopInstances(request) => each("StopInstances", &request.instance_ids),
        Ec2Request::StartInstances(request) => each("StartInstances", &request.instance_ids),
        Ec2Request::TerminateInstances(request) => {
            each("TerminateInstances", &request.instance_ids)
        }
        other => {
            let action = other.operation().action;
            let action = action.strip_prefix("ec2:").unwrap_or(action);
            vec![on(ctx, action, "*")]
        }
    }
}

/// What a question of another Region touches here. AWS records none of them.
///
/// # Errors
/// A question of another shape.
pub(super) fn remote(ctx: &Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let accesses = match kind {
        "source" => vec![named(
            ctx,
            "CopySnapshot",
            Kind::Snapshot,
            Some(&decode::<String>(body)?),
        )],
        "image" => vec![named(
            ctx,
            "CopyImage",
            Kind::Image,
            Some(&decode::<String>(body)?),
        )],
        // What follows from a call that was allowed; the key has its own say.
        "read" | "list" | "block" | "close" => Vec::new(),
        other => {
            return Err(Refusal::internal(format!(
                "ec2 answers no question '{other}'"
            )));
        }
    };
    Ok(RemoteCall {
        event: None,
        read_only: true,
        accesses,
        charge: None,
    })
}
