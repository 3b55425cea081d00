//! `aws_dbe_head`: how an item was sealed, and the wrapped copies of its data key.
//!
//! ```text
//! version 1 | flavor 1 | message id 32 | legend u16+n | context u16 pairs | keys u8 entries | commitment 32
//! ```
//!
//! All integers are big endian (CSE-012). The legend has a letter for each signed field
//! in canonical order: e(ncrypted), s(igned), c(ontext).

use std::collections::BTreeMap;

use subtle::ConstantTimeEq;

use crate::context::EncryptionContext;
use crate::error::SealedError;
use crate::field::Field;
use crate::schema::{AttributeAction, Suite};
use crate::secret::DataKey;
use crate::wrapping::MessageId;

/// Name of the attribute.
pub const HEADER: &str = "aws_dbe_head";
const COMMITMENT: usize = 32;

/// Which of the two forms of the encryption context the item uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderVersion {
    /// Key attributes only, base64.
    One,
    /// Any chosen attribute, readable, with a legend (CSE-003).
    Two,
}

/// One wrapped copy of the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedDataKey {
    /// Who wrapped it: `aws-kms`.
    pub provider_id: String,
    /// The key it was wrapped under: its ARN.
    pub provider_info: String,
    /// Wrapped data key and wrapped intermediate key.
    pub ciphertext: Vec<u8>,
}

/// A parsed header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Form of the context.
    pub version: HeaderVersion,
    /// Algorithms.
    pub suite: Suite,
    /// Identifies this sealed version of the item.
    pub message_id: MessageId,
    /// One letter for each signed field.
    pub legend: Vec<u8>,
    /// What of the context is stored.
    pub stored_context: EncryptionContext,
    /// Wrapped copies of the data key, at least one.
    pub data_keys: Vec<EncryptedDataKey>,
}

impl Header {
    /// The header with its commitment to `data_key`.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when something is too long or too many for the format.
    pub fn serialize(&self, data_key: &DataKey) -> Result<Vec<u8>, SealedError> {
        let mut bytes = self.partial().ok_or_else(|| {
            SealedError::SchemaViolation("the item or its keys do not fit into a header".to_owned())
        })?;
        let commitment = data_key.commit_key(&self.message_id).commitment(&bytes);
        bytes.extend(commitment);
        Ok(bytes)
    }

    fn partial(&self) -> Option<Vec<u8>> {
        let version = match self.version {
            HeaderVersion::One => 1,
            HeaderVersion::Two => 2,
        };
        let mut out = vec![version, self.suite.flavor()];
        out.extend(self.message_id);
        push(&mut out, &self.legend)?;
        out.extend(self.stored_context.serialize());
        out.push(
            u8::try_from(self.data_keys.len())
                .ok()
                .filter(|count| *count > 0)?,
        );
        for key in &self.data_keys {
            push(&mut out, key.provider_id.as_bytes())?;
            push(&mut out, key.provider_info.as_bytes())?;
            push(&mut out, &key.ciphertext)?;
        }
        Some(out)
    }

    /// Parses a header; the commitment is only split off.
    ///
    /// # Errors
    /// [`SealedError::InvalidHeader`] for every deviation from the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealedError> {
        parse(bytes).map_err(|why| SealedError::InvalidHeader(why.to_owned()))
    }

    /// Whether `bytes`, the serialized header, commits to `data_key`; in constant time.
    #[must_use]
    pub fn commits_to(&self, data_key: &DataKey, bytes: &[u8]) -> bool {
        bytes
            .split_last_chunk::<COMMITMENT>()
            .is_some_and(|(partial, stored)| {
                let computed = data_key.commit_key(&self.message_id).commitment(partial);
                computed.ct_eq(stored).into()
            })
    }
}

/// The legend of fields in canonical order.
pub(crate) fn legend(fields: &[Field]) -> Vec<u8> {
    fields
        .iter()
        .filter_map(|field| letter(field.action))
        .collect()
}

fn letter(action: AttributeAction) -> Option<u8> {
    match action {
        AttributeAction::EncryptAndSign => Some(b'e'),
        AttributeAction::SignOnly => Some(b's'),
        AttributeAction::SignAndIncludeInEncryptionContext => Some(b'c'),
        AttributeAction::DoNothing => None,
    }
}

/// The action a legend letter stands for.
pub(crate) fn action(letter: u8) -> Option<AttributeAction> {
    match letter {
        b'e' => Some(AttributeAction::EncryptAndSign),
        b's' => Some(AttributeAction::SignOnly),
        b'c' => Some(AttributeAction::SignAndIncludeInEncryptionContext),
        _ => None,
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend(bytes);
    Some(())
}

fn parse(bytes: &[u8]) -> Result<Header, &'static str> {
    let mut reader = Reader { rest: bytes };
    let version = match reader.byte()? {
        1 => HeaderVersion::One,
        2 => HeaderVersion::Two,
        _ => return Err("Invalid Version Number"),
    };
    let suite = Suite::from_flavor(reader.byte()?).ok_or("Invalid Flavor")?;
    let message_id = reader.take(32)?.try_into().map_err(|_| TOO_SHORT)?;
    let legend = reader.prefixed()?.to_vec();
    if !legend.iter().all(|letter| action(*letter).is_some()) {
        return Err("Invalid byte in stored legend");
    }
    let stored_context = parse_context(&mut reader)?;
    let count = reader.byte()?;
    if count == 0 {
        return Err("At least one Data Key required");
    }
    let mut data_keys = Vec::new();
    for _ in 0..count {
        data_keys.push(EncryptedDataKey {
            provider_id: reader.text()?,
            provider_info: reader.text()?,
            ciphertext: reader.prefixed()?.to_vec(),
        });
    }
    match reader.rest.len() {
        COMMITMENT => Ok(Header {
            version,
            suite,
            message_id,
            legend,
            stored_context,
            data_keys,
        }),
        size if size < COMMITMENT => Err("Invalid header serialization: unexpected end of data."),
        _ => Err("Invalid header serialization: unexpected bytes."),
    }
}

