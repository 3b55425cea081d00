//! What all members of a global table have alike (DDB-029): global indexes, expiry.
//!
//! The Region where UpdateTable or UpdateTimeToLive was called tells the others how the table
//! shall be; each of them makes what it lacks and removes what is gone, in its own time.

use faultline_proto::names::RegionName;

use super::keyspaces::{Extras, ExtrasRow, IndexStatus, TableRow, TableStatus, TtlStatus};
use super::names::TableName;
use super::records::GroupChange;
use super::{index_fill, members, ttl};
use crate::context::Ctx;

/// Tells all members.
pub(crate) fn tell(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, extras: &ExtrasRow) {
    members::tell(ctx, name, row, &GroupChange::Extras(extras.clone()));
}

/// Tells a new member.
pub(crate) fn tell_one(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, to: &RegionName) {
    if let Some(extras) = ctx.get::<Extras>(row.id.as_str()) {
        members::tell_one(ctx, name, row, to, GroupChange::Extras(extras));
    }
}

/// Takes over what another member says.
pub(crate) fn take(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, theirs: &ExtrasRow) {
    let mut ours = ctx.get::<Extras>(row.id.as_str()).unwrap_or_default();
    let is_new = matches!(row.status, TableStatus::Filling { .. });
    let mut made = Vec::new();
    for index in &theirs.indexes {
        let deleting = index.status == IndexStatus::Deleting;
        let known = ours
            .indexes
            .iter_mut()
            .find(|known| known.name == index.name);
        match known {
            Some(known) if deleting && known.status != IndexStatus::Deleting => {
                known.status = IndexStatus::Deleting;
                made.push(known.id.clone());
            }
            Some(known) => known.billing = index.billing,
            None if deleting => {}
            None => {
                let mut index = index.clone();
                index.id = ctx.entropy().uuid("dynamodb.index-id");
                index.status = if is_new {
                    IndexStatus::Active
                } else {
                    made.push(index.id.clone());
                    IndexStatus::Creating { backfilling: false }
                };
                ours.indexes.push(index);
            }
        }
    }
    ctx.put::<Extras>(row.id.as_str(), &ours);
    for id in made {
        index_fill::begin(ctx, name, row, id);
    }
    if let Some(theirs) = &theirs.ttl {
        let on = matches!(theirs.status, TtlStatus::Enabling | TtlStatus::Enabled);
        let have = ours.ttl.as_ref().is_some_and(|ttl| {
            matches!(ttl.status, TtlStatus::Enabling | TtlStatus::Enabled)
                && ttl.attribute == theirs.attribute
        });
        if on != have {
            ttl::set(ctx, name, row, &mut ours, theirs.attribute.clone(), on);
        }
    }
}
