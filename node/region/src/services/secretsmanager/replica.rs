//! The replica's side: a copy under a key of its own Region.
//!
//! A replica decides for itself whether it can be read: neither the primary nor its Region is
//! asked (SEC-023). So promotion is a local call too, and works through an outage of the
//! primary's Region (SEC-010); the primary learns of it when it can.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::RegionName;
use faultline_proto::secretsmanager::{
    StopReplicationToReplicaRequest, StopReplicationToReplicaResponse, UpdateSecretResponse,
};
use zeroize::Zeroizing;

use super::error::Error;
use super::keyspaces::{Place, Sealing, SecretRow, Secrets, VersionRow};
use super::replication::{Address, Status, Update, address, send, tell};
use super::sealing::{self, Value};
use super::{deletion, ids, secrets, versions};
use crate::caller;
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;

/// Why an update is not taken.
enum No {
    /// There is no replica any more.
    Left,
    /// It failed, and the primary's status says why.
    Failed(String),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.message)
    }
}

fn stored(ctx: &mut Ctx<'_>, address: &Address) -> Option<SecretRow> {
    ctx.get::<Secrets>((&address.account, address.name.as_str()))
}

/// The primary has changed.
pub(super) fn update(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) -> Result<(), Refusal> {
    let update: Update = decode(body)?;
    let who = Arc::new(caller::restore(ctx, &update.caller));
    let outcome = ctx.as_caller(&who, |ctx| take(ctx, from, &update));
    let failure = match outcome {
        Ok(row) => {
            tell(ctx, &row, "secret_copied", None);
            None
        }
        Err(No::Left) => {
            send(ctx, from, "left", &update.address);
            return Ok(());
        }
        Err(No::Failed(why)) => Some(why),
    };
    let status = Status {
        address: update.address,
        revision: update.revision,
        failure,
    };
    send(ctx, from, "status", &status);
    Ok(())
}

/// What is there when an update comes.
enum Found {
    /// The replica.
    Replica(SecretRow),
    /// Nothing yet.
    Nothing,
    /// A secret that the replica is to take the place of (SEC-008).
    Overwritten(SecretRow),
}

fn before(ctx: &mut Ctx<'_>, from: &RegionName, update: &Update) -> Result<Found, No> {
    let Some(row) = stored(ctx, &update.address) else {
        return if update.is_joining {
            Ok(Found::Nothing)
        } else {
            Err(No::Left)
        };
    };
    match &row.place {
        Place::Replica { primary, join } => {
            if primary != from || row.suffix != update.address.suffix {
                // SEC-013: even when the call was to overwrite.
                let here = ctx.region();
                return Err(No::Failed(format!(
                    "Secret with this name is currently replicated to {here} with a different arn"
                )));
            }
            if *join != update.address.join && !update.is_joining {
                return Err(No::Left);
            }
            Ok(Found::Replica(row))
        }
        Place::Primary(_) if !update.is_joining => Err(No::Left),
        Place::Primary(replicas) if update.force && replicas.is_empty() => {
            Ok(Found::Overwritten(row))
        }
        // SEC-008.
        Place::Primary(_) => Err(No::Failed(
            "Secret with this name already exists in this region".to_owned(),
        )),
    }
}

fn blank(from: &RegionName, update: &Update) -> SecretRow {
    let address = &update.address;
    SecretRow {
        account: address.account.clone(),
        name: address.name.clone(),
        suffix: address.suffix.clone(),
        description: None,
        key: update.key.clone(),
        tags: BTreeMap::new(),
        policy: None,
        created: update.dates.0,
        changed: update.dates.1,
        accessed: None,
        rotated: None,
        versions: BTreeMap::new(),
        deletion: None,
        rotation: None,
        place: Place::Replica {
            primary: from.clone(),
            join: address.join,
        },
        joins: 0,
    }
}

