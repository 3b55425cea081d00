//! `iam_control_plane_outage` stops changes of IAM and Organizations and nothing else: who may do
//! what stays as it is, in every Region, reads are answered, and sessions open.

use std::fmt;

use faultline_proto::names::RegionName;
use faultline_proto::registry;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction};
use crate::seed::Ratio;

/// A directory that nobody can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamControlPlaneOutage {
    /// The directory's home.
    pub home: RegionName,
}

impl IamControlPlaneOutage {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let rule = |service: &str| Rule {
            service: service.to_owned(),
            operations: registry::operations()
                .filter(|operation| operation.service == service && !operation.read_only)
                .map(|operation| operation.id.to_owned())
                .collect(),
            resource: String::new(),
            action: RuleAction::Refuse {
                code: "ServiceUnavailable",
                message: "Service is temporarily unavailable. Please try again.",
                http_status: 503,
                chance: Ratio::ALWAYS,
                passes_per_second: 0,
            },
        };
        ["iam", "organizations"]
            .map(|service| Effect::Inside(self.home.clone(), rule(service)))
            .into()
    }
}

impl fmt::Display for IamControlPlaneOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IAM in {} takes no changes", self.home)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn changes_stop_and_reads_do_not() {
        let fault = IamControlPlaneOutage {
            home: region("us-east-1"),
        };
        let effects = fault.effects();
        let Effect::Inside(_, rule) = &effects[0] else {
            panic!("it is inside the Region")
        };
        let named = |id: &str| rule.operations.iter().any(|operation| operation == id);
        assert!(named("iam.PutUserPolicy") && named("iam.CreateRole"));
        assert!(!named("iam.GetUser") && !named("sts.AssumeRole"));
        assert_eq!(effects.len(), 2);
    }
}
