//! The primary's side of replicas (SEC-001).
//!
//! ```text
//!   ReplicateSecretToRegions, and every change of the primary
//!      --update: labels, tags, policy, new values--> replica's Region: seals them under its own key
//!      <--status: done, or why not----------------- InSync | Failed
//!   RemoveRegionsFromReplication: a minute later --remove--> the replica is gone
//! ```
//!
//! Records travel on the stream `secretsmanager` of the outbox, in order and once. A change goes
//! out with the caller who made it: the replica's key is asked on that one's behalf. A failed
//! replica gets nothing more until the call is repeated (SEC-008).

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::secretsmanager::{
    ReplicaRegionType, ReplicateSecretToRegionsRequest, ReplicateSecretToRegionsResponse,
    ReplicationStatusType,
};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::ids;
use super::keyspaces::{Place, Progress, ReplicaRow, Rotation, SecretRow};
use super::sealing::{self, Value};
use crate::caller::CallerRow;
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;

/// The stream that records travel on.
const STREAM: &str = "secretsmanager";
/// Values in one record: a record is a message of at most 1 MiB.
const VALUES: usize = 8;

/// Which replica a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Account.
    pub account: AccountId,
    /// Name of the secret.
    pub name: String,
    /// End of its ARN.
    pub suffix: String,
    /// Number of the replication.
    pub join: u64,
}

/// A value on its way; the envelope is sealed.
#[derive(Serialize, Deserialize)]
pub struct Sent {
    /// Version.
    pub version: String,
    /// Whether it is text.
    pub is_text: bool,
    /// The value.
    pub bytes: serde_bytes::ByteBuf,
}

/// What a replica is to be.
#[derive(Serialize, Deserialize)]
pub struct Update {
    /// Which one.
    pub address: Address,
    /// Number of the change.
    pub revision: u64,
    /// Whether this is the first of a replication.
    pub is_joining: bool,
    /// Whether a secret of that name may be overwritten.
    pub force: bool,
    /// The replica's key, as named.
    pub key: Option<String>,
    /// On whose behalf.
    pub caller: CallerRow,
    /// Free text.
    pub description: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resource policy.
    pub policy: Option<String>,
    /// Milliseconds since 1970: created, changed.
    pub dates: (i64, i64),
    /// Milliseconds since 1970.
    pub rotated: Option<i64>,
    /// How the primary rotates.
    pub rotation: Option<Rotation>,
    /// Versions with labels: when they were made, and the labels.
    pub versions: BTreeMap<String, (i64, BTreeSet<String>)>,
    /// Values that the replica does not have.
    pub values: Vec<Sent>,
}

/// What became of an update.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {
    /// Which replica.
    pub address: Address,
    /// Number of the change.
    pub revision: u64,
    /// Why not, if not.
    pub failure: Option<String>,
}

/// Sends a record.
pub fn send<T: Serialize>(ctx: &mut Ctx<'_>, to: &RegionName, kind: &str, record: &T) {
    ctx.replicate(to, STREAM, "secretsmanager", kind, encode(record));
}

/// The Regions that a request wants, with their keys.
///
/// # Errors
/// InvalidParameterException (SEC-004, SEC-027).
pub fn wanted(
    ctx: &Ctx<'_>,
    regions: &[ReplicaRegionType],
) -> Result<Vec<(RegionName, Option<String>)>, Error> {
    let mut wanted = Vec::new();
    for one in regions {
        let name = one.region.as_deref().unwrap_or_default();
        let region = RegionName::new(name).map_err(|_| Error::ReplicaRegion)?;
        if region == *ctx.region() || partition(name) != partition(ctx.region().as_str()) {
            return Err(Error::ReplicaRegion);
        }
        let key = one.kms_key_id.clone().filter(|key| !key.is_empty());
        wanted.push((region, key));
    }
    Ok(wanted)
}

