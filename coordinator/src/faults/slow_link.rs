//! `slow_link: { between: [a, b], latency: 2s }` makes the link between two Regions slower,
//! both ways. What it does not name stays as it was.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::clock::Span;
use crate::network::condition::{Condition, Scope};
use crate::network::link::Bandwidth;

/// A link that is slower than usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowLink {
    /// The two ends.
    pub between: (RegionName, RegionName),
    /// One-way latency in place of the usual one.
    pub latency: Option<Span>,
    /// Most that chance adds, in place of the usual.
    pub jitter: Option<Span>,
    /// Bits a second in place of the usual ones.
    pub bandwidth: Option<Bandwidth>,
}

impl SlowLink {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let scope = Scope {
            from: [self.between.0.clone()].into(),
            to: [self.between.1.clone()].into(),
            both_ways: true,
            ..Scope::default()
        };
        let Self {
            latency,
            jitter,
            bandwidth,
            ..
        } = *self;
        vec![Effect::Network(Condition::Slow {
            scope,
            latency,
            jitter,
            bandwidth,
        })]
    }
}

impl fmt::Display for SlowLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the link between {} and {} is slow",
            self.between.0, self.between.1
        )?;
        let parts = [
            self.latency.map(|latency| format!("latency {latency}")),
            self.jitter.map(|jitter| format!("jitter {jitter}")),
            self.bandwidth
                .map(|bandwidth| format!("bandwidth {bandwidth}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;
    use crate::network::Message;
    use crate::network::link::Link;

    #[test]
    fn it_bends_its_link_both_ways_and_no_other() {
        let (a, b, c) = (
            region("eu-west-1"),
            region("us-east-1"),
            region("ap-south-1"),
        );
        let usual = Link {
            latency: Span(1),
            jitter: Span(2),
            bandwidth: Bandwidth::gbit(1),
        };
        let fault = SlowLink {
            between: (a.clone(), b.clone()),
            latency: Some(Span::secs(2)),
            jitter: None,
            bandwidth: None,
        };
        let effects = fault.effects();
        let Effect::Network(condition) = &effects[0] else {
            panic!("it is of the network")
        };
        for (from, to, latency) in [
            (&a, &b, 2_000_000),
            (&b, &a, 2_000_000),
            (&a, &c, 1),
            (&a, &a, 1),
        ] {
            let message = Message {
                from,
                to,
                stream: "kms",
                flow: "",
                bytes: 1,
            };
            let link = condition.bend(usual, &message);
            assert_eq!(
                (link.latency, link.jitter),
                (Span(latency), Span(2)),
                "{from} to {to}"
            );
        }
        assert_eq!(
            fault.to_string(),
            "the link between eu-west-1 and us-east-1 is slow (latency 2s)"
        );
    }
}
