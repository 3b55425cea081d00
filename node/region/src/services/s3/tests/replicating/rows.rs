//! Rows of today are in the file of rows that must decode for ever.

use super::*;
use crate::services::s3::replication::{STAMPS, jobs, replica, rows};
use crate::store::golden;

#[test]
fn every_keyspace_of_replication_has_a_line_in_the_goldens() {
    let mut setup = setup();
    setup.replicate(vec![timed()]);
    let version = setup.put("a");
    setup.world.advance(600);
    let tagging = s3::PutObjectTaggingRequest {
        bucket: text("photos"),
        key: text("a"),
        tagging: Some(s3::Tagging {
            tag_set: vec![s3::Tag {
                key: text("team"),
                value: text("sea"),
            }],
        }),
        ..Default::default()
    };
    setup.world.call(HERE, &setup.root, &tagging).unwrap();
    setup.world.advance(60);
    setup.delete(THERE, "photos-copy", "a", Some(&version));
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("failed");
    setup.world.advance(600);
    setup.versioning(THERE, "photos-copy", "Enabled").unwrap();
    setup.batch_job("photos");
    let sent = body(150_000);
    let large = put("photos", "large");
    setup
        .world
        .upload(HERE, &setup.root, &large, &sent)
        .unwrap();
    setup.world.network.hold(THERE, HERE);
    setup.world.advance(30);
    // Its turn has not come.
    setup.put("waits");
    let file = include_str!("../../../../../goldens/rows.txt");
    let mut lines = golden::harvest(setup.world.store(HERE)).unwrap();
    lines.append(&mut golden::harvest(setup.world.store(THERE)).unwrap());
    let keyspaces = [rows::KEYSPACES, jobs::KEYSPACES, replica::KEYSPACES, STAMPS].concat();
    let missing = golden::unlisted(file, &keyspaces, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
