//! UpdateTable of MRSC: three members come at once and go at once (DDB-069, DDB-073, DDB-074).
//!
//! ```text
//!   source: checks, reserves --make_replica--> both replicas, or a replica and a witness
//!           open  <------------ both answers    (or: both are told to forget it)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::{
    CreateReplicationGroupMemberAction, GlobalTableWitnessGroupUpdate, ReplicationGroupUpdate,
    UpdateTableRequest, UpdateTableResponse,
};
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::super::error::DynamoError;
use super::super::keyspaces::{
    Items, Registers, Replica, ReplicaStatus, StrongRow, StrongState, Strongs, TableRow,
    TableStatus, Tables, WitnessTimer,
};
use super::super::names::TableName;
use super::super::records::MakeReplica;
use super::super::{describe, global, group_settings, sagas, tables};
use super::{REGIONS, leaving, limits};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// How long the other Regions may take to answer, microseconds.
pub(super) const PATIENCE: u64 = 30_000_000;
/// How long the group takes to be made, without and with a witness (DDB-080), microseconds.
const MADE_IN: (u64, u64) = (12_000_000, 17_000_000);
const WITNESSED_IN: (u64, u64) = (60_000_000, 86_000_000);

/// The pause until a member is ready.
pub(in super::super) fn pause(witness: bool) -> (u64, u64) {
    if witness { WITNESSED_IN } else { MADE_IN }
}

/// What a saga remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) account: faultline_proto::names::AccountId,
    pub(super) table: String,
    /// Asked Regions in the order of the questions; whether it is the witness.
    pub(super) asked: Vec<(RegionName, bool)>,
    pub(super) answers: BTreeMap<RegionName, Replica>,
}

impl Change {
    pub(super) fn name(&self) -> TableName {
        TableName {
            account: self.account.clone(),
            name: self.table.clone(),
        }
    }
}

pub(super) fn wrong(text: &str) -> Refusal {
    DynamoError::validation(text).into()
}

/// Whether a call is about MRSC.
pub(in super::super) fn is_meant(
    ctx: &mut Ctx<'_>,
    row: &TableRow,
    request: &UpdateTableRequest,
) -> bool {
    request.multi_region_consistency.as_deref() == Some("STRONG")
        || !request.global_table_witness_updates.is_empty()
        || (!request.replica_updates.is_empty() && super::is(ctx, row))
}

/// Makes a table one of three, or of one again.
pub(in super::super) fn update(
    ctx: &mut Ctx<'_>,
    name: TableName,
    row: TableRow,
    request: &UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let alone = UpdateTableRequest {
        table_name: request.table_name.clone(),
        replica_updates: request.replica_updates.clone(),
        global_table_witness_updates: request.global_table_witness_updates.clone(),
        multi_region_consistency: request.multi_region_consistency.clone(),
        ..Default::default()
    };
    if alone != *request {
        return Err(wrong(
            "Changes of replicas and witnesses must be the only update in the request",
        ));
    }
    if row.status != TableStatus::Active || !global::is_settled(&row) {
        return Err(DynamoError::InUse("updated", name.name).into());
    }
    if super::is(ctx, &row) {
        return leaving::dissolve(ctx, name, row, request);
    }
    if request.multi_region_consistency.as_deref() != Some("STRONG") {
        return Err(wrong(
            "GlobalTableWitnessUpdates can only be used with MultiRegionConsistency STRONG",
        ));
    }
    if !row.replicas.is_empty() {
        return Err(wrong(
            "MultiRegionConsistency cannot be changed after a global table was created",
        ));
    }
    form(ctx, name, row, request)
}

/// The replicas and the witness that a request wants.
type Wanted<'m> = (
    Vec<(RegionName, &'m CreateReplicationGroupMemberAction)>,
    Option<RegionName>,
);

