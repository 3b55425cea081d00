//! Replication configurations: PutBucketReplication, GetBucketReplication,
//! DeleteBucketReplication.
//!
//! A put asks each destination's Region whether the bucket keeps versions and whose it is, so it
//! is a saga. What is owed when a configuration changes goes by the new one: [`super::lane`].

use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::rows::{Configured, ConfiguredRow};
use super::{lane, select, validate};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::services::s3::error::Error;
use crate::services::s3::keyspaces::{BucketRow, Buckets, Versioning};
use crate::services::s3::{access, buckets};

const SOURCE_UNVERSIONED: &str =
    "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
const DESTINATION_UNVERSIONED: &str = "Destination bucket must have versioning enabled.";
const OTHER_OWNER: &str =
    "The AWS account specified in the Account element must match the destination bucket owner.";

#[derive(Debug, Serialize, Deserialize)]
struct Putting {
    bucket: String,
    config: Vec<u8>,
    waiting: u32,
}

/// What a destination is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Question {
    bucket: String,
    /// Destination.Account: must be the owner (S3-019).
    account: Option<String>,
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
    let mut config = request.replication_configuration.unwrap_or_default();
    validate::check(&name, &config)?;
    for rule in &mut config.rules {
        // S3 gives a name to a rule that has none.
        if rule.id().is_empty() {
            rule.id = Some(ctx.entropy().uuid("s3.rule-id"));
        }
    }
    let mut putting = Putting {
        bucket: name,
        config: config.encode_to_vec(),
        waiting: 0,
    };
    for question in questions(&config) {
        ask(ctx, &question, &mut putting)?;
    }
    if putting.waiting > 0 {
        return Ok(open(&putting));
    }
    save(ctx, &putting)?;
    Ok(Progress::Done(s3::PutBucketReplicationResponse {}))
}

/// One question for each destination and account that is named with it.
fn questions(config: &s3::ReplicationConfiguration) -> std::collections::BTreeSet<Question> {
    config
        .rules
        .iter()
        .filter_map(|rule| {
            Some(Question {
                bucket: select::destination(rule)?.to_owned(),
                account: rule.destination.as_ref()?.account.clone(),
            })
        })
        .collect()
}

fn ask(ctx: &mut Ctx<'_>, question: &Question, putting: &mut Putting) -> Result<(), Refusal> {
    match buckets::region_of(ctx, &question.bucket) {
        Some(region) if region == *ctx.region() => return versioned(ctx, question),
        Some(region) => ctx.ask(&region, "versioning", encode(question)),
        // A bucket that does not exist is reported in the same words (S3-002).
        None if ctx.core.home == *ctx.region() => {
            return Err(Error::InvalidRequest(DESTINATION_UNVERSIONED).into());
        }
        // Its name may not have come here yet: the home Region knows.
        None => {
            let home = ctx.core.home.clone();
            ctx.ask(&home, "locate", encode(question))
        }
    };
    putting.waiting += 1;
    Ok(())
}

fn open<T>(putting: &Putting) -> Progress<T> {
    Progress::Open(Saga {
        kind: "put-replication",
        state: encode(putting),
    })
}

/// Where a bucket is, as the home Region answers.
#[derive(Debug, Serialize, Deserialize)]
struct Located {
    region: RegionName,
    question: Question,
}

/// At the home Region: where a bucket is.
pub(in crate::services::s3) fn locate(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let question: Question = decode(body)?;
    let region = buckets::region_of(ctx, &question.bucket)
        .ok_or(Error::InvalidRequest(DESTINATION_UNVERSIONED))?;
    Ok(encode(&Located { region, question }))
}

/// In the destination's Region: whether the bucket keeps versions and is that account's.
pub(in crate::services::s3) fn answer(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let question: Question = decode(body)?;
    versioned(ctx, &question).map(|()| Vec::new())
}

/// S3-001, S3-019.
fn versioned(ctx: &mut Ctx<'_>, question: &Question) -> Result<(), Refusal> {
    match ctx.get::<Buckets>(question.bucket.as_str()) {
        Some(BucketRow {
            versioning: Versioning::Enabled,
            owner,
            ..
        }) => match &question.account {
            Some(account) if account != owner.as_str() => {
                Err(Error::InvalidArgument(OTHER_OWNER.to_owned()).into())
            }
            _ => Ok(()),
        },
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
        ctx.ask(&located.region, "versioning", encode(&located.question));
        return Ok(open(&putting));
    }
    putting.waiting = putting.waiting.saturating_sub(1);
    if putting.waiting > 0 {
        return Ok(open(&putting));
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
    let configured = ConfiguredRow {
        at: ctx.now().0,
        elapsed: ctx.elapsed().0,
    };
    ctx.put::<Configured>(putting.bucket.as_str(), &configured);
    lane::reconfigured(ctx, &putting.bucket, select::of(&row).as_ref());
    Ok(())
}

pub(in crate::services::s3) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketReplicationRequest,
) -> Result<s3::GetBucketReplicationResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let config = select::of(&row).ok_or(Error::ReplicationConfigurationNotFound)?;
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
    if row.replication.take().is_some() {
        ctx.put::<Buckets>(request.bucket(), &row);
        lane::reconfigured(ctx, request.bucket(), None);
    }
    Ok(s3::DeleteBucketReplicationResponse {})
}
