//! Imported key material (kms section 5): the owner's side is done here as `openssl` would.

use aes_kw::{KeyInit as _, KwpAes256};
use faultline_proto::kms::{
    CancelKeyDeletionRequest, DeleteImportedKeyMaterialRequest, DisableKeyRequest,
    GetParametersForImportRequest, GetParametersForImportResponse, ImportKeyMaterialRequest,
    ListKeyRotationsRequest, RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest,
};
use rsa::pkcs8::DecodePublicKey as _;
use rsa::{Oaep, PublicKey};
use sha1::Sha1;
use sha2::Sha256;

use super::*;
use crate::services::kms::asymmetric::{Draw, KeyPair, PairSpec};

const DAY: u64 = 86_400;

fn external(world: &mut World, spec: Option<(&str, &str)>, multi_region: bool) -> KeyMetadata {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        origin: some("EXTERNAL"),
        key_spec: spec.map(|(spec, _)| spec.to_owned()),
        key_usage: spec.map(|(_, usage)| usage.to_owned()),
        multi_region: Some(multi_region),
        ..Default::default()
    };
    world
        .call(HOME, &root, &request)
        .unwrap()
        .key_metadata
        .unwrap()
}

fn parameters(
    world: &mut World,
    region: &str,
    key: &str,
    algorithm: &str,
    bits: &str,
) -> Result<GetParametersForImportResponse, Failure> {
    let root = world.root(ACCOUNT);
    let request = GetParametersForImportRequest {
        key_id: some(key),
        wrapping_algorithm: some(algorithm),
        wrapping_key_spec: some(bits),
    };
    world.call(region, &root, &request)
}

/// Wraps as the owner of the material would.
fn wrap(public_key: &[u8], algorithm: &str, material: &[u8]) -> Vec<u8> {
    let key = PublicKey::from_public_key_der(public_key).unwrap();
    let mut draw = Draw::seeded(&[7; 32]);
    let mut seal = |bytes: &[u8]| {
        if algorithm.ends_with("SHA_1") {
            key.encrypt(&mut draw, Oaep::<Sha1>::new(), bytes).unwrap()
        } else {
            key.encrypt(&mut draw, Oaep::<Sha256>::new(), bytes)
                .unwrap()
        }
    };
    if algorithm.starts_with("RSAES") {
        return seal(material);
    }
    let one_off = [9; 32];
    let mut wrapped = vec![0; material.len().div_ceil(8) * 8 + 8];
    KwpAes256::new(&one_off.into())
        .wrap_key(material, &mut wrapped)
        .unwrap();
    [seal(&one_off), wrapped].concat()
}

const OAEP: &str = "RSAES_OAEP_SHA_256";

/// An import of `material` that never expires, to be changed.
fn prepared(
    world: &mut World,
    region: &str,
    key: &str,
    material: &[u8],
) -> ImportKeyMaterialRequest {
    let given = parameters(world, region, key, OAEP, "RSA_2048").unwrap();
    ImportKeyMaterialRequest {
        key_id: some(key),
        encrypted_key_material: Some(wrap(&given.public_key.unwrap(), OAEP, material)),
        import_token: given.import_token,
        expiration_model: some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
        ..Default::default()
    }
}

fn send(
    world: &mut World,
    region: &str,
    request: &ImportKeyMaterialRequest,
) -> Result<String, Failure> {
    let root = world.root(ACCOUNT);
    world
        .call(region, &root, request)
        .map(|answer| answer.key_material_id.unwrap())
}

fn import(world: &mut World, region: &str, key: &str, material: &[u8]) -> Result<String, Failure> {
    let request = prepared(world, region, key, material);
    send(world, region, &request)
}

/// Some key with imported material.
pub(super) fn an_import(world: &mut World) {
    let key = id(&external(world, None, false));
    import(world, HOME, &key, &[1; 32]).unwrap();
}

