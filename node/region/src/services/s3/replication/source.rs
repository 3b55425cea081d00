//! The source's side of cross-Region replication.
//!
//! ```text
//!   put --(lag, LAT-004)--> the role is assumed --> the source is read as the role
//!        --> "replica" with the first chunk --> chunks, four under way --> COMPLETED | FAILED
//! ```
//!
//! The replicator is a principal like any other: its reads and key uses are decided here, its
//! writes there, and both trails have them. A refusal of a policy or a key is FAILED for good
//! (S3-066); silence and throttling leave PENDING and go on by themselves (S3-065, S3-075).
//! Left out: replica modification sync, Batch Replication, metrics and events, Object Lock.

use std::sync::Arc;

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::sts;
use serde::{Deserialize, Serialize};

use super::config as rules;
use super::replica::{Offer, Piece, Sealing};
use crate::caller::Caller;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{RemoteCall, SagaInput};
use crate::services::s3::encryption::{self, Customer, ObjectKey, UnderKms, object_arn};
use crate::services::s3::keyspaces::{
    BucketRow, DestinationRow, EncryptionRow, ObjectRow, Status, VersionRow, Versions,
};
use crate::services::s3::{access, body, buckets, versions};

/// Chunks under way at one time.
const CREDIT: u64 = 4;
/// Pause before something temporary is tried again, microseconds.
const AGAIN: u64 = 5_000_000;

/// One version on its way to one destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    bucket: String,
    key: String,
    version_id: String,
    to: String,
    /// When it was written, microseconds since the run began.
    since: u64,
    /// Data key sealed under the Region's root key; empty until read.
    data_key: Vec<u8>,
    next: u64,
    answered: u64,
    chunks: u64,
}

/// Looks whether a rule sends the version that was just written.
pub(in crate::services::s3) fn consider(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    order: u64,
    row: &BucketRow,
) {
    let Some(config) = rules::of(row) else { return };
    let version_key = (bucket.to_owned(), key.to_owned(), std::cmp::Reverse(order));
    let Some(mut version) = ctx.get::<Versions>(&version_key) else {
        return;
    };
    for rule in rules::that_fit(&config, key, version.object.as_ref()) {
        let Some(target) = rules::destination(&rule) else {
            continue;
        };
        version.destinations.push(DestinationRow {
            bucket: target.to_owned(),
            rule: rule.id.clone().unwrap_or_default(),
            status: Status::Pending,
        });
        let task = Task {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version.version_id.clone(),
            to: target.to_owned(),
            since: ctx.elapsed().0,
            data_key: Vec::new(),
            next: 0,
            answered: 0,
            chunks: 0,
        };
        let at = ctx.elapsed().plus_micros(lag(ctx));
        ctx.schedule("s3", at, "replicate", encode(&task));
    }
    ctx.put::<Versions>(&version_key, &version);
}

/// A lag with the world's median and a long tail: the product of uniform halvings is close to the
/// lognormal of LAT-004 and needs integers only.
fn lag(ctx: &mut Ctx<'_>) -> u64 {
    let median = ctx.core.s3_replication_median;
    let mut lag = median;
    for _ in 0..6 {
        let factor = 667 + ctx.entropy().below("s3.lag", 833);
        lag = lag * factor / 1000;
    }
    lag.clamp(median / 10, median * 60)
}

