//! Keys whose bytes sort as what they mean.
//!
//! A key is a part or a tuple of parts. Numbers are big-endian, signed ones with the sign
//! bit turned, so that bytes compare as numbers. Text and bytes end in `00 01`, and a zero
//! inside is `00 FF`: so a shorter text sorts before a longer one that begins with it, a
//! tuple's first parts are a byte prefix of the whole, and every key reads back.
//! [`Reverse`] turns the order of a number around (newest first).

use std::cmp::Reverse;

use faultline_proto::names::{AccountId, Arn, Elapsed, RegionName, Timestamp};

/// A key, or a part of one: written so that byte order is its order, and read back.
pub trait Key: Sized {
    /// Appends the bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes one off the front of `bytes`; `None` when they are not one.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// What may stand for a key `K` in a call: a reference to it, or a tuple of references and
/// numbers, so that nobody clones names to look something up.
pub trait KeyOf<K> {
    /// Appends the bytes of the key.
    fn write_key(&self, out: &mut Vec<u8>);
}

/// The first parts of a key `K`: `()`, `(a,)`, `(a, b)`, ...
pub trait PrefixOf<K> {
    /// Appends the bytes of these parts.
    fn write_prefix(&self, out: &mut Vec<u8>);
}

impl<K: Key> KeyOf<K> for &K {
    fn write_key(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}
impl KeyOf<String> for &str {
    fn write_key(&self, out: &mut Vec<u8>) {
        write_escaped(self.as_bytes(), out);
    }
}
impl KeyOf<Vec<u8>> for &[u8] {
    fn write_key(&self, out: &mut Vec<u8>) {
        write_escaped(self, out);
    }
}

impl<K> PrefixOf<K> for () {
    fn write_prefix(&self, _: &mut Vec<u8>) {}
}

const END: [u8; 2] = [0x00, 0x01];
const ZERO: [u8; 2] = [0x00, 0xFF];

/// Appends `bytes` with their zeros escaped, without an end: a prefix of longer ones.
pub(super) fn write_open(bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.contains(&0) {
        out.extend_from_slice(bytes);
        return;
    }
    for &byte in bytes {
        if byte == 0 {
            out.extend_from_slice(&ZERO);
        } else {
            out.push(byte);
        }
    }
}

/// Appends `bytes` with zeros escaped, and the end.
pub fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    write_open(bytes, out);
    out.extend_from_slice(&END);
}

/// Takes escaped bytes and their end off the front; `None` when they are broken.
pub fn read_escaped(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len().min(64));
    loop {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        if first != 0 {
            out.push(first);
            continue;
        }
        let (&mark, rest) = bytes.split_first()?;
        *bytes = rest;
        match mark {
            0xFF => out.push(0),
            0x01 => return Some(out),
            _ => return None,
        }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_escaped(self.as_bytes(), out);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(read_escaped(bytes)?).ok()
    }
}

impl Key for Vec<u8> {
    fn write(&self, out: &mut Vec<u8>) {
        write_escaped(self, out);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        read_escaped(bytes)
    }
}

macro_rules! number_keys {
    ($($number:ty, $flip:literal;)*) => { $(
        impl Key for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&(*self ^ $flip).to_be_bytes());
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(<$number>::from_be_bytes(take(bytes)?) ^ $flip)
            }
        }
        impl Key for Reverse<$number> {
            fn write(&self, out: &mut Vec<u8>) {
                (!self.0).write(out);
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self(!<$number>::read(bytes)?))
            }
        }
        by_value!($number, Reverse<$number>);
    )* };
}
macro_rules! by_value {
    ($($part:ty),*) => { $(
        impl KeyOf<$part> for $part {
            fn write_key(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
        }
    )* };
}
number_keys! {
    u8, 0; u16, 0; u32, 0; u64, 0; i32, -0x8000_0000; i64, -0x8000_0000_0000_0000;
}

impl Key for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! wrapped_number_keys {
    ($($name:ident),*) => { $(
        impl Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Key::read(bytes).map(Self)
            }
        }
        impl Key for Reverse<$name> {
            fn write(&self, out: &mut Vec<u8>) {
                Reverse(self.0.0).write(out);
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Reverse::read(bytes).map(|Reverse(number)| Self($name(number)))
            }
        }
        by_value!($name, Reverse<$name>);
    )* };
}
wrapped_number_keys!(Timestamp, Elapsed);
by_value!(bool);

/// Makes names into parts of keys: types with `AsRef<str>` and `FromStr`.
///
/// `text_keys!(KeyId, BucketName);`
#[macro_export]
macro_rules! text_keys {
    ($($name:ty),* $(,)?) => { $(
        impl $crate::store::Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let text: &str = self.as_ref();
                $crate::store::key::write_escaped(text.as_bytes(), out);
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                <String as $crate::store::Key>::read(bytes)?.parse().ok()
            }
        }
    )* };
}
text_keys!(AccountId, RegionName, Arn);

