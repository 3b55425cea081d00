//! A copy within the Region under another key: some blocks at a time.
//!
//! ```text
//!   begin: the caller may see the source? a grant and the data key opened, the blocks held fast,
//!          a key of its own                                           (EBS-025: or the end)
//!   step:  64 blocks are opened and sealed again, 1 ms each; and so on, through crashes
//!   end:   grants are retired, the hold is released, the snapshot becomes complete
//! ```

use std::sync::Arc;

use super::copies::{self, Task};
use super::derive::{self, Source};
use super::keys::{self, READING};
use super::keyspaces::{GrantRow, Sealing, SnapshotRow, Snapshots, Todos, WorkRow, Works};
use super::snapshots::PER_BLOCK;
use super::{blocks, snapshots, targets};
use crate::caller::{self, CallerRow};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// Blocks of one step.
const AT_ONCE: usize = 64;

/// The copy's moment has come.
pub(super) fn begin(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((who, task)) = decode::<(CallerRow, Task)>(payload) else {
        return;
    };
    let caller = Arc::new(caller::restore(ctx, &who));
    ctx.as_caller(&caller, |ctx| {
        let source = snapshots::visible(ctx, &task.snapshot).map_err(Refusal::from);
        let target = task.target.clone();
        match source.and_then(|row| opened(ctx, row, task, who)) {
            Ok(Begun::Whole(sealing)) => copies::finish(ctx, &target, Ok(sealing)),
            Ok(Begun::Work(work)) => {
                ctx.put::<Works>(target.as_str(), &work);
                next(ctx, &target, 0);
            }
            Err(refusal) => copies::finish(ctx, &target, Err(refusal)),
        }
    });
}

enum Begun {
    /// No block needed to be moved.
    Whole(Option<Sealing>),
    Work(Box<WorkRow>),
}

fn opened(
    ctx: &mut Ctx<'_>,
    row: SnapshotRow,
    task: Task,
    who: CallerRow,
) -> Result<Begun, Refusal> {
    let (target, source) = (task.target.clone(), task.snapshot.clone());
    let wanted = match &task.key {
        None => None,
        Some(key) => Some(keys::describe(ctx, key)?.0),
    };
    if wanted == row.sealing.as_ref().map(|sealing| sealing.key.clone()) {
        let from = Source {
            holder: source,
            sealing: row.sealing,
        };
        let sealing = derive::derive(ctx, Some(&from), &target, wanted.as_deref())?;
        targets::nothing_moved(ctx, &target);
        return Ok(Begun::Whole(sealing));
    }
    let mut grants = Vec::new();
    let made = keyed(ctx, &row, &task, &mut grants);
    let (source_key, prepared) = match made {
        Ok(made) => made,
        Err(refusal) => {
            for grant in &grants {
                keys::retire(ctx, grant);
            }
            return Err(refusal);
        }
    };
    grants.extend(prepared.grant);
    let hold = format!("hold-{target}");
    blocks::share(ctx, &source, &hold);
    ctx.put::<Todos>(target.as_str(), &prepared.todo);
    Ok(Begun::Work(Box::new(WorkRow {
        task,
        who,
        hold,
        source_key,
        data_key: prepared.data_key,
        sealing: prepared.sealing,
        grants,
        done: 0,
    })))
}

type Keyed = (Option<Vec<u8>>, targets::Target);

fn keyed(
    ctx: &mut Ctx<'_>,
    row: &SnapshotRow,
    task: &Task,
    grants: &mut Vec<GrantRow>,
) -> Result<Keyed, Refusal> {
    let target = task.target.as_str();
    let source_key = match &row.sealing {
        None => None,
        Some(sealing) => {
            let reading = keys::grant(ctx, &sealing.key, &sealing.bound, target, READING)?;
            grants.push(reading);
            let key = keys::open_source(ctx, sealing)?;
            keys::readable(ctx, &task.snapshot, target, sealing);
            Some(targets::keep(ctx, target, &key))
        }
    };
    let listed = blocks::listed(ctx, &task.snapshot);
    let prepared = targets::prepare(ctx, target, task.key.as_deref(), &listed)?;
    Ok((source_key, prepared))
}

/// The indexes of the next step.
fn some(ctx: &mut Ctx<'_>, target: &str, done: u64) -> Vec<u64> {
    let todo = ctx.get_cached::<Todos>(target);
    let todo = todo.as_deref().map(Vec::as_slice).unwrap_or_default();
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    todo.iter().skip(done).take(AT_ONCE).copied().collect()
}

fn next(ctx: &mut Ctx<'_>, target: &str, done: u64) {
    let blocks = some(ctx, target, done).len() as u64;
    let at = ctx.elapsed().plus_micros(blocks * PER_BLOCK);
    ctx.schedule("ec2", at, "blocks", encode(&target.to_owned()));
}

/// The next blocks.
pub(super) fn step(ctx: &mut Ctx<'_>, target: &str) {
    let Some(mut work) = ctx.get::<Works>(target) else {
        return;
    };
    let now = some(ctx, target, work.done);
    let outcome = if ctx.has::<Snapshots>(target) {
        blocks_of(ctx, target, &work, &now)
    } else {
        Err(Refusal::internal("the copy was deleted"))
    };
    if outcome.is_ok() {
        targets::moved(ctx, target, now.len() as u64);
        work.done += now.len() as u64;
        if !some(ctx, target, work.done).is_empty() {
            ctx.put::<Works>(target, &work);
            return next(ctx, target, work.done);
        }
    }
    end(ctx, target, work, outcome);
}

fn blocks_of(
    ctx: &mut Ctx<'_>,
    target: &str,
    work: &WorkRow,
    indexes: &[u64],
) -> Result<(), Refusal> {
    let source = targets::kept(ctx, target, work.source_key.as_ref())?;
    let key = targets::kept(ctx, target, work.data_key.as_ref())?;
    for index in indexes {
        let plaintext = blocks::read(ctx, &work.hold, *index, source.as_ref())?;
        let plaintext = zeroize::Zeroizing::new(plaintext);
        blocks::write(ctx, target, *index, key.as_ref(), &plaintext);
    }
    Ok(())
}

fn end(ctx: &mut Ctx<'_>, target: &str, work: WorkRow, outcome: Result<(), Refusal>) {
    ctx.delete::<Works>(target);
    ctx.delete::<Todos>(target);
    blocks::release(ctx, &work.hold);
    let who = Arc::new(caller::restore(ctx, &work.who));
    ctx.as_caller(&who, |ctx| {
        for grant in &work.grants {
            keys::retire(ctx, grant);
        }
        copies::finish(ctx, target, outcome.map(|()| work.sealing));
    });
}
