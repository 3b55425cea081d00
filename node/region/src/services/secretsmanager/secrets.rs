//! CreateSecret, DescribeSecret, UpdateSecret.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::secretsmanager::{
    CreateSecretRequest, CreateSecretResponse, DescribeSecretRequest, DescribeSecretResponse,
    SecretVersionStagesType, UpdateSecretRequest, UpdateSecretResponse,
};

use super::error::Error;
use super::keyspaces::{Place, SecretRow, Secrets};
use super::sealing::{self, Value};
use super::values::token;
use super::versions::{self, CURRENT, PENDING, PREVIOUS};
use super::{ids, replica, replication, rotation, tags};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// The key that a request names; an empty text is none.
fn named(key: Option<String>) -> Option<String> {
    key.filter(|key| !key.is_empty())
}

fn current() -> BTreeSet<String> {
    BTreeSet::from([CURRENT.to_owned()])
}

/// CreateSecret.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateSecretRequest,
) -> Result<CreateSecretResponse, Refusal> {
    let name = request.name.unwrap_or_default();
    ids::check_name(&name)?;
    let value = Value::of(request.secret_string, request.secret_binary)?;
    let id = token(request.client_request_token)?;
    let wanted = replication::wanted(ctx, &request.add_replica_regions)?;
    let account = ctx.account();
    if let Some(row) = ctx.get::<Secrets>((&account, name.as_str())) {
        return again(ctx, row, &id, value.as_ref());
    }
    let mut row = SecretRow {
        suffix: ids::new_suffix(ctx),
        account,
        name,
        description: request.description,
        key: named(request.kms_key_id),
        tags: BTreeMap::new(),
        policy: None,
        created: ctx.now().millis(),
        changed: ctx.now().millis(),
        accessed: None,
        rotated: None,
        versions: BTreeMap::new(),
        deletion: None,
        rotation: None,
        place: Place::Primary(BTreeMap::new()),
        joins: 0,
    };
    tags::add(&mut row.tags, &request.tags)?;
    if row.key.is_some() {
        sealing::check_key(ctx, &row)?;
    }
    if let Some(value) = &value {
        versions::add(ctx, &mut row, &id, value, &current())?;
    }
    let force = request.force_overwrite_replica_secret.unwrap_or_default();
    let fresh: Vec<(&str, &Value)> = value.iter().map(|value| (id.as_str(), value)).collect();
    replication::begin(ctx, &mut row, wanted, force, &fresh)?;
    Ok(CreateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        replication_status: replication::status(&row),
        name: Some(row.name),
        version_id: value.map(|_| id),
    })
}

/// The name is taken: by the same request, or by another.
fn again(
    ctx: &mut Ctx<'_>,
    row: SecretRow,
    id: &str,
    value: Option<&Value>,
) -> Result<CreateSecretResponse, Refusal> {
    if row.deletion.is_some() {
        return Err(Error::NameScheduled.into());
    }
    let mark = value.map(|value| value.mark(ctx));
    let known = row
        .versions
        .get(id)
        .and_then(|version| version.sealing.as_ref());
    if known.is_none_or(|sealing| Some(sealing.mark) != mark) {
        return Err(Error::Exists(row.name).into());
    }
    Ok(CreateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        replication_status: replication::status(&row),
        name: Some(row.name),
        version_id: Some(id.to_owned()),
    })
}

/// DescribeSecret.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeSecretRequest,
) -> Result<DescribeSecretResponse, Refusal> {
    let row = ids::any(ctx, request.secret_id.as_deref())?;
    Ok(shown(ctx, &row))
}

/// A secret without its value.
#[must_use]
pub fn shown(ctx: &Ctx<'_>, row: &SecretRow) -> DescribeSecretResponse {
    let stages = row
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty())
        .map(|(id, version)| {
            let items = version.stages.iter().cloned().collect();
            (id.clone(), SecretVersionStagesType { items })
        })
        .collect();
    let primary_region = match &row.place {
        Place::Replica { primary, .. } => Some(primary.to_string()),
        Place::Primary(replicas) if replicas.is_empty() => None,
        Place::Primary(_) => Some(ctx.region().to_string()),
    };
    let rotation = row.rotation.as_ref();
    DescribeSecretResponse {
        arn: Some(ids::arn(ctx, row)),
        name: Some(row.name.clone()),
        description: row.description.clone(),
        kms_key_id: row.key.clone(),
        rotation_enabled: rotation.map(|rotation| rotation.is_on),
        rotation_lambda_arn: rotation.map(|rotation| rotation.function.clone()),
        rotation_rules: rotation.map(rotation::rules),
        last_rotated_date: row.rotated,
        last_changed_date: Some(row.changed),
        last_accessed_date: row.accessed,
        deleted_date: row.deletion.map(|deletion| deletion.at),
        next_rotation_date: rotation.and_then(|rotation| rotation.next),
        tags: tags::shown(&row.tags),
        version_ids_to_stages: stages,
        created_date: Some(row.created),
        primary_region,
        replication_status: replication::status(row),
    }
}

/// UpdateSecret.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateSecretRequest,
) -> Result<UpdateSecretResponse, Refusal> {
    let row = ids::live(ctx, request.secret_id.as_deref())?;
    let value = Value::of(request.secret_string, request.secret_binary)?;
    if row.replicas().is_none() {
        // SEC-002: of a replica only the key can be changed.
        return match request.kms_key_id {
            Some(key) if value.is_none() && request.description.is_none() => {
                replica::rekey(ctx, row, named(Some(key)))
            }
            _ => Err(Error::Replica.into()),
        };
    }
    let mut row = row;
    if let Some(description) = request.description {
        row.description = Some(description);
    }
    if let Some(key) = request.kms_key_id {
        rekey(ctx, &mut row, named(Some(key)))?;
    }
    row.changed = ctx.now().millis();
    let mut fresh = Vec::new();
    let mut made = None;
    if let Some(value) = &value {
        let id = token(request.client_request_token)?;
        versions::add(ctx, &mut row, &id, value, &current())?;
        made = Some(id);
    }
    if let (Some(id), Some(value)) = (&made, &value) {
        fresh.push((id.as_str(), value));
    }
    replication::changed(ctx, &mut row, &fresh);
    Ok(UpdateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name.clone()),
        version_id: made,
    })
}

/// Another key: the versions that are in use are encrypted again (SEC-021).
///
/// # Errors
/// EncryptionFailure, DecryptionFailure, AccessDeniedException.
pub fn rekey(ctx: &mut Ctx<'_>, row: &mut SecretRow, key: Option<String>) -> Result<(), Refusal> {
    row.key = key;
    if row.key.is_some() {
        sealing::check_key(ctx, row)?;
    }
    let in_use: Vec<String> = [CURRENT, PENDING, PREVIOUS]
        .iter()
        .filter_map(|stage| row.staged(stage))
        .map(str::to_owned)
        .collect();
    let in_use: BTreeSet<String> = in_use.into_iter().collect();
    for id in in_use {
        let known = row
            .versions
            .get(&id)
            .and_then(|version| version.sealing.clone());
        let Some(sealing) = known else { continue };
        let value = sealing::open(ctx, row, &id, &sealing)?;
        let (sealing, bytes) = sealing::seal(ctx, row, &id, &value)?;
        versions::put_value(ctx, row, &id, bytes);
        if let Some(version) = row.versions.get_mut(&id) {
            version.sealing = Some(sealing);
        }
    }
    Ok(())
}