/// The task's moment has come: assume the role, read the source, offer the replica.
pub(in crate::services::s3) fn begin(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(mut task) = decode::<Task>(payload) else {
        return;
    };
    let Some(region) = buckets::region_of(ctx, &task.to) else {
        return settle(ctx, &task, Err("DstBucketNotFound".to_owned()));
    };
    if ctx.is_paused(&region, "s3") || ctx.is_paused(&region, &format!("s3/{}", task.bucket)) {
        return again(ctx, &task);
    }
    let version = versions::find(ctx, &task.bucket, &task.key, &task.version_id);
    let Some((_, version)) = version else {
        return settle(ctx, &task, Err("SrcVersionNotFound".to_owned()));
    };
    let role = match assume(ctx, &task.bucket) {
        Ok(role) => role,
        Err(_) => return settle(ctx, &task, Err("AssumeRoleNotPermitted".to_owned())),
    };
    let read = ctx.question_as(&role, "s3", "read-source", &encode(&task));
    let opened = read.and_then(|_| ctx.as_caller(&role, |ctx| source_key(ctx, &version)));
    let data_key = match opened {
        Ok(data_key) => data_key,
        Err(refusal) if is_temporary(&refusal) => return again(ctx, &task),
        Err(refusal) => return settle(ctx, &task, Err(source_reason(&refusal).to_owned())),
    };
    task.chunks = version.object.as_ref().map_or(0, body::chunks);
    if let Some(key) = &data_key {
        task.data_key = key.keep(ctx, "s3.replicating", task.version_id.as_bytes());
    }
    let offer = match offer(ctx, &task, &version, data_key.as_ref()) {
        Ok(offer) => offer,
        Err(refusal) => return settle(ctx, &task, Err(source_reason(&refusal).to_owned())),
    };
    task.next = 1;
    if region == *ctx.region() {
        return same_region(ctx, &role, task, &offer);
    }
    let saga = Saga {
        kind: "replicate",
        state: encode(&task),
    };
    let asks = vec![(region, "replica".to_owned(), encode(&offer))];
    ctx.as_caller(&role, |ctx| ctx.spawn("s3", saga, asks, None));
}

/// Same-Region replication needs no link: the same questions, asked here.
fn same_region(ctx: &mut Ctx<'_>, role: &Arc<Caller>, mut task: Task, offer: &Offer) {
    let mut outcome = ctx.question_as(role, "s3", "replica", &encode(offer));
    while outcome.is_ok() && task.next < task.chunks {
        let index = task.next;
        task.next += 1;
        outcome = piece(ctx, &task, index)
            .and_then(|piece| ctx.question_as(role, "s3", "replica-chunk", &encode(&piece)));
    }
    let outcome = outcome
        .map(drop)
        .map_err(|refusal| destination_reason(&refusal).to_owned());
    settle(ctx, &task, outcome);
}

