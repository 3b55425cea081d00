//! A copy from another Region: blocks come over the link, four questions under way.
//!
//! ```text
//!   here                         the source's Region
//!   "read"         ----------->  may the caller see it? a grant there, the data key opened,
//!                                the blocks held fast
//!   a key of its own, a grant
//!   "block" x n    ----------->  one block, opened; sealed under the link's key on its way
//!   "close"        ----------->  the grant is retired, the blocks let go
//! ```
//!
//! The source's Region decides with its own policies about its own key; this one about its own
//! (EBS-021: a multi-Region key brings no shortcut).

use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};

use super::copies::{self, Task};
use super::keys::{self, MAKING, READING};
use super::keyspaces::{GrantRow, ReadRow, Reads, Sealing, SnapshotState, Snapshots};
use super::{blocks, snapshots};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::vault::SecretKey;

/// Questions under way at one time.
const CREDIT: usize = 4;
/// Purpose of what the reader keeps.
const PULL: &str = "ec2.pull";
/// Purpose of what the source keeps.
const READ: &str = "ec2.read";

/// A copy under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pull {
    task: Task,
    /// Name of the read at the source; empty until it is open.
    read: String,
    /// The copy's data key, sealed under this Region's own key.
    data_key: Option<Vec<u8>>,
    sealing: Option<Sealing>,
    grant: Option<GrantRow>,
    indexes: Vec<u64>,
    next: usize,
    arrived: usize,
    /// Number of the question that ends it.
    closing: Option<u32>,
}

/// Begins on behalf of the caller; it waits through an outage for as long as that lasts.
pub(super) fn begin(ctx: &mut Ctx<'_>, task: Task) {
    let ask = (
        task.from.clone(),
        "read".to_owned(),
        encode(&(&task.snapshot, &task.target)),
    );
    let pull = Pull {
        task,
        read: String::new(),
        data_key: None,
        sealing: None,
        grant: None,
        indexes: Vec::new(),
        next: 0,
        arrived: 0,
        closing: None,
    };
    ctx.spawn(
        "ec2",
        Saga {
            kind: "pull",
            state: encode(&pull),
        },
        vec![ask],
        None,
    );
}

/// An answer has come.
pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut pull: Pull = decode(state)?;
    let SagaInput::Answer { ordinal, outcome } = input else {
        return Ok(Progress::Done(Vec::new()));
    };
    match pull.closing {
        Some(last) if last == ordinal => return Ok(Progress::Done(Vec::new())),
        // What was under way when the copy failed.
        Some(_) => return Ok(pull.open()),
        None => {}
    }
    let went = match outcome {
        Ok(bytes) if ordinal == 0 => opened(ctx, &mut pull, bytes),
        Ok(bytes) => arrived(ctx, &mut pull, ordinal, bytes),
        Err(refusal) => Err(refusal),
    };
    match went {
        Ok(false) => {}
        Ok(true) => {
            let sealing = pull.sealing.take();
            end(ctx, &mut pull, Ok(sealing));
        }
        Err(refusal) => {
            blocks::release(ctx, &pull.task.target);
            end(ctx, &mut pull, Err(refusal));
        }
    }
    Ok(if pull.closing.is_none() && pull.read.is_empty() {
        Progress::Done(Vec::new())
    } else {
        pull.open()
    })
}

impl Pull {
    fn open(&self) -> Progress<Vec<u8>> {
        Progress::Open(Saga {
            kind: "pull",
            state: encode(self),
        })
    }
}

/// The source is open: makes the copy's own key and asks for the first blocks. `true` at the end.
fn opened(ctx: &mut Ctx<'_>, pull: &mut Pull, answer: &[u8]) -> Result<bool, Refusal> {
    (pull.read, pull.indexes) = decode(answer)?;
    wanted_still(ctx, pull)?;
    if let Some(key) = &pull.task.key {
        let target = pull.task.target.as_str();
        let wanted = keys::describe(ctx, key)?;
        let sealing = keys::generate(ctx, wanted, target)?;
        let grant = keys::grant(ctx, &sealing.key, target, target, MAKING)?;
        pull.grant = Some(grant.clone());
        let data_key = keys::open(ctx, &grant, &sealing)?;
        pull.data_key = Some(ctx.seal_local(PULL, target.as_bytes(), data_key.expose()));
        pull.sealing = Some(sealing);
    }
    for _ in 0..CREDIT {
        ask_next(ctx, pull);
    }
    Ok(pull.indexes.is_empty())
}

