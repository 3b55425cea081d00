//! What a multi-Region key knows of its relatives, and how two such views become one.
//!
//! Each Region holds a view: which Region is the primary, and which Regions have a member.
//! Views travel as records and merge: the higher generation names the primary, and for every
//! Region the later word counts (made again after deletion is later, deleted beats made). Merging
//! commutes and repeats harmlessly, so neither order nor repetition of records matters.
//!
//! A primary gives its role away (a new generation that names another) before the other takes
//! it, so no moment has two of them; a short moment may have none (K-114).

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use crate::mutants::{self, Mutant};

/// What is known of one Region's member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Member {
    /// How often the key was made in that Region.
    incarnation: u64,
    /// Whether that one is deleted.
    gone: bool,
}

/// One Region's view of a set of related keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Counts promotions.
    pub generation: u64,
    /// Region of the primary in that generation.
    pub primary: RegionName,
    known: BTreeMap<RegionName, Member>,
}

impl Members {
    /// A fresh primary, alone (K-093).
    pub(crate) fn alone(primary: &RegionName) -> Self {
        let first = Member {
            incarnation: 1,
            gone: false,
        };
        Self {
            generation: 1,
            primary: primary.clone(),
            known: BTreeMap::from([(primary.clone(), first)]),
        }
    }

    /// Regions that have a member, in order.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &RegionName> {
        self.known
            .iter()
            .filter(|(_, member)| !member.gone)
            .map(|(region, _)| region)
    }

    /// Regions of replicas, in order.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = &RegionName> {
        self.regions().filter(|region| **region != self.primary)
    }

    /// Whether `region` has a member.
    pub(crate) fn has(&self, region: &RegionName) -> bool {
        self.known.get(region).is_some_and(|member| !member.gone)
    }

    /// A member is made in `region`.
    pub(crate) fn add(&mut self, region: &RegionName) {
        let member = self.known.entry(region.clone()).or_insert(Member {
            incarnation: 0,
            gone: true,
        });
        if member.gone {
            *member = Member {
                incarnation: member.incarnation + 1,
                gone: false,
            };
        }
    }

    /// The member in `region` is deleted.
    pub(crate) fn remove(&mut self, region: &RegionName) {
        if let Some(member) = self.known.get_mut(region) {
            member.gone = true;
        }
    }

    /// `region` becomes the primary of a new generation.
    pub(crate) fn promote(&mut self, region: &RegionName) {
        self.generation += 1;
        self.primary = region.clone();
    }

    /// Takes in another view; whether anything was new.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let before = self.clone();
        let older = mutants::is(Mutant::OldViewWins) && other.generation < self.generation;
        let newer = if mutants::is(Mutant::GenerationWraps) {
            other.generation & 7 > self.generation & 7
        } else {
            other.generation > self.generation
        };
        if newer || older {
            self.generation = other.generation;
            self.primary = other.primary.clone();
        }
        for (region, theirs) in &other.known {
            let ours = self.known.entry(region.clone()).or_insert(*theirs);
            *ours = (*ours).max(*theirs);
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(index: u8) -> RegionName {
        RegionName::new(["eu-west-1", "us-east-1", "ap-south-1"][usize::from(index % 3)]).unwrap()
    }

    fn history() -> impl Strategy<Value = Members> {
        proptest::collection::vec((0u8..3, 0u8..3), 0..8).prop_map(|changes| {
            let mut members = Members::alone(&region(0));
            for (change, index) in changes {
                match change {
                    0 => members.add(&region(index)),
                    1 => members.remove(&region(index)),
                    // Only one Region promotes in a generation; here that is a function of it.
                    _ => members.promote(&region((members.generation % 3) as u8)),
                }
            }
            members
        })
    }

    fn merged(mut left: Members, right: &Members) -> Members {
        left.merge(right);
        left
    }

    proptest! {
        #[test]
        fn merging_commutes_and_repeats_harmlessly(left in history(), right in history(), third in history()) {
            prop_assert_eq!(merged(left.clone(), &right), merged(right.clone(), &left));
            prop_assert_eq!(merged(left.clone(), &left), left.clone());
            let one = merged(merged(left.clone(), &right), &third);
            prop_assert_eq!(one, merged(left, &merged(right, &third)));
        }
    }

    #[test]
    fn k_115_a_replica_can_be_made_again_after_its_deletion() {
        let mut ours = Members::alone(&region(0));
        ours.add(&region(1));
        let mut theirs = ours.clone();
        theirs.remove(&region(1));
        ours.merge(&theirs);
        assert!(!ours.has(&region(1)));
        ours.add(&region(1));
        ours.merge(&theirs);
        assert!(
            ours.has(&region(1)),
            "old news of a deletion does not remove the new one"
        );
    }
}
