//! Searchable encryption: attributes beside an item that tell what is in it without saying it.
//!
//! ```text
//! written:  item ──► standard and compound beacons ──► aws_dbe_b_NAME
//! asked:    expression ──► the same with beacons for values ──► DynamoDB ──► opened
//!           ──► the expression again, on what was opened: what merely collided is dropped
//! ```
//!
//! A standard beacon is a few bits of an HMAC over a value (CSE-035); a compound beacon joins
//! some of them with parts in plain (CSE-036). The keys come from the beacon key of a branch
//! key. [`config`] is what is written down, [`location`] and [`virtual_field`] what values are
//! made of, [`expression`] what queries say, `rewrite` and `judge` what is done with it.
//!
//! Left out: beacons of sets, shared beacons, partitions, and stores of many beacon keys.

mod compound;
pub mod config;
pub mod expression;
mod judge;
pub mod location;
mod rewrite;
mod standard;
#[cfg(test)]
mod tests;
pub mod virtual_field;

use std::collections::BTreeMap;
use std::fmt;

pub use config::{BeaconConfig, CompoundBeacon, EncryptedPart, SignedPart, StandardBeacon};
pub use location::Location;
pub use rewrite::Query;
pub use virtual_field::{Transform, VirtualField, VirtualPart};

use crate::branch::KeyStore;
use crate::branch::cache::BeaconKeyCache;
use crate::client::AwsClient;
use crate::error::SealedError;
use crate::plaintext::Terminal;
use crate::schema::Schema;
use crate::secret::BeaconKey;
use crate::value::{Item, Value};
use compound::Compound;
use standard::HmacKey;

/// What the attribute of a beacon is called, before its name.
pub const BEACON_PREFIX: &str = "aws_dbe_b_";

/// The checked beacons of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    config: BeaconConfig,
    /// Attributes that are encrypted, with or without beacon.
    encrypted: Vec<String>,
}

/// Where the beacon key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeaconSource {
    /// The key store.
    pub store: KeyStore,
    /// Id of the branch key whose beacon key it is.
    pub key_id: String,
    /// Seconds for which it is used once it is fetched.
    pub time_to_live: u64,
    /// What was fetched; clones share it.
    pub cache: BeaconKeyCache,
}

/// The keys of all standard beacons of a table.
pub struct BeaconKeys(BTreeMap<String, HmacKey>);

impl fmt::Debug for BeaconKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeaconKeys")
    }
}

impl BeaconKeys {
    fn beacon(&self, name: &str, bytes: &[u8], length: u8) -> Result<String, SealedError> {
        match self.0.get(name) {
            Some(key) => Ok(key.beacon(bytes, length)),
            None => config::refused(format!("Internal error. Beacon {name} has no key!")),
        }
    }
}

impl BeaconSource {
    /// The beacon key, fetched if it is not at hand.
    ///
    /// # Errors
    /// As [`KeyStore::beacon_key`].
    pub async fn key<A: AwsClient>(&self, aws: &A) -> Result<BeaconKey, SealedError> {
        let name = format!("{}/{}", self.store.logical_name, self.key_id);
        if let Some(kept) = self.cache.get(&name, aws.now(), self.time_to_live) {
            return Ok(kept);
        }
        let key = self.store.beacon_key(aws, &self.key_id).await?;
        self.cache.put(name, aws.now(), key.clone());
        Ok(key)
    }
}

impl Search {
    /// Checks beacons against the schema of their table.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] with the first thing that is wrong, in the SDK's words.
    pub fn new(config: BeaconConfig, schema: &Schema) -> Result<Self, SealedError> {
        config::check(&config, schema)?;
        Ok(Self {
            config,
            encrypted: schema.encrypted().map(str::to_owned).collect(),
        })
    }

    /// The keys of the beacons, made of the beacon key.
    #[must_use]
    pub fn keys(&self, key: &BeaconKey) -> BeaconKeys {
        let names = self.config.standard.iter().map(|beacon| &beacon.name);
        BeaconKeys(
            names
                .map(|name| (name.clone(), HmacKey::of(key, name)))
                .collect(),
        )
    }

    /// Names of the compound beacons that have no encrypted part: attributes that are signed.
    pub fn signed_beacons(&self) -> impl Iterator<Item = &str> {
        let compound = self.config.compound.iter();
        compound
            .filter(|beacon| !beacon.is_encrypted())
            .map(|beacon| beacon.name.as_str())
    }

    /// The item with what is added before it is sealed: compound beacons without an
    /// encrypted part. The library prepares a marker `aws_dbe_v_1` too, and stores none
    /// (CSE-037).
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when the item holds another value for such a beacon,
    /// or a value cannot be part of one.
    pub fn with_signed(&self, item: &Item) -> Result<Item, SealedError> {
        let mut more = item.clone();
        for beacon in self.config.compound.iter().filter(|b| !b.is_encrypted()) {
            if let Some(value) = Compound::new(self, beacon).of_item(item, None)? {
                let value = Value::S(value);
                let before = more.insert(beacon.name.clone(), value.clone());
                if before.is_some_and(|before| before != value) {
                    return config::refused(
                        "Signed beacons have generated values different from supplied values."
                            .to_owned(),
                    );
                }
            }
        }
        Ok(more)
    }

    /// The attributes that are added to what is sealed: a beacon for each that the plain
    /// item has the values for.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a value that cannot be part of a beacon.
    pub fn beacons(&self, item: &Item, keys: &BeaconKeys) -> Result<Item, SealedError> {
        let mut beacons = Item::new();
        for beacon in &self.config.standard {
            if let Some(bytes) = self.bytes(&beacon.location, item)? {
                let value = keys.beacon(&beacon.name, &bytes, beacon.length)?;
                beacons.insert(format!("{BEACON_PREFIX}{}", beacon.name), Value::S(value));
            }
        }
        for beacon in self.config.compound.iter().filter(|b| b.is_encrypted()) {
            if let Some(value) = Compound::new(self, beacon).of_item(item, Some(keys))? {
                beacons.insert(format!("{BEACON_PREFIX}{}", beacon.name), Value::S(value));
            }
        }
        Ok(beacons)
    }

    fn standard(&self, name: &str) -> Option<&StandardBeacon> {
        self.config
            .standard
            .iter()
            .find(|beacon| beacon.name == name)
    }

    fn compound(&self, name: &str) -> Option<Compound<'_>> {
        let mut compound = self.config.compound.iter();
        let found = compound.find(|beacon| beacon.name == name);
        found.map(|beacon| Compound::new(self, beacon))
    }

    fn field(&self, location: &Location) -> Option<&VirtualField> {
        let mut fields = self.config.virtual_fields.iter();
        fields.find(|field| location.is_whole() && field.name == location.attribute())
    }

    /// A value as text, for a part of a compound beacon.
    fn text(&self, location: &Location, item: &Item) -> Result<Option<String>, SealedError> {
        match self.field(location) {
            Some(field) => field.value(item),
            None => location.text(item),
        }
    }

    /// A value as bytes, for a standard beacon: those that would be encrypted.
    fn bytes(&self, location: &Location, item: &Item) -> Result<Option<Vec<u8>>, SealedError> {
        match self.field(location) {
            Some(field) => Ok(field.value(item)?.map(String::into_bytes)),
            None => {
                let value = location.value(item);
                value
                    .map(|value| Terminal::of(value).map(|terminal| terminal.bytes))
                    .transpose()
            }
        }
    }
}
