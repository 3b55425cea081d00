//! From a fault as a scenario says it to a fault as the simulator carries it out: world
//! names become keys, buckets and principals.

use std::collections::BTreeSet;

use faultline_proto::names::{AccountId, RegionName};

use super::key_disabled::KeyAt;
use super::*;
use crate::network::link::Bandwidth;
use crate::scenario::plan::FaultSpec;
use crate::scenario::plan::faults::{PolicyOwner, ReplicatedThing, SkewSpec};
use crate::scenario::quantity::{Chance, Rate};

/// A bucket as the world has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAt {
    /// Its Region.
    pub region: RegionName,
    /// Its owner.
    pub account: AccountId,
    /// Its name.
    pub name: String,
}

/// A principal as the world has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalAt {
    /// Its account.
    pub account: AccountId,
    /// Whether it is a role.
    pub role: bool,
    /// User or role name.
    pub name: String,
    /// The inline policy that the world gave it.
    pub policy_name: String,
}

/// What the world's names stand for.
pub trait FaultNames {
    /// A key, in each Region that holds it.
    fn key(&self, name: &str) -> Option<Vec<KeyAt>>;
    /// A bucket.
    fn bucket(&self, name: &str) -> Option<BucketAt>;
    /// A principal.
    fn principal(&self, name: &str) -> Option<PrincipalAt>;
    /// A table: its name, and the Regions that hold it.
    fn table(&self, name: &str) -> Option<(String, Vec<RegionName>)>;
    /// The partition's home, where IAM is changed.
    fn home(&self) -> RegionName;
    /// The operation id of a verb.
    fn operation(&self, verb: &str) -> Option<String> {
        faultline_proto::registry::find_verb(verb).map(|operation| operation.id.to_owned())
    }
}

/// The fault that `spec` means in this world.
///
/// # Errors
/// A sentence about a name that the world does not have.
#[expect(clippy::too_many_lines, reason = "one arm a kind")]
pub fn resolve(spec: &FaultSpec, names: &dyn FaultNames) -> Result<Fault, String> {
    Ok(match spec {
        FaultSpec::RegionDown { region } => Fault::RegionDown(RegionDown {
            region: region.clone(),
        }),
        FaultSpec::Partition { groups } => {
            Fault::Partition(Partition::Groups(groups.iter().map(|it| set(it)).collect()))
        }
        FaultSpec::PartitionOneWay { from, to } => Fault::Partition(Partition::OneWay {
            from: set(from),
            to: set(to),
        }),
        FaultSpec::SlowLink {
            between,
            latency,
            jitter,
            bits_per_second,
        } => Fault::SlowLink(SlowLink {
            between: between.clone(),
            latency: latency.map(Span::from),
            jitter: jitter.map(Span::from),
            bandwidth: bits_per_second.map(Bandwidth),
        }),
        FaultSpec::Messages {
            between,
            drop,
            duplicate,
            reorder,
            hold,
            chance,
        } => Fault::Messages(Messages {
            between: set(between),
            drop: ratio(*drop),
            duplicate: ratio(*duplicate),
            reorder: ratio(*reorder),
            hold: hold.map(Span::from),
            hold_chance: if hold.is_some() && chance.is_none() {
                Ratio::ALWAYS
            } else {
                ratio(*chance)
            },
        }),
        FaultSpec::NodeCrash {
            region,
            after_commit,
            operation,
            restart,
        } => Fault::NodeCrash(NodeCrash {
            region: region.clone(),
            point: if *after_commit {
                CrashPoint::AfterCommit
            } else {
                CrashPoint::BeforeCommit
            },
            operation: operation_of(names, operation.as_deref())?,
            restarts: *restart,
        }),
        FaultSpec::Restart { region } => Fault::Restart(Restart {
            region: region.clone(),
        }),
        FaultSpec::ClockSkew { region, skew } => Fault::ClockSkew(ClockSkew {
            region: region.clone(),
            skew: skewed(*skew),
        }),
        FaultSpec::KeyDisabled { key, region } => Fault::KeyDisabled(KeyDisabled {
            name: key.clone(),
            at: keys(names, key, region.as_ref())?,
        }),
        FaultSpec::KeyPendingDeletion { key, region } => {
            Fault::KeyPendingDeletion(KeyPendingDeletion {
                name: key.clone(),
                at: keys(names, key, region.as_ref())?,
            })
        }
        FaultSpec::PolicyReplaced {
            of,
            region,
            document,
        } => policy(names, of, region.as_ref(), document)?,
        FaultSpec::KmsThrottled { region, rate } => Fault::KmsThrottled(KmsThrottled {
            region: region.clone(),
            passes_per_second: rate.map_or(0, per_second),
        }),
        FaultSpec::PauseReplication { of, from, to } => pause(names, of, from, to)?,
        FaultSpec::Freeze { region } => Fault::Freeze(Freeze {
            region: region.clone(),
        }),
        FaultSpec::ServiceErrors {
            region,
            service,
            chance,
        } => Fault::ServiceErrors(ServiceErrors {
            region: region.clone(),
            service: service.clone(),
            chance: chance.map_or(Ratio::ALWAYS, |chance| ratio(Some(chance))),
        }),
        FaultSpec::DiskFull { region } => Fault::DiskFull(DiskFull {
            region: region.clone(),
        }),
        FaultSpec::SlowDisk { region, latency } => Fault::SlowDisk(SlowDisk {
            region: region.clone(),
            latency: Span::from(*latency),
        }),
        FaultSpec::FailedWrite { region, operation } => Fault::FailedWrite(FailedWrite {
            region: region.clone(),
            operation: operation_of(names, operation.as_deref())?,
        }),
        FaultSpec::IamControlPlaneOutage => {
            Fault::IamControlPlaneOutage(IamControlPlaneOutage { home: names.home() })
        }
        FaultSpec::IamPropagationDelay { to, by } => {
            Fault::IamPropagationDelay(IamPropagationDelay {
                home: names.home(),
                to: set(to),
                by: Span::from(*by),
            })
        }
        FaultSpec::KmsPropagationDelay { region, by } => {
            Fault::KmsPropagationDelay(KmsPropagationDelay {
                region: region.clone(),
                by: Span::from(*by),
            })
        }
    })
}

