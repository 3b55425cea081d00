//! CreateKey, and what it shares with the making of a replica.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::kms::{CreateKeyRequest, CreateKeyResponse, Tag};
use faultline_proto::progress::Progress;
use serde_json::json;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::keyspaces::KeyRow;
use super::members::Members;
use super::states::KeyState;
use super::{journal, material, policies, resolve};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// CreateKey.
pub(crate) fn create_key(
    ctx: &mut Ctx<'_>,
    request: CreateKeyRequest,
) -> Result<Progress<CreateKeyResponse>, Refusal> {
    check_kind(&request)?;
    let tags = read_tags(&request.tags)?;
    let account = ctx.account();
    let multi_region = request.multi_region.unwrap_or(false);
    let id = new_id(ctx, multi_region);
    let policy = request
        .policy
        .unwrap_or_else(|| policies::default_policy(&account));
    policies::read(ctx, &policy)?;
    let row = KeyRow {
        arn: id.arn(ctx.region(), &account),
        managed_for: None,
        state: KeyState::Enabled,
        description: request.description.unwrap_or_default(),
        policy,
        created: ctx.now(),
        material: material::make(ctx, &account, &id),
        tags,
        aliases: BTreeSet::new(),
        grants: 0,
        members: multi_region.then(|| Members::alone(ctx.region())),
        account,
        id,
    };
    policies::check_lockout(ctx, &row, request.bypass_policy_lockout_safety_check)?;
    resolve::save(ctx, &row);
    journal::born(ctx, &row);
    ctx.touches(row.arn.as_str());
    ctx.frame_mut().response_elements = Some(json!({ "keyMetadata": shown(&row) }));
    Ok(Progress::Done(CreateKeyResponse {
        key_metadata: Some(row.metadata()),
    }))
}

fn new_id(ctx: &mut Ctx<'_>, multi_region: bool) -> KeyId {
    let text = if multi_region {
        format!("mrk-{}", ctx.entropy().hex::<16>("kms.key-id"))
    } else {
        ctx.entropy().uuid("kms.key-id")
    };
    KeyId::new(&text).expect("both forms are made right")
}

/// A key's metadata as trail events show it (K-274: lower camel case).
pub(crate) fn shown(row: &KeyRow) -> serde_json::Value {
    json!({
        "aWSAccountId": row.account.as_str(),
        "keyId": row.id.as_str(),
        "arn": row.arn.as_str(),
        "enabled": row.state == KeyState::Enabled,
        "description": row.description,
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyState": row.state.text(),
        "origin": "AWS_KMS",
        "keyManager": "CUSTOMER",
        "keySpec": "SYMMETRIC_DEFAULT",
        "multiRegion": row.members.is_some(),
    })
}

/// Which kinds of key can be made: K-009 to K-016. Only symmetric keys are built so far.
fn check_kind(request: &CreateKeyRequest) -> Result<(), KmsError> {
    let spec = match (
        request.key_spec.as_deref(),
        request.customer_master_key_spec.as_deref(),
    ) {
        (Some(spec), Some(old)) if spec != old => {
            let text = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.";
            return Err(KmsError::Validation(text.to_owned()));
        }
        (spec, old) => spec.or(old).unwrap_or("SYMMETRIC_DEFAULT"),
    };
    let usage = match request.key_usage.as_deref() {
        None if spec != "SYMMETRIC_DEFAULT" => {
            let text = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
            return Err(KmsError::Validation(text.to_owned()));
        }
        usage => usage.unwrap_or("ENCRYPT_DECRYPT"),
    };
    let usages: &[&str] = match spec {
        "SYMMETRIC_DEFAULT" => &["ENCRYPT_DECRYPT"],
        "RSA_2048" | "RSA_3072" | "RSA_4096" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
        "ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521" => &["SIGN_VERIFY", "KEY_AGREEMENT"],
        "HMAC_224" | "HMAC_256" | "HMAC_384" | "HMAC_512" => &["GENERATE_VERIFY_MAC"],
        "ML_KEM_512" | "ML_KEM_768" | "ML_KEM_1024" => &["ENCAPSULATE_DECAPSULATE"],
        "SM2" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        _ => &["SIGN_VERIFY"],
    };
    if !usages.contains(&usage) {
        return Err(KmsError::Validation(format!(
            "KeyUsage {usage} is not compatible with KeySpec {spec}"
        )));
    }
    if spec != "SYMMETRIC_DEFAULT" {
        return Err(KmsError::NotBuilt(format!("KeySpec {spec}")));
    }
    match request.origin.as_deref() {
        None | Some("AWS_KMS") => Ok(()),
        Some(origin) => Err(KmsError::NotBuilt(format!("Origin {origin}"))),
    }
}

/// Tags of a new key (K-031).
pub(crate) fn read_tags(tags: &[Tag]) -> Result<BTreeMap<String, String>, KmsError> {
    if tags.len() > 50 {
        return Err(KmsError::Tag("Too many tags"));
    }
    let mut read = BTreeMap::new();
    for tag in tags {
        let key = tag.tag_key.clone().unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(KmsError::Tag("Tags beginning with aws: are reserved"));
        }
        if read
            .insert(key, tag.tag_value.clone().unwrap_or_default())
            .is_some()
        {
            return Err(KmsError::Tag("Duplicate tag keys"));
        }
    }
    Ok(read)
}
