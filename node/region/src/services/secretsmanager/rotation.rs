//! Rotation, as far as Secrets Manager itself does it.
//!
//! ```text
//!   RotateSecret, or its time has come --> version TOKEN, labelled AWSPENDING, without a value
//!   the function: PutSecretValue(TOKEN) --> UpdateSecretVersionStage(AWSCURRENT -> TOKEN): done
//! ```
//!
//! There is no Lambda here. The function is whoever makes its calls, with its own permissions: a
//! scenario's principal. `secret_rotation` in the journal says that it is called. Left out: the
//! four invocations themselves, their retries, cron expressions, and rotation that other services
//! manage.

use faultline_proto::names::{AccountId, Arn};
use faultline_proto::secretsmanager::{
    CancelRotateSecretRequest, CancelRotateSecretResponse, RotateSecretRequest,
    RotateSecretResponse, RotationRulesType,
};

use super::error::Error;
use super::keyspaces::{Rotation, SecretRow, Secrets, VersionRow};
use super::values::token;
use super::versions::{CURRENT, PENDING};
use super::{ids, replication, versions};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;

/// Seconds of an hour.
const HOUR: u64 = 3_600;
/// Least hours between two rotations (SEC-025).
const LEAST_HOURS: u64 = 4;

/// The rules as an answer has them.
#[must_use]
pub fn rules(rotation: &Rotation) -> RotationRulesType {
    RotationRulesType {
        automatically_after_days: rotation.days,
        duration: rotation.duration.clone(),
        schedule_expression: rotation.schedule.clone(),
    }
}

/// Hours between rotations; nothing when there is no rule.
///
/// # Errors
/// InvalidParameterException (SEC-025).
fn hours(rotation: &Rotation) -> Result<Option<u64>, Error> {
    if let Some(days) = rotation.days {
        return Ok(Some(u64::try_from(days).unwrap_or_default() * 24));
    }
    let Some(text) = rotation.schedule.as_deref() else {
        return Ok(None);
    };
    if text.starts_with("cron(") {
        return Err(Error::request(
            "A cron expression is not built in this version of Faultline: write rate(12 hours) or rate(10 days)",
        ));
    }
    let inner = text
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'));
    let parsed = inner
        .and_then(|inner| inner.split_once(' '))
        .and_then(|(number, unit)| {
            let number: u64 = number.parse().ok()?;
            match unit {
                "hour" | "hours" => Some(number),
                "day" | "days" => number.checked_mul(24),
                _ => None,
            }
        });
    match parsed {
        None => Err(Error::parameter(
            "The schedule expression of the rotation rules is not valid.",
        )),
        Some(hours) if !(LEAST_HOURS..=999 * 24).contains(&hours) => Err(Error::parameter(
            "You can't rotate a secret more often than every four hours.",
        )),
        Some(hours) => Ok(Some(hours)),
    }
}

/// Says when the next rotation is to be.
fn schedule(ctx: &mut Ctx<'_>, row: &mut SecretRow) {
    let Some(rotation) = row.rotation.as_mut().filter(|rotation| rotation.is_on) else {
        return;
    };
    let Ok(Some(hours)) = hours(rotation) else {
        rotation.next = None;
        rotation.due = u64::MAX;
        return;
    };
    let due = ctx.elapsed().plus_seconds(hours * HOUR);
    let seconds = i64::try_from(hours * HOUR).unwrap_or(i64::MAX);
    rotation.next = Some(ctx.now().plus_seconds(seconds).millis());
    rotation.due = due.0;
    let payload = encode(&(&row.account, &row.name, &row.suffix));
    ctx.schedule("secretsmanager", due, "rotate", payload);
}

fn is_pending(row: &SecretRow) -> bool {
    row.staged(PENDING)
        .is_some_and(|id| row.staged(CURRENT) != Some(id))
}

fn function(row: &SecretRow, given: Option<String>) -> Result<String, Error> {
    let known = row.rotation.as_ref().map(|known| known.function.clone());
    let function = given
        .filter(|arn| !arn.is_empty())
        .or(known)
        .ok_or_else(|| {
            Error::request("No Lambda rotation function ARN is associated with this secret.")
        })?;
    let is_one = Arn::new(&function).is_ok_and(|arn| {
        arn.service() == "lambda"
            && arn.resource().starts_with("function:")
            && !arn.region().is_empty()
    });
    if is_one {
        Ok(function)
    } else {
        Err(Error::parameter(format!(
            "{function} is not a valid Lambda function ARN."
        )))
    }
}