fn assume(ctx: &mut Ctx<'_>, bucket: &str) -> Result<Arc<Caller>, Refusal> {
    let row = access::bucket(ctx, bucket)?;
    let role = rules::of(&row)
        .and_then(|config| config.role)
        .unwrap_or_default();
    let source = format!("arn:aws:s3:::{bucket}");
    let service = Caller::service_for("s3.amazonaws.com", &source, &row.owner);
    let service = Arc::new(service);
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

/// What the role must be allowed to read here (S3-028).
pub(in crate::services::s3) fn read_source(
    ctx: &mut Ctx<'_>,
    body: &[u8],
) -> Result<RemoteCall, Refusal> {
    let task: Task = decode(body)?;
    let row = access::bucket(ctx, &task.bucket)?;
    let (bucket, object) = (
        format!("arn:aws:s3:::{}", task.bucket),
        object_arn(&task.bucket, &task.key),
    );
    let accesses = vec![
        access::on(ctx, "s3:GetReplicationConfiguration", bucket.clone(), &row),
        access::on(ctx, "s3:ListBucket", bucket, &row),
        access::on(
            ctx,
            "s3:GetObjectVersionForReplication",
            object.clone(),
            &row,
        ),
        access::on(ctx, "s3:GetObjectVersionAcl", object, &row),
    ];
    Ok(RemoteCall {
        event: Some("GetObject"),
        read_only: true,
        accesses,
        charge: None,
    })
}

/// The data key of the source; `None` where the chunks travel as they are (SSE-C) or there are none.
fn source_key(ctx: &mut Ctx<'_>, version: &VersionRow) -> Result<Option<ObjectKey>, Refusal> {
    match &version.object {
        None => Ok(None),
        Some(object) if matches!(object.encryption, EncryptionRow::SseC { .. }) => Ok(None),
        Some(object) => encryption::open(ctx, &object.encryption, Customer::default()).map(Some),
    }
}

fn offer(
    ctx: &mut Ctx<'_>,
    task: &Task,
    version: &VersionRow,
    key: Option<&ObjectKey>,
) -> Result<Offer, Refusal> {
    let row = access::bucket(ctx, &task.bucket)?;
    let rule = rules::of(&row).and_then(|config| {
        let fitting = rules::that_fit(&config, &task.key, version.object.as_ref());
        fitting
            .into_iter()
            .find(|rule| rules::destination(rule) == Some(task.to.as_str()))
    });
    let target = rule.and_then(|rule| rule.destination);
    let replica_key = target.as_ref().and_then(|target| {
        target
            .encryption_configuration
            .as_ref()?
            .replica_kms_key_id
            .clone()
    });
    let mut object = version.object.clone();
    let sealing = match object.as_ref().map(|object| &object.encryption) {
        None => Sealing::Marker,
        Some(EncryptionRow::SseS3 { .. }) => Sealing::SseS3,
        Some(EncryptionRow::SseKms { bucket_key, .. }) => Sealing::SseKms {
            key: replica_key.unwrap_or_default(),
            how: if *bucket_key {
                UnderKms::BucketKey
            } else {
                UnderKms::Plain
            },
        },
        Some(EncryptionRow::Dsse { .. }) => Sealing::SseKms {
            key: replica_key.unwrap_or_default(),
            how: UnderKms::Dsse,
        },
        Some(encryption @ EncryptionRow::SseC { .. }) => Sealing::SseC {
            row: encryption.clone(),
        },
    };
    if let (Some(object), Some(class)) =
        (&mut object, target.and_then(|target| target.storage_class))
    {
        object.storage_class = class;
    }
    let first = match &object {
        None => Vec::new(),
        Some(object) => chunk(ctx, object, key, 0)?,
    };
    Ok(Offer {
        bucket: task.to.clone(),
        key: task.key.clone(),
        version_id: version.version_id.clone(),
        modified: version.modified,
        object: object.map(|mut object| {
            // The source's wrapped data key stays at home.
            object.encryption = EncryptionRow::SseS3 {
                data_key: Vec::new(),
            };
            object
        }),
        sealing,
        first,
        chunks: task.chunks,
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

fn piece(ctx: &mut Ctx<'_>, task: &Task, index: u64) -> Result<Piece, Refusal> {
    let found = versions::find(ctx, &task.bucket, &task.key, &task.version_id);
    let object = found
        .and_then(|(_, row)| row.object)
        .ok_or_else(|| Refusal::new("SrcVersionNotFound", ""))?;
    let key = match task.data_key.as_slice() {
        [] => None,
        sealed => Some(ObjectKey::kept(
            ctx,
            "s3.replicating",
            task.version_id.as_bytes(),
            sealed,
        )?),
    };
    let bytes = chunk(ctx, &object, key.as_ref(), index)?;
    Ok(Piece {
        bucket: task.to.clone(),
        key: task.key.clone(),
        version_id: task.version_id.clone(),
        index,
        bytes,
        last: index + 1 == task.chunks,
    })
}

/// The destination has answered one question.
pub(in crate::services::s3) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut task: Task = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Ok(Progress::Done(Vec::new()));
    };
    if let Err(refusal) = outcome {
        if is_temporary(&refusal) {
            again(ctx, &task);
        } else {
            settle(ctx, &task, Err(destination_reason(&refusal).to_owned()));
        }
        return Ok(Progress::Done(Vec::new()));
    }
    task.answered += 1;
    if task.answered >= task.chunks.max(1) {
        settle(ctx, &task, Ok(()));
        return Ok(Progress::Done(Vec::new()));
    }
    let Some(region) = buckets::region_of(ctx, &task.to) else {
        settle(ctx, &task, Err("DstBucketNotFound".to_owned()));
        return Ok(Progress::Done(Vec::new()));
    };
    while task.next < task.chunks && task.next - task.answered < CREDIT {
        match piece(ctx, &task, task.next) {
            Ok(piece) => ctx.ask(&region, "replica-chunk", encode(&piece)),
            Err(_) => {
                settle(ctx, &task, Err("SrcVersionNotFound".to_owned()));
                return Ok(Progress::Done(Vec::new()));
            }
        };
        task.next += 1;
    }
    Ok(Progress::Open(Saga {
        kind: "replicate",
        state: encode(&task),
    }))
}

fn again(ctx: &mut Ctx<'_>, task: &Task) {
    let fresh = Task {
        data_key: Vec::new(),
        next: 0,
        answered: 0,
        chunks: 0,
        ..task.clone()
    };
    let at = ctx.elapsed().plus_micros(AGAIN);
    ctx.schedule("s3", at, "replicate", encode(&fresh));
}

/// Writes the final status of one destination.
fn settle(ctx: &mut Ctx<'_>, task: &Task, outcome: Result<(), String>) {
    let Some((key, mut row)) = versions::find(ctx, &task.bucket, &task.key, &task.version_id)
    else {
        return;
    };
    let (word, reason) = match &outcome {
        Ok(()) => ("COMPLETED", ""),
        Err(reason) => ("FAILED", reason.as_str()),
    };
    let lag = ctx.elapsed().0.saturating_sub(task.since).to_string();
    let fields = [
        ("service", "s3"),
        ("bucket", &task.bucket),
        ("key", &task.key),
        ("version_id", &task.version_id),
        ("to", &task.to),
        ("outcome", word),
        ("reason", reason),
        ("lag_us", &lag),
    ];
    ctx.note("replicated", &fields);
    for destination in row
        .destinations
        .iter_mut()
        .filter(|destination| destination.bucket == task.to)
    {
        destination.status = match &outcome {
            Ok(()) => Status::Completed,
            Err(reason) => Status::Failed(reason.clone()),
        };
    }
    ctx.put::<Versions>(&key, &row);
}

fn is_temporary(refusal: &Refusal) -> bool {
    refusal.http_status >= 500
        || matches!(
            &*refusal.code,
            "ThrottlingException" | "SlowDown" | "RequestTimeout"
        )
}

/// S3-072, S3-073: what a refusal at the source is called.
fn source_reason(refusal: &Refusal) -> &'static str {
    match &*refusal.code {
        "KMS.DisabledException" | "KMS.KMSInvalidStateException" => "SrcKmsKeyInvalidState",
        _ => match refusal.denial.as_ref().map(|denial| denial.action.as_str()) {
            Some("s3:GetObjectVersionAcl") => "SrcGetAclNotPermitted",
            Some("s3:GetReplicationConfiguration") => "SrcBucketReplicationConfigMissing",
            _ => "SrcGetObjectNotPermitted",
        },
    }
}

/// S3-004, S3-034, S3-070, S3-071: what a refusal at the destination is called.
fn destination_reason(refusal: &Refusal) -> &'static str {
    match &*refusal.code {
        "NoSuchBucket" => "DstBucketNotFound",
        "DstBucketUnversioned" => "DstBucketUnversioned",
        "NotFoundException" | "KMS.NotFoundException" => "DstKmsKeyNotFound",
        "DisabledException" | "KMSInvalidStateException" => "DstKmsKeyInvalidState",
        "SrcVersionNotFound" => "SrcVersionNotFound",
        _ => match refusal.denial.as_ref().map(|denial| denial.action.as_str()) {
            Some("s3:ReplicateDelete") => "DstDelObjNotPermitted",
            _ => "DstPutObjectNotPermitted",
        },
    }
}
