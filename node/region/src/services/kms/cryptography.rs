//! Encrypt, Decrypt and ReEncrypt.

use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, ReEncryptRequest,
    ReEncryptResponse,
};
use faultline_proto::progress::Progress;
use zeroize::Zeroize as _;

use super::access::missing;
use super::ciphers::{Cipher, Sealed, Sealing, open, seal, unless_dry};
use super::error::KmsError;
use super::resolve::{Accepts, allows, find, usable_for};
use super::specs::KeyUsage;
use super::states::Use;
use crate::context::Ctx;
use crate::refusal::Refusal;

const USAGE: KeyUsage = KeyUsage::EncryptDecrypt;

/// Encrypt.
pub(crate) fn encrypt(
    ctx: &mut Ctx<'_>,
    request: EncryptRequest,
) -> Result<Progress<EncryptResponse>, Refusal> {
    let key = request.key_id.as_deref();
    let row = usable_for(ctx, key, Use::Cryptography, USAGE, "Encrypt")?;
    let cipher = Cipher::read(&row, request.encryption_algorithm.as_deref())?;
    let mut plaintext = request.plaintext.unwrap_or_default();
    cipher.check_context(&request.encryption_context)?;
    cipher.check_length(&row, &plaintext)?;
    unless_dry(request.dry_run)?;
    let with = Sealing {
        row: &row,
        cipher,
        operation: "Encrypt",
        context: &request.encryption_context,
    };
    let blob = seal(ctx, &with, &plaintext);
    plaintext.zeroize();
    Ok(Progress::Done(EncryptResponse {
        ciphertext_blob: Some(blob?),
        key_id: Some(row.arn.to_string()),
        encryption_algorithm: Some(cipher.text().to_owned()),
    }))
}

/// K-090: a dry run that asks about permission alone; the key must be named (K-067).
fn without_ciphertext(
    ctx: &mut Ctx<'_>,
    dry_run: Option<bool>,
    modifiers: &[String],
    key: Option<&str>,
    member: &str,
) -> Result<(), KmsError> {
    if !dry_run.unwrap_or(false) || modifiers.is_empty() {
        return Ok(());
    }
    let key = key.ok_or_else(|| missing(member))?;
    let row = find(ctx, key, Accepts::Aliases)?.present()?;
    allows(&row, Use::Cryptography)?;
    Err(KmsError::DryRun)
}

/// Decrypt.
pub(crate) fn decrypt(
    ctx: &mut Ctx<'_>,
    request: DecryptRequest,
) -> Result<Progress<DecryptResponse>, Refusal> {
    KmsError::recipient(request.recipient.as_ref())?;
    let key = request.key_id.as_deref();
    without_ciphertext(
        ctx,
        request.dry_run,
        &request.dry_run_modifiers,
        key,
        "keyId",
    )?;
    let sealed = Sealed {
        key,
        bytes: request
            .ciphertext_blob
            .as_deref()
            .ok_or_else(|| missing("ciphertextBlob"))?,
        algorithm: request.encryption_algorithm.as_deref(),
        context: &request.encryption_context,
        name: "Decrypt",
        operation: "Decrypt",
    };
    let opened = open(ctx, &sealed)?;
    unless_dry(request.dry_run)?;
    Ok(Progress::Done(DecryptResponse {
        key_id: Some(opened.row.arn.to_string()),
        plaintext: Some(opened.plaintext),
        encryption_algorithm: Some(opened.cipher.text().to_owned()),
        key_material_id: opened.material,
    }))
}

/// ReEncrypt: Decrypt and Encrypt without the plaintext leaving (K-081, K-082).
pub(crate) fn re_encrypt(
    ctx: &mut Ctx<'_>,
    request: ReEncryptRequest,
) -> Result<Progress<ReEncryptResponse>, Refusal> {
    let key = request.source_key_id.as_deref();
    let to = request.destination_key_id.as_deref();
    without_ciphertext(
        ctx,
        request.dry_run,
        &request.dry_run_modifiers,
        key,
        "sourceKeyId",
    )?;
    let sealed = Sealed {
        key,
        bytes: request
            .ciphertext_blob
            .as_deref()
            .ok_or_else(|| missing("ciphertextBlob"))?,
        algorithm: request.source_encryption_algorithm.as_deref(),
        context: &request.source_encryption_context,
        name: "ReEncrypt",
        operation: "ReEncryptFrom",
    };
    let mut opened = open(ctx, &sealed)?;
    let row = usable_for(ctx, to, Use::Cryptography, USAGE, "ReEncrypt")?;
    let cipher = Cipher::read(&row, request.destination_encryption_algorithm.as_deref())?;
    cipher.check_context(&request.destination_encryption_context)?;
    cipher.check_length(&row, &opened.plaintext)?;
    unless_dry(request.dry_run)?;
    let with = Sealing {
        row: &row,
        cipher,
        operation: "ReEncryptTo",
        context: &request.destination_encryption_context,
    };
    let blob = seal(ctx, &with, &opened.plaintext);
    opened.plaintext.zeroize();
    Ok(Progress::Done(ReEncryptResponse {
        ciphertext_blob: Some(blob?),
        source_key_id: Some(opened.row.arn.to_string()),
        key_id: Some(row.arn.to_string()),
        source_encryption_algorithm: Some(opened.cipher.text().to_owned()),
        destination_encryption_algorithm: Some(cipher.text().to_owned()),
        source_key_material_id: opened.material,
        destination_key_material_id: row.shown_material(),
    }))
}
