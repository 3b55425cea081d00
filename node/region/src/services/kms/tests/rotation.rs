//! Rotation: automatic, on demand, and of a whole multi-Region set (kms section 6).

use faultline_proto::kms::{
    CancelKeyDeletionRequest, DisableKeyRequest, DisableKeyRotationRequest, EnableKeyRequest,
    EnableKeyRotationRequest, GetKeyRotationStatusRequest, GetKeyRotationStatusResponse,
    ListKeyRotationsRequest, RotateKeyOnDemandRequest, RotationsListEntry,
    ScheduleKeyDeletionRequest, UpdatePrimaryRegionRequest,
};

use super::*;

const DAY: u64 = 86_400;

fn enable(world: &mut World, region: &str, key: &str, days: Option<i32>) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = EnableKeyRotationRequest {
        key_id: some(key),
        rotation_period_in_days: days,
    };
    world.call(region, &root, &request).map(|_| ())
}

fn disable(world: &mut World, key: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = DisableKeyRotationRequest { key_id: some(key) };
    world.call(HOME, &root, &request).map(|_| ())
}

fn rotate(world: &mut World, region: &str, key: &str) -> Result<String, Failure> {
    let root = world.root(ACCOUNT);
    let request = RotateKeyOnDemandRequest { key_id: some(key) };
    world
        .call(region, &root, &request)
        .map(|answer| answer.key_id.unwrap())
}

fn status(world: &mut World, region: &str, key: &str) -> GetKeyRotationStatusResponse {
    let root = world.root(ACCOUNT);
    let request = GetKeyRotationStatusRequest { key_id: some(key) };
    world.call(region, &root, &request).unwrap()
}

fn list(world: &mut World, region: &str, key: &str, all: bool) -> Vec<RotationsListEntry> {
    let root = world.root(ACCOUNT);
    let request = ListKeyRotationsRequest {
        key_id: some(key),
        include_key_material: all.then(|| "ALL_KEY_MATERIAL".to_owned()),
        ..Default::default()
    };
    world.call(region, &root, &request).unwrap().rotations
}

fn current(world: &mut World, region: &str, key: &str) -> String {
    describe(world, region, key)
        .unwrap()
        .current_key_material_id
        .unwrap()
}

fn types(entries: &[RotationsListEntry]) -> Vec<&str> {
    let name = |entry| {
        let entry: &RotationsListEntry = entry;
        entry.rotation_type.as_deref().unwrap_or("-")
    };
    entries.iter().map(name).collect()
}

fn events(world: &World, region: &str, name: &str) -> usize {
    let is = |event: &&faultline_proto::driving::AuditEvent| {
        event.event_name == name && event.region == region
    };
    world.audit.iter().filter(is).count()
}

#[test]
fn k_146_k_147_k_148_rotation_is_off_until_it_is_enabled_and_comes_one_period_later() {
    let mut world = world();
    let key = key(&mut world, false);
    let id = id(&key);
    let off = status(&mut world, HOME, &id);
    assert_eq!(
        (
            off.key_rotation_enabled,
            off.rotation_period_in_days,
            off.next_rotation_date
        ),
        (Some(false), None, None)
    );
    world.advance(30 * DAY);
    enable(&mut world, HOME, &id, None).unwrap();
    let on = status(&mut world, HOME, &id);
    assert_eq!(
        (on.key_id, on.rotation_period_in_days),
        (key.arn.clone(), Some(365))
    );
    let ahead = on.next_rotation_date.unwrap() * 1000 - world.wall(HOME);
    assert!(
        (ahead - 365 * 86_400_000_000).abs() < 1_000_000,
        "counted from the enabling"
    );
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    let first = current(&mut world, HOME, &id);
    world.advance(90 * DAY - 60);
    assert_eq!(current(&mut world, HOME, &id), first);
    world.advance(120);
    assert_ne!(current(&mut world, HOME, &id), first);
    world.advance(90 * DAY);
    let entries = list(&mut world, HOME, &id, false);
    assert_eq!(types(&entries), ["AUTOMATIC", "AUTOMATIC"]);
    assert_eq!(events(&world, HOME, "RotateKey"), 2, "K-164");
    for days in [89, 2561] {
        assert_eq!(
            code(enable(&mut world, HOME, &id, Some(days))),
            "ValidationException"
        );
    }
}

#[test]
fn k_149_k_151_k_349_old_ciphertext_opens_after_rotation_and_nothing_else_changes() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let before = key(&mut world, false);
    let id = id(&before);
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    world.advance(91 * DAY);
    disable(&mut world, &id).unwrap();
    let after = describe(&mut world, HOME, &id).unwrap();
    assert_ne!(
        after.current_key_material_id,
        before.current_key_material_id
    );
    assert_eq!(
        (&after.arn, &after.key_id, &after.creation_date),
        (&before.arn, &before.key_id, &before.creation_date)
    );
    let opened = DecryptRequest {
        ciphertext_blob: Some(blob),
        ..Default::default()
    };
    let opened = world.call(HOME, &root, &opened).unwrap();
    assert_eq!(opened.plaintext.as_deref(), Some(b"4242".as_slice()));
    assert_eq!(
        opened.key_material_id, before.current_key_material_id,
        "K-162"
    );
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    let opened = DecryptRequest {
        ciphertext_blob: Some(blob),
        ..Default::default()
    };
    let opened = world.call(HOME, &root, &opened).unwrap();
    assert_eq!(opened.key_material_id, after.current_key_material_id);
}

