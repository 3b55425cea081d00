//! What DynamoDB promises, by the ids of the facts.

mod asking;
mod conflicts;
mod encryption;
mod expiring;
mod indexing;
mod items;
mod lagging;
mod lasting;
mod permissions;
mod queries;
mod replicas;
mod rows;
mod strong;
mod strong_many;
mod tables;
mod transactions;

use std::collections::BTreeMap;

use faultline_proto::dynamodb::attribute_value::Value as Wire;
use faultline_proto::dynamodb::{
    AttributeDefinition, AttributeValue, CreateReplicationGroupMemberAction, CreateTableRequest,
    DeleteItemRequest, DeleteReplicationGroupMemberAction, DescribeTableRequest, GetItemRequest,
    KeySchemaElement, PutItemRequest, ReplicationGroupUpdate, TableDescription, UpdateItemRequest,
    UpdateTableRequest, UpdateTableResponse,
};
use serde_json::{Value as Json, json};

use crate::testing::{ACCOUNT, Credential, Failure, Note, World};

const HOME: &str = "eu-west-1";
const FAR: &str = "us-east-1";
const THIRD: &str = "ap-southeast-2";
const TABLE: &str = "orders";

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue {
        value: Some(Wire::S(text.to_owned())),
    }
}

fn number(text: &str) -> AttributeValue {
    AttributeValue {
        value: Some(Wire::N(text.to_owned())),
    }
}

type Members = BTreeMap<String, AttributeValue>;

fn members(pairs: &[(&str, &str)]) -> Members {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), text(value)))
        .collect()
}

/// Code and message.
fn no<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> (String, String) {
    let failure = outcome.expect_err("it must be refused");
    (failure.code, failure.message)
}

fn world() -> World {
    World::new(&[HOME, FAR, THIRD])
}

fn table_request() -> CreateTableRequest {
    CreateTableRequest {
        table_name: some(TABLE),
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: some("id"),
            attribute_type: some("S"),
        }],
        key_schema: vec![KeySchemaElement {
            attribute_name: some("id"),
            key_type: some("HASH"),
        }],
        billing_mode: some("PAY_PER_REQUEST"),
        ..Default::default()
    }
}

/// A table that is ready, as the account's root user.
fn table(world: &mut World) -> Credential {
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &table_request()).unwrap();
    world.advance(10);
    root
}

fn create_in(region: &str) -> UpdateTableRequest {
    UpdateTableRequest {
        table_name: some(TABLE),
        replica_updates: vec![ReplicationGroupUpdate {
            create: Some(CreateReplicationGroupMemberAction {
                region_name: some(region),
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn delete_in(region: &str) -> UpdateTableRequest {
    UpdateTableRequest {
        table_name: some(TABLE),
        replica_updates: vec![ReplicationGroupUpdate {
            delete: Some(DeleteReplicationGroupMemberAction {
                region_name: some(region),
            }),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn add_replica(world: &mut World, region: &str) -> Result<UpdateTableResponse, Failure> {
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &create_in(region))
}

/// A global table in these Regions that is ready.
fn global_table(world: &mut World, others: &[&str]) -> Credential {
    let root = table(world);
    for region in others {
        add_replica(world, region).unwrap();
        world.advance(60);
    }
    root
}

fn describe(world: &mut World, region: &str) -> Result<TableDescription, Failure> {
    let root = world.root(ACCOUNT);
    let request = DescribeTableRequest {
        table_name: some(TABLE),
    };
    world
        .call(region, &root, &request)
        .map(|answer| answer.table.expect("a table"))
}

fn status(world: &mut World, region: &str) -> String {
    describe(world, region).map_or_else(
        |failure| failure.code,
        |table| table.table_status.expect("a status"),
    )
}

fn put(world: &mut World, region: &str, pairs: &[(&str, &str)]) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = PutItemRequest {
        table_name: some(TABLE),
        item: members(pairs),
        ..Default::default()
    };
    world.call(region, &root, &request).map(drop)
}

fn get(world: &mut World, region: &str, id: &str) -> Result<Members, Failure> {
    let root = world.root(ACCOUNT);
    let request = GetItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", id)]),
        consistent_read: Some(true),
        ..Default::default()
    };
    world
        .call(region, &root, &request)
        .map(|answer| answer.item)
}

/// One attribute's text; empty when item or attribute is not there.
fn read(world: &mut World, region: &str, id: &str, attribute: &str) -> String {
    match get(world, region, id).unwrap().get(attribute) {
        Some(AttributeValue {
            value: Some(Wire::S(text) | Wire::N(text)),
        }) => text.clone(),
        _ => String::new(),
    }
}

fn delete(world: &mut World, region: &str, id: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = DeleteItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", id)]),
        ..Default::default()
    };
    world.call(region, &root, &request).map(drop)
}

fn set(id: &str, attribute: &str, value: &str) -> UpdateItemRequest {
    UpdateItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", id)]),
        update_expression: some("SET #a = :v"),
        expression_attribute_names: BTreeMap::from([("#a".to_owned(), attribute.to_owned())]),
        expression_attribute_values: BTreeMap::from([(":v".to_owned(), text(value))]),
        ..Default::default()
    }
}

fn look(world: &mut World, region: &str, what: &str) -> Json {
    world.look(region, what, &json!({ "table_name": TABLE }))
}

/// The same digest everywhere.
fn equal(world: &mut World, regions: &[&str]) {
    let digests: Vec<Json> = regions
        .iter()
        .map(|region| look(world, region, "table_digest")["digest"].clone())
        .collect();
    assert!(digests[0].is_string());
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
}

fn notes(world: &World, kind: &str) -> Vec<Note> {
    world
        .notes
        .iter()
        .filter(|(_, note)| {
            note.kind == kind
                && note
                    .fields
                    .get("service")
                    .is_some_and(|of| of == "dynamodb")
        })
        .map(|(_, note)| note.clone())
        .collect()
}
