//! `freeze: eu-west-1` stops a Region's process as SIGSTOP does: its kernel still takes
//! connections and messages, nobody reads them. Clients wait for their answer until their
//! read timeout. When it thaws, what waits is done in its order, also for clients that have
//! gone away, and timers that came meanwhile come late.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;

/// A process that does nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The Region.
    pub region: RegionName,
}

impl Freeze {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Freeze(self.region.clone())]
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the node of {} is frozen", self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn it_freezes_its_region() {
        let fault = Freeze {
            region: region("eu-west-1"),
        };
        assert_eq!(fault.effects(), [Effect::Freeze(region("eu-west-1"))]);
        assert_eq!(fault.to_string(), "the node of eu-west-1 is frozen");
    }
}
