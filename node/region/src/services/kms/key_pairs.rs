//! The key pair of an asymmetric KMS key and the secret of an HMAC key: made, opened, told.

use faultline_proto::kms::{GetPublicKeyRequest, GetPublicKeyResponse};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;

use super::asymmetric::{Draw, Failure, KeyPair, PairSpec, Secret};
use super::error::KmsError;
use super::identifiers::KeyId;
use super::key_materials::KeyMaterial;
use super::keyspaces::KeyRow;
use super::material;
use super::resolve::{Accepts, usable};
use super::specs::{KeySpec, KeyUsage};
use super::states::Use;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// The spec of the key pair of `row`; `None` when it has none.
pub(crate) fn spec_of(row: &KeyRow) -> Option<PairSpec> {
    PairSpec::named(row.kind.spec.text())
}

/// Makes the material of a new key of any spec.
pub(crate) fn make(
    ctx: &mut Ctx<'_>,
    spec: KeySpec,
    account: &AccountId,
    id: &KeyId,
) -> KeyMaterial {
    if let Some(spec) = PairSpec::named(spec.text()) {
        let pair = KeyPair::generate(spec, &mut Draw::new(ctx.entropy(), "kms.key-pair"));
        return material::make_of(ctx, account, id, &pair.pkcs8());
    }
    let length = match spec {
        KeySpec::Hmac224 => 28,
        KeySpec::Hmac384 => 48,
        KeySpec::Hmac512 => 64,
        _ => 32,
    };
    let mut bytes = Secret::new(vec![0; length]);
    ctx.entropy().fill("kms.material", &mut bytes);
    material::make_of(ctx, account, id, &bytes)
}

/// The key pair of `row`. A Region keeps opened ones in memory, never stored.
pub(crate) fn of(ctx: &mut Ctx<'_>, row: &KeyRow) -> Result<KeyPair, Refusal> {
    let id = row.current_material()?;
    if let Some(known) = ctx.caches.key_pairs.get(id) {
        return Ok(known.clone());
    }
    let der = material::secret(ctx, row, id)?;
    let pair = spec_of(row).and_then(|spec| KeyPair::from_pkcs8(spec, &der));
    let pair = pair.ok_or_else(|| unexpected(row, Failure::Invalid))?;
    ctx.caches.key_pairs.insert(id.to_owned(), pair.clone());
    Ok(pair)
}

/// What cannot be once usage and algorithm were checked.
pub(crate) fn unexpected(row: &KeyRow, why: Failure) -> Refusal {
    Refusal::internal(format!("the key pair of {} gave {why:?}", row.arn))
}

/// GetPublicKey (K-087): of any asymmetric key, whatever it is for.
pub(crate) fn get_public_key(
    ctx: &mut Ctx<'_>,
    request: GetPublicKeyRequest,
) -> Result<Progress<GetPublicKeyResponse>, Refusal> {
    let key = request.key_id.as_deref();
    let row = usable(ctx, key, Accepts::Aliases, Use::GetPublicKey)?;
    let spec = row.kind.spec;
    if spec_of(&row).is_none() {
        return Err(KmsError::NoPublicKey(row.arn.to_string(), spec.text()).into());
    }
    let pair = of(ctx, &row)?;
    let old = spec.is_known_to_the_old_member();
    Ok(Progress::Done(GetPublicKeyResponse {
        key_id: Some(row.arn.to_string()),
        public_key: Some(pair.public_key()),
        customer_master_key_spec: old.then(|| spec.text().to_owned()),
        key_spec: Some(spec.text().to_owned()),
        key_usage: Some(row.kind.usage.text().to_owned()),
        encryption_algorithms: row.kind.algorithms_for(KeyUsage::EncryptDecrypt),
        signing_algorithms: row.kind.algorithms_for(KeyUsage::SignVerify),
        key_agreement_algorithms: row.kind.algorithms_for(KeyUsage::KeyAgreement),
        encapsulation_algorithms: row.kind.algorithms_for(KeyUsage::EncapsulateDecapsulate),
    }))
}
