//! DeriveSharedSecret, Encapsulate and Decapsulate: secrets that two parties come to share.

use faultline_proto::kms::{
    DecapsulateRequest, DecapsulateResponse, DeriveSharedSecretRequest, DeriveSharedSecretResponse,
    EncapsulateRequest, EncapsulateResponse,
};
use faultline_proto::progress::Progress;

use super::asymmetric::Draw;
use super::ciphers::unless_dry;
use super::error::KmsError;
use super::resolve::usable_for;
use super::specs::KeyUsage;
use super::states::Use;
use super::{journal, key_pairs};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// DeriveSharedSecret: raw ECDH, as long as the curve's field.
pub(crate) fn derive(
    ctx: &mut Ctx<'_>,
    request: DeriveSharedSecretRequest,
) -> Result<Progress<DeriveSharedSecretResponse>, Refusal> {
    KmsError::recipient(request.recipient.as_ref())?;
    let (usage, operation) = (KeyUsage::KeyAgreement, "DeriveSharedSecret");
    let key = request.key_id.as_deref();
    let row = usable_for(ctx, key, Use::Signing, usage, operation)?;
    let algorithm = request.key_agreement_algorithm.as_deref();
    row.fits(usage, algorithm.unwrap_or_default())?;
    let pair = key_pairs::of(ctx, &row)?;
    let mut secret = pair
        .agree(&request.public_key.unwrap_or_default())
        .map_err(|_| KmsError::PublicKey(row.kind.spec.text()))?;
    unless_dry(request.dry_run)?;
    journal::used(ctx, &row, row.current_material()?, operation);
    Ok(Progress::Done(DeriveSharedSecretResponse {
        key_id: Some(row.arn.to_string()),
        shared_secret: Some(std::mem::take(&mut *secret)),
        key_agreement_algorithm: request.key_agreement_algorithm,
        key_origin: Some(row.kind.origin.text().to_owned()),
    }))
}

const ENCAPSULATION: KeyUsage = KeyUsage::EncapsulateDecapsulate;

/// Encapsulate.
pub(crate) fn encapsulate(
    ctx: &mut Ctx<'_>,
    request: EncapsulateRequest,
) -> Result<Progress<EncapsulateResponse>, Refusal> {
    let key = request.key_id.as_deref();
    let row = usable_for(ctx, key, Use::Signing, ENCAPSULATION, "Encapsulate")?;
    let algorithm = request.encapsulation_algorithm.as_deref();
    row.fits(ENCAPSULATION, algorithm.unwrap_or_default())?;
    unless_dry(request.dry_run)?;
    let pair = key_pairs::of(ctx, &row)?;
    let mut draw = Draw::new(ctx.entropy(), "kms.encapsulation");
    let (mut secret, ciphertext) = pair
        .encapsulate(&mut draw)
        .map_err(|why| key_pairs::unexpected(&row, why))?;
    journal::used(ctx, &row, row.current_material()?, "Encapsulate");
    Ok(Progress::Done(EncapsulateResponse {
        key_id: Some(row.arn.to_string()),
        shared_secret: Some(std::mem::take(&mut *secret)),
        shared_secret_ciphertext_blob: Some(ciphertext),
        encapsulation_algorithm: request.encapsulation_algorithm,
    }))
}

/// Decapsulate: a changed encapsulation of the right length gives another secret (FIPS 203).
pub(crate) fn decapsulate(
    ctx: &mut Ctx<'_>,
    request: DecapsulateRequest,
) -> Result<Progress<DecapsulateResponse>, Refusal> {
    let key = request.key_id.as_deref();
    let row = usable_for(ctx, key, Use::Signing, ENCAPSULATION, "Decapsulate")?;
    let algorithm = request.encapsulation_algorithm.as_deref();
    row.fits(ENCAPSULATION, algorithm.unwrap_or_default())?;
    let pair = key_pairs::of(ctx, &row)?;
    let ciphertext = request.shared_secret_ciphertext_blob.unwrap_or_default();
    let mut secret = pair
        .decapsulate(&ciphertext)
        .map_err(|_| KmsError::InvalidCiphertext)?;
    unless_dry(request.dry_run)?;
    journal::used(ctx, &row, row.current_material()?, "Decapsulate");
    Ok(Progress::Done(DecapsulateResponse {
        key_id: Some(row.arn.to_string()),
        shared_secret: Some(std::mem::take(&mut *secret)),
        encapsulation_algorithm: request.encapsulation_algorithm,
    }))
}
