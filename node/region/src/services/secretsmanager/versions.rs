//! Versions and their staging labels.
//!
//! A label is on one version at a time. AWSCURRENT takes AWSPREVIOUS along: the version that it
//! leaves gets it. A version without labels is deprecated and may be removed (SEC-025).

use std::collections::BTreeSet;

use faultline_proto::secretsmanager::{
    ListSecretVersionIdsRequest, ListSecretVersionIdsResponse, SecretVersionsListEntry,
    UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse,
};

use super::error::Error;
use super::keyspaces::{SecretRow, Values};
use super::sealing::{self, Value};
use super::{ids, listing, replication, rotation};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// The label of the value that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the value before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The label of the value that a rotation makes.
pub const PENDING: &str = "AWSPENDING";

/// Versions that a secret keeps (SEC-025).
const MOST: usize = 100;
/// Labels of one version.
const MOST_LABELS: usize = 20;
/// Milliseconds within which no version is removed (SEC-025).
const DAY: i64 = 86_400_000;

/// Moves a label to a version.
pub fn label(ctx: &mut Ctx<'_>, row: &mut SecretRow, stage: &str, to: &str) {
    let from = row.staged(stage).map(str::to_owned);
    if from.as_deref() == Some(to) {
        return;
    }
    take(row, stage);
    if stage == CURRENT
        && let Some(from) = from
    {
        take(row, PREVIOUS);
        give(row, PREVIOUS, &from);
    }
    give(row, stage, to);
    if stage == CURRENT {
        rotation::current_moved(ctx, row, to);
    }
}

fn take(row: &mut SecretRow, stage: &str) {
    for version in row.versions.values_mut() {
        version.stages.remove(stage);
    }
}

fn give(row: &mut SecretRow, stage: &str, to: &str) {
    if let Some(version) = row.versions.get_mut(to) {
        version.stages.insert(stage.to_owned());
    }
}

/// Adds a version; `false` when it is there already with the same value.
///
/// # Errors
/// ResourceExistsException, LimitExceededException, what KMS refuses.
pub fn add(
    ctx: &mut Ctx<'_>,
    row: &mut SecretRow,
    id: &str,
    value: &Value,
    stages: &BTreeSet<String>,
) -> Result<bool, Refusal> {
    let mark = value.mark(ctx);
    match row.versions.get(id).map(|version| &version.sealing) {
        Some(Some(sealing)) if sealing.mark == mark => return Ok(false),
        Some(Some(_)) => {
            return Err(Error::TokenInUse(id.to_owned(), ids::arn(ctx, row)).into());
        }
        Some(None) => {}
        None => make_room(ctx, row)?,
    }
    let labels = row.versions.get(id).map(|known| known.stages.len());
    if labels.unwrap_or_default() + stages.len() > MOST_LABELS {
        let text = format!("A secret version can have at most {MOST_LABELS} staging labels.");
        return Err(Error::Limit(text).into());
    }
    let (sealing, bytes) = sealing::seal(ctx, row, id, value)?;
    put_value(ctx, row, id, bytes);
    let is_first = row.staged(CURRENT).is_none();
    let now = ctx.now().millis();
    let version = row.versions.entry(id.to_owned()).or_default();
    version.sealing = Some(sealing);
    version.created = now;
    for stage in stages {
        label(ctx, row, stage, id);
    }
    if is_first {
        // The first value is the current one, whatever else it is.
        label(ctx, row, CURRENT, id);
    }
    row.changed = now;
    Ok(true)
}

/// Stores the sealed bytes of a version.
pub fn put_value(ctx: &mut Ctx<'_>, row: &SecretRow, id: &str, bytes: Vec<u8>) {
    let bytes = serde_bytes::ByteBuf::from(bytes);
    ctx.put::<Values>((&row.account, row.name.as_str(), id), &bytes);
}

