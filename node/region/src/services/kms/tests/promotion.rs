//! UpdatePrimaryRegion.

use faultline_proto::kms::{DisableKeyRequest, UpdatePrimaryRegionRequest};

use super::*;
use crate::testing::Crash;
use crate::testing::people::allow;

fn ask(key: &str, to: &str) -> UpdatePrimaryRegionRequest {
    UpdatePrimaryRegionRequest {
        key_id: some(key),
        primary_region: some(to),
    }
}

fn promote(world: &mut World, from: &str, key: &str, to: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    world.call(from, &root, &ask(key, to)).map(|_| ())
}

/// At no moment of the whole run do two Regions hold the primary (the oracle's claim, K-094).
fn at_most_one_primary(world: &World) {
    let mut roles: BTreeMap<(String, String), String> = BTreeMap::new();
    for (_, note) in world
        .notes
        .iter()
        .filter(|(_, note)| note.kind == "key_role")
    {
        let field = |name: &str| note.fields[name].clone();
        roles.insert((field("key_id"), field("region")), field("role"));
        let primaries = roles
            .iter()
            .filter(|((id, _), role)| *id == field("key_id") && *role == "PRIMARY");
        assert!(primaries.count() <= 1, "{roles:?}");
    }
}

#[test]
fn k_111_k_114_roles_change_while_cryptography_goes_on() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR, THIRD]);
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    promote(&mut world, HOME, &id, FAR).unwrap();
    for region in [HOME, FAR] {
        assert_eq!(state(&mut world, region, &id), "Updating");
        assert_eq!(decrypt(&mut world, region, &root, &blob).unwrap(), b"4242");
        let refused = no(world.call(region, &root, &DisableKeyRequest { key_id: some(&id) }));
        assert_eq!(refused.0, "KMSInvalidStateException");
        assert!(refused.1.ends_with("is updating."));
    }
    // The new primary cannot be replicated yet.
    assert_eq!(
        code(replicate(&mut world, FAR, &id, "eu-north-1")),
        "KMSInvalidStateException"
    );
    world.advance(10);
    for (region, wanted) in [(HOME, "REPLICA"), (FAR, "PRIMARY"), (THIRD, "REPLICA")] {
        assert_eq!(
            (
                state(&mut world, region, &id).as_str(),
                role(&mut world, region, &id).as_str()
            ),
            ("Enabled", wanted)
        );
        let set = describe(&mut world, region, &id)
            .unwrap()
            .multi_region_configuration
            .unwrap();
        assert_eq!(set.primary_key.unwrap().region.as_deref(), Some(FAR));
        assert_eq!(set.replica_keys.len(), 2);
    }
    at_most_one_primary(&world);
}

#[test]
fn k_111_only_a_primary_with_a_replica_there_can_be_asked() {
    let mut world = world();
    let id_multi = family(&mut world, &[FAR]);
    assert_eq!(
        code(promote(&mut world, HOME, &id_multi, THIRD)),
        "NotFoundException"
    );
    assert_eq!(
        code(promote(&mut world, FAR, &id_multi, HOME)),
        "UnsupportedOperationException"
    );
    let single = id(&key(&mut world, false));
    assert_eq!(
        code(promote(&mut world, HOME, &single, FAR)),
        "UnsupportedOperationException"
    );
}

#[test]
fn k_112_both_key_policies_matter_and_k_268_both_regions_record() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    let arn_home = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{id}");
    let half = world.user(
        ACCOUNT,
        "half",
        &allow(&["kms:UpdatePrimaryRegion"], &[&arn_home]),
    );
    assert_eq!(
        code(world.call(HOME, &half, &ask(&id, FAR))),
        "AccessDeniedException"
    );
    world.advance(1);
    assert_eq!(
        (state(&mut world, HOME, &id), state(&mut world, FAR, &id)),
        ("Enabled".to_owned(), "Enabled".to_owned())
    );
    let whole = world.user(
        ACCOUNT,
        "whole",
        &allow(&["kms:UpdatePrimaryRegion"], &["*"]),
    );
    world.call(HOME, &whole, &ask(&id, FAR)).unwrap();
    let events: Vec<_> = world
        .audit
        .iter()
        .filter(|event| event.event_name == "UpdatePrimaryRegion")
        .collect();
    let seen: Vec<(&str, &str, &str)> = events
        .iter()
        .map(|event| {
            (
                event.region.as_str(),
                event.error_code.as_str(),
                event.invoked_by.as_str(),
            )
        })
        .collect();
    let denied = "AccessDenied";
    let kms = "kms.amazonaws.com";
    assert_eq!(
        seen,
        [
            (FAR, denied, kms),
            (HOME, denied, ""),
            (FAR, "", kms),
            (HOME, "", "")
        ]
    );
}

