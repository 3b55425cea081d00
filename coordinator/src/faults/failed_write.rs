//! `failed_write: { in: eu-west-1, operation: kms.encrypt }` lets the disk refuse the next
//! write of a Region's node. A node that does not know what its disk holds must not go on: it
//! stops before it has answered, and starts again from what was flushed before.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{CrashPoint, Effect, NodeCrash};

/// A write that the disk refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedWrite {
    /// The Region.
    pub region: RegionName,
    /// Only the write of a step that carries a call of this operation; any when absent.
    pub operation: Option<String>,
}

impl FailedWrite {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Crash(NodeCrash {
            region: self.region.clone(),
            point: CrashPoint::BeforeCommit,
            operation: self.operation.clone(),
            restarts: true,
        })]
    }
}

impl fmt::Display for FailedWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk of {} refuses to write ", self.region)?;
        match &self.operation {
            Some(operation) => write!(f, "its next {operation}"),
            None => f.write_str("once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn nothing_of_the_step_is_kept_and_the_node_comes_back() {
        let fault = FailedWrite {
            region: region("eu-west-1"),
            operation: Some("kms.Encrypt".to_owned()),
        };
        let effects = fault.effects();
        let [Effect::Crash(crash)] = &effects[..] else {
            panic!("it stops the node")
        };
        assert_eq!(crash.point, CrashPoint::BeforeCommit);
        assert!(crash.restarts && crash.strikes(Some("kms.Encrypt")));
        assert!(!crash.strikes(Some("kms.Decrypt")));
        assert_eq!(
            fault.to_string(),
            "the disk of eu-west-1 refuses to write its next kms.Encrypt"
        );
    }
}
