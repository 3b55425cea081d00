//! `restart: eu-west-1` stops a Region's process cleanly and starts it again at once, as an
//! upgrade does: open connections end, nothing that was answered is lost.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;

/// A process that is stopped and started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// The Region.
    pub region: RegionName,
}

impl Restart {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Restart(self.region.clone())]
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the node of {} restarts", self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn it_restarts_its_region() {
        let fault = Restart {
            region: region("eu-west-1"),
        };
        assert_eq!(fault.effects(), [Effect::Restart(region("eu-west-1"))]);
    }
}
