//! Replication configurations: what S3 checks when one is put, and which rules fit an object.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::services::s3::error::Error;
use crate::services::s3::keyspaces::{BucketRow, Buckets, EncryptionRow, ObjectRow, Versioning};
use crate::services::s3::{access, buckets};

const SOURCE_UNVERSIONED: &str =
    "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
const DESTINATION_UNVERSIONED: &str = "Destination bucket must have versioning enabled.";

#[derive(Debug, Serialize, Deserialize)]
struct Putting {
    bucket: String,
    config: Vec<u8>,
    waiting: u32,
}

/// The bucket that a rule's destination ARN names.
#[must_use]
pub fn destination(rule: &s3::ReplicationRule) -> Option<&str> {
    rule.destination
        .as_ref()?
        .bucket
        .as_deref()?
        .strip_prefix("arn:aws:s3:::")
}

pub(in crate::services::s3) fn put(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketReplicationRequest,
) -> Result<Progress<s3::PutBucketReplicationResponse>, Refusal> {
    let name = request.bucket().to_owned();
    let row = access::bucket(ctx, &name)?;
    if row.versioning != Versioning::Enabled {
        return Err(Error::InvalidRequest(SOURCE_UNVERSIONED).into());
    }
    let config = request.replication_configuration.unwrap_or_default();
    check(&config)?;
    let mut putting = Putting {
        bucket: name,
        config: config.encode_to_vec(),
        waiting: 0,
    };
    let mut asked = std::collections::BTreeSet::new();
    for rule in &config.rules {
        let target = destination(rule).ok_or(Error::MalformedXml)?;
        if !asked.insert(target.to_owned()) {
            continue;
        }
        match buckets::region_of(ctx, target) {
            Some(region) if region == *ctx.region() => versioned(ctx, target)?,
            Some(region) => {
                ctx.ask(&region, "versioning", target.as_bytes().to_vec());
                putting.waiting += 1;
            }
            // A bucket that does not exist is reported in the same words (S3-002).
            None if ctx.core.home == *ctx.region() => {
                return Err(Error::InvalidRequest(DESTINATION_UNVERSIONED).into());
            }
            // Its name may not have come here yet: the home Region knows.
            None => {
                let home = ctx.core.home.clone();
                ctx.ask(&home, "locate", target.as_bytes().to_vec());
                putting.waiting += 1;
            }
        }
    }
    if putting.waiting > 0 {
        return Ok(Progress::Open(Saga {
            kind: "put-replication",
            state: encode(&putting),
        }));
    }
    save(ctx, &putting)?;
    Ok(Progress::Done(s3::PutBucketReplicationResponse {}))
}

/// Where a bucket is, as the home Region answers.
#[derive(Debug, Serialize, Deserialize)]
struct Located {
    region: RegionName,
    bucket: String,
}

/// At the home Region: where a bucket is.
pub(in crate::services::s3) fn locate(ctx: &mut Ctx<'_>, bucket: &str) -> Result<Vec<u8>, Refusal> {
    let region =
        buckets::region_of(ctx, bucket).ok_or(Error::InvalidRequest(DESTINATION_UNVERSIONED))?;
    Ok(encode(&Located {
        region,
        bucket: bucket.to_owned(),
    }))
}

/// In the destination's Region: whether the bucket keeps versions (S3-001).
pub(in crate::services::s3) fn versioned(ctx: &mut Ctx<'_>, bucket: &str) -> Result<(), Refusal> {
    match ctx.get::<Buckets>(bucket) {
        Some(BucketRow {
            versioning: Versioning::Enabled,
            ..
        }) => Ok(()),
        _ => Err(Error::InvalidRequest(DESTINATION_UNVERSIONED).into()),
    }
}

pub(in crate::services::s3) fn answered(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut putting: Putting = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::new(
            "ServiceUnavailable",
            "The destination's Region does not answer.",
        )
        .with_status(503));
    };
    let found = outcome?;
    if let Ok(located) = decode::<Located>(found) {
        ctx.ask(&located.region, "versioning", located.bucket.into_bytes());
        return Ok(Progress::Open(Saga {
            kind: "put-replication",
            state: encode(&putting),
        }));
    }
    putting.waiting = putting.waiting.saturating_sub(1);
    if putting.waiting > 0 {
        return Ok(Progress::Open(Saga {
            kind: "put-replication",
            state: encode(&putting),
        }));
    }
    save(ctx, &putting)?;
    Ok(Progress::Done(Vec::new()))
}

fn save(ctx: &mut Ctx<'_>, putting: &Putting) -> Result<(), Refusal> {
    let mut row = access::bucket(ctx, &putting.bucket)?;
    if row.versioning != Versioning::Enabled {
        return Err(Error::InvalidRequest(SOURCE_UNVERSIONED).into());
    }
    row.replication = Some(putting.config.clone());
    ctx.put::<Buckets>(putting.bucket.as_str(), &row);
    Ok(())
}

