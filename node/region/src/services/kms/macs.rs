//! GenerateMac and VerifyMac: HMAC of RFC 2104, the message as it is (K-083, K-084).

use std::sync::Arc;

use faultline_proto::kms::{
    GenerateMacRequest, GenerateMacResponse, VerifyMacRequest, VerifyMacResponse,
};
use faultline_proto::progress::Progress;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

use super::ciphers::unless_dry;
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::usable_for;
use super::specs::{KeySpec, KeyUsage};
use super::states::Use;
use super::{journal, material};
use crate::context::Ctx;
use crate::refusal::Refusal;

fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The HMAC of `message` under `key`, with the hash of the key's spec; of other specs, nothing.
pub(crate) fn compute(spec: KeySpec, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    Some(match spec {
        KeySpec::Hmac224 => hmac::<Hmac<Sha224>>(key, message),
        KeySpec::Hmac256 => hmac::<Hmac<Sha256>>(key, message),
        KeySpec::Hmac384 => hmac::<Hmac<Sha384>>(key, message),
        KeySpec::Hmac512 => hmac::<Hmac<Sha512>>(key, message),
        _ => return None,
    })
}

fn key(
    ctx: &mut Ctx<'_>,
    key: Option<&str>,
    algorithm: Option<&str>,
    operation: &'static str,
) -> Result<Arc<KeyRow>, KmsError> {
    let usage = KeyUsage::GenerateVerifyMac;
    let row = usable_for(ctx, key, Use::Signing, usage, operation)?;
    row.fits(usage, algorithm.unwrap_or_default())?;
    Ok(row)
}

fn mac(ctx: &mut Ctx<'_>, row: &KeyRow, message: &[u8]) -> Result<Vec<u8>, Refusal> {
    let secret = material::secret(ctx, row, row.current_material()?)?;
    compute(row.kind.spec, &secret, message)
        .ok_or_else(|| Refusal::internal(format!("{} is no HMAC key", row.arn)))
}

/// GenerateMac.
pub(crate) fn generate(
    ctx: &mut Ctx<'_>,
    request: GenerateMacRequest,
) -> Result<Progress<GenerateMacResponse>, Refusal> {
    let algorithm = request.mac_algorithm.as_deref();
    let row = key(ctx, request.key_id.as_deref(), algorithm, "GenerateMac")?;
    unless_dry(request.dry_run)?;
    let mac = mac(ctx, &row, &request.message.unwrap_or_default())?;
    journal::used(ctx, &row, row.current_material()?, "GenerateMac");
    Ok(Progress::Done(GenerateMacResponse {
        mac: Some(mac),
        mac_algorithm: request.mac_algorithm,
        key_id: Some(row.arn.to_string()),
    }))
}

/// VerifyMac: another HMAC is an error, never `false`.
pub(crate) fn verify(
    ctx: &mut Ctx<'_>,
    request: VerifyMacRequest,
) -> Result<Progress<VerifyMacResponse>, Refusal> {
    let algorithm = request.mac_algorithm.as_deref();
    let row = key(ctx, request.key_id.as_deref(), algorithm, "VerifyMac")?;
    let mac = mac(ctx, &row, &request.message.unwrap_or_default())?;
    let given = request.mac.unwrap_or_default();
    if !bool::from(mac.ct_eq(&given)) {
        return Err(KmsError::InvalidMac.into());
    }
    unless_dry(request.dry_run)?;
    journal::used(ctx, &row, row.current_material()?, "VerifyMac");
    Ok(Progress::Done(VerifyMacResponse {
        key_id: Some(row.arn.to_string()),
        mac_valid: Some(true),
        mac_algorithm: request.mac_algorithm,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2: key "Jefe".
    #[test]
    fn k_083_hmac_of_rfc_4231() {
        let mac = |spec| {
            let mac = compute(spec, b"Jefe", b"what do ya want for nothing?");
            hex::encode(mac.expect("an HMAC key"))
        };
        let want = "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44";
        assert_eq!(mac(KeySpec::Hmac224), want);
        let want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(mac(KeySpec::Hmac256), want);
        let want = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                    8e2240ca5e69e2c78b3239ecfab21649";
        assert_eq!(mac(KeySpec::Hmac384), want);
        let want = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                    9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
        assert_eq!(mac(KeySpec::Hmac512), want);
        assert_eq!(compute(KeySpec::Rsa2048, b"Jefe", b""), None);
    }
}
