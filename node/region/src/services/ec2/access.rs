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
        Ec2Request::EnableEbsEncryptionByDefault(_) => any("EnableEbsEncryptionByDefault"),
        Ec2Request::DisableEbsEncryptionByDefault(_) => any("DisableEbsEncryptionByDefault"),
        Ec2Request::GetEbsEncryptionByDefault(_) => any("GetEbsEncryptionByDefault"),
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
        "read" | "block" | "close" => Vec::new(),
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