/// RotateSecret.
pub(super) fn rotate(
    ctx: &mut Ctx<'_>,
    request: RotateSecretRequest,
) -> Result<RotateSecretResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    let id = token(request.client_request_token)?;
    let function = function(&row, request.rotation_lambda_arn)?;
    let mut rotation = Rotation {
        function,
        is_on: true,
        ..row.rotation.clone().unwrap_or_default()
    };
    if let Some(rules) = request.rotation_rules {
        if rules.automatically_after_days.is_some() && rules.schedule_expression.is_some() {
            return Err(Error::parameter(
                "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.",
            )
            .into());
        }
        rotation.days = rules.automatically_after_days;
        rotation.schedule = rules.schedule_expression;
        rotation.duration = rules.duration;
    }
    hours(&rotation)?;
    let now = request.rotate_immediately.unwrap_or(true);
    if now && row.staged(PENDING) != Some(&id) && is_pending(&row) {
        return Err(Error::request(
            "A previous rotation isn't complete. That rotation will be reattempted.",
        )
        .into());
    }
    row.rotation = Some(rotation);
    schedule(ctx, &mut row);
    if now {
        begin(ctx, &mut row, &id);
    }
    replication::changed(ctx, &mut row, &[]);
    Ok(RotateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
        version_id: now.then_some(id),
    })
}

/// A rotation begins: a version without a value, and a call of the function.
fn begin(ctx: &mut Ctx<'_>, row: &mut SecretRow, id: &str) {
    let created = ctx.now().millis();
    row.versions
        .entry(id.to_owned())
        .or_insert_with(|| VersionRow {
            created,
            ..VersionRow::default()
        });
    versions::label(ctx, row, PENDING, id);
    tell(ctx, row, "started", id);
}

fn tell(ctx: &mut Ctx<'_>, row: &SecretRow, what: &str, id: &str) {
    let arn = ids::arn(ctx, row);
    let function = row.rotation.as_ref().map(|known| known.function.clone());
    ctx.note(
        "secret_rotation",
        &[
            ("arn", &arn),
            ("event", what),
            ("token", id),
            ("function", &function.unwrap_or_default()),
        ],
    );
}

/// AWSCURRENT has come to a version: if it was the one of a rotation, that rotation is done.
pub fn current_moved(ctx: &mut Ctx<'_>, row: &mut SecretRow, to: &str) {
    let is_on = row.rotation.as_ref().is_some_and(|known| known.is_on);
    if is_on && row.staged(PENDING) == Some(to) {
        row.rotated = Some(ctx.now().millis());
        tell(ctx, row, "succeeded", to);
        schedule(ctx, row);
    }
}

/// The time of a rotation has come, unless another was set meanwhile.
pub(super) fn due(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, suffix: &str) {
    let Some(mut row) = ctx.get::<Secrets>((account, name)) else {
        return;
    };
    let is_due = row
        .rotation
        .as_ref()
        .is_some_and(|known| known.is_on && known.due <= ctx.elapsed().0);
    if !is_due || row.suffix != suffix || row.replicas().is_none() {
        return;
    }
    if row.deletion.is_some() {
        // Nothing rotates until it is restored.
    } else if is_pending(&row) {
        let id = row.staged(PENDING).unwrap_or_default().to_owned();
        tell(ctx, &row, "failed", &id);
    } else {
        let id = ctx.entropy().uuid("secretsmanager.rotation");
        begin(ctx, &mut row, &id);
    }
    schedule(ctx, &mut row);
    replication::changed(ctx, &mut row, &[]);
}

/// CancelRotateSecret.
pub(super) fn cancel(
    ctx: &mut Ctx<'_>,
    request: CancelRotateSecretRequest,
) -> Result<CancelRotateSecretResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    if let Some(rotation) = row.rotation.as_mut() {
        rotation.is_on = false;
        rotation.next = None;
    }
    replication::changed(ctx, &mut row, &[]);
    Ok(CancelRotateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        version_id: row.staged(PENDING).map(str::to_owned),
        name: Some(row.name),
    })
}
