//! Buckets: their names in the partition directory, and their settings.
//!
//! A name is claimed at the home Region, which tells every other Region; the bucket itself is
//! a row in its own Region. CreateBucket is a saga with the home.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keyspaces::{
    BucketRow, Buckets, DefaultEncryption, LockDefault, NameRow, Names, Versioning, Versions,
};
use super::uploads::{self, Uploads};
use super::{access, replication, settings, shapes, tags};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// A claim of a bucket name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claim {
    name: String,
    row: NameRow,
    settings: Settings,
}

/// What a request to create a bucket says of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Settings {
    ownership: Option<String>,
    object_lock: bool,
    tags: BTreeMap<String, String>,
}

pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: s3::CreateBucketRequest,
) -> Result<Progress<s3::CreateBucketResponse>, Refusal> {
    let name = request.bucket().to_owned();
    if !is_name(&name) {
        return Err(Error::InvalidBucketName.into());
    }
    let config = request.create_bucket_configuration.unwrap_or_default();
    let constraint = config.location_constraint;
    let settings = Settings {
        ownership: request.object_ownership,
        object_lock: request.object_lock_enabled_for_bucket == Some(true),
        tags: tags::of_set(config.tags, 50)?,
    };
    if let Some(constraint) = constraint.filter(|constraint| constraint != ctx.region().as_str()) {
        return Err(Error::IllegalLocationConstraint(constraint).into());
    }
    let claim = Claim {
        row: NameRow {
            owner: ctx.account(),
            region: ctx.region().clone(),
            created: ctx.now().0,
        },
        settings,
        name,
    };
    if ctx.core.home == *ctx.region() {
        take_name(ctx, &claim)?;
        return Ok(Progress::Done(open(ctx, &claim)));
    }
    let home = ctx.core.home.clone();
    ctx.ask(&home, "claim-name", encode(&claim));
    Ok(Progress::Open(Saga {
        kind: "create-bucket",
        state: encode(&claim),
    }))
}

pub(super) fn created(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let claim: Claim = decode(state)?;
    match input {
        SagaInput::Answer { outcome, .. } => {
            outcome?;
            ctx.put::<Names>(claim.name.as_str(), &claim.row);
            Ok(Progress::Done(open(ctx, &claim).encode_to_vec()))
        }
        SagaInput::Deadline | SagaInput::Chunk { .. } => Err(silent_directory()),
    }
}

/// At the home Region: takes the name, or says who has it, and tells the others.
pub(super) fn take_name(ctx: &mut Ctx<'_>, claim: &Claim) -> Result<(), Refusal> {
    match ctx.get::<Names>(claim.name.as_str()) {
        Some(taken) if taken.owner == claim.row.owner => {
            return Err(Error::BucketAlreadyOwnedByYou.into());
        }
        Some(_) => return Err(Error::BucketAlreadyExists.into()),
        None => {}
    }
    ctx.put::<Names>(claim.name.as_str(), &claim.row);
    for peer in ctx.peers() {
        ctx.replicate(&peer, "s3.names", "s3", "name", encode(claim));
    }
    Ok(())
}

/// Elsewhere: a name was taken.
pub(super) fn name_taken(ctx: &mut Ctx<'_>, body: &[u8]) {
    if let Ok(claim) = decode::<Claim>(body) {
        ctx.put::<Names>(claim.name.as_str(), &claim.row);
    }
}

fn open(ctx: &mut Ctx<'_>, claim: &Claim) -> s3::CreateBucketResponse {
    let settings = &claim.settings;
    let row = BucketRow {
        owner: claim.row.owner.clone(),
        created: claim.row.created,
        // Object Lock keeps versions, and so needs them.
        versioning: if settings.object_lock {
            Versioning::Enabled
        } else {
            Versioning::Off
        },
        default_encryption: plain(),
        blocks_sse_c: true,
        policy: None,
        replication: None,
        ownership: settings
            .ownership
            .clone()
            .or_else(|| Some("BucketOwnerEnforced".to_owned())),
        public_access: Some(settings::BLOCKED),
        object_lock: settings.object_lock.then(LockDefault::default),
        lifecycle: None,
        tags: settings.tags.clone(),
    };
    ctx.put::<Buckets>(claim.name.as_str(), &row);
    s3::CreateBucketResponse {
        location: Some(format!("/{}", claim.name)),
        bucket_arn: Some(format!("arn:aws:s3:::{}", claim.name)),
    }
}

