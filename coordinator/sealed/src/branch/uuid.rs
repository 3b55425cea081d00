//! Versions and ids of branch keys: UUIDs of version 4.

use std::fmt;
use std::str::FromStr;

use crate::entropy::Entropy;
use crate::error::SealedError;

/// Sixteen bytes, written in five groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A random one, marked as version 4.
    #[must_use]
    pub fn draw(entropy: &mut dyn Entropy, purpose: &str) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(purpose, &mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = hex::encode(self.0);
        let groups = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        f.write_str(&groups.join("-"))
    }
}

impl FromStr for Uuid {
    type Err = SealedError;
    fn from_str(text: &str) -> Result<Self, SealedError> {
        let mut bytes = [0; 16];
        let whole = text.len() == 36
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| (byte == b'-') == [8, 13, 18, 23].contains(&at));
        if whole && hex::decode_to_slice(text.replace('-', ""), &mut bytes).is_ok() {
            return Ok(Self(bytes));
        }
        Err(SealedError::KeyStore(format!("'{text}' is not a UUID")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_in_five_groups_and_read_back() {
        let text = "83eec007-5659-4554-bf11-699b90f41ac6";
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!(uuid.to_string(), text);
        for bad in [
            "",
            "83eec007565945548f11699b90f41ac6----",
            &text[1..],
            "83eec007-5659-4554-bf11-699b90f41acg",
        ] {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
        struct Ones;
        impl Entropy for Ones {
            fn fill(&mut self, _purpose: &str, out: &mut [u8]) {
                out.fill(0xff);
            }
        }
        assert_eq!(
            Uuid::draw(&mut Ones, "x").to_string(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
    }
}
