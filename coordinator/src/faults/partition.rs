//! `partition: [[a, b], [c]]` lets nothing pass between the groups; `{ from, to }` cuts one
//! way only. Clients stand with their Region, and inside a group all is well. A Region that
//! no group names reaches everybody.

use std::collections::BTreeSet;
use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, list};
use crate::network::condition::Condition;

/// Links that are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// Groups that no longer reach each other.
    Groups(Vec<BTreeSet<RegionName>>),
    /// Messages from the first to the second are lost.
    OneWay {
        /// Who is not heard.
        from: BTreeSet<RegionName>,
        /// By whom; everybody else when empty.
        to: BTreeSet<RegionName>,
    },
}

impl Partition {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let cut = |from: &BTreeSet<RegionName>, to: &BTreeSet<RegionName>, both_ways| {
            Effect::Network(Condition::Cut {
                from: from.clone(),
                to: to.clone(),
                both_ways,
            })
        };
        match self {
            Self::Groups(groups) => groups
                .iter()
                .enumerate()
                .flat_map(|(index, one)| {
                    groups[index + 1..]
                        .iter()
                        .map(move |other| cut(one, other, true))
                })
                .collect(),
            Self::OneWay { from, to } => vec![cut(from, to, false)],
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(groups) => {
                let groups: Vec<String> = groups.iter().map(list).collect();
                write!(f, "no link between {}", groups.join(" | "))
            }
            Self::OneWay { from, to } => {
                write!(f, "nothing passes from {} to {}", list(from), list(to))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<RegionName> {
        names.iter().map(|name| region(name)).collect()
    }

    /// Whether a message passes.
    fn passes(fault: &Partition, from: &str, to: &str) -> bool {
        !fault.effects().iter().any(|effect| match effect {
            Effect::Network(condition) => condition.cuts(&region(from), &region(to)),
            _ => panic!("a partition is of the network"),
        })
    }

    #[test]
    fn groups_are_cut_from_each_other_and_not_inside() {
        let (a, b, c, d) = ("eu-west-1", "eu-north-1", "us-east-1", "ap-south-1");
        let fault = Partition::Groups(vec![set(&[a, b]), set(&[c]), set(&[d])]);
        let cases = [
            (a, b, true),
            (a, a, true),
            (a, c, false),
            (c, a, false),
            (c, d, false),
            (d, b, false),
        ];
        for (from, to, expected) in cases {
            assert_eq!(passes(&fault, from, to), expected, "{from} to {to}");
        }
        assert!(
            passes(&fault, a, "sa-east-1"),
            "whom no group names is reached"
        );
        assert_eq!(
            fault.to_string(),
            "no link between eu-north-1, eu-west-1 | us-east-1 | ap-south-1"
        );
    }

    #[test]
    fn one_way_is_one_way() {
        let fault = Partition::OneWay {
            from: set(&["eu-west-1"]),
            to: set(&["us-east-1"]),
        };
        assert!(!passes(&fault, "eu-west-1", "us-east-1"));
        assert!(passes(&fault, "us-east-1", "eu-west-1"));
    }
}