/// The operation id of a verb, if one is meant.
fn operation_of(names: &dyn FaultNames, verb: Option<&str>) -> Result<Option<String>, String> {
    let id = |verb| {
        names
            .operation(verb)
            .ok_or_else(|| format!("there is no verb `{verb}`"))
    };
    verb.map(id).transpose()
}

fn set(regions: &[RegionName]) -> BTreeSet<RegionName> {
    regions.iter().cloned().collect()
}

fn ratio(chance: Option<Chance>) -> Ratio {
    chance.map_or(Ratio::NEVER, |it| Ratio {
        of: it.numerator,
        per: it.denominator,
    })
}

/// Whole requests in a second, at least one when any are meant.
fn per_second(rate: Rate) -> u64 {
    let exact = u128::from(rate.millionths) / u128::from(rate.per_micros.max(1));
    u64::try_from(exact)
        .unwrap_or(u64::MAX)
        .max(u64::from(rate.millionths > 0))
}

fn skewed(skew: SkewSpec) -> Skew {
    match skew {
        SkewSpec::Offset(offset) => Skew {
            offset,
            ..Skew::default()
        },
        SkewSpec::Drift(drift_ppm) => Skew {
            drift_ppm,
            ..Skew::default()
        },
        SkewSpec::Jump(jump) => Skew {
            jump,
            ..Skew::default()
        },
    }
}

fn keys(
    names: &dyn FaultNames,
    name: &str,
    region: Option<&RegionName>,
) -> Result<Vec<KeyAt>, String> {
    let mut keys = names
        .key(name)
        .ok_or_else(|| format!("the world has no key `{name}`"))?;
    if let Some(region) = region {
        keys.retain(|key| key.region == *region);
        if keys.is_empty() {
            return Err(format!("key `{name}` is not in {region}"));
        }
    }
    Ok(keys)
}

fn policy(
    names: &dyn FaultNames,
    of: &PolicyOwner,
    region: Option<&RegionName>,
    document: &str,
) -> Result<Fault, String> {
    let (name, of) = match of {
        PolicyOwner::Key(name) => (name, PolicyOf::Key(keys(names, name, region)?)),
        PolicyOwner::Bucket(name) => {
            let BucketAt {
                region,
                account,
                name: bucket,
            } = names
                .bucket(name)
                .ok_or_else(|| format!("the world has no bucket `{name}`"))?;
            (
                name,
                PolicyOf::Bucket {
                    region,
                    account,
                    bucket,
                },
            )
        }
        PolicyOwner::Principal(world_name) => {
            let PrincipalAt {
                account,
                role,
                name,
                policy_name,
            } = names
                .principal(world_name)
                .ok_or_else(|| format!("the world has no principal `{world_name}`"))?;
            (
                world_name,
                PolicyOf::Principal {
                    region: names.home(),
                    account,
                    role,
                    name,
                    policy_name,
                },
            )
        }
    };
    Ok(Fault::PolicyReplaced(PolicyReplaced {
        name: name.clone(),
        of,
        policy: document.to_owned(),
    }))
}

