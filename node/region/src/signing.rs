//! Signature Version 4 as far as it needs a secret: the signing key of a scope.
//!
//! Secret access keys are derived, not stored, and leave the Region only in the answer that
//! creates them. An entrance that verifies a signature asks for the key of one day, Region
//! and service instead (SigV4's own derivation); what it holds is worthless elsewhere.

use base64::Engine as _;
use faultline_proto::driving::Credential;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::caller;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::{SecretKey, Vault};

/// What a signature is good for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Day of the signature, `20260102`.
    pub date: String,
    /// Region in the scope, `eu-west-1`.
    pub region: String,
    /// Service in the scope, `kms`.
    pub service: String,
}

/// The key for `scope`, of a credential that would be taken now.
pub(crate) fn key(
    ctx: &mut Ctx<'_>,
    credential: &Credential,
    scope: &Scope,
) -> Result<SecretKey, Refusal> {
    caller::resolve(ctx, Some(credential), std::collections::BTreeMap::new())?;
    let secret = secret_of(&ctx.core.vault, &credential.access_key);
    Ok(derived(&secret, scope))
}

/// The secret half of an access key, forty characters. It is derived from the id under a key
/// that every Region holds, so the entrance can check signatures and no store holds a secret.
pub(crate) fn secret_of(vault: &Vault, access_key: &str) -> Zeroizing<String> {
    let derived = vault
        .session_tokens()
        .derive("secret access key", access_key.as_bytes());
    Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(&derived.expose()[..30]))
}

/// The same for who holds the partition's secret: the operator of a live world.
#[must_use]
pub fn secret_access_key(partition_secret: &[u8], access_key: &str) -> Zeroizing<String> {
    secret_of(&Vault::new(b"", partition_secret), access_key)
}

/// SigV4's chain: date, Region, service, `aws4_request`.
#[must_use]
pub fn derived(secret_access_key: &str, scope: &Scope) -> SecretKey {
    let first = Zeroizing::new(format!("AWS4{secret_access_key}"));
    let mut key = mac(first.as_bytes(), &scope.date);
    for part in [&scope.region, &scope.service, "aws4_request"] {
        key = mac(key.expose(), part);
    }
    key
}

fn mac(key: &[u8], data: &str) -> SecretKey {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .expect("HMAC takes a key of any length");
    mac.update(data.as_bytes());
    SecretKey::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_gives_the_key_of_awss_own_example() {
        let scope = Scope {
            date: "20150830".into(),
            region: "us-east-1".into(),
            service: "iam".into(),
        };
        let key = derived("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", &scope);
        assert_eq!(
            hex::encode(key.expose()),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }
}