fn partition(region: &str) -> &'static str {
    let known = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso", "aws-iso"),
    ];
    known
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// The state of each replica, as an answer has it (SEC-007).
#[must_use]
pub fn status(row: &SecretRow) -> Vec<ReplicationStatusType> {
    let shown = |(region, replica): (&RegionName, &ReplicaRow)| {
        let (status, message) = match &replica.progress {
            Progress::InProgress => ("InProgress", None),
            Progress::InSync => ("InSync", Some("Replication succeeded".to_owned())),
            Progress::Failed(why) => ("Failed", Some(why.clone())),
        };
        let default = || "alias/aws/secretsmanager".to_owned();
        ReplicationStatusType {
            region: Some(region.to_string()),
            kms_key_id: Some(replica.key.clone().unwrap_or_else(default)),
            status: Some(status.to_owned()),
            status_message: message,
            last_accessed_date: None,
        }
    };
    row.replicas().into_iter().flatten().map(shown).collect()
}

/// Begins to replicate a secret to Regions, and stores it.
///
/// # Errors
/// InvalidRequestException when the caller cannot read the primary (SEC-006).
pub fn begin(
    ctx: &mut Ctx<'_>,
    row: &mut SecretRow,
    wanted: Vec<(RegionName, Option<String>)>,
    force: bool,
    fresh: &[(&str, &Value)],
) -> Result<(), Refusal> {
    let mut regions = Vec::new();
    for (region, key) in wanted {
        row.joins += 1;
        let join = row.joins;
        let is_here = ctx.core.regions.contains(&region);
        let Place::Primary(replicas) = &mut row.place else {
            return Err(Error::Replica.into());
        };
        let known = replicas.get(&region).map(|known| &known.progress);
        if matches!(known, Some(Progress::InProgress | Progress::InSync)) {
            let text = format!("Secret is already replicated to region {region}.");
            return Err(Error::parameter(text).into());
        }
        let progress = if is_here {
            regions.push(region.clone());
            Progress::InProgress
        } else {
            Progress::Failed("Region not enabled for this account".to_owned())
        };
        let replica = ReplicaRow {
            key,
            progress,
            join,
            revision: 0,
            force,
            sent: BTreeSet::new(),
        };
        replicas.insert(region, replica);
    }
    for region in regions {
        push(ctx, row, &region, fresh, true).map_err(|refusal| {
            let words = Error::request(refusal.message.clone());
            refusal.in_words(words)
        })?;
    }
    settled(ctx, row);
    Ok(())
}

/// A primary has changed: stores it and tells its replicas. `fresh` are new values.
pub fn changed(ctx: &mut Ctx<'_>, row: &mut SecretRow, fresh: &[(&str, &Value)]) {
    let regions: Vec<RegionName> = row
        .replicas()
        .into_iter()
        .flatten()
        .filter(|(_, replica)| !matches!(replica.progress, Progress::Failed(_)))
        .map(|(region, _)| region.clone())
        .collect();
    for region in regions {
        if let Err(refusal) = push(ctx, row, &region, fresh, false) {
            fail(ctx, row, &region, refusal.message);
        }
    }
    settled(ctx, row);
}

fn settled(ctx: &mut Ctx<'_>, row: &SecretRow) {
    ids::save(ctx, row);
    if row.replicas().is_some_and(|replicas| !replicas.is_empty()) {
        tell(ctx, row, "secret_changed", None);
    }
}

/// A replica has failed; it is not stored here.
pub fn fail(ctx: &mut Ctx<'_>, row: &mut SecretRow, region: &RegionName, why: String) {
    tell(ctx, row, "secret_replication_failed", Some((region, &why)));
    if let Place::Primary(replicas) = &mut row.place
        && let Some(replica) = replicas.get_mut(region)
    {
        replica.progress = Progress::Failed(why);
        replica.sent.clear();
    }
}

/// What a note says a secret is: its parts that a replica must have too, as one digest.
#[must_use]
pub fn content(ctx: &Ctx<'_>, row: &SecretRow) -> String {
    let versions: Vec<_> = row
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty())
        .filter_map(|(id, version)| {
            let sealing = version.sealing.as_ref()?;
            Some((id, &version.stages, sealing.mark))
        })
        .collect();
    let parts = encode(&(&row.description, &row.tags, &row.policy, versions));
    hex::encode(&ctx.core.vault.fingerprint("secretsmanager.content", &parts)[..8])
}

