//! Encrypt, Decrypt, ReEncrypt, GenerateDataKey and GenerateDataKeyWithoutPlaintext.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, GenerateDataKeyRequest,
    GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse, ReEncryptRequest, ReEncryptResponse,
};
use faultline_proto::progress::Progress;
use zeroize::Zeroize as _;

use super::access::missing;
use super::ciphertext::{self, Blob, Maker};
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::{Accepts, allows, by_id, find, usable};
use super::states::Use;
use super::{journal, material};
use crate::context::Ctx;
use crate::refusal::Refusal;

const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

type Pairs = BTreeMap<String, String>;

fn check_algorithm(asked: Option<&str>) -> Result<(), KmsError> {
    match asked {
        None | Some(ALGORITHM) => Ok(()),
        Some(other) => Err(KmsError::WrongAlgorithm(other.to_owned())),
    }
}

/// K-089: everything was checked; only a dry run ends here.
pub(crate) fn unless_dry(dry_run: Option<bool>) -> Result<(), KmsError> {
    if dry_run.unwrap_or(false) {
        Err(KmsError::DryRun)
    } else {
        Ok(())
    }
}

fn seal(
    ctx: &mut Ctx<'_>,
    row: &KeyRow,
    operation: &str,
    context: &Pairs,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let current = row.current_material()?;
    let backing = material::open(ctx, row, current)?;
    let maker = Maker {
        key: row.id.clone(),
        account: row.account.clone(),
        material: current.to_owned(),
    };
    journal::used(ctx, row, current, operation);
    Ok(ciphertext::seal(
        ctx.entropy(),
        &maker,
        &backing,
        context,
        plaintext,
    ))
}

/// An opened ciphertext: its key, the backing key that it names, the bytes.
struct Opened {
    row: Arc<KeyRow>,
    material: String,
    plaintext: Vec<u8>,
}

/// Which key opens `blob`: the one named, which must be the one that made it (K-068, K-069).
fn source_key(
    ctx: &mut Ctx<'_>,
    key: Option<&str>,
    blob: &Blob<'_>,
) -> Result<Arc<KeyRow>, KmsError> {
    let Some(key) = key else {
        return by_id(ctx, blob.maker.account.clone(), &blob.maker.key).present();
    };
    let row = find(ctx, key, Accepts::Aliases)?.present()?;
    allows(&row, Use::Cryptography)?;
    if row.id == blob.maker.key && row.account == blob.maker.account {
        Ok(row)
    } else {
        Err(KmsError::IncorrectKey)
    }
}

fn open(
    ctx: &mut Ctx<'_>,
    key: Option<&str>,
    bytes: &[u8],
    operation: &str,
    context: &Pairs,
) -> Result<Opened, Refusal> {
    let blob = Blob::read(bytes)?;
    let row = source_key(ctx, key, &blob)?;
    allows(&row, Use::Cryptography)?;
    let backing = material::open(ctx, &row, &blob.maker.material)?;
    let plaintext = blob.open(&backing, context)?;
    journal::used(ctx, &row, &blob.maker.material, operation);
    Ok(Opened {
        row,
        material: blob.maker.material,
        plaintext,
    })
}

/// Encrypt.
pub(crate) fn encrypt(
    ctx: &mut Ctx<'_>,
    request: EncryptRequest,
) -> Result<Progress<EncryptResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Aliases,
        Use::Cryptography,
    )?;
    check_algorithm(request.encryption_algorithm.as_deref())?;
    unless_dry(request.dry_run)?;
    let plaintext = request.plaintext.unwrap_or_default();
    let blob = seal(
        ctx,
        &row,
        "Encrypt",
        &request.encryption_context,
        &plaintext,
    )?;
    Ok(Progress::Done(EncryptResponse {
        ciphertext_blob: Some(blob),
        key_id: Some(row.arn.to_string()),
        encryption_algorithm: Some(ALGORITHM.to_owned()),
    }))
}

/// Decrypt.
pub(crate) fn decrypt(
    ctx: &mut Ctx<'_>,
    request: DecryptRequest,
) -> Result<Progress<DecryptResponse>, Refusal> {
    let key = request.key_id.as_deref();
    check_algorithm(request.encryption_algorithm.as_deref())?;
    let bytes = request
        .ciphertext_blob
        .ok_or_else(|| missing("ciphertextBlob"))?;
    let opened = open(ctx, key, &bytes, "Decrypt", &request.encryption_context)?;
    unless_dry(request.dry_run)?;
    Ok(Progress::Done(DecryptResponse {
        key_id: Some(opened.row.arn.to_string()),
        plaintext: Some(opened.plaintext),
        encryption_algorithm: Some(ALGORITHM.to_owned()),
        key_material_id: Some(opened.material),
    }))
}

