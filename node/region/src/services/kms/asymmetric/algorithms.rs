//! Names of key pair specs and of algorithms, and what an algorithm signs. Which spec has which
//! algorithm, `specs` knows (K-012).

use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A kind of key pair: of a KMS key, or of a data key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PairSpec {
    /// RSA with a 2,048-bit modulus.
    Rsa2048,
    /// RSA with a 3,072-bit modulus.
    Rsa3072,
    /// RSA with a 4,096-bit modulus.
    Rsa4096,
    /// NIST P-256.
    NistP256,
    /// NIST P-384.
    NistP384,
    /// NIST P-521.
    NistP521,
    /// secp256k1.
    SecgP256k1,
    /// Edwards25519.
    Edwards25519,
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
    /// ML-KEM-512.
    MlKem512,
    /// ML-KEM-768.
    MlKem768,
    /// ML-KEM-1024.
    MlKem1024,
}

use PairSpec::{
    Edwards25519, MlDsa44, MlDsa65, MlDsa87, MlKem512, MlKem768, MlKem1024, NistP256, NistP384,
    NistP521, Rsa2048, Rsa3072, Rsa4096, SecgP256k1,
};

const PAIRS: [(PairSpec, &str); 14] = [
    (Rsa2048, "RSA_2048"),
    (Rsa3072, "RSA_3072"),
    (Rsa4096, "RSA_4096"),
    (NistP256, "ECC_NIST_P256"),
    (NistP384, "ECC_NIST_P384"),
    (NistP521, "ECC_NIST_P521"),
    (SecgP256k1, "ECC_SECG_P256K1"),
    (Edwards25519, "ECC_NIST_EDWARDS25519"),
    (MlDsa44, "ML_DSA_44"),
    (MlDsa65, "ML_DSA_65"),
    (MlDsa87, "ML_DSA_87"),
    (MlKem512, "ML_KEM_512"),
    (MlKem768, "ML_KEM_768"),
    (MlKem1024, "ML_KEM_1024"),
];

impl PairSpec {
    /// The spec that AWS calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = PAIRS.iter().find(|(_, known)| *known == name);
        found.map(|(spec, _)| *spec)
    }

    /// AWS's name.
    pub(crate) fn text(self) -> &'static str {
        let found = PAIRS.iter().find(|(spec, _)| *spec == self);
        found.map_or("", |(_, name)| name)
    }

    /// Bits of an RSA modulus; `None` for the others.
    pub(crate) fn modulus(self) -> Option<usize> {
        match self {
            Rsa2048 => Some(2048),
            Rsa3072 => Some(3072),
            Rsa4096 => Some(4096),
            NistP256 | NistP384 | NistP521 | SecgP256k1 | Edwards25519 | MlDsa44 | MlDsa65
            | MlDsa87 | MlKem512 | MlKem768 | MlKem1024 => None,
        }
    }
}

/// A hash function of a signing or encryption algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A signing algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    /// RSASSA_PSS; the salt is as long as the digest.
    Pss(Hash),
    /// RSASSA_PKCS1_V1_5.
    Pkcs1(Hash),
    /// ECDSA.
    Ecdsa(Hash),
    /// ED25519_SHA_512.
    Ed25519,
    /// ED25519_PH_SHA_512.
    Ed25519Ph,
    /// ML_DSA_SHAKE_256.
    MlDsa,
}

const SIGNING: [(Signing, &str); 12] = [
    (Signing::Pss(Hash::Sha256), "RSASSA_PSS_SHA_256"),
    (Signing::Pss(Hash::Sha384), "RSASSA_PSS_SHA_384"),
    (Signing::Pss(Hash::Sha512), "RSASSA_PSS_SHA_512"),
    (Signing::Pkcs1(Hash::Sha256), "RSASSA_PKCS1_V1_5_SHA_256"),
    (Signing::Pkcs1(Hash::Sha384), "RSASSA_PKCS1_V1_5_SHA_384"),
    (Signing::Pkcs1(Hash::Sha512), "RSASSA_PKCS1_V1_5_SHA_512"),
    (Signing::Ecdsa(Hash::Sha256), "ECDSA_SHA_256"),
    (Signing::Ecdsa(Hash::Sha384), "ECDSA_SHA_384"),
    (Signing::Ecdsa(Hash::Sha512), "ECDSA_SHA_512"),
    (Signing::Ed25519, "ED25519_SHA_512"),
    (Signing::Ed25519Ph, "ED25519_PH_SHA_512"),
    (Signing::MlDsa, "ML_DSA_SHAKE_256"),
];

/// What is wrong with a message for an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadMessage {
    /// The algorithm does not take this MessageType.
    Type,
    /// A digest of another length than the algorithm's.
    Length,
}

/// A message in the form that an algorithm signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signable {
    /// Hashed already.
    Digest(Vec<u8>),
    /// To be hashed by the algorithm itself.
    Whole(Vec<u8>),
    /// The representative that ML-DSA computes of public key and message (FIPS 204, 6.2).
    Mu([u8; 64]),
}

impl Signing {
    /// The algorithm that AWS calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = SIGNING.iter().find(|(_, known)| *known == name);
        found.map(|(algorithm, _)| *algorithm)
    }

    /// The message as `message_type` says it is (K-085); `None` means RAW.
    pub(crate) fn take(
        self,
        message_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<Signable, BadMessage> {
        let digest = |hash: Hash| {
            let fits = bytes.len() == hash.length();
            fits.then(|| bytes.to_vec()).ok_or(BadMessage::Length)
        };
        match (self, message_type.unwrap_or("RAW")) {
            (Self::Pss(hash) | Self::Pkcs1(hash) | Self::Ecdsa(hash), "RAW") => {
                Ok(Signable::Digest(hash.of(bytes)))
            }
            (Self::Pss(hash) | Self::Pkcs1(hash) | Self::Ecdsa(hash), "DIGEST") => {
                Ok(Signable::Digest(digest(hash)?))
            }
            (Self::Ed25519 | Self::MlDsa, "RAW") => Ok(Signable::Whole(bytes.to_vec())),
            // KMS hashes the digest once more, as Ed25519ph does with any message.
            (Self::Ed25519Ph, "DIGEST") => Ok(Signable::Whole(digest(Hash::Sha512)?)),
            (Self::MlDsa, "EXTERNAL_MU") => {
                let mu = bytes.try_into().map_err(|_| BadMessage::Length)?;
                Ok(Signable::Mu(mu))
            }
            _ => Err(BadMessage::Type),
        }
    }
}

/// RSAES_OAEP with its hash function, also that of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oaep {
    /// RSAES_OAEP_SHA_1.
    Sha1,
    /// RSAES_OAEP_SHA_256.
    Sha256,
}

impl Oaep {
    /// The algorithm that AWS calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "RSAES_OAEP_SHA_1" => Some(Self::Sha1),
            "RSAES_OAEP_SHA_256" => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The most bytes that a modulus of `bits` can carry (K-059).
    pub(crate) fn most(self, bits: usize) -> usize {
        let digest = match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        };
        bits / 8 - 2 * digest - 2
    }
}
