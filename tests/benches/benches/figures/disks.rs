//! Snapshots and copies of disks: bytes a second beside opening and sealing them alone, what a
//! snapshot of 10,000 blocks takes, and memory.
//!
//! A snapshot moves no bytes: it takes the map of its volume, so its figure is time. A copy under
//! another key opens and seals each block; one from another Region also seals it for the link.

use std::hint::black_box;
use std::path::Path;

use faultline::clock::Span;
use faultline::transport::{self, Loopback, Transport};
use faultline_proto::driving::Settings;
use faultline_proto::{ec2, kms};
use faultline_region::vault::SecretKey;

use crate::bodies::{HERE, THERE, World, text};
use crate::clock::{Clock, Passed, peak_memory};
use crate::table::{Aim, Table};

const BLOCK: usize = 64 << 10;
/// Blocks of the disk that is copied: 64 MiB.
const COPIED: u64 = 1024;
/// Blocks of the large disk.
const LARGE: u64 = 10_000;
/// Of which so many change.
const CHANGED: u64 = 100;
/// Most blocks that are planted at once.
const PLANTED: u64 = 512;
/// Bytes that are opened and sealed alone.
const RAW: usize = 256 << 20;

/// All rows.
pub fn all(table: &mut Table) {
    let mut raw = 0.0;
    for over in ["loopback", "grpc"] {
        for (name, region) in [("within the Region", HERE), ("to another Region", THERE)] {
            let name = format!("EBS copy under another key {name}, 64 MiB, {over}");
            if !table.wants(&name) {
                continue;
            }
            if raw == 0.0 {
                raw = alone();
                table.row(
                    "EBS blocks opened and sealed alone",
                    raw,
                    "MiB/s",
                    None,
                    Aim::None,
                );
            }
            let passed = copy(over, region);
            let mib = ((COPIED as usize * BLOCK) >> 20) as f64;
            let (a_core, wall) = (
                mib / passed.processor.as_secs_f64(),
                mib / passed.wall.as_secs_f64(),
            );
            table.row(&name, a_core, "MiB/s", Some(wall), Aim::None);
        }
        large(table, over);
    }
}

/// Blocks that are opened and sealed again, MiB a second of processor time.
fn alone() -> f64 {
    let key = SecretKey::new([7; 32]);
    let sealed = key.seal([1; 12], b"bench", &vec![3_u8; BLOCK]);
    let clock = Clock::start();
    for _ in 0..RAW / BLOCK {
        let opened = key.open(b"bench", &sealed).expect("it opens");
        black_box(key.seal([2; 12], b"bench", &opened));
    }
    (RAW >> 20) as f64 / clock.passed().processor.as_secs_f64()
}

fn carried(over: &str, folder: &Path) -> Box<dyn Transport> {
    match over {
        "loopback" => Box::new(Loopback::new()),
        _ => transport::embedded(folder).expect("a runtime"),
    }
}

/// A volume of so many whole blocks.
fn disk(world: &World, blocks: u64) -> String {
    let create = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1a"),
        size: Some(1),
        encrypted: Some(true),
        kms_key_id: Some(key(world, HERE)),
        ..Default::default()
    };
    let id = world.call(HERE, &create, None).volume_id.expect("an id");
    world.sleep(Span::secs(3));
    fill(world, &id, 0, blocks, "row");
    id
}

fn fill(world: &World, volume: &str, first: u64, blocks: u64, content: &str) {
    let mut done = 0;
    while done < blocks {
        let some = PLANTED.min(blocks - done);
        let plant = serde_json::json!({ "volume_id": volume, "content": content, "block": first + done, "blocks": some });
        let answer = world.plant(HERE, "volume_content", &plant);
        assert_eq!(answer["bytes"], some * BLOCK as u64, "{answer}");
        done += some;
    }
}

fn key(world: &World, region: &str) -> String {
    let made = world.call(region, &kms::CreateKeyRequest::default(), None);
    made.key_metadata
        .and_then(|key| key.arn)
        .expect("a key has an ARN")
}

fn snapshot(world: &World, volume: &str) -> String {
    let create = ec2::CreateSnapshotRequest {
        volume_id: text(volume),
        ..Default::default()
    };
    world.call(HERE, &create, None).snapshot_id.expect("an id")
}

fn wait(world: &World, region: &str, snapshot: &str) {
    let request = ec2::DescribeSnapshotsRequest {
        snapshot_ids: vec![snapshot.to_owned()],
        ..Default::default()
    };
    for _ in 0..10_000 {
        let found = world.call(region, &request, None).snapshots;
        match found.first().and_then(|found| found.state.as_deref()) {
            Some("completed") => return,
            Some("pending") => world.sleep(Span::secs(1)),
            other => panic!("{snapshot} is {other:?}"),
        }
    }
    panic!("{snapshot} never ends");
}

fn copied(world: &World, region: &str, snapshot: &str, key: &str) -> Passed {
    let request = ec2::CopySnapshotRequest {
        source_region: text(HERE),
        source_snapshot_id: text(snapshot),
        encrypted: Some(true),
        kms_key_id: text(key),
        ..Default::default()
    };
    let clock = Clock::start();
    let copy = world.call(region, &request, None).snapshot_id;
    wait(world, region, &copy.expect("an id"));
    clock.passed()
}

fn copy(over: &str, region: &str) -> Passed {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::with(carried(over, folder.path()), Settings::default());
    let volume = disk(&world, COPIED);
    let snapshot = snapshot(&world, &volume);
    wait(&world, HERE, &snapshot);
    let key = key(&world, region);
    copied(&world, region, &snapshot, &key)
}

/// 10,000 blocks: the first snapshot, the next one, its copy after the first's, memory.
fn large(table: &mut Table, over: &str) {
    let name = |what: &str| format!("EBS 10,000 blocks, {over}: {what}");
    if !table.wants(&name("")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::with(carried(over, folder.path()), Settings::default());
    let volume = disk(&world, LARGE);
    let key = key(&world, THERE);
    let before = peak_memory("self");
    let taken = |table: &mut Table, what: &str| {
        let clock = Clock::start();
        let snapshot = snapshot(&world, &volume);
        let passed = clock.passed();
        let (figure, wall) = (passed.processor.as_secs_f64(), passed.wall.as_secs_f64());
        table.row(&name(what), figure * 1e3, "ms", Some(wall * 1e3), Aim::None);
        wait(&world, HERE, &snapshot);
        snapshot
    };
    let first = taken(table, "the first snapshot");
    let after = peak_memory("self");
    table.row(
        &name("memory that it added at the peak"),
        after - before,
        "MiB",
        None,
        Aim::None,
    );
    let passed = copied(&world, THERE, &first, &key);
    let mib = ((LARGE as usize * BLOCK) >> 20) as f64;
    let (a_core, wall) = (
        mib / passed.processor.as_secs_f64(),
        mib / passed.wall.as_secs_f64(),
    );
    table.row(
        &name("its copy in another Region"),
        a_core,
        "MiB/s",
        Some(wall),
        Aim::None,
    );
    fill(&world, &volume, 17, CHANGED, "changed");
    let second = taken(table, "a snapshot after 100 have changed");
    let passed = copied(&world, THERE, &second, &key);
    let (figure, wall) = (passed.processor.as_secs_f64(), passed.wall.as_secs_f64());
    table.row(
        &name("the copy of that one"),
        figure,
        "s",
        Some(wall),
        Aim::None,
    );
    table.row(
        &name("peak memory"),
        peak_memory("self"),
        "MiB",
        None,
        Aim::None,
    );
}
