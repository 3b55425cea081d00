//! New content of old: volumes of snapshots, and copies that need no block moved.
//!
//! ```text
//!   source      wanted key    how
//!   nothing     none | key    empty; a data key is made (EBS-001)
//!   clear       none          blocks are shared
//!   clear       key           every block is sealed under a new data key
//!   sealed      the same      blocks are shared, the data key is bound anew (EBS-002)
//!   sealed      another       every block is opened and sealed again (EBS-021, EBS-022)
//! ```
//!
//! An encrypted source is read by a grant that the caller makes; that is where a copy of a
//! snapshot fails whose key was not shared (EBS-025, EBS-031).

use super::blocks;
use super::keys::{self, MAKING, READING};
use super::keyspaces::{GrantRow, Sealing};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// What is read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whose map it is.
    pub holder: String,
    /// How it is encrypted.
    pub sealing: Option<Sealing>,
}

/// Makes the content of `target` for the caller, whose grants are gone when it returns.
///
/// # Errors
/// KMS's refusal; `target` is empty then.
pub fn derive(
    ctx: &mut Ctx<'_>,
    source: Option<&Source>,
    target: &str,
    key: Option<&str>,
) -> Result<Option<Sealing>, Refusal> {
    let mut grants = Vec::new();
    let outcome = work(ctx, source, target, key, &mut grants);
    for grant in &grants {
        keys::retire(ctx, grant);
    }
    if outcome.is_err() {
        blocks::release(ctx, target);
    }
    outcome
}

fn work(
    ctx: &mut Ctx<'_>,
    source: Option<&Source>,
    target: &str,
    key: Option<&str>,
    grants: &mut Vec<GrantRow>,
) -> Result<Option<Sealing>, Refusal> {
    let Some(key) = key else {
        if let Some(source) = source {
            if source.sealing.is_some() {
                return Err(Refusal::internal(
                    "an encrypted source has no unencrypted copy",
                ));
            }
            blocks::share(ctx, &source.holder, target);
        }
        return Ok(None);
    };
    let wanted = keys::describe(ctx, key)?;
    let Some(source) = source else {
        return keys::generate(ctx, wanted, target).map(Some);
    };
    let opened = match &source.sealing {
        None => None,
        Some(sealing) => {
            grants.push(keys::grant(
                ctx,
                &sealing.key,
                &sealing.bound,
                target,
                READING,
            )?);
            if sealing.key == wanted.0 {
                grants.push(keys::grant(ctx, &sealing.key, target, target, MAKING)?);
                let bound = keys::rebind(ctx, sealing, target)?;
                blocks::share(ctx, &source.holder, target);
                return Ok(Some(bound));
            }
            let opened = keys::open_source(ctx, sealing)?;
            keys::readable(ctx, &source.holder, target, sealing);
            Some(opened)
        }
    };
    let sealing = keys::generate(ctx, wanted, target)?;
    let making = keys::grant(ctx, &sealing.key, target, target, MAKING)?;
    grants.push(making.clone());
    let data_key = keys::open(ctx, &making, &sealing)?;
    reseal(ctx, &source.holder, opened.as_ref(), target, &data_key)?;
    Ok(Some(sealing))
}

fn reseal(
    ctx: &mut Ctx<'_>,
    from: &str,
    opened: Option<&SecretKey>,
    to: &str,
    key: &SecretKey,
) -> Result<(), Refusal> {
    for (index, _) in blocks::entries(ctx, from) {
        let plaintext = zeroize::Zeroizing::new(blocks::read(ctx, from, index, opened)?);
        blocks::write(ctx, to, index, Some(key), &plaintext);
    }
    Ok(())
}
