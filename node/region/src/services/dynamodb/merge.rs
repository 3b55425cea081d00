//! Last writer wins, for whole items (DDB-011, DDB-012).
//!
//! The version with the later stamp stays, the Region's name breaking ties. A local write is
//! stamped above what it overwrites, so stamps never contradict knowledge, and merging is a
//! maximum: it commutes, associates and repeats without effect.
//!
//! Whether a replaced write was *lost* is another question, and stamps cannot answer it: a
//! writer that had seen a write overwrites it, as anybody may. Every version carries a vector
//! of what it was knowingly written over. A Region whose own write is replaced by a version
//! whose vector does not have it has found a conflict. Each write has one home Region and is
//! replaced there once: so each lost write is found exactly once, wherever messages wander.

use std::collections::BTreeMap;

use faultline_proto::names::{RegionName, Timestamp};

use super::keyspaces::Version;
use crate::mutants::{self, Mutant};

/// What becomes of a version that arrives where another is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is what is stored.
    Known,
    /// It is older than what is stored.
    Older,
    /// It takes the place.
    Applied {
        /// The write that it replaces was this Region's own, and its writer did not know it.
        conflict: bool,
    },
}

impl Version {
    /// A write of `writer` over nothing, where everything up to `floor` has been before.
    pub(crate) fn first(
        floor: BTreeMap<RegionName, i64>,
        writer: &RegionName,
        now: Timestamp,
    ) -> Self {
        let latest = floor.values().max().copied();
        let stamp = latest.map_or(now.0, |latest| now.0.max(latest + 1));
        let mut knew = floor;
        knew.insert(writer.clone(), stamp);
        Self {
            stamp,
            writer: writer.clone(),
            knew,
        }
    }

    /// A write of `writer` over `before`.
    pub(crate) fn next(before: Option<&Self>, writer: &RegionName, now: Timestamp) -> Self {
        let stamp = match before {
            Some(version) if !mutants::is(Mutant::SkewTrusted) => now.0.max(version.stamp + 1),
            _ => now.0,
        };
        let mut knew = before.map_or_else(BTreeMap::new, |version| version.knew.clone());
        knew.insert(writer.clone(), stamp);
        Self {
            stamp,
            writer: writer.clone(),
            knew,
        }
    }

    /// Whether it was knowingly written over `other`.
    pub(crate) fn overwrote(&self, other: &Self) -> bool {
        self.knew
            .get(&other.writer)
            .is_some_and(|stamp| *stamp >= other.stamp)
    }

    /// What becomes of it in the Region `here`, where `stored` is.
    pub(crate) fn arriving(&self, stored: Option<&Self>, here: &RegionName) -> Fate {
        let Some(stored) = stored else {
            return Fate::Applied { conflict: false };
        };
        let order = if mutants::is(Mutant::LwwComparesSeconds) {
            (self.stamp / 1_000_000).cmp(&(stored.stamp / 1_000_000))
        } else {
            (self.stamp, &self.writer).cmp(&(stored.stamp, &stored.writer))
        };
        match order {
            std::cmp::Ordering::Less if mutants::is(Mutant::LwwByArrival) => {
                Fate::Applied { conflict: false }
            }
            std::cmp::Ordering::Less => Fate::Older,
            std::cmp::Ordering::Equal => Fate::Known,
            std::cmp::Ordering::Greater => Fate::Applied {
                conflict: stored.writer == *here && !self.overwrote(stored),
            },
        }
    }

