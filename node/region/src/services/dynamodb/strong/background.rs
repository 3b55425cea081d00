//! What goes on when no call waits: a proposal whose call gave up is settled, a member that could
//! not take a proposal asks what came of it, and a Region that was cut off catches up.

use faultline_proto::names::AccountId;
use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};

use super::super::encryption;
use super::super::keyspaces::{Ballot, StrongRow, StrongState, Strongs, Tables};
use super::super::value::Item;
use super::acceptor::takes;
use super::seat::Seat;
use super::{Question, Reply, What};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// An item of a table, or the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Unsettled {
    pub(super) account: AccountId,
    pub(super) table: String,
    pub(super) group: String,
    pub(super) key: Item,
}

/// An item and what was asked about it.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    about: Unsettled,
    known: Ballot,
    /// Members that have answered.
    answered: u8,
}

/// Settles the item's pending proposal as soon as another member can be reached.
pub(super) fn settle(ctx: &mut Ctx<'_>, about: &Unsettled) {
    ctx.schedule("dynamodb", ctx.elapsed(), "strong_settle", encode(about));
}

/// Asks the other members later what became of an item that this one could not take.
pub(super) fn refresh(ctx: &mut Ctx<'_>, asked: &Question, pause: u64) {
    let about = Unsettled {
        account: asked.account.clone(),
        table: asked.table.clone(),
        group: asked.group.clone(),
        key: asked.key.clone(),
    };
    let at = ctx.elapsed().plus_micros(pause);
    ctx.schedule("dynamodb", at, "strong_settle", encode(&about));
}

/// Refuses strong calls until another member has handed over what it had for this Region.
fn catch_up(ctx: &mut Ctx<'_>, about: &Unsettled) {
    ctx.schedule("dynamodb", ctx.elapsed(), "strong_catch_up", encode(about));
}

/// No other member could be reached: strong calls are refused at once until one can (DDB-075).
pub(super) fn cut_off(ctx: &mut Ctx<'_>, table: &str, strong: &StrongRow, about: &Unsettled) {
    let row = StrongRow {
        state: StrongState::CutOff,
        ..strong.clone()
    };
    ctx.put_kept::<Strongs>(table, &row);
    catch_up(ctx, about);
}

/// A timer of these has come.
pub(in super::super) fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
    let Ok(about) = decode::<Unsettled>(payload) else {
        return;
    };
    let table = ctx
        .get_cached::<Tables>((&about.account, about.table.as_str()))
        .filter(|row| row.group == about.group);
    let Some(table) = table else { return };
    let Some(strong) = super::of(ctx, &table) else {
        return;
    };
    let (kind, state, what) = if kind == "strong_catch_up" {
        ("strong_catch_up", encode(&about), What::Barrier)
    } else {
        let found = Seat::find(ctx, &about.account, &about.table, &about.group, &about.key);
        let Ok(seat) = found else {
            // The table's key cannot be used: later, perhaps.
            let at = encryption::try_again(ctx);
            ctx.schedule("dynamodb", at, kind, payload.to_vec());
            return;
        };
        let mut register = seat.register(ctx);
        let Ok(pending) = seat.pending(&register) else {
            return;
        };
        if let Some(pending) = &mut register.pending {
            pending.shown = true;
        }
        seat.keep(ctx, &register);
        let known = register.accepted;
        let what = What::Confirm {
            known: known.clone(),
            pending,
        };
        let about = about.clone();
        let answered = 0;
        let asked = Asked {
            about,
            known,
            answered,
        };
        ("strong_settle", encode(&asked), what)
    };
    let question = encode(&Question {
        account: about.account.clone(),
        table: about.table.clone(),
        group: about.group.clone(),
        key: about.key.clone(),
        what,
    });
    let asks = super::peers(&table, &strong)
        .into_iter()
        .map(|peer| (peer, "register".to_owned(), question.clone()))
        .collect();
    ctx.spawn("dynamodb", Saga { kind, state }, asks, None);
}

/// A member has handed over everything that it sent before: strong calls are taken again.
pub(in super::super) fn caught_up(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let about: Unsettled = decode(state)?;
    let SagaInput::Answer { outcome: Ok(_), .. } = input else {
        let state = state.to_vec();
        return Ok(Progress::Open(Saga {
            kind: "strong_catch_up",
            state,
        }));
    };
    if let Some(table) = ctx.get_cached::<Tables>((&about.account, about.table.as_str()))
        && let Some(strong) = super::of(ctx, &table)
        && strong.state == StrongState::CutOff
    {
        let open = StrongRow {
            state: StrongState::Open,
            ..StrongRow::clone(&strong)
        };
        ctx.put::<Strongs>(table.id.as_str(), &open);
    }
    Ok(Progress::Done(Vec::new()))
}

/// A member has answered about a pending proposal.
pub(in super::super) fn settled(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let Asked {
        about,
        known,
        answered,
    } = decode(state)?;
    let SagaInput::Answer {
        outcome: Ok(bytes), ..
    } = input
    else {
        return about_both(state, answered + 1);
    };
    let Ok(mut seat) = Seat::find(ctx, &about.account, &about.table, &about.group, &about.key)
    else {
        return Ok(Progress::Done(Vec::new()));
    };
    let mut register = seat.register(ctx);
    match decode::<Reply>(bytes)? {
        Reply::Current if register.accepted == known => {
            if let Some(content) = seat.pending(&register)? {
                seat.learn(ctx, &mut register, &known, &content);
            }
        }
        Reply::Newer(newer)
            if newer.ballot > register.accepted
                && (newer.chosen || takes(&register.promised, &newer.ballot.term)) =>
        {
            register.promised = register.promised.max(newer.ballot.term.clone());
            seat.learn(ctx, &mut register, &newer.ballot, &newer.content);
        }
        // What stays pending is proposed again by the next call about the item.
        _ => {}
    }
    about_both(state, answered + 1)
}

/// Ends when both members have answered.
fn about_both(state: &[u8], answered: u8) -> Result<Progress<Vec<u8>>, Refusal> {
    let asked: Asked = decode(state)?;
    if answered >= 2 {
        return Ok(Progress::Done(Vec::new()));
    }
    Ok(Progress::Open(Saga {
        kind: "strong_settle",
        state: encode(&Asked { answered, ..asked }),
    }))
}
