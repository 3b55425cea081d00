//! What people believe of keys, and what is true; with the keys that services make themselves.

use faultline_proto::kms::{
    CreateAliasRequest, DisableKeyRequest, EnableKeyRotationRequest, GenerateDataKeyRequest,
    GetKeyRotationStatusRequest, ListAliasesRequest, ListResourceTagsRequest,
    RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest, Tag, UpdateAliasRequest,
    UpdatePrimaryRegionRequest,
};
use faultline_proto::s3::{CreateBucketRequest, PutObjectRequest};

use super::*;
use crate::testing::people::allow;

const DAY: u64 = 86_400;

/// Stores an object under S3's own key.
pub(super) fn use_s3s_key(world: &mut World) {
    let root = world.root(ACCOUNT);
    let bucket = CreateBucketRequest {
        bucket: some("photos"),
        ..Default::default()
    };
    let object = PutObjectRequest {
        bucket: some("photos"),
        key: some("sea"),
        server_side_encryption: some("aws:kms"),
        ..Default::default()
    };
    world.call(FAR, &root, &bucket).unwrap();
    world.upload(FAR, &root, &object, b"the sea").unwrap();
}

/// Alias and target of every alias in `FAR`.
fn aliases(world: &mut World) -> Vec<(String, Option<String>)> {
    let root = world.root(ACCOUNT);
    let listed = world.call(FAR, &root, &ListAliasesRequest::default());
    let entry = |entry: faultline_proto::kms::AliasListEntry| {
        (entry.alias_name.unwrap(), entry.target_key_id)
    };
    listed.unwrap().aliases.into_iter().map(entry).collect()
}

#[test]
fn k_002_k_005_k_006_k_007_a_services_own_key_is_made_at_first_use_and_cannot_be_managed() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let before = aliases(&mut world);
    assert!(before.contains(&("alias/aws/s3".to_owned(), None)), "K-007");
    use_s3s_key(&mut world);
    let after = aliases(&mut world);
    assert_eq!(after.len(), before.len(), "a name is listed once");
    let made = after.iter().find(|(name, _)| name == "alias/aws/s3");
    let id = made.unwrap().1.clone().expect("S3 has used it");
    let others = after.iter().filter(|(name, _)| name != "alias/aws/s3");
    assert!(others.clone().all(|(_, target)| target.is_none()));
    assert!(others.count() > 0);
    let seen = describe(&mut world, FAR, "alias/aws/s3").unwrap();
    assert_eq!(seen.key_id, some(&id));
    assert_eq!(seen.key_manager.as_deref(), Some("AWS"));
    assert_eq!(
        (seen.multi_region, seen.multi_region_configuration),
        (Some(false), None),
        "K-005"
    );
    let replica = replicate(&mut world, FAR, &id, HOME);
    assert_eq!(code(replica), "AccessDeniedException", "K-005");
    // K-006: about once a year, and nobody can change it.
    let ask = GetKeyRotationStatusRequest { key_id: some(&id) };
    let status = world.call(FAR, &root, &ask).unwrap();
    assert_eq!(
        (status.key_rotation_enabled, status.rotation_period_in_days),
        (Some(true), Some(365))
    );
    let enable = EnableKeyRotationRequest {
        key_id: some(&id),
        rotation_period_in_days: Some(90),
    };
    assert_eq!(
        code(world.call(FAR, &root, &enable)),
        "AccessDeniedException"
    );
    let material = seen.current_key_material_id;
    world.advance(366 * DAY);
    let year_later = describe(&mut world, FAR, &id).unwrap();
    assert_ne!(year_later.current_key_material_id, material);
    // K-002: the prefix is reserved.
    let own = key(&mut world, false);
    let alias = CreateAliasRequest {
        alias_name: some("alias/aws/mine"),
        target_key_id: own.key_id,
    };
    assert_eq!(
        code(world.call(HOME, &root, &alias)),
        "InvalidAliasNameException"
    );
}