/// ReEncrypt: Decrypt and Encrypt without the plaintext leaving (K-081, K-082).
pub(crate) fn re_encrypt(
    ctx: &mut Ctx<'_>,
    request: ReEncryptRequest,
) -> Result<Progress<ReEncryptResponse>, Refusal> {
    let destination = request.destination_key_id.as_deref();
    check_algorithm(request.source_encryption_algorithm.as_deref())?;
    check_algorithm(request.destination_encryption_algorithm.as_deref())?;
    let bytes = request
        .ciphertext_blob
        .ok_or_else(|| missing("ciphertextBlob"))?;
    let source = request.source_key_id.as_deref();
    let mut opened = open(
        ctx,
        source,
        &bytes,
        "ReEncryptFrom",
        &request.source_encryption_context,
    )?;
    let to = usable(ctx, destination, Accepts::Aliases, Use::Cryptography)?;
    unless_dry(request.dry_run)?;
    let blob = seal(
        ctx,
        &to,
        "ReEncryptTo",
        &request.destination_encryption_context,
        &opened.plaintext,
    );
    opened.plaintext.zeroize();
    Ok(Progress::Done(ReEncryptResponse {
        ciphertext_blob: Some(blob?),
        source_key_id: Some(opened.row.arn.to_string()),
        key_id: Some(to.arn.to_string()),
        source_encryption_algorithm: Some(ALGORITHM.to_owned()),
        destination_encryption_algorithm: Some(ALGORITHM.to_owned()),
        source_key_material_id: Some(opened.material),
        destination_key_material_id: to.current_material().ok().map(str::to_owned),
    }))
}

/// How long a data key is: exactly one of the two members says it (K-078).
fn data_key_length(spec: Option<&str>, bytes: Option<i32>) -> Result<usize, KmsError> {
    match (spec, bytes) {
        (Some("AES_128"), None) => Ok(16),
        (Some(_), None) => Ok(32),
        (None, Some(bytes)) => Ok(usize::try_from(bytes).unwrap_or_default()),
        _ => Err(KmsError::Validation(
            "Please specify either number of bytes or key spec.".to_owned(),
        )),
    }
}

/// What both forms of GenerateDataKey ask.
struct DataKey<'r> {
    key: Option<&'r str>,
    spec: Option<&'r str>,
    bytes: Option<i32>,
    context: &'r Pairs,
    dry_run: Option<bool>,
    operation: &'static str,
}

/// A data key: the KMS key that wrapped it, its bytes, the blob.
struct Made {
    row: Arc<KeyRow>,
    plaintext: Vec<u8>,
    blob: Vec<u8>,
}

fn data_key(ctx: &mut Ctx<'_>, asked: &DataKey<'_>) -> Result<Made, Refusal> {
    let length = data_key_length(asked.spec, asked.bytes)?;
    let row = usable(ctx, asked.key, Accepts::Aliases, Use::Cryptography)?;
    unless_dry(asked.dry_run)?;
    let mut plaintext = vec![0; length];
    ctx.entropy().fill("kms.data-key", &mut plaintext);
    let blob = seal(ctx, &row, asked.operation, asked.context, &plaintext)?;
    Ok(Made {
        row,
        plaintext,
        blob,
    })
}

/// GenerateDataKey.
pub(crate) fn generate_data_key(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyRequest,
) -> Result<Progress<GenerateDataKeyResponse>, Refusal> {
    let asked = DataKey {
        key: request.key_id.as_deref(),
        spec: request.key_spec.as_deref(),
        bytes: request.number_of_bytes,
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKey",
    };
    let Made {
        row,
        plaintext,
        blob,
    } = data_key(ctx, &asked)?;
    Ok(Progress::Done(GenerateDataKeyResponse {
        ciphertext_blob: Some(blob),
        plaintext: Some(plaintext),
        key_id: Some(row.arn.to_string()),
        key_material_id: row.current_material().ok().map(str::to_owned),
    }))
}

/// GenerateDataKeyWithoutPlaintext (K-079: a permission of its own).
pub(crate) fn generate_data_key_without_plaintext(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<Progress<GenerateDataKeyWithoutPlaintextResponse>, Refusal> {
    let asked = DataKey {
        key: request.key_id.as_deref(),
        spec: request.key_spec.as_deref(),
        bytes: request.number_of_bytes,
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKeyWithoutPlaintext",
    };
    let Made {
        row,
        mut plaintext,
        blob,
    } = data_key(ctx, &asked)?;
    plaintext.zeroize();
    Ok(Progress::Done(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(blob),
        key_id: Some(row.arn.to_string()),
        key_material_id: row.current_material().ok().map(str::to_owned),
    }))
}
