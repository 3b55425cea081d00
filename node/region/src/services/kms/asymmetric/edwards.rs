//! Ed25519 and Ed25519ph.

use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _};
use sha2::{Digest as _, Sha512};

use super::{Draw, Failure, Family, Secret, Signable, Signing};

pub(super) struct Edwards(SigningKey);

pub(super) fn generate(draw: &mut Draw) -> Edwards {
    let mut seed = [0; 32];
    draw.fill(&mut seed);
    Edwards(SigningKey::from_bytes(&seed))
}

pub(super) fn from_pkcs8(der: &[u8]) -> Option<Edwards> {
    SigningKey::from_pkcs8_der(der).ok().map(Edwards)
}

fn whole(message: &Signable) -> Result<&[u8], Failure> {
    match message {
        Signable::Whole(message) => Ok(message),
        Signable::Digest(_) | Signable::Mu(_) => Err(Failure::Unfit),
    }
}

impl Family for Edwards {
    fn pkcs8(&self) -> Option<Secret> {
        // Without the public key, which not every reader of PKCS#8 accepts there.
        let bytes = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        Some(Secret::new(bytes.to_pkcs8_der().ok()?.as_bytes().to_vec()))
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        Some(self.0.verifying_key().to_public_key_der().ok()?.into_vec())
    }

    fn sign(
        &self,
        algorithm: Signing,
        message: &Signable,
        _: &mut Draw,
    ) -> Result<Vec<u8>, Failure> {
        let message = whole(message)?;
        let signature = match algorithm {
            Signing::Ed25519 => self.0.try_sign(message),
            Signing::Ed25519Ph => self
                .0
                .sign_prehashed(Sha512::new_with_prefix(message), None),
            _ => return Err(Failure::Unfit),
        };
        Ok(signature.map_err(|_| Failure::Invalid)?.to_vec())
    }

    fn verify(
        &self,
        algorithm: Signing,
        message: &Signable,
        signature: &[u8],
    ) -> Result<(), Failure> {
        let (key, message) = (self.0.verifying_key(), whole(message)?);
        let signature = Signature::from_slice(signature).map_err(|_| Failure::Invalid)?;
        let verified = match algorithm {
            Signing::Ed25519 => key.verify(message, &signature),
            Signing::Ed25519Ph => {
                key.verify_prehashed(Sha512::new_with_prefix(message), None, &signature)
            }
            _ => return Err(Failure::Unfit),
        };
        verified.map_err(|_| Failure::Invalid)
    }
}
