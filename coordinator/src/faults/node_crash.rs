//! `node_crash: { in: eu-west-1, when: after_commit }` kills a Region's process at its next
//! step, as SIGKILL does. Before the commit nothing of the step is kept; after it all is,
//! and nobody hears of it. Clients that wait see their connection reset.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;

/// Where in a step the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPoint {
    /// Nothing of the step is kept.
    BeforeCommit,
    /// All of the step is kept, nobody hears of it.
    AfterCommit,
}

/// A process that dies at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCrash {
    /// The Region.
    pub region: RegionName,
    /// Where in the step.
    pub point: CrashPoint,
    /// Only at a step that carries a call of this operation (`kms.Encrypt`); any step when absent.
    pub operation: Option<String>,
    /// Whether it starts again at once, or only when the fault heals.
    pub restarts: bool,
}

impl NodeCrash {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Crash(self.clone())]
    }

    /// Whether the process dies at a step of its Region that carries `operation`, if any.
    #[must_use]
    pub fn strikes(&self, operation: Option<&str>) -> bool {
        self.operation
            .as_deref()
            .is_none_or(|meant| Some(meant) == operation)
    }
}

impl fmt::Display for NodeCrash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = match self.point {
            CrashPoint::BeforeCommit => "before",
            CrashPoint::AfterCommit => "after",
        };
        write!(f, "the node of {} dies {point} the commit of ", self.region)?;
        match &self.operation {
            Some(operation) => write!(f, "its next {operation}"),
            None => f.write_str("its next step"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn it_strikes_at_its_operation_or_at_anything() {
        let crash = |operation: Option<&str>| NodeCrash {
            region: region("eu-west-1"),
            point: CrashPoint::BeforeCommit,
            operation: operation.map(str::to_owned),
            restarts: true,
        };
        let cases = [
            (None, None, true),
            (None, Some("kms.Encrypt"), true),
            (Some("kms.Encrypt"), Some("kms.Encrypt"), true),
            (Some("kms.Encrypt"), Some("kms.Decrypt"), false),
            (Some("kms.Encrypt"), None, false),
        ];
        for (meant, carried, strikes) in cases {
            assert_eq!(
                crash(meant).strikes(carried),
                strikes,
                "{meant:?} at {carried:?}"
            );
        }
        assert_eq!(
            crash(None).to_string(),
            "the node of eu-west-1 dies before the commit of its next step"
        );
    }
}
