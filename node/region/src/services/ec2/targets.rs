//! What a copy is sealed under, and what it need not move.
//!
//! The first copy of a volume's snapshots into a Region moves every block, and so does any copy
//! under another key. A later one takes what has not changed from the copy before it, if that
//! still exists and all copies there have one key (EBS-022); it shares that copy's data key then,
//! bound to its own id (EBS-002).

use super::blocks::{self, Entries};
use super::keys::{self, MAKING, READING};
use super::keyspaces::{
    GrantRow, LastCopies, MakingRow, Makings, Origin, Sealing, SnapshotRow, SnapshotState,
    Snapshots,
};
use super::tiers;
use crate::context::Ctx;
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::store::Range;
use crate::vault::SecretKey;
use faultline_proto::names::AccountId;

/// Purpose of what is kept of a copy's data key.
const TARGET: &str = "ec2.copy";

/// What a copy is sealed with while it is made.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// How it is encrypted.
    pub sealing: Option<Sealing>,
    /// Its data key, sealed under the Region's own key.
    pub data_key: Option<Vec<u8>>,
    /// The grant for it.
    pub grant: Option<GrantRow>,
    /// Indexes of the blocks that must be moved.
    pub todo: Vec<u64>,
}

fn last_of(account: &AccountId, origin: &Origin) -> (String, String, String) {
    (
        account.to_string(),
        origin.region.to_string(),
        origin.volume.clone(),
    )
}

/// Remembers a complete copy as the last one.
pub fn remember(ctx: &mut Ctx<'_>, target: &str, row: &SnapshotRow) {
    if let Some(making) = ctx.get::<Makings>(target) {
        ctx.put::<LastCopies>(&last_of(&row.owner, &making.origin), &target.to_owned());
    }
}

/// The copy that a new one of this origin is incremental to, if it is to be under `key`.
fn base_of(
    ctx: &mut Ctx<'_>,
    target: &str,
    origin: &Origin,
    key: Option<&str>,
) -> Option<(String, SnapshotRow)> {
    let account = ctx.account();
    let last = ctx.get::<LastCopies>(&last_of(&account, origin))?;
    let row = ctx
        .get::<Snapshots>(last.as_str())
        .filter(|row| row.state == SnapshotState::Completed)?;
    if tiers::tier(ctx, &last).0 == "archive" {
        return None;
    }
    for (id, making) in ctx.all(Range::<Makings>::all()) {
        if making.origin != *origin || id == target {
            continue;
        }
        let copy = ctx
            .get::<Snapshots>(id.as_str())
            .filter(|row| row.owner == account && row.copied_from.is_some());
        let differs = |row: &SnapshotRow| {
            row.state == SnapshotState::Completed
                && row.sealing.as_ref().map(|sealing| sealing.key.as_str()) != key
        };
        if copy.as_ref().is_some_and(differs) {
            return None;
        }
    }
    Some((last, row))
}

/// Makes the keys of a copy for the caller, and takes over what the copy before it has.
///
/// # Errors
/// KMS's refusal; what grants there are, are retired.
pub fn prepare(
    ctx: &mut Ctx<'_>,
    target: &str,
    key: Option<&str>,
    listed: &[(u64, String)],
) -> Result<Target, Refusal> {
    let mut grants = Vec::new();
    let outcome = keyed(ctx, target, key, &mut grants);
    let (sealing, data_key, base) = match outcome {
        Ok(made) => made,
        Err(refusal) => {
            for grant in &grants {
                keys::retire(ctx, grant);
            }
            return Err(refusal);
        }
    };
    // The last grant is the copy's own; the one before was for reading the base.
    let grant = grants.pop();
    for grant in &grants {
        keys::retire(ctx, grant);
    }
    let known: Entries = match &base {
        Some(base) => blocks::entries(ctx, base),
        None => Entries::new(),
    };
    let known: std::collections::BTreeMap<u64, String> = known.into_iter().collect();
    let mut todo = Vec::new();
    for (index, print) in listed {
        let same = known.get(index).filter(|block| {
            blocks::print_of(block) == Some(print.as_str())
                || mutants::is(Mutant::StaleBlocksShared)
        });
        match same {
            Some(block) => blocks::share_one(ctx, target, *index, block),
            None => todo.push(*index),
        }
    }
    if let Some(making) = ctx.get::<Makings>(target) {
        let making = MakingRow {
            base,
            total: Some(todo.len() as u64),
            ..making
        };
        ctx.put::<Makings>(target, &making);
    }
    Ok(Target {
        sealing,
        data_key: data_key.map(|key| keep(ctx, target, &key)),
        grant,
        todo,
    })
}

type Keyed = (Option<Sealing>, Option<SecretKey>, Option<String>);

fn keyed(
    ctx: &mut Ctx<'_>,
    target: &str,
    key: Option<&str>,
    grants: &mut Vec<GrantRow>,
) -> Result<Keyed, Refusal> {
    let origin = ctx.get::<Makings>(target).map(|making| making.origin);
    let base = |ctx: &mut Ctx<'_>, key: Option<&str>| {
        origin
            .as_ref()
            .and_then(|origin| base_of(ctx, target, origin, key))
    };
    let Some(key) = key else {
        return Ok((None, None, base(ctx, None).map(|(id, _)| id)));
    };
    let wanted = keys::describe(ctx, key)?;
    let base = base(ctx, Some(&wanted.0));
    let sealing = match base.as_ref().and_then(|(_, row)| row.sealing.as_ref()) {
        None => {
            let sealing = keys::generate(ctx, wanted, target)?;
            grants.push(keys::grant(ctx, &sealing.key, target, target, MAKING)?);
            sealing
        }
        Some(old) => {
            grants.push(keys::grant(ctx, &old.key, &old.bound, target, READING)?);
            grants.push(keys::grant(ctx, &old.key, target, target, MAKING)?);
            keys::rebind(ctx, old, target)?
        }
    };
    let grant = grants.last().cloned();
    let grant = grant.ok_or_else(|| Refusal::internal("a copy has its grant"))?;
    let data_key = keys::open(ctx, &grant, &sealing)?;
    keys::readable(ctx, target, target, &sealing);
    Ok((Some(sealing), Some(data_key), base.map(|(id, _)| id)))
}

/// Seals a data key for as long as a copy is made.
pub fn keep(ctx: &mut Ctx<'_>, holder: &str, key: &SecretKey) -> Vec<u8> {
    ctx.seal_local(TARGET, holder.as_bytes(), key.expose())
}

/// Opens what [`keep`] sealed.
///
/// # Errors
/// When it was sealed for somebody else.
pub fn kept(
    ctx: &Ctx<'_>,
    holder: &str,
    sealed: Option<&Vec<u8>>,
) -> Result<Option<SecretKey>, Refusal> {
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let opened = zeroize::Zeroizing::new(ctx.open_local(TARGET, holder.as_bytes(), sealed)?);
    Ok(SecretKey::from_slice(&opened))
}

/// The copy shares all its blocks with its source.
pub fn nothing_moved(ctx: &mut Ctx<'_>, target: &str) {
    if let Some(mut making) = ctx.get::<Makings>(target) {
        making.total = Some(0);
        ctx.put::<Makings>(target, &making);
    }
}

/// More blocks have been moved.
pub fn moved(ctx: &mut Ctx<'_>, target: &str, count: u64) {
    if let Some(mut making) = ctx.get::<Makings>(target) {
        making.moved += count;
        ctx.put::<Makings>(target, &making);
    }
}