/// Makes the replica what the update says, or changes nothing.
fn take(ctx: &mut Ctx<'_>, from: &RegionName, update: &Update) -> Result<SecretRow, No> {
    let (mut row, overwritten) = match before(ctx, from, update)? {
        Found::Replica(row) => (row, None),
        Found::Nothing => (blank(from, update), None),
        Found::Overwritten(old) => (blank(from, update), Some(old)),
    };
    if update.is_joining {
        row.key.clone_from(&update.key);
        row.place = Place::Replica {
            primary: from.clone(),
            join: update.address.join,
        };
        if row.key.is_some() {
            sealing::check_replica_key(ctx, &row)?;
        }
    }
    let sealed = seal(ctx, &row, update)?;
    let has = |id: &str| {
        let known = row.versions.get(id);
        sealed.contains_key(id) || known.is_some_and(|version| version.sealing.is_some())
    };
    if !update.versions.keys().all(|id| has(id)) {
        return Err(No::Failed(
            "A version of the secret did not arrive".to_owned(),
        ));
    }
    if let Some(old) = overwritten {
        deletion::erase(ctx, &old);
    }
    row.description.clone_from(&update.description);
    row.tags.clone_from(&update.tags);
    row.policy.clone_from(&update.policy);
    (row.created, row.changed) = update.dates;
    row.rotated = update.rotated;
    row.rotation.clone_from(&update.rotation);
    keep(ctx, &mut row, update, sealed);
    ids::save(ctx, &row);
    Ok(row)
}

type Sealed = BTreeMap<String, (Sealing, Vec<u8>)>;

fn seal(ctx: &mut Ctx<'_>, row: &SecretRow, update: &Update) -> Result<Sealed, Refusal> {
    let mut sealed = BTreeMap::new();
    for sent in &update.values {
        let value = Value {
            bytes: Zeroizing::new(sent.bytes.to_vec()),
            is_text: sent.is_text,
        };
        let one = sealing::seal(ctx, row, &sent.version, &value)?;
        sealed.insert(sent.version.clone(), one);
    }
    Ok(sealed)
}

/// The versions that the update names, and no others.
fn keep(ctx: &mut Ctx<'_>, row: &mut SecretRow, update: &Update, mut sealed: Sealed) {
    let gone: Vec<String> = row
        .versions
        .keys()
        .filter(|id| !update.versions.contains_key(*id))
        .cloned()
        .collect();
    for id in gone {
        versions::remove(ctx, row, &id);
    }
    for (id, (created, stages)) in &update.versions {
        let known = row.versions.remove(id).unwrap_or_default();
        let mut version = VersionRow {
            created: *created,
            stages: stages.clone(),
            ..known
        };
        if let Some((sealing, bytes)) = sealed.remove(id) {
            versions::put_value(ctx, row, id, bytes);
            version.sealing = Some(sealing);
        }
        row.versions.insert(id.clone(), version);
    }
}

/// The primary no longer wants this replica (SEC-011).
pub(super) fn removed(ctx: &mut Ctx<'_>, from: &RegionName, body: &[u8]) -> Result<(), Refusal> {
    let address: Address = decode(body)?;
    if let Some(row) = stored(ctx, &address)
        && let Place::Replica { primary, join } = &row.place
        && primary == from
        && *join == address.join
        && row.suffix == address.suffix
    {
        deletion::erase(ctx, &row);
    }
    Ok(())
}

/// StopReplicationToReplica: the replica becomes a secret of its own (SEC-010).
pub(super) fn promote(
    ctx: &mut Ctx<'_>,
    request: StopReplicationToReplicaRequest,
) -> Result<StopReplicationToReplicaResponse, Refusal> {
    let mut row = ids::any(ctx, request.secret_id.as_deref())?;
    let Place::Replica { primary, join } = row.place.clone() else {
        return Err(Error::request(
            "You can't stop replication of a secret that is not a replica. Call must be made in the replica secret's region.",
        )
        .into());
    };
    row.place = Place::Primary(BTreeMap::new());
    // How the primary rotated is the primary's.
    row.rotation = None;
    ids::save(ctx, &row);
    tell(ctx, &row, "secret_promoted", None);
    let address = address(&row, join);
    send(ctx, &primary, "left", &address);
    Ok(StopReplicationToReplicaResponse {
        arn: Some(ids::arn(ctx, &row)),
    })
}

/// Another key of a replica: the one thing that can be changed (SEC-002).
///
/// # Errors
/// EncryptionFailure, DecryptionFailure, AccessDeniedException.
pub fn rekey(
    ctx: &mut Ctx<'_>,
    mut row: SecretRow,
    key: Option<String>,
) -> Result<UpdateSecretResponse, Refusal> {
    secrets::rekey(ctx, &mut row, key)?;
    ids::save(ctx, &row);
    if let Place::Replica { primary, join } = row.place.clone() {
        let address = address(&row, join);
        send(ctx, &primary, "key", &(address, row.key.clone()));
    }
    Ok(UpdateSecretResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
        version_id: None,
    })
}
