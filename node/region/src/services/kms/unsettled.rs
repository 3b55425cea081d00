//! Changes of KMS that do not count everywhere yet (K-194, K-203, K-251, K-252).
//!
//! An experiment (`kms_propagation_delay`) lets what a client changes count late: a new key is not
//! found, a new grant needs its token, and decisions see tags and aliases as they were, while the
//! lists show them as they are. Without the experiment no row is written and all counts at once.
//! A service that makes a grant for somebody has its token, so nothing waits for a service.
//! Left out: late policies, late states and grants that live on after they were revoked (K-204).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use faultline_proto::driving::fault;
use serde::{Deserialize, Serialize};

use super::keyspaces::{KeyRow, Unsettled};
use crate::context::Ctx;

/// What of one key's changes does not count yet; times are unskewed microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnsettledRow {
    /// When the key itself is found.
    pub found: u64,
    /// When each new grant counts without its token.
    pub grants: BTreeMap<String, u64>,
    /// What decisions see in place of the key's tags and aliases, oldest first.
    pub words: Vec<EarlierWords>,
}

/// Tags and aliases as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierWords {
    /// Until then decisions see these.
    pub until: u64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Names of aliases.
    pub aliases: BTreeSet<String>,
}

impl UnsettledRow {
    /// The tags and aliases that decisions see at `now`, if not those of the key.
    pub(crate) fn words(&self, now: u64) -> Option<&EarlierWords> {
        self.words.iter().find(|words| now < words.until)
    }

    /// Whether a grant counts without its token.
    pub(crate) fn counts(&self, grant: &str, now: u64) -> bool {
        self.grants.get(grant).is_none_or(|from| *from <= now)
    }
}

/// What waits for a key; most have nothing.
pub(crate) fn of(ctx: &mut Ctx<'_>, row: &KeyRow) -> Option<Arc<UnsettledRow>> {
    ctx.get_cached::<Unsettled>((&row.account, row.id.as_str()))
}

/// Whether a key that is here is found.
pub(crate) fn is_found(ctx: &mut Ctx<'_>, row: &KeyRow) -> bool {
    let now = ctx.elapsed().0;
    of(ctx, row).is_none_or(|waiting| waiting.found <= now)
}

/// A key was made.
pub(crate) fn made(ctx: &mut Ctx<'_>, row: &KeyRow) {
    change(ctx, row, |waiting, until| waiting.found = until);
}

/// A grant was made.
pub(crate) fn granted(ctx: &mut Ctx<'_>, row: &KeyRow, grant: &str) {
    if ctx.caller().via.is_empty() {
        change(ctx, row, |waiting, until| {
            waiting.grants.insert(grant.to_owned(), until);
        });
    }
}

/// Tags or aliases of a key change; `row` has them as they were.
pub(crate) fn renamed(ctx: &mut Ctx<'_>, row: &KeyRow) {
    change(ctx, row, |waiting, until| {
        waiting.words.push(EarlierWords {
            until,
            tags: row.tags.clone(),
            aliases: row.aliases.clone(),
        });
    });
}

/// The key is gone.
pub(crate) fn destroy(ctx: &mut Ctx<'_>, row: &KeyRow) {
    ctx.delete::<Unsettled>((&row.account, row.id.as_str()));
}

fn change(ctx: &mut Ctx<'_>, row: &KeyRow, by: impl FnOnce(&mut UnsettledRow, u64)) {
    let delay = delay(ctx);
    if delay == 0 {
        return;
    }
    let now = ctx.elapsed().0;
    let place = (&row.account, row.id.as_str());
    let mut waiting = ctx.get::<Unsettled>(place).unwrap_or_default();
    waiting.grants.retain(|_, from| now < *from);
    waiting.words.retain(|words| now < words.until);
    by(&mut waiting, now + delay);
    ctx.put::<Unsettled>(place, &waiting);
}

/// The longest delay that a fault in force asks for, microseconds.
fn delay(ctx: &Ctx<'_>) -> u64 {
    let delays = ctx.faults.iter().filter_map(|fault| match &fault.effect {
        Some(fault::Effect::DelayEffects(delay)) => Some(delay.by),
        _ => None,
    });
    delays.max().unwrap_or_default()
}
