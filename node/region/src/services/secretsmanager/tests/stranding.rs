//! Removed replicas, and those that nobody removes.

use super::*;

fn remove(id: &str) -> api::RemoveRegionsFromReplicationRequest {
    api::RemoveRegionsFromReplicationRequest {
        secret_id: some(id),
        remove_replica_regions: vec![THERE.to_owned()],
    }
}

fn replicated() -> (World, Credential) {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    world
        .call(HERE, &root, &replicate("db", THERE, None))
        .unwrap();
    world.settle();
    (world, root)
}

// SEC-011, SEC-015
#[test]
fn a_removed_replica_goes_a_little_later_without_a_window() {
    let (mut world, root) = replicated();
    assert_eq!(
        told(world.call(HERE, &root, &force("db")).unwrap_err()),
        "InvalidRequestException: You can't delete secret db that still has replica regions [us-east-1]"
    );
    let left = world.call(HERE, &root, &remove("db")).unwrap();
    assert!(left.replication_status.is_empty());
    world.advance(30);
    assert_eq!(read(&mut world, THERE, "db").unwrap(), VALUE, "not at once");
    world.advance(70);
    assert!(
        read(&mut world, THERE, "db")
            .unwrap_err()
            .starts_with("ResourceNotFound")
    );
    world.call(HERE, &root, &force("db")).unwrap();
}

// SEC-012, SEC-013
#[test]
fn a_forced_deletion_outruns_the_removal_and_strands_the_replica() {
    let (mut world, root) = replicated();
    world.call(HERE, &root, &remove("db")).unwrap();
    world.call(HERE, &root, &force("db")).unwrap();
    world.advance(3600);
    assert_eq!(
        read(&mut world, THERE, "db").unwrap(),
        VALUE,
        "still readable"
    );
    assert_eq!(
        code(world.call(THERE, &root, &force("db"))),
        "InvalidParameterException"
    );
    // It is in the way of a new secret of that name, even of one that overwrites.
    world.call(HERE, &root, &create("db", None)).unwrap();
    let forced = api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..replicate("db", THERE, None)
    };
    world.call(HERE, &root, &forced).unwrap();
    world.settle();
    let (status_word, why) = status(&mut world, "db");
    assert_eq!(status_word, "Failed");
    assert!(
        why.contains("currently replicated to us-east-1 with a different arn"),
        "{why}"
    );
    // The cure.
    world.call(THERE, &root, &promote("db")).unwrap();
    world.call(THERE, &root, &force("db")).unwrap();
    world.call(HERE, &root, &forced).unwrap();
    world.settle();
    assert_eq!(status(&mut world, "db").0, "InSync");
}

#[test]
fn a_replica_that_joins_again_outlives_its_removal() {
    let (mut world, root) = replicated();
    world.call(HERE, &root, &remove("db")).unwrap();
    world
        .call(HERE, &root, &replicate("db", THERE, None))
        .unwrap();
    world.advance(600);
    assert_eq!(status(&mut world, "db").0, "InSync");
    assert_eq!(read(&mut world, THERE, "db").unwrap(), VALUE);
}