#[test]
fn k_152_a_disabled_key_is_not_rotated_and_catches_up_when_it_is_enabled() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, false));
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    let first = current(&mut world, HOME, &id);
    world
        .call(HOME, &root, &DisableKeyRequest { key_id: some(&id) })
        .unwrap();
    assert_eq!(code(disable(&mut world, &id)), "DisabledException");
    assert_eq!(
        code(enable(&mut world, HOME, &id, None)),
        "DisabledException"
    );
    world.advance(100 * DAY);
    assert_eq!(current(&mut world, HOME, &id), first);
    world
        .call(HOME, &root, &EnableKeyRequest { key_id: some(&id) })
        .unwrap();
    assert_ne!(current(&mut world, HOME, &id), first);
    let enabled = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "EnableKey")
        .unwrap();
    assert!(
        !enabled.additional.contains("rotationType"),
        "the rotation is an event of its own"
    );
    // Without a missed date the schedule stays.
    let next = status(&mut world, HOME, &id).next_rotation_date;
    world
        .call(HOME, &root, &DisableKeyRequest { key_id: some(&id) })
        .unwrap();
    world
        .call(HOME, &root, &EnableKeyRequest { key_id: some(&id) })
        .unwrap();
    assert_eq!(status(&mut world, HOME, &id).next_rotation_date, next);
}

#[test]
fn k_153_while_pending_deletion_the_status_reads_false_and_cancelling_restores_it() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, false));
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&id),
        ..Default::default()
    };
    world.call(HOME, &root, &schedule).unwrap();
    assert_eq!(
        status(&mut world, HOME, &id).key_rotation_enabled,
        Some(false)
    );
    assert_eq!(
        code(enable(&mut world, HOME, &id, None)),
        "KMSInvalidStateException"
    );
    world
        .call(HOME, &root, &CancelKeyDeletionRequest { key_id: some(&id) })
        .unwrap();
    let status = status(&mut world, HOME, &id);
    assert_eq!(
        (status.key_rotation_enabled, status.rotation_period_in_days),
        (Some(true), Some(90))
    );
}

#[test]
fn k_154_enabling_again_begins_the_period_anew() {
    let mut world = world();
    let id = id(&key(&mut world, false));
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    world.advance(80 * DAY);
    disable(&mut world, &id).unwrap();
    let first = current(&mut world, HOME, &id);
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    world.advance(80 * DAY);
    assert_eq!(current(&mut world, HOME, &id), first);
    world.advance(11 * DAY);
    assert_ne!(current(&mut world, HOME, &id), first);
}

#[test]
fn k_155_k_158_rotation_on_demand_is_asynchronous_and_leaves_the_schedule() {
    let mut world = world();
    let key = key(&mut world, false);
    let id = id(&key);
    enable(&mut world, HOME, &id, None).unwrap();
    let next = status(&mut world, HOME, &id).next_rotation_date;
    let first = current(&mut world, HOME, &id);
    assert_eq!(rotate(&mut world, HOME, &id).unwrap(), arn(&key));
    let running = status(&mut world, HOME, &id);
    assert!(running.on_demand_rotation_start_date.is_some());
    assert_eq!(current(&mut world, HOME, &id), first);
    assert_eq!(code(rotate(&mut world, HOME, &id)), "ConflictException");
    world.advance(10);
    let done = status(&mut world, HOME, &id);
    assert_eq!(
        (done.on_demand_rotation_start_date, done.next_rotation_date),
        (None, next)
    );
    assert_ne!(current(&mut world, HOME, &id), first);
    assert_eq!(
        types(&list(&mut world, HOME, &id, true)),
        ["-", "ON_DEMAND"]
    );
}

#[test]
fn k_156_twenty_five_rotations_on_demand_and_no_more() {
    let mut world = world();
    let key = key(&mut world, false);
    for _ in 0..25 {
        rotate(&mut world, HOME, &id(&key)).unwrap();
        world.advance(10);
    }
    let text = format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {}",
        arn(&key)
    );
    let want = ("LimitExceededException".to_owned(), text);
    assert_eq!(no(rotate(&mut world, HOME, &id(&key))), want);
}

#[test]
fn k_157_an_automatic_rotation_within_twenty_minutes_blocks_one_on_demand() {
    let mut world = world();
    let id = id(&key(&mut world, false));
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    world.advance(90 * DAY - 19 * 60);
    assert_eq!(code(rotate(&mut world, HOME, &id)), "ConflictException");
    world.advance(20 * 60);
    rotate(&mut world, HOME, &id).unwrap();
}