/// Removes a version with its value.
pub fn remove(ctx: &mut Ctx<'_>, row: &mut SecretRow, id: &str) {
    row.versions.remove(id);
    ctx.delete::<Values>((&row.account, row.name.as_str(), id));
}

/// SEC-025: removes deprecated versions that are older than a day when there are too many.
fn make_room(ctx: &mut Ctx<'_>, row: &mut SecretRow) -> Result<(), Error> {
    let before = ctx.now().millis() - DAY;
    while row.versions.len() >= MOST {
        let oldest = row
            .versions
            .iter()
            .filter(|(_, version)| version.stages.is_empty() && version.created < before)
            .min_by_key(|(id, version)| (version.created, id.to_string()))
            .map(|(id, _)| id.clone());
        let Some(oldest) = oldest else {
            let text = format!(
                "You can't create more than {MOST} versions of a secret: none of them is deprecated for 24 hours."
            );
            return Err(Error::Limit(text));
        };
        remove(ctx, row, &oldest);
    }
    Ok(())
}

/// UpdateSecretVersionStage.
pub(super) fn update_stage(
    ctx: &mut Ctx<'_>,
    request: UpdateSecretVersionStageRequest,
) -> Result<UpdateSecretVersionStageResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    let stage = request.version_stage.unwrap_or_default();
    let holder = row.staged(&stage).map(str::to_owned);
    let (from, to) = (request.remove_from_version_id, request.move_to_version_id);
    match (&holder, &from) {
        (Some(holder), None) if to.as_ref() != Some(holder) => {
            return Err(Error::parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            ))
            .into());
        }
        (holder, Some(from)) if holder.as_ref() != Some(from) => {
            return Err(Error::parameter(format!(
                "Staging label {stage} is not attached to version {from}."
            ))
            .into());
        }
        _ => {}
    }
    match to {
        Some(to) => {
            if !row.versions.contains_key(&to) {
                return Err(Error::NoValue(format!("VersionId: {to}")).into());
            }
            label(ctx, &mut row, &stage, &to);
        }
        None if stage == CURRENT => {
            return Err(Error::parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
            )
            .into());
        }
        None => take(&mut row, &stage),
    }
    // A version that a rotation made and nobody filled goes with its last label.
    let empty: Vec<String> = row
        .versions
        .iter()
        .filter(|(_, version)| version.sealing.is_none() && version.stages.is_empty())
        .map(|(id, _)| id.clone())
        .collect();
    for id in empty {
        remove(ctx, &mut row, &id);
    }
    row.changed = ctx.now().millis();
    replication::changed(ctx, &mut row, &[]);
    Ok(UpdateSecretVersionStageResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
    })
}

/// ListSecretVersionIds.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: ListSecretVersionIdsRequest,
) -> Result<ListSecretVersionIdsResponse, Refusal> {
    let row = ids::any(ctx, request.secret_id.as_deref())?;
    let all = request.include_deprecated.unwrap_or_default();
    let mut found: Vec<_> = row
        .versions
        .iter()
        .filter(|(_, version)| all || !version.stages.is_empty())
        .collect();
    found.sort_by_key(|(id, version)| (version.created, id.as_str()));
    let (page, next_token) = listing::page(
        found,
        request.max_results,
        request.next_token.as_deref(),
        |(id, _)| id.as_str(),
    )?;
    let versions = page
        .into_iter()
        .map(|(id, version)| SecretVersionsListEntry {
            version_id: Some(id.clone()),
            version_stages: version.stages.iter().cloned().collect(),
            last_accessed_date: version.accessed,
            created_date: Some(version.created),
            kms_key_ids: match (&version.sealing, &row.key) {
                (None, _) => Vec::new(),
                (Some(_), None) => vec!["DefaultEncryptionKey".to_owned()],
                (Some(sealing), Some(_)) => vec![sealing.key.clone()],
            },
        })
        .collect();
    Ok(ListSecretVersionIdsResponse {
        versions,
        next_token,
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name.clone()),
    })
}
