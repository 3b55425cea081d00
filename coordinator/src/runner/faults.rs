//! Faults from a file, for the simulator: names become what they stand for.

use std::collections::BTreeSet;

use faultline_proto::names::RegionName;
use faultline_proto::registry::find_verb;
use faultline_proto::tables::{Referent, Refers};

use super::Runner;
use super::setup::INLINE_POLICY;
use super::world::Asked;
use crate::clock::{Skew, Span};
use crate::faults::{
    ClockSkew, CrashPoint, Fault, KeyAt, KeyDisabled, KmsThrottled, Messages, NodeCrash, Partition,
    PauseReplication, PolicyOf, PolicyReplaced, RegionDown, Replicated, Restart, SlowLink,
};
use crate::network::link::Bandwidth;
use crate::scenario::plan::faults::{PolicyOwner, ReplicatedThing, SkewSpec};
use crate::scenario::plan::{FaultPlan, FaultSpec};
use crate::scenario::quantity::{Chance, Rate};
use crate::scenario::template::{Bindings, EvaluateError, WorldNames};
use crate::seed::Ratio;

/// Keys, tables, buckets and principals stay names; policies name accounts and ARNs.
struct FaultNames<'a>(Asked<'a>);

impl WorldNames for FaultNames<'_> {
    fn resolve(&self, refers: Refers, name: &str) -> Option<String> {
        use faultline_proto::tables::Form;
        match (refers.to, refers.form) {
            (Referent::Account, _) | (Referent::Principal, Form::Arn) => {
                self.0.resolve(refers, name)
            }
            _ => None,
        }
    }
    fn means(&self, refers: Refers, name: &str, answer: &str) -> bool {
        self.0.means(refers, name, answer)
    }
}