fn import_as(
    world: &mut World,
    region: &str,
    key: &str,
    material: &[u8],
    kind: &str,
) -> Result<String, Failure> {
    let request = ImportKeyMaterialRequest {
        import_type: some(kind),
        ..prepared(world, region, key, material)
    };
    send(world, region, &request)
}

fn delete(world: &mut World, region: &str, key: &str, id: Option<&str>) -> Option<String> {
    let root = world.root(ACCOUNT);
    let request = DeleteImportedKeyMaterialRequest {
        key_id: some(key),
        key_material_id: id.map(str::to_owned),
    };
    world.call(region, &root, &request).unwrap().key_material_id
}

fn materials(world: &mut World, region: &str, key: &str) -> Vec<String> {
    let root = world.root(ACCOUNT);
    let request = ListKeyRotationsRequest {
        key_id: some(key),
        include_key_material: some("ALL_KEY_MATERIAL"),
        ..Default::default()
    };
    let listed = world.call(region, &root, &request).unwrap().rotations;
    let shown = listed.into_iter().map(|one| {
        format!(
            "{} {}",
            one.key_material_state.unwrap(),
            one.import_state.unwrap()
        )
    });
    shown.collect()
}

#[test]
fn k_037_k_129_k_142_an_imported_key_waits_for_its_material_and_then_works() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = external(&mut world, None, false);
    assert_eq!(key.key_state.as_deref(), Some("PendingImport"));
    assert_eq!(
        (
            key.enabled,
            &key.expiration_model,
            &key.current_key_material_id
        ),
        (Some(false), &None, &None)
    );
    let waiting = (
        "KMSInvalidStateException".to_owned(),
        format!("{} is pending import.", arn(&key)),
    );
    assert_eq!(
        no(encrypt(&mut world, HOME, &root, &id(&key), b"4242")),
        waiting
    );
    let material = import(&mut world, HOME, &id(&key), &[1; 32]).unwrap();
    let after = describe(&mut world, HOME, &id(&key)).unwrap();
    assert_eq!(after.key_state.as_deref(), Some("Enabled"), "K-046");
    assert_eq!(after.current_key_material_id, Some(material));
    assert_eq!(
        after.expiration_model.as_deref(),
        Some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
        "K-033"
    );
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    let own = super::key(&mut world, false);
    let text = format!(
        "{} origin is AWS_KMS which is not valid for this operation.",
        arn(&own)
    );
    let refused = ("UnsupportedOperationException".to_owned(), text);
    assert_eq!(
        no(parameters(&mut world, HOME, &id(&own), OAEP, "RSA_2048")),
        refused
    );
}

