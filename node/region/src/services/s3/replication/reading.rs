//! Reading the source as the role: what must be allowed, the key, the bytes.
//!
//! The replicator is a principal like any other. Its role is assumed by s3.amazonaws.com, each
//! object is decided under the source bucket's policy and the role's own, and KMS decides about
//! the key. What only suppresses tags is looked at without a trail of its own.

use std::cmp::Reverse;
use std::sync::Arc;

use faultline_proto::{s3, sts};
use serde::{Deserialize, Serialize};

use super::offer::{Head, Offer, Piece, Sealing, What};
use super::reasons::{self, Why};
use super::rows::{DeliveryKey, DeliveryRow, Kind};
use super::select;
use super::transfer::Rest;
use crate::caller::Caller;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::RemoteCall;
use crate::services::s3::encryption::{self, Customer, ObjectKey, UnderKms, object_arn};
use crate::services::s3::keyspaces::{BucketRow, EncryptionRow, ObjectRow, VersionRow, Versions};
use crate::services::s3::{access, body, versions};

/// Why a delivery does not leave now.
pub(super) enum Fate {
    /// For good.
    Failed(Why),
    /// It will pass: what it met, in words.
    Later(String),
    /// Its rule is off.
    Parked,
}

/// What leaves.
pub(super) struct Read {
    pub offer: Offer,
    /// For an object of several chunks.
    pub rest: Option<Rest>,
}

/// What is asked before a source is read.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    bucket: String,
    key: String,
    kind: Kind,
    under_kms: bool,
    locked: bool,
}

fn failed<T>(reason: &str, words: impl Into<String>) -> Result<T, Fate> {
    Err(Fate::Failed(Why::plain(reason, words)))
}

/// The bucket, the rule and the version of a delivery.
pub(super) fn find(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    row: &DeliveryRow,
) -> Result<(BucketRow, s3::ReplicationRule, VersionRow), Fate> {
    let (bucket, key, version_id, to) = id;
    let Ok(source) = access::bucket(ctx, bucket) else {
        return failed("SrcBucketNotFound", format!("there is no bucket {bucket}"));
    };
    let Some(version) = at(ctx, bucket, key, row.order, version_id) else {
        return match versions::latest(ctx, bucket, key) {
            Some(_) => failed("SrcVersionNotFound", "the version was deleted"),
            None => failed("SrcKeyNotFound", "no version of the key is left"),
        };
    };
    let Some(config) = select::of(&source) else {
        return failed(
            "SrcBucketReplicationConfigMissing",
            "the bucket has no replication configuration any more",
        );
    };
    let seen = select::Seen {
        key,
        object: version.object.as_ref(),
    };
    let rule = match select::rule_of(&config, &row.rule, to) {
        Some(rule) => Some(rule.clone()),
        None => select::that_fit(&config, seen)
            .into_iter()
            .find(|rule| select::destination(rule) == Some(to)),
    };
    let Some(rule) = rule else {
        return failed(
            "SrcBucketReplicationConfigMissing",
            format!("no rule sends it to {to} any more"),
        );
    };
    if rule.status() != "Enabled" {
        return Err(Fate::Parked);
    }
    let class = version
        .object
        .as_ref()
        .map(|object| object.storage_class.as_str());
    if matches!(class, Some("GLACIER" | "DEEP_ARCHIVE")) {
        return failed(
            "SrcObjectNotEligible",
            "it is archived: restore and copy it to another class first (S3-052)",
        );
    }
    Ok((source, rule, version))
}

/// The version of this id at its place.
fn at(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    order: u64,
    version_id: &str,
) -> Option<VersionRow> {
    ctx.get::<Versions>(&(bucket.to_owned(), key.to_owned(), Reverse(order)))
        .filter(|row| row.version_id == version_id)
}

/// Assumes the configuration's role as S3 (S3-027).
pub(super) fn assume(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    source: &BucketRow,
) -> Result<Arc<Caller>, Refusal> {
    let role = select::of(source).and_then(|config| config.role);
    assume_for(
        ctx,
        bucket,
        source,
        role.unwrap_or_default(),
        "s3.amazonaws.com",
    )
}

/// Assumes a role as a service of S3, for a bucket (K-236).
pub(super) fn assume_for(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    source: &BucketRow,
    role: String,
    service: &str,
) -> Result<Arc<Caller>, Refusal> {
    let arn = format!("arn:aws:s3:::{bucket}");
    let service = Arc::new(Caller::service_for(service, &arn, &source.owner));
    let request = sts::AssumeRoleRequest {
        role_arn: Some(role),
        role_session_name: Some("s3-replication".to_owned()),
        ..sts::AssumeRoleRequest::default()
    };
    let credentials = ctx
        .call_as(&service, &request)?
        .credentials
        .unwrap_or_default();
    let credential = faultline_proto::driving::Credential {
        access_key: credentials.access_key_id.unwrap_or_default(),
        session_token: credentials.session_token.unwrap_or_default(),
    };
    let caller = crate::caller::resolve(ctx, Some(&credential), std::collections::BTreeMap::new())?;
    Ok(Arc::new(caller))
}