/// Removes an empty bucket; the home Region frees its name.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketRequest,
) -> Result<Progress<s3::DeleteBucketResponse>, Refusal> {
    let name = request.bucket().to_owned();
    check_empty(ctx, &name)?;
    if ctx.core.home == *ctx.region() {
        free_name(ctx, &name);
        close(ctx, &name);
        return Ok(Progress::Done(s3::DeleteBucketResponse {}));
    }
    let home = ctx.core.home.clone();
    ctx.ask(&home, "free-name", name.as_bytes().to_vec());
    Ok(Progress::Open(Saga {
        kind: "delete-bucket",
        state: encode(&name),
    }))
}

fn check_empty(ctx: &mut Ctx<'_>, name: &str) -> Result<(), Refusal> {
    let row = access::bucket(ctx, name)?;
    if ctx.first(Range::<Versions>::under((name,))).is_none() {
        return Ok(());
    }
    Err(Error::BucketNotEmpty(if row.versioning == Versioning::Off {
        ""
    } else {
        ". You must delete all versions in the bucket."
    })
    .into())
}

pub(super) fn deleted(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let name: String = decode(state)?;
    match input {
        SagaInput::Answer { outcome, .. } => {
            outcome?;
            close(ctx, &name);
            Ok(Progress::Done(Vec::new()))
        }
        SagaInput::Deadline | SagaInput::Chunk { .. } => Err(silent_directory()),
    }
}

fn silent_directory() -> Refusal {
    Refusal::new(
        "ServiceUnavailable",
        "The directory of bucket names does not answer.",
    )
    .with_status(503)
}

/// Removes the bucket and the uploads that went on in it.
fn close(ctx: &mut Ctx<'_>, name: &str) {
    for (at, row) in ctx.all(Range::<Uploads>::under((name,))) {
        uploads::remove(ctx, &at, &row, &[]);
    }
    replication::forget(ctx, name);
    ctx.delete::<Names>(name);
    ctx.delete::<Buckets>(name);
}

/// At the home Region: the name is free again, everywhere.
pub(super) fn free_name(ctx: &mut Ctx<'_>, name: &str) {
    ctx.delete::<Names>(name);
    for peer in ctx.peers() {
        ctx.replicate(
            &peer,
            "s3.names",
            "s3",
            "name-freed",
            name.as_bytes().to_vec(),
        );
    }
}

/// Elsewhere: a name is free again.
pub(super) fn name_freed(ctx: &mut Ctx<'_>, body: &[u8]) {
    let name = String::from_utf8_lossy(body).into_owned();
    if !ctx.has::<Buckets>(name.as_str()) {
        ctx.delete::<Names>(name.as_str());
    }
}

/// The caller's buckets of every Region, as far as this one knows.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: s3::ListBucketsRequest,
) -> Result<s3::ListBucketsResponse, Refusal> {
    let account = ctx.account();
    let most = request.max_buckets.unwrap_or(10_000);
    if !(1..=10_000).contains(&most) {
        return Err(Error::InvalidArgument(
            "Argument max-buckets must be an integer between 1 and 10000".to_owned(),
        )
        .into());
    }
    let most = usize::try_from(most).unwrap_or_default();
    let after = request.continuation_token().to_owned();
    let mut mine: Vec<(String, NameRow)> = ctx
        .all(Range::<Names>::all())
        .into_iter()
        .filter(|(name, row)| {
            row.owner == account
                && *name > after
                && name.starts_with(request.prefix())
                && request
                    .bucket_region
                    .as_deref()
                    .is_none_or(|region| region == row.region.as_str())
        })
        .collect();
    let more = mine.len() > most;
    mine.truncate(most);
    let paged = request.max_buckets.is_some();
    Ok(s3::ListBucketsResponse {
        continuation_token: mine.last().map(|(name, _)| name.clone()).filter(|_| more),
        buckets: mine
            .into_iter()
            .map(|(name, row)| s3::Bucket {
                bucket_arn: Some(format!("arn:aws:s3:::{name}")),
                name: Some(name),
                creation_date: shapes::shown_time(row.created),
                bucket_region: Some(row.region.to_string()).filter(|_| paged),
            })
            .collect(),
        owner: shapes::owner(&account),
        prefix: request.prefix,
    })
}

