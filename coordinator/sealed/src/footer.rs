//! `aws_dbe_foot`: who vouches for the item.
//!
//! One tag for each encrypted data key, in the header's order, then the signature if the
//! suite has one, all over one hash of header, context and signed fields (CSE-020).

use sha2::{Digest, Sha384};
use subtle::ConstantTimeEq;

use crate::context::EncryptionContext;
use crate::error::SealedError;
use crate::field::Field;
use crate::schema::Suite;
use crate::secret::TagKey;
use crate::signing::SIGNATURE;
use crate::wrapping::RECIPIENT_TAG;

/// Name of the attribute.
pub const FOOTER: &str = "aws_dbe_foot";

/// A parsed footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// One tag for each encrypted data key.
    pub tags: Vec<[u8; RECIPIENT_TAG]>,
    /// DER signature, if the suite has one.
    pub signature: Option<Vec<u8>>,
}

impl Footer {
    /// Tags, then the signature.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        let mut out = self.tags.concat();
        out.extend(self.signature.iter().flatten());
        out
    }

    /// Parses a footer for an item with this suite and number of data keys.
    ///
    /// # Errors
    /// [`SealedError::InvalidHeader`] when the length is another one.
    pub fn parse(bytes: &[u8], suite: Suite, data_keys: usize) -> Result<Self, SealedError> {
        let signature = match suite {
            Suite::SymmetricOnly => 0,
            Suite::WithSignature => SIGNATURE,
        };
        if bytes.len() != data_keys * RECIPIENT_TAG + signature {
            return Err(SealedError::InvalidHeader(
                "There are a different number of recipient tags in the stored header than there are in the decryption materials."
                    .to_owned(),
            ));
        }
        let (tags, signature) = bytes.split_at(data_keys * RECIPIENT_TAG);
        Ok(Self {
            tags: tags.as_chunks().0.to_vec(),
            signature: (suite == Suite::WithSignature).then(|| signature.to_vec()),
        })
    }

    /// Whether one of the tags was made with `key`; each comparison in constant time.
    #[must_use]
    pub fn has_tag_of(&self, key: &TagKey, canonical_hash: &[u8]) -> bool {
        let computed = key.tag(canonical_hash);
        self.tags.iter().any(|tag| computed.ct_eq(tag).into())
    }
}

/// The hash that tags and signature cover; encrypted fields hold their stored bytes.
pub(crate) fn canonical_hash(
    header: &[u8],
    context: &EncryptionContext,
    fields: &[Field],
) -> [u8; 48] {
    let context = context.serialize();
    let mut hash = Sha384::new();
    hash.update(header);
    hash.update(length(&context));
    hash.update(&context);
    for field in fields.iter().filter(|field| field.is_signed()) {
        let bytes = &field.terminal.bytes;
        hash.update(field.path.as_bytes());
        if field.is_encrypted() {
            // The stored bytes begin with the two bytes of the original type.
            hash.update(length(bytes.get(2..).unwrap_or_default()));
            hash.update(b"ENCRYPTED");
        } else {
            hash.update(length(bytes));
            hash.update(b"PLAINTEXT");
            hash.update(field.terminal.type_id.0);
        }
        hash.update(bytes);
    }
    hash.finalize().into()
}

fn length(bytes: &[u8]) -> [u8; 8] {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::CanonicalPath;
    use crate::plaintext::{Terminal, TypeId};
    use crate::schema::AttributeAction;

    #[test]
    fn cse_020_the_hash_covers_header_context_and_signed_fields() {
        let field = |name: &str, action, terminal| Field {
            path: CanonicalPath::new("tbl", name),
            name: name.to_owned(),
            action,
            terminal,
        };
        let fields = [
            field(
                "a",
                AttributeAction::EncryptAndSign,
                Terminal::binary(vec![0, 1, 9, 9, 9]),
            ),
            field(
                "b",
                AttributeAction::SignOnly,
                Terminal {
                    type_id: TypeId::N,
                    bytes: b"12".to_vec(),
                },
            ),
            field("c", AttributeAction::DoNothing, Terminal::binary(vec![1])),
        ];
        let mut context = EncryptionContext::default();
        context.add("k", "v").unwrap();
        let mut record = b"HEAD".to_vec();
        record.extend([0, 0, 0, 0, 0, 0, 0, 8]);
        record.extend([0, 1, 0, 1, b'k', 0, 1, b'v']);
        record.extend(b"tbl\0\0\0\0\0\0\0\x01$\0\0\0\0\0\0\0\x01a");
        record.extend([0, 0, 0, 0, 0, 0, 0, 3]);
        record.extend(b"ENCRYPTED");
        record.extend([0, 1, 9, 9, 9]);
        record.extend(b"tbl\0\0\0\0\0\0\0\x01$\0\0\0\0\0\0\0\x01b");
        record.extend([0, 0, 0, 0, 0, 0, 0, 2]);
        record.extend(b"PLAINTEXT\0\x0212");
        let wanted: [u8; 48] = Sha384::digest(&record).into();
        assert_eq!(canonical_hash(b"HEAD", &context, &fields), wanted);
    }

    #[test]
    fn cse_020_a_footer_has_48_bytes_a_key_and_103_of_signature() {
        let footer = Footer {
            tags: vec![[1; 48], [2; 48]],
            signature: Some(vec![3; 103]),
        };
        let bytes = footer.serialize();
        assert_eq!(bytes.len(), 2 * 48 + 103);
        assert_eq!(Footer::parse(&bytes, Suite::WithSignature, 2), Ok(footer));
        assert!(Footer::parse(&bytes, Suite::WithSignature, 1).is_err());
        assert!(Footer::parse(&bytes, Suite::SymmetricOnly, 2).is_err());
    }
}