/// A note about a replicated secret.
pub fn tell(ctx: &mut Ctx<'_>, row: &SecretRow, kind: &str, about: Option<(&RegionName, &str)>) {
    let secret = format!("{}/{}-{}", row.account, row.name, row.suffix);
    let content = content(ctx, row);
    let (region, why) = about.unwrap_or((ctx.region(), ""));
    let region = region.to_string();
    ctx.note(
        kind,
        &[
            ("secret", &secret),
            ("content", &content),
            ("region", &region),
            ("why", why),
        ],
    );
}

/// Sends a replica what it does not have.
fn push(
    ctx: &mut Ctx<'_>,
    row: &mut SecretRow,
    region: &RegionName,
    fresh: &[(&str, &Value)],
    is_joining: bool,
) -> Result<(), Refusal> {
    let Some(mut replica) = row.replicas().and_then(|all| all.get(region)).cloned() else {
        return Ok(());
    };
    let labelled: BTreeMap<String, (i64, BTreeSet<String>)> = row
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty() && version.sealing.is_some())
        .map(|(id, version)| (id.clone(), (version.created, version.stages.clone())))
        .collect();
    let missing: Vec<String> = labelled
        .keys()
        .filter(|id| !replica.sent.contains(*id))
        .cloned()
        .collect();
    let mut parts: Vec<&[String]> = missing.chunks(VALUES).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    for (at, part) in parts.into_iter().enumerate() {
        let mut values = Vec::new();
        for id in part {
            values.push(value(ctx, row, id, fresh)?);
            replica.sent.insert(id.clone());
        }
        replica.revision += 1;
        let mut versions = labelled.clone();
        if at < last {
            versions.retain(|id, _| replica.sent.contains(id));
        }
        let update = Update {
            is_joining: is_joining && at == 0,
            versions,
            values,
            ..update(ctx, row, &replica)
        };
        send(ctx, region, "update", &update);
    }
    replica.progress = Progress::InProgress;
    // What lost its last label is not there any more, and is sent again if it gets one.
    replica.sent.retain(|id| labelled.contains_key(id));
    if let Place::Primary(replicas) = &mut row.place {
        replicas.insert(region.clone(), replica);
    }
    Ok(())
}

fn value(
    ctx: &mut Ctx<'_>,
    row: &SecretRow,
    id: &str,
    fresh: &[(&str, &Value)],
) -> Result<Sent, Refusal> {
    let sent = |value: &Value| Sent {
        version: id.to_owned(),
        is_text: value.is_text,
        bytes: serde_bytes::ByteBuf::from(value.bytes.to_vec()),
    };
    if let Some((_, value)) = fresh.iter().find(|(known, _)| *known == id) {
        return Ok(sent(value));
    }
    let sealing = row
        .versions
        .get(id)
        .and_then(|version| version.sealing.clone());
    let sealing = sealing.ok_or_else(|| Refusal::internal("a version without a value is sent"))?;
    sealing::open(ctx, row, id, &sealing).map(|value| sent(&value))
}

fn update(ctx: &Ctx<'_>, row: &SecretRow, replica: &ReplicaRow) -> Update {
    Update {
        address: address(row, replica.join),
        revision: replica.revision,
        is_joining: false,
        force: replica.force,
        key: replica.key.clone(),
        caller: CallerRow::of(&ctx.caller()),
        description: row.description.clone(),
        tags: row.tags.clone(),
        policy: row.policy.clone(),
        dates: (row.created, row.changed),
        rotated: row.rotated,
        rotation: row.rotation.clone(),
        versions: BTreeMap::new(),
        values: Vec::new(),
    }
}

/// The address of a replica of `row`.
#[must_use]
pub fn address(row: &SecretRow, join: u64) -> Address {
    Address {
        account: row.account.clone(),
        name: row.name.clone(),
        suffix: row.suffix.clone(),
        join,
    }
}

/// ReplicateSecretToRegions.
pub(super) fn replicate(
    ctx: &mut Ctx<'_>,
    request: ReplicateSecretToRegionsRequest,
) -> Result<ReplicateSecretToRegionsResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    let wanted = wanted(ctx, &request.add_replica_regions)?;
    let force = request.force_overwrite_replica_secret.unwrap_or_default();
    begin(ctx, &mut row, wanted, force, &[])?;
    Ok(ReplicateSecretToRegionsResponse {
        arn: Some(ids::arn(ctx, &row)),
        replication_status: status(&row),
    })
}
