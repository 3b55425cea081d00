//! `disk_full: eu-west-1` lets a Region's disk take no more data. Calls that change something
//! fail with their service's own internal error; what other Regions send is not taken, so
//! they send it again until there is room. Reads go on, and so does the trail, which has a
//! reserve, and what was begun before.

use std::collections::BTreeMap;
use std::fmt;

use faultline_proto::names::RegionName;
use faultline_proto::registry;
use serde::{Deserialize, Serialize};

use super::service_errors::internal_error;
use super::{Effect, Rule, RuleAction};
use crate::seed::Ratio;

/// A disk without room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskFull {
    /// The Region.
    pub region: RegionName,
}

impl DiskFull {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let mut writes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for operation in registry::operations().filter(|operation| !operation.read_only) {
            let of_service = writes.entry(operation.service).or_default();
            of_service.push(operation.id.to_owned());
        }
        let refuse = |(service, operations): (&str, Vec<String>)| {
            let (code, message, http_status) = internal_error(service);
            let rule = Rule {
                service: service.to_owned(),
                operations,
                resource: String::new(),
                action: RuleAction::Refuse {
                    code,
                    message,
                    http_status,
                    chance: Ratio::ALWAYS,
                    passes_per_second: 0,
                },
            };
            Effect::Inside(self.region.clone(), rule)
        };
        let rules = writes.into_iter().map(refuse);
        rules.chain([Effect::NoRoom(self.region.clone())]).collect()
    }
}

impl fmt::Display for DiskFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the disk of {} is full", self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn writes_are_refused_and_reads_are_not() {
        let fault = DiskFull {
            region: region("eu-west-1"),
        };
        let effects = fault.effects();
        let refused: Vec<&str> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Inside(_, rule) => Some(&rule.operations),
                _ => None,
            })
            .flatten()
            .map(String::as_str)
            .collect();
        for write in ["s3.PutObject", "dynamodb.PutItem", "kms.CreateKey"] {
            assert!(refused.contains(&write), "{write}");
        }
        for read in ["s3.GetObject", "dynamodb.GetItem", "kms.Decrypt"] {
            assert!(!refused.contains(&read), "{read}");
        }
        assert!(effects.contains(&Effect::NoRoom(region("eu-west-1"))));
    }
}
