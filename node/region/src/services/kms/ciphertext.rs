//! The ciphertext blob: what Encrypt returns and Decrypt takes.
//!
//! ```text
//!   01 02 02 00 78 | kind | key id (16) | account (12) | material id (32) | N (16) | nonce (12) | sealed
//!   \____________________________ header ____________________________________/
//! ```
//!
//! The blob names the key and backing key that made it (K-061), so Decrypt needs no KeyId. It
//! names no Region: a multi-Region ciphertext opens under any related key (K-074). Each message
//! has a key of its own, derived from the backing key and a random N (K-062). Header and
//! encryption context are bound as AAD (K-064), so a blob whose key id was changed opens under
//! no key, also not under one with the same material (K-073, K-143). The real format is
//! unpublished; the first five bytes are those that every real blob shows.

use std::collections::BTreeMap;

use faultline_proto::names::AccountId;

use super::error::KmsError;
use super::identifiers::KeyId;
use crate::entropy::Entropy;
use crate::vault::SecretKey;

const MAGIC: [u8; 5] = [0x01, 0x02, 0x02, 0x00, 0x78];
const SINGLE: u8 = 1;
const MULTI: u8 = 2;
const HEADER: usize = MAGIC.len() + 1 + 16 + 12 + 32 + 16;

/// Which key made a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Maker {
    /// The key.
    pub key: KeyId,
    /// The account that owns it.
    pub account: AccountId,
    /// The backing key, 64 hex digits.
    pub material: String,
}

/// A blob whose header was read; whether it is genuine only opening tells.
#[derive(Debug)]
pub(crate) struct Blob<'a> {
    /// What it says of its key.
    pub maker: Maker,
    header: &'a [u8],
    sealed: &'a [u8],
}

/// An encryption context in one form: pairs in order, lengths before texts.
fn canonical(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    let size: usize = context
        .iter()
        .map(|(key, value)| key.len() + value.len() + 16)
        .sum();
    let mut out = Vec::with_capacity(header.len() + 8 + size);
    out.extend_from_slice(header);
    out.extend_from_slice(&(context.len() as u64).to_be_bytes());
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

fn message_key(backing: &SecretKey, header: &[u8]) -> SecretKey {
    backing.derive("kms message", &header[HEADER - 16..])
}

/// Encrypts `plaintext` under the backing key of `maker`.
pub(crate) fn seal(
    entropy: &mut Entropy,
    maker: &Maker,
    backing: &SecretKey,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Vec<u8> {
    let mut blob = Vec::with_capacity(HEADER + crate::vault::OVERHEAD + plaintext.len());
    blob.extend_from_slice(&MAGIC);
    blob.push(if maker.key.is_multi_region() {
        MULTI
    } else {
        SINGLE
    });
    blob.extend_from_slice(&maker.key.raw());
    blob.extend_from_slice(maker.account.as_str().as_bytes());
    let mut material = [0; 32];
    hex::decode_to_slice(&maker.material, &mut material).expect("material ids are 64 hex digits");
    blob.extend_from_slice(&material);
    blob.extend_from_slice(&entropy.bytes::<16>("kms.message-key"));
    let sealed = message_key(backing, &blob).seal(
        entropy.bytes("kms.nonce"),
        &canonical(&blob, context),
        plaintext,
    );
    blob.extend_from_slice(&sealed);
    blob
}

impl<'a> Blob<'a> {
    /// Reads the header (K-065: anything else is the same error without a message).
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, KmsError> {
        Self::parts(bytes).ok_or(KmsError::InvalidCiphertext)
    }

    fn parts(bytes: &'a [u8]) -> Option<Self> {
        let (header, sealed) = bytes.split_at_checked(HEADER)?;
        let rest = header.strip_prefix(&MAGIC)?;
        let (kind, rest) = rest.split_first()?;
        let multi_region = match *kind {
            SINGLE => false,
            MULTI => true,
            _ => return None,
        };
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (account, rest) = rest.split_first_chunk::<12>()?;
        let account = AccountId::new(std::str::from_utf8(account).ok()?).ok()?;
        let maker = Maker {
            key: KeyId::from_raw(id, multi_region),
            account,
            material: hex::encode(rest.get(..32)?),
        };
        Some(Self {
            maker,
            header,
            sealed,
        })
    }

    /// Decrypts with the backing key that the blob names.
    pub(crate) fn open(
        &self,
        backing: &SecretKey,
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, KmsError> {
        message_key(backing, self.header)
            .open(&canonical(self.header, context), self.sealed)
            .ok_or(KmsError::InvalidCiphertext)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::EntropyRoot;

    fn maker(id: &str) -> Maker {
        Maker {
            key: KeyId::new(id).unwrap(),
            account: AccountId::new("111111111111").unwrap(),
            material: "ab".repeat(32),
        }
    }

    fn context(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    fn sealed(step: u64, pairs: &[(&str, &str)], plaintext: &[u8]) -> Vec<u8> {
        let mut entropy = Entropy::new(&EntropyRoot::new(&[7; 32], 0), step);
        seal(
            &mut entropy,
            &maker(MRK),
            &SecretKey::new([9; 32]),
            &context(pairs),
            plaintext,
        )
    }

    #[test]
    fn k_061_k_062_a_blob_names_its_key_and_equal_inputs_differ() {
        let blob = sealed(1, &[("purpose", "cards")], b"4242");
        assert_ne!(blob, sealed(2, &[("purpose", "cards")], b"4242"));
        let read = Blob::read(&blob).unwrap();
        assert_eq!(read.maker, maker(MRK));
        let opened = read.open(&SecretKey::new([9; 32]), &context(&[("purpose", "cards")]));
        assert_eq!(opened.as_deref(), Ok(b"4242".as_slice()));
    }

    #[test]
    fn k_064_the_context_must_match_exactly() {
        let blob = sealed(1, &[("a", "1"), ("b", "2")], b"4242");
        let open = |pairs: &[(&str, &str)]| {
            Blob::read(&blob)
                .unwrap()
                .open(&SecretKey::new([9; 32]), &context(pairs))
                .is_ok()
        };
        assert!(open(&[("b", "2"), ("a", "1")]));
        for wrong in [
            &[][..],
            &[("a", "1")],
            &[("a", "1"), ("b", "2"), ("c", "3")],
            &[("A", "1"), ("b", "2")],
            &[("a", "1"), ("b", "3")],
        ] {
            assert!(!open(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn k_060_the_largest_blob_fits() {
        assert!(sealed(1, &[], &[0; 4096]).len() <= 6144);
    }

    proptest! {
        #[test]
        fn k_065_k_143_any_changed_byte_opens_nothing(at in 0usize..150, flip in 1u8..) {
            let mut blob = sealed(1, &[], b"4242 4242 4242 4242");
            let at = at % blob.len();
            blob[at] ^= flip;
            let opened = Blob::read(&blob).and_then(|blob| blob.open(&SecretKey::new([9; 32]), &BTreeMap::new()));
            prop_assert_eq!(opened, Err(KmsError::InvalidCiphertext));
        }

        #[test]
        fn k_065_junk_is_never_a_panic(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Blob::read(&junk).map(|blob| blob.open(&SecretKey::new([9; 32]), &BTreeMap::new()));
        }
    }
}