#[test]
fn k_010_the_default_key_is_a_symmetric_one_of_256_bits() {
    let mut world = world();
    let made = key(&mut world, false);
    assert_eq!(made.key_spec.as_deref(), Some("SYMMETRIC_DEFAULT"));
    assert_eq!(made.encryption_algorithms, ["SYMMETRIC_DEFAULT"]);
    // Services use symmetric keys only: S3 refuses an RSA key.
    let rsa = key_of(&mut world, "RSA_2048", "ENCRYPT_DECRYPT", false);
    let root = world.root(ACCOUNT);
    let bucket = CreateBucketRequest {
        bucket: some("photos"),
        create_bucket_configuration: Some(faultline_proto::s3::CreateBucketConfiguration {
            location_constraint: some(HOME),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.call(HOME, &root, &bucket).unwrap();
    let object = PutObjectRequest {
        bucket: some("photos"),
        key: some("sea"),
        server_side_encryption: some("aws:kms"),
        ssekms_key_id: Some(format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{rsa}")),
        ..Default::default()
    };
    world.upload(HOME, &root, &object, b"the sea").unwrap_err();
}

#[test]
fn k_015_enumerations_and_lengths_are_refused_in_the_validators_words() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let wrong = CreateKeyRequest {
        key_spec: some("HMAC_111"),
        key_usage: some("GENERATE_VERIFY_MAC"),
        ..Default::default()
    };
    let (code, text) = no(world.call(HOME, &root, &wrong));
    assert_eq!(code, "ValidationException");
    let begins = "1 validation error detected: Value 'HMAC_111' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [";
    assert!(text.starts_with(begins), "{text}");
    let long = CreateKeyRequest {
        description: Some("d".repeat(8_193)),
        ..Default::default()
    };
    let (code, text) = no(world.call(HOME, &root, &long));
    assert_eq!(code, "ValidationException");
    assert!(
        text.contains("at 'description'") && text.contains("8192"),
        "{text}"
    );
}

#[test]
fn k_016_key_stores_of_ones_own_are_refused_whatever_is_asked_of_them() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for origin in ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"] {
        for (spec, usage, multi_region) in [
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", false),
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", true),
            ("RSA_2048", "SIGN_VERIFY", false),
        ] {
            let request = CreateKeyRequest {
                origin: some(origin),
                key_spec: some(spec),
                key_usage: some(usage),
                multi_region: Some(multi_region),
                ..Default::default()
            };
            let refused = code(world.call(HOME, &root, &request));
            assert_eq!(refused, "UnsupportedOperationException", "{origin} {spec}");
        }
    }
}

#[test]
fn k_018_arns_of_related_keys_differ_in_the_region_only() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    for region in [HOME, FAR] {
        let seen = describe(&mut world, region, &id).unwrap();
        assert_eq!(seen.key_id, some(&id));
        let wanted = format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}");
        assert_eq!(seen.arn, Some(wanted));
    }
    use_s3s_key(&mut world);
    let root = world.root(ACCOUNT);
    let listed = world.call(FAR, &root, &ListAliasesRequest::default());
    for entry in listed.unwrap().aliases {
        let name = entry.alias_name.unwrap();
        let wanted = format!("arn:aws:kms:{FAR}:{ACCOUNT}:{name}");
        assert_eq!(entry.alias_arn, Some(wanted));
    }
}

#[test]
fn k_029_an_alias_moves_between_keys_of_one_type_and_usage() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let kinds = [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("ECC_NIST_P384", "KEY_AGREEMENT"),
    ];
    let keys = kinds.map(|(spec, usage)| [(); 2].map(|()| key_of(&mut world, spec, usage, false)));
    for (at, [from, like]) in keys.iter().enumerate() {
        let name = format!("alias/{at}");
        let alias = CreateAliasRequest {
            alias_name: some(&name),
            target_key_id: some(from),
        };
        world.call(HOME, &root, &alias).unwrap();
        let mut go = |to: &str| {
            let request = UpdateAliasRequest {
                alias_name: some(&name),
                target_key_id: some(to),
            };
            world.call(HOME, &root, &request)
        };
        for (other, [unlike, _]) in keys.iter().enumerate() {
            if other != at {
                assert_eq!(code(go(unlike)), "ValidationException", "{at} to {other}");
            }
        }
        go(like).unwrap();
        let seen = describe(&mut world, HOME, &name).unwrap();
        assert_eq!(seen.key_id, some(like));
    }
}

#[test]
fn k_066_an_encryption_context_may_be_long() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    let context: BTreeMap<String, String> = (0..200)
        .map(|at| (format!("tenant {at}"), "ä".repeat(200)))
        .collect();
    let request = EncryptRequest {
        key_id: some(&key),
        plaintext: Some(b"4242".to_vec()),
        encryption_context: context.clone(),
        ..Default::default()
    };
    let sealed = world.call(HOME, &root, &request).unwrap();
    let mut open = DecryptRequest {
        ciphertext_blob: sealed.ciphertext_blob,
        encryption_context: context,
        ..Default::default()
    };
    let opened = world.call(HOME, &root, &open).unwrap();
    assert_eq!(opened.plaintext.as_deref(), Some(&b"4242"[..]));
    open.encryption_context.remove("tenant 117");
    assert_eq!(
        code(world.call(HOME, &root, &open)),
        "InvalidCiphertextException"
    );
}

