//! GetSecretValue, PutSecretValue, BatchGetSecretValue.

use std::collections::BTreeSet;

use faultline_proto::secretsmanager::{
    ApiErrorType, BatchGetSecretValueRequest, BatchGetSecretValueResponse, GetSecretValueRequest,
    GetSecretValueResponse, PutSecretValueRequest, PutSecretValueResponse, SecretValueEntry,
};

use super::error::Error;
use super::keyspaces::SecretRow;
use super::sealing::{self, Value};
use super::versions::{self, CURRENT};
use super::{access, ids, listing, replication};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Milliseconds of a day: what a date of access is rounded down to.
const DAY: i64 = 86_400_000;
/// Most secrets of one batch.
const BATCH: i32 = 20;

/// The id of a new version.
///
/// # Errors
/// InvalidParameterException when a request without an SDK brings none.
pub fn token(given: Option<String>) -> Result<String, Error> {
    given.ok_or_else(|| {
        Error::parameter(
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    })
}

/// The version that a request means.
///
/// # Errors
/// ResourceNotFoundException (SEC-019), InvalidRequestException for a pair that does not fit.
fn chosen(row: &SecretRow, id: Option<&str>, stage: Option<&str>) -> Result<String, Error> {
    let Some(id) = id else {
        let stage = stage.unwrap_or(CURRENT);
        let found = row.staged(stage).filter(|id| {
            row.versions
                .get(*id)
                .is_some_and(|version| version.sealing.is_some())
        });
        return found
            .map(str::to_owned)
            .ok_or_else(|| Error::NoValue(format!("staging label: {stage}")));
    };
    let missing = || Error::NoValue(format!("VersionId: {id}"));
    let version = row.versions.get(id).ok_or_else(missing)?;
    if stage.is_some_and(|stage| !version.stages.contains(stage)) {
        return Err(Error::request(
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    if version.sealing.is_none() {
        return Err(missing());
    }
    Ok(id.to_owned())
}

/// Opens a version for the caller, and remembers the day.
fn read(
    ctx: &mut Ctx<'_>,
    mut row: SecretRow,
    id: &str,
) -> Result<GetSecretValueResponse, Refusal> {
    let day = ctx.now().millis().div_euclid(DAY) * DAY;
    let version = row.versions.get(id).cloned().unwrap_or_default();
    let sealing = version
        .sealing
        .as_ref()
        .ok_or_else(|| Error::NoValue(format!("VersionId: {id}")))?;
    let value = sealing::open(ctx, &row, id, sealing)?;
    if version.accessed != Some(day) || row.accessed != Some(day) {
        row.accessed = Some(day);
        if let Some(version) = row.versions.get_mut(id) {
            version.accessed = Some(day);
        }
        ids::save(ctx, &row);
    }
    let arn = ids::arn(ctx, &row);
    ctx.note(
        "secret_read",
        &[
            ("arn", &arn),
            ("version", id),
            ("mark", &hex::encode(sealing.mark)),
        ],
    );
    let (secret_string, secret_binary) = value.shown();
    Ok(GetSecretValueResponse {
        arn: Some(arn),
        name: Some(row.name),
        version_id: Some(id.to_owned()),
        secret_binary,
        secret_string,
        version_stages: version.stages.into_iter().collect(),
        created_date: Some(version.created),
    })
}

/// GetSecretValue.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: GetSecretValueRequest,
) -> Result<GetSecretValueResponse, Refusal> {
    let row = ids::live(ctx, request.secret_id.as_deref())?;
    let version = chosen(
        &row,
        request.version_id.as_deref(),
        request.version_stage.as_deref(),
    )?;
    read(ctx, row, &version)
}

/// PutSecretValue.
pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: PutSecretValueRequest,
) -> Result<PutSecretValueResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    let id = token(request.client_request_token)?;
    let value = Value::of(request.secret_string, request.secret_binary)?
        .ok_or_else(|| Error::request("You must provide either SecretString or SecretBinary."))?;
    let mut stages: BTreeSet<String> = request.version_stages.into_iter().collect();
    if stages.is_empty() {
        stages.insert(CURRENT.to_owned());
    }
    if versions::add(ctx, &mut row, &id, &value, &stages)? {
        replication::changed(ctx, &mut row, &[(&id, &value)]);
    }
    let version = row.versions.get(&id).cloned().unwrap_or_default();
    Ok(PutSecretValueResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
        version_id: Some(id),
        version_stages: version.stages.into_iter().collect(),
    })
}

/// One secret of a batch: its value, or why not.
fn one(ctx: &mut Ctx<'_>, id: &str) -> Result<SecretValueEntry, Refusal> {
    let mut permission = access::to(ctx, "GetSecretValue", Some(id));
    if let Some(refusal) = ctx.would_refuse(&mut permission) {
        return Err(refusal);
    }
    let row = ids::live(ctx, Some(id))?;
    let version = chosen(&row, None, None)?;
    let found = read(ctx, row, &version)?;
    Ok(SecretValueEntry {
        arn: found.arn,
        name: found.name,
        version_id: found.version_id,
        secret_binary: found.secret_binary,
        secret_string: found.secret_string,
        version_stages: found.version_stages,
        created_date: found.created_date,
    })
}

/// BatchGetSecretValue: what is refused stands in Errors.
pub(super) fn batch(
    ctx: &mut Ctx<'_>,
    request: BatchGetSecretValueRequest,
) -> Result<BatchGetSecretValueResponse, Refusal> {
    if request.secret_id_list.is_empty() == request.filters.is_empty() {
        return Err(Error::parameter(
            "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        )
        .into());
    }
    let (wanted, next_token) = if request.filters.is_empty() {
        if request.max_results.is_some() {
            return Err(Error::parameter(
                "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
            )
            .into());
        }
        (request.secret_id_list, None)
    } else {
        let found = listing::found(ctx, &request.filters, false);
        let most = request.max_results.or(Some(BATCH));
        let token = request.next_token.as_deref();
        let (page, next) = listing::page(found, most, token, |row| row.name.as_str())?;
        (page.into_iter().map(|row| row.name).collect(), next)
    };
    let mut answer = BatchGetSecretValueResponse {
        next_token,
        ..Default::default()
    };
    for id in wanted {
        match one(ctx, &id) {
            Ok(value) => answer.secret_values.push(value),
            Err(refusal) => answer.errors.push(ApiErrorType {
                secret_id: Some(id),
                error_code: Some(refusal.code.into_owned()),
                message: Some(refusal.message),
            }),
        }
    }
    Ok(answer)
}