#[test]
fn k_113_both_keys_must_be_enabled() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    world
        .call(FAR, &root, &DisableKeyRequest { key_id: some(&id) })
        .unwrap();
    let text = format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id} is disabled.");
    assert_eq!(
        no(promote(&mut world, HOME, &id, FAR)),
        ("DisabledException".to_owned(), text)
    );
    world.advance(1);
    assert_eq!(state(&mut world, HOME, &id), "Enabled");
}

#[test]
fn k_110_a_region_that_does_not_answer_changes_nothing() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    world.cut(HOME, FAR);
    let failure = promote(&mut world, HOME, &id, FAR).unwrap_err();
    assert_eq!(failure.code, "DependencyTimeoutException");
    world.advance(600);
    assert_eq!(
        (state(&mut world, HOME, &id), role(&mut world, HOME, &id)),
        ("Enabled".to_owned(), "PRIMARY".to_owned())
    );
    world.heal(HOME, FAR);
    world.advance(120);
    // The late question was followed by the word that nothing came of it.
    assert_eq!(
        (state(&mut world, FAR, &id), role(&mut world, FAR, &id)),
        ("Enabled".to_owned(), "REPLICA".to_owned())
    );
    promote(&mut world, HOME, &id, FAR).unwrap();
    world.advance(10);
    assert_eq!(role(&mut world, FAR, &id), "PRIMARY");
    at_most_one_primary(&world);
}

#[test]
fn a_cut_after_the_agreement_leaves_no_second_primary_and_heals() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let call = world.begin(HOME, &root, &ask(&id, FAR));
    while world.outcome(&call).is_none() {
        assert!(world.deliver_one());
    }
    world.cut(HOME, FAR);
    world.advance(600);
    assert_eq!(role(&mut world, HOME, &id), "REPLICA");
    assert_eq!(
        (state(&mut world, FAR, &id), role(&mut world, FAR, &id)),
        ("Updating".to_owned(), "REPLICA".to_owned())
    );
    world.heal(HOME, FAR);
    world.advance(120);
    assert_eq!(
        (state(&mut world, FAR, &id), role(&mut world, FAR, &id)),
        ("Enabled".to_owned(), "PRIMARY".to_owned())
    );
    at_most_one_primary(&world);
}

#[test]
fn a_crash_at_any_point_leaves_one_primary_in_the_end() {
    for region in [HOME, FAR] {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            for messages in 0..4 {
                let mut world = world();
                let root = world.root(ACCOUNT);
                let id = family(&mut world, &[FAR]);
                let call = world.begin(HOME, &root, &ask(&id, FAR));
                for _ in 0..messages {
                    world.deliver_one();
                }
                world.crash_next(region, crash);
                world.settle();
                world.restart(region);
                world.advance(180);
                let _ = world.outcome(&call);
                let roles = [role(&mut world, HOME, &id), role(&mut world, FAR, &id)];
                let primaries = roles.iter().filter(|role| *role == "PRIMARY").count();
                assert_eq!(
                    primaries, 1,
                    "{region} {crash:?} after {messages}: {roles:?}"
                );
                assert_eq!(state(&mut world, HOME, &id), "Enabled");
                assert_eq!(state(&mut world, FAR, &id), "Enabled");
                at_most_one_primary(&world);
            }
        }
    }
}

#[test]
fn k_118_a_former_primary_is_deleted_as_a_replica() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    promote(&mut world, HOME, &id, FAR).unwrap();
    world.advance(10);
    let schedule = faultline_proto::kms::ScheduleKeyDeletionRequest {
        key_id: some(&id),
        pending_window_in_days: Some(7),
    };
    let answer = world.call(HOME, &root, &schedule).unwrap();
    assert_eq!(answer.key_state.as_deref(), Some("PendingDeletion"));
    world.advance(8 * 86_400);
    assert_eq!(code(describe(&mut world, HOME, &id)), "NotFoundException");
    let set = describe(&mut world, FAR, &id)
        .unwrap()
        .multi_region_configuration
        .unwrap();
    assert!(set.replica_keys.is_empty());
}

#[test]
fn k_345_a_promoted_replica_is_managed_while_the_old_home_is_dark() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    promote(&mut world, HOME, &id, FAR).unwrap();
    world.advance(10);
    world.isolate(HOME);
    replicate(&mut world, FAR, &id, THIRD).unwrap();
    world.advance(10);
    assert_eq!(decrypt(&mut world, THIRD, &root, &blob).unwrap(), b"4242");
    for other in [FAR, THIRD] {
        world.heal(HOME, other);
    }
    world.advance(120);
    let set = describe(&mut world, HOME, &id)
        .unwrap()
        .multi_region_configuration
        .unwrap();
    assert_eq!(
        set.replica_keys.len(),
        2,
        "the old home has learned of the new replica"
    );
}