#[test]
fn k_131_every_wrapping_algorithm_and_no_other() {
    let mut world = world();
    for (algorithm, bits) in [
        ("RSAES_OAEP_SHA_1", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_3072"),
        ("RSA_AES_KEY_WRAP_SHA_1", "RSA_2048"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"),
    ] {
        let key = id(&external(&mut world, None, false));
        let given = parameters(&mut world, HOME, &key, algorithm, bits).unwrap();
        let request = ImportKeyMaterialRequest {
            key_id: some(&key),
            encrypted_key_material: Some(wrap(&given.public_key.unwrap(), algorithm, &[1; 32])),
            import_token: given.import_token,
            expiration_model: some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
            ..Default::default()
        };
        send(&mut world, HOME, &request).unwrap();
        assert_eq!(state(&mut world, HOME, &key), "Enabled", "{algorithm}");
    }
    let key = id(&external(&mut world, None, false));
    for (algorithm, bits) in [
        ("RSAES_PKCS1_V1_5", "RSA_2048"),
        ("SM2PKE", "SM2"),
        (OAEP, "SM2"),
    ] {
        let got = code(parameters(&mut world, HOME, &key, algorithm, bits));
        assert_eq!(got, "UnsupportedOperationException", "{algorithm} {bits}");
    }
    let rsa = id(&external(
        &mut world,
        Some(("RSA_2048", "SIGN_VERIFY")),
        false,
    ));
    assert_eq!(
        code(parameters(&mut world, HOME, &rsa, OAEP, "RSA_4096")),
        "UnsupportedOperationException"
    );
    let p521 = id(&external(
        &mut world,
        Some(("ECC_NIST_P521", "SIGN_VERIFY")),
        false,
    ));
    assert_eq!(
        code(parameters(&mut world, HOME, &p521, OAEP, "RSA_2048")),
        "UnsupportedOperationException"
    );
}

#[test]
fn k_130_k_135_hmac_and_private_keys_are_imported_once() {
    let mut world = world();
    let hmac = id(&external(
        &mut world,
        Some(("HMAC_384", "GENERATE_VERIFY_MAC")),
        false,
    ));
    assert_eq!(
        code(import(&mut world, HOME, &hmac, &[1; 32])),
        "IncorrectKeyMaterialException"
    );
    import(&mut world, HOME, &hmac, &[1; 48]).unwrap();
    assert_eq!(
        code(import(&mut world, HOME, &hmac, &[2; 48])),
        "IncorrectKeyMaterialException"
    );
    assert_eq!(
        code(import_as(
            &mut world,
            HOME,
            &hmac,
            &[2; 48],
            "NEW_KEY_MATERIAL"
        )),
        "ValidationException"
    );
    let pair = KeyPair::generate(PairSpec::NistP256, &mut Draw::seeded(&[3; 32]));
    let ecc = id(&external(
        &mut world,
        Some(("ECC_NIST_P256", "SIGN_VERIFY")),
        false,
    ));
    assert_eq!(
        code(import(&mut world, HOME, &ecc, &[1; 64])),
        "IncorrectKeyMaterialException"
    );
    import(&mut world, HOME, &ecc, &pair.pkcs8()).unwrap();
    let root = world.root(ACCOUNT);
    let request = faultline_proto::kms::GetPublicKeyRequest {
        key_id: some(&ecc),
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &request).unwrap().public_key,
        Some(pair.public_key())
    );
}

#[test]
fn k_132_public_key_and_token_belong_together_to_one_key_and_for_a_day() {
    let mut world = world();
    let (one, other) = (
        id(&external(&mut world, None, false)),
        id(&external(&mut world, None, false)),
    );
    let good = prepared(&mut world, HOME, &one, &[1; 32]);
    let of_other = prepared(&mut world, HOME, &other, &[1; 32]);
    let mixed = ImportKeyMaterialRequest {
        import_token: of_other.import_token.clone(),
        ..good.clone()
    };
    assert_eq!(
        code(send(&mut world, HOME, &mixed)),
        "InvalidImportTokenException"
    );
    let again = prepared(&mut world, HOME, &one, &[1; 32]);
    let mixed = ImportKeyMaterialRequest {
        import_token: again.import_token,
        ..good.clone()
    };
    assert_eq!(
        code(send(&mut world, HOME, &mixed)),
        "InvalidCiphertextException"
    );
    let junk = ImportKeyMaterialRequest {
        import_token: Some(vec![1; 40]),
        ..good.clone()
    };
    assert_eq!(
        code(send(&mut world, HOME, &junk)),
        "InvalidImportTokenException"
    );
    world.advance(DAY + 1);
    assert_eq!(
        code(send(&mut world, HOME, &good)),
        "ExpiredImportTokenException"
    );
    import(&mut world, HOME, &one, &[1; 32]).unwrap();
}

#[test]
fn k_132_a_pair_is_good_for_one_import_that_succeeds() {
    let mut world = world();
    let key = id(&external(&mut world, None, false));
    let good = prepared(&mut world, HOME, &key, &[1; 32]);
    let early = prepared(&mut world, HOME, &key, &[1; 32]);
    // What is refused uses nothing up.
    let undated = ImportKeyMaterialRequest {
        expiration_model: None,
        ..good.clone()
    };
    assert_eq!(
        code(send(&mut world, HOME, &undated)),
        "ValidationException"
    );
    let first = send(&mut world, HOME, &good).unwrap();
    let again = send(&mut world, HOME, &good);
    assert_eq!(code(again), "InvalidImportTokenException");
    // Another pair of the same day is not touched by it.
    assert_eq!(send(&mut world, HOME, &early).unwrap(), first);
    let kept = |world: &World| {
        let rows = crate::store::Store::raw(world.store(HOME));
        rows.filter(|row| row.as_ref().unwrap().0.starts_with(&[5, 5]))
            .count()
    };
    assert_eq!(kept(&world), 2);
    // Tokens that have expired need no digest.
    world.advance(DAY + 1);
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    assert_eq!(kept(&world), 1);
}

#[test]
fn k_133_k_134_material_is_256_bits_and_the_same_bytes_for_ever() {
    let mut world = world();
    let key = id(&external(&mut world, None, false));
    for length in [16, 31, 33] {
        let wrong = import(&mut world, HOME, &key, &vec![1; length]);
        assert_eq!(code(wrong), "IncorrectKeyMaterialException", "{length}");
    }
    let first = import(&mut world, HOME, &key, &[1; 32]).unwrap();
    assert_eq!(
        code(import(&mut world, HOME, &key, &[2; 32])),
        "IncorrectKeyMaterialException"
    );
    assert_eq!(delete(&mut world, HOME, &key, None), Some(first.clone()));
    assert_eq!(
        code(import(&mut world, HOME, &key, &[2; 32])),
        "IncorrectKeyMaterialException"
    );
    assert_eq!(import(&mut world, HOME, &key, &[1; 32]).unwrap(), first);
}

#[test]
fn k_139_k_140_the_expiration_is_set_by_each_import() {
    let mut world = world();
    let key = id(&external(&mut world, None, false));
    let now = world.wall(HOME) / 1000;
    let day = 86_400_000;
    let base = prepared(&mut world, HOME, &key, &[1; 32]);
    let without = ImportKeyMaterialRequest {
        expiration_model: None,
        ..base.clone()
    };
    let text = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES";
    assert_eq!(
        no(send(&mut world, HOME, &without)),
        ("ValidationException".to_owned(), text.to_owned())
    );
    let both = ImportKeyMaterialRequest {
        valid_to: Some(now + day),
        ..base.clone()
    };
    let until = |date: i64| ImportKeyMaterialRequest {
        expiration_model: None,
        valid_to: Some(date),
        ..base.clone()
    };
    for wrong in [both, until(now - day), until(now + 366 * day)] {
        assert_eq!(code(send(&mut world, HOME, &wrong)), "ValidationException");
    }
    send(&mut world, HOME, &until(now + 10 * day)).unwrap();
    let seen = describe(&mut world, HOME, &key).unwrap();
    assert_eq!(
        seen.expiration_model.as_deref(),
        Some("KEY_MATERIAL_EXPIRES")
    );
    assert_eq!(seen.valid_to, Some(now + 10 * day));
    world.advance(DAY / 2);
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    assert_eq!(describe(&mut world, HOME, &key).unwrap().valid_to, None);
    world.advance(11 * DAY);
    assert_eq!(
        state(&mut world, HOME, &key),
        "Enabled",
        "the old date counts no more"
    );
}

#[test]
fn k_045_k_141_material_expires_and_the_key_waits_for_it() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = external(&mut world, None, false);
    let request = ImportKeyMaterialRequest {
        expiration_model: some("KEY_MATERIAL_EXPIRES"),
        valid_to: Some(world.wall(HOME) / 1000 + 10 * 86_400_000),
        ..prepared(&mut world, HOME, &id(&key), &[1; 32])
    };
    send(&mut world, HOME, &request).unwrap();
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    world.advance(10 * DAY + 60);
    assert_eq!(state(&mut world, HOME, &id(&key)), "PendingImport");
    assert_eq!(
        code(decrypt(&mut world, HOME, &root, &blob)),
        "KMSInvalidStateException"
    );
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "DeleteExpiredKeyMaterial");
    assert_eq!(event.unwrap().resources, [arn(&key)]);
    import(&mut world, HOME, &id(&key), &[1; 32]).unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
}