/// What S3 checks of the text itself; keys are not looked at (S3-014).
fn check(config: &s3::ReplicationConfiguration) -> Result<(), Error> {
    if config.rules.is_empty() || config.rules.len() > 1000 {
        return Err(Error::MalformedXml);
    }
    for rule in &config.rules {
        let id = rule.id.as_deref().unwrap_or_default();
        if id.len() > 255 || !id.is_ascii() {
            return Err(Error::InvalidArgument(
                "Rule ID must be at most 255 ASCII characters".to_owned(),
            ));
        }
        if rule.filter.is_some() && rule.prefix.is_some() {
            return Err(Error::MalformedXml);
        }
        let target = rule.destination.as_ref().ok_or(Error::MalformedXml)?;
        check_time(target)?;
        if target.access_control_translation.is_some() && target.account.is_none() {
            return Err(Error::InvalidRequest(
                "Account must be specified when AccessControlTranslation is used",
            ));
        }
        if opts_in(rule) && target.encryption_configuration.is_none() {
            return Err(Error::InvalidRequest(
                "EncryptionConfiguration must be specified if SseKmsEncryptedObjects is Enabled",
            ));
        }
        let has_tags = rule.filter.as_ref().is_some_and(|filter| {
            filter.tag.is_some() || filter.and.as_ref().is_some_and(|and| !and.tags.is_empty())
        });
        if has_tags && replicates_delete_markers(rule) {
            return Err(Error::InvalidRequest(
                "Delete marker replication is not supported if any Tag filter is specified.",
            ));
        }
    }
    Ok(())
}

/// S3-018.
fn check_time(target: &s3::Destination) -> Result<(), Error> {
    let fifteen = |value: Option<&s3::ReplicationTimeValue>| {
        value.and_then(|value| value.minutes) == Some(15)
    };
    match (&target.replication_time, &target.metrics) {
        (Some(time), Some(metrics)) if time.status != metrics.status => Err(Error::InvalidRequest(
            "ReplicationTime and Metrics must have the same status",
        )),
        (Some(time), Some(metrics))
            if !fifteen(time.time.as_ref()) || !fifteen(metrics.event_threshold.as_ref()) =>
        {
            Err(Error::InvalidArgument(
                "Time and EventThreshold must be 15 minutes".to_owned(),
            ))
        }
        (Some(_), None) => Err(Error::InvalidRequest(
            "Metrics must be specified when ReplicationTime is",
        )),
        _ => Ok(()),
    }
}

fn opts_in(rule: &s3::ReplicationRule) -> bool {
    rule.source_selection_criteria
        .as_ref()
        .and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref())
        .is_some_and(|opted| opted.status() == "Enabled")
}

fn replicates_delete_markers(rule: &s3::ReplicationRule) -> bool {
    rule.delete_marker_replication
        .as_ref()
        .is_some_and(|replication| replication.status() == "Enabled")
}

/// The configuration of a bucket.
#[must_use]
pub fn of(bucket: &BucketRow) -> Option<s3::ReplicationConfiguration> {
    bucket
        .replication
        .as_deref()
        .and_then(|bytes| s3::ReplicationConfiguration::decode(bytes).ok())
}

/// The rules that send this object (or delete marker), one a destination: the highest priority
/// wins among rules with the same destination (S3-012).
#[must_use]
pub fn that_fit(
    config: &s3::ReplicationConfiguration,
    key: &str,
    object: Option<&ObjectRow>,
) -> Vec<s3::ReplicationRule> {
    let mut chosen: BTreeMap<String, s3::ReplicationRule> = BTreeMap::new();
    for rule in config
        .rules
        .iter()
        .filter(|rule| rule.status() == "Enabled" && fits(rule, key, object))
    {
        let Some(target) = destination(rule) else {
            continue;
        };
        let better = chosen
            .get(target)
            .is_none_or(|known| rule.priority() > known.priority());
        if better {
            chosen.insert(target.to_owned(), rule.clone());
        }
    }
    // Of the winners, KMS objects go only where the rule opts in (S3-043); delete markers only
    // where the rule says so, or under a V1 rule (S3-056).
    let goes = |rule: &s3::ReplicationRule| match object {
        Some(object) => !under_kms(&object.encryption) || opts_in(rule),
        None => rule.filter.is_none() || replicates_delete_markers(rule),
    };
    chosen.into_values().filter(goes).collect()
}

fn under_kms(encryption: &EncryptionRow) -> bool {
    matches!(
        encryption,
        EncryptionRow::SseKms { .. } | EncryptionRow::Dsse { .. }
    )
}

fn fits(rule: &s3::ReplicationRule, key: &str, object: Option<&ObjectRow>) -> bool {
    let Some(filter) = &rule.filter else {
        return key.starts_with(rule.prefix());
    };
    let tagged = |tag: &s3::Tag| {
        object.is_some_and(|object| {
            object.tags.get(tag.key()).map(String::as_str) == Some(tag.value())
        })
    };
    match &filter.and {
        Some(and) => key.starts_with(and.prefix()) && and.tags.iter().all(tagged),
        None => key.starts_with(filter.prefix()) && filter.tag.iter().all(tagged),
    }
}

pub(in crate::services::s3) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketReplicationRequest,
) -> Result<s3::GetBucketReplicationResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let config = of(&row).ok_or(Error::ReplicationConfigurationNotFound)?;
    Ok(s3::GetBucketReplicationResponse {
        replication_configuration: Some(config),
    })
}

/// Idempotent (S3-023).
pub(in crate::services::s3) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketReplicationRequest,
) -> Result<s3::DeleteBucketReplicationResponse, Refusal> {
    let mut row = access::bucket(ctx, request.bucket())?;
    row.replication = None;
    ctx.put::<Buckets>(request.bucket(), &row);
    Ok(s3::DeleteBucketReplicationResponse {})
}