macro_rules! tuple_keys {
    ($($part:ident $given:ident $index:tt),+) => {
        impl<$($part: Key),+> Key for ($($part,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$index.write(out);)+
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($part::read(bytes)?,)+))
            }
        }
        impl<$($part,)+ $($given: KeyOf<$part>),+> KeyOf<($($part,)+)> for ($($given,)+) {
            fn write_key(&self, out: &mut Vec<u8>) {
                $(self.$index.write_key(out);)+
            }
        }
    };
}
tuple_keys!(A P 0);
tuple_keys!(A P 0, B Q 1);
tuple_keys!(A P 0, B Q 1, C R 2);
tuple_keys!(A P 0, B Q 1, C R 2, D S 3);
tuple_keys!(A P 0, B Q 1, C R 2, D S 3, E T 4);

macro_rules! tuple_prefixes {
    ($($part:ident $given:ident $index:tt),+ ; $($rest:ident),*) => {
        impl<$($part,)+ $($rest,)* $($given: KeyOf<$part>),+> PrefixOf<($($part,)+ $($rest,)*)> for ($($given,)+) {
            fn write_prefix(&self, out: &mut Vec<u8>) {
                $(self.$index.write_key(out);)+
            }
        }
    };
}
tuple_prefixes!(A P 0;);
tuple_prefixes!(A P 0; B);
tuple_prefixes!(A P 0; B, C);
tuple_prefixes!(A P 0; B, C, D);
tuple_prefixes!(A P 0; B, C, D, E);
tuple_prefixes!(A P 0, B Q 1;);
tuple_prefixes!(A P 0, B Q 1; C);
tuple_prefixes!(A P 0, B Q 1; C, D);
tuple_prefixes!(A P 0, B Q 1; C, D, E);
tuple_prefixes!(A P 0, B Q 1, C R 2;);
tuple_prefixes!(A P 0, B Q 1, C R 2; D);
tuple_prefixes!(A P 0, B Q 1, C R 2; D, E);
tuple_prefixes!(A P 0, B Q 1, C R 2, D S 3;);
tuple_prefixes!(A P 0, B Q 1, C R 2, D S 3; E);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes<K: Key>(key: &K) -> Vec<u8> {
        let mut out = Vec::new();
        key.write(&mut out);
        out
    }

    fn read<K: Key>(mut bytes: &[u8]) -> Option<K> {
        let key = K::read(&mut bytes)?;
        bytes.is_empty().then_some(key)
    }

    /// Text that is often a prefix of another, often with zeros.
    fn text() -> impl Strategy<Value = String> {
        "[\\x00\\x01a\u{ff}]{0,4}|.{0,6}"
    }

    proptest! {
        #[test]
        fn byte_order_is_key_order(
            left in (text(), any::<i64>(), proptest::collection::vec(0u8..3, 0..4), any::<u64>(), any::<bool>()),
            right in (text(), any::<i64>(), proptest::collection::vec(0u8..3, 0..4), any::<u64>(), any::<bool>()),
        ) {
            prop_assert_eq!(bytes(&left).cmp(&bytes(&right)), left.cmp(&right));
            prop_assert_eq!(read(&bytes(&left)), Some(left));
        }

        #[test]
        fn first_parts_are_a_byte_prefix_and_only_theirs(first in text(), other in text(), second in text()) {
            let whole = bytes(&(first.clone(), second));
            prop_assert!(whole.starts_with(&bytes(&first)));
            prop_assert_eq!(whole.starts_with(&bytes(&other)), first == other);
        }

        #[test]
        fn reversed_numbers_sort_newest_first(left in any::<i64>(), right in any::<i64>()) {
            prop_assert_eq!(bytes(&Reverse(left)).cmp(&bytes(&Reverse(right))), right.cmp(&left));
            prop_assert_eq!(read(&bytes(&Reverse(Timestamp(left)))), Some(Reverse(Timestamp(left))));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(junk in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = read::<(String, u64, Vec<u8>, bool)>(&junk);
            let _ = read::<(AccountId, Arn)>(&junk);
        }
    }

    #[test]
    fn a_tuple_of_references_writes_what_the_key_writes() {
        let key = (
            AccountId::new("111111111111").unwrap(),
            "a\0b".to_owned(),
            7u64,
        );
        let mut given = Vec::new();
        (&key.0, "a\0b", 7u64).write_key(&mut given);
        assert_eq!(given, bytes(&key));
    }
}