/// A copy may be deleted while it is under way.
fn wanted_still(ctx: &mut Ctx<'_>, pull: &Pull) -> Result<(), Refusal> {
    if ctx.has::<Snapshots>(pull.task.target.as_str()) {
        Ok(())
    } else {
        Err(Refusal::internal("the copy was deleted"))
    }
}

fn ask_next(ctx: &mut Ctx<'_>, pull: &mut Pull) {
    if let Some(index) = pull.indexes.get(pull.next) {
        let from = pull.task.from.clone();
        ctx.ask(&from, "block", encode(&(&pull.read, *index)));
        pull.next += 1;
    }
}

/// A block has come: question 0 opened the source, so question n brings block n - 1.
fn arrived(
    ctx: &mut Ctx<'_>,
    pull: &mut Pull,
    ordinal: u32,
    plaintext: &[u8],
) -> Result<bool, Refusal> {
    wanted_still(ctx, pull)?;
    let target = pull.task.target.clone();
    let at = usize::try_from(ordinal)
        .ok()
        .and_then(|ordinal| ordinal.checked_sub(1));
    let index = at.and_then(|at| pull.indexes.get(at)).copied();
    let index = index.ok_or_else(|| Refusal::internal("a block that nobody asked for"))?;
    let key = match &pull.data_key {
        None => None,
        Some(sealed) => key_of(ctx, PULL, &target, sealed)?,
    };
    blocks::write(ctx, &target, index, key.as_ref(), plaintext);
    pull.arrived += 1;
    ask_next(ctx, pull);
    Ok(pull.arrived == pull.indexes.len())
}

fn key_of(
    ctx: &Ctx<'_>,
    purpose: &str,
    holder: &str,
    sealed: &[u8],
) -> Result<Option<SecretKey>, Refusal> {
    let opened = zeroize::Zeroizing::new(ctx.open_local(purpose, holder.as_bytes(), sealed)?);
    Ok(SecretKey::from_slice(&opened))
}

fn end(ctx: &mut Ctx<'_>, pull: &mut Pull, outcome: Result<Option<Sealing>, Refusal>) {
    if let Some(grant) = pull.grant.take() {
        keys::retire(ctx, &grant);
    }
    pull.data_key = None;
    copies::finish(ctx, &pull.task.target, outcome);
    if !pull.read.is_empty() {
        let from = pull.task.from.clone();
        pull.closing = Some(ctx.ask(&from, "close", encode(&pull.read)));
    }
}

/// The source's side of "read".
pub(super) fn read(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (snapshot, target): (String, String) = decode(body)?;
    let row = snapshots::visible(ctx, &snapshot)?;
    if row.state != SnapshotState::Completed {
        return Err(Refusal::internal("the source is not complete"));
    }
    let read = format!("read-{}", ctx.entropy().hex::<16>("ec2.read-id"));
    let mut kept = ReadRow {
        data_key: None,
        grant: None,
    };
    if let Some(sealing) = &row.sealing {
        let grant = keys::grant(ctx, &sealing.key, &sealing.bound, &target, READING)?;
        match keys::open(ctx, &grant, sealing) {
            Ok(key) => kept.data_key = Some(ctx.seal_local(READ, read.as_bytes(), key.expose())),
            Err(refusal) => {
                keys::retire(ctx, &grant);
                return Err(refusal);
            }
        }
        kept.grant = Some(grant);
    }
    blocks::share(ctx, &snapshot, &read);
    ctx.put::<Reads>(read.as_str(), &kept);
    let indexes = blocks::indexes(ctx, &read);
    Ok(encode(&(read, indexes)))
}

/// The source's side of "block".
pub(super) fn block(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (read, index): (String, u64) = decode(body)?;
    let kept = ctx
        .get::<Reads>(read.as_str())
        .ok_or_else(|| Refusal::internal("no such read"))?;
    let key = match &kept.data_key {
        None => None,
        Some(sealed) => key_of(ctx, READ, &read, sealed)?,
    };
    blocks::read(ctx, &read, index, key.as_ref())
}

/// The source's side of "close".
pub(super) fn close(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let read: String = decode(body)?;
    if let Some(kept) = ctx.get::<Reads>(read.as_str()) {
        if let Some(grant) = &kept.grant {
            keys::retire(ctx, grant);
        }
        blocks::release(ctx, &read);
        ctx.delete::<Reads>(read.as_str());
    }
    Ok(Vec::new())
}
