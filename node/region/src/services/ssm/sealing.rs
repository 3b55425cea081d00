//! SecureStrings under KMS.
//!
//! A standard parameter's value goes to KMS itself, which takes 4,096 bytes; an advanced one's
//! is sealed under a data key (SEC-032). Both are bound to the parameter's ARN (SEC-034), so a
//! ciphertext that is carried to another name or Region does not open there. AWS's advanced ones
//! are messages of its Encryption SDK; ours say the same in fewer bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::kms;
use zeroize::Zeroizing;

use super::error::Error;
use super::keyspaces::{Stored, Tier};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The key when none is named (SEC-033).
pub const DEFAULT_KEY: &str = "alias/aws/ssm";

fn context(arn: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("PARAMETER_ARN".to_owned(), arn.to_owned())])
}

/// KMS's refusal in Parameter Store's words (SEC-033); a missing permission stays KMS's.
fn told(refusal: Refusal) -> Refusal {
    let text = format!(
        "{} (Service: AWSKMS; Status Code: 400; Error Code: {})",
        refusal.message, refusal.code
    );
    if refusal.says_key_unusable() {
        return refusal.in_words(Error::Key(text));
    }
    match &*refusal.code {
        "AccessDeniedException" => Refusal {
            message: text,
            ..refusal
        },
        _ => refusal,
    }
}

/// Encrypts a value for the parameter of this ARN.
///
/// # Errors
/// InvalidKeyId, AccessDeniedException.
pub fn seal(
    ctx: &mut Ctx<'_>,
    arn: &str,
    key: &str,
    tier: Tier,
    value: &str,
) -> Result<Stored, Refusal> {
    match tier {
        Tier::Standard => {
            let request = kms::EncryptRequest {
                key_id: Some(key.to_owned()),
                plaintext: Some(value.as_bytes().to_vec()),
                encryption_context: context(arn),
                ..Default::default()
            };
            let made = ctx.call("ssm", &request).map_err(told)?;
            Ok(Stored::Direct {
                key: made.key_id.unwrap_or_default(),
                blob: made.ciphertext_blob.unwrap_or_default(),
            })
        }
        Tier::Advanced => {
            let request = kms::GenerateDataKeyRequest {
                key_id: Some(key.to_owned()),
                key_spec: Some("AES_256".to_owned()),
                encryption_context: context(arn),
                ..Default::default()
            };
            let made = ctx.call("ssm", &request).map_err(told)?;
            let plain = Zeroizing::new(made.plaintext.unwrap_or_default());
            let data_key = SecretKey::from_slice(&plain)
                .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))?;
            let nonce = ctx.entropy().bytes("ssm.nonce");
            Ok(Stored::Envelope {
                key: made.key_id.unwrap_or_default(),
                data_key: made.ciphertext_blob.unwrap_or_default(),
                sealed: data_key.seal(nonce, arn.as_bytes(), value.as_bytes()),
            })
        }
    }
}

/// A value as an answer has it: a SecureString in the clear only when it was asked for (SEC-035).
///
/// # Errors
/// InvalidKeyId, AccessDeniedException.
pub fn shown(
    ctx: &mut Ctx<'_>,
    arn: &str,
    stored: &Stored,
    decrypt: bool,
) -> Result<String, Refusal> {
    match stored {
        Stored::Clear(text) => Ok(text.clone()),
        Stored::Direct { blob, .. } if !decrypt => Ok(STANDARD.encode(blob)),
        Stored::Envelope {
            data_key, sealed, ..
        } if !decrypt => {
            let length = u32::try_from(data_key.len()).unwrap_or(u32::MAX);
            let message = [&length.to_be_bytes()[..], data_key, sealed].concat();
            Ok(STANDARD.encode(message))
        }
        Stored::Direct { key, blob } => {
            let plain = open(ctx, arn, key, blob)?;
            Ok(String::from_utf8_lossy(&plain).into_owned())
        }
        Stored::Envelope {
            key,
            data_key,
            sealed,
        } => {
            let plain = open(ctx, arn, key, data_key)?;
            let opened = SecretKey::from_slice(&plain)
                .and_then(|key| key.open(arn.as_bytes(), sealed))
                .ok_or_else(|| Refusal::internal("a sealed value does not open"))?;
            Ok(String::from_utf8_lossy(&Zeroizing::new(opened)).into_owned())
        }
    }
}

fn open(
    ctx: &mut Ctx<'_>,
    arn: &str,
    key: &str,
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let request = kms::DecryptRequest {
        key_id: Some(key.to_owned()),
        ciphertext_blob: Some(blob.to_vec()),
        encryption_context: context(arn),
        ..Default::default()
    };
    let opened = ctx.call("ssm", &request).map_err(told)?;
    Ok(Zeroizing::new(opened.plaintext.unwrap_or_default()))
}
