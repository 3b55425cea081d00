//! `region_down: eu-west-1` cuts a Region from clients and from all other Regions. Its
//! processes and its state remain: timers go on, and what it meant to send waits.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::network::condition::Condition;

/// A Region nobody reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionDown {
    /// The Region.
    pub region: RegionName,
}

impl RegionDown {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Network(Condition::RegionDown(self.region.clone()))]
    }
}

impl fmt::Display for RegionDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is down", self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, region};
    use super::*;

    #[test]
    fn it_is_one_condition_of_the_network() {
        let fault = Fault::RegionDown(RegionDown {
            region: region("eu-west-1"),
        });
        assert_eq!(
            fault.effects(),
            [Effect::Network(Condition::RegionDown(region("eu-west-1")))]
        );
        assert_eq!(
            (fault.kind(), fault.to_string().as_str()),
            ("region_down", "eu-west-1 is down")
        );
    }
}