    /// What it knew, for a journal: `eu-west-1@17 us-east-1@20`.
    pub(crate) fn knew_text(&self) -> String {
        let pairs = self
            .knew
            .iter()
            .map(|(region, stamp)| format!("{region}@{stamp}"));
        pairs.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGIONS: [&str; 3] = ["ap-southeast-2", "eu-west-1", "us-east-1"];

    fn region(at: usize) -> RegionName {
        RegionName::new(REGIONS[at]).unwrap()
    }

    /// Replicas of one item and the writes that each of them found lost.
    #[derive(Default)]
    struct Replicas {
        stored: [Option<Version>; 3],
        lost: Vec<Version>,
        writes: Vec<Version>,
    }

    impl Replicas {
        fn hear(&mut self, at: usize, write: &Version) {
            let stored = self.stored[at].take();
            let fate = write.arriving(stored.as_ref(), &region(at));
            if let (Fate::Applied { conflict: true }, Some(stored)) = (fate, &stored) {
                self.lost.push(stored.clone());
            }
            self.stored[at] = match fate {
                Fate::Applied { .. } => Some(write.clone()),
                Fate::Known | Fate::Older => stored,
            };
        }

        fn write(&mut self, at: usize, clock: i64) {
            let next = Version::next(self.stored[at].as_ref(), &region(at), Timestamp(clock));
            self.stored[at] = Some(next.clone());
            self.writes.push(next);
        }

        /// Random clocks, and before each write perhaps an earlier one heard from elsewhere.
        fn after(steps: &[(usize, i64, usize)]) -> Self {
            let mut replicas = Self::default();
            for (at, clock, heard) in steps {
                if let Some(write) = replicas.writes.get(*heard).cloned() {
                    replicas.hear(*at, &write);
                }
                replicas.write(*at, *clock);
            }
            replicas
        }
    }

    fn steps() -> impl Strategy<Value = Vec<(usize, i64, usize)>> {
        proptest::collection::vec((0usize..3, 0i64..50, 0usize..12), 1..12)
    }

    proptest! {
        #[test]
        fn reordered_and_repeated_delivery_ends_alike_and_no_write_vanishes_silently(
            steps in steps(),
            order in proptest::collection::vec((0usize..3, any::<proptest::sample::Index>()), 0..40),
        ) {
            let mut replicas = Replicas::after(&steps);
            let writes = replicas.writes.clone();
            for (at, index) in order {
                replicas.hear(at, index.get(&writes));
            }
            for at in 0..3 {
                let mut rest = writes.clone();
                rest.rotate_left(at % writes.len());
                if at == 1 { rest.reverse(); }
                for write in &rest { replicas.hear(at, write); }
            }
            prop_assert_eq!(&replicas.stored[0], &replicas.stored[1]);
            prop_assert_eq!(&replicas.stored[1], &replicas.stored[2]);
            for write in &writes {
                let is_end = replicas.stored[0].as_ref() == Some(write);
                let overwritten = writes.iter().any(|later| later != write && later.overwrote(write));
                let found = replicas.lost.iter().filter(|lost| *lost == write).count();
                prop_assert!(found <= 1, "found {} times: {:?}", found, write);
                prop_assert!(is_end || overwritten || found == 1, "vanished: {:?}", write);
                prop_assert!(!is_end || found == 0, "the winner is no loser: {:?}", write);
            }
        }

        #[test]
        fn merging_commutes_associates_and_repeats_ddb_011(
            steps in steps(),
            pick in proptest::array::uniform3(any::<proptest::sample::Index>()),
        ) {
            let writes = Replicas::after(&steps).writes;
            let [a, b, c] = pick.map(|index| index.get(&writes).clone());
            let both = |left: &Version, right: &Version| match right.arriving(Some(left), &region(0)) {
                Fate::Applied { .. } => right.clone(),
                Fate::Known | Fate::Older => left.clone(),
            };
            prop_assert_eq!(both(&a, &b), both(&b, &a));
            prop_assert_eq!(both(&both(&a, &b), &c), both(&a, &both(&b, &c)));
            prop_assert_eq!(a.arriving(Some(&a), &region(0)), Fate::Known);
        }
    }

    #[test]
    fn overwriting_a_write_already_seen_is_no_conflict_whatever_the_clocks_say() {
        let fast = Version::next(None, &region(1), Timestamp(1_000));
        let slow = Version::next(Some(&fast), &region(2), Timestamp(10));
        assert_eq!(slow.stamp, 1_001);
        assert_eq!(
            slow.arriving(Some(&fast), &region(1)),
            Fate::Applied { conflict: false }
        );
        assert_eq!(fast.arriving(Some(&slow), &region(2)), Fate::Older);
    }

    #[test]
    fn equal_stamps_fall_to_the_later_name_and_the_loser_finds_the_conflict() {
        let one = Version::next(None, &region(1), Timestamp(5));
        let other = Version::next(None, &region(2), Timestamp(5));
        assert_eq!(
            other.arriving(Some(&one), &region(1)),
            Fate::Applied { conflict: true }
        );
        assert_eq!(one.arriving(Some(&other), &region(2)), Fate::Older);
    }

    #[test]
    fn a_write_that_lost_on_the_way_is_found_at_home_though_a_third_region_wrote_on() {
        // b loses to a in the third Region, which writes c over a; b's home hears of c first.
        let a = Version::next(None, &region(0), Timestamp(20));
        let b = Version::next(None, &region(1), Timestamp(10));
        let c = Version::next(Some(&a), &region(2), Timestamp(30));
        assert_eq!(
            c.arriving(Some(&b), &region(1)),
            Fate::Applied { conflict: true }
        );
        assert_eq!(
            c.arriving(Some(&a), &region(0)),
            Fate::Applied { conflict: false }
        );
    }
}
