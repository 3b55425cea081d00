//! UpdateTable with ReplicaUpdates: replicas come and go (DDB-032 to DDB-047).
//!
//! ```text
//!   source: checks, reserves --make_replica--> new Region: may the caller? is the name free?
//!           CREATING <------------ answer ---- a table that fills
//!           items and tombstones ============> merged as they come
//!           ACTIVE   <------- group record --- after 15 to 50 s, or about 10 minutes (DDB-040)
//! ```
//!
//! Left out: MRSC, witnesses, DDB-022 and DDB-060 (replicas removed after 20 hours), tables of
//! several accounts, the service-linked role.

use faultline_proto::dynamodb::{
    CreateReplicationGroupMemberAction, ReplicationGroupUpdate, UpdateTableRequest,
    UpdateTableResponse,
};
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::encryption::MANAGED_ALIAS;
use super::error::DynamoError;
use super::keyspaces::{
    Encryption, Items, Replica, ReplicaStatus, Stream, TableRow, TableStatus, Tables,
};
use super::names::TableName;
use super::records::{DropReplica, GroupChange, MakeReplica};
use super::{backfill, describe, members, tables};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// How long the other Region may take to answer, microseconds.
const PATIENCE: u64 = 30_000_000;
/// How long the source is UPDATING after a replica was removed (DDB-040), microseconds.
const REMOVED_IN: (u64, u64) = (30_000_000, 47_000_000);

/// What a saga remembers.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    account: faultline_proto::names::AccountId,
    table: String,
    region: RegionName,
}

impl Asked {
    fn name(&self) -> TableName {
        TableName {
            account: self.account.clone(),
            name: self.table.clone(),
        }
    }
}

/// Adds or removes one replica.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    name: TableName,
    row: TableRow,
    request: &UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    // DDB-032: one action and nothing else.
    let alone = UpdateTableRequest {
        table_name: request.table_name.clone(),
        replica_updates: request.replica_updates.clone(),
        ..Default::default()
    };
    let [action] = request.replica_updates.as_slice() else {
        return Err(too_many().into());
    };
    if alone != *request {
        return Err(too_many().into());
    }
    // DDB-033.
    let settled = |replica: &Replica| match replica.status {
        ReplicaStatus::Active => true,
        ReplicaStatus::Asked | ReplicaStatus::Creating | ReplicaStatus::Deleting => false,
    };
    if row.status != TableStatus::Active || !row.replicas.values().all(settled) {
        return Err(DynamoError::InUse("updated", name.name).into());
    }
    match action {
        ReplicationGroupUpdate {
            create: Some(create),
            update: None,
            delete: None,
        } => create_replica(ctx, name, row, create),
        ReplicationGroupUpdate {
            create: None,
            update: None,
            delete: Some(delete),
        } => {
            let region = other_region(ctx, delete.region_name.as_deref())?;
            delete_replica(ctx, name, &row, region)
        }
        ReplicationGroupUpdate {
            create: None,
            update: Some(update),
            delete: None,
        } => {
            let region = other_region(ctx, update.region_name.as_deref())?;
            if !row.replicas.contains_key(&region) {
                return Err(no_member(&name, &region).into());
            }
            if update.kms_master_key_id.is_some() {
                // DDB-046.
                return Err(DynamoError::validation(
                    "KMSMasterKeyId of a replica cannot be changed through ReplicaUpdates. Use \
                     SSESpecification in the replica's own Region.",
                )
                .into());
            }
            Err(DynamoError::NotBuilt("ReplicaUpdates.Update").into())
        }
        _ => Err(too_many().into()),
    }
}

fn too_many() -> DynamoError {
    DynamoError::validation("more than one create or delete replica actions not allowed")
}

/// DDB-035.
fn no_member(name: &TableName, region: &RegionName) -> DynamoError {
    DynamoError::validation(format!(
        "Failed to update the replica of table with name: '{}' because one or more replicas were \
         not part of the global table. [{region}]",
        name.name
    ))
}

/// DDB-034.
fn already_a_table(name: &TableName) -> DynamoError {
    DynamoError::validation(format!(
        "Failed to create a the new replica of table with name: '{}' because one or more \
         replicas already existed as tables.",
        name.name
    ))
}

