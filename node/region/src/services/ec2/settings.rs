//! Encryption by default, of an account in this Region (EBS-013).
//!
//! Left out: ModifyEbsDefaultKmsKeyId; the default key is always `alias/aws/ebs` (EBS-014).

use faultline_proto::ec2::{
    DisableEbsEncryptionByDefaultRequest, DisableEbsEncryptionByDefaultResponse,
    EnableEbsEncryptionByDefaultRequest, EnableEbsEncryptionByDefaultResponse,
    GetEbsEncryptionByDefaultRequest, GetEbsEncryptionByDefaultResponse,
};

use super::keyspaces::Defaults;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Whether the caller's account encrypts every new volume and copy here.
pub fn is_on(ctx: &mut Ctx<'_>) -> bool {
    let account = ctx.account();
    ctx.get::<Defaults>(account.as_str()).unwrap_or_default()
}

fn set(ctx: &mut Ctx<'_>, on: bool) {
    let account = ctx.account();
    ctx.put::<Defaults>(account.as_str(), &on);
}

/// EnableEbsEncryptionByDefault.
pub(super) fn enable(
    ctx: &mut Ctx<'_>,
    _request: EnableEbsEncryptionByDefaultRequest,
) -> Result<EnableEbsEncryptionByDefaultResponse, Refusal> {
    set(ctx, true);
    Ok(EnableEbsEncryptionByDefaultResponse {
        ebs_encryption_by_default: Some(true),
    })
}

/// DisableEbsEncryptionByDefault.
pub(super) fn disable(
    ctx: &mut Ctx<'_>,
    _request: DisableEbsEncryptionByDefaultRequest,
) -> Result<DisableEbsEncryptionByDefaultResponse, Refusal> {
    set(ctx, false);
    Ok(DisableEbsEncryptionByDefaultResponse {
        ebs_encryption_by_default: Some(false),
    })
}

/// GetEbsEncryptionByDefault.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    _request: GetEbsEncryptionByDefaultRequest,
) -> Result<GetEbsEncryptionByDefaultResponse, Refusal> {
    let on = is_on(ctx);
    Ok(GetEbsEncryptionByDefaultResponse {
        ebs_encryption_by_default: Some(on),
        sse_type: Some(if on { "sse-kms" } else { "none" }.to_owned()),
    })
}
