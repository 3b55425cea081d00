//! A call about an item of an MRSC table, from its beginning to its answer.
//!
//! ```text
//!   Waiting --> Confirm ----------------------------+
//!      |  (reads; writes whose condition fails)     v
//!      +--> Prepare --> (settle: Accept) -------> attempt --> Accept --> answer
//!            (another Region holds the term)
//! ```
//!
//! `attempt` runs the ordinary handler on the local item. It counts only when the item is known
//! to be current: a quorum (this Region and one other) had nothing newer after the call began.

use faultline_proto::progress::{Progress, Saga};

use super::super::keyspaces::{Ballot, RegisterRow, StrongRow, Term};
use super::acceptor::takes;
use super::background::{self, Unsettled};
use super::entry::{Mine, Op, PATIENCE, Phase, Step, run, unreachable};
use super::seat::Seat;
use super::{Content, Newer, Question, Reply, What};
use crate::context::{Ctx, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;

/// How long it waits for the other answer after one member said no.
const SECOND: u64 = 500_000;
/// How long until it looks again whether an earlier write of this Region has ended.
const TURN: u64 = 5_000;
/// Rounds after which it gives up: another Region keeps winning.
const ROUNDS: u8 = 6;

/// A call under way, with what it is about.
pub(super) struct Call {
    pub(super) op: Op,
    pub(super) seat: Seat,
    pub(super) strong: StrongRow,
}

impl Call {
    pub(super) fn open(&self) -> Progress<Vec<u8>> {
        Progress::Open(Saga {
            kind: "strong",
            state: encode(&self.op),
        })
    }

    /// Stays open for `micros` at most, or to the end of the call.
    fn wait(&mut self, ctx: &mut Ctx<'_>, phase: Phase, micros: u64) -> Step {
        let left = self.op.until.saturating_sub(ctx.elapsed().0);
        ctx.give_up_after(micros.min(left));
        self.op.phase = phase;
        Ok(self.open())
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>, what: What, phase: Phase) -> Step {
        let question = encode(&Question {
            account: self.op.account.clone(),
            table: self.op.table.clone(),
            group: self.op.group.clone(),
            key: self.op.key.clone(),
            what,
        });
        let mut first = None;
        for peer in super::peers(self.seat.table(), &self.strong) {
            let ordinal = ctx.ask(&peer, "register", question.clone());
            first.get_or_insert(ordinal);
        }
        self.op.first = first.unwrap_or_default();
        self.op.no = 0;
        self.wait(ctx, phase, PATIENCE)
    }

    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let mut register = self.seat.register(ctx);
        if !self.op.writes {
            return self.confirm(ctx, &register);
        }
        let busy = register.busy.as_ref();
        if busy.is_some_and(|until| *until > ctx.elapsed().0) {
            return self.wait(ctx, Phase::Waiting, TURN);
        }
        register.busy = Some(self.op.until);
        self.seat.keep(ctx, &register);
        self.attempt(ctx, false)
    }

    /// Runs the handler on what is here. What it writes is proposed; what it only says counts if
    /// the item is `current`.
    fn attempt(&mut self, ctx: &mut Ctx<'_>, current: bool) -> Step {
        let here = ctx.region().clone();
        let before = self.seat.register(ctx);
        // A term that was asked for and never promised lets nobody write: what others chose before
        // it may be missing here.
        let held = before.is_held_by(&here)
            && (before.accepted.term == before.promised
                || self.op.promised.as_ref() == Some(&before.promised));
        if self.op.writes && (!held || before.pending.is_some()) {
            return self.prepare(ctx);
        }
        ctx.txn.push();
        let outcome = run(ctx, &self.op.operation, &self.op.request);
        if outcome.is_ok() {
            ctx.txn.pop_keep();
        } else {
            ctx.txn.pop_discard();
        }
        let after = self.seat.register(ctx);
        let response = match outcome {
            Ok(response) => response,
            Err(refusal) if current => return self.refuse(ctx, refusal),
            Err(_) => return self.confirm(ctx, &after),
        };
        match self.seat.pending(&after)? {
            Some(content) if after.accepted != before.accepted => {
                self.op.mine = Some(Mine {
                    ballot: after.accepted.clone(),
                    version: content.version.clone(),
                    response,
                });
                if mutants::is(Mutant::StrongWriteAnsweredEarly) {
                    self.accept(ctx, &after, content, true)?;
                    return self.done(ctx);
                }
                self.accept(ctx, &after, content, true)
            }
            _ if current => self.finish(ctx, response),
            _ => self.confirm(ctx, &after),
        }
    }

    fn accept(
        &mut self,
        ctx: &mut Ctx<'_>,
        register: &RegisterRow,
        content: Content,
        own: bool,
    ) -> Step {
        let ballot = register.accepted.clone();
        let what = What::Accept {
            ballot: ballot.clone(),
            content,
        };
        self.ask(ctx, what, Phase::Accept { ballot, own })
    }

    /// Asks whether the item is current here.
    fn confirm(&mut self, ctx: &mut Ctx<'_>, register: &RegisterRow) -> Step {
        let mut register = register.clone();
        let pending = self.seat.pending(&register)?;
        if let Some(pending) = &mut register.pending {
            pending.shown = true;
            self.seat.keep(ctx, &register);
        }
        let known = register.accepted.clone();
        let what = What::Confirm {
            known: known.clone(),
            pending,
        };
        self.ask(ctx, what, Phase::Confirm(known))
    }

    /// Takes the item over: a term of this Region.
    fn prepare(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.op.rounds >= ROUNDS {
            return self.lost(ctx);
        }
        self.op.rounds += 1;
        let here = ctx.region().clone();
        let mut register = self.seat.register(ctx);
        register.promised = register.next_term(&here);
        if let Some(pending) = &mut register.pending {
            // Whoever promises may take it from here.
            pending.shown = true;
        }
        self.seat.keep(ctx, &register);
        self.op.dirty = true;
        let what = What::Prepare {
            term: register.promised.clone(),
            known: register.accepted.clone(),
        };
        self.ask(ctx, what, Phase::Prepare(register.promised))
    }

    pub(super) fn told(&mut self, ctx: &mut Ctx<'_>, reply: Reply) -> Step {
        match (self.op.phase.clone(), reply) {
            (Phase::Confirm(known), Reply::Current) => {
                self.settled(ctx, &known)?;
                self.current(ctx)
            }
            (Phase::Confirm(_), Reply::Newer(newer)) => {
                let mut register = self.seat.register(ctx);
                if newer.ballot <= register.accepted && register.pending.is_none() {
                    return self.current(ctx);
                }
                let may = newer.chosen || takes(&register.promised, &newer.ballot.term);
                if !may || newer.ballot <= register.accepted {
                    return self.refused(ctx);
                }
                // This Region is the second that has it.
                register.promised = register.promised.max(newer.ballot.term.clone());
                self.learn(ctx, register, &newer);
                self.current(ctx)
            }
            (Phase::Prepare(term), Reply::Promised(newer)) => self.promised(ctx, &term, newer),
            (Phase::Accept { ballot, own }, Reply::Accepted) => {
                self.settled(ctx, &ballot)?;
                if own {
                    self.done(ctx)
                } else {
                    self.current(ctx)
                }
            }
            (Phase::Waiting | Phase::Ready, _) => Ok(self.open()),
            (_, _) => self.refused(ctx),
        }
    }

    fn learn(&mut self, ctx: &mut Ctx<'_>, mut register: RegisterRow, newer: &Newer) {
        self.seat
            .learn(ctx, &mut register, &newer.ballot, &newer.content);
        self.op.dirty = true;
    }

    /// Another member has what this one has at `ballot`.
    fn settled(&mut self, ctx: &mut Ctx<'_>, ballot: &Ballot) -> Result<(), Refusal> {
        let mut register = self.seat.register(ctx);
        if register.accepted == *ballot
            && let Some(content) = self.seat.pending(&register)?
        {
            self.seat.learn(ctx, &mut register, ballot, &content);
            self.op.dirty = true;
        }
        Ok(())
    }

    fn promised(&mut self, ctx: &mut Ctx<'_>, term: &Term, newer: Option<Newer>) -> Step {
        let mut register = self.seat.register(ctx);
        if register.promised != *term {
            // Another Region has taken it over meanwhile.
            return self.lost(ctx);
        }
        self.op.promised = Some(term.clone());
        let found = match newer {
            Some(newer) if newer.ballot > register.accepted && newer.chosen => {
                self.learn(ctx, register, &newer);
                return self.current(ctx);
            }
            Some(newer) if newer.ballot > register.accepted => Some(newer.content),
            _ => self.seat.pending(&register)?,
        };
        let Some(content) = found else {
            return self.current(ctx);
        };
        // Perhaps two members had it, perhaps not: it is proposed again, in the new term.
        register.accepted = register.next_ballot();
        let mut pending = super::pending(ctx, &self.seat.shelf, self.seat.place.row(), &content);
        pending.shown = true;
        register.pending = Some(pending);
        self.seat.keep(ctx, &register);
        self.op.dirty = true;
        self.accept(ctx, &register, content, false)
    }

    /// The item is current here.
    fn current(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let Some(mine) = &self.op.mine else {
            return self.attempt(ctx, true);
        };
        let version = self.seat.place.version();
        let included = version
            .is_some_and(|version| *version == mine.version || version.overwrote(&mine.version));
        if included {
            self.done(ctx)
        } else {
            self.refuse(ctx, super::conflict().into())
        }
    }

    pub(super) fn refused(&mut self, ctx: &mut Ctx<'_>) -> Step {
        self.op.no += 1;
        if self.op.no < 2 {
            let pause = if self.op.heard { SECOND } else { PATIENCE };
            return self.wait(ctx, self.op.phase.clone(), pause);
        }
        if !self.op.heard {
            return self.late(ctx);
        }
        self.next_round(ctx)
    }

    /// No quorum said yes in this phase.
    fn next_round(&mut self, ctx: &mut Ctx<'_>) -> Step {
        match self.op.phase.clone() {
            Phase::Confirm(_) if self.op.rounds < ROUNDS / 2 => {
                self.op.rounds += 1;
                self.wait(ctx, Phase::Waiting, TURN)
            }
            Phase::Confirm(_) => self.prepare(ctx),
            Phase::Prepare(_) => self.lost(ctx),
            Phase::Accept { ballot, own: true } => self.judge(ctx, &ballot),
            Phase::Accept { own: false, .. } => self.prepare(ctx),
            Phase::Waiting | Phase::Ready => Ok(self.open()),
        }
    }

    /// The proposal of this call found no second member: is it certain that it never will?
    fn judge(&mut self, ctx: &mut Ctx<'_>, ballot: &Ballot) -> Step {
        let mut register = self.seat.register(ctx);
        let here = register.accepted == *ballot;
        if !here && register.pending.is_none() {
            // Something later is known to be chosen.
            return self.current(ctx);
        }
        let hidden = register.pending.as_ref().is_some_and(|it| !it.shown);
        if here && hidden && self.op.no >= 2 {
            // Both others have promised later terms, and nobody has seen it: it is taken back.
            register.accepted = register.chosen.clone();
            register.pending = None;
            register.busy = None;
            self.seat.keep_anyway(ctx, &register);
            return Err(super::conflict().into());
        }
        self.prepare(ctx)
    }

    /// Another Region keeps winning.
    fn lost(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.op.mine.is_none() {
            return if self.op.writes {
                self.refuse(ctx, super::conflict().into())
            } else {
                self.refuse(ctx, unreachable(true))
            };
        }
        if self.op.rounds < ROUNDS {
            return self.prepare(ctx);
        }
        self.refuse(ctx, unreachable(false))
    }

    pub(super) fn late(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if ctx.elapsed().0 < self.op.until {
            match self.op.phase {
                Phase::Waiting => return self.start(ctx),
                Phase::Ready => return self.current(ctx),
                // One said no, and the other nothing.
                _ if self.op.no > 0 && self.op.heard => return self.next_round(ctx),
                Phase::Confirm(_) | Phase::Prepare(_) | Phase::Accept { .. } => {}
            }
        }
        if self.op.phase == Phase::Waiting {
            return Err(unreachable(true));
        }
        if !self.op.heard {
            let table = &self.seat.table().id;
            background::cut_off(ctx, table, &self.strong, &self.unsettled());
        }
        self.refuse(ctx, unreachable(self.op.mine.is_none()))
    }

    fn unsettled(&self) -> Unsettled {
        Unsettled {
            account: self.op.account.clone(),
            table: self.op.table.clone(),
            group: self.op.group.clone(),
            key: self.op.key.clone(),
        }
    }

    fn done(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let response = self.op.mine.take().map(|mine| mine.response);
        self.finish(ctx, response.unwrap_or_default())
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, response: Vec<u8>) -> Step {
        if self.op.writes {
            let mut register = self.seat.register(ctx);
            register.busy = None;
            self.seat.keep(ctx, &register);
        }
        Ok(Progress::Done(response))
    }

    /// Ends with a refusal, which must not take away what this step has learned.
    fn refuse(&mut self, ctx: &mut Ctx<'_>, refusal: Refusal) -> Step {
        if self.op.dirty {
            return self.wait(ctx, Phase::Ready, 0);
        }
        if self.op.writes {
            let mut register = self.seat.register(ctx);
            register.busy = None;
            self.seat.keep_anyway(ctx, &register);
            if register.pending.is_some() {
                background::settle(ctx, &self.unsettled());
            }
        }
        Err(refusal)
    }
}
