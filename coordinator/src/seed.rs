//! Chance, derived from what it is for.
//!
//! There is no stream of random numbers from which everybody draws: a value is a hash of
//! (run seed, purpose, counter). So one more draw in one place changes nothing in any
//! other, and a run can be made again from its seed alone. Chances are integer ratios;
//! floating point would differ between machines in its last bits.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Span;

/// A chance: `of` out of `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ratio {
    /// How many of `per`.
    pub of: u64,
    /// The whole; a ratio of zero wholes never happens.
    pub per: u64,
}

impl Ratio {
    /// Never.
    pub const NEVER: Self = Self { of: 0, per: 1 };
    /// Always.
    pub const ALWAYS: Self = Self { of: 1, per: 1 };

    /// So many in a hundred.
    #[must_use]
    pub const fn percent(of: u64) -> Self {
        Self { of, per: 100 }
    }
}

impl fmt::Display for Ratio {
    /// `10%`, `1/3`, `all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.of, self.per) {
            (of, per) if of == per => f.write_str("all"),
            (of, 100) => write!(f, "{of}%"),
            // As `10%` is read.
            (of, 1_000_000) if of % 10_000 == 0 => write!(f, "{}%", of / 10_000),
            (of, per) => write!(f, "{of}/{per}"),
        }
    }
}

/// The number from which everything random in a run follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunSeed(pub u64);

impl fmt::Display for RunSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RunSeed {
    /// The value number `counter` for `purpose`.
    #[must_use]
    pub fn draw(self, purpose: &str, counter: u64) -> Draw {
        let mut hash = Sha256::new();
        hash.update(b"faultline draw 1\0");
        hash.update(self.0.to_be_bytes());
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update(counter.to_be_bytes());
        Draw(hash.finalize().into())
    }

    /// The 32 bytes from which a Region derives all that it draws itself.
    #[must_use]
    pub fn for_region(self, region: &RegionName) -> [u8; 32] {
        self.draw(&format!("region {region}"), 0).0
    }
}

/// Thirty-two random bytes, to be read once as one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw([u8; 32]);

impl Draw {
    /// All bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// A number.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from_be_bytes(*self.0.first_chunk().expect("32 bytes hold 8"))
    }

    /// A number below `limit`; zero when the limit is zero.
    ///
    /// 128 bits are reduced to at most 64, so no value is favoured measurably.
    #[must_use]
    pub fn below(self, limit: u64) -> u64 {
        let wide = u128::from_be_bytes(*self.0.first_chunk().expect("32 bytes hold 16"));
        u64::try_from(wide.checked_rem(u128::from(limit)).unwrap_or(0)).unwrap_or(0)
    }

    /// Whether a thing of this chance happens.
    #[must_use]
    pub fn happens(self, chance: Ratio) -> bool {
        chance.per != 0 && self.below(chance.per) < chance.of
    }

    /// A span from `least` to `most`, both possible.
    #[must_use]
    pub fn span(self, least: Span, most: Span) -> Span {
        least.plus(Span(self.below(most.minus(least).0.saturating_add(1))))
    }

    /// A version 4 UUID, as an SDK makes for an idempotency token.
    #[must_use]
    pub fn uuid(self) -> String {
        let mut bytes: [u8; 16] = *self.0.first_chunk().expect("32 bytes hold 16");
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = hex::encode(bytes);
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: RunSeed = RunSeed(7);

    #[test]
    fn a_draw_depends_on_seed_purpose_and_counter_alone() {
        assert_eq!(SEED.draw("a", 1), SEED.draw("a", 1));
        assert_ne!(SEED.draw("a", 1), SEED.draw("a", 2));
        assert_ne!(SEED.draw("a", 1), SEED.draw("b", 1));
        assert_ne!(SEED.draw("a", 1), RunSeed(8).draw("a", 1));
    }

    #[test]
    fn a_draw_is_the_same_on_every_machine_for_ever() {
        assert_eq!(SEED.draw("link jitter", 3).number(), 0x9832_0cb6_7d7e_db9e);
    }

    #[test]
    fn never_never_and_always_always() {
        for counter in 0..200 {
            let draw = SEED.draw("chance", counter);
            assert!(!draw.happens(Ratio::NEVER));
            assert!(!draw.happens(Ratio { of: 1, per: 0 }));
            assert!(draw.happens(Ratio::ALWAYS));
        }
    }

    #[test]
    fn a_tenth_is_about_a_tenth() {
        let hits = (0..10_000)
            .filter(|n| SEED.draw("tenth", *n).happens(Ratio::percent(10)))
            .count();
        assert!((900..1_100).contains(&hits), "{hits}");
    }

    #[test]
    fn a_ratio_is_told_as_people_write_it() {
        let ratio = |of, per| Ratio { of, per }.to_string();
        assert_eq!(ratio(1, 3), "1/3");
        assert_eq!(ratio(10, 100), "10%");
        assert_eq!(ratio(100_000, 1_000_000), "10%");
        assert_eq!(ratio(125, 1_000_000), "125/1000000");
        assert_eq!(ratio(1, 1), "all");
    }

    #[test]
    fn spans_reach_both_ends() {
        let seen: std::collections::BTreeSet<u64> = (0..200)
            .map(|n| SEED.draw("span", n).span(Span(3), Span(6)).0)
            .collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(SEED.draw("span", 0).span(Span(3), Span(3)), Span(3));
    }

    #[test]
    fn a_uuid_has_its_version() {
        let uuid = SEED.draw("token", 0).uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    }

    #[test]
    fn regions_do_not_share_a_seed() {
        let name = |text| RegionName::new(text).expect("a Region");
        assert_ne!(
            SEED.for_region(&name("eu-west-1")),
            SEED.for_region(&name("us-east-1"))
        );
    }
}