/// What the role must be allowed here (S3-006, S3-028).
pub(in crate::services::s3) fn accesses(
    ctx: &mut Ctx<'_>,
    body: &[u8],
) -> Result<RemoteCall, Refusal> {
    let asked: Asked = decode(body)?;
    let row = access::bucket(ctx, &asked.bucket)?;
    let bucket = format!("arn:aws:s3:::{}", asked.bucket);
    let object = object_arn(&asked.bucket, &asked.key);
    let mut accesses = vec![
        access::on(ctx, "s3:GetReplicationConfiguration", bucket.clone(), &row),
        access::on(ctx, "s3:ListBucket", bucket, &row),
    ];
    let mut read = access::on(
        ctx,
        "s3:GetObjectVersionForReplication",
        object.clone(),
        &row,
    );
    // S3-032: GetObjectVersion will do where KMS has no hand in it.
    if !asked.under_kms && ctx.would_refuse(&mut read).is_some() {
        let mut other = access::on(ctx, "s3:GetObjectVersion", object.clone(), &row);
        if ctx.would_refuse(&mut other).is_none() {
            read = other;
        }
    }
    accesses.push(read);
    accesses.push(access::on(
        ctx,
        "s3:GetObjectVersionAcl",
        object.clone(),
        &row,
    ));
    if asked.kind == Kind::Change {
        accesses.push(access::on(
            ctx,
            "s3:GetObjectVersionTagging",
            object.clone(),
            &row,
        ));
    }
    if asked.locked {
        for action in ["s3:GetObjectRetention", "s3:GetObjectLegalHold"] {
            accesses.push(access::on(ctx, action, object.clone(), &row));
        }
    }
    Ok(RemoteCall {
        event: Some(match asked.kind {
            Kind::Change => "HeadObject",
            Kind::Object | Kind::Marker => "GetObject",
        }),
        read_only: true,
        accesses,
        charge: None,
    })
}

/// Whether the role may read tags too: the object goes without them otherwise (S3-030).
pub(in crate::services::s3) fn permitted(
    ctx: &mut Ctx<'_>,
    body: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let asked: Asked = decode(body)?;
    let row = access::bucket(ctx, &asked.bucket)?;
    let arn = object_arn(&asked.bucket, &asked.key);
    let mut tagging = access::on(ctx, "s3:GetObjectVersionTagging", arn, &row);
    Ok(encode(&ctx.would_refuse(&mut tagging).is_none()))
}

/// Reads what is owed, as the role.
pub(super) fn read(
    ctx: &mut Ctx<'_>,
    role: &Arc<Caller>,
    id: &DeliveryKey,
    row: &DeliveryRow,
    rule: &s3::ReplicationRule,
    version: &VersionRow,
) -> Result<Read, Fate> {
    let fate = |refusal: Refusal| {
        if reasons::is_temporary(&refusal) {
            Fate::Later(reasons::words(&refusal))
        } else {
            Fate::Failed(reasons::at_source(&refusal, row.kind))
        }
    };
    let object = version.object.as_ref();
    let source = access::bucket(ctx, &id.0).map_err(fate)?;
    let asked = Asked {
        bucket: id.0.clone(),
        key: id.1.clone(),
        kind: row.kind,
        under_kms: object.is_some_and(|object| select::under_kms(&object.encryption)),
        locked: source.object_lock.is_some() && object.is_some(),
    };
    let answer = ctx
        .question_as(role, "s3", "read-source", &encode(&asked))
        .map_err(fate)?;
    let with_tags = decode::<bool>(&answer).unwrap_or_default();
    let key = match (row.kind, object) {
        (Kind::Object, Some(object)) => ctx
            .as_caller(role, |ctx| source_key(ctx, object))
            .map_err(fate)?,
        _ => None,
    };
    offer(ctx, id, row, rule, version, key.as_ref(), with_tags).map_err(fate)
}

/// The data key of the source; `None` where the chunks travel as they are (SSE-C).
fn source_key(ctx: &mut Ctx<'_>, object: &ObjectRow) -> Result<Option<ObjectKey>, Refusal> {
    match &object.encryption {
        EncryptionRow::SseC { .. } => Ok(None),
        encryption => encryption::open(ctx, encryption, Customer::default()).map(Some),
    }
}

