//! Values under KMS, a data key each (SEC-021).
//!
//! ```text
//!   KMS key --wraps--> data key of a version --seals--> its value
//!             SecretARN, SecretVersionId (SEC-020)
//! ```
//!
//! KMS is asked on the caller's behalf. A replica has another ARN, so its ciphertext is another's.

use std::collections::BTreeMap;

use faultline_proto::kms;
use zeroize::Zeroizing;

use super::error::{Error, told};
use super::ids;
use super::keyspaces::{Sealing, SecretRow, Values};
use crate::context::Ctx;
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The version of a question that only asks whether the key may be used (SEC-020).
const ASKING: &str = "RequestToValidateKeyAccess";

/// A value in the clear.
pub struct Value {
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether it is text.
    pub is_text: bool,
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value")
    }
}

impl Value {
    /// The value that a request brings, if it brings one.
    ///
    /// # Errors
    /// InvalidParameterException when it brings two.
    pub fn of(text: Option<String>, binary: Option<Vec<u8>>) -> Result<Option<Self>, Error> {
        match (text, binary) {
            (Some(_), Some(_)) => Err(Error::parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )),
            (Some(text), None) => Ok(Some(Self {
                bytes: Zeroizing::new(text.into_bytes()),
                is_text: true,
            })),
            (None, Some(bytes)) => Ok(Some(Self {
                bytes: Zeroizing::new(bytes),
                is_text: false,
            })),
            (None, None) => Ok(None),
        }
    }

    /// By which every Region knows the value again.
    #[must_use]
    pub fn mark(&self, ctx: &Ctx<'_>) -> [u8; 32] {
        ctx.core
            .vault
            .fingerprint("secretsmanager.value", &self.bytes)
    }

    /// As an answer has it: text, bytes.
    #[must_use]
    pub fn shown(self) -> (Option<String>, Option<Vec<u8>>) {
        if self.is_text {
            let text = String::from_utf8_lossy(&self.bytes).into_owned();
            (Some(text), None)
        } else {
            (None, Some(self.bytes.to_vec()))
        }
    }
}

fn context(arn: &str, version: &str) -> BTreeMap<String, String> {
    let arn = if mutants::is(Mutant::SecretsShareContext) {
        "*"
    } else {
        arn
    };
    BTreeMap::from([
        ("SecretARN".to_owned(), arn.to_owned()),
        ("SecretVersionId".to_owned(), version.to_owned()),
    ])
}

/// The key of a secret as KMS takes it from anybody: an ARN of the secret's account.
#[must_use]
pub fn key_of(ctx: &Ctx<'_>, row: &SecretRow) -> String {
    let resource = match row.key.as_deref() {
        None => "alias/aws/secretsmanager".to_owned(),
        Some(arn) if arn.starts_with("arn:") => return arn.to_owned(),
        Some(alias) if alias.starts_with("alias/") => alias.to_owned(),
        Some(id) => format!("key/{id}"),
    };
    format!("arn:aws:kms:{}:{}:{resource}", ctx.region(), row.account)
}

fn refused(unusable: Error) -> impl FnOnce(Refusal) -> Refusal {
    |refusal| told(refusal, unusable)
}

/// Asks whether the caller may use the key of `row`, when it is set or changed (SEC-020).
///
/// # Errors
/// EncryptionFailure, AccessDeniedException.
pub fn check_key(ctx: &mut Ctx<'_>, row: &SecretRow) -> Result<(), Refusal> {
    let (key, arn) = (key_of(ctx, row), ids::arn(ctx, row));
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(key),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context(&arn, ASKING),
        ..Default::default()
    };
    let made = ctx
        .call("secretsmanager", &request)
        .map_err(refused(Error::Encryption))?;
    let request = kms::DecryptRequest {
        ciphertext_blob: made.ciphertext_blob,
        encryption_context: context(&arn, ASKING),
        ..Default::default()
    };
    ctx.call("secretsmanager", &request)
        .map_err(refused(Error::Encryption))?;
    Ok(())
}

/// Asks whether the caller may encrypt under the key of a new replica (SEC-006).
///
/// # Errors
/// EncryptionFailure, AccessDeniedException.
pub fn check_replica_key(ctx: &mut Ctx<'_>, row: &SecretRow) -> Result<(), Refusal> {
    let (key, arn) = (key_of(ctx, row), ids::arn(ctx, row));
    let request = kms::EncryptRequest {
        key_id: Some(key),
        plaintext: Some(ASKING.as_bytes().to_vec()),
        encryption_context: context(&arn, ASKING),
        ..Default::default()
    };
    ctx.call("secretsmanager", &request)
        .map_err(refused(Error::Encryption))?;
    Ok(())
}

/// A value, sealed under the secret's key for `version`.
///
/// # Errors
/// EncryptionFailure, AccessDeniedException.
pub fn seal(
    ctx: &mut Ctx<'_>,
    row: &SecretRow,
    version: &str,
    value: &Value,
) -> Result<(Sealing, Vec<u8>), Refusal> {
    let (key, arn) = (key_of(ctx, row), ids::arn(ctx, row));
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(key),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context(&arn, version),
        ..Default::default()
    };
    let made = ctx
        .call("secretsmanager", &request)
        .map_err(refused(Error::Encryption))?;
    let plain = Zeroizing::new(made.plaintext.unwrap_or_default());
    let data_key = SecretKey::from_slice(&plain)
        .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))?;
    let nonce = ctx.entropy().bytes("secretsmanager.nonce");
    let sealed = data_key.seal(nonce, &bound(&arn, version), &value.bytes);
    let sealing = Sealing {
        key: made.key_id.unwrap_or_default(),
        data_key: made.ciphertext_blob.unwrap_or_default(),
        is_text: value.is_text,
        mark: value.mark(ctx),
    };
    Ok((sealing, sealed))
}

/// Opens the value of `version` on the caller's behalf.
///
/// # Errors
/// DecryptionFailure, AccessDeniedException (SEC-022).
pub fn open(
    ctx: &mut Ctx<'_>,
    row: &SecretRow,
    version: &str,
    sealing: &Sealing,
) -> Result<Value, Refusal> {
    let arn = ids::arn(ctx, row);
    let request = kms::DecryptRequest {
        key_id: Some(sealing.key.clone()),
        ciphertext_blob: Some(sealing.data_key.clone()),
        encryption_context: context(&arn, version),
        ..Default::default()
    };
    let opened = ctx
        .call("secretsmanager", &request)
        .map_err(refused(Error::Decryption))?;
    let plain = Zeroizing::new(opened.plaintext.unwrap_or_default());
    let sealed = ctx
        .get::<Values>((&row.account, row.name.as_str(), version))
        .unwrap_or_default();
    let bytes = SecretKey::from_slice(&plain)
        .and_then(|key| key.open(&bound(&arn, version), &sealed))
        .ok_or_else(|| Refusal::internal("a sealed value does not open"))?;
    Ok(Value {
        bytes: Zeroizing::new(bytes),
        is_text: sealing.is_text,
    })
}

fn bound(arn: &str, version: &str) -> Vec<u8> {
    format!("{arn}#{version}").into_bytes()
}