fn pause(
    names: &dyn FaultNames,
    of: &ReplicatedThing,
    from: &[RegionName],
    to: &[RegionName],
) -> Result<Fault, String> {
    let (of, senders) = match of {
        ReplicatedThing::Table(name) => {
            let (table, regions) = names
                .table(name)
                .ok_or_else(|| format!("the world has no table `{name}`"))?;
            (Replicated::Table(table), regions)
        }
        ReplicatedThing::Bucket(name) => {
            let bucket = names
                .bucket(name)
                .ok_or_else(|| format!("the world has no bucket `{name}`"))?;
            (Replicated::Bucket(bucket.name), vec![bucket.region])
        }
        ReplicatedThing::Key(name) => {
            let keys = keys(names, name, None)?;
            let id = keys.first().map(|key| key.key.clone()).unwrap_or_default();
            (
                Replicated::Key(id),
                keys.into_iter().map(|key| key.region).collect(),
            )
        }
    };
    let from = if from.is_empty() {
        set(&senders)
    } else {
        set(from)
    };
    Ok(Fault::PauseReplication(PauseReplication {
        of,
        from,
        to: set(to),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    struct World;

    impl FaultNames for World {
        fn key(&self, name: &str) -> Option<Vec<KeyAt>> {
            let at = |text| KeyAt {
                region: region(text),
                account: account(),
                key: "mrk-1".to_owned(),
            };
            (name == "payments").then(|| vec![at("eu-west-1"), at("us-east-1")])
        }
        fn bucket(&self, name: &str) -> Option<BucketAt> {
            let (region, account) = (region("eu-west-1"), account());
            (name == "photos").then(|| BucketAt {
                region,
                account,
                name: "photos-1".to_owned(),
            })
        }
        fn principal(&self, name: &str) -> Option<PrincipalAt> {
            (name == "app").then(|| PrincipalAt {
                account: account(),
                role: false,
                name: "app".to_owned(),
                policy_name: "world".to_owned(),
            })
        }
        fn table(&self, name: &str) -> Option<(String, Vec<RegionName>)> {
            (name == "orders").then(|| {
                (
                    "orders".to_owned(),
                    vec![region("eu-west-1"), region("us-east-1")],
                )
            })
        }
        fn home(&self) -> RegionName {
            region("us-east-1")
        }
    }

    fn account() -> AccountId {
        AccountId::new("111111111111").expect("an account")
    }

    fn told(kind: &str, members: &Value) -> Result<String, String> {
        let members = members.as_object().expect("members are a map");
        FaultSpec::read(kind, members)
            .and_then(|spec| resolve(&spec, &World))
            .map(|fault| fault.to_string())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn every_kind_becomes_a_fault_that_says_what_it_does() {
        let eu = "eu-west-1";
        let cases = [
            ("region_down", json!({ "region": eu }), "eu-west-1 is down"),
            (
                "partition",
                json!({ "groups": [[eu], ["us-east-1"]] }),
                "no link between eu-west-1 | us-east-1",
            ),
            (
                "partition",
                json!({ "from": [eu], "to": ["us-east-1"] }),
                "nothing passes from eu-west-1 to us-east-1",
            ),
            (
                "slow_link",
                json!({ "between": [eu, "us-east-1"], "bandwidth": "1Mbit/s" }),
                "the link between eu-west-1 and us-east-1 is slow (bandwidth 1Mbit/s)",
            ),
            (
                "messages",
                json!({ "hold": "2s" }),
                "messages are all held for 2s",
            ),
            (
                "messages",
                json!({ "duplicate": "1/10" }),
                "messages are 1/10 repeated",
            ),
            (
                "node_crash",
                json!({ "in": eu, "when": "after_commit", "operation": "kms.encrypt" }),
                "the node of eu-west-1 dies after the commit of its next kms.Encrypt",
            ),
            (
                "restart",
                json!({ "in": eu }),
                "the node of eu-west-1 restarts",
            ),
            (
                "clock_skew",
                json!({ "in": eu, "jump": "-5m" }),
                "the clock of eu-west-1 jumps 5m back",
            ),
            (
                "key_disabled",
                json!({ "key": "payments" }),
                "key payments is disabled in eu-west-1, us-east-1",
            ),
            (
                "key_disabled",
                json!({ "key": "payments", "in": eu }),
                "key payments is disabled in eu-west-1",
            ),
            (
                "policy_replaced",
                json!({ "bucket": "photos", "policy": "{}" }),
                "the policy of bucket photos is replaced",
            ),
            (
                "policy_replaced",
                json!({ "principal": "app", "policy": "{}" }),
                "the policy of principal app is replaced",
            ),
            (
                "kms_throttled",
                json!({ "in": eu, "rate": "120/m" }),
                "KMS of eu-west-1 throttles above 2/s",
            ),
            (
                "kms_throttled",
                json!({ "in": eu }),
                "KMS of eu-west-1 throttles every call",
            ),
            (
                "pause_replication",
                json!({ "table": "orders", "to": ["us-east-1"] }),
                "replication of table orders from eu-west-1, us-east-1 to us-east-1 pauses",
            ),
            (
                "pause_replication",
                json!({ "bucket": "photos" }),
                "replication of bucket photos-1 from eu-west-1 pauses",
            ),
        ];
        for (kind, members, expected) in cases {
            assert_eq!(
                told(kind, &members).as_deref(),
                Ok(expected),
                "{kind} {members}"
            );
        }
    }

    #[test]
    fn names_that_the_world_lacks_are_told() {
        let cases = [
            (
                "key_disabled",
                json!({ "key": "other" }),
                "the world has no key `other`",
            ),
            (
                "key_disabled",
                json!({ "key": "payments", "in": "sa-east-1" }),
                "key `payments` is not in sa-east-1",
            ),
            (
                "pause_replication",
                json!({ "table": "other" }),
                "the world has no table `other`",
            ),
        ];
        for (kind, members, problem) in cases {
            assert_eq!(told(kind, &members), Err(problem.to_owned()));
        }
    }
}