/// DDB-036, DDB-037: a Region that this world does not have is one that is not enabled.
fn other_region(ctx: &Ctx<'_>, text: Option<&str>) -> Result<RegionName, DynamoError> {
    let text = text.unwrap_or_default();
    if text == ctx.region().as_str() {
        return Err(DynamoError::validation(
            "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable or \
             DeleteTable as required.",
        ));
    }
    let peers = ctx.peers();
    peers
        .into_iter()
        .find(|peer| peer.as_str() == text)
        .ok_or_else(|| {
            DynamoError::validation(format!(
                "Failed to access the region {text}: region is disabled."
            ))
        })
}

fn create_replica(
    ctx: &mut Ctx<'_>,
    name: TableName,
    mut row: TableRow,
    create: &CreateReplicationGroupMemberAction,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let region = other_region(ctx, create.region_name.as_deref())?;
    if row.replicas.contains_key(&region) {
        return Err(already_a_table(&name).into());
    }
    tables::check_capacity_for_replicas(row.billing)?;
    let key = replica_key(&row.encryption, create.kms_master_key_id.as_ref())?;
    let mut others = row.replicas.clone();
    others.insert(
        ctx.region().clone(),
        tables::as_replica(&row, ReplicaStatus::Active),
    );
    let question = MakeReplica {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
        schema: row.schema.clone(),
        class: create.table_class_override.clone().or(row.class.clone()),
        key: key.clone(),
        members: others,
        has_items: ctx
            .first(Range::<Items>::under((row.id.as_str(),)))
            .is_some(),
    };
    let reserved = Replica {
        id: String::new(),
        status: ReplicaStatus::Asked,
        key,
    };
    row.replicas.insert(region.clone(), reserved);
    tables::save(ctx, &name, &row);
    ctx.ask(&region, "make_replica", encode(&question));
    ctx.give_up_after(PATIENCE);
    Ok(Progress::Open(Saga {
        kind: "create_replica",
        state: state(name, region),
    }))
}

fn state(name: TableName, region: RegionName) -> Vec<u8> {
    encode(&Asked {
        account: name.account,
        table: name.name,
        region,
    })
}

/// The key for a new replica: the same kind as the table's (DDB-043 to DDB-045).
fn replica_key(
    encryption: &Encryption,
    given: Option<&String>,
) -> Result<Option<String>, DynamoError> {
    match (encryption, given) {
        (Encryption::Owned { .. }, None) => Ok(None),
        (Encryption::Owned { .. }, Some(_)) => Err(DynamoError::invalid(
            "KMSMasterKeyId can only be specified for a replica of a table that is encrypted with a customer managed key",
        )),
        (Encryption::Kms { managed: true, .. }, None) => Ok(Some(MANAGED_ALIAS.to_owned())),
        (Encryption::Kms { managed: true, .. }, Some(key)) if key == MANAGED_ALIAS => {
            Ok(Some(MANAGED_ALIAS.to_owned()))
        }
        (Encryption::Kms { managed: true, .. }, Some(_)) => Err(DynamoError::invalid(
            "All replicas of a global table must use the same type of encryption key",
        )),
        (Encryption::Kms { .. }, Some(key)) if key == MANAGED_ALIAS => Err(DynamoError::invalid(
            "All replicas of a global table must use the same type of encryption key",
        )),
        (Encryption::Kms { .. }, Some(key)) => Ok(Some(key.clone())),
        (Encryption::Kms { .. }, None) => Err(DynamoError::invalid(
            "KMSMasterKeyId must be specified for each replica of a table that is encrypted with a customer managed key",
        )),
    }
}

fn delete_replica(
    ctx: &mut Ctx<'_>,
    name: TableName,
    row: &TableRow,
    region: RegionName,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    if !row.replicas.contains_key(&region) {
        return Err(no_member(&name, &region).into());
    }
    let question = DropReplica {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
    };
    ctx.ask(&region, "drop_replica", encode(&question));
    ctx.give_up_after(PATIENCE);
    Ok(Progress::Open(Saga {
        kind: "delete_replica",
        state: state(name, region),
    }))
}