fn wanted<'m>(ctx: &Ctx<'_>, request: &'m UpdateTableRequest) -> Result<Wanted<'m>, Refusal> {
    let three = || {
        wrong(
            "A global table with MultiRegionConsistency STRONG must be created with exactly two \
             replicas, or with one replica and one witness, in one UpdateTable request",
        )
    };
    let mut replicas = Vec::new();
    for action in &request.replica_updates {
        let ReplicationGroupUpdate {
            create: Some(create),
            update: None,
            delete: None,
            disassociate: None,
        } = action
        else {
            return Err(three());
        };
        let region = global::other_region(ctx, create.region_name.as_deref())?;
        replicas.push((region, create));
    }
    let witness = match request.global_table_witness_updates.as_slice() {
        [] => None,
        [
            GlobalTableWitnessGroupUpdate {
                create: Some(create),
                delete: None,
            },
        ] => Some(global::other_region(ctx, create.region_name.as_deref())?),
        _ => return Err(three()),
    };
    let mut distinct: BTreeSet<&RegionName> = replicas.iter().map(|(region, _)| region).collect();
    distinct.extend(&witness);
    if replicas.len() + usize::from(witness.is_some()) != 2 || distinct.len() != 2 {
        return Err(three());
    }
    // DDB-077.
    let here = ctx.region();
    let unknown = distinct
        .into_iter()
        .chain([here])
        .find(|region| !REGIONS.lines().any(|known| known == region.as_str()));
    if let Some(region) = unknown {
        return Err(wrong(&format!(
            "MultiRegionConsistency STRONG is not supported in the region {region}"
        )));
    }
    Ok((replicas, witness))
}

fn form(
    ctx: &mut Ctx<'_>,
    name: TableName,
    mut row: TableRow,
    request: &UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let (replicas, witness) = wanted(ctx, request)?;
    tables::check_capacity_for_replicas(row.billing)?;
    limits::check_table(ctx, &row)?;
    let items = ctx.all(Range::<Items>::under((row.id.as_str(),)));
    if items.iter().any(|(_, item)| !item.deleted) {
        return Err(wrong(
            "MultiRegionConsistency STRONG can only be chosen for a table that is empty",
        ));
    }
    // What was deleted before has no ballot, and old ballots are nobody's.
    for ((_, place), _) in ctx.all(Range::<Registers>::under((row.id.as_str(),))) {
        ctx.delete::<Registers>((row.id.as_str(), place.as_slice()));
    }
    for ((_, place), _) in items {
        ctx.delete::<Items>((row.id.as_str(), place.as_slice()));
    }
    let mut keys = BTreeMap::new();
    for (region, create) in &replicas {
        let key = global::replica_key(&row.encryption, create.kms_master_key_id.as_ref())?;
        keys.insert(region.clone(), key);
    }
    let reserved = |key: &Option<String>, status| Replica {
        id: String::new(),
        status,
        key: key.clone(),
        inaccessible: None,
    };
    let own = tables::as_replica(&row, ReplicaStatus::Active);
    for (region, create) in &replicas {
        let mut members = BTreeMap::from([(ctx.region().clone(), own.clone())]);
        for (other, key) in keys.iter().filter(|(other, _)| *other != region) {
            members.insert(other.clone(), reserved(key, ReplicaStatus::Creating));
        }
        let class = create.table_class_override.clone().or(row.class.clone());
        let key = keys[region].clone();
        let question = make(&name, &row, class, key, members, witness.clone());
        ctx.ask(region, "make_replica", encode(&question));
    }
    if let Some(region) = &witness {
        let question = make(
            &name,
            &row,
            None,
            None,
            BTreeMap::new(),
            Some(region.clone()),
        );
        ctx.ask(region, "make_witness", encode(&question));
    }
    for (region, key) in &keys {
        let replica = reserved(key, ReplicaStatus::Asked);
        row.replicas.insert(region.clone(), replica);
    }
    tables::save(ctx, &name, &row);
    let strong = StrongRow {
        witness: witness.clone().map(|region| (region, false)),
        state: StrongState::Forming,
    };
    ctx.put::<Strongs>(row.id.as_str(), &strong);
    ctx.give_up_after(PATIENCE);
    let asked = replicas.into_iter().map(|(region, _)| (region, false));
    let change = Change {
        account: name.account,
        table: name.name,
        asked: asked.chain(witness.map(|region| (region, true))).collect(),
        answers: BTreeMap::new(),
    };
    Ok(open("strong_form", &change))
}

