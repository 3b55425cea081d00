//! Copies into another Region.

use super::*;

#[test]
fn ebs_021_a_copy_in_another_region_is_sealed_anew_and_never_open_on_its_way() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let (vault, far) = (
        key(&mut world, HERE, ACCOUNT, None),
        key(&mut world, THERE, ACCOUNT, None),
    );
    let id = volume(&mut world, &ops, Some(&vault));
    // Nine blocks and a bit: more than are under way at a time.
    let long = SECRET.repeat(9 * 65_536 / SECRET.len() + 1);
    world.plant(
        HERE,
        "volume_content",
        &json!({ "volume_id": id, "content": long }),
    );
    let snap = snapshot(&mut world, &ops, &id);
    let asked = world
        .call(THERE, &ops, &copy(HERE, &snap, Some(&far)))
        .unwrap()
        .snapshot_id
        .unwrap();
    let mut largest = 0;
    while world.deliver_one() {
        for envelope in world.network.in_flight() {
            let wire = prost::Message::encode_to_vec(envelope);
            largest = largest.max(wire.len());
            assert!(
                !wire
                    .windows(SECRET.len())
                    .any(|window| window == SECRET.as_bytes())
            );
        }
    }
    assert!(largest > 65_536, "blocks were on the wire");
    world.advance(20);
    let made = seen(&mut world, THERE, &ops, &asked);
    assert_eq!(made.state.as_deref(), Some("completed"));
    assert_eq!(made.kms_key_id.as_deref(), Some(far.as_str()));
    let read = read_snapshot(&mut world, THERE, &ops, &made.snapshot_id.unwrap());
    assert_eq!(read["content"], long);
    for region in [HERE, THERE] {
        assert!(!is_in_the_clear(&world, region, SECRET));
    }
    assert_eq!(grants(&mut world, &vault), 0);
    let told = world
        .notes
        .iter()
        .find(|(_, note)| note.kind == "replicated")
        .unwrap();
    assert_eq!(told.1.fields["outcome"], "COMPLETED");
    assert_eq!(told.1.fields["from"], HERE);
}

#[test]
fn ebs_020_without_a_key_the_copy_of_an_encrypted_snapshot_is_under_the_default_key() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    for (key, by_default, encrypted) in [
        (Some(vault.as_str()), false, true),
        (None, false, false),
        (None, true, true),
    ] {
        if by_default {
            world
                .call(
                    THERE,
                    &ops,
                    &ec2::EnableEbsEncryptionByDefaultRequest::default(),
                )
                .unwrap();
        }
        let id = volume(&mut world, &ops, key);
        let snap = snapshot(&mut world, &ops, &id);
        let made = copied(&mut world, THERE, &ops, &copy(HERE, &snap, None));
        assert_eq!(made.encrypted, Some(encrypted));
        assert_eq!(made.state.as_deref(), Some("completed"));
        let read = read_snapshot(&mut world, THERE, &ops, &made.snapshot_id.unwrap());
        assert_eq!(read["content"], SECRET);
    }
}

/// EBS-019, EBS-025.
#[test]
fn ebs_019_and_025_a_key_of_the_wrong_region_or_of_nobody_fails_later() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    let made = copied(&mut world, THERE, &ops, &copy(HERE, &snap, Some(&vault)));
    assert_eq!(made.state.as_deref(), Some("error"));
    assert_eq!(
        made.state_message.as_deref(),
        Some("Given key ID is not accessible")
    );
    assert_eq!(
        grants(&mut world, &vault),
        0,
        "the read at the source was closed"
    );
    let mut never = copy(HERE, &snap, None);
    never.encrypted = Some(false);
    assert_eq!(
        world.call(THERE, &ops, &never).unwrap_err().code,
        "InvalidParameterValue"
    );
}

#[test]
fn ebs_031_the_sources_region_decides_about_its_key() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, partner) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    let unseen = world
        .call(THERE, &partner, &copy(HERE, &snap, None))
        .unwrap_err();
    assert_eq!(unseen.code, "InvalidSnapshot.NotFound");
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
    let made = copied(&mut world, THERE, &partner, &copy(HERE, &snap, None));
    assert_eq!(made.state.as_deref(), Some("error"));
    let denied = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "CreateGrant")
        .unwrap();
    assert_eq!(denied.region, HERE);
    put_policy(&mut world, &vault, &sharing::shared_fully());
    let made = copied(&mut world, THERE, &partner, &copy(HERE, &snap, None));
    assert_eq!(made.state.as_deref(), Some("completed"));
}

#[test]
fn a_copy_outlasts_an_outage() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let copy = world
        .call(THERE, &ops, &copy(HERE, &snap, None))
        .unwrap()
        .snapshot_id
        .unwrap();
    world.cut(HERE, THERE);
    world.advance(300);
    assert_eq!(
        seen(&mut world, THERE, &ops, &copy).state.as_deref(),
        Some("pending")
    );
    world.heal(HERE, THERE);
    world.advance(300);
    assert_eq!(
        seen(&mut world, THERE, &ops, &copy).state.as_deref(),
        Some("completed")
    );
    assert_eq!(
        read_snapshot(&mut world, THERE, &ops, &copy)["content"],
        SECRET
    );
}

#[test]
fn ebs_037_an_image_is_copied_with_its_snapshots_and_without_its_permissions() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, partner) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, Some(&sharing::shared_fully()));
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    let image = sharing::image(&mut world, &ops, &snap);
    world
        .call(HERE, &ops, &sharing::share_image(&image))
        .unwrap();
    let request = |key: Option<&str>| ec2::CopyImageRequest {
        name: text("far-ami"),
        source_image_id: text(&image),
        source_region: text(HERE),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    };
    // EBS-039
    let refused = world.call(THERE, &ops, &request(Some(&vault))).unwrap_err();
    assert_eq!(refused.code, "InvalidParameterDependency");
    let describe = |id: &str| ec2::DescribeImagesRequest {
        image_ids: vec![id.to_owned()],
        ..Default::default()
    };
    let far = world
        .call(THERE, &ops, &request(None))
        .unwrap()
        .image_id
        .unwrap();
    assert_eq!(
        world.call(THERE, &ops, &describe(&far)).unwrap().images[0]
            .state
            .as_deref(),
        Some("pending")
    );
    world.advance(20);
    assert_eq!(
        world.call(THERE, &ops, &describe(&far)).unwrap().images[0]
            .state
            .as_deref(),
        Some("available")
    );
    assert!(
        world.call(THERE, &partner, &describe(&far)).is_err(),
        "launch permissions stay behind"
    );
    // EBS-038: the image is shared, its snapshot is not.
    let theirs = world
        .call(THERE, &partner, &request(None))
        .unwrap()
        .image_id
        .unwrap();
    world.advance(20);
    assert_eq!(
        world
            .call(THERE, &partner, &describe(&theirs))
            .unwrap()
            .images[0]
            .state
            .as_deref(),
        Some("failed")
    );
}
