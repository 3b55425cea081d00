//! Global tables with strong consistency (MRSC): three Regions, of which any two carry on.
//!
//! Each item is a register of its own, kept by three members of which any two decide (a ballot is
//! a term and a number in it; a term belongs to one Region). `docs/mrsc.md` has the protocol and
//! why it is safe.
//!
//! ```text
//!   proposer                           another member
//!   prepare (term)      ------------>  promises, tells what it has         only to take an item over
//!   accept (ballot, item) ---------->  stores it: that makes two           every write
//!   confirm (ballot)    ------------>  nothing newer, or what is           every strong read
//! ```
//!
//! [`acceptor`] is the right side, [`proposer`] the left one, a saga that begins in [`entry`]; [`seat`] the register itself;
//! [`group`] makes the three and [`leaving`] dissolves them; [`background`] is what goes on when nobody waits.
//! The handlers of items know nothing of it: when an item is known to be current here they run as
//! for any table, and what they write becomes a proposal ([`propose`]).
//!
//! Calls about more than one item are in [`many`]: what two members have of them is compared ([`compare`]), and
//! what differs goes through its register. [`limits`] is what such a table cannot do.

pub(super) mod acceptor;
pub(super) mod background;
pub(super) mod compare;
pub(super) mod entry;
pub(super) mod group;
pub(super) mod leaving;
mod limits;
pub(super) mod many;
mod proposer;
mod seat;
mod writes;

use std::sync::Arc;

use faultline_proto::dynamodb::{GlobalTableWitnessDescription, TableDescription};
use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::error::DynamoError;
use super::keyspaces::{
    Ballot, PendingRow, StrongRow, StrongState, Strongs, TableRow, Term, Version,
};
use super::shelf::{Place, Shelf};
use super::value::Item;
use crate::context::Ctx;

use compare::{Extent, Sum};
pub(super) use entry::begin;

/// The Regions that may hold such a table (DDB-077).
const REGIONS: &str = include_str!("regions.txt");

/// An item as it travels between members, or the key of a deleted one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) version: Version,
    pub(crate) deleted: bool,
    pub(crate) item: Item,
}

/// What one member asks another about an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) account: faultline_proto::names::AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
    /// The item's key; empty for a question about no item.
    pub(crate) key: Item,
    pub(crate) what: What,
}

/// The question itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Take no more of earlier terms, and tell what you have above `known`.
    Prepare { term: Term, known: Ballot },
    /// Store this.
    Accept { ballot: Ballot, content: Content },
    /// Is there anything above `known`? `pending` is what the asker has there when nobody else may have it.
    Confirm {
        known: Ballot,
        pending: Option<Content>,
    },
    /// Answer when everything that you sent before has gone.
    Barrier,
    /// Of which of these items do you have something else?
    Compare { extent: Extent, sums: Vec<Sum> },
}

/// What a member answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// To prepare: promised; what is above the asker's ballot.
    Promised(Option<Newer>),
    /// To accept.
    Accepted,
    /// To confirm: nothing is above the asker's ballot here.
    Current,
    /// To confirm: this is.
    Newer(Newer),
    /// A later term was promised.
    Rejected,
    /// To a barrier.
    Passed,
    /// To compare: ballots in buckets that differ, and the buckets that did not fit.
    Differs {
        told: Vec<(Item, Ballot)>,
        left: Vec<u8>,
    },
}

/// Something that the asker did not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Newer {
    pub(crate) ballot: Ballot,
    pub(crate) content: Content,
    /// Whether two members are known to have it.
    pub(crate) chosen: bool,
}

/// The strong consistency of a table, when it has it.
pub(crate) fn of(ctx: &mut Ctx<'_>, table: &TableRow) -> Option<Arc<StrongRow>> {
    ctx.get_cached::<Strongs>(table.id.as_str())
        .filter(|row| row.state != StrongState::Dissolved)
}

/// Whether a table has strong consistency.
pub(crate) fn is(ctx: &mut Ctx<'_>, table: &TableRow) -> bool {
    of(ctx, table).is_some()
}

/// The other two members.
fn peers(table: &TableRow, strong: &StrongRow) -> Vec<RegionName> {
    let witness = strong.witness.iter().map(|(region, _)| region);
    table.replicas.keys().chain(witness).cloned().collect()
}

/// Makes a write of this Region a proposal: stored as pending, seen by nobody yet.
pub(crate) fn propose(ctx: &mut Ctx<'_>, shelf: &Shelf, place: &Place, item: Option<&Item>) {
    let here = ctx.region().clone();
    let version = Version::next(place.version(), &here, ctx.now());
    let content = Content {
        version,
        deleted: item.is_none(),
        item: item.unwrap_or(place.key()).clone(),
    };
    let mut register = seat::register(ctx, shelf, place.row());
    register.accepted = register.next_ballot();
    register.pending = Some(pending(ctx, shelf, place.row(), &content));
    seat::keep(ctx, shelf, place.row(), &register);
}

fn pending(ctx: &mut Ctx<'_>, shelf: &Shelf, row: &[u8], content: &Content) -> PendingRow {
    PendingRow {
        version: content.version.clone(),
        deleted: content.deleted,
        sealed: shelf.sealed(ctx, row, &content.version, &content.item),
        shown: false,
    }
}

/// Adds what DescribeTable shows of it (DDB-069, DDB-074).
pub(crate) fn shown(ctx: &mut Ctx<'_>, table: &TableRow, description: &mut TableDescription) {
    let Some(strong) = of(ctx, table) else { return };
    description.multi_region_consistency = Some("STRONG".to_owned());
    description.global_table_witnesses = strong
        .witness
        .iter()
        .map(|(region, active)| GlobalTableWitnessDescription {
            region_name: Some(region.to_string()),
            witness_status: Some(if *active { "ACTIVE" } else { "CREATING" }.to_owned()),
        })
        .collect();
}

/// DDB-071.
fn conflict() -> DynamoError {
    DynamoError::ReplicatedWriteConflict
}

/// What a proposal would make of an item, for a planted bug.
pub(crate) fn pending_item(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    row: &[u8],
) -> Option<(Version, Option<Item>)> {
    let pending = seat::register(ctx, shelf, row).pending?;
    let item = shelf
        .opened_as(row, &pending.version, &pending.sealed)
        .ok()?;
    Some((pending.version, (!pending.deleted).then_some(item)))
}
