//! Object Lock: retention and legal holds, as puts ask for them and deletes feel them.

use faultline_proto::s3;

use super::error::Error;
use super::keyspaces::{
    BucketRow, LockDefault, LockMode, LockRow, VersionKey, VersionRow, Versioning, Versions,
};
use super::{access, replication, versions};
use crate::context::Ctx;
use crate::refusal::Refusal;

const DAY: i64 = 86_400_000_000;
const MISSING: &str = "Bucket is missing Object Lock Configuration";
const BOTH: &str =
    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
const PAST: &str = "The retain until date must be in the future!";

/// A lock as answers show it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub mode: Option<String>,
    /// Milliseconds since 1970.
    pub until: Option<i64>,
    pub legal_hold: Option<String>,
}

pub(super) fn shown(lock: &LockRow) -> Shown {
    Shown {
        mode: lock.retention.map(|(mode, _)| mode_name(mode).to_owned()),
        until: lock.retention.map(|(_, until)| until.div_euclid(1000)),
        legal_hold: lock
            .legal_hold
            .map(|held| if held { "ON" } else { "OFF" }.to_owned()),
    }
}

fn mode_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    }
}

fn mode_of(text: &str) -> Result<LockMode, Error> {
    match text {
        "GOVERNANCE" => Ok(LockMode::Governance),
        "COMPLIANCE" => Ok(LockMode::Compliance),
        _ => Err(Error::InvalidArgument(
            "Unknown wormMode directive.".to_owned(),
        )),
    }
}

/// The lock of a new object: what the put asks for, or the bucket's default.
///
/// # Errors
/// InvalidRequest, InvalidArgument.
pub(super) fn asked(
    ctx: &mut Ctx<'_>,
    bucket: &BucketRow,
    mode: Option<&str>,
    until: Option<i64>,
    legal_hold: Option<&str>,
) -> Result<LockRow, Error> {
    let Some(default) = &bucket.object_lock else {
        if mode.is_some() || until.is_some() || legal_hold.is_some() {
            return Err(Error::InvalidRequest(MISSING));
        }
        return Ok(LockRow::default());
    };
    let now = ctx.now().0;
    let retention = match (mode, until) {
        (None, None) => default
            .retention
            .map(|(mode, days)| (mode, now + i64::from(days) * DAY)),
        (Some(mode), Some(until)) => {
            let until = until.saturating_mul(1000);
            if until <= now {
                return Err(Error::InvalidArgument(PAST.to_owned()));
            }
            Some((mode_of(mode)?, until))
        }
        _ => return Err(Error::InvalidArgument(BOTH.to_owned())),
    };
    Ok(LockRow {
        retention,
        legal_hold: legal_hold.map(held).transpose()?,
    })
}

fn held(text: &str) -> Result<bool, Error> {
    match text {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        _ => Err(Error::InvalidArgument(
            "Legal Hold must be either of 'ON' or 'OFF'".to_owned(),
        )),
    }
}

/// Whether time and holds let a version go; `bypass` was permitted by the caller's policies.
///
/// # Errors
/// AccessDenied.
pub(super) fn check_delete(ctx: &Ctx<'_>, lock: &LockRow, bypass: bool) -> Result<(), Error> {
    let kept = match lock.retention {
        Some((LockMode::Compliance, until)) => until > ctx.now().0,
        Some((LockMode::Governance, until)) => until > ctx.now().0 && !bypass,
        None => false,
    };
    if kept || lock.legal_hold == Some(true) {
        return Err(Error::AccessDenied(
            "Access Denied because object protected by object lock.",
        ));
    }
    Ok(())
}

/// Whether nothing lets a version go now: what lifecycle asks.
pub(super) fn is_kept(ctx: &Ctx<'_>, lock: &LockRow) -> bool {
    check_delete(ctx, lock, false).is_err()
}

pub(super) fn put_configuration(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectLockConfigurationRequest,
) -> Result<s3::PutObjectLockConfigurationResponse, Refusal> {
    let name = request.bucket().to_owned();
    let mut row = access::bucket(ctx, &name)?;
    let config = request.object_lock_configuration.unwrap_or_default();
    if config.object_lock_enabled() != "Enabled" {
        return Err(Error::MalformedXml.into());
    }
    if row.versioning != Versioning::Enabled {
        return Err(Error::InvalidState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        )
        .into());
    }
    let default = config.rule.and_then(|rule| rule.default_retention);
    row.object_lock = Some(match default {
        None => LockDefault::default(),
        Some(default) => {
            let days = match (default.days, default.years) {
                (Some(days), None) => days,
                (None, Some(years)) => years.saturating_mul(365),
                _ => return Err(Error::MalformedXml.into()),
            };
            let days = u32::try_from(days).ok().filter(|days| *days > 0);
            let days = days.ok_or_else(|| {
                Error::InvalidArgument(
                    "Default retention period must be a positive integer value.".to_owned(),
                )
            })?;
            LockDefault {
                retention: Some((mode_of(default.mode())?, days)),
                in_years: default.years.is_some(),
            }
        }
    });
    ctx.put::<super::keyspaces::Buckets>(name.as_str(), &row);
    Ok(s3::PutObjectLockConfigurationResponse {})
}

