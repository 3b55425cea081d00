//! Encryption by default and the default key, of an account in this Region (EBS-013, EBS-014).
//!
//! A default key is not looked at when it is chosen; what is wrong with it shows when it is used.

use faultline_proto::ec2::{
    DisableEbsEncryptionByDefaultRequest, DisableEbsEncryptionByDefaultResponse,
    EnableEbsEncryptionByDefaultRequest, EnableEbsEncryptionByDefaultResponse,
    GetEbsDefaultKmsKeyIdRequest, GetEbsDefaultKmsKeyIdResponse, GetEbsEncryptionByDefaultRequest,
    GetEbsEncryptionByDefaultResponse, ModifyEbsDefaultKmsKeyIdRequest,
    ModifyEbsDefaultKmsKeyIdResponse, ResetEbsDefaultKmsKeyIdRequest,
    ResetEbsDefaultKmsKeyIdResponse,
};

use super::error::Error;
use super::keys::DEFAULT_KEY;
use super::keyspaces::{DefaultKeys, Defaults};
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

/// The key of the caller's account for what is encrypted without naming one.
pub fn default_key(ctx: &mut Ctx<'_>) -> String {
    let account = ctx.account();
    ctx.get::<DefaultKeys>(account.as_str())
        .unwrap_or_else(|| DEFAULT_KEY.to_owned())
}

/// ModifyEbsDefaultKmsKeyId.
pub(super) fn choose(
    ctx: &mut Ctx<'_>,
    request: ModifyEbsDefaultKmsKeyIdRequest,
) -> Result<ModifyEbsDefaultKmsKeyIdResponse, Refusal> {
    let account = ctx.account();
    let named = request.kms_key_id.unwrap_or_default();
    let arn = |rest: &str| format!("arn:aws:kms:{}:{account}:{rest}", ctx.region());
    let key = match named.as_str() {
        "" => return Err(Error::Missing("KmsKeyId").into()),
        key if key.starts_with("arn:") => key.to_owned(),
        alias if alias.starts_with("alias/") => arn(alias),
        id => arn(&format!("key/{id}")),
    };
    ctx.put::<DefaultKeys>(account.as_str(), &key);
    Ok(ModifyEbsDefaultKmsKeyIdResponse {
        kms_key_id: Some(key),
    })
}

/// GetEbsDefaultKmsKeyId.
pub(super) fn chosen(
    ctx: &mut Ctx<'_>,
    _request: GetEbsDefaultKmsKeyIdRequest,
) -> Result<GetEbsDefaultKmsKeyIdResponse, Refusal> {
    Ok(GetEbsDefaultKmsKeyIdResponse {
        kms_key_id: Some(default_key(ctx)),
    })
}

/// ResetEbsDefaultKmsKeyId.
pub(super) fn reset(
    ctx: &mut Ctx<'_>,
    _request: ResetEbsDefaultKmsKeyIdRequest,
) -> Result<ResetEbsDefaultKmsKeyIdResponse, Refusal> {
    let account = ctx.account();
    ctx.delete::<DefaultKeys>(account.as_str());
    Ok(ResetEbsDefaultKmsKeyIdResponse {
        kms_key_id: Some(DEFAULT_KEY.to_owned()),
    })
}
