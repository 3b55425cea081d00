//! Replicated bytes and objects a second, beside what opening, copying and sealing alone do with as
//! many bytes in the same run.
//!
//! Objects are put before the first one's turn comes, so that only their replication is measured:
//! from then until the last is COMPLETED.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use faultline::clock::Span;
use faultline::transport::{self, Loopback, Transport};
use faultline_proto::driving::Settings;
use faultline_proto::names::RegionName;
use faultline_proto::{kms, s3};
use faultline_region::vault::SecretKey;

use crate::bodies::{HERE, THERE, World, text};
use crate::clock::{Clock, Passed, peak_memory};
use crate::table::{Aim, Table};

/// Bytes of an object, how many of them, and how that is called.
const SIZES: [(usize, usize, &str); 3] = [
    (64 << 10, 256, "64 KiB"),
    (1 << 20, 32, "1 MiB"),
    (64 << 20, 1, "64 MiB"),
];
/// Objects of 1 KiB.
const SMALL: usize = 4000;
const CHUNK: usize = 64 << 10;
/// Bytes that are opened, copied and sealed alone.
const RAW: usize = 256 << 20;
/// An hour's turn: longer than all puts take.
const MEDIAN: u64 = 3600 * 1_000_000;

/// All rows.
pub fn all(table: &mut Table) {
    let raw_name = "opened, copied and sealed alone, 64 KiB chunks";
    let mut raw = 0.0;
    for over in ["loopback", "grpc"] {
        for (length, count, size) in SIZES {
            for sealing in ["SSE-S3", "SSE-KMS"] {
                let name = format!("replicated, {size} objects, {sealing}, {over}");
                if !table.wants(&name) {
                    continue;
                }
                if raw == 0.0 {
                    raw = alone();
                    table.row(raw_name, raw, "MiB/s", None, Aim::None);
                }
                let passed = replicate(over, length, count, sealing == "SSE-KMS");
                let mib = (length * count) as f64 / f64::from(1 << 20);
                let a_core = mib / passed.processor.as_secs_f64();
                let wall = mib / passed.wall.as_secs_f64();
                let aim = if over == "loopback" {
                    Aim::AtLeast(0.5 * raw)
                } else {
                    Aim::None
                };
                table.row(&name, a_core, "MiB/s", Some(wall), aim);
            }
        }
        let name = format!("replicated, 1 KiB objects, {over}");
        if table.wants(&name) {
            let passed = replicate(over, 1 << 10, SMALL, false);
            let a_core = SMALL as f64 / passed.processor.as_secs_f64();
            let wall = SMALL as f64 / passed.wall.as_secs_f64();
            table.row(&name, a_core, "/s", Some(wall), Aim::None);
            let memory = peak_memory("self");
            let name = format!("peak memory of this process after them, {over}");
            table.row(&name, memory, "MiB", None, Aim::None);
        }
    }
}

/// Chunks that are opened, copied and sealed again, MiB a second of processor time.
fn alone() -> f64 {
    let key = SecretKey::new([7; 32]);
    let sealed = key.seal([1; 12], b"bench", &vec![3_u8; CHUNK]);
    let clock = Clock::start();
    for _ in 0..RAW / CHUNK {
        let opened = key.open(b"bench", &sealed).expect("it opens");
        let copied = black_box(opened.clone());
        black_box(key.seal([2; 12], b"bench", &copied));
    }
    let passed = clock.passed();
    (RAW >> 20) as f64 / passed.processor.as_secs_f64()
}

fn carried(over: &str, folder: &Path) -> Box<dyn Transport> {
    match over {
        "loopback" => Box::new(Loopback::new()),
        _ => transport::embedded(folder).expect("a runtime"),
    }
}

/// Puts objects and measures until all of them have arrived.
fn replicate(over: &str, length: usize, count: usize, under_kms: bool) -> Passed {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        s3_replication_median: MEDIAN,
        ..Settings::default()
    };
    let world = World::with(carried(over, folder.path()), settings);
    world.set_up();
    let keys = under_kms.then(|| [HERE, THERE].map(|region| key(&world, region)));
    if let Some([_, there]) = &keys {
        opt_in(&world, there);
    }
    let body: Bytes = (0..length)
        .map(|at| (at / 7 % 251) as u8)
        .collect::<Vec<u8>>()
        .into();
    for at in 0..count {
        let request = s3::PutObjectRequest {
            bucket: text("photos"),
            key: Some(format!("photo-{at}")),
            server_side_encryption: keys.as_ref().and_then(|_| text("aws:kms")),
            ssekms_key_id: keys.as_ref().map(|[here, _]| here.clone()),
            ..Default::default()
        };
        world.call(HERE, &request, Some(body.clone()));
    }
    assert_eq!(
        arrived(&world),
        0,
        "replication has begun before it was measured"
    );
    let clock = Clock::start();
    for _ in 0..10_000 {
        world.sleep(Span::secs(60));
        if arrived(&world) == count as u64 {
            return clock.passed();
        }
    }
    panic!("{} of {count} arrived", arrived(&world));
}

/// Deliveries that are COMPLETED.
fn arrived(world: &World) -> u64 {
    let region = RegionName::new(HERE).expect("a Region name");
    let arguments = serde_json::json!({ "bucket": "photos" });
    let seen = world.look(&region, "replication_metrics", &arguments);
    seen["metrics"][0]["operations_completed"]
        .as_u64()
        .unwrap_or_default()
}

fn key(world: &World, region: &str) -> String {
    let made = world.call(region, &kms::CreateKeyRequest::default(), None);
    made.key_metadata
        .and_then(|key| key.arn)
        .expect("a key has an ARN")
}

/// The rule of the set-up, for objects under KMS as well.
fn opt_in(world: &World, replica_key: &str) {
    let get = s3::GetBucketReplicationRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    let mut config = world.call(HERE, &get, None).replication_configuration;
    for rule in config.iter_mut().flat_map(|config| &mut config.rules) {
        rule.source_selection_criteria = Some(s3::SourceSelectionCriteria {
            sse_kms_encrypted_objects: Some(s3::SseKmsEncryptedObjects {
                status: text("Enabled"),
            }),
            ..Default::default()
        });
        if let Some(target) = &mut rule.destination {
            target.encryption_configuration = Some(s3::EncryptionConfiguration {
                replica_kms_key_id: text(replica_key),
            });
        }
    }
    let put = s3::PutBucketReplicationRequest {
        bucket: text("photos"),
        replication_configuration: config,
        ..Default::default()
    };
    world.call(HERE, &put, None);
}