impl Runner<'_> {
    /// The fault that a file means.
    pub(super) fn fault(
        &self,
        plan: &FaultPlan,
        bindings: &Bindings,
    ) -> Result<Fault, EvaluateError> {
        let home = &self.world.home;
        let names = FaultNames(self.names(home, ""));
        let spec = plan.resolve(bindings, &names)?;
        let fault = self.simulated(spec);
        fault.map_err(|message| EvaluateError {
            span: plan.span,
            message,
        })
    }

    fn simulated(&self, spec: FaultSpec) -> Result<Fault, String> {
        Ok(match spec {
            FaultSpec::RegionDown { region } => Fault::RegionDown(RegionDown { region }),
            FaultSpec::Partition { groups } => {
                let groups = groups.into_iter().map(set).collect();
                Fault::Partition(Partition::Groups(groups))
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
                between,
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
                drop: drop.map_or(Ratio::NEVER, ratio),
                duplicate: duplicate.map_or(Ratio::NEVER, ratio),
                reorder: reorder.map_or(Ratio::NEVER, ratio),
                hold_chance: match (hold, chance) {
                    (None, None) => Ratio::NEVER,
                    (Some(_), None) => Ratio::ALWAYS,
                    (_, Some(chance)) => ratio(chance),
                },
                hold: hold.map(Span::from),
            }),
            FaultSpec::NodeCrash {
                region,
                after_commit,
                operation,
                restart,
            } => Fault::NodeCrash(NodeCrash {
                region,
                point: if after_commit {
                    CrashPoint::AfterCommit
                } else {
                    CrashPoint::BeforeCommit
                },
                operation: operation
                    .map(|verb| find_verb(&verb).map_or(verb, |operation| operation.id.to_owned())),
                restarts: restart,
            }),
            FaultSpec::Restart { region } => Fault::Restart(Restart { region }),
            FaultSpec::ClockSkew { region, skew } => Fault::ClockSkew(ClockSkew {
                region,
                skew: match skew {
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
                },
            }),
            FaultSpec::KeyDisabled { key, region } => Fault::KeyDisabled(KeyDisabled {
                at: self.key_at(&key, region.as_ref())?,
                name: key,
            }),
            FaultSpec::PolicyReplaced {
                of,
                region,
                document,
            } => self.policy_replaced(of, region.as_ref(), document)?,
            FaultSpec::KmsThrottled { region, rate } => Fault::KmsThrottled(KmsThrottled {
                region,
                passes_per_second: rate.map_or(0, per_second),
            }),
            FaultSpec::PauseReplication { of, from, to } => self.paused(of, from, to)?,
        })
    }

    fn key_at(&self, name: &str, only: Option<&RegionName>) -> Result<Vec<KeyAt>, String> {
        let key = self.world.keys.get(name);
        let key = key.ok_or_else(|| format!("the world has no key `{name}`"))?;
        let here = |region: &&RegionName| match only {
            Some(only) => *region == only,
            // The world may have got more replicas since set-up: ask.
            None => {
                let seen = self.sim.look(
                    region,
                    "replicas",
                    &serde_json::json!({ "key": key.arn(region) }),
                );
                key.regions.contains(region) || seen.is_some_and(|seen| seen["here"] == true)
            }
        };
        let regions = self.world.regions.iter().filter(here);
        Ok(regions
            .map(|region| KeyAt {
                region: region.clone(),
                account: key.account.clone(),
                key: key.id.clone(),
            })
            .collect())
    }

    fn policy_replaced(
        &self,
        of: PolicyOwner,
        region: Option<&RegionName>,
        policy: String,
    ) -> Result<Fault, String> {
        let (name, of) = match of {
            PolicyOwner::Key(name) => {
                let keys = self.key_at(&name, region)?;
                (name, PolicyOf::Key(keys))
            }
            PolicyOwner::Bucket(name) => {
                let bucket = self.world.buckets.get(&name);
                let bucket = bucket.ok_or_else(|| format!("the world has no bucket `{name}`"))?;
                let of = PolicyOf::Bucket {
                    region: bucket.region.clone(),
                    account: bucket.account.clone(),
                    bucket: name.clone(),
                };
                (name, of)
            }
            PolicyOwner::Principal(name) => {
                let principal = self.world.principals.get(&name);
                let principal =
                    principal.ok_or_else(|| format!("the world has no principal `{name}`"))?;
                let of = PolicyOf::Principal {
                    region: self.world.home.clone(),
                    account: principal.account.clone(),
                    role: principal.role,
                    name: name.clone(),
                    policy_name: INLINE_POLICY.to_owned(),
                };
                (name, of)
            }
        };
        Ok(Fault::PolicyReplaced(PolicyReplaced { name, of, policy }))
    }

    fn paused(
        &self,
        of: ReplicatedThing,
        from: Vec<RegionName>,
        to: Vec<RegionName>,
    ) -> Result<Fault, String> {
        let (of, senders) = match of {
            ReplicatedThing::Table(name) => {
                let table = self.world.tables.get(&name);
                let senders = table.map(|table| table.regions.clone()).unwrap_or_default();
                (Replicated::Table(name), senders)
            }
            ReplicatedThing::Bucket(name) => {
                let bucket = self.world.buckets.get(&name);
                let senders = bucket.map(|bucket| vec![bucket.region.clone()]);
                (Replicated::Bucket(name), senders.unwrap_or_default())
            }
            ReplicatedThing::Key(name) => {
                let key = self.world.keys.get(&name);
                let key = key.ok_or_else(|| format!("the world has no key `{name}`"))?;
                (Replicated::Key(key.id.clone()), self.world.regions.clone())
            }
        };
        Ok(Fault::PauseReplication(PauseReplication {
            of,
            from: set(if from.is_empty() { senders } else { from }),
            to: set(to),
        }))
    }
}

fn set(regions: Vec<RegionName>) -> BTreeSet<RegionName> {
    regions.into_iter().collect()
}

fn ratio(chance: Chance) -> Ratio {
    Ratio {
        of: chance.numerator,
        per: chance.denominator,
    }
}

/// Whole calls in a second.
fn per_second(rate: Rate) -> u64 {
    let in_a_second = u128::from(rate.millionths) / u128::from(rate.per_micros.max(1));
    u64::try_from(in_a_second).unwrap_or(u64::MAX)
}
