//! `slow_disk: { in: eu-west-1, latency: 50ms }` makes every write of a Region's node slow.
//! Each step is written before anybody hears of it, so answers to clients and messages to
//! other Regions leave so much later. Writes do not wait for each other.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::clock::Span;

/// A disk that takes its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowDisk {
    /// The Region.
    pub region: RegionName,
    /// What each write takes.
    pub latency: Span,
}

impl SlowDisk {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::SlowDisk(self.region.clone(), self.latency)]
    }
}

impl fmt::Display for SlowDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, latency } = self;
        write!(f, "each write to the disk of {region} takes {latency}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn it_is_told_in_words() {
        let fault = SlowDisk {
            region: region("eu-west-1"),
            latency: Span::millis(50),
        };
        assert_eq!(
            fault.to_string(),
            "each write to the disk of eu-west-1 takes 50ms"
        );
        let slow = Effect::SlowDisk(region("eu-west-1"), Span::millis(50));
        assert_eq!(fault.effects(), [slow]);
    }
}
