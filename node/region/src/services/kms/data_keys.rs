//! Data keys and data key pairs: made here, kept nowhere (K-079).

use std::sync::Arc;

use faultline_proto::kms::{
    GenerateDataKeyPairRequest, GenerateDataKeyPairResponse,
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse,
};
use faultline_proto::progress::Progress;

use super::asymmetric::{Draw, KeyPair, PairSpec, Secret};
use super::ciphers::{Cipher, Pairs, Sealing, seal, unless_dry};
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::usable_for;
use super::specs::KeyUsage;
use super::states::Use;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// What all of them ask.
struct Asked<'r> {
    key: Option<&'r str>,
    context: &'r Pairs,
    dry_run: Option<bool>,
    operation: &'static str,
}

/// The symmetric key that is to wrap (K-078, K-080).
fn wrapping(ctx: &mut Ctx<'_>, asked: &Asked<'_>) -> Result<Arc<KeyRow>, KmsError> {
    let usage = KeyUsage::EncryptDecrypt;
    let row = usable_for(ctx, asked.key, Use::Cryptography, usage, asked.operation)?;
    Cipher::read(&row, None)?;
    unless_dry(asked.dry_run)?;
    Ok(row)
}

fn wrap(
    ctx: &mut Ctx<'_>,
    asked: &Asked<'_>,
    row: &KeyRow,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let with = Sealing {
        row,
        cipher: Cipher::Symmetric,
        operation: asked.operation,
        context: asked.context,
    };
    seal(ctx, &with, plaintext)
}

/// How long a data key is: exactly one of the two members says it (K-078).
fn length(spec: Option<&str>, bytes: Option<i32>) -> Result<usize, KmsError> {
    match (spec, bytes) {
        (Some("AES_128"), None) => Ok(16),
        (Some(_), None) => Ok(32),
        (None, Some(bytes)) => Ok(usize::try_from(bytes).unwrap_or_default()),
        _ => Err(KmsError::Validation(
            "Please specify either number of bytes or key spec.".to_owned(),
        )),
    }
}

/// A data key: the KMS key that wrapped it, its bytes, the blob.
struct Made {
    row: Arc<KeyRow>,
    plaintext: Secret,
    blob: Vec<u8>,
}

fn data_key(ctx: &mut Ctx<'_>, asked: &Asked<'_>, length: usize) -> Result<Made, Refusal> {
    let row = wrapping(ctx, asked)?;
    let mut plaintext = Secret::new(vec![0; length]);
    ctx.entropy().fill("kms.data-key", &mut plaintext);
    let blob = wrap(ctx, asked, &row, &plaintext)?;
    Ok(Made {
        row,
        plaintext,
        blob,
    })
}

/// GenerateDataKey.
pub(crate) fn generate(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyRequest,
) -> Result<Progress<GenerateDataKeyResponse>, Refusal> {
    KmsError::recipient(request.recipient.as_ref())?;
    let asked = Asked {
        key: request.key_id.as_deref(),
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKey",
    };
    let length = length(request.key_spec.as_deref(), request.number_of_bytes)?;
    let mut made = data_key(ctx, &asked, length)?;
    Ok(Progress::Done(GenerateDataKeyResponse {
        ciphertext_blob: Some(made.blob),
        plaintext: Some(std::mem::take(&mut *made.plaintext)),
        key_id: Some(made.row.arn.to_string()),
        key_material_id: made.row.shown_material(),
    }))
}

/// GenerateDataKeyWithoutPlaintext (K-079: a permission of its own).
pub(crate) fn generate_without_plaintext(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<Progress<GenerateDataKeyWithoutPlaintextResponse>, Refusal> {
    let asked = Asked {
        key: request.key_id.as_deref(),
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKeyWithoutPlaintext",
    };
    let length = length(request.key_spec.as_deref(), request.number_of_bytes)?;
    let made = data_key(ctx, &asked, length)?;
    Ok(Progress::Done(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(made.blob),
        key_id: Some(made.row.arn.to_string()),
        key_material_id: made.row.shown_material(),
    }))
}

/// A data key pair: the KMS key that wrapped it, the pair, the private key and its blob.
struct MadePair {
    row: Arc<KeyRow>,
    spec: PairSpec,
    public_key: Vec<u8>,
    private_key: Secret,
    blob: Vec<u8>,
}

fn data_key_pair(
    ctx: &mut Ctx<'_>,
    asked: &Asked<'_>,
    spec: Option<&str>,
) -> Result<MadePair, Refusal> {
    let name = spec.unwrap_or_default();
    let spec = PairSpec::named(name);
    let spec = spec.ok_or_else(|| KmsError::NotBuilt(format!("KeyPairSpec {name}")))?;
    let row = wrapping(ctx, asked)?;
    let pair = KeyPair::generate(spec, &mut Draw::new(ctx.entropy(), "kms.data-key-pair"));
    let private_key = pair.pkcs8();
    let blob = wrap(ctx, asked, &row, &private_key)?;
    Ok(MadePair {
        row,
        spec,
        public_key: pair.public_key(),
        private_key,
        blob,
    })
}

/// GenerateDataKeyPair (K-080).
pub(crate) fn generate_pair(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyPairRequest,
) -> Result<Progress<GenerateDataKeyPairResponse>, Refusal> {
    KmsError::recipient(request.recipient.as_ref())?;
    let asked = Asked {
        key: request.key_id.as_deref(),
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKeyPair",
    };
    let mut made = data_key_pair(ctx, &asked, request.key_pair_spec.as_deref())?;
    Ok(Progress::Done(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Some(made.blob),
        private_key_plaintext: Some(std::mem::take(&mut *made.private_key)),
        public_key: Some(made.public_key),
        key_id: Some(made.row.arn.to_string()),
        key_pair_spec: Some(made.spec.text().to_owned()),
        key_material_id: made.row.shown_material(),
    }))
}

/// GenerateDataKeyPairWithoutPlaintext (K-305: a permission of its own).
pub(crate) fn generate_pair_without_plaintext(
    ctx: &mut Ctx<'_>,
    request: GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<Progress<GenerateDataKeyPairWithoutPlaintextResponse>, Refusal> {
    let asked = Asked {
        key: request.key_id.as_deref(),
        context: &request.encryption_context,
        dry_run: request.dry_run,
        operation: "GenerateDataKeyPairWithoutPlaintext",
    };
    let made = data_key_pair(ctx, &asked, request.key_pair_spec.as_deref())?;
    Ok(Progress::Done(
        GenerateDataKeyPairWithoutPlaintextResponse {
            private_key_ciphertext_blob: Some(made.blob),
            public_key: Some(made.public_key),
            key_id: Some(made.row.arn.to_string()),
            key_pair_spec: Some(made.spec.text().to_owned()),
            key_material_id: made.row.shown_material(),
        },
    ))
}
