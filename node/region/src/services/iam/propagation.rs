//! How changes of the directory leave the home Region.
//!
//! One stream, `iam`, carries users, roles, policies and organisations, in the order in which
//! they were changed, so that no Region sees the attachment of a policy that it does not know.
//! A world or an experiment may delay it: the change then waits here as a timer, which a crash does not lose.
//! The order holds when the delay changes: nothing leaves before what waits already.

use faultline_proto::driving::fault;
use faultline_proto::names::{Elapsed, RegionName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keyspaces::LastLeft;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// Kind of the timer of a change that waits.
pub(super) const LEAVES: &str = "leaves";

/// A change that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    to: RegionName,
    service: String,
    kind: String,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
}

/// Sends a change of the directory to every other Region: `service` applies it there.
pub fn propagate(ctx: &mut Ctx<'_>, service: &str, kind: &str, body: &[u8]) {
    for to in ctx.peers() {
        let now = ctx.elapsed().0;
        let last = ctx.get::<LastLeft>(&to).unwrap_or_default();
        let leaves = last.max(now + delay(ctx, &to));
        if leaves <= now {
            ctx.replicate(&to, "iam", service, kind, body.to_vec());
            continue;
        }
        ctx.put::<LastLeft>(&to, &leaves);
        let (service, kind) = (service.to_owned(), kind.to_owned());
        let waiting = Waiting {
            to,
            service,
            kind,
            body: body.to_vec(),
        };
        ctx.schedule("iam", Elapsed(leaves), LEAVES, encode(&waiting));
    }
}

/// Takes a change that left the home Region; nobody else may change the directory.
///
/// # Errors
/// Another Region's, or of another shape.
pub fn take_change<R: DeserializeOwned>(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    kind: &str,
    body: &[u8],
    write: impl FnOnce(&mut Ctx<'_>, R),
) -> Result<(), Refusal> {
    if *from != ctx.core.home {
        return Err(Refusal::internal("not the directory's home"));
    }
    write(ctx, decode(body)?);
    ctx.note(
        "directory_updated",
        &[("kind", kind), ("from", from.as_str())],
    );
    Ok(())
}

/// The time of a change has come.
pub(super) fn leave(ctx: &mut Ctx<'_>, payload: &[u8]) {
    if let Ok(waiting) = decode::<Waiting>(payload) {
        let Waiting {
            to,
            service,
            kind,
            body,
        } = waiting;
        ctx.replicate(&to, "iam", &service, &kind, body);
    }
}

/// The longest of the delays that the world and the faults in force ask for, microseconds.
fn delay(ctx: &Ctx<'_>, to: &RegionName) -> u64 {
    let delays = ctx.faults.iter().filter_map(|fault| match &fault.effect {
        Some(fault::Effect::DelayDirectory(delay))
            if delay.to.is_empty() || delay.to == to.as_str() =>
        {
            Some(delay.by)
        }
        _ => None,
    });
    delays
        .max()
        .unwrap_or_default()
        .max(ctx.core.directory_delay)
}
