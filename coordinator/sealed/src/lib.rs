//! Client-side encryption: the client's side of the wall.
//!
//! A client that encrypts the attributes of an item before DynamoDB sees them, in the
//! item format of the AWS Database Encryption SDK for DynamoDB, and that opens such
//! items again. Nothing below the coordinator can reach this crate: a Region only ever
//! holds what [`seal`] leaves behind.
//!
//! ```text
//!   Item ──► Schema ──► fields by canonical path ──► seal ──► Item + aws_dbe_head + aws_dbe_foot
//!                │                                     ▲
//!                └── encryption context ──► Keyring ───┘ data key, one wrapped copy per KMS key
//! ```
//!
//! What was written down, from the bottom up:
//! - [`value`], [`number`], [`plaintext`]: attribute values and their one serialization;
//!   [`attribute`] converts them from and to the DynamoDB messages.
//! - [`schema`]: what happens to which attribute; [`context`]: what is bound into every key.
//! - [`path`], [`field`]: the canonical order of an item.
//! - [`secret`], [`wrapping`], [`signing`]: keys that cannot be printed, and what is made of them.
//! - [`header`], [`footer`]: the two attributes added to an item, byte for byte.
//! - [`mod@seal`], [`mod@open`]: an item and its materials in, an item out; no calls, no randomness.
//! - [`keyring`]: which keys wrap, and which are asked to unwrap, in which order; [`branch`]:
//!   keys that a table keeps, under one KMS key.
//! - [`beacons`]: what can be searched for in what is encrypted.
//! - [`client`]: `PutItem` and `GetItem` with the calls they need, over [`client::AwsClient`];
//!   `kms` is its KMS side; [`find`]: `Query` and `Scan`; [`intercept`]: batches, transactions, updates.
//! - [`import`]: key material on its way into KMS, as its owner wraps it; no client, no table.
//! - [`entropy`], [`error`].
//!
//! Left out: legacy items, keys that are not in KMS.

pub mod attribute;
pub mod beacons;
pub mod branch;
pub mod client;
pub mod context;
pub mod entropy;
pub mod error;
pub mod field;
pub mod find;
pub mod footer;
pub mod header;
pub mod import;
pub mod intercept;
pub mod keyring;
mod kms;
pub mod number;
pub mod open;
pub mod path;
pub mod plaintext;
pub mod schema;
pub mod seal;
pub mod secret;
pub mod signing;
pub mod value;
pub mod wrapping;

pub use beacons::{BeaconConfig, BeaconSource, Query, Search};
pub use branch::{
    BeaconKeyCache, BranchKeyCache, BranchKeyId, Hierarchy, KeyStore, KmsConfiguration,
};
pub use client::{AwsClient, Beacons, Client, PutOutcome, TableAt, WrappedBy};
pub use entropy::Entropy;
pub use error::{CallFailure, SealedError};
pub use find::{Find, Found};
pub use intercept::Interceptor;
pub use keyring::{KeyArn, Keyring};
pub use open::{Opened, OpenedWith, SealedItem};
pub use schema::{AttributeAction, PlaintextPolicy, Schema, SchemaConfig, Suite};
pub use seal::{Draft, SealMaterials};
pub use value::{Item, Value};
