//! Attribute values as the client's user sees them.

use std::collections::{BTreeMap, BTreeSet};

/// An item: attribute names and values.
pub type Item = BTreeMap<String, Value>;

/// One attribute value, with DynamoDB's type letters.
///
/// Numbers are decimal text, as in DynamoDB. Sets are ordered by Rust's order here; the
/// order they are serialized in is another one (see [`crate::plaintext`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    S(String),
    /// A number, as decimal text.
    N(String),
    /// Bytes.
    B(Vec<u8>),
    /// Truth.
    Bool(bool),
    /// Nothing, said explicitly.
    Null,
    /// A set of texts.
    Ss(BTreeSet<String>),
    /// A set of numbers.
    Ns(BTreeSet<String>),
    /// A set of byte strings.
    Bs(BTreeSet<Vec<u8>>),
    /// A list; elements may differ in type.
    L(Vec<Value>),
    /// A map; members may differ in type.
    M(BTreeMap<String, Value>),
}

impl Value {
    /// DynamoDB's letters for the type, `SS`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::L(_) => "L",
            Self::M(_) => "M",
        }
    }
}
