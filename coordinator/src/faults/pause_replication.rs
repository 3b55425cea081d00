//! `pause_replication: { table: orders, to: [us-east-1] }` keeps back what a service
//! replicates, without any error. Nothing is lost: it goes out when the fault heals.

use std::collections::BTreeSet;
use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction, list};

/// Whose records are kept back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replicated {
    /// A global table, by name.
    Table(String),
    /// A source bucket, by name.
    Bucket(String),
    /// A multi-Region key, by id.
    Key(String),
}

/// Replication that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseReplication {
    /// Of what.
    pub of: Replicated,
    /// From these Regions: all that send it, spelled out.
    pub from: BTreeSet<RegionName>,
    /// To these Regions; all when empty.
    pub to: BTreeSet<RegionName>,
}

impl PauseReplication {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let (service, resource) = match &self.of {
            Replicated::Table(name) => ("dynamodb", name),
            Replicated::Bucket(name) => ("s3", name),
            Replicated::Key(id) => ("kms", id),
        };
        // Each table has a stream of its own: the others go on.
        let stream = match &self.of {
            Replicated::Table(name) => format!("{service}/{name}"),
            Replicated::Bucket(_) | Replicated::Key(_) => service.to_owned(),
        };
        let rule = |to: Option<&RegionName>| Rule {
            service: service.to_owned(),
            operations: Vec::new(),
            resource: resource.clone(),
            action: RuleAction::Pause {
                stream: stream.clone(),
                to: to.cloned(),
            },
        };
        let rules: Vec<Rule> = if self.to.is_empty() {
            vec![rule(None)]
        } else {
            self.to.iter().map(|to| rule(Some(to))).collect()
        };
        self.from
            .iter()
            .flat_map(|from| {
                rules
                    .iter()
                    .map(move |rule| Effect::Inside(from.clone(), rule.clone()))
            })
            .collect()
    }
}

impl fmt::Display for PauseReplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match &self.of {
            Replicated::Table(name) => ("table", name),
            Replicated::Bucket(name) => ("bucket", name),
            Replicated::Key(id) => ("key", id),
        };
        write!(f, "replication of {kind} {name} from {} ", list(&self.from))?;
        if self.to.is_empty() {
            f.write_str("pauses")
        } else {
            write!(f, "to {} pauses", list(&self.to))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn every_sender_keeps_back_what_goes_to_each_receiver() {
        let fault = |to: &[&str]| PauseReplication {
            of: Replicated::Table("orders".to_owned()),
            from: [region("eu-west-1"), region("us-east-1")].into(),
            to: to.iter().map(|name| region(name)).collect(),
        };
        let cases: [(&[&str], usize); 3] = [
            (&[], 2),
            (&["ap-south-1"], 2),
            (&["ap-south-1", "sa-east-1"], 4),
        ];
        for (to, rules) in cases {
            let effects = fault(to).effects();
            assert_eq!(effects.len(), rules, "to {to:?}");
            for effect in effects {
                let Effect::Inside(_, rule) = effect else {
                    panic!("it is inside the Region")
                };
                assert_eq!(
                    (rule.service.as_str(), rule.resource.as_str()),
                    ("dynamodb", "orders")
                );
            }
        }
        assert_eq!(
            fault(&[]).to_string(),
            "replication of table orders from eu-west-1, us-east-1 pauses"
        );
    }
}
