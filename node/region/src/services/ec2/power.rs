//! StopInstances, StartInstances, TerminateInstances: what a host knows ends with its run.
//!
//! A stopped instance keeps its volumes and its host forgets their data keys, so the start asks
//! KMS again, on behalf of who starts it; a key that is refused then sends the instance back to
//! `stopped` (EBS-008).

use std::sync::Arc;

use faultline_proto::ec2::{
    InstanceStateChange, StartInstancesRequest, StartInstancesResponse, StopInstancesRequest,
    StopInstancesResponse, TerminateInstancesRequest, TerminateInstancesResponse,
};

use super::attaching::{self, instance};
use super::error::Error;
use super::hosts;
use super::instances::{self, DIED, LAUNCH};
use super::keyspaces::{InstanceRow, InstanceState, Instances, Volumes};
use crate::caller::{self, CallerRow};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// Microseconds until an instance is stopped, or ended.
const END: u64 = 5_000_000;
/// Why, as AWS tells it.
const BY_USER: (&str, &str) = (
    "Client.UserInitiatedShutdown",
    "Client.UserInitiatedShutdown: User initiated shutdown",
);

/// What the three have in common: which states they take, through which they go, and when.
struct Change {
    word: &'static str,
    from: &'static [InstanceState],
    /// Where nothing is to be done.
    done: &'static [InstanceState],
    through: InstanceState,
    reason: Option<(&'static str, &'static str)>,
    timer: &'static str,
    after: u64,
}

const STOP: Change = Change {
    word: "stopped",
    from: &[InstanceState::Running],
    done: &[InstanceState::Stopping, InstanceState::Stopped],
    through: InstanceState::Stopping,
    reason: Some(BY_USER),
    timer: "stopped",
    after: END,
};
const START: Change = Change {
    word: "started",
    from: &[InstanceState::Stopped],
    done: &[InstanceState::Pending, InstanceState::Running],
    through: InstanceState::Pending,
    reason: None,
    timer: "start",
    after: LAUNCH,
};
const TERMINATE: Change = Change {
    word: "terminated",
    from: &[
        InstanceState::Pending,
        InstanceState::Running,
        InstanceState::Stopping,
        InstanceState::Stopped,
    ],
    done: &[InstanceState::ShuttingDown, InstanceState::Terminated],
    through: InstanceState::ShuttingDown,
    reason: Some(BY_USER),
    timer: "terminated",
    after: END,
};

fn change(
    ctx: &mut Ctx<'_>,
    change: &Change,
    ids: &[String],
) -> Result<Vec<InstanceStateChange>, Error> {
    let mut changes = Vec::new();
    for id in ids {
        let mut row = instance(ctx, id)?;
        let before = row.state;
        if change.from.contains(&before) {
            row.state = change.through;
            row.reason = change
                .reason
                .map(|(code, text)| (code.to_owned(), text.to_owned()));
            ctx.put::<Instances>(id.as_str(), &row);
            let who = CallerRow::of(&ctx.caller());
            let at = ctx.elapsed().plus_micros(change.after);
            ctx.schedule("ec2", at, change.timer, encode(&(who, id)));
        } else if !change.done.contains(&before) {
            return Err(Error::InstanceState(id.clone(), change.word));
        }
        changes.push(InstanceStateChange {
            instance_id: Some(id.clone()),
            current_state: Some(instances::show_state(row.state)),
            previous_state: Some(instances::show_state(before)),
        });
    }
    Ok(changes)
}

/// StopInstances.
pub(super) fn stop(
    ctx: &mut Ctx<'_>,
    request: StopInstancesRequest,
) -> Result<StopInstancesResponse, Refusal> {
    let stopping_instances = change(ctx, &STOP, &request.instance_ids)?;
    Ok(StopInstancesResponse { stopping_instances })
}

/// StartInstances.
pub(super) fn start(
    ctx: &mut Ctx<'_>,
    request: StartInstancesRequest,
) -> Result<StartInstancesResponse, Refusal> {
    let starting_instances = change(ctx, &START, &request.instance_ids)?;
    Ok(StartInstancesResponse { starting_instances })
}

/// TerminateInstances.
pub(super) fn terminate(
    ctx: &mut Ctx<'_>,
    request: TerminateInstancesRequest,
) -> Result<TerminateInstancesResponse, Refusal> {
    let terminating_instances = change(ctx, &TERMINATE, &request.instance_ids)?;
    Ok(TerminateInstancesResponse {
        terminating_instances,
    })
}

/// The moment of a change has come.
pub(super) fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
    let Ok((who, id)) = decode::<(CallerRow, String)>(payload) else {
        return;
    };
    let Some(mut row) = ctx.get::<Instances>(id.as_str()) else {
        return;
    };
    let mut why = String::new();
    match (kind, row.state) {
        ("stopped", InstanceState::Stopping) => {
            for volume in row.volumes.values() {
                hosts::forget(ctx, volume);
            }
            row.state = InstanceState::Stopped;
        }
        ("start", InstanceState::Pending) => {
            let who = Arc::new(caller::restore(ctx, &who));
            match ctx.as_caller(&who, |ctx| opened(ctx, &id, &row)) {
                Ok(()) => row.state = InstanceState::Running,
                Err(refusal) => {
                    why = refusal.to_string();
                    row.state = InstanceState::Stopped;
                    row.reason = Some((DIED.0.to_owned(), DIED.1.to_owned()));
                }
            }
        }
        ("terminated", InstanceState::ShuttingDown) => {
            for volume in std::mem::take(&mut row.volumes).into_values() {
                ended(ctx, &volume);
            }
            row.state = InstanceState::Terminated;
        }
        // Something else was asked for meanwhile.
        _ => return,
    }
    ctx.put::<Instances>(id.as_str(), &row);
    instances::noted(ctx, &id, &row, &why);
}

/// Opens all volumes of an instance, or none.
fn opened(ctx: &mut Ctx<'_>, id: &str, row: &InstanceRow) -> Result<(), Refusal> {
    let mut open = Vec::new();
    for volume in row.volumes.values() {
        let Some(found) = ctx.get::<Volumes>(volume.as_str()) else {
            continue;
        };
        if let Err(refusal) = hosts::open(ctx, volume, &found, id) {
            for volume in open {
                hosts::forget(ctx, volume);
            }
            return Err(refusal);
        }
        open.push(volume);
    }
    Ok(())
}

fn ended(ctx: &mut Ctx<'_>, volume: &str) {
    let found = ctx.get::<Volumes>(volume);
    let goes_with_it = found
        .and_then(|row| row.attachment)
        .is_some_and(|at| at.delete_on_termination);
    if goes_with_it {
        hosts::destroy(ctx, volume);
    } else {
        hosts::forget(ctx, volume);
        attaching::away(ctx, volume);
    }
}
