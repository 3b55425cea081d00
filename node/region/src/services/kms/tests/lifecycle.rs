//! Enable, disable, deletion windows.

use faultline_proto::kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, DisableKeyRequest, EnableKeyRequest,
    ListAliasesRequest, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse,
};

use super::*;

const DAY: u64 = 86_400;

fn schedule(
    world: &mut World,
    region: &str,
    key: &str,
    days: i32,
) -> Result<ScheduleKeyDeletionResponse, Failure> {
    let root = world.root(ACCOUNT);
    let request = ScheduleKeyDeletionRequest {
        key_id: some(key),
        pending_window_in_days: Some(days),
    };
    world.call(region, &root, &request)
}

fn cancel(world: &mut World, region: &str, key: &str) {
    let root = world.root(ACCOUNT);
    world
        .call(
            region,
            &root,
            &CancelKeyDeletionRequest { key_id: some(key) },
        )
        .unwrap();
}

#[test]
fn k_039_k_051_a_disabled_key_says_so_until_it_is_enabled() {
    let mut world = world();
    let (root, key) = (world.root(ACCOUNT), key(&mut world, false));
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    for _ in 0..2 {
        world
            .call(
                HOME,
                &root,
                &DisableKeyRequest {
                    key_id: key.key_id.clone(),
                },
            )
            .unwrap();
    }
    let disabled = (
        "DisabledException".to_owned(),
        format!("{} is disabled.", arn(&key)),
    );
    assert_eq!(no(decrypt(&mut world, HOME, &root, &blob)), disabled);
    assert_eq!(
        describe(&mut world, HOME, &id(&key)).unwrap().enabled,
        Some(false)
    );
    world
        .call(
            HOME,
            &root,
            &EnableKeyRequest {
                key_id: key.key_id.clone(),
            },
        )
        .unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    // K-262: the trail names the key although the call answers nothing.
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "EnableKey")
        .unwrap();
    assert!(event.response_elements.contains(&arn(&key)));
}

#[test]
fn k_041_k_048_a_cancelled_deletion_leaves_a_disabled_key() {
    let mut world = world();
    let id = id(&key(&mut world, false));
    assert_eq!(
        code(schedule(&mut world, HOME, &id, 6)),
        "ValidationException"
    );
    assert_eq!(
        code(schedule(&mut world, HOME, &id, 31)),
        "ValidationException"
    );
    let wall = world.wall(HOME);
    let answer = schedule(&mut world, HOME, &id, 7).unwrap();
    assert_eq!(answer.key_state.as_deref(), Some("PendingDeletion"));
    let days = (answer.deletion_date.unwrap() * 1000 - wall) / 1_000_000 / 86_400;
    assert_eq!((answer.pending_window_in_days, days), (Some(7), 7));
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "ScheduleKeyDeletion")
        .unwrap();
    assert!(
        event
            .response_elements
            .contains("\"deletionDate\":\"Oct 8, 2026, 12:00:00 AM\""),
        "K-271, K-274: {}",
        event.response_elements
    );
    cancel(&mut world, HOME, &id);
    assert_eq!(state(&mut world, HOME, &id), "Disabled");
    world.advance(8 * DAY);
    assert_eq!(state(&mut world, HOME, &id), "Disabled");
}

#[test]
fn k_048_k_272_at_the_end_of_its_window_a_key_is_gone_with_aliases_and_material() {
    let mut world = world();
    let (root, key) = (world.root(ACCOUNT), key(&mut world, false));
    let alias = CreateAliasRequest {
        alias_name: some("alias/a"),
        target_key_id: key.key_id.clone(),
    };
    world.call(HOME, &root, &alias).unwrap();
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    schedule(&mut world, HOME, &id(&key), 7).unwrap();
    world.advance(7 * DAY - 10);
    assert_eq!(state(&mut world, HOME, &id(&key)), "PendingDeletion");
    world.advance(20);
    assert_eq!(
        code(describe(&mut world, HOME, &id(&key))),
        "NotFoundException"
    );
    // K-217: the text does not tell whether the key ever existed, not even to root.
    assert_eq!(
        code(decrypt(&mut world, HOME, &root, &blob)),
        "AccessDeniedException"
    );
    assert!(
        world
            .call(HOME, &root, &ListAliasesRequest::default())
            .unwrap()
            .aliases
            .iter()
            .all(|entry| entry.target_key_id.is_none())
    );
    let event = world
        .audit
        .iter()
        .find(|event| event.event_name == "DeleteKey")
        .unwrap();
    assert_eq!(
        (event.resources.as_slice(), event.recipient_account.as_str()),
        (&[arn(&key)][..], ACCOUNT)
    );
}

#[test]
fn k_043_k_116_k_117_a_primary_waits_for_its_last_replica() {
    let mut world = world();
    let id = family(&mut world, &[FAR, THIRD]);
    let answer = schedule(&mut world, HOME, &id, 7).unwrap();
    assert_eq!(answer.key_state.as_deref(), Some("PendingReplicaDeletion"));
    assert_eq!(
        (answer.deletion_date, answer.pending_window_in_days),
        (None, Some(7))
    );
    let shown = describe(&mut world, HOME, &id).unwrap();
    assert_eq!(
        (shown.deletion_date, shown.pending_deletion_window_in_days),
        (None, Some(7))
    );
    assert_eq!(state(&mut world, FAR, &id), "Enabled");
    world.advance(40 * DAY);
    assert_eq!(state(&mut world, HOME, &id), "PendingReplicaDeletion");
    schedule(&mut world, FAR, &id, 7).unwrap();
    schedule(&mut world, THIRD, &id, 8).unwrap();
    world.advance(7 * DAY + 60);
    assert_eq!(code(describe(&mut world, FAR, &id)), "NotFoundException");
    assert_eq!(state(&mut world, HOME, &id), "PendingReplicaDeletion");
    world.advance(DAY);
    assert_eq!(state(&mut world, HOME, &id), "PendingDeletion");
    world.advance(7 * DAY - 120);
    assert_eq!(state(&mut world, HOME, &id), "PendingDeletion");
    world.advance(240);
    assert_eq!(code(describe(&mut world, HOME, &id)), "NotFoundException");
}

#[test]
fn k_119_a_waiting_primary_can_be_cancelled() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    schedule(&mut world, HOME, &id, 7).unwrap();
    cancel(&mut world, HOME, &id);
    assert_eq!(state(&mut world, HOME, &id), "Disabled");
    assert_eq!(role(&mut world, HOME, &id), "PRIMARY");
}

#[test]
fn k_099_k_115_a_deleted_replica_can_be_made_again() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let blob = encrypt(&mut world, FAR, &root, &id, b"4242").unwrap();
    schedule(&mut world, FAR, &id, 7).unwrap();
    assert_eq!(
        code(replicate(&mut world, HOME, &id, FAR)),
        "AlreadyExistsException"
    );
    world.advance(7 * DAY + 60);
    let set = describe(&mut world, HOME, &id)
        .unwrap()
        .multi_region_configuration
        .unwrap();
    assert!(set.replica_keys.is_empty());
    replicate(&mut world, HOME, &id, FAR).unwrap();
    world.advance(10);
    assert_eq!(decrypt(&mut world, FAR, &root, &blob).unwrap(), b"4242");
}
