//! Global tables: how late a write is on links of several lengths, and how long a backlog takes
//! to be worked off after a cut.

use faultline::clock::Span;
use faultline::network::link::{Bandwidth, Link};
use faultline::transport::Loopback;
use faultline_proto::driving::Settings;
use faultline_proto::dynamodb::attribute_value::Value;
use faultline_proto::dynamodb::{
    AttributeDefinition, AttributeValue, BatchWriteItemRequest, CreateReplicationGroupMemberAction,
    CreateTableRequest, KeySchemaElement, PutItemRequest, PutRequest, ReplicationGroupUpdate,
    UpdateTableRequest, WriteRequest, WriteRequests,
};
use faultline_proto::names::RegionName;

use crate::bodies::{HERE, THERE, World, text};
use crate::clock::{Clock, peak_memory};
use crate::table::{Aim, Table};

const TABLE: &str = "orders";
/// One-way latencies of links, milliseconds.
const LATENCIES: [u64; 3] = [1, 40, 150];
/// Writes whose lag is averaged.
const WRITES: usize = 500;
/// Items that wait for a link.
const BACKLOG: usize = 100_000;
/// Items of a BatchWriteItem.
const BATCH: usize = 25;

/// All rows.
pub fn all(table: &mut Table) {
    for latency in LATENCIES {
        let name = format!("replication lag of a table, link of {latency} ms one way, loopback");
        if table.wants(&name) {
            lag(table, &name, latency);
        }
    }
    let name = format!("a backlog of {BACKLOG} items of a table after a cut, loopback");
    if table.wants(&name) {
        backlog(table, &name);
    }
}

fn lag(table: &mut Table, name: &str, latency: u64) {
    let world = global_table(Some(Link {
        latency: Span::millis(latency),
        jitter: Span::ZERO,
        bandwidth: Bandwidth::gbit(5),
    }));
    for at in 0..WRITES {
        let put = PutItemRequest {
            table_name: text(TABLE),
            item: item(at),
            ..PutItemRequest::default()
        };
        world.call(HERE, &put, None);
    }
    world.sleep(Span::secs(2));
    let there = RegionName::new(THERE).expect("a Region name");
    let arguments = serde_json::json!({ "table_name": TABLE });
    let seen = world.look(&there, "replication_latency", &arguments);
    let pair = &seen["pairs"][0];
    let figure = |member: &str| pair[member].as_u64().expect("a number") as f64;
    assert_eq!(figure("samples"), WRITES as f64, "{seen}");
    table.row(
        &format!("{name}: average, simulated"),
        figure("average"),
        "ms",
        None,
        Aim::None,
    );
    table.row(
        &format!("{name}: maximum, simulated"),
        figure("maximum"),
        "ms",
        None,
        Aim::None,
    );
}

fn backlog(table: &mut Table, name: &str) {
    let world = global_table(None);
    let cut = world.cut();
    for first in (0..BACKLOG).step_by(BATCH) {
        let items = (first..first + BATCH).map(|at| WriteRequest {
            put_request: Some(PutRequest { item: item(at) }),
            delete_request: None,
        });
        let items = items.collect();
        let write = BatchWriteItemRequest {
            request_items: [(TABLE.to_owned(), WriteRequests { items })].into(),
            ..BatchWriteItemRequest::default()
        };
        world.call(HERE, &write, None);
    }
    let memory = peak_memory("self");
    assert_eq!(waiting(&world), BACKLOG as u64);
    world.heal(cut);
    let (clock, since) = (Clock::start(), world.now());
    while waiting(&world) > 0 {
        world.sleep(Span::secs(1));
    }
    let passed = clock.passed();
    let simulated = (world.now().0 - since.0) as f64 / 1e6;
    let a_core = BACKLOG as f64 / passed.processor.as_secs_f64();
    let wall = BACKLOG as f64 / passed.wall.as_secs_f64();
    table.row(
        &format!("{name}: simulated"),
        simulated,
        "s",
        None,
        Aim::None,
    );
    table.row(
        &format!("{name}: real"),
        passed.wall.as_secs_f64(),
        "s",
        None,
        Aim::None,
    );
    table.row(
        &format!("{name}: items"),
        a_core,
        "/s",
        Some(wall),
        Aim::None,
    );
    let added = peak_memory("self") - memory;
    table.row(
        &format!("{name}: memory that it added"),
        added,
        "MiB",
        None,
        Aim::None,
    );
}

/// Envelopes of the table that wait in its home.
fn waiting(world: &World) -> u64 {
    let here = RegionName::new(HERE).expect("a Region name");
    let arguments = serde_json::json!({ "table_name": TABLE });
    let seen = world.look(&here, "replication", &arguments);
    seen["streams"][0]["waiting"].as_u64().unwrap_or_default()
}

fn item(at: usize) -> std::collections::BTreeMap<String, AttributeValue> {
    let value = |text: String| AttributeValue {
        value: Some(Value::S(text)),
    };
    [
        ("id".to_owned(), value(format!("order-{at:06}"))),
        ("note".to_owned(), value("n".repeat(50))),
    ]
    .into()
}

/// Two Regions with a replica of a table each.
fn global_table(link: Option<Link>) -> World {
    let world = World::linked(Box::new(Loopback::new()), Settings::default(), link);
    let create = CreateTableRequest {
        table_name: text(TABLE),
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: text("id"),
            attribute_type: text("S"),
        }],
        key_schema: vec![KeySchemaElement {
            attribute_name: text("id"),
            key_type: text("HASH"),
        }],
        billing_mode: text("PAY_PER_REQUEST"),
        ..CreateTableRequest::default()
    };
    world.call(HERE, &create, None);
    world.sleep(Span::secs(10));
    let replica = ReplicationGroupUpdate {
        create: Some(CreateReplicationGroupMemberAction {
            region_name: text(THERE),
            ..CreateReplicationGroupMemberAction::default()
        }),
        ..ReplicationGroupUpdate::default()
    };
    let update = UpdateTableRequest {
        table_name: text(TABLE),
        replica_updates: vec![replica],
        ..UpdateTableRequest::default()
    };
    world.call(HERE, &update, None);
    world.sleep(Span::secs(60));
    world
}
