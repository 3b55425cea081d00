//! What KMS asks for, as data with its date: `prices.json` (K-247 to K-249).
//!
//! Amounts are billionths of a US dollar, so that a single request has a whole number.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The table.
#[derive(Debug, Deserialize)]
pub struct Prices {
    /// The day on which the prices were read, `2026-10-01`.
    pub as_of: String,
    /// Always `USD`.
    pub currency: String,
    /// Where they stand.
    pub source: String,
    /// A customer managed key for a month, of any kind, each member of a set by itself.
    pub key_month: Monthly,
    /// What a rotation adds for every month after it, for as many rotations as are counted.
    pub rotation_month: Monthly,
    /// Hours by which a monthly price is divided: keys are billed by the hour.
    pub hours_of_a_month: u64,
    /// Kinds of requests.
    pub requests: BTreeMap<RequestKind, PerRequest>,
}

/// A price for every month.
#[derive(Debug, Deserialize)]
pub struct Monthly {
    /// Billionths of a dollar.
    pub nano_usd: u64,
    /// How many are counted; all when absent.
    #[serde(default)]
    pub counted: Option<u64>,
}

/// A price for requests.
#[derive(Debug, Deserialize)]
pub struct PerRequest {
    /// Billionths of a dollar for ten thousand.
    pub nano_usd_per_10000: u64,
    /// Requests of an account, in all Regions together, that cost nothing in a month.
    pub free_a_month: u64,
}

/// Kinds of requests by price (K-249).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// Everything else, RSA_2048 and HMAC included.
    Standard,
    /// With an asymmetric key other than RSA_2048.
    Asymmetric,
    /// GenerateDataKeyPair of an elliptic curve.
    PairsEcc,
    /// GenerateDataKeyPair of RSA.
    PairsRsa,
}

/// The prices that this program knows.
///
/// # Panics
/// Never: a test reads the file.
#[must_use]
pub fn prices() -> &'static Prices {
    static PRICES: OnceLock<Prices> = OnceLock::new();
    PRICES.get_or_init(|| {
        serde_json::from_str(include_str!("prices.json")).expect("a test reads the price table")
    })
}