pub(super) fn get_configuration(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectLockConfigurationRequest,
) -> Result<s3::GetObjectLockConfigurationResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let lock = row.object_lock.ok_or(Error::NoObjectLock)?;
    let number = |days: u32| i32::try_from(days).ok();
    let rule = lock.retention.map(|(mode, days)| s3::ObjectLockRule {
        default_retention: Some(s3::DefaultRetention {
            mode: Some(mode_name(mode).to_owned()),
            days: number(days).filter(|_| !lock.in_years),
            years: number(days / 365).filter(|_| lock.in_years),
        }),
    });
    Ok(s3::GetObjectLockConfigurationResponse {
        object_lock_configuration: Some(s3::ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned()),
            rule,
        }),
    })
}

/// A version whose lock is read or written.
fn locked(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Result<(VersionKey, VersionRow), Refusal> {
    let row = access::bucket(ctx, bucket)?;
    if row.object_lock.is_none() {
        return Err(Error::InvalidRequest(MISSING).into());
    }
    versions::wanted_with_key(ctx, bucket, key, version_id)
}

pub(super) fn put_retention(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectRetentionRequest,
) -> Result<s3::PutObjectRetentionResponse, Refusal> {
    let id = request.version_id.as_deref();
    let (at, mut row) = locked(ctx, request.bucket(), request.key(), id)?;
    let object = row.object.as_mut().ok_or(Error::MethodNotAllowed)?;
    let asked = request.retention.clone().unwrap_or_default();
    let now = ctx.now().0;
    let wanted = match (asked.mode.as_deref(), asked.retain_until_date) {
        (None, None) => None,
        (Some(mode), Some(until)) => {
            let until = until.saturating_mul(1000);
            if until <= now {
                return Err(Error::InvalidArgument(PAST.to_owned()).into());
            }
            Some((mode_of(mode)?, until))
        }
        _ => return Err(Error::MalformedXml.into()),
    };
    let shortens = match (object.lock.retention, wanted) {
        (Some((_, old)), _) if old <= now => false,
        (Some((LockMode::Compliance, old)), Some((LockMode::Compliance, new))) => new < old,
        (Some((LockMode::Compliance, _)), _) => true,
        (Some((LockMode::Governance, old)), Some((_, new))) => {
            new < old && !request.bypass_governance_retention()
        }
        (Some((LockMode::Governance, _)), None) => !request.bypass_governance_retention(),
        (None, _) => false,
    };
    if shortens {
        return Err(
            Error::AccessDenied("Access Denied because object protected by object lock.").into(),
        );
    }
    object.lock.retention = wanted;
    ctx.put::<Versions>(&at, &row);
    replication::changed(ctx, &at);
    Ok(s3::PutObjectRetentionResponse {})
}

pub(super) fn get_retention(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectRetentionRequest,
) -> Result<s3::GetObjectRetentionResponse, Refusal> {
    let id = request.version_id.as_deref();
    let (_, row) = locked(ctx, request.bucket(), request.key(), id)?;
    let lock = row.object.ok_or(Error::MethodNotAllowed)?.lock;
    let shown = shown(&lock);
    if shown.mode.is_none() {
        return Err(Error::NoLockOfObject.into());
    }
    Ok(s3::GetObjectRetentionResponse {
        retention: Some(s3::ObjectLockRetention {
            mode: shown.mode,
            retain_until_date: shown.until,
        }),
    })
}

pub(super) fn put_legal_hold(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectLegalHoldRequest,
) -> Result<s3::PutObjectLegalHoldResponse, Refusal> {
    let id = request.version_id.as_deref();
    let (at, mut row) = locked(ctx, request.bucket(), request.key(), id)?;
    let object = row.object.as_mut().ok_or(Error::MethodNotAllowed)?;
    let status = request.legal_hold.and_then(|hold| hold.status);
    object.lock.legal_hold = Some(held(&status.ok_or(Error::MalformedXml)?)?);
    ctx.put::<Versions>(&at, &row);
    replication::changed(ctx, &at);
    Ok(s3::PutObjectLegalHoldResponse {})
}

pub(super) fn get_legal_hold(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectLegalHoldRequest,
) -> Result<s3::GetObjectLegalHoldResponse, Refusal> {
    let id = request.version_id.as_deref();
    let (_, row) = locked(ctx, request.bucket(), request.key(), id)?;
    let lock = row.object.ok_or(Error::MethodNotAllowed)?.lock;
    let status = shown(&lock).legal_hold.ok_or(Error::NoLockOfObject)?;
    Ok(s3::GetObjectLegalHoldResponse {
        legal_hold: Some(s3::ObjectLockLegalHold {
            status: Some(status),
        }),
    })
}
