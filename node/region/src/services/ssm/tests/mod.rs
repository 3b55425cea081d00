//! Parameter Store as its users see it, fact by fact.

mod expiring;
mod lives;
mod paths;
mod rows;
mod secure;

use faultline_proto::driving::Failure;
use faultline_proto::ssm as api;

use crate::testing::{ACCOUNT, Credential, World};

pub(super) const HERE: &str = "eu-west-1";
pub(super) const THERE: &str = "us-east-1";

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn world() -> (World, Credential) {
    let world = World::new(&[HERE, THERE]);
    let root = world.root(ACCOUNT);
    (world, root)
}

pub(super) fn put(name: &str, kind: &str, value: &str) -> api::PutParameterRequest {
    api::PutParameterRequest {
        name: some(name),
        r#type: some(kind),
        value: some(value),
        ..Default::default()
    }
}

pub(super) fn over(name: &str, value: &str) -> api::PutParameterRequest {
    api::PutParameterRequest {
        overwrite: Some(true),
        r#type: None,
        ..put(name, "", value)
    }
}

pub(super) fn get(name: &str) -> api::GetParameterRequest {
    api::GetParameterRequest {
        name: some(name),
        with_decryption: Some(true),
    }
}

pub(super) fn read(world: &mut World, name: &str) -> Result<String, String> {
    let root = world.root(ACCOUNT);
    let found = world.call(HERE, &root, &get(name)).map_err(told)?;
    Ok(found.parameter.unwrap().value.unwrap())
}

/// A refusal as `Code: message`.
pub(super) fn told(failure: Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

pub(super) fn code<T>(outcome: Result<T, Failure>) -> String {
    outcome
        .err()
        .map(|failure| failure.code)
        .unwrap_or_default()
}
