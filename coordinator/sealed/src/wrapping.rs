//! What is made of the keys: wrapped data keys, commitments, field keys.
//!
//! KMS never sees a data key. It protects an intermediate key, and from that come the
//! key which wraps the data key and the key of that recipient's tag (CSE-023). So each
//! recipient can tell whether another recipient changed the item.

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ctr::Ctr32BE;
use hmac::{Hmac, Mac};
use sha2::{Sha384, Sha512};
use zeroize::Zeroizing;

use crate::secret::{
    CommitKey, DataKey, FieldRootKey, IntermediateKey, KEY_LENGTH, TagKey, WrappingKey, derive,
};

/// Identifies one sealed version of an item; random.
pub type MessageId = [u8; 32];

/// Length of a wrapped data key: the key and its GCM tag.
pub const WRAPPED_DATA_KEY: usize = KEY_LENGTH + GCM_TAG;
/// Length of a GCM tag.
pub const GCM_TAG: usize = 16;
/// Length of a recipient tag.
pub const RECIPIENT_TAG: usize = 48;

const NONCE: usize = 12;
const FIELD_KEY: usize = KEY_LENGTH + NONCE;

impl IntermediateKey {
    fn wrapping_key(&self) -> WrappingKey {
        WrappingKey::new(derive(self.bytes(), &[b"AWS_MPL_INTERMEDIATE_KEYWRAP_ENC"]))
    }

    /// The key of this recipient's tag in the footer.
    #[must_use]
    pub fn tag_key(&self) -> TagKey {
        TagKey::new(derive(self.bytes(), &[b"AWS_MPL_INTERMEDIATE_KEYWRAP_MAC"]))
    }

    /// Wraps `data_key`, bound to the serialized encryption context: 48 bytes.
    #[must_use]
    pub fn wrap(&self, data_key: &DataKey, context: &[u8]) -> Vec<u8> {
        gcm_seal(
            self.wrapping_key().bytes(),
            &[0; NONCE],
            data_key.bytes(),
            context,
        )
    }

    /// Unwraps what [`Self::wrap`] made; `None` if key, bytes or context are others.
    #[must_use]
    pub fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Option<DataKey> {
        let opened = gcm_open(self.wrapping_key().bytes(), &[0; NONCE], wrapped, context)?;
        DataKey::from_slice(&opened)
    }
}

impl DataKey {
    /// The key of the commitment in the header (CSE-016).
    #[must_use]
    pub fn commit_key(&self, message_id: &MessageId) -> CommitKey {
        CommitKey::new(derive(self.bytes(), &[b"AWS_DBE_COMMIT_KEY", message_id]))
    }

    /// The key that fields' keys are made of (CSE-017).
    #[must_use]
    pub fn field_root_key(&self, message_id: &MessageId) -> FieldRootKey {
        FieldRootKey::new(derive(self.bytes(), &[b"AWS_DBE_DERIVE_KEY", message_id]))
    }
}

impl CommitKey {
    /// The first 32 bytes of the HMAC over the partial header.
    ///
    /// The specification says HMAC-SHA384; the SDK uses the hash of the suite's key
    /// derivation, SHA-512, and so do the items it wrote. The items decide.
    #[must_use]
    pub fn commitment(&self, partial_header: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(self.bytes())
            .expect("HMAC takes keys of any length");
        mac.update(partial_header);
        let tag: [u8; 64] = mac.finalize().into_bytes().into();
        *tag.first_chunk().expect("a SHA-512 tag has 64 bytes")
    }
}

impl TagKey {
    /// This recipient's tag over the canonical hash of an item.
    #[must_use]
    pub fn tag(&self, canonical_hash: &[u8]) -> [u8; RECIPIENT_TAG] {
        hmac(self.bytes(), canonical_hash)
    }
}

impl FieldRootKey {
    /// Key and nonce of the encrypted field at `offset`: three blocks of a key stream each.
    fn field_key(&self, offset: u32) -> Zeroizing<[u8; FIELD_KEY]> {
        let mut block = [0; 16];
        block[..11].copy_from_slice(b"AwsDbeField");
        block[11] = 0x2c;
        block[12..].copy_from_slice(&(offset * 3).to_be_bytes());
        let mut stream = Zeroizing::new([0; FIELD_KEY]);
        Ctr32BE::<Aes256>::new(self.bytes().into(), &block.into()).apply_keystream(stream.as_mut());
        stream
    }

    /// Encrypts the bytes of the field at `offset`, bound to its path: ciphertext and tag.
    #[must_use]
    pub fn seal(&self, offset: u32, plaintext: &[u8], path: &[u8]) -> Vec<u8> {
        let key = self.field_key(offset);
        let (key, nonce) = split(&key);
        gcm_seal(key, nonce, plaintext, path)
    }

    /// Decrypts what [`Self::seal`] made; `None` if anything is different.
    #[must_use]
    pub fn open(&self, offset: u32, ciphertext: &[u8], path: &[u8]) -> Option<Vec<u8>> {
        let key = self.field_key(offset);
        let (key, nonce) = split(&key);
        gcm_open(key, nonce, ciphertext, path)
    }
}

