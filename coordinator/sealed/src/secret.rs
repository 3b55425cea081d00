//! Keys that cannot be printed and are zeroed when dropped.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of every symmetric key of both suites, in bytes.
pub const KEY_LENGTH: usize = 32;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; KEY_LENGTH]);

        impl $name {
            /// Takes the bytes of a key.
            #[must_use]
            pub fn new(bytes: [u8; KEY_LENGTH]) -> Self {
                Self(bytes)
            }

            /// Takes a copy of the bytes of a key; `None` if there are not exactly 32.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

secret!(
    /// The key of one item: everything in it is derived from this.
    DataKey
);
secret!(
    /// What KMS protects: it wraps the data key and makes one recipient's tag.
    IntermediateKey
);
secret!(
    /// The key a data key is wrapped under.
    WrappingKey
);
secret!(
    /// The key of one recipient's tag in the footer.
    TagKey
);
secret!(
    /// What intermediate keys are wrapped under, itself wrapped by KMS (CSE-033).
    BranchKey
);
secret!(
    /// What the keys of beacons are made of (CSE-035).
    BeaconKey
);
secret!(
    /// The key of the header's commitment.
    CommitKey
);
secret!(
    /// The key that every field's key is made of.
    FieldRootKey
);

/// HKDF-SHA512 without salt, 32 bytes out: the only key derivation of both suites.
pub(crate) fn derive(key: &[u8; KEY_LENGTH], info: &[&[u8]]) -> [u8; KEY_LENGTH] {
    let mut out = [0; KEY_LENGTH];
    Hkdf::<Sha512>::new(None, key)
        .expand_multi_info(info, &mut out)
        .expect("32 bytes are far below HKDF's limit of 255 hashes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_its_type_only() {
        assert_eq!(format!("{:?}", DataKey::new([7; 32])), "DataKey");
    }
}
