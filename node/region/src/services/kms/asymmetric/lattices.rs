//! ML-DSA (FIPS 204) signatures and ML-KEM (FIPS 203) encapsulation. Private keys are seeds.

use ml_dsa::signature::Keypair as _;
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use ml_kem::{Decapsulate as _, Encapsulate as _, MlKem512, MlKem768, MlKem1024};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};

use super::{Draw, Failure, Family, Secret, Signable, Signing};

macro_rules! signatures {
    ($name:ident over $parameters:ident) => {
        pub(super) struct $name(ml_dsa::SigningKey<$parameters>);

        impl $name {
            pub(super) fn generate(draw: &mut Draw) -> Self {
                let mut seed = ml_dsa::Seed::default();
                draw.fill(&mut seed);
                Self(ml_dsa::SigningKey::from_seed(&seed))
            }

            pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
                ml_dsa::SigningKey::from_pkcs8_der(der).ok().map(Self)
            }
        }

        impl Family for $name {
            fn pkcs8(&self) -> Option<Secret> {
                Some(Secret::new(self.0.to_pkcs8_der().ok()?.as_bytes().to_vec()))
            }

            fn public_key(&self) -> Option<Vec<u8>> {
                Some(self.0.verifying_key().to_public_key_der().ok()?.into_vec())
            }

            fn sign(
                &self,
                _: Signing,
                message: &Signable,
                draw: &mut Draw,
            ) -> Result<Vec<u8>, Failure> {
                let key = self.0.expanded_key();
                let signature = match message {
                    Signable::Whole(message) => key.sign_randomized(message, &[], draw),
                    Signable::Mu(mu) => key.sign_mu_randomized(&(*mu).into(), draw),
                    Signable::Digest(_) => return Err(Failure::Unfit),
                };
                Ok(signature.map_err(|_| Failure::Invalid)?.encode().to_vec())
            }

            fn verify(
                &self,
                _: Signing,
                message: &Signable,
                signature: &[u8],
            ) -> Result<(), Failure> {
                let signature = ml_dsa::Signature::<$parameters>::try_from(signature)
                    .map_err(|_| Failure::Invalid)?;
                let key = self.0.verifying_key();
                let valid = match message {
                    Signable::Whole(message) => key.verify_with_context(message, &[], &signature),
                    Signable::Mu(mu) => key.verify_mu(&(*mu).into(), &signature),
                    Signable::Digest(_) => return Err(Failure::Unfit),
                };
                valid.then_some(()).ok_or(Failure::Invalid)
            }
        }
    };
}

signatures!(Dsa44 over MlDsa44);
signatures!(Dsa65 over MlDsa65);
signatures!(Dsa87 over MlDsa87);

macro_rules! encapsulation {
    ($name:ident over $parameters:ident) => {
        pub(super) struct $name(ml_kem::DecapsulationKey<$parameters>);

        impl $name {
            pub(super) fn generate(draw: &mut Draw) -> Self {
                let mut seed = ml_kem::Seed::default();
                draw.fill(&mut seed);
                Self(ml_kem::DecapsulationKey::from_seed(seed))
            }

            pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
                ml_kem::DecapsulationKey::from_pkcs8_der(der).ok().map(Self)
            }
        }

        impl Family for $name {
            fn pkcs8(&self) -> Option<Secret> {
                Some(Secret::new(self.0.to_pkcs8_der().ok()?.as_bytes().to_vec()))
            }

            fn public_key(&self) -> Option<Vec<u8>> {
                let key = self.0.encapsulation_key();
                Some(key.to_public_key_der().ok()?.into_vec())
            }

            fn encapsulate(&self, draw: &mut Draw) -> Result<(Secret, Vec<u8>), Failure> {
                let (ciphertext, secret) = self.0.encapsulation_key().encapsulate_with_rng(draw);
                Ok((Secret::new(secret.to_vec()), ciphertext.to_vec()))
            }

            fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Failure> {
                let ciphertext = ciphertext.try_into().map_err(|_| Failure::Invalid)?;
                Ok(Secret::new(self.0.decapsulate(&ciphertext).to_vec()))
            }
        }
    };
}

encapsulation!(Kem512 over MlKem512);
encapsulation!(Kem768 over MlKem768);
encapsulation!(Kem1024 over MlKem1024);
