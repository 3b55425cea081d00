//! What the simulator knows of the network, as one live node is told it.
//!
//! Clients of the simulator feel a condition in the simulator; here is what it does between
//! nodes. A Region that is down still listens: what a fault changes as root must get through.

use std::collections::BTreeSet;

use faultline_proto::driving::LinkTrouble;
use faultline_proto::names::RegionName;

use crate::network::condition::{Condition, Scope};
use crate::seed::Ratio;

/// The trouble of all links of `me`.
#[must_use]
pub fn of_conditions(
    conditions: &[Condition],
    me: &RegionName,
    regions: &[RegionName],
) -> Vec<LinkTrouble> {
    let peers = regions.iter().filter(|peer| *peer != me);
    peers
        .map(|peer| {
            let mut link = LinkTrouble {
                peer: peer.to_string(),
                ..LinkTrouble::default()
            };
            for condition in conditions {
                add(&mut link, condition, me, peer);
            }
            link
        })
        .filter(|link| {
            let nothing = LinkTrouble {
                peer: link.peer.clone(),
                ..LinkTrouble::default()
            };
            *link != nothing
        })
        .collect()
}

fn add(link: &mut LinkTrouble, condition: &Condition, me: &RegionName, peer: &RegionName) {
    match condition {
        Condition::RegionDown(_) | Condition::Cut { .. } => {
            link.cut_out |= condition.cuts(me, peer);
            link.cut_in |= condition.cuts(peer, me);
        }
        Condition::Slow {
            scope,
            latency,
            jitter,
            ..
        } if leaves(scope, me, peer) => {
            link.latency = link.latency.max(latency.map_or(0, |span| span.0));
            link.jitter = link.jitter.max(jitter.map_or(0, |span| span.0));
        }
        Condition::Messages { scope, mischief } if leaves(scope, me, peer) => {
            link.loss_ppm = link.loss_ppm.max(millionths(mischief.lose));
        }
        Condition::Slow { .. } | Condition::Messages { .. } => {}
    }
}

/// Whether what `me` sends to `peer` is meant.
fn leaves(scope: &Scope, me: &RegionName, peer: &RegionName) -> bool {
    let within = |set: &BTreeSet<RegionName>, region| set.is_empty() || set.contains(region);
    let there = within(&scope.from, me) && within(&scope.to, peer);
    let back = scope.both_ways && within(&scope.from, peer) && within(&scope.to, me);
    let streams = &scope.streams;
    (there || back) && (streams.is_empty() || streams.iter().any(|stream| stream != "call"))
}

fn millionths(share: Ratio) -> u32 {
    let parts = share.of.saturating_mul(1_000_000) / share.per.max(1);
    u32::try_from(parts).unwrap_or(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Span;
    use crate::network::condition::Mischief;

    fn region(name: &str) -> RegionName {
        RegionName::new(name).expect("a Region")
    }

    fn told(condition: Condition, me: &str) -> Vec<LinkTrouble> {
        let all = ["eu-west-1", "us-east-1", "ap-south-1"].map(region);
        of_conditions(&[condition], &region(me), &all)
    }

    #[test]
    fn cuts_are_felt_at_their_ends_in_their_direction() {
        let one_way = || Condition::Cut {
            from: [region("eu-west-1")].into(),
            to: [region("us-east-1")].into(),
            both_ways: false,
        };
        let cut = |peer: &str, cut_out, cut_in| LinkTrouble {
            peer: peer.to_owned(),
            cut_out,
            cut_in,
            ..LinkTrouble::default()
        };
        assert_eq!(
            told(one_way(), "eu-west-1"),
            [cut("us-east-1", true, false)]
        );
        assert_eq!(
            told(one_way(), "us-east-1"),
            [cut("eu-west-1", false, true)]
        );
        assert_eq!(told(one_way(), "ap-south-1"), []);
        let down = || Condition::RegionDown(region("ap-south-1"));
        assert_eq!(told(down(), "eu-west-1"), [cut("ap-south-1", true, true)]);
        assert_eq!(told(down(), "ap-south-1").len(), 2);
    }

    #[test]
    fn slow_and_lossy_links_are_those_of_the_scope() {
        let scope = || Scope {
            from: [region("eu-west-1")].into(),
            to: [region("us-east-1")].into(),
            both_ways: true,
            streams: BTreeSet::new(),
        };
        let slow = Condition::Slow {
            scope: scope(),
            latency: Some(Span::millis(300)),
            jitter: None,
            bandwidth: None,
        };
        assert_eq!(told(slow, "us-east-1")[0].latency, 300_000);
        let lossy = || Condition::Messages {
            scope: scope(),
            mischief: Mischief {
                lose: Ratio::percent(10),
                ..Mischief::default()
            },
        };
        assert_eq!(told(lossy(), "eu-west-1")[0].loss_ppm, 100_000);
        assert_eq!(told(lossy(), "ap-south-1"), []);
    }
}
