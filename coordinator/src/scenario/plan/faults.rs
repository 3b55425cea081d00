//! Faults as data, as a file says them. Their effects and their life are the simulator's.

mod members;

use std::time::Duration;

use faultline_proto::names::RegionName;
use serde_json::{Map, Value};

use crate::scenario::quantity::{self, Chance, Rate};
use crate::scenario::source::Span;
use crate::scenario::template::{Bindings, EvaluateError, Template, WorldNames};
use crate::scenario::vocabulary::faults::FaultDef;
use members::Members;

/// A fault as written: its members may need a run's values.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// Its kind.
    pub def: &'static FaultDef,
    /// Its members.
    pub members: Template,
    /// Where it is written.
    pub span: Span,
}

impl FaultPlan {
    /// The fault in a run.
    ///
    /// # Errors
    /// A member without a value, or with one that makes no sense.
    pub fn resolve(
        &self,
        bindings: &Bindings,
        names: &dyn WorldNames,
    ) -> Result<FaultSpec, EvaluateError> {
        let members = self.members.evaluate(bindings, names)?;
        let fail = |message| EvaluateError {
            span: self.span,
            message,
        };
        let members = members
            .as_object()
            .ok_or_else(|| fail("a fault's members are a map".into()))?;
        FaultSpec::read(self.def.name, members).map_err(fail)
    }
}

/// A fault. Keys, tables and buckets are world names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultSpec {
    /// A Region is cut from clients and Regions.
    RegionDown {
        /// Which.
        region: RegionName,
    },
    /// Groups do not reach each other, either way.
    Partition {
        /// Clients stand with their Region.
        groups: Vec<Vec<RegionName>>,
    },
    /// Messages one way are lost.
    PartitionOneWay {
        /// From these...
        from: Vec<RegionName>,
        /// ...to these.
        to: Vec<RegionName>,
    },
    /// The link between two Regions is slower.
    SlowLink {
        /// Its ends.
        between: (RegionName, RegionName),
        /// One-way delay in place of the usual one.
        latency: Option<Duration>,
        /// Most that chance adds.
        jitter: Option<Duration>,
        /// In place of the usual one.
        bits_per_second: Option<u64>,
    },
    /// Single messages are treated badly.
    Messages {
        /// Only between these Regions; all links when empty.
        between: Vec<RegionName>,
        /// Chance that one is lost.
        drop: Option<Chance>,
        /// Chance that one arrives twice.
        duplicate: Option<Chance>,
        /// Chance that one is overtaken.
        reorder: Option<Chance>,
        /// How long held messages wait.
        hold: Option<Duration>,
        /// Chance that one is held; all when absent and `hold` is there.
        chance: Option<Chance>,
    },
    /// A process dies at its next step.
    NodeCrash {
        /// The Region.
        region: RegionName,
        /// After the commit, or before it.
        after_commit: bool,
        /// Only at a step that carries this verb.
        operation: Option<String>,
        /// Whether it starts again at once.
        restart: bool,
    },
    /// A process is stopped cleanly and started again.
    Restart {
        /// The Region.
        region: RegionName,
    },
    /// A Region's clock is wrong.
    ClockSkew {
        /// The Region.
        region: RegionName,
        /// In which way.
        skew: SkewSpec,
    },
    /// A key is disabled.
    KeyDisabled {
        /// The key.
        key: String,
        /// Only there.
        region: Option<RegionName>,
    },
    /// A key is to be deleted.
    KeyPendingDeletion {
        /// The key.
        key: String,
        /// Only there.
        region: Option<RegionName>,
    },
    /// A policy is replaced.
    PolicyReplaced {
        /// Whose.
        of: PolicyOwner,
        /// Only there.
        region: Option<RegionName>,
        /// The document's text.
        document: String,
    },
    /// KMS throttles.
    KmsThrottled {
        /// The Region.
        region: RegionName,
        /// What still passes; nothing when absent.
        rate: Option<Rate>,
    },
    /// Replication is held.
    PauseReplication {
        /// Of what.
        of: ReplicatedThing,
        /// Only from these; all when empty.
        from: Vec<RegionName>,
        /// Only to these; all when empty.
        to: Vec<RegionName>,
    },
    /// A process does nothing for a while.
    Freeze {
        /// The Region.
        region: RegionName,
    },
    /// A service fails by itself.
    ServiceErrors {
        /// The Region.
        region: RegionName,
        /// Prefix of the service.
        service: String,
        /// Share of its calls; all when absent.
        chance: Option<Chance>,
    },
    /// A disk takes no more data.
    DiskFull {
        /// The Region.
        region: RegionName,
    },
    /// A disk is slow.
    SlowDisk {
        /// The Region.
        region: RegionName,
        /// What each write takes.
        latency: Duration,
    },
    /// A disk refuses one write.
    FailedWrite {
        /// The Region.
        region: RegionName,
        /// Only the write of a step that carries this verb.
        operation: Option<String>,
    },
    /// The directory takes no changes.
    IamControlPlaneOutage,
    /// Changes of the directory travel slowly.
    IamPropagationDelay {
        /// Only to these; all when empty.
        to: Vec<RegionName>,
        /// How much later.
        by: Duration,
    },
    /// Changes of KMS count late.
    KmsPropagationDelay {
        /// The Region.
        region: RegionName,
        /// How much later.
        by: Duration,
    },
}

/// In which way a clock is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkewSpec {
    /// Off by so many microseconds while the fault lasts.
    Offset(i64),
    /// Gains (or loses) so many parts per million.
    Drift(i64),
    /// Jumps by so many microseconds, for good.
    Jump(i64),
}

/// Whose policy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOwner {
    /// A key's.
    Key(String),
    /// A bucket's.
    Bucket(String),
    /// A principal's identity policy.
    Principal(String),
}

