//! Typed keyspaces: a marker type names the prefix, the key and the row.
//!
//! A prefix is given once and never again, also not after its keyspace is gone: the high
//! byte is the service, the low byte counts. `0x00__` belongs to the store itself.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Key, KeyOf, StoreError, row};

/// A set of rows of one kind. Declare it with `keyspaces!`.
pub trait Keyspace: 'static {
    /// First two bytes of every key, big-endian; never reused.
    const PREFIX: u16;
    /// Name in errors and listings, `kms.keys`.
    const NAME: &'static str;
    /// Version that is written.
    const VERSION: u8;
    /// What a row is found by.
    type Key: Key;
    /// What is stored.
    type Row: Serialize + DeserializeOwned;

    /// Reads a row of an older version; `None` when it never existed or is broken.
    #[must_use]
    fn migrate(version: u8, body: &[u8]) -> Option<Self::Row> {
        let _ = (version, body);
        None
    }
}

/// The bytes under which a store keeps the row of `key`.
#[must_use]
pub fn raw_key<K: Keyspace>(key: &impl KeyOf<K::Key>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&K::PREFIX.to_be_bytes());
    key.write_key(&mut out);
    out
}

/// The key that these bytes stand for.
///
/// # Errors
/// [`StoreError::Damaged`] when they are not a key of `K`.
pub fn read_key<K: Keyspace>(raw: &[u8]) -> Result<K::Key, StoreError> {
    let mut rest = raw
        .strip_prefix(&K::PREFIX.to_be_bytes())
        .unwrap_or_default();
    match K::Key::read(&mut rest) {
        Some(key) if rest.is_empty() => Ok(key),
        _ => Err(StoreError::damaged_row(
            K::NAME,
            raw,
            "the key is not one of this keyspace",
        )),
    }
}

/// A keyspace without its types: what a check of a whole store needs.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// [`Keyspace::PREFIX`].
    pub prefix: u16,
    /// [`Keyspace::NAME`].
    pub name: &'static str,
    /// [`Keyspace::VERSION`].
    pub version: u8,
    /// Reads key and row as the keyspace does, and drops them.
    pub check: fn(&[u8], &[u8]) -> Result<(), StoreError>,
}

impl Declared {
    /// What `K` declares.
    #[must_use]
    pub const fn of<K: Keyspace>() -> Self {
        Self {
            prefix: K::PREFIX,
            name: K::NAME,
            version: K::VERSION,
            check: check::<K>,
        }
    }
}

fn check<K: Keyspace>(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    read_key::<K>(key)?;
    row::decode::<K>(key, value).map(drop)
}

/// Declares a module's keyspaces, and lists them as `KEYSPACES` for the registry.
///
/// ```ignore
/// keyspaces! {
///     /// Keys by account and id.
///     pub Keys = 0x0101, "kms.keys", version 1: (AccountId, KeyId) => KeyRow;
///     /// Aliases; version 1 had no creation date.
///     pub Aliases = 0x0102, "kms.aliases", version 2: (AccountId, AliasName) => AliasRow, migrate older_alias;
/// }
/// ```
#[macro_export]
macro_rules! keyspaces {
    ($(
        $(#[$doc:meta])*
        $vis:vis $name:ident = $prefix:literal, $text:literal, version $version:literal:
            $key:ty => $row:ty $(, migrate $migrate:path)?;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            $vis struct $name;

            impl $crate::store::Keyspace for $name {
                const PREFIX: u16 = $prefix;
                const NAME: &'static str = $text;
                const VERSION: u8 = $version;
                type Key = $key;
                type Row = $row;
                $(
                    fn migrate(version: u8, body: &[u8]) -> Option<Self::Row> {
                        $migrate(version, body)
                    }
                )?
            }
        )*

        /// Every keyspace declared here, in the order of declaration.
        pub const KEYSPACES: &[$crate::store::keyspace::Declared] =
            &[$($crate::store::keyspace::Declared::of::<$name>()),*];
        // That it is in the registry is a test's to say, not the compiler's.
        const _: () = {
            let _ = KEYSPACES;
        };
    };
}
