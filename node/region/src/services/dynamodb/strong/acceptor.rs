//! What a member does when another one asks about an item.
//!
//! A member takes a proposal only of the latest term that it promised, and a proposer has stored
//! its proposal before it sends it. So whoever takes one knows that two members have it.

use super::super::keyspaces::Term;
use super::seat::{self, Seat};
use super::{Content, Question, Reply, What, background, compare};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;

/// Until a member asks what became of a proposal that it did not take, or could not without the
/// table's key, microseconds.
const PAUSE: u64 = 500_000;
const KEY_PAUSE: u64 = 60_000_000;

/// Answers a question of another member.
pub(in super::super) fn answer(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let asked: Question = decode(body)?;
    if asked.what == What::Barrier {
        return Ok(encode(&Reply::Passed));
    }
    if let What::Compare { extent, sums } = &asked.what {
        let shelf = seat::shelf(ctx, &asked.account, &asked.table, &asked.group)?;
        return Ok(encode(&compare::answer(ctx, &shelf, extent, sums)?));
    }
    let found = Seat::find(ctx, &asked.account, &asked.table, &asked.group, &asked.key);
    let accept = matches!(asked.what, What::Accept { .. });
    let mut seat = match found {
        Ok(seat) => seat,
        Err(refusal) if accept => {
            // It is sent once: what comes of it is asked when the table's key can be used again.
            background::refresh(ctx, &asked, KEY_PAUSE);
            return Err(refusal);
        }
        Err(refusal) => return Err(refusal),
    };
    let mut register = seat.register(ctx);
    let reply = match asked.what.clone() {
        What::Prepare { term, known } => {
            if term <= register.promised {
                Reply::Rejected
            } else {
                register.promised = term;
                seat.keep(ctx, &register);
                Reply::Promised(seat.above(ctx, &mut register, &known)?)
            }
        }
        What::Accept { ballot, content } => {
            if ballot == register.accepted {
                Reply::Accepted
            } else if takes(&register.promised, &ballot.term) && ballot > register.accepted {
                register.promised = ballot.term.clone();
                seat.learn(ctx, &mut register, &ballot, &content);
                Reply::Accepted
            } else {
                Reply::Rejected
            }
        }
        What::Confirm { known, pending } => confirm(ctx, &mut seat, known, pending)?,
        What::Barrier | What::Compare { .. } => Reply::Passed,
    };
    if accept && reply == Reply::Rejected {
        background::refresh(ctx, &asked, PAUSE);
    }
    Ok(encode(&reply))
}

/// Whether a proposal of `term` is taken after `promised` was promised: the fence.
pub(super) fn takes(promised: &Term, term: &Term) -> bool {
    term >= promised || mutants::is(Mutant::StrongFenceOpen)
}

fn confirm(
    ctx: &mut Ctx<'_>,
    seat: &mut Seat,
    known: super::super::keyspaces::Ballot,
    pending: Option<Content>,
) -> Result<Reply, Refusal> {
    let mut register = seat.register(ctx);
    if register.accepted >= known {
        return Ok(match seat.above(ctx, &mut register, &known)? {
            Some(newer) => Reply::Newer(newer),
            None => Reply::Current,
        });
    }
    match pending {
        None => Ok(Reply::Current),
        Some(content) if takes(&register.promised, &known.term) => {
            register.promised = known.term.clone();
            seat.learn(ctx, &mut register, &known, &content);
            Ok(Reply::Current)
        }
        Some(_) => Ok(Reply::Rejected),
    }
}
