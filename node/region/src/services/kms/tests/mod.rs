//! What KMS promises, by the ids of the facts.

mod authorization;
mod conditions;
mod cryptography;
mod grants;
mod import;
mod lifecycle;
mod misuse;
mod names;
mod operations;
mod pairs;
mod promotion;
mod quotas;
mod replicas;
mod rotation;
mod rows;
mod secrets;
mod states;
mod tags;
mod trail;
mod unsettled;

use std::collections::BTreeMap;

use faultline_proto::kms::{
    CreateKeyRequest, DecryptRequest, DescribeKeyRequest, EncryptRequest, KeyMetadata,
    ReplicateKeyRequest,
};

use crate::testing::{ACCOUNT, Credential, Failure, World};

const HOME: &str = "eu-west-1";
const FAR: &str = "us-east-1";
const THIRD: &str = "ap-southeast-2";

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn world() -> World {
    World::new(&[HOME, FAR, THIRD])
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    outcome.expect_err("it must be refused").code
}

/// Code and message.
fn no<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> (String, String) {
    let failure = outcome.expect_err("it must be refused");
    (failure.code, failure.message)
}

/// Makes a key of this kind at home, as the account's root user; its id.
fn key_of(world: &mut World, spec: &str, usage: &str, multi_region: bool) -> String {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        key_spec: some(spec),
        key_usage: some(usage),
        multi_region: Some(multi_region),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request);
    id(&made
        .expect("root makes keys")
        .key_metadata
        .expect("metadata"))
}

/// Makes a key as the account's root user.
fn key(world: &mut World, multi_region: bool) -> KeyMetadata {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        multi_region: Some(multi_region),
        ..Default::default()
    };
    world
        .call(HOME, &root, &request)
        .expect("root makes keys")
        .key_metadata
        .expect("metadata")
}

fn key_with_policy(world: &mut World, policy: &str) -> KeyMetadata {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        policy: some(policy),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    };
    world
        .call(HOME, &root, &request)
        .expect("root makes keys")
        .key_metadata
        .expect("metadata")
}

fn arn(key: &KeyMetadata) -> String {
    key.arn.clone().expect("an ARN")
}

fn id(key: &KeyMetadata) -> String {
    key.key_id.clone().expect("an id")
}

fn encrypt(
    world: &mut World,
    region: &str,
    who: &Credential,
    key: &str,
    text: &[u8],
) -> Result<Vec<u8>, Failure> {
    let request = EncryptRequest {
        key_id: some(key),
        plaintext: Some(text.to_vec()),
        ..Default::default()
    };
    world
        .call(region, who, &request)
        .map(|answer| answer.ciphertext_blob.expect("a blob"))
}

fn decrypt(
    world: &mut World,
    region: &str,
    who: &Credential,
    blob: &[u8],
) -> Result<Vec<u8>, Failure> {
    let request = DecryptRequest {
        ciphertext_blob: Some(blob.to_vec()),
        ..Default::default()
    };
    world
        .call(region, who, &request)
        .map(|answer| answer.plaintext.expect("plaintext"))
}

fn describe(world: &mut World, region: &str, key: &str) -> Result<KeyMetadata, Failure> {
    let root = world.root(ACCOUNT);
    let request = DescribeKeyRequest {
        key_id: some(key),
        ..Default::default()
    };
    world
        .call(region, &root, &request)
        .map(|answer| answer.key_metadata.expect("metadata"))
}

fn replicate(world: &mut World, from: &str, key: &str, to: &str) -> Result<KeyMetadata, Failure> {
    let root = world.root(ACCOUNT);
    let request = ReplicateKeyRequest {
        key_id: some(key),
        replica_region: some(to),
        ..Default::default()
    };
    world
        .call(from, &root, &request)
        .map(|answer| answer.replica_key_metadata.expect("metadata"))
}

/// A multi-Region key at home with usable replicas in these Regions; its id.
fn family(world: &mut World, replicas: &[&str]) -> String {
    let id = id(&key(world, true));
    for region in replicas {
        replicate(world, HOME, &id, region).expect("a replica is made");
    }
    world.advance(10);
    id
}

fn state(world: &mut World, region: &str, key: &str) -> String {
    describe(world, region, key)
        .expect("it is there")
        .key_state
        .expect("a state")
}

fn role(world: &mut World, region: &str, key: &str) -> String {
    let metadata = describe(world, region, key).expect("it is there");
    let set = metadata
        .multi_region_configuration
        .expect("a multi-Region key");
    set.multi_region_key_type.expect("a role")
}
