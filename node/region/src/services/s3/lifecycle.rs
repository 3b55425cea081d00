//! Lifecycle rules: what they may say, and what they say of an object's last day.

use faultline_proto::s3;
use prost::Message as _;

use super::access;
use super::error::Error;
use super::expiring;
use super::keyspaces::{BucketRow, Buckets, ObjectRow, VersionRow};
use crate::context::Ctx;
use crate::refusal::Refusal;

pub use super::expiring::arm;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// The rules of a bucket that are on.
#[must_use]
pub fn rules(bucket: &BucketRow) -> Vec<s3::LifecycleRule> {
    configuration(bucket)
        .map(|config| config.rules)
        .unwrap_or_default()
        .into_iter()
        .filter(|rule| rule.status() == "Enabled")
        .collect()
}

fn configuration(bucket: &BucketRow) -> Option<s3::BucketLifecycleConfiguration> {
    let bytes = bucket.lifecycle.as_deref()?;
    s3::BucketLifecycleConfiguration::decode(bytes).ok()
}

/// Whether a rule is for this object; `None` stands for a delete marker or an upload, which have
/// neither tags nor a size.
#[must_use]
pub fn fits(rule: &s3::LifecycleRule, key: &str, object: Option<&ObjectRow>) -> bool {
    let Some(filter) = &rule.filter else {
        return key.starts_with(rule.prefix());
    };
    let tagged = |tag: &s3::Tag| {
        object.is_some_and(|object| {
            object.tags.get(tag.key()).map(String::as_str) == Some(tag.value())
        })
    };
    let sized = |more: Option<i64>, less: Option<i64>| {
        let length = object.and_then(|object| i64::try_from(object.length).ok());
        more.is_none_or(|more| length.is_some_and(|length| length > more))
            && less.is_none_or(|less| length.is_some_and(|length| length < less))
    };
    match &filter.and {
        Some(and) => {
            key.starts_with(and.prefix())
                && and.tags.iter().all(tagged)
                && sized(and.object_size_greater_than, and.object_size_less_than)
        }
        None => {
            key.starts_with(filter.prefix())
                && filter.tag.iter().all(tagged)
                && sized(
                    filter.object_size_greater_than,
                    filter.object_size_less_than,
                )
        }
    }
}

/// The midnight, UTC, at which something is so many days old: S3 rounds up to the next one.
#[must_use]
pub fn midnight_after(micros: i64, days: i32) -> i64 {
    let due = micros.saturating_add(i64::from(days).saturating_mul(DAY));
    (due.div_euclid(DAY) + 1) * DAY
}

/// When a rule ends a current version, microseconds since 1970.
#[must_use]
pub fn last_day(rule: &s3::LifecycleRule, modified: i64) -> Option<i64> {
    let expiration = rule.expiration.as_ref()?;
    match (expiration.date, expiration.days) {
        (Some(millis), _) => Some(millis.saturating_mul(1000)),
        (None, Some(days)) => Some(midnight_after(modified, days)),
        (None, None) => None,
    }
}

/// `x-amz-expiration`: the earliest last day and the rule that says it.
#[must_use]
pub fn expiration(bucket: &BucketRow, key: &str, row: &VersionRow) -> Option<String> {
    let object = row.object.as_ref()?;
    rules(bucket)
        .iter()
        .filter(|rule| fits(rule, key, Some(object)))
        .filter_map(|rule| Some((last_day(rule, row.modified)?, rule.id())))
        .min()
        .map(|(at, id)| {
            format!(
                "expiry-date=\"{}\", rule-id=\"{id}\"",
                expiring::http_date(at)
            )
        })
}

pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketLifecycleConfigurationRequest,
) -> Result<s3::PutBucketLifecycleConfigurationResponse, Refusal> {
    let name = request.bucket().to_owned();
    let mut row = access::bucket(ctx, &name)?;
    let mut config = request.lifecycle_configuration.unwrap_or_default();
    check(&config)?;
    for rule in &mut config.rules {
        if rule.id.is_none() {
            rule.id = Some(ctx.entropy().hex::<16>("s3.lifecycle-rule"));
        }
    }
    row.lifecycle = Some(config.encode_to_vec());
    ctx.put::<Buckets>(name.as_str(), &row);
    arm(ctx, &name, &row);
    Ok(s3::PutBucketLifecycleConfigurationResponse {})
}

fn check(config: &s3::BucketLifecycleConfiguration) -> Result<(), Error> {
    if config.rules.is_empty() || config.rules.len() > 1000 {
        return Err(Error::MalformedXml);
    }
    let mut seen = std::collections::BTreeSet::new();
    for rule in &config.rules {
        let argument = |words: &str| Err(Error::InvalidArgument(words.to_owned()));
        if let Some(id) = &rule.id {
            if id.len() > 255 {
                return argument("ID length should not exceed allowed limit of 255");
            }
            if !seen.insert(id) {
                return argument("Rule ID must be unique. Found same ID for more than one rule");
            }
        }
        if rule.filter.is_some() == rule.prefix.is_some() {
            return Err(Error::MalformedXml);
        }
        check_actions(rule)?;
    }
    Ok(())
}

fn check_actions(rule: &s3::LifecycleRule) -> Result<(), Error> {
    let argument = |words: &str| Err(Error::InvalidArgument(words.to_owned()));
    let noncurrent = rule.noncurrent_version_expiration.as_ref();
    let abort = rule.abort_incomplete_multipart_upload.as_ref();
    let has_action = rule.expiration.is_some()
        || noncurrent.is_some()
        || abort.is_some()
        || !rule.transitions.is_empty()
        || !rule.noncurrent_version_transitions.is_empty();
    if !has_action {
        return Err(Error::InvalidRequest(
            "At least one action needs to be specified in a rule",
        ));
    }
    let by_tag = rule.filter.as_ref().is_some_and(|filter| {
        filter.tag.is_some() || filter.and.as_ref().is_some_and(|and| !and.tags.is_empty())
    });
    if let Some(expiration) = &rule.expiration {
        let said = [
            expiration.date.is_some(),
            expiration.days.is_some(),
            expiration.expired_object_delete_marker.is_some(),
        ];
        if said.iter().filter(|said| **said).count() != 1 {
            return Err(Error::MalformedXml);
        }
        if expiration.days.is_some_and(|days| days <= 0) {
            return argument("'Days' for Expiration action must be a positive integer");
        }
        if expiration
            .date
            .is_some_and(|millis| millis.rem_euclid(DAY / 1000) != 0)
        {
            return argument("'Date' must be at midnight GMT");
        }
        if by_tag && expiration.expired_object_delete_marker.is_some() {
            return Err(Error::InvalidRequest(
                "ExpiredObjectDeleteMarker cannot be specified with Tags.",
            ));
        }
    }
    if noncurrent.is_some_and(|rule| rule.noncurrent_days.unwrap_or_default() <= 0) {
        return argument(
            "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        );
    }
    if abort.is_some() && by_tag {
        return Err(Error::InvalidRequest(
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ));
    }
    if abort.is_some_and(|rule| rule.days_after_initiation.unwrap_or_default() <= 0) {
        return argument(
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
        );
    }
    Ok(())
}

pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketLifecycleConfigurationRequest,
) -> Result<s3::GetBucketLifecycleConfigurationResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let config = configuration(&row).ok_or(Error::NoLifecycle)?;
    Ok(s3::GetBucketLifecycleConfigurationResponse {
        rules: config.rules,
    })
}

pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketLifecycleRequest,
) -> Result<s3::DeleteBucketLifecycleResponse, Refusal> {
    let mut row = access::bucket(ctx, request.bucket())?;
    row.lifecycle = None;
    ctx.put::<Buckets>(request.bucket(), &row);
    Ok(s3::DeleteBucketLifecycleResponse {})
}