fn parse_context(reader: &mut Reader<'_>) -> Result<EncryptionContext, &'static str> {
    let count = reader.short()?;
    let mut pairs = BTreeMap::new();
    for _ in 0..count {
        let (key, value) = (reader.text()?, reader.text()?);
        if pairs.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err("Context keys out of order.");
        }
        pairs.insert(key, value);
    }
    Ok(EncryptionContext::from_pairs(pairs))
}

const TOO_SHORT: &str = "Invalid header serialization: unexpected end of data.";

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(taken)
    }
    fn byte(&mut self) -> Result<u8, &'static str> {
        Ok(self.take(1)?[0])
    }
    fn short(&mut self) -> Result<u16, &'static str> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }
    fn prefixed(&mut self) -> Result<&'a [u8], &'static str> {
        let size = self.short()?;
        self.take(size.into())
    }
    fn text(&mut self) -> Result<String, &'static str> {
        String::from_utf8(self.prefixed()?.to_vec())
            .map_err(|_| "Invalid header serialization: not UTF8.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Header {
        let mut stored_context = EncryptionContext::default();
        stored_context.add("aws-crypto-public-key", "A0==").unwrap();
        Header {
            version: HeaderVersion::One,
            suite: Suite::WithSignature,
            message_id: [0xab; 32],
            legend: b"es".to_vec(),
            stored_context,
            data_keys: vec![EncryptedDataKey {
                provider_id: "aws-kms".to_owned(),
                provider_info: "arn".to_owned(),
                ciphertext: vec![1, 2, 3],
            }],
        }
    }

    #[test]
    fn cse_012_the_layout_is_the_one_of_the_specification() {
        let bytes = example().serialize(&DataKey::new([5; 32])).unwrap();
        let mut by_hand = vec![0x01, 0x01];
        by_hand.extend([0xab; 32]);
        by_hand.extend([0x00, 0x02, b'e', b's']);
        by_hand.extend([0x00, 0x01, 0x00, 0x15]);
        by_hand.extend(b"aws-crypto-public-key");
        by_hand.extend([0x00, 0x04]);
        by_hand.extend(b"A0==");
        by_hand.extend([0x01, 0x00, 0x07]);
        by_hand.extend(b"aws-kms");
        by_hand.extend([0x00, 0x03]);
        by_hand.extend(b"arn");
        by_hand.extend([0x00, 0x03, 1, 2, 3]);
        assert_eq!(bytes.len(), by_hand.len() + 32);
        assert_eq!(bytes[..by_hand.len()], by_hand);
        assert_eq!(Header::parse(&bytes), Ok(example()));
    }

    #[test]
    fn cse_013_flavor_and_version_are_single_bytes() {
        let header = Header {
            version: HeaderVersion::Two,
            suite: Suite::SymmetricOnly,
            ..example()
        };
        assert_eq!(
            header.serialize(&DataKey::new([5; 32])).unwrap()[..2],
            [2, 0]
        );
    }

    #[test]
    fn cse_014_the_legend_has_a_letter_for_each_signed_field_and_none_for_others() {
        use AttributeAction::{
            DoNothing, EncryptAndSign, SignAndIncludeInEncryptionContext, SignOnly,
        };
        let field = |action| Field {
            path: crate::path::CanonicalPath::new("t", "a"),
            name: "a".to_owned(),
            action,
            terminal: crate::plaintext::Terminal::binary(Vec::new()),
        };
        let actions = [
            SignOnly,
            DoNothing,
            EncryptAndSign,
            SignAndIncludeInEncryptionContext,
        ];
        assert_eq!(legend(&actions.map(field)), b"sec");
    }

    #[test]
    fn cse_016_the_header_commits_to_one_data_key() {
        let header = example();
        let key = DataKey::new([5; 32]);
        let mut bytes = header.serialize(&key).unwrap();
        assert!(header.commits_to(&key, &bytes));
        assert!(!header.commits_to(&DataKey::new([6; 32]), &bytes));
        bytes[0] ^= 3;
        assert!(!header.commits_to(&key, &bytes));
    }

    #[test]
    fn every_truncation_and_every_longer_header_is_refused() {
        let bytes = example().serialize(&DataKey::new([5; 32])).unwrap();
        for size in 0..bytes.len() {
            assert_eq!(
                Header::parse(&bytes[..size]).unwrap_err().code(),
                "InvalidHeader"
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(Header::parse(&longer).is_err());
    }

    #[test]
    fn a_header_without_keys_or_with_an_unknown_letter_is_refused() {
        let none = Header {
            data_keys: Vec::new(),
            ..example()
        };
        assert!(none.serialize(&DataKey::new([5; 32])).is_err());
        let letter = Header {
            legend: b"x".to_vec(),
            ..example()
        };
        assert!(Header::parse(&letter.serialize(&DataKey::new([5; 32])).unwrap()).is_err());
    }
}