#[test]
fn k_073_a_ciphertext_of_a_single_region_key_opens_only_at_home() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (own, other) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    let blob = encrypt(&mut world, HOME, &root, &own, b"4242").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    let elsewhere = decrypt(&mut world, FAR, &root, &blob);
    assert_eq!(code(elsewhere), "AccessDeniedException");
    let named = DecryptRequest {
        key_id: some(&other),
        ciphertext_blob: Some(blob.clone()),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &named)),
        "IncorrectKeyException"
    );
    let stranger = world.root("222222222222");
    let foreign = decrypt(&mut world, HOME, &stranger, &blob);
    assert_eq!(code(foreign), "AccessDeniedException");
}

#[test]
fn k_091_k_094_k_342_a_key_stays_what_it_was_born_as_and_a_region_has_one_member() {
    let mut world = world();
    let single = id(&key(&mut world, false));
    let refused = code(replicate(&mut world, HOME, &single, FAR));
    assert_eq!(refused, "UnsupportedOperationException");
    let multi = family(&mut world, &[FAR, THIRD]);
    let roles = |world: &mut World| [HOME, FAR, THIRD].map(|at| role(world, at, &multi));
    assert_eq!(roles(&mut world), ["PRIMARY", "REPLICA", "REPLICA"]);
    let root = world.root(ACCOUNT);
    let promote = UpdatePrimaryRegionRequest {
        key_id: some(&multi),
        primary_region: some(THIRD),
    };
    world.call(HOME, &root, &promote).unwrap();
    world.advance(30);
    assert_eq!(roles(&mut world), ["REPLICA", "REPLICA", "PRIMARY"]);
    for region in [HOME, FAR, THIRD] {
        let again = replicate(&mut world, THIRD, &multi, region);
        assert_eq!(code(again), "AlreadyExistsException", "{region}");
    }
    let still = describe(&mut world, HOME, &single).unwrap();
    assert_eq!(still.multi_region, Some(false));
}

#[test]
fn k_096_k_101_the_primary_is_asked_and_must_be_enabled() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let multi = id(&key(&mut world, true));
    // Where there is no member there is nobody to ask; another account has no say.
    assert_eq!(
        code(replicate(&mut world, FAR, &multi, THIRD)),
        "NotFoundException"
    );
    let stranger = world.root("222222222222");
    let theirs = ReplicateKeyRequest {
        key_id: Some(format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{multi}")),
        replica_region: some(FAR),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &stranger, &theirs)),
        "AccessDeniedException"
    );
    let disable = DisableKeyRequest {
        key_id: some(&multi),
    };
    world.call(HOME, &root, &disable).unwrap();
    assert_eq!(
        code(replicate(&mut world, HOME, &multi, FAR)),
        "DisabledException"
    );
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&multi),
        pending_window_in_days: Some(7),
    };
    world.call(HOME, &root, &schedule).unwrap();
    assert_eq!(
        code(replicate(&mut world, HOME, &multi, FAR)),
        "KMSInvalidStateException"
    );
}

#[test]
fn k_108_a_set_is_synchronised_by_itself_and_the_trail_says_so() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    let count = |world: &World, region: &str| {
        let of = |event: &&faultline_proto::driving::AuditEvent| {
            event.event_name == "SynchronizeMultiRegionKey" && event.region == region
        };
        world.audit.iter().filter(of).count()
    };
    let before = count(&world, FAR);
    // News of a third member reach the second without anybody asking.
    replicate(&mut world, HOME, &id, THIRD).unwrap();
    world.advance(10);
    assert!(count(&world, FAR) > before);
    let set = describe(&mut world, FAR, &id).unwrap();
    let replicas = set.multi_region_configuration.unwrap().replica_keys;
    assert_eq!(replicas.len(), 2);
}

#[test]
fn k_126_iam_covers_a_whole_set_by_a_star_for_the_region() {
    let mut world = world();
    let multi = family(&mut world, &[FAR]);
    let single = id(&key(&mut world, false));
    let set = allow(
        &["kms:Encrypt"],
        &[&format!("arn:aws:kms:*:{ACCOUNT}:key/{multi}")],
    );
    let every = allow(
        &["kms:Encrypt"],
        &[&format!("arn:aws:kms:*:{ACCOUNT}:key/mrk-*")],
    );
    let one = allow(
        &["kms:Encrypt"],
        &[&format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{multi}")],
    );
    for (name, policy, far) in [
        ("set", set, true),
        ("every", every, true),
        ("one", one, false),
    ] {
        let who = world.user(ACCOUNT, name, &policy);
        encrypt(&mut world, HOME, &who, &multi, b"4242").unwrap();
        let there = encrypt(&mut world, FAR, &who, &multi, b"4242");
        assert_eq!(there.is_ok(), far, "{name}");
        let other = encrypt(&mut world, HOME, &who, &single, b"4242");
        assert_eq!(code(other), "AccessDeniedException", "{name}");
    }
}

#[test]
fn k_150_a_rotation_leaves_data_keys_and_ciphertext_as_they_were() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    let request = GenerateDataKeyRequest {
        key_id: some(&key),
        key_spec: some("AES_256"),
        ..Default::default()
    };
    let data_key = world.call(HOME, &root, &request).unwrap();
    let rotate = RotateKeyOnDemandRequest { key_id: some(&key) };
    world.call(HOME, &root, &rotate).unwrap();
    world.advance(30);
    // Whoever has the data key has it still, and its wrapped form gives the same.
    let open = DecryptRequest {
        ciphertext_blob: data_key.ciphertext_blob,
        ..Default::default()
    };
    let opened = world.call(HOME, &root, &open).unwrap();
    assert_eq!(opened.plaintext, data_key.plaintext);
    assert_eq!(opened.key_material_id, data_key.key_material_id);
    let current = describe(&mut world, HOME, &key).unwrap();
    assert_ne!(current.current_key_material_id, data_key.key_material_id);
}

