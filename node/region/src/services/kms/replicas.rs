//! ReplicateKey, and how a set of related keys learns who belongs to it (K-091 to K-110).
//!
//! ```text
//!   primary: state, role, nobody there yet; notes the replica; asks ---> replica Region:
//!                                                kms:CreateKey by IAM, lock-out check,
//!   answers the call; tells the others   <------ key in Creating, Enabled some seconds later
//! ```
//!
//! Every change of a view is told to every member as a record; views merge (see `members`).
//! When no answer comes, the client is told so and the primary goes on asking whether there is
//! a replica; the question stands behind the first one in the same stream, so its answer is
//! final.

use std::collections::BTreeMap;

use faultline_proto::kms::{KeyMetadata, ReplicateKeyRequest, ReplicateKeyResponse};
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::key_materials::KeyMaterials;
use super::keyspaces::KeyRow;
use super::material::{self, Shipped};
use super::members::Members;
use super::relatives::{settle_deletion, tell};
use super::resolve::{self, Accepts, Target, by_id, usable};
use super::rotation::Rotation;
use super::specs::{Kind, Origin};
use super::states::{KeyState, Use};
use super::{conditions, create, journal, policies, promotion, quotas, rotation, tags, trail};
use crate::context::{Ctx, decode, encode};
use crate::quotas::Quota;
use crate::refusal::Refusal;
use crate::service::{RemoteCall, SagaInput};

/// How long a call waits for another Region, microseconds.
pub(crate) const PATIENCE: u64 = 30_000_000;

/// The question that makes a replica.
#[derive(Serialize, Deserialize)]
pub(crate) struct Making {
    account: AccountId,
    id: KeyId,
    description: String,
    policy: Option<String>,
    bypass: Option<bool>,
    tags: BTreeMap<String, String>,
    members: Members,
    kind: Kind,
    materials: KeyMaterials,
    rotation: Rotation,
    bytes: Vec<Shipped>,
}

/// What the primary remembers of a ReplicateKey.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    account: AccountId,
    id: KeyId,
    region: RegionName,
}

/// A primary, by role and not by state (K-097, K-098); state was checked before.
pub(crate) fn check_primary(row: &KeyRow) -> Result<Members, KmsError> {
    match &row.members {
        Some(members) if row.is_primary() => Ok(members.clone()),
        _ => Err(KmsError::NotPrimary(row.arn.to_string())),
    }
}

/// ReplicateKey.
pub(crate) fn replicate(
    ctx: &mut Ctx<'_>,
    request: ReplicateKeyRequest,
) -> Result<Progress<ReplicateKeyResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::Replicate,
    )?;
    let mut members = check_primary(&row)?;
    let wanted = request.replica_region.unwrap_or_default();
    let Some(region) = ctx
        .core
        .regions
        .iter()
        .find(|region| region.as_str() == wanted)
        .cloned()
    else {
        return Err(KmsError::NoSuchRegion(wanted).into());
    };
    if members.has(&region) {
        return Err(KmsError::ReplicaExists(row.arn.to_string(), wanted).into());
    }
    let tags = tags::read(&request.tags)?;
    members.add(&region);
    let row = KeyRow {
        members: Some(members.clone()),
        ..KeyRow::clone(&row)
    };
    resolve::save(ctx, &row);
    let making = Making {
        account: row.account.clone(),
        id: row.id.clone(),
        description: request.description.unwrap_or_default(),
        policy: request.policy,
        bypass: request.bypass_policy_lockout_safety_check,
        tags,
        members,
        kind: row.kind,
        materials: row.materials.clone(),
        rotation: row.rotation.clone(),
        // K-122: imported material is for its owner to bring.
        bytes: match row.kind.origin {
            Origin::External => Vec::new(),
            _ => material::ship(ctx, &row)?,
        },
    };
    ctx.ask(&region, "create_replica", encode(&making));
    ctx.give_up_after(PATIENCE);
    let waiting = Waiting {
        account: row.account.clone(),
        id: row.id.clone(),
        region,
    };
    Ok(Progress::Open(Saga {
        kind: "replicate_key",
        state: encode(&waiting),
    }))
}

/// The primary hears of the replica, or does not.
pub(crate) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let waiting: Waiting = decode(state)?;
    match input {
        SagaInput::Answer {
            outcome: Ok(answer),
            ..
        } => {
            let mut answer = ReplicateKeyResponse::decode(answer).map_err(|error| {
                Refusal::internal(format!("the replica's answer does not decode: {error}"))
            })?;
            made(ctx, &waiting);
            show(ctx, &mut answer);
            Ok(Progress::Done(answer.encode_to_vec()))
        }
        SagaInput::Answer {
            outcome: Err(refusal),
            ..
        } => {
            // The refusal discards what is written here; a timer is kept.
            if refusal.code != "AlreadyExistsException" {
                let now = ctx.elapsed();
                ctx.schedule("kms", now, "replica_refused", state.to_vec());
            }
            Err(refusal)
        }
        SagaInput::Deadline => {
            let now = ctx.elapsed();
            ctx.schedule("kms", now, "replica_unknown", state.to_vec());
            Err(KmsError::DependencyTimeout.into())
        }
        SagaInput::Chunk { .. } => Err(Refusal::internal("ReplicateKey has no body")),
    }
}

/// K-267: the trail shows the replica's metadata and policy.
fn show(ctx: &mut Ctx<'_>, answer: &mut ReplicateKeyResponse) {
    let metadata = answer
        .replica_key_metadata
        .get_or_insert_with(KeyMetadata::default);
    ctx.frame_mut().response_elements = Some(json!({
        "replicaKeyMetadata": trail::metadata(metadata),
        "replicaPolicy": answer.replica_policy,
    }));
}