#[test]
fn k_044_k_145_deleted_material_leaves_the_key_waiting_whatever_it_was() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&external(&mut world, None, false));
    assert_eq!(
        delete(&mut world, HOME, &key, None),
        None,
        "no effect, no error"
    );
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    world
        .call(HOME, &root, &DisableKeyRequest { key_id: some(&key) })
        .unwrap();
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    assert_eq!(
        state(&mut world, HOME, &key),
        "Disabled",
        "K-145: our choice"
    );
    delete(&mut world, HOME, &key, None);
    assert_eq!(state(&mut world, HOME, &key), "PendingImport");
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    assert_eq!(state(&mut world, HOME, &key), "Enabled");
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&key),
        ..Default::default()
    };
    world.call(HOME, &root, &schedule).unwrap();
    delete(&mut world, HOME, &key, None);
    assert_eq!(state(&mut world, HOME, &key), "PendingDeletion");
    world
        .call(
            HOME,
            &root,
            &CancelKeyDeletionRequest { key_id: some(&key) },
        )
        .unwrap();
    assert_eq!(
        state(&mut world, HOME, &key),
        "PendingImport",
        "K-042: our choice"
    );
}

#[test]
fn k_136_k_137_k_138_k_159_a_second_material_waits_for_its_rotation() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = external(&mut world, None, false);
    let id = id(&key);
    let rotate = RotateKeyOnDemandRequest { key_id: some(&id) };
    let pending = format!("{} is pending import.", arn(&key));
    assert_eq!(
        no(world.call(HOME, &root, &rotate)),
        ("KMSInvalidStateException".to_owned(), pending),
        "K-160"
    );
    let first = import(&mut world, HOME, &id, &[1; 32]).unwrap();
    let nothing = format!(
        "No available key material pending rotation for the key: {}.",
        arn(&key)
    );
    assert_eq!(
        no(world.call(HOME, &root, &rotate)),
        ("KMSInvalidStateException".to_owned(), nothing)
    );
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    let second = import_as(&mut world, HOME, &id, &[2; 32], "NEW_KEY_MATERIAL").unwrap();
    assert_eq!(
        materials(&mut world, HOME, &id),
        ["CURRENT IMPORTED", "PENDING_ROTATION IMPORTED"]
    );
    let (_, message) = no(import_as(
        &mut world,
        HOME,
        &id,
        &[3; 32],
        "NEW_KEY_MATERIAL",
    ));
    assert!(message.starts_with("New key material (id: "), "{message}");
    let end = format!(
        "cannot be imported into KMS key {id}, because another key material (id: {second}) is pending rotation."
    );
    assert!(message.ends_with(&end), "{message}");
    // A pending one is not permanent: without it the key goes on.
    delete(&mut world, HOME, &id, Some(&second));
    assert_eq!(state(&mut world, HOME, &id), "Enabled");
    import_as(&mut world, HOME, &id, &[2; 32], "NEW_KEY_MATERIAL").unwrap();
    world.call(HOME, &root, &rotate).unwrap();
    world.advance(10);
    assert_eq!(
        materials(&mut world, HOME, &id),
        ["NON_CURRENT IMPORTED", "CURRENT IMPORTED"],
        "K-350"
    );
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    // Both are permanent now: each is needed.
    delete(&mut world, HOME, &id, Some(&first));
    assert_eq!(
        materials(&mut world, HOME, &id),
        ["NON_CURRENT PENDING_IMPORT", "CURRENT IMPORTED"]
    );
    assert_eq!(
        code(encrypt(&mut world, HOME, &root, &id, b"4242")),
        "KMSInvalidStateException"
    );
    import(&mut world, HOME, &id, &[1; 32]).unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
}

