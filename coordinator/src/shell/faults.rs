//! Faults as commands: how each begins, and how it ends.

use std::time::Duration;

use faultline_proto::names::RegionName;

use super::words::quoted;
use crate::runner::world::{Key, World};
use crate::scenario::plan::FaultSpec;
use crate::scenario::plan::faults::{ReplicatedThing, SkewSpec};

/// How a fault begins and ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Acts {
    /// Arguments of `faultline fault start`, one for each fault.
    pub starts: Vec<String>,
    /// Commands of AWS that make the fault.
    pub begin: Vec<String>,
    /// Commands of AWS that end it.
    pub end: Vec<String>,
}

/// What makes a fault on live nodes.
///
/// # Errors
/// A sentence when live nodes have no such fault.
pub(super) fn acts(spec: &FaultSpec, world: &World) -> Result<Acts, String> {
    if let Some(starts) = started(spec, world) {
        return Ok(Acts {
            starts,
            ..Acts::default()
        });
    }
    match spec {
        FaultSpec::KeyDisabled { key, region } => Ok(of_key(key, region.as_ref(), world, |key| {
            (
                format!("kms disable-key {key}"),
                vec![format!("kms enable-key {key}")],
            )
        })),
        FaultSpec::KeyPendingDeletion { key, region } => {
            Ok(of_key(key, region.as_ref(), world, |key| {
                (
                    format!("kms schedule-key-deletion {key} --pending-window-in-days 7"),
                    vec![
                        format!("kms cancel-key-deletion {key}"),
                        format!("kms enable-key {key}"),
                    ],
                )
            }))
        }
        _ => Err("live nodes have no such fault, or not with these members".to_owned()),
    }
}

/// Arguments of `faultline fault start`, for what nodes do themselves.
fn started(spec: &FaultSpec, world: &World) -> Option<Vec<String>> {
    match spec {
        FaultSpec::RegionDown { region } => Some(vec![format!("region_down region={region}")]),
        FaultSpec::Partition { groups } => {
            let mut cuts = Vec::new();
            for (nth, group) in groups.iter().enumerate() {
                for other in groups[nth + 1..].iter().flatten() {
                    cuts.extend(
                        group
                            .iter()
                            .map(|it| format!("partition between={it},{other}")),
                    );
                }
            }
            Some(cuts)
        }
        FaultSpec::PartitionOneWay { from, to } => Some(
            from.iter()
                .flat_map(|from| {
                    to.iter()
                        .map(move |to| format!("partition from={from} to={to}"))
                })
                .collect(),
        ),
        FaultSpec::SlowLink {
            between: (one, other),
            latency: Some(latency),
            jitter,
            bits_per_second: None,
        } => {
            let jitter = jitter.map_or_else(String::new, |it| format!(" jitter={}", millis(it)));
            let latency = millis(*latency);
            Some(vec![format!(
                "slow_link between={one},{other} latency={latency}{jitter}"
            )])
        }
        FaultSpec::NodeCrash {
            region,
            after_commit: false,
            operation: None,
            restart,
        } => Some(vec![if *restart {
            format!("restart in={region}")
        } else {
            format!("node_crash in={region}")
        }]),
        FaultSpec::Restart { region } => Some(vec![format!("restart in={region}")]),
        FaultSpec::ClockSkew {
            region,
            skew: SkewSpec::Offset(micros),
        } => Some(vec![format!(
            "clock_skew in={region} offset={}ms",
            micros / 1_000
        )]),
        FaultSpec::KmsThrottled { region, rate: None } => {
            Some(vec![format!("kms_throttled in={region}")])
        }
        FaultSpec::ServiceErrors {
            region,
            service,
            chance: None,
        } => Some(vec![format!(
            "service_outage in={region} service={service}"
        )]),
        FaultSpec::PauseReplication { of, from, to } => Some(paused(of, from, to, world)),
        _ => None,
    }
}

fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// A stream, whole: live nodes do not hold back the changes of one table alone.
fn paused(
    of: &ReplicatedThing,
    from: &[RegionName],
    to: &[RegionName],
    world: &World,
) -> Vec<String> {
    let stream = match of {
        ReplicatedThing::Table(_) => "dynamodb",
        ReplicatedThing::Bucket(_) => "s3",
        ReplicatedThing::Key(_) => "kms",
    };
    let from = if from.is_empty() {
        &world.regions
    } else {
        from
    };
    let to: Vec<String> = match to {
        [] => vec![String::new()],
        to => to.iter().map(|to| format!(" to={to}")).collect(),
    };
    from.iter()
        .flat_map(|from| {
            to.iter()
                .map(move |to| format!("pause_replication in={from}{to} stream={stream}"))
        })
        .collect()
}

/// Calls of the root user of a key's account, in each Region where the fault is.
fn of_key(
    name: &str,
    only: Option<&RegionName>,
    world: &World,
    calls: impl Fn(&str) -> (String, Vec<String>),
) -> Acts {
    let mut acts = Acts::default();
    let Some(key) = world.keys.get(name) else {
        return acts;
    };
    let root = quoted(&format!("root of {}", account(key, world)));
    let regions = match only {
        Some(region) => std::slice::from_ref(region),
        None => &key.regions,
    };
    for region in regions {
        let id = quoted(&key.id);
        let (begin, end) = calls(&format!("--region {region} --key-id {id}"));
        let typed = |call: String| format!("as {root} aws {call}");
        acts.begin.push(typed(begin));
        acts.end.extend(end.into_iter().map(typed));
    }
    acts
}

/// The name of a key's account.
fn account<'a>(key: &Key, world: &'a World) -> &'a str {
    let found = world.accounts.iter().find(|(_, id)| **id == key.account);
    found.map_or("root", |(name, _)| name)
}
