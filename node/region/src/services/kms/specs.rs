//! What kinds of key there are: spec, usage and origin, and what goes together (K-009 to K-016).
//!
//! The names are AWS's. All of them are known, so that a request for one that is not built is
//! refused by name and not as a misspelling.

use serde::{Deserialize, Serialize};

use super::error::KmsError;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// AWS's word for it.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What AWS's word stands for; the definition has refused all other words.
            pub(crate) fn read(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// The type of a key's material. Stored by position: new ones go to the end.
    KeySpec {
        /// AES-256-GCM (K-010).
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        /// RSA, 2,048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3,072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4,096 bits.
        Rsa4096 = "RSA_4096",
        /// NIST P-256.
        P256 = "ECC_NIST_P256",
        /// NIST P-384.
        P384 = "ECC_NIST_P384",
        /// NIST P-521.
        P521 = "ECC_NIST_P521",
        /// secp256k1.
        Secp256k1 = "ECC_SECG_P256K1",
        /// Ed25519.
        Ed25519 = "ECC_NIST_EDWARDS25519",
        /// HMAC with SHA-224.
        Hmac224 = "HMAC_224",
        /// HMAC with SHA-256.
        Hmac256 = "HMAC_256",
        /// HMAC with SHA-384.
        Hmac384 = "HMAC_384",
        /// HMAC with SHA-512.
        Hmac512 = "HMAC_512",
        /// ML-DSA-44.
        MlDsa44 = "ML_DSA_44",
        /// ML-DSA-65.
        MlDsa65 = "ML_DSA_65",
        /// ML-DSA-87.
        MlDsa87 = "ML_DSA_87",
        /// ML-KEM-512.
        MlKem512 = "ML_KEM_512",
        /// ML-KEM-768.
        MlKem768 = "ML_KEM_768",
        /// ML-KEM-1024.
        MlKem1024 = "ML_KEM_1024",
        /// SM2, China Regions only.
        Sm2 = "SM2",
    }
}

names! {
    /// What a key is for; one usage a key (K-011).
    KeyUsage {
        /// Encrypt, Decrypt, data keys.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        /// Sign, Verify.
        SignVerify = "SIGN_VERIFY",
        /// GenerateMac, VerifyMac.
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        /// DeriveSharedSecret.
        KeyAgreement = "KEY_AGREEMENT",
        /// Encapsulate, Decapsulate.
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
    }
}

