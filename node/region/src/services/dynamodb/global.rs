//! UpdateTable with ReplicaUpdates: replicas come and go (DDB-032 to DDB-047).
//!
//! ```text
//!   source: checks, reserves --make_replica--> new Region: may the caller? is the name free?
//!           CREATING <------------ answer ---- a table that fills
//!           items and tombstones ============> merged as they come
//!           ACTIVE   <------- group record --- after 15 to 50 s, or about 10 minutes (DDB-040)
//! ```
//!
//! MRSC is in `strong`. Left out: DDB-022 (Regions that an account disables), tables of several
//! accounts, the service-linked role, UpdateReplicationGroupMemberAction.

use faultline_proto::dynamodb::{
    CreateReplicationGroupMemberAction, ReplicationGroupUpdate, UpdateTableRequest,
    UpdateTableResponse,
};
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};

use super::encryption::MANAGED_ALIAS;
use super::error::DynamoError;
use super::keyspaces::{Encryption, Items, Replica, ReplicaStatus, TableRow, TableStatus};
use super::names::TableName;
use super::records::{DropReplica, MakeReplica};
use super::sagas::state;
use super::tables;
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// How long the other Region may take to answer, microseconds.
const PATIENCE: u64 = 30_000_000;

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
    if row.status != TableStatus::Active || !is_settled(&row) {
        return Err(DynamoError::InUse("updated", name.name).into());
    }
    match action {
        ReplicationGroupUpdate {
            create: Some(create),
            update: None,
            delete: None,
            disassociate: None,
        } => create_replica(ctx, name, row, create),
        ReplicationGroupUpdate {
            create: None,
            update: None,
            delete: Some(delete),
            disassociate: None,
        } => {
            let region = other_region(ctx, delete.region_name.as_deref())?;
            delete_replica(ctx, name, &row, region)
        }
        ReplicationGroupUpdate {
            create: None,
            update: Some(update),
            delete: None,
            disassociate: None,
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

/// Whether no replica of a table comes or goes (DDB-033).
pub(super) fn is_settled(row: &TableRow) -> bool {
    row.replicas.values().all(|replica| match replica.status {
        ReplicaStatus::Active => true,
        ReplicaStatus::Asked | ReplicaStatus::Creating | ReplicaStatus::Deleting => false,
    })
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
pub(super) fn other_region(ctx: &Ctx<'_>, text: Option<&str>) -> Result<RegionName, DynamoError> {
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
        strong: false,
        witness: None,
    };
    let reserved = Replica {
        id: String::new(),
        status: ReplicaStatus::Asked,
        key,
        inaccessible: None,
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

/// The key for a new replica: the same kind as the table's (DDB-043 to DDB-045).
pub(super) fn replica_key(
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

/// The refusal when the name is taken in the asked Region.
pub(super) fn taken(name: &TableName) -> DynamoError {
    already_a_table(name)
}
