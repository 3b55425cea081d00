//! Sign and Verify (K-085, K-086).

use std::sync::Arc;

use faultline_proto::kms::{SignRequest, SignResponse, VerifyRequest, VerifyResponse};
use faultline_proto::progress::Progress;

use super::asymmetric::{BadMessage, Draw, Signable, Signing};
use super::ciphers::unless_dry;
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::usable_for;
use super::specs::KeyUsage;
use super::states::Use;
use super::{journal, key_pairs};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// What both ask.
struct Asked<'r> {
    key: Option<&'r str>,
    algorithm: Option<&'r str>,
    message: Option<&'r [u8]>,
    message_type: Option<&'r str>,
    operation: &'static str,
}

/// The key, the algorithm and the message in the form that it signs.
fn prepare(
    ctx: &mut Ctx<'_>,
    asked: &Asked<'_>,
) -> Result<(Arc<KeyRow>, Signing, Signable), KmsError> {
    let usage = KeyUsage::SignVerify;
    let row = usable_for(ctx, asked.key, Use::Signing, usage, asked.operation)?;
    let name = asked.algorithm.unwrap_or_default();
    row.fits(usage, name)?;
    let algorithm = Signing::named(name);
    let algorithm = algorithm.ok_or_else(|| row.unfit(name))?;
    let message = asked.message.unwrap_or_default();
    let message = algorithm
        .take(asked.message_type, message)
        .map_err(|why| match why {
            BadMessage::Length => KmsError::DigestLength(name.to_owned()),
            BadMessage::Type => KmsError::MessageType {
                message_type: asked.message_type.unwrap_or("RAW").to_owned(),
                algorithm: name.to_owned(),
            },
        })?;
    Ok((row, algorithm, message))
}

/// Sign.
pub(crate) fn sign(
    ctx: &mut Ctx<'_>,
    request: SignRequest,
) -> Result<Progress<SignResponse>, Refusal> {
    let asked = Asked {
        key: request.key_id.as_deref(),
        algorithm: request.signing_algorithm.as_deref(),
        message: request.message.as_deref(),
        message_type: request.message_type.as_deref(),
        operation: "Sign",
    };
    let (row, algorithm, message) = prepare(ctx, &asked)?;
    unless_dry(request.dry_run)?;
    let pair = key_pairs::of(ctx, &row)?;
    let mut draw = Draw::new(ctx.entropy(), "kms.signature");
    let signature = pair
        .sign(algorithm, &message, &mut draw)
        .map_err(|why| key_pairs::unexpected(&row, why))?;
    journal::used(ctx, &row, row.current_material()?, "Sign");
    Ok(Progress::Done(SignResponse {
        key_id: Some(row.arn.to_string()),
        signature: Some(signature),
        signing_algorithm: request.signing_algorithm,
    }))
}

/// Verify: a signature that is not of this message and key is an error, never `false`.
pub(crate) fn verify(
    ctx: &mut Ctx<'_>,
    request: VerifyRequest,
) -> Result<Progress<VerifyResponse>, Refusal> {
    let asked = Asked {
        key: request.key_id.as_deref(),
        algorithm: request.signing_algorithm.as_deref(),
        message: request.message.as_deref(),
        message_type: request.message_type.as_deref(),
        operation: "Verify",
    };
    let (row, algorithm, message) = prepare(ctx, &asked)?;
    let pair = key_pairs::of(ctx, &row)?;
    let signature = request.signature.unwrap_or_default();
    pair.verify(algorithm, &message, &signature)
        .map_err(|_| KmsError::InvalidSignature)?;
    unless_dry(request.dry_run)?;
    journal::used(ctx, &row, row.current_material()?, "Verify");
    Ok(Progress::Done(VerifyResponse {
        key_id: Some(row.arn.to_string()),
        signature_valid: Some(true),
        signing_algorithm: request.signing_algorithm,
    }))
}