#[test]
fn k_143_k_352_the_same_bytes_in_another_key_open_nothing() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (one, other) = (
        id(&external(&mut world, None, false)),
        id(&external(&mut world, None, false)),
    );
    for key in [&one, &other] {
        import(&mut world, HOME, key, &[1; 32]).unwrap();
    }
    let blob = encrypt(&mut world, HOME, &root, &one, b"4242").unwrap();
    let by_other = DecryptRequest {
        key_id: some(&other),
        ciphertext_blob: Some(blob),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &by_other)),
        "IncorrectKeyException"
    );
}

#[test]
fn k_122_k_102_each_member_of_an_imported_set_needs_the_same_material() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&external(&mut world, None, true));
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    let blob = encrypt(&mut world, HOME, &root, &key, b"4242").unwrap();
    replicate(&mut world, HOME, &key, FAR).unwrap();
    world.advance(10);
    assert_eq!(state(&mut world, FAR, &key), "PendingImport");
    assert_eq!(
        code(decrypt(&mut world, FAR, &root, &blob)),
        "KMSInvalidStateException"
    );
    assert_eq!(
        code(import(&mut world, FAR, &key, &[2; 32])),
        "IncorrectKeyMaterialException"
    );
    import(&mut world, FAR, &key, &[1; 32]).unwrap();
    assert_eq!(decrypt(&mut world, FAR, &root, &blob).unwrap(), b"4242");
    delete(&mut world, FAR, &key, None);
    world.advance(10);
    assert_eq!(
        (state(&mut world, FAR, &key), state(&mut world, HOME, &key)),
        ("PendingImport".to_owned(), "Enabled".to_owned())
    );
}