names! {
    /// Where a key's material comes from (K-016).
    Origin {
        /// KMS makes it.
        AwsKms = "AWS_KMS",
        /// It is imported.
        External = "EXTERNAL",
        /// A CloudHSM cluster; not built.
        AwsCloudHsm = "AWS_CLOUDHSM",
        /// An external key store; not built.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

impl KeySpec {
    /// Whether it is the symmetric encryption key.
    pub(crate) fn is_symmetric(self) -> bool {
        self == Self::SymmetricDefault
    }

    /// Whether `CustomerMasterKeySpec`, the old name of KeySpec, has a value for it.
    pub(crate) fn is_known_to_the_old_member(self) -> bool {
        !matches!(
            self,
            Self::Ed25519
                | Self::MlDsa44
                | Self::MlDsa65
                | Self::MlDsa87
                | Self::MlKem512
                | Self::MlKem768
                | Self::MlKem1024
        )
    }

    /// What a key of this spec may be for (K-011).
    pub(crate) fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage::{
            EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify,
        };
        match self {
            Self::SymmetricDefault => &[EncryptDecrypt],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[EncryptDecrypt, SignVerify],
            Self::P256 | Self::P384 | Self::P521 => &[SignVerify, KeyAgreement],
            Self::Secp256k1 | Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => {
                &[SignVerify]
            }
            Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => &[GenerateVerifyMac],
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => &[EncapsulateDecapsulate],
            Self::Sm2 => &[EncryptDecrypt, SignVerify, KeyAgreement],
        }
    }

    /// The algorithms of a key of this spec and usage (K-012), as KeyMetadata lists them.
    pub(crate) fn algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        match (self, usage) {
            (Self::SymmetricDefault, KeyUsage::EncryptDecrypt) => &["SYMMETRIC_DEFAULT"],
            (Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096, KeyUsage::EncryptDecrypt) => {
                &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
            }
            (Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096, KeyUsage::SignVerify) => &[
                "RSASSA_PKCS1_V1_5_SHA_256",
                "RSASSA_PKCS1_V1_5_SHA_384",
                "RSASSA_PKCS1_V1_5_SHA_512",
                "RSASSA_PSS_SHA_256",
                "RSASSA_PSS_SHA_384",
                "RSASSA_PSS_SHA_512",
            ],
            (Self::P256 | Self::Secp256k1, KeyUsage::SignVerify) => &["ECDSA_SHA_256"],
            (Self::P384, KeyUsage::SignVerify) => &["ECDSA_SHA_384"],
            (Self::P521, KeyUsage::SignVerify) => &["ECDSA_SHA_512"],
            (Self::Ed25519, KeyUsage::SignVerify) => &["ED25519_PH_SHA_512", "ED25519_SHA_512"],
            (Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87, KeyUsage::SignVerify) => {
                &["ML_DSA_SHAKE_256"]
            }
            (Self::Hmac224, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_224"],
            (Self::Hmac256, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_256"],
            (Self::Hmac384, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_384"],
            (Self::Hmac512, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_512"],
            (Self::P256 | Self::P384 | Self::P521, KeyUsage::KeyAgreement) => &["ECDH"],
            (
                Self::MlKem512 | Self::MlKem768 | Self::MlKem1024,
                KeyUsage::EncapsulateDecapsulate,
            ) => &["ML_KEM"],
            // SM2 is out of scope, and no other pair can be made.
            _ => &[],
        }
    }
}

/// What kind of key it is; nothing of it ever changes (K-009).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kind {
    /// Type of its material.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
}

impl Kind {
    /// The kind that CreateKey makes when nothing is said (K-009).
    pub(crate) const DEFAULT: Self = Self {
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AwsKms,
    };

    /// Whether an alias may move from one to the other (K-029): both symmetric, both MAC keys or
    /// both key pairs, for the same usage.
    pub(crate) fn is_like(self, other: Self) -> bool {
        let class = |spec: KeySpec| spec.usages().contains(&KeyUsage::GenerateVerifyMac);
        self.usage == other.usage
            && self.spec.is_symmetric() == other.spec.is_symmetric()
            && class(self.spec) == class(other.spec)
    }

    /// Its algorithms when `usage` is what it is for, else none (K-033).
    pub(crate) fn algorithms_for(self, usage: KeyUsage) -> Vec<String> {
        let mine: &[&str] = if self.usage == usage {
            self.spec.algorithms(usage)
        } else {
            &[]
        };
        mine.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Reads what CreateKey says (K-009, K-011, K-013, K-014); members are AWS's words, checked
    /// by the definition.
    pub(crate) fn read(
        spec: Option<&str>,
        old_spec: Option<&str>,
        usage: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Self, KmsError> {
        let refuse = |text: &str| Err(KmsError::Validation(text.to_owned()));
        let spec = match (spec, old_spec) {
            (Some(spec), Some(old)) if spec != old => {
                return refuse(
                    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
                );
            }
            (spec, old) => spec
                .or(old)
                .map_or(Some(KeySpec::SymmetricDefault), KeySpec::read),
        };
        let origin = origin.map_or(Some(Origin::AwsKms), Origin::read);
        let (Some(spec), Some(origin)) = (spec, origin) else {
            return refuse("KeySpec or Origin is not one of AWS KMS.");
        };
        let usage = match usage.map(KeyUsage::read) {
            None if spec.is_symmetric() => KeyUsage::EncryptDecrypt,
            None | Some(None) => {
                return refuse(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                );
            }
            Some(Some(usage)) => usage,
        };
        if !spec.usages().contains(&usage) {
            return Err(KmsError::Validation(format!(
                "KeyUsage {} is not compatible with KeySpec {}",
                usage.text(),
                spec.text()
            )));
        }
        Ok(Self {
            spec,
            usage,
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &str, usage: Option<&str>) -> Result<Kind, String> {
        Kind::read(Some(spec), None, usage, None).map_err(|error| error.to_string())
    }

    #[test]
    fn k_011_k_014_every_spec_has_its_usages_and_no_other() {
        let compatible = [
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            ("RSA_2048", "ENCRYPT_DECRYPT SIGN_VERIFY"),
            ("RSA_3072", "ENCRYPT_DECRYPT SIGN_VERIFY"),
            ("RSA_4096", "ENCRYPT_DECRYPT SIGN_VERIFY"),
            ("ECC_NIST_P256", "SIGN_VERIFY KEY_AGREEMENT"),
            ("ECC_NIST_P384", "SIGN_VERIFY KEY_AGREEMENT"),
            ("ECC_NIST_P521", "SIGN_VERIFY KEY_AGREEMENT"),
            ("ECC_SECG_P256K1", "SIGN_VERIFY"),
            ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
            ("HMAC_224", "GENERATE_VERIFY_MAC"),
            ("HMAC_256", "GENERATE_VERIFY_MAC"),
            ("HMAC_384", "GENERATE_VERIFY_MAC"),
            ("HMAC_512", "GENERATE_VERIFY_MAC"),
            ("ML_DSA_44", "SIGN_VERIFY"),
            ("ML_DSA_65", "SIGN_VERIFY"),
            ("ML_DSA_87", "SIGN_VERIFY"),
            ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
            ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
            ("ML_KEM_1024", "ENCAPSULATE_DECAPSULATE"),
        ];
        let usages = [
            "ENCRYPT_DECRYPT",
            "SIGN_VERIFY",
            "GENERATE_VERIFY_MAC",
            "KEY_AGREEMENT",
            "ENCAPSULATE_DECAPSULATE",
        ];
        for (spec, may) in compatible {
            for usage in usages {
                let got = read(spec, Some(usage));
                if may.split(' ').any(|one| one == usage) {
                    let kind = got.unwrap();
                    assert_eq!((kind.spec.text(), kind.usage.text()), (spec, usage));
                    assert!(
                        !kind.spec.algorithms(kind.usage).is_empty(),
                        "{spec} {usage}"
                    );
                } else {
                    let want = format!("KeyUsage {usage} is not compatible with KeySpec {spec}");
                    assert_eq!(got, Err(want));
                }
            }
        }
    }

    #[test]
    fn k_009_k_013_the_usage_may_be_left_out_for_the_symmetric_default_only() {
        assert_eq!(Kind::read(None, None, None, None), Ok(Kind::DEFAULT));
        let text = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
        for spec in ["RSA_2048", "HMAC_256", "ECC_NIST_P256"] {
            assert_eq!(read(spec, None), Err(text.to_owned()));
        }
    }

    #[test]
    fn k_012_algorithms_by_spec() {
        let of = |spec: &str, usage: &str| read(spec, Some(usage)).unwrap();
        let names = |kind: Kind| kind.spec.algorithms(kind.usage).join(" ");
        assert_eq!(
            names(of("RSA_2048", "ENCRYPT_DECRYPT")),
            "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256"
        );
        assert_eq!(names(of("ECC_NIST_P521", "SIGN_VERIFY")), "ECDSA_SHA_512");
        assert_eq!(names(of("ECC_SECG_P256K1", "SIGN_VERIFY")), "ECDSA_SHA_256");
        assert_eq!(names(of("HMAC_384", "GENERATE_VERIFY_MAC")), "HMAC_SHA_384");
        assert_eq!(names(of("ML_DSA_65", "SIGN_VERIFY")), "ML_DSA_SHAKE_256");
    }
}