#[test]
fn k_341_k_343_k_347_members_are_keys_of_their_own() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        multi_region: Some(true),
        description: some("ledger"),
        tags: vec![Tag {
            tag_key: some("team"),
            tag_value: some("books"),
        }],
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request).unwrap();
    let multi = id(&made.key_metadata.unwrap());
    replicate(&mut world, HOME, &multi, FAR).unwrap();
    world.advance(10);
    let replica = describe(&mut world, FAR, &multi).unwrap();
    assert_eq!(replica.description.as_deref(), Some(""));
    let tags = ListResourceTagsRequest {
        key_id: some(&multi),
        ..Default::default()
    };
    assert!(world.call(FAR, &root, &tags).unwrap().tags.is_empty());
    assert_eq!(world.call(HOME, &root, &tags).unwrap().tags.len(), 1);
    let alias = CreateAliasRequest {
        alias_name: some("alias/ledger"),
        target_key_id: some(&multi),
    };
    world.call(HOME, &root, &alias).unwrap();
    assert_eq!(
        code(describe(&mut world, FAR, "alias/ledger")),
        "NotFoundException"
    );
    let disable = DisableKeyRequest {
        key_id: some(&multi),
    };
    world.call(HOME, &root, &disable).unwrap();
    assert_eq!(state(&mut world, FAR, &multi), "Enabled");
    // The primary waits for its replica, however long that takes.
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&multi),
        pending_window_in_days: Some(7),
    };
    let said = world.call(HOME, &root, &schedule).unwrap();
    assert_eq!(said.key_state.as_deref(), Some("PendingReplicaDeletion"));
    assert_eq!(said.deletion_date, None);
    world.advance(40 * DAY);
    assert_eq!(state(&mut world, HOME, &multi), "PendingReplicaDeletion");
    encrypt(&mut world, FAR, &root, &multi, b"4242").unwrap();
    world.call(FAR, &root, &schedule).unwrap();
    world.advance(7 * DAY + 60);
    assert_eq!(state(&mut world, HOME, &multi), "PendingDeletion");
    world.advance(7 * DAY + 60);
    assert_eq!(
        code(describe(&mut world, HOME, &multi)),
        "NotFoundException"
    );
}

#[test]
fn k_351_a_rotation_period_is_90_to_2560_days() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    for (days, fits) in [
        (89, false),
        (90, true),
        (365, true),
        (2_560, true),
        (2_561, false),
    ] {
        let request = EnableKeyRotationRequest {
            key_id: some(&key),
            rotation_period_in_days: Some(days),
        };
        match world.call(HOME, &root, &request) {
            Ok(_) => assert!(fits, "{days}"),
            Err(failure) => assert_eq!(
                (failure.code.as_str(), fits),
                ("ValidationException", false)
            ),
        }
    }
}

#[test]
fn k_355_k_356_decrypt_need_not_name_the_key_and_kms_takes_4096_bytes() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (own, other) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    let most = [7; 4_096];
    let blob = encrypt(&mut world, HOME, &root, &own, &most).unwrap();
    for (key_id, wanted) in [
        (None, None),
        (some(&own), None),
        (some(&other), Some("IncorrectKeyException")),
    ] {
        let request = DecryptRequest {
            key_id,
            ciphertext_blob: Some(blob.clone()),
            ..Default::default()
        };
        let got = world.call(HOME, &root, &request);
        let refused = got.as_ref().err().map(|failure| failure.code.as_str());
        assert_eq!(refused, wanted);
        if let Ok(opened) = got {
            assert_eq!(opened.plaintext.as_deref(), Some(&most[..]));
        }
    }
    let more = encrypt(&mut world, HOME, &root, &own, &[7; 4_097]);
    assert_eq!(code(more), "ValidationException");
    let megabyte = encrypt(&mut world, HOME, &root, &own, &vec![7; 1 << 20]);
    assert_eq!(code(megabyte), "ValidationException");
}
