//! Replication: from the rules of a bucket to replicas in other buckets.
//!
//! ```text
//!   put, delete, change --owe--> queue of a lane --lag (LAT-004)--> the role reads the source
//!      --transfer--> the role writes the replica, each one decided --settle--> COMPLETED | FAILED
//! ```
//!
//! - [`config`], [`validate`]: what S3 checks when a configuration is put; [`select`]: which rules
//!   fit an object, and why others do not.
//! - [`owe`]: what becomes owed; [`lane`]: queues and credit; [`transfer`], [`reading`]: the
//!   source's side; [`replica`]: the destination's, with [`offer`] between them; [`changes`]: tags and locks, both ways.
//! - [`jobs`]: Batch Replication. [`settle`]: how it ends; [`reasons`]: what a refusal is called; [`rtc`]: fifteen minutes and
//!   events; [`tally`]: counts; [`telling`]: the journal; [`look`]: why each object did or did not arrive.
//!
//! A refusal of a policy or a key is FAILED for good (S3-066); silence and throttling leave PENDING
//! and go on by themselves (S3-065, S3-075). Left out: ACLs, delivery of events to queues.

mod changes;
pub mod config;
pub mod jobs;
mod lane;
mod look;
mod offer;
mod owe;
mod reading;
mod reasons;
pub mod replica;
pub mod rows;
mod rtc;
mod select;
mod settle;
mod tally;
mod telling;
mod transfer;
mod validate;

pub use changes::KEYSPACES as STAMPS;

pub use changes::changed;
pub(super) use look::answer as look;
pub(super) use owe::consider;
pub(super) use replica::hard_deleted;
pub use settle::forget;
pub(super) use telling::started;

use faultline_proto::progress::Progress;

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{RemoteCall, SagaInput};

/// Whether a saga is replication's.
pub(super) fn is_saga(kind: &str) -> bool {
    matches!(kind, "put-replication" | "replicate")
}

/// Goes on with a saga of replication.
pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    kind: &str,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    match kind {
        "put-replication" => config::answered(ctx, state, input),
        _ => transfer::resume(ctx, state, input),
    }
}

/// What a question of replication touches; `None` when it is none.
pub(super) fn remote_access(
    ctx: &mut Ctx<'_>,
    kind: &str,
    body: &[u8],
) -> Option<Result<RemoteCall, Refusal>> {
    Some(match kind {
        "read-source" => reading::accesses(ctx, body),
        "replica" => replica::accesses(ctx, body),
        "initiate" => jobs::accesses(ctx, body),
        // Plumbing that no policy speaks of: each replica in it is decided for itself.
        "locate" | "versioning" | "replicas" | "replica-chunk" => Ok(RemoteCall {
            event: None,
            read_only: true,
            accesses: Vec::new(),
            charge: None,
        }),
        _ => return None,
    })
}

/// Answers a question of replication; `None` when it is none.
pub(super) fn remote(
    ctx: &mut Ctx<'_>,
    kind: &str,
    body: &[u8],
) -> Option<Result<Vec<u8>, Refusal>> {
    Some(match kind {
        "versioning" => config::answer(ctx, body),
        "locate" => config::locate(ctx, body),
        "read-source" => reading::permitted(ctx, body),
        "replicas" => replica::several(ctx, body),
        "replica" => replica::begin(ctx, body),
        "replica-chunk" => replica::chunk(ctx, body),
        // It only asks for a decision.
        "initiate" => Ok(Vec::new()),
        _ => return None,
    })
}

/// A timer of replication has come.
pub(super) fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
    match kind {
        "lane" => lane::due(ctx, payload),
        "threshold" => rtc::due(ctx, payload),
        "arriving" => replica::abandon(ctx, payload),
        "job" => jobs::due(ctx, payload),
        other => ctx.note("timer_ignored", &[("service", "s3"), ("kind", other)]),
    }
}
