//! DeleteSecret, RestoreSecret, and the end of the waiting period (SEC-015 to SEC-017).

use faultline_proto::names::AccountId;
use faultline_proto::secretsmanager::{
    DeleteSecretRequest, DeleteSecretResponse, RestoreSecretRequest, RestoreSecretResponse,
};

use super::error::Error;
use super::ids;
use super::keyspaces::{Deletion, SecretRow, Secrets, Values};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Days of a waiting period (SEC-016).
const DAYS: std::ops::RangeInclusive<i64> = 7..=30;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// DeleteSecret.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteSecretRequest,
) -> Result<DeleteSecretResponse, Refusal> {
    let force = request.force_delete_without_recovery.unwrap_or_default();
    let id = request.secret_id.unwrap_or_default();
    let days = match request.recovery_window_in_days {
        Some(_) if force => {
            return Err(Error::parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            )
            .into());
        }
        Some(days) if !DAYS.contains(&days) => {
            return Err(Error::parameter(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )
            .into());
        }
        days => days.unwrap_or(30),
    };
    let mut row = match ids::any(ctx, Some(&id)) {
        Ok(row) => row,
        Err(_) if force => return Ok(nothing(ctx, &id)),
        Err(error) => return Err(error.into()),
    };
    let replicas = row.replicas().ok_or(Error::Replica)?;
    if !replicas.is_empty() {
        let regions: Vec<&str> = replicas.keys().map(|region| region.as_str()).collect();
        return Err(Error::HasReplicas(id, regions.join(",")).into());
    }
    if row.deletion.is_some() && !force {
        return Err(Error::Scheduled.into());
    }
    let arn = ids::arn(ctx, &row);
    let mut answer = DeleteSecretResponse {
        arn: Some(arn),
        name: Some(row.name.clone()),
        deletion_date: Some(ctx.now().millis()),
    };
    if force {
        erase(ctx, &row);
        return Ok(answer);
    }
    let seconds = u64::try_from(days).unwrap_or_default() * DAY;
    let due = ctx.elapsed().plus_seconds(seconds);
    let at = ctx.now().plus_seconds(days * 86_400).millis();
    row.deletion = Some(Deletion { at, due: due.0 });
    ids::save(ctx, &row);
    let payload = encode(&(&row.account, &row.name, &row.suffix));
    ctx.schedule("secretsmanager", due, "delete", payload);
    answer.deletion_date = Some(at);
    Ok(answer)
}

/// A forced deletion of a secret that is not there answers as if it had been.
fn nothing(ctx: &mut Ctx<'_>, id: &str) -> DeleteSecretResponse {
    let (account, suffix) = (ctx.account(), ids::new_suffix(ctx));
    let is_arn = id.starts_with("arn:");
    let arn = if is_arn {
        id.to_owned()
    } else {
        ids::arn_of(ctx, &account, id, &suffix)
    };
    DeleteSecretResponse {
        arn: Some(arn),
        name: Some(id.to_owned()),
        deletion_date: Some(ctx.now().millis()),
    }
}

/// Removes a secret and all its values.
pub fn erase(ctx: &mut Ctx<'_>, row: &SecretRow) {
    let range = Range::<Values>::under((&row.account, row.name.as_str()));
    for ((account, name, version), _) in ctx.all(range) {
        ctx.delete::<Values>((&account, name.as_str(), version.as_str()));
    }
    ctx.delete::<Secrets>((&row.account, row.name.as_str()));
    let arn = ids::arn(ctx, row);
    ctx.note("secret_deleted", &[("arn", &arn)]);
}

/// The waiting period of a secret is over, unless it was restored meanwhile.
pub(super) fn over(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, suffix: &str) {
    let Some(row) = ctx.get::<Secrets>((account, name)) else {
        return;
    };
    let is_due = row
        .deletion
        .is_some_and(|deletion| deletion.due <= ctx.elapsed().0);
    if row.suffix == suffix && is_due {
        erase(ctx, &row);
    }
}

/// RestoreSecret: of a secret that is not scheduled it changes nothing.
pub(super) fn restore(
    ctx: &mut Ctx<'_>,
    request: RestoreSecretRequest,
) -> Result<RestoreSecretResponse, Refusal> {
    let mut row = ids::any(ctx, request.secret_id.as_deref())?;
    if row.replicas().is_none() {
        return Err(Error::Replica.into());
    }
    row.deletion = None;
    ids::save(ctx, &row);
    Ok(RestoreSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
    })
}
