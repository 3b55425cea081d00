//! The NIST curves and secp256k1: ECDSA with DER signatures, and ECDH.

use p256::ecdsa::signature::hazmat::{PrehashVerifier as _, RandomizedPrehashSigner as _};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
};

use super::{Draw, Failure, Family, Secret, Signable, Signing};

macro_rules! curve {
    ($name:ident over $crate_name:ident) => {
        pub(super) struct $name($crate_name::SecretKey);

        impl $name {
            pub(super) fn generate(draw: &mut Draw) -> Self {
                Self($crate_name::SecretKey::generate_from_rng(draw))
            }

            pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
                $crate_name::SecretKey::from_pkcs8_der(der).ok().map(Self)
            }
        }

        impl Family for $name {
            fn pkcs8(&self) -> Option<Secret> {
                Some(Secret::new(self.0.to_pkcs8_der().ok()?.as_bytes().to_vec()))
            }

            fn public_key(&self) -> Option<Vec<u8>> {
                Some(self.0.public_key().to_public_key_der().ok()?.into_vec())
            }

            fn sign(
                &self,
                _: Signing,
                message: &Signable,
                draw: &mut Draw,
            ) -> Result<Vec<u8>, Failure> {
                let Signable::Digest(digest) = message else {
                    return Err(Failure::Unfit);
                };
                let key = $crate_name::ecdsa::SigningKey::from(&self.0);
                let signature: $crate_name::ecdsa::Signature = key
                    .sign_prehash_with_rng(draw, digest)
                    .map_err(|_| Failure::Invalid)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }

            fn verify(
                &self,
                _: Signing,
                message: &Signable,
                signature: &[u8],
            ) -> Result<(), Failure> {
                let Signable::Digest(digest) = message else {
                    return Err(Failure::Unfit);
                };
                let key = $crate_name::ecdsa::VerifyingKey::from(self.0.public_key());
                $crate_name::ecdsa::Signature::from_der(signature)
                    // The library takes one of the two forms of a secp256k1 signature only.
                    .map(|signature| signature.normalize_s())
                    .and_then(|signature| key.verify_prehash(digest, &signature))
                    .map_err(|_| Failure::Invalid)
            }

            fn agree(&self, peer: &[u8]) -> Result<Secret, Failure> {
                let peer = $crate_name::PublicKey::from_public_key_der(peer)
                    .map_err(|_| Failure::Invalid)?;
                let shared =
                    $crate_name::ecdh::diffie_hellman(self.0.to_nonzero_scalar(), peer.as_affine());
                Ok(Secret::new(shared.raw_secret_bytes().to_vec()))
            }
        }
    };
}

curve!(P256 over p256);
curve!(P384 over p384);
curve!(P521 over p521);
curve!(K256 over k256);