fn is_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
        })
        && name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name
            .bytes()
            .last()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && !name.contains("..")
}

/// Region that holds a bucket, as far as this Region knows.
pub(super) fn region_of(ctx: &mut Ctx<'_>, bucket: &str) -> Option<RegionName> {
    if ctx.has::<Buckets>(bucket) {
        return Some(ctx.region().clone());
    }
    ctx.get::<Names>(bucket).map(|row| row.region)
}

pub(super) fn put_versioning(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketVersioningRequest,
) -> Result<s3::PutBucketVersioningResponse, Refusal> {
    let name = request.bucket();
    let mut row = access::bucket(ctx, name)?;
    let status = request
        .versioning_configuration
        .as_ref()
        .and_then(|config| config.status.as_deref());
    row.versioning = match status {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") if row.replication.is_some() => {
            return Err(Error::InvalidBucketState.into());
        }
        Some("Suspended") => Versioning::Suspended,
        _ => return Err(Error::MalformedXml.into()),
    };
    ctx.put::<Buckets>(name, &row);
    Ok(s3::PutBucketVersioningResponse {})
}

pub(super) fn get_versioning(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketVersioningRequest,
) -> Result<s3::GetBucketVersioningResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let status = match row.versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some("Enabled".to_owned()),
        Versioning::Suspended => Some("Suspended".to_owned()),
    };
    Ok(s3::GetBucketVersioningResponse {
        status,
        mfa_delete: None,
    })
}

/// S3 does not look at the key here (SSE-006).
pub(super) fn put_encryption(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketEncryptionRequest,
) -> Result<s3::PutBucketEncryptionResponse, Refusal> {
    let name = request.bucket().to_owned();
    let mut row = access::bucket(ctx, &name)?;
    let rules = request
        .server_side_encryption_configuration
        .map(|config| config.rules)
        .unwrap_or_default();
    let [rule] = rules.as_slice() else {
        return Err(Error::MalformedXml.into());
    };
    if let Some(default) = &rule.apply_server_side_encryption_by_default {
        let algorithm = default.sse_algorithm().to_owned();
        if default.kms_master_key_id.is_some() && algorithm == "AES256" {
            return Err(Error::InvalidArgument(
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse".to_owned(),
            )
            .into());
        }
        if !matches!(algorithm.as_str(), "AES256" | "aws:kms" | "aws:kms:dsse") {
            return Err(Error::MalformedXml.into());
        }
        row.default_encryption.algorithm = algorithm;
        row.default_encryption
            .key
            .clone_from(&default.kms_master_key_id);
    }
    row.default_encryption.bucket_key = rule.bucket_key_enabled();
    if let Some(blocked) = &rule.blocked_encryption_types {
        row.blocks_sse_c = blocked.encryption_type.iter().any(|kind| kind == "SSE-C");
    }
    ctx.put::<Buckets>(name.as_str(), &row);
    Ok(s3::PutBucketEncryptionResponse {})
}

/// Back to SSE-S3, which cannot be switched off (SSE-001).
pub(super) fn delete_encryption(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketEncryptionRequest,
) -> Result<s3::DeleteBucketEncryptionResponse, Refusal> {
    let mut row = access::bucket(ctx, request.bucket())?;
    row.default_encryption = plain();
    ctx.put::<Buckets>(request.bucket(), &row);
    Ok(s3::DeleteBucketEncryptionResponse {})
}

fn plain() -> DefaultEncryption {
    DefaultEncryption {
        algorithm: "AES256".to_owned(),
        key: None,
        bucket_key: false,
    }
}

pub(super) fn get_encryption(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketEncryptionRequest,
) -> Result<s3::GetBucketEncryptionResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let blocked = if row.blocks_sse_c { "SSE-C" } else { "NONE" };
    let rule = s3::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(s3::ServerSideEncryptionByDefault {
            sse_algorithm: Some(row.default_encryption.algorithm),
            kms_master_key_id: row.default_encryption.key,
        }),
        bucket_key_enabled: Some(row.default_encryption.bucket_key),
        blocked_encryption_types: Some(s3::BlockedEncryptionTypes {
            encryption_type: vec![blocked.to_owned()],
        }),
    };
    let config = s3::ServerSideEncryptionConfiguration { rules: vec![rule] };
    Ok(s3::GetBucketEncryptionResponse {
        server_side_encryption_configuration: Some(config),
    })
}