/// What is replicated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicatedThing {
    /// A global table.
    Table(String),
    /// A source bucket.
    Bucket(String),
    /// A multi-Region key.
    Key(String),
}

impl FaultSpec {
    /// Reads a fault from its name and its members' values.
    ///
    /// # Errors
    /// A sentence about what makes no sense.
    pub fn read(kind: &str, members: &Map<String, Value>) -> Result<Self, String> {
        let from = Members(members);
        Ok(match kind {
            "region_down" => Self::RegionDown {
                region: from.region("region")?,
            },
            "partition" => from.partition()?,
            "slow_link" => from.slow_link()?,
            "messages" => from.messages()?,
            "node_crash" => Self::NodeCrash {
                region: from.region("in")?,
                after_commit: from.text("when") == Some("after_commit"),
                operation: from.text("operation").map(str::to_owned),
                restart: from.text("then") != Some("stay_down"),
            },
            "restart" => Self::Restart {
                region: from.region("in")?,
            },
            "clock_skew" => Self::ClockSkew {
                region: from.region("in")?,
                skew: from.skew()?,
            },
            "key_disabled" => Self::KeyDisabled {
                key: from.needed("key")?,
                region: from.maybe_region("in")?,
            },
            "key_pending_deletion" => Self::KeyPendingDeletion {
                key: from.needed("key")?,
                region: from.maybe_region("in")?,
            },
            "policy_replaced" => from.policy_replaced()?,
            "kms_throttled" => Self::KmsThrottled {
                region: from.region("in")?,
                rate: from.quantity("rate", quantity::rate, "a rate such as `10/s`")?,
            },
            "pause_replication" => from.pause_replication()?,
            "freeze" => Self::Freeze {
                region: from.region("in")?,
            },
            "service_errors" => Self::ServiceErrors {
                region: from.region("in")?,
                service: from.service()?,
                chance: from.chance("chance")?,
            },
            "disk_full" => Self::DiskFull {
                region: from.region("in")?,
            },
            "slow_disk" => Self::SlowDisk {
                region: from.region("in")?,
                latency: from.duration("latency")?.ok_or("it needs `latency`")?,
            },
            "failed_write" => Self::FailedWrite {
                region: from.region("in")?,
                operation: from.text("operation").map(str::to_owned),
            },
            "iam_control_plane_outage" => Self::IamControlPlaneOutage,
            "iam_propagation_delay" => Self::IamPropagationDelay {
                to: from.regions("to")?,
                by: from
                    .duration("by")?
                    .ok_or("it needs `by`, a time such as `30s`")?,
            },
            "kms_propagation_delay" => Self::KmsPropagationDelay {
                region: from.region("in")?,
                by: from
                    .duration("by")?
                    .ok_or("it needs `by`, a time such as `5m`")?,
            },
            other => return Err(format!("no fault is named `{other}`")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(kind: &str, members: Value) -> Result<FaultSpec, String> {
        FaultSpec::read(kind, members.as_object().expect("members are a map"))
    }
    fn region(name: &str) -> RegionName {
        RegionName::new(name).expect("a Region")
    }

    #[test]
    fn each_kind_reads_its_members() {
        let eu = region("eu-west-1");
        let us = region("us-east-1");
        assert_eq!(
            read("region_down", json!({ "region": "eu-west-1" })),
            Ok(FaultSpec::RegionDown { region: eu.clone() })
        );
        assert_eq!(
            read(
                "partition",
                json!({ "groups": [["eu-west-1"], ["us-east-1"]] })
            ),
            Ok(FaultSpec::Partition {
                groups: vec![vec![eu.clone()], vec![us.clone()]]
            })
        );
        assert_eq!(
            read(
                "partition",
                json!({ "from": ["eu-west-1"], "to": ["us-east-1"] })
            ),
            Ok(FaultSpec::PartitionOneWay {
                from: vec![eu.clone()],
                to: vec![us]
            })
        );
        assert_eq!(
            read(
                "node_crash",
                json!({ "in": "eu-west-1", "when": "after_commit" })
            ),
            Ok(FaultSpec::NodeCrash {
                region: eu.clone(),
                after_commit: true,
                operation: None,
                restart: true
            })
        );
        assert_eq!(
            read(
                "service_errors",
                json!({ "in": "eu-west-1", "service": "kms" })
            ),
            Ok(FaultSpec::ServiceErrors {
                region: eu.clone(),
                service: "kms".to_owned(),
                chance: None
            })
        );
        assert_eq!(
            read("slow_disk", json!({ "in": "eu-west-1", "latency": "50ms" })),
            Ok(FaultSpec::SlowDisk {
                region: eu.clone(),
                latency: Duration::from_millis(50)
            })
        );
        assert_eq!(
            read("clock_skew", json!({ "in": "eu-west-1", "offset": "-5m" })),
            Ok(FaultSpec::ClockSkew {
                region: eu,
                skew: SkewSpec::Offset(-300_000_000)
            })
        );
    }

    #[test]
    fn nonsense_is_said() {
        for (kind, members) in [
            (
                "partition",
                json!({ "groups": [["eu-west-1"], ["eu-west-1"]] }),
            ),
            ("partition", json!({ "from": ["eu-west-1"] })),
            (
                "slow_link",
                json!({ "between": ["eu-west-1", "us-east-1"] }),
            ),
            ("messages", json!({ "drop": "3/2" })),
            ("messages", json!({})),
            ("clock_skew", json!({ "in": "eu-west-1" })),
            ("slow_disk", json!({ "in": "eu-west-1" })),
            (
                "service_errors",
                json!({ "in": "eu-west-1", "service": "abc" }),
            ),
        ] {
            assert!(read(kind, members.clone()).is_err(), "{kind} {members}");
        }
    }
}