#[test]
fn k_161_rotations_are_listed_in_pages_with_the_state_of_each_material() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, false));
    for _ in 0..3 {
        rotate(&mut world, HOME, &id).unwrap();
        world.advance(10);
    }
    let all = list(&mut world, HOME, &id, true);
    let states: Vec<_> = all
        .iter()
        .filter_map(|one| one.key_material_state.as_deref())
        .collect();
    assert_eq!(
        states,
        ["NON_CURRENT", "NON_CURRENT", "NON_CURRENT", "CURRENT"]
    );
    assert!(
        all.iter()
            .all(|one| one.import_state.is_none() && one.expiration_model.is_none())
    );
    let mut request = ListKeyRotationsRequest {
        key_id: some(&id),
        limit: Some(2),
        ..Default::default()
    };
    let first = world.call(HOME, &root, &request).unwrap();
    request.marker.clone_from(&first.next_marker);
    let second = world.call(HOME, &root, &request).unwrap();
    let pages: Vec<_> = first
        .rotations
        .into_iter()
        .chain(second.rotations)
        .collect();
    assert_eq!(pages, list(&mut world, HOME, &id, false));
    assert_eq!(second.truncated, Some(false));
}

#[test]
fn k_120_k_106_only_the_primary_rotates_and_the_settings_are_read_everywhere() {
    let mut world = world();
    let id = family(&mut world, &[FAR, THIRD]);
    let replica =
        format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id} is not a multi-region primary key.");
    let refused = ("UnsupportedOperationException".to_owned(), replica);
    assert_eq!(no(enable(&mut world, FAR, &id, None)), refused);
    assert_eq!(no(rotate(&mut world, FAR, &id)), refused);
    enable(&mut world, HOME, &id, Some(100)).unwrap();
    world.advance(1);
    for region in [HOME, FAR, THIRD] {
        assert_eq!(
            status(&mut world, region, &id).rotation_period_in_days,
            Some(100),
            "{region}"
        );
    }
    world.advance(100 * DAY);
    let now = current(&mut world, HOME, &id);
    for region in [FAR, THIRD] {
        assert_eq!(current(&mut world, region, &id), now, "{region}");
        assert_eq!(events(&world, region, "RotateKey"), 1, "{region}");
    }
}

#[test]
fn k_121_nobody_encrypts_with_new_material_before_every_member_has_it() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR, THIRD]);
    let first = current(&mut world, HOME, &id);
    world.isolate(THIRD);
    rotate(&mut world, HOME, &id).unwrap();
    world.advance(120);
    for region in [HOME, FAR] {
        assert_eq!(
            current(&mut world, region, &id),
            first,
            "{region} waits for the one cut off"
        );
        assert_eq!(
            list(&mut world, region, &id, true).len(),
            1,
            "and shows nothing new"
        );
    }
    assert!(
        status(&mut world, HOME, &id)
            .on_demand_rotation_start_date
            .is_some()
    );
    for region in [HOME, FAR] {
        world.heal(THIRD, region);
    }
    world.advance(600);
    let now = current(&mut world, HOME, &id);
    assert_ne!(now, first);
    for from in [HOME, FAR, THIRD] {
        assert_eq!(current(&mut world, from, &id), now);
        let blob = encrypt(&mut world, from, &root, &id, b"4242").unwrap();
        for to in [HOME, FAR, THIRD] {
            assert_eq!(decrypt(&mut world, to, &root, &blob).unwrap(), b"4242");
        }
    }
}

#[test]
fn k_121_a_replica_that_is_deleted_no_longer_holds_a_rotation_up() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let first = current(&mut world, HOME, &id);
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&id),
        pending_window_in_days: Some(7),
    };
    world.call(FAR, &root, &schedule).unwrap();
    world.advance(7 * DAY - 120);
    // It does not get the new material, and its own farewell arrives.
    world.network.cut(HOME, FAR);
    rotate(&mut world, HOME, &id).unwrap();
    world.advance(60);
    assert_eq!(current(&mut world, HOME, &id), first);
    world.advance(120);
    assert_ne!(current(&mut world, HOME, &id), first);
}

#[test]
fn k_106_a_rotation_goes_on_under_a_new_primary_and_a_new_replica_joins_it() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    enable(&mut world, HOME, &id, Some(90)).unwrap();
    let first = current(&mut world, HOME, &id);
    let promote = UpdatePrimaryRegionRequest {
        key_id: some(&id),
        primary_region: some(FAR),
    };
    world.call(HOME, &root, &promote).unwrap();
    world.advance(30);
    replicate(&mut world, FAR, &id, THIRD).unwrap();
    rotate(&mut world, FAR, &id).unwrap();
    world.advance(60);
    let second = current(&mut world, FAR, &id);
    assert_ne!(second, first);
    world.advance(91 * DAY);
    let third = current(&mut world, FAR, &id);
    assert_ne!(third, second);
    for region in [HOME, THIRD] {
        assert_eq!(current(&mut world, region, &id), third, "{region}");
        assert_eq!(
            types(&list(&mut world, region, &id, false)),
            ["ON_DEMAND", "AUTOMATIC"]
        );
    }
}