/// The new Region has answered, or has not.
pub(super) fn resume_create(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let asked: Asked = decode(state)?;
    let name = asked.name();
    let row = tables::row_of(ctx, &name);
    let refusal = match (input, row) {
        (
            SagaInput::Answer {
                outcome: Ok(bytes), ..
            },
            Some(row),
        ) => {
            let replica: Replica = decode(bytes)?;
            return Ok(joined(ctx, &name, row, &asked.region, replica));
        }
        (
            SagaInput::Answer {
                outcome: Err(refusal),
                ..
            },
            _,
        ) => refusal,
        (SagaInput::Answer { .. }, None) => {
            ctx.schedule("dynamodb", ctx.elapsed(), "abandon", state.to_vec());
            DynamoError::NoTable(name.name.clone()).into()
        }
        (SagaInput::Deadline, _) => {
            // Whether the replica was made is not known: it is told that nobody wants it.
            ctx.schedule("dynamodb", ctx.elapsed(), "abandon", state.to_vec());
            let mut refusal: Refusal = DynamoError::Internal.into();
            refusal.definite = false;
            refusal
        }
        (SagaInput::Chunk { .. }, _) => return Err(Refusal::internal("a table has no body")),
    };
    unreserve(ctx, &asked);
    Err(refusal)
}

/// A refusal discards what this call wrote, so the reservation goes by a write that stays.
fn unreserve(ctx: &mut Ctx<'_>, asked: &Asked) {
    let name = asked.name();
    let Some(mut row) = tables::row_of(ctx, &name) else {
        return;
    };
    let reserved = row
        .replicas
        .get(&asked.region)
        .is_some_and(|replica| replica.status == ReplicaStatus::Asked);
    if reserved {
        row.replicas.remove(&asked.region);
        ctx.put_kept::<Tables>((&name.account, name.name.as_str()), &row);
    }
}

/// Tells a Region that a replica which it may have made is not wanted.
pub(super) fn abandon(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(asked) = decode::<Asked>(payload) else {
        return;
    };
    let group = tables::row_of(ctx, &asked.name()).map(|row| row.group);
    let question = DropReplica {
        account: asked.account,
        table: asked.table,
        group: group.unwrap_or_default(),
    };
    let saga = Saga {
        kind: "abandoned",
        state: Vec::new(),
    };
    let ask = (asked.region, "forget_replica".to_owned(), encode(&question));
    ctx.spawn("dynamodb", saga, vec![ask], None);
}

fn joined(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    mut row: TableRow,
    region: &RegionName,
    replica: Replica,
) -> Progress<Vec<u8>> {
    row.source_since = Some(ctx.elapsed().0);
    // DDB-006, DDB-007: a stream of both images, whatever there was.
    if row
        .stream
        .as_ref()
        .is_none_or(|stream| stream.view != BOTH_IMAGES)
    {
        row.stream = Some(Stream {
            view: BOTH_IMAGES.to_owned(),
            since: ctx.now(),
        });
    }
    let change = GroupChange::Member {
        region: region.clone(),
        replica: replica.clone(),
    };
    members::tell(ctx, name, &row, &change);
    // Its word that it is ready may have overtaken its answer.
    let ready = row
        .replicas
        .get(region)
        .is_some_and(|known| known.id == replica.id);
    if !ready {
        row.replicas.insert(region.clone(), replica);
    }
    tables::save(ctx, name, &row);
    backfill::begin(ctx, name, &row, region, false);
    answer(ctx, name, &row)
}

/// View type of the stream that replication reads.
pub(super) const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";

fn answer(ctx: &Ctx<'_>, name: &TableName, row: &TableRow) -> Progress<Vec<u8>> {
    let response = UpdateTableResponse {
        table_description: Some(describe::of(ctx, name, row)),
    };
    Progress::Done(response.encode_to_vec())
}

/// The Region of a replica that is to go has answered, or has not.
pub(super) fn resume_delete(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let asked: Asked = decode(state)?;
    let name = asked.name();
    match input {
        SagaInput::Answer { outcome, .. } => outcome?,
        SagaInput::Deadline => {
            let mut refusal: Refusal = DynamoError::Internal.into();
            refusal.definite = false;
            return Err(refusal);
        }
        SagaInput::Chunk { .. } => return Err(Refusal::internal("a table has no body")),
    };
    let mut row =
        tables::row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    if let Some(replica) = row.replicas.get_mut(&asked.region) {
        replica.status = ReplicaStatus::Deleting;
    }
    if row.status == TableStatus::Active {
        row.status = TableStatus::Updating;
        tables::wake(ctx, "ready", &name, &row, REMOVED_IN);
    }
    tables::save(ctx, &name, &row);
    Ok(answer(ctx, &name, &row))
}

/// The refusal when the name is taken in the asked Region.
pub(super) fn taken(name: &TableName) -> DynamoError {
    already_a_table(name)
}
