//! Faults of several parts that belong together, as outages do.

use faultline_proto::tables::Referent;

use crate::clock::Span;
use crate::scenario::source::{Entry, Node};

use super::dice::Dice;
use super::recorded::Trouble;
use super::targets::Names;
use crate::scenario::emit::{entry, list, map, plain};

/// Several faults under one name.
pub struct Compound {
    /// As it is written.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The action of AWS Fault Injection Service that does the like, if there is one.
    pub fis: Option<&'static str>,
    /// Its parts, aimed.
    pub(super) parts: fn(&Names, Span, Span, &Dice) -> Vec<Trouble>,
}

impl std::fmt::Debug for Compound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compound")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every compound.
pub const COMPOUNDS: &[Compound] = &[
    Compound {
        name: "cross_region_connectivity",
        doc: "One Region loses all others: replication to and from it stands still, clients inside it go on.",
        fis: Some("aws:network:route-table-disrupt-cross-region-connectivity"),
        parts: cross_region_connectivity,
    },
    Compound {
        name: "swizzle",
        doc: "Regions go down one after the other and come back in another order.",
        fis: None,
        parts: swizzle,
    },
    Compound {
        name: "az_brown_out",
        doc: "A Region is half there, as when an Availability Zone fails: slow links, lost messages and a process that dies.",
        fis: Some("aws:network:disrupt-connectivity"),
        parts: az_brown_out,
    },
];

/// The compound of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Compound> {
    COMPOUNDS.iter().find(|compound| compound.name == name)
}

fn fault(name: &str, members: Vec<Entry>) -> Entry {
    entry(name, map(members))
}

fn regions<'a>(names: impl IntoIterator<Item = &'a String>) -> Node {
    list(names.into_iter().map(|name| plain(name.clone())).collect())
}

fn cross_region_connectivity(names: &Names, at: Span, lasts: Span, dice: &Dice) -> Vec<Trouble> {
    let Some(alone) = names.one(Referent::Region, dice) else {
        return Vec::new();
    };
    let others = names.regions().iter().filter(|region| *region != alone);
    let groups = list(vec![list(vec![plain(alone)]), regions(others)]);
    vec![Trouble {
        at,
        lasts,
        faults: vec![fault("partition", vec![entry("groups", groups)])],
    }]
}

fn swizzle(names: &Names, at: Span, lasts: Span, dice: &Dice) -> Vec<Trouble> {
    let count = names.regions().len() as u64;
    let step = Span(lasts.0 / (count + 1).max(2));
    // Down in the order of the world, up from a place that chance decides.
    let first_up = dice.below(count);
    names
        .regions()
        .iter()
        .zip(0..count)
        .map(|(region, index)| {
            let down = at.plus(step.times(index));
            let turn = (index + count - first_up) % count;
            let up = at.plus(step.times(count)).plus(Span(step.0 / count * turn));
            Trouble {
                at: down,
                lasts: up.minus(down).max(Span::millis(1)),
                faults: vec![entry("region_down", plain(region.clone()))],
            }
        })
        .collect()
}

fn az_brown_out(names: &Names, at: Span, lasts: Span, dice: &Dice) -> Vec<Trouble> {
    let Some(region) = names.one(Referent::Region, dice) else {
        return Vec::new();
    };
    let mut faults: Vec<Entry> = names
        .regions()
        .iter()
        .filter(|other| *other != region)
        .map(|other| {
            let between = list(vec![plain(region), plain(other.clone())]);
            let latency = dice.span((Span::millis(200), Span::secs(2)));
            fault(
                "slow_link",
                vec![
                    entry("between", between),
                    entry("latency", plain(latency.to_string())),
                ],
            )
        })
        .collect();
    faults.push(fault("messages", vec![entry("drop", plain("20%"))]));
    faults.push(fault("node_crash", vec![entry("in", plain(region))]));
    vec![Trouble { at, lasts, faults }]
}