fn split(key: &[u8; FIELD_KEY]) -> (&[u8; KEY_LENGTH], &[u8; NONCE]) {
    let (key, nonce) = key
        .split_first_chunk::<KEY_LENGTH>()
        .expect("a field key is longer than its first part");
    let nonce = nonce.try_into().expect("44 bytes without 32 are 12");
    (key, nonce)
}

pub(crate) fn gcm_seal(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Vec<u8> {
    Aes256Gcm::new(key.into())
        .encrypt(nonce.into(), Payload { msg, aad })
        .expect("no attribute is near GCM's limit of 64 GiB")
}

pub(crate) fn gcm_open(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Option<Vec<u8>> {
    Aes256Gcm::new(key.into())
        .decrypt(nonce.into(), Payload { msg, aad })
        .ok()
}

fn hmac(key: &[u8; KEY_LENGTH], message: &[u8]) -> [u8; RECIPIENT_TAG] {
    let mut mac =
        <Hmac<Sha384> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors were computed with Python's hmac and hashlib and OpenSSL's AES.
    fn data_key() -> DataKey {
        DataKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }
    fn message_id() -> MessageId {
        std::array::from_fn(|at| 0xa0 + u8::try_from(at % 16).unwrap())
    }

    #[test]
    fn cse_016_a_commitment_is_truncated_hmac_sha512() {
        let commitment = data_key()
            .commit_key(&message_id())
            .commitment(b"partial header");
        assert_eq!(
            hex::encode(commitment),
            "bc9447a1281e590aeb45c6b2cb302a38866e8e8102f4f61bbe8dd168d2a85f77"
        );
    }

    #[test]
    fn cse_017_cse_018_a_field_key_comes_from_root_key_and_offset() {
        let root = data_key().field_root_key(&message_id());
        assert_eq!(
            hex::encode(root.bytes()),
            "b506b74c52a6ebebf899efcd34632565af6b111a0f98914309fe42fa89bc6487"
        );
        assert_eq!(
            hex::encode(root.field_key(2).as_ref()),
            "02992b03250721156bb0b82ab4c0ab58187e93e52b3e52934ddd784594e3f72acb3ef36d4ba5d811818f0b17"
        );
        let sealed = root.seal(2, b"text", b"path");
        assert_eq!(
            hex::encode(&sealed),
            "18119975f8829754e9e7e5efaf52cc9367f7bfc8"
        );
        assert_eq!(
            root.open(2, &sealed, b"path").as_deref(),
            Some(b"text".as_slice())
        );
        assert_eq!(root.open(1, &sealed, b"path"), None);
        assert_eq!(root.open(2, &sealed, b"other"), None);
    }

    #[test]
    fn cse_020_cse_023_an_intermediate_key_makes_a_tag_key_and_a_wrapped_data_key() {
        let key = IntermediateKey::new([7; 32]);
        assert_eq!(
            hex::encode(key.wrap(&data_key(), b"context")),
            "d73d4ac47f1ff63c2a7be5350b8b30632ea7c1e4e4e81e7c85a3181159b7238c5b410d9d67382b3baabef4ec76f11f58"
        );
        assert_eq!(
            hex::encode(key.tag_key().tag(b"hash")),
            "aaa9b129e4806328edb534d457674303c9cc8fe205ff2fdbbe00f10476470bda1ea44b78685068917eaf8a531a4ab912"
        );
    }

    #[test]
    fn cse_023_a_wrapped_data_key_has_48_bytes_and_is_bound_to_its_context() {
        let key = IntermediateKey::new([1; 32]);
        let wrapped = key.wrap(&DataKey::new([2; 32]), b"context");
        assert_eq!(wrapped.len(), 48);
        assert_eq!(key.unwrap(&wrapped, b"context").unwrap().bytes(), &[2; 32]);
        assert!(key.unwrap(&wrapped, b"other").is_none());
        assert!(
            IntermediateKey::new([3; 32])
                .unwrap(&wrapped, b"context")
                .is_none()
        );
    }

    #[test]
    fn cse_017_field_keys_use_disjoint_blocks_of_one_stream() {
        let root = FieldRootKey::new([9; 32]);
        let (first, second) = (root.field_key(0), root.field_key(1));
        assert_ne!(first[..], second[..]);
        // The whole stream in one go: field 1 begins three blocks after field 0.
        let mut block = *b"AwsDbeField\x2c\0\0\0\0";
        let mut stream = [0; 96];
        Ctr32BE::<Aes256>::new(&[9; 32].into(), &block.into()).apply_keystream(&mut stream);
        assert_eq!(stream[..44], first[..]);
        assert_eq!(stream[48..92], second[..]);
        block[15] = 3;
        let mut later = [0; 44];
        Ctr32BE::<Aes256>::new(&[9; 32].into(), &block.into()).apply_keystream(&mut later);
        assert_eq!(later, second[..]);
    }
}
