//! A copy from another Region: blocks come over the link, [`MOST`] questions under way at most.
//!
//! ```text
//!   here                         the source's Region
//!   "read"         ----------->  may the caller see it? a grant there, the data key opened,
//!                                the blocks held fast
//!   "list" x n     ----------->  which there are, with their prints
//!   a key of its own, a grant; what the copy before has need not come (EBS-022)
//!   "block" x n    ----------->  one block, opened; sealed under the link's key on its way
//!   "close"        ----------->  the grant is retired, the blocks let go
//! ```
//!
//! The source's Region decides with its own policies about its own key; this one about its own
//! (EBS-021: a multi-Region key brings no shortcut).

use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};

use super::blocks::Entries;
use super::copies::{self, Task};
use super::keys::{self, READING};
use super::keyspaces::{GrantRow, ReadRow, Reads, Sealing, SnapshotState, Snapshots, Todos};
use super::{blocks, snapshots, targets};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// Questions under way at first.
const FIRST: usize = 2;
/// Most questions under way at one time: 1 MiB.
const MOST: usize = 16;
/// Microseconds after which an answer is late: the link has enough to carry, and more questions
/// would only have its answers sent again.
const LATE: u64 = 500_000;
/// Blocks in one list: some 300 KB.
const PAGE: usize = 8192;

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
    /// What the source has, until the last list is there.
    listed: Entries,
    /// Number of the question for the first block; `None` until the last list is there.
    first: Option<u32>,
    next: usize,
    arrived: usize,
    /// How many questions may be under way: one more with each answer in time, half with a late one.
    window: usize,
    /// Which are, and since when.
    asked: Vec<(u32, u64)>,
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
        listed: Entries::new(),
        first: None,
        next: 0,
        arrived: 0,
        window: FIRST,
        asked: Vec::new(),
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
        Ok(bytes) if ordinal == 0 => decode(bytes).and_then(|read| {
            pull.read = read;
            wanted_still(ctx, &pull)?;
            ctx.ask(&pull.task.from, "list", encode(&(&pull.read, 0_u64)));
            Ok(false)
        }),
        Ok(bytes) => match pull.first {
            None => listed(ctx, &mut pull, ordinal, bytes),
            Some(first) => {
                measure(ctx, &mut pull, ordinal);
                arrived(ctx, &mut pull, ordinal - first, bytes)
            }
        },
        Err(refusal) => Err(refusal),
    };
    match went {
        Ok(false) => {}
        Ok(true) => {
            let sealing = pull.sealing.take();
            end(ctx, &mut pull, Ok(sealing));
        }
        Err(refusal) => end(ctx, &mut pull, Err(refusal)),
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

/// A list has come: asks for the next one, or makes the copy's own key and asks for the first
/// blocks. `true` at the end.
fn listed(
    ctx: &mut Ctx<'_>,
    pull: &mut Pull,
    ordinal: u32,
    answer: &[u8],
) -> Result<bool, Refusal> {
    let page: Entries = decode(answer)?;
    wanted_still(ctx, pull)?;
    let more = page.len() == PAGE;
    pull.listed.extend(page);
    if let Some((last, _)) = pull.listed.last().filter(|_| more) {
        let question = encode(&(&pull.read, last + 1));
        ctx.ask(&pull.task.from, "list", question);
        return Ok(false);
    }
    let listed = std::mem::take(&mut pull.listed);
    let (target, key) = (pull.task.target.clone(), pull.task.key.clone());
    let made = targets::prepare(ctx, &target, key.as_deref(), &listed)?;
    pull.sealing = made.sealing;
    pull.data_key = made.data_key;
    pull.grant = made.grant;
    pull.first = Some(ordinal + 1);
    let is_empty = made.todo.is_empty();
    ctx.put::<Todos>(target.as_str(), &made.todo);
    ask_more(ctx, pull);
    Ok(is_empty)
}

/// A copy may be deleted while it is under way.
fn wanted_still(ctx: &mut Ctx<'_>, pull: &Pull) -> Result<(), Refusal> {
    if ctx.has::<Snapshots>(pull.task.target.as_str()) {
        Ok(())
    } else {
        Err(Refusal::internal("the copy was deleted"))
    }
}

/// Asks for as many blocks as may be under way.
fn ask_more(ctx: &mut Ctx<'_>, pull: &mut Pull) {
    let Some(todo) = ctx.get_cached::<Todos>(pull.task.target.as_str()) else {
        return;
    };
    while pull.asked.len() < pull.window
        && let Some(index) = todo.get(pull.next)
    {
        let question = encode(&(&pull.read, *index));
        let number = ctx.ask(&pull.task.from, "block", question);
        pull.asked.push((number, ctx.elapsed().0));
        pull.next += 1;
    }
}

/// An answer has come: was it late?
fn measure(ctx: &Ctx<'_>, pull: &mut Pull, number: u32) {
    let Some(place) = pull.asked.iter().position(|(asked, _)| *asked == number) else {
        return;
    };
    let (_, since) = pull.asked.swap_remove(place);
    pull.window = if ctx.elapsed().0.saturating_sub(since) > LATE {
        (pull.window / 2).max(1)
    } else {
        (pull.window + 1).min(MOST)
    };
}

/// The block that was asked for as number `at` has come.
fn arrived(ctx: &mut Ctx<'_>, pull: &mut Pull, at: u32, plaintext: &[u8]) -> Result<bool, Refusal> {
    wanted_still(ctx, pull)?;
    let target = pull.task.target.clone();
    let todo = ctx
        .get_cached::<Todos>(target.as_str())
        .ok_or_else(|| Refusal::internal("a copy has its list"))?;
    let index = usize::try_from(at)
        .ok()
        .and_then(|at| todo.get(at))
        .copied();
    let index = index.ok_or_else(|| Refusal::internal("a block that nobody asked for"))?;
    let key = targets::kept(ctx, &target, pull.data_key.as_ref())?;
    blocks::write(ctx, &target, index, key.as_ref(), plaintext);
    pull.arrived += 1;
    targets::moved(ctx, &target, 1);
    ask_more(ctx, pull);
    Ok(pull.arrived == todo.len())
}

fn end(ctx: &mut Ctx<'_>, pull: &mut Pull, outcome: Result<Option<Sealing>, Refusal>) {
    if let Some(grant) = pull.grant.take() {
        keys::retire(ctx, &grant);
    }
    pull.data_key = None;
    ctx.delete::<Todos>(pull.task.target.as_str());
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
        match keys::open_source(ctx, sealing) {
            Ok(key) => {
                kept.data_key = Some(targets::keep(ctx, &read, &key));
                keys::readable(ctx, &snapshot, &target, sealing);
            }
            Err(refusal) => {
                keys::retire(ctx, &grant);
                return Err(refusal);
            }
        }
        kept.grant = Some(grant);
    }
    blocks::share(ctx, &snapshot, &read);
    ctx.put::<Reads>(read.as_str(), &kept);
    Ok(encode(&read))
}

/// The source's side of "list".
pub(super) fn list(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (read, from): (String, u64) = decode(body)?;
    Ok(encode(&blocks::listed_from(ctx, &read, from, PAGE)))
}

/// The source's side of "block".
pub(super) fn block(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (read, index): (String, u64) = decode(body)?;
    let kept = ctx
        .get::<Reads>(read.as_str())
        .ok_or_else(|| Refusal::internal("no such read"))?;
    let key = targets::kept(ctx, &read, kept.data_key.as_ref())?;
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