#[test]
fn k_123_an_imported_set_rotates_when_every_member_has_the_new_material() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&external(&mut world, None, true));
    import(&mut world, HOME, &key, &[1; 32]).unwrap();
    replicate(&mut world, HOME, &key, FAR).unwrap();
    world.advance(10);
    import(&mut world, FAR, &key, &[1; 32]).unwrap();
    let direct = import_as(&mut world, FAR, &key, &[2; 32], "NEW_KEY_MATERIAL");
    assert_eq!(code(direct), "UnsupportedOperationException");
    import_as(&mut world, HOME, &key, &[2; 32], "NEW_KEY_MATERIAL").unwrap();
    world.advance(1);
    let waiting = [
        "CURRENT IMPORTED",
        "PENDING_MULTI_REGION_IMPORT_AND_ROTATION IMPORTED",
    ];
    assert_eq!(materials(&mut world, HOME, &key), waiting);
    let rotate = RotateKeyOnDemandRequest { key_id: some(&key) };
    assert_eq!(
        code(world.call(HOME, &root, &rotate)),
        "KMSInvalidStateException"
    );
    let there = [
        "CURRENT IMPORTED",
        "PENDING_MULTI_REGION_IMPORT_AND_ROTATION PENDING_IMPORT",
    ];
    assert_eq!(
        materials(&mut world, FAR, &key),
        there,
        "id and description travel, bytes never"
    );
    import_as(&mut world, FAR, &key, &[2; 32], "EXISTING_KEY_MATERIAL").unwrap();
    world.advance(1);
    for region in [HOME, FAR] {
        assert_eq!(
            materials(&mut world, region, &key),
            ["CURRENT IMPORTED", "PENDING_ROTATION IMPORTED"]
        );
    }
    world.call(HOME, &root, &rotate).unwrap();
    world.advance(20);
    for region in [HOME, FAR] {
        assert_eq!(
            materials(&mut world, region, &key),
            ["NON_CURRENT IMPORTED", "CURRENT IMPORTED"],
            "{region}"
        );
    }
    let blob = encrypt(&mut world, FAR, &root, &key, b"4242").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
}