/// A replica exists: everybody learns of everybody.
fn made(ctx: &mut Ctx<'_>, waiting: &Waiting) {
    let Some(row) = resolve::current(ctx, &waiting.account, &waiting.id) else {
        return;
    };
    tell(ctx, &row);
    // A rotation that is under way waits for this one too; what it missed meanwhile it gets.
    rotation::welcome(ctx, &row, &waiting.region);
    if row.is_primary() {
        return;
    }
    // The role went elsewhere meanwhile: what the new primary sent, nobody was there to take.
    let members = row.members.iter().flat_map(Members::regions);
    let others = members.filter(|region| **region != *ctx.region() && **region != waiting.region);
    for region in others.cloned().collect::<Vec<_>>() {
        ctx.replicate(&region, "kms", "kms", "replica_made", encode(waiting));
    }
}

/// Another member, which asked for a replica as the primary, says that it exists.
pub(crate) fn came(ctx: &mut Ctx<'_>, body: &[u8]) {
    if let Ok(waiting) = decode::<Waiting>(body)
        && let Some(row) = resolve::current(ctx, &waiting.account, &waiting.id)
        && row.is_primary()
    {
        rotation::welcome(ctx, &row, &waiting.region);
    }
}

/// No replica came of it.
pub(crate) fn refused(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(waiting) = decode::<Waiting>(payload) else {
        return;
    };
    let Some(mut row) = resolve::current(ctx, &waiting.account, &waiting.id) else {
        return;
    };
    if let Some(members) = &mut row.members {
        members.remove(&waiting.region);
    }
    settle_deletion(ctx, &mut row);
    resolve::save(ctx, &row);
    tell(ctx, &row);
    rotation::arrived(ctx, &mut row);
}

/// Nothing was answered: asks whether there is a replica, for as long as it takes.
pub(crate) fn unknown(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(waiting) = decode::<Waiting>(payload) else {
        return;
    };
    let saga = Saga {
        kind: "has_replica",
        state: payload.to_vec(),
    };
    ctx.spawn(
        "kms",
        saga,
        vec![(waiting.region, "has_replica".to_owned(), payload.to_vec())],
        None,
    );
}

/// The answer to [`unknown`].
pub(crate) fn resume_unknown(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Progress<Vec<u8>> {
    match input {
        SagaInput::Answer {
            outcome: Ok([1]), ..
        } => {
            if let Ok(waiting) = decode::<Waiting>(state) {
                made(ctx, &waiting);
            }
        }
        SagaInput::Answer { .. } => refused(ctx, state),
        SagaInput::Deadline | SagaInput::Chunk { .. } => unknown(ctx, state),
    }
    Progress::Done(Vec::new())
}

/// What the making of a replica touches here: CreateKey, by IAM only (K-102, K-267).
pub(crate) fn making_access(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let making: Making = decode(body)?;
    let mut accesses = conditions::making(
        ctx,
        Some("REPLICA"),
        making.kind,
        &tags::shown(&making.tags),
    );
    if let Some(access) = accesses.first_mut() {
        access.context.set_flag(
            "kms:bypasspolicylockoutsafetycheck",
            making.bypass.unwrap_or(false),
        );
    }
    ctx.audit_parameters(json!({
        "policy": making.policy,
        "description": making.description,
        "multiRegion": true,
        "bypassPolicyLockoutSafetyCheck": making.bypass.unwrap_or(false),
        "keyUsage": making.kind.usage.text(),
        "keySpec": making.kind.spec.text(),
        "origin": making.kind.origin.text(),
    }));
    Ok(RemoteCall {
        event: Some("CreateKey"),
        read_only: false,
        accesses,
        charge: Some(quotas::charge(Quota::CreateKey, 2)),
    })
}

/// Makes the replica; independent values are the service's defaults, not the primary's (K-105).
pub(crate) fn make(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let making: Making = decode(body)?;
    let arn = making.id.arn(ctx.region(), &making.account);
    if let Target::Here(row, _) = by_id(ctx, making.account.clone(), &making.id) {
        return Err(KmsError::ReplicaExists(row.arn.to_string(), ctx.region().to_string()).into());
    }
    let policy = making
        .policy
        .unwrap_or_else(|| policies::default_policy(&making.account));
    policies::read(ctx, &policy)?;
    material::take_in(ctx, &making.account, &making.id, &making.bytes);
    let mut materials = making.materials;
    if making.kind.origin == Origin::External {
        materials.lose_all();
    }
    let row = KeyRow {
        arn,
        managed_for: None,
        kind: making.kind,
        state: KeyState::Creating,
        description: making.description,
        policy,
        created: ctx.now(),
        materials,
        rotation: making.rotation,
        tags: making.tags.clone(),
        aliases: Default::default(),
        grants: 0,
        members: Some(making.members),
        id: making.id,
        account: making.account,
    };
    policies::check_lockout(ctx, &row, making.bypass)?;
    quotas::count_key(ctx, &row.account)?;
    resolve::save(ctx, &row);
    journal::born(ctx, &row);
    promotion::settle_later(ctx, &row, String::new());
    ctx.touches(row.arn.as_str());
    ctx.frame_mut().response_elements = Some(json!({ "keyMetadata": create::shown(&row) }));
    let answer = ReplicateKeyResponse {
        replica_key_metadata: Some(row.metadata()),
        replica_policy: Some(row.policy.clone()),
        replica_tags: tags::shown(&making.tags),
    };
    Ok(answer.encode_to_vec())
}

/// Whether the key is here: one byte.
pub(crate) fn has(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let waiting: Waiting = decode(body)?;
    Ok(vec![u8::from(
        resolve::current(ctx, &waiting.account, &waiting.id).is_some(),
    )])
}
