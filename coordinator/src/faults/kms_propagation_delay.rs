//! `kms_propagation_delay: { in: eu-west-1, by: 5m }` lets changes of KMS count late in a Region:
//! a new key is not found, a new grant needs its token, and decisions see tags and aliases as
//! they were. What was changed under the fault stays late when it heals.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction};
use crate::clock::Span;

/// A KMS whose changes spread slowly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsPropagationDelay {
    /// The Region.
    pub region: RegionName,
    /// How much later a change counts.
    pub by: Span,
}

impl KmsPropagationDelay {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let rule = Rule {
            service: "kms".to_owned(),
            operations: Vec::new(),
            resource: String::new(),
            action: RuleAction::DelayEffects { by: self.by },
        };
        vec![Effect::Inside(self.region.clone(), rule)]
    }
}

impl fmt::Display for KmsPropagationDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "changes of KMS in {} count {} late",
            self.region, self.by
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn the_region_is_told_how_much_later() {
        let fault = KmsPropagationDelay {
            region: region("eu-west-1"),
            by: Span::secs(300),
        };
        let [Effect::Inside(at, rule)] = &fault.effects()[..] else {
            panic!("one rule inside one Region")
        };
        assert_eq!(*at, region("eu-west-1"));
        assert_eq!(rule.action, RuleAction::DelayEffects { by: fault.by });
        assert!(fault.to_string().starts_with("changes of KMS in eu-west-1"));
    }
}
