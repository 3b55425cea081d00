//! A member's seat for one item: its register, and the item where readers find it.

use faultline_proto::names::AccountId;

use super::super::encryption;
use super::super::journal;
use super::super::keyspaces::{
    Ballot, Encryption, RegisterRow, Registers, TableRow, TableStatus, Tables, Term, Witnesses,
};
use super::super::names::TableName;
use super::super::shelf::{Cause, Place, Shelf};
use super::super::value::Item;
use super::{Content, Newer};
use crate::context::Ctx;
use crate::refusal::Refusal;

impl RegisterRow {
    /// The number of this Region's next proposal in the term it holds.
    pub(crate) fn next_ballot(&self) -> Ballot {
        let same = self.accepted.term == self.promised;
        Ballot {
            term: self.promised.clone(),
            seq: if same { self.accepted.seq + 1 } else { 1 },
        }
    }

    /// Whether the term that was promised last is that of `region`.
    pub(crate) fn is_held_by(&self, region: &faultline_proto::names::RegionName) -> bool {
        self.promised.region.as_ref() == Some(region)
    }

    /// A term of `region` above all that this member knows.
    pub(crate) fn next_term(&self, region: &faultline_proto::names::RegionName) -> Term {
        Term {
            number: self.promised.number + 1,
            region: Some(region.clone()),
        }
    }
}

/// An item's register in this Region.
pub(super) fn register(ctx: &mut Ctx<'_>, shelf: &Shelf, row: &[u8]) -> RegisterRow {
    ctx.get::<Registers>((shelf.table.id.as_str(), row))
        .unwrap_or_default()
}

/// Writes it.
pub(super) fn keep(ctx: &mut Ctx<'_>, shelf: &Shelf, row: &[u8], register: &RegisterRow) {
    ctx.put::<Registers>((shelf.table.id.as_str(), row), register);
}

/// The items of a table of this Region, or those that it keeps as a witness.
pub(super) fn shelf(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    table: &str,
    group: &str,
) -> Result<Shelf, Refusal> {
    let name = TableName {
        account: account.clone(),
        name: table.to_owned(),
    };
    let found = ctx
        .get_cached::<Tables>((account, table))
        .filter(|row| row.group == group && row.status != TableStatus::Deleting);
    let found = match found {
        Some(found) => found,
        None => ctx
            .get_cached::<Witnesses>((account, table))
            .filter(|row| row.group == group)
            .ok_or_else(|| Refusal::internal("no member of this table here"))?,
    };
    let key_of_table = match &found.encryption {
        Encryption::Owned { .. } => encryption::key_of(ctx, &name, &found)?,
        Encryption::Kms { .. } => encryption::key_for_replication(ctx, &name, &found)?,
    };
    Ok(Shelf::with(name, found, key_of_table))
}

/// The seat.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) shelf: Shelf,
    pub(super) place: Place,
}

impl Seat {
    /// The seat of an item in a table of this Region, or in a witness's.
    pub(super) fn find(
        ctx: &mut Ctx<'_>,
        account: &AccountId,
        table: &str,
        group: &str,
        key: &Item,
    ) -> Result<Self, Refusal> {
        let shelf = shelf(ctx, account, table, group)?;
        shelf.table.schema.check_key(key)?;
        let place = shelf.find(ctx, key.clone())?;
        Ok(Self { shelf, place })
    }

    pub(super) fn table(&self) -> &TableRow {
        &self.shelf.table
    }

    pub(super) fn register(&self, ctx: &mut Ctx<'_>) -> RegisterRow {
        register(ctx, &self.shelf, self.place.row())
    }

    pub(super) fn keep(&self, ctx: &mut Ctx<'_>, register: &RegisterRow) {
        keep(ctx, &self.shelf, self.place.row(), register);
    }

    /// The same, and a refusal of the call does not take it away.
    pub(super) fn keep_anyway(&self, ctx: &mut Ctx<'_>, register: &RegisterRow) {
        let key = (self.shelf.table.id.as_str(), self.place.row());
        ctx.put_kept::<Registers>(key, register);
    }

    /// The proposal that nobody else may have yet.
    pub(super) fn pending(&self, register: &RegisterRow) -> Result<Option<Content>, Refusal> {
        let Some(pending) = &register.pending else {
            return Ok(None);
        };
        let item = self
            .shelf
            .opened_as(self.place.row(), &pending.version, &pending.sealed)?;
        Ok(Some(Content {
            version: pending.version.clone(),
            deleted: pending.deleted,
            item,
        }))
    }

    /// What this member accepted last, if anything.
    pub(super) fn accepted(&self, register: &RegisterRow) -> Result<Option<Content>, Refusal> {
        if let Some(pending) = self.pending(register)? {
            return Ok(Some(pending));
        }
        let Some(version) = self.place.version() else {
            return Ok(None);
        };
        let item = self.place.item.as_ref().unwrap_or(self.place.key());
        Ok(Some(Content {
            version: version.clone(),
            deleted: self.place.item.is_none(),
            item: item.clone(),
        }))
    }

    /// What this member has above `known`; what is shown once cannot be taken back.
    pub(super) fn above(
        &self,
        ctx: &mut Ctx<'_>,
        register: &mut RegisterRow,
        known: &Ballot,
    ) -> Result<Option<Newer>, Refusal> {
        if register.accepted <= *known {
            return Ok(None);
        }
        let Some(content) = self.accepted(register)? else {
            return Ok(None);
        };
        let chosen = register.pending.is_none();
        if let Some(pending) = &mut register.pending {
            pending.shown = true;
            self.keep(ctx, register);
        }
        Ok(Some(Newer {
            ballot: register.accepted.clone(),
            content,
            chosen,
        }))
    }

    /// Two members have `content` at `ballot`: readers may see it.
    pub(super) fn learn(
        &mut self,
        ctx: &mut Ctx<'_>,
        register: &mut RegisterRow,
        ballot: &Ballot,
        content: &Content,
    ) {
        register.accepted = ballot.clone();
        register.chosen = ballot.clone();
        register.pending = None;
        self.keep(ctx, register);
        if content.version.writer == *ctx.region() {
            let item = (!content.deleted).then_some(&content.item);
            journal::accepted(
                ctx,
                &self.shelf.name,
                self.place.key(),
                &content.version,
                item,
            );
        }
        let cause = if content.version.writer == *ctx.region() {
            Cause::Call
        } else {
            Cause::Replication
        };
        let (version, body) = (&content.version, (content.deleted, &content.item));
        self.shelf.store(ctx, &self.place, version, body, cause);
        self.place.replaced(content);
    }
}
