//! Secrets Manager as its users see it, fact by fact.

mod copying;
mod keys;
mod lives;
mod rotating;
mod rows;
mod sharing;
mod storms;
mod stranding;

use faultline_proto::driving::Failure;
use faultline_proto::{kms, secretsmanager as api};

use crate::testing::{ACCOUNT, Credential, World};

pub(super) const HERE: &str = "eu-west-1";
pub(super) const THERE: &str = "us-east-1";
pub(super) const VALUE: &str = "the password of 2026";

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A token that tells versions apart.
pub(super) fn token(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

pub(super) fn world() -> (World, Credential) {
    let world = World::new(&[HERE, THERE]);
    let root = world.root(ACCOUNT);
    (world, root)
}

pub(super) fn key(world: &mut World, region: &str, policy: Option<String>) -> String {
    let root = world.root(ACCOUNT);
    let request = kms::CreateKeyRequest {
        policy,
        ..Default::default()
    };
    let made = world.call(region, &root, &request).unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

pub(super) fn create(name: &str, key: Option<&str>) -> api::CreateSecretRequest {
    api::CreateSecretRequest {
        name: some(name),
        client_request_token: Some(token(1)),
        secret_string: some(VALUE),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) fn get(id: &str) -> api::GetSecretValueRequest {
    api::GetSecretValueRequest {
        secret_id: some(id),
        ..Default::default()
    }
}

pub(super) fn put(id: &str, n: u32, value: &str) -> api::PutSecretValueRequest {
    api::PutSecretValueRequest {
        secret_id: some(id),
        client_request_token: Some(token(n)),
        secret_string: some(value),
        ..Default::default()
    }
}

pub(super) fn describe(world: &mut World, region: &str, id: &str) -> api::DescribeSecretResponse {
    let root = world.root(ACCOUNT);
    let request = api::DescribeSecretRequest {
        secret_id: some(id),
    };
    world.call(region, &root, &request).unwrap()
}

pub(super) fn read(world: &mut World, region: &str, id: &str) -> Result<String, String> {
    let root = world.root(ACCOUNT);
    let found = world.call(region, &root, &get(id)).map_err(told)?;
    Ok(found.secret_string.unwrap())
}

/// A refusal as `Code: message`.
pub(super) fn told(failure: Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

/// A name's code only.
pub(super) fn code<T>(outcome: Result<T, Failure>) -> String {
    outcome
        .err()
        .map(|failure| failure.code)
        .unwrap_or_default()
}

pub(super) fn delete(id: &str) -> api::DeleteSecretRequest {
    api::DeleteSecretRequest {
        secret_id: some(id),
        ..Default::default()
    }
}

pub(super) fn force(id: &str) -> api::DeleteSecretRequest {
    api::DeleteSecretRequest {
        force_delete_without_recovery: Some(true),
        ..delete(id)
    }
}

pub(super) fn replicate(
    id: &str,
    region: &str,
    key: Option<&str>,
) -> api::ReplicateSecretToRegionsRequest {
    api::ReplicateSecretToRegionsRequest {
        secret_id: some(id),
        add_replica_regions: vec![api::ReplicaRegionType {
            region: some(region),
            kms_key_id: key.map(str::to_owned),
        }],
        force_overwrite_replica_secret: None,
    }
}

pub(super) fn promote(id: &str) -> api::StopReplicationToReplicaRequest {
    api::StopReplicationToReplicaRequest {
        secret_id: some(id),
    }
}

/// Status and message of the replica in [`THERE`], as the primary says.
pub(super) fn status(world: &mut World, id: &str) -> (String, String) {
    let found = describe(world, HERE, id).replication_status;
    let one = found.first().cloned().unwrap_or_default();
    (
        one.status.unwrap_or_default(),
        one.status_message.unwrap_or_default(),
    )
}

/// Stages of the version `n`.
pub(super) fn stages(world: &mut World, region: &str, id: &str, n: u32) -> Vec<String> {
    let found = describe(world, region, id).version_ids_to_stages;
    found
        .get(&token(n))
        .map(|stages| stages.items.clone())
        .unwrap_or_default()
}