fn offer(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    row: &DeliveryRow,
    rule: &s3::ReplicationRule,
    version: &VersionRow,
    key: Option<&ObjectKey>,
    with_tags: bool,
) -> Result<Read, Refusal> {
    let attempt = ctx.entropy().hex::<8>("s3.attempt");
    let chunks = version.object.as_ref().map_or(0, body::chunks);
    let (what, first) = match (row.kind, &version.object) {
        (_, None) => (What::Marker, Vec::new()),
        (Kind::Change, Some(object)) => (
            What::Change {
                tags: with_tags.then(|| object.tags.clone()),
                lock: object.lock.clone(),
                stamp: super::changes::stamp(ctx, &id.0, &id.1, &id.2),
            },
            Vec::new(),
        ),
        (_, Some(object)) => {
            let first = chunk(ctx, object, key, 0)?;
            (whole(ctx, &id.0, rule, object, with_tags)?, first)
        }
    };
    let rest = (chunks > 1 && matches!(what, What::Object { .. })).then(|| Rest {
        attempt: attempt.clone(),
        data_key: key.map_or_else(Vec::new, |key| {
            key.keep(ctx, "s3.replicating", id.2.as_bytes())
        }),
        next: 1,
        answered: 0,
        chunks,
    });
    let head = Head {
        bucket: id.3.clone(),
        key: id.1.clone(),
        version_id: id.2.clone(),
        modified: version.modified,
        order: row.order,
        attempt,
        rule: rule.id().to_owned(),
        by_batch: row.job.is_some(),
        chunks,
        what,
    };
    Ok(Read {
        offer: Offer { head, first },
        rest,
    })
}

/// An object with what the rule says of its replica.
fn whole(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    rule: &s3::ReplicationRule,
    object: &ObjectRow,
    with_tags: bool,
) -> Result<What, Refusal> {
    let target = rule.destination.clone().unwrap_or_default();
    let replica_key = target
        .encryption_configuration
        .and_then(|encryption| encryption.replica_kms_key_id)
        .unwrap_or_default();
    // The type stays what it was, whatever the destination's default (S3-046).
    let sealing = match &object.encryption {
        EncryptionRow::SseS3 { .. } => Sealing::SseS3,
        EncryptionRow::SseKms { bucket_key, .. } => Sealing::SseKms {
            key: replica_key,
            how: if *bucket_key {
                UnderKms::BucketKey
            } else {
                UnderKms::Plain
            },
        },
        EncryptionRow::Dsse { .. } => Sealing::SseKms {
            key: replica_key,
            how: UnderKms::Dsse,
        },
        encryption @ EncryptionRow::SseC { .. } => Sealing::SseC {
            row: encryption.clone(),
        },
    };
    let mut object = object.clone();
    // The source's wrapped data key stays at home.
    object.encryption = EncryptionRow::SseS3 {
        data_key: Vec::new(),
    };
    if let Some(class) = target.storage_class {
        object.storage_class = class;
    }
    if !with_tags {
        object.tags.clear();
    }
    let source = access::bucket(ctx, bucket)?;
    Ok(What::Object {
        object: Box::new(object),
        sealing,
        overrides_owner: target.access_control_translation.is_some(),
        needs_lock: source.object_lock.is_some(),
    })
}

fn chunk(
    ctx: &mut Ctx<'_>,
    object: &ObjectRow,
    key: Option<&ObjectKey>,
    index: u64,
) -> Result<Vec<u8>, Refusal> {
    match key {
        Some(key) => body::read(ctx, object, key, index),
        None => body::read_sealed(ctx, object, index),
    }
}

/// The object of a delivery that is under way.
pub(super) fn object(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    order: u64,
) -> Result<ObjectRow, Refusal> {
    at(ctx, &id.0, &id.1, order, &id.2)
        .and_then(|row| row.object)
        .ok_or_else(|| Refusal::new("SrcVersionNotFound", "it was deleted while it was sent"))
}

/// Whether the object of a delivery came by multipart upload.
pub(super) fn is_multipart(ctx: &mut Ctx<'_>, id: &DeliveryKey, row: &DeliveryRow) -> bool {
    object(ctx, id, row.order).is_ok_and(|object| object.multipart)
}

/// The next chunk of an object that is under way.
pub(super) fn piece(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    object: &ObjectRow,
    rest: &Rest,
) -> Result<Piece, Refusal> {
    let key = match rest.data_key.as_slice() {
        [] => None,
        sealed => Some(ObjectKey::kept(
            ctx,
            "s3.replicating",
            id.2.as_bytes(),
            sealed,
        )?),
    };
    let bytes = chunk(ctx, object, key.as_ref(), rest.next)?;
    Ok(Piece {
        bucket: id.3.clone(),
        key: id.1.clone(),
        version_id: id.2.clone(),
        attempt: rest.attempt.clone(),
        index: rest.next,
        bytes,
        last: rest.next + 1 == rest.chunks,
    })
}
