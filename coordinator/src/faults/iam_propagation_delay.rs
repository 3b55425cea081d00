//! `iam_propagation_delay: { to: [eu-west-1], by: 30s }` lets changes of IAM and Organizations
//! leave their home late. Until then other Regions decide with what they have; nothing is lost
//! and the order of changes is kept. A change that waits does not leave sooner when the fault heals.

use std::collections::BTreeSet;
use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction, list};
use crate::clock::Span;

/// A directory whose changes travel slowly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamPropagationDelay {
    /// The directory's home.
    pub home: RegionName,
    /// To these Regions; all when empty.
    pub to: BTreeSet<RegionName>,
    /// How much later.
    pub by: Span,
}

impl IamPropagationDelay {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let rule = |to: Option<&RegionName>| Rule {
            service: "iam".to_owned(),
            operations: Vec::new(),
            resource: String::new(),
            action: RuleAction::DelayDirectory {
                to: to.cloned(),
                by: self.by,
            },
        };
        let rules: Vec<Rule> = if self.to.is_empty() {
            vec![rule(None)]
        } else {
            self.to.iter().map(|to| rule(Some(to))).collect()
        };
        rules
            .into_iter()
            .map(|rule| Effect::Inside(self.home.clone(), rule))
            .collect()
    }
}

impl fmt::Display for IamPropagationDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "changes of IAM reach ")?;
        if self.to.is_empty() {
            f.write_str("other Regions")?;
        } else {
            f.write_str(&list(&self.to))?;
        }
        write!(f, " {} late", self.by)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn each_region_has_its_rule_at_the_home() {
        let fault = |to: &[&str]| IamPropagationDelay {
            home: region("us-east-1"),
            to: to.iter().map(|name| region(name)).collect(),
            by: Span::secs(30),
        };
        assert_eq!(fault(&[]).effects().len(), 1);
        assert_eq!(fault(&["eu-west-1", "sa-east-1"]).effects().len(), 2);
        assert_eq!(
            fault(&["eu-west-1"]).to_string(),
            format!("changes of IAM reach eu-west-1 {} late", Span::secs(30))
        );
    }
}