fn make(
    name: &TableName,
    row: &TableRow,
    class: Option<String>,
    key: Option<String>,
    members: BTreeMap<RegionName, Replica>,
    witness: Option<RegionName>,
) -> MakeReplica {
    MakeReplica {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
        schema: row.schema.clone(),
        class,
        key,
        members,
        has_items: false,
        strong: true,
        witness,
    }
}

pub(super) fn open<T>(kind: &'static str, change: &Change) -> Progress<T> {
    Progress::Open(Saga {
        kind,
        state: encode(change),
    })
}

/// One of the asked Regions has answered, or none will.
pub(in super::super) fn formed(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut change: Change = decode(state)?;
    let name = change.name();
    let refusal = match input {
        SagaInput::Answer {
            ordinal,
            outcome: Ok(bytes),
        } => {
            let at = usize::try_from(ordinal).unwrap_or(usize::MAX);
            if let Some((region, _)) = change.asked.get(at) {
                change.answers.insert(region.clone(), decode(bytes)?);
            }
            if change.answers.len() < change.asked.len() {
                return Ok(open("strong_form", &change));
            }
            match tables::row_of(ctx, &name) {
                Some(row) => return Ok(complete(ctx, &name, row, &change)),
                None => DynamoError::NoTable(name.name.clone()).into(),
            }
        }
        SagaInput::Answer {
            outcome: Err(refusal),
            ..
        } => refusal,
        SagaInput::Deadline | SagaInput::Chunk { .. } => {
            let mut refusal: Refusal = DynamoError::Internal.into();
            refusal.definite = false;
            refusal
        }
    };
    for (region, _) in &change.asked {
        let state = sagas::state(name.clone(), region.clone());
        ctx.schedule("dynamodb", ctx.elapsed(), "abandon", state);
    }
    if let Some(mut row) = tables::row_of(ctx, &name) {
        let strong = StrongRow {
            witness: None,
            state: StrongState::Dissolved,
        };
        ctx.put_kept::<Strongs>(row.id.as_str(), &strong);
        row.replicas.clear();
        ctx.put_kept::<Tables>((&name.account, name.name.as_str()), &row);
    }
    Err(refusal)
}

fn complete(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    mut row: TableRow,
    change: &Change,
) -> Progress<Vec<u8>> {
    let mut witness = None;
    for (region, is_witness) in &change.asked {
        let replica = change.answers[region].clone();
        if *is_witness {
            witness = Some(region.clone());
            continue;
        }
        // Its word that it is ready may have overtaken its answer.
        let known = row.replicas.get(region);
        if known.is_none_or(|known| known.id != replica.id) {
            row.replicas.insert(region.clone(), replica);
        }
        group_settings::tell_one(ctx, name, &row, region);
    }
    joined(ctx, &row, witness);
    tables::save(ctx, name, &row);
    answer(ctx, name, &row)
}

/// This Region's table is one of three from now on.
pub(in super::super) fn joined(ctx: &mut Ctx<'_>, row: &TableRow, witness: Option<RegionName>) {
    if let Some(region) = &witness {
        let timer = WitnessTimer {
            id: row.id.clone(),
            region: region.clone(),
        };
        let (from, to) = WITNESSED_IN;
        let pause = from + ctx.entropy().below("dynamodb.pause", to - from);
        let at = ctx.elapsed().plus_micros(pause);
        ctx.schedule("dynamodb", at, "witness_active", encode(&timer));
    }
    let strong = StrongRow {
        witness: witness.map(|region| (region, false)),
        state: StrongState::Open,
    };
    ctx.put::<Strongs>(row.id.as_str(), &strong);
}

/// A witness is shown as ACTIVE from now on.
pub(in super::super) fn witness_active(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(timer) = decode::<WitnessTimer>(payload) else {
        return;
    };
    if let Some(strong) = ctx.get::<Strongs>(timer.id.as_str())
        && strong.state != StrongState::Dissolved
    {
        let strong = StrongRow {
            witness: Some((timer.region, true)),
            ..strong
        };
        ctx.put::<Strongs>(timer.id.as_str(), &strong);
    }
}

pub(super) fn answer(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) -> Progress<Vec<u8>> {
    let mut description = describe::of(ctx, name, row);
    super::shown(ctx, row, &mut description);
    let response = UpdateTableResponse {
        table_description: Some(description),
    };
    Progress::Done(response.encode_to_vec())
}
