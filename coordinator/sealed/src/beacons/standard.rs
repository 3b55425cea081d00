//! Standard beacons: a few bits of an HMAC, which tell equal values from most others.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha384, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::secret::BeaconKey;

/// How many bits a beacon may have (CSE-035).
pub const LENGTHS: std::ops::RangeInclusive<u8> = 1..=63;

/// The key of one beacon.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct HmacKey([u8; 64]);

impl HmacKey {
    /// The key of the beacon with this name.
    pub(super) fn of(key: &BeaconKey, name: &str) -> Self {
        let mut out = [0; 64];
        Hkdf::<Sha512>::new(None, key.bytes())
            .expand_multi_info(&[b"AWS_DBE_SCAN_BEACON", name.as_bytes()], &mut out)
            .expect("64 bytes are one hash of HKDF");
        Self(out)
    }

    /// The last `length` bits of the first 8 bytes of the HMAC, in hexadecimal.
    pub(super) fn beacon(&self, bytes: &[u8], length: u8) -> String {
        let mut mac =
            Hmac::<Sha384>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(bytes);
        let tag: [u8; 48] = mac.finalize().into_bytes().into();
        let first = tag.first_chunk().expect("a SHA-384 tag has 48 bytes");
        truncated(u64::from_be_bytes(*first), length)
    }
}

fn truncated(hash: u64, length: u8) -> String {
    let kept = hash & ((1 << length) - 1);
    format!("{kept:0width$x}", width = usize::from(length.div_ceil(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cse_035_a_beacon_is_the_last_bits_in_as_many_digits_as_they_need() {
        let wanted = ["1", "3", "7", "7", "17", "37", "37", "b7", "1b7", "3b7"];
        for (length, wanted) in (1..).zip(wanted) {
            assert_eq!(truncated(0x0102_0304_0506_07b7, length), wanted);
        }
        assert_eq!(truncated(u64::MAX, 63), "7fffffffffffffff");
        assert_eq!(truncated(0, 30), "00000000");
    }

    #[test]
    fn cse_035_each_beacon_has_its_own_key() {
        let key = BeaconKey::new([1; 32]);
        let beacon = |name, value: &[u8]| HmacKey::of(&key, name).beacon(value, 63);
        assert_eq!(beacon("a", b"x"), beacon("a", b"x"));
        assert_ne!(beacon("a", b"x"), beacon("b", b"x"));
        assert_ne!(beacon("a", b"x"), beacon("a", b"y"));
    }
}
