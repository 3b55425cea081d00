//! Quotas: how often an account may call, and how much it may have.

use faultline_proto::driving::{Crash, Quota, Settings};
use faultline_proto::kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, CreateGrantRequest, CreateKeyRequest,
    DeleteAliasRequest, DescribeKeyRequest, DisableKeyRequest, EnableKeyRequest,
    EnableKeyRotationRequest, GenerateDataKeyPairRequest, GenerateDataKeyRequest,
    GenerateDataKeyWithoutPlaintextRequest, GenerateMacRequest, GenerateRandomRequest,
    GetKeyPolicyRequest, GetKeyRotationStatusRequest, GetParametersForImportRequest,
    GetPublicKeyRequest, ImportKeyMaterialRequest, ListAliasesRequest, ListGrantsRequest,
    ListKeysRequest, ListResourceTagsRequest, PutKeyPolicyRequest, ReEncryptRequest,
    RetireGrantRequest, RevokeGrantRequest, ScheduleKeyDeletionRequest, SignRequest, Tag,
    TagResourceRequest, UntagResourceRequest, UpdateAliasRequest, UpdatePrimaryRegionRequest,
};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::allow;

const THROTTLED: &str = "ThrottlingException";

/// A world in which only these request quotas count, everywhere or in one Region.
fn limited(limits: &[(&str, &str, u64)]) -> World {
    let said = |name: &str, region: &str, thousandths: u64| Quota {
        name: name.to_owned(),
        region: region.to_owned(),
        account: String::new(),
        thousandths,
    };
    let limits = limits.iter();
    let quotas = limits.map(|(name, region, limit)| said(name, region, limit * 1_000));
    let settings = Settings {
        quotas: quotas.collect(),
        ..Settings::default()
    };
    World::with_settings(&[HOME, FAR, THIRD], settings)
}

fn random(world: &mut World, region: &str, who: &Credential) -> Result<(), Failure> {
    let request = GenerateRandomRequest {
        number_of_bytes: Some(8),
        ..Default::default()
    };
    world.call(region, who, &request).map(drop)
}

#[test]
fn k_238_a_quota_is_of_one_account_in_one_region_with_all_its_callers() {
    let mut world = limited(&[("kms.Symmetric", "", 2)]);
    let (root, partner) = (world.root(ACCOUNT), world.root(PARTNER));
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:*"], &["*"]));
    random(&mut world, HOME, &ann).expect("the first");
    random(&mut world, HOME, &root).expect("the second, by another");
    assert_eq!(code(random(&mut world, HOME, &ann)), THROTTLED);
    random(&mut world, FAR, &ann).expect("another Region");
    random(&mut world, HOME, &partner).expect("another account");
    world.advance_micros(500_000);
    random(&mut world, HOME, &ann).expect("half a second brings one");
    assert_eq!(code(random(&mut world, HOME, &root)), THROTTLED);
}

#[test]
fn k_238_a_new_process_begins_with_full_buckets() {
    let mut world = limited(&[("kms.Symmetric", "", 1)]);
    let root = world.root(ACCOUNT);
    random(&mut world, HOME, &root).expect("the first");
    assert_eq!(code(random(&mut world, HOME, &root)), THROTTLED);
    world.stop(HOME);
    world.restart(HOME);
    random(&mut world, HOME, &root).expect("nothing was stored");
}

#[test]
fn k_239_symmetric_and_hmac_keys_and_randomness_share_a_pool() {
    let mut world = limited(&[("kms.Symmetric", "", 2)]);
    let root = world.root(ACCOUNT);
    let symmetric = id(&key(&mut world, false));
    let mac = key_of(&mut world, "HMAC_256", "GENERATE_VERIFY_MAC", false);
    let blob = encrypt(&mut world, HOME, &root, &symmetric, b"x").expect("one");
    world.advance(1);
    macro_rules! is_of_the_pool {
        ($($request:expr),* $(,)?) => {$(
            let request = $request;
            world.advance(1);
            world.call(HOME, &root, &request).expect("there is room");
            random(&mut world, HOME, &root).expect("one is left");
            assert_eq!(code(random(&mut world, HOME, &root)), THROTTLED);
            let refused = world.call(HOME, &root, &request);
            assert_eq!(code(refused), THROTTLED, "{}", stringify!($request));
        )*};
    }
    let key_id = some(&symmetric);
    is_of_the_pool![
        EncryptRequest {
            key_id: key_id.clone(),
            plaintext: Some(vec![1]),
            ..Default::default()
        },
        DecryptRequest {
            ciphertext_blob: Some(blob.clone()),
            ..Default::default()
        },
        ReEncryptRequest {
            ciphertext_blob: Some(blob.clone()),
            destination_key_id: key_id.clone(),
            ..Default::default()
        },
        GenerateDataKeyRequest {
            key_id: key_id.clone(),
            key_spec: some("AES_256"),
            ..Default::default()
        },
        GenerateDataKeyWithoutPlaintextRequest {
            key_id: key_id.clone(),
            key_spec: some("AES_256"),
            ..Default::default()
        },
        GenerateMacRequest {
            key_id: some(&mac),
            message: Some(vec![1]),
            mac_algorithm: some("HMAC_SHA_256"),
            ..Default::default()
        },
    ];
    let pair = GenerateDataKeyPairRequest {
        key_id,
        key_pair_spec: some("ECC_NIST_P256"),
        ..Default::default()
    };
    world
        .call(HOME, &root, &pair)
        .expect("pairs have quotas of their own");
}

fn sign(world: &mut World, key: &str, algorithm: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = SignRequest {
        key_id: some(key),
        message: Some(vec![1]),
        signing_algorithm: some(algorithm),
        ..Default::default()
    };
    world.call(HOME, &root, &request).map(drop)
}

#[test]
fn k_240_rsa_ecc_and_ml_dsa_keys_have_a_pool_each() {
    let kinds = [
        ("kms.RSA", "RSA_2048", "RSASSA_PSS_SHA_256"),
        ("kms.ECC", "ECC_NIST_P256", "ECDSA_SHA_256"),
        ("kms.ML_DSA", "ML_DSA_44", "ML_DSA_SHAKE_256"),
    ];
    for (quota, _, _) in kinds {
        let mut world = limited(&[(quota, "", 1)]);
        for (pool, spec, algorithm) in kinds {
            let key = key_of(&mut world, spec, "SIGN_VERIFY", false);
            sign(&mut world, &key, algorithm).expect("the first");
            let second = sign(&mut world, &key, algorithm);
            assert_eq!(
                second.is_err(),
                pool == quota,
                "{quota}, {spec}: {second:?}"
            );
        }
        let root = world.root(ACCOUNT);
        random(&mut world, HOME, &root).expect("the symmetric pool is another");
    }
}

#[test]
#[expect(clippy::needless_update, reason = "some requests have one member only")]
fn k_240_k_241_each_operation_has_a_quota_of_its_own() {
    // One request a second of every quota. Who does not exist is charged as well.
    let mut world = limited(&[("", "", 1)]);
    let root = world.root(ACCOUNT);
    let unknown = some("00000000-0000-4000-8000-000000000000");
    let key = id(&key(&mut world, false));
    world.advance(1);
    macro_rules! has_its_own {
        ($($request:ident { $($members:tt)* };)*) => {$(
            let request = $request { $($members)*, ..Default::default() };
            let first = world.call(HOME, &root, &request).err().map(|failure| failure.code);
            assert_ne!(first.as_deref(), Some(THROTTLED), "first {}", stringify!($request));
            let second = world.call(HOME, &root, &request);
            assert_eq!(code(second), THROTTLED, "second {}", stringify!($request));
        )*};
    }
    has_its_own! {
        CreateKeyRequest { description: some("a key") };
        ReplicateKeyRequest { key_id: unknown.clone(), replica_region: some(FAR) };
        UpdatePrimaryRegionRequest { key_id: unknown.clone(), primary_region: some(FAR) };
        CreateAliasRequest { alias_name: some("alias/a"), target_key_id: unknown.clone() };
        UpdateAliasRequest { alias_name: some("alias/a"), target_key_id: unknown.clone() };
        DeleteAliasRequest { alias_name: some("alias/a") };
        EnableKeyRequest { key_id: unknown.clone() };
        DisableKeyRequest { key_id: unknown.clone() };
        CancelKeyDeletionRequest { key_id: unknown.clone() };
        ScheduleKeyDeletionRequest { key_id: unknown.clone() };
        ImportKeyMaterialRequest {
            key_id: unknown.clone(), import_token: Some(vec![1]), encrypted_key_material: Some(vec![1])
        };
        UntagResourceRequest { key_id: unknown.clone(), tag_keys: vec!["a".to_owned()] };
        TagResourceRequest {
            key_id: unknown.clone(), tags: vec![Tag { tag_key: some("a"), tag_value: some("b") }]
        };
        EnableKeyRotationRequest { key_id: unknown.clone() };
        PutKeyPolicyRequest { key_id: unknown.clone(), policy: some("{}") };
        RetireGrantRequest { key_id: unknown.clone(), grant_id: some("1") };
        RevokeGrantRequest { key_id: unknown.clone(), grant_id: some("1") };
        CreateGrantRequest {
            key_id: unknown.clone(), grantee_principal: some("arn:aws:iam::111111111111:root"),
            operations: vec!["Decrypt".to_owned()]
        };
        ListGrantsRequest { key_id: unknown.clone() };
        ListKeysRequest { limit: Some(1) };
        ListAliasesRequest { limit: Some(1) };
        GetKeyPolicyRequest { key_id: unknown.clone() };
        GetKeyRotationStatusRequest { key_id: unknown.clone() };
        DescribeKeyRequest { key_id: unknown.clone() };
        GetPublicKeyRequest { key_id: unknown.clone() };
        ListResourceTagsRequest { key_id: unknown.clone() };
        GetParametersForImportRequest {
            key_id: unknown.clone(), wrapping_algorithm: some("RSAES_OAEP_SHA_256"),
            wrapping_key_spec: some("RSA_2048")
        };
        GenerateDataKeyPairRequest { key_id: some(&key), key_pair_spec: some("ECC_NIST_P256") };
        GenerateDataKeyPairRequest { key_id: some(&key), key_pair_spec: some("ECC_NIST_P384") };
        GenerateDataKeyPairRequest { key_id: some(&key), key_pair_spec: some("ECC_NIST_P521") };
    }
}

#[test]
fn k_242_a_call_on_a_foreign_key_is_charged_to_the_caller_alone() {
    let mut world = limited(&[("kms.Symmetric", "", 1)]);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*",
        "Principal":{{"AWS":["arn:aws:iam::{ACCOUNT}:root","arn:aws:iam::{PARTNER}:root"]}}}}]}}"#
    );
    let key = arn(&key_with_policy(&mut world, &policy));
    let (owner, partner) = (world.root(ACCOUNT), world.root(PARTNER));
    encrypt(&mut world, HOME, &partner, &key, b"x").expect("the partner's one");
    encrypt(&mut world, HOME, &owner, &key, b"x").expect("the owner's one is still there");
    let refused = encrypt(&mut world, HOME, &partner, &key, b"x");
    assert_eq!(code(refused), THROTTLED);
}

#[test]
fn k_243_k_254_a_throttled_call_has_the_words_of_aws_and_stands_in_the_callers_trail() {
    let mut world = limited(&[("kms.Symmetric", "", 1)]);
    let root = world.root(ACCOUNT);
    random(&mut world, HOME, &root).expect("the first");
    let refused = random(&mut world, HOME, &root).expect_err("one too many");
    assert_eq!(
        (refused.code.as_str(), refused.http_status, refused.definite),
        (THROTTLED, 400, true)
    );
    let words = "You have exceeded the rate at which you may call KMS. \
                 Reduce the frequency of your calls.";
    assert_eq!(refused.message, words);
    let event = world.audit.last().expect("an event");
    assert_eq!(
        (event.event_name.as_str(), event.error_code.as_str()),
        ("GenerateRandom", THROTTLED)
    );
    assert_eq!(event.error_message, words);
    let (_, note) = world.notes.last().expect("a note");
    assert_eq!(note.kind, "throttled");
    assert_eq!(note.fields["quota"], "kms.Symmetric");
    assert_eq!(note.fields["limit"], "1/s");
}

#[test]
fn k_124_a_replica_uses_two_create_keys_and_a_promotion_one_request_on_each_side() {
    let mut world = limited(&[
        ("kms.CreateKey", FAR, 3),
        ("kms.UpdatePrimaryRegion", "", 1),
    ]);
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[]);
    replicate(&mut world, HOME, &id, FAR).expect("two of three");
    let create = CreateKeyRequest::default();
    world.call(FAR, &root, &create).expect("the third");
    assert_eq!(code(world.call(FAR, &root, &create)), THROTTLED);
    let other = family(&mut world, &[THIRD]);
    let moved = |world: &mut World, from: &str, id: &str, to: &str| {
        let request = UpdatePrimaryRegionRequest {
            key_id: some(id),
            primary_region: some(to),
        };
        world.call(from, &root, &request).map(drop)
    };
    moved(&mut world, HOME, &id, FAR).expect("one request on each side");
    let there = moved(&mut world, FAR, &id, HOME);
    assert_eq!(
        code(there),
        THROTTLED,
        "the Region of the replica was charged too"
    );
    let here = moved(&mut world, HOME, &other, THIRD);
    assert_eq!(code(here), THROTTLED);
    world.advance(1);
    moved(&mut world, HOME, &other, THIRD).expect("a second later");
}

#[test]
fn k_124_a_replica_that_the_far_quota_throttles_is_not_made() {
    let mut world = limited(&[("kms.CreateKey", FAR, 1)]);
    let id = family(&mut world, &[]);
    assert_eq!(code(replicate(&mut world, HOME, &id, FAR)), THROTTLED);
    assert_eq!(code(describe(&mut world, FAR, &id)), "NotFoundException");
}

#[test]
fn k_246_keys_in_any_state_count_and_replicas_too() {
    let mut world = limited(&[("kms.Keys", "", 2)]);
    let root = world.root(ACCOUNT);
    let first = id(&key(&mut world, false));
    let second = id(&key(&mut world, true));
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&first),
        pending_window_in_days: Some(7),
    };
    world.call(HOME, &root, &schedule).expect("scheduled");
    let create = CreateKeyRequest::default();
    let refused = no(world.call(HOME, &root, &create));
    let words = "The account has 2 KMS keys in this Region; the quota is 2.";
    assert_eq!(
        refused,
        ("LimitExceededException".to_owned(), words.to_owned())
    );
    let partner = world.root(PARTNER);
    world
        .call(HOME, &partner, &create)
        .expect("another account");
    for _ in 0..2 {
        world.call(FAR, &root, &create).expect("another Region");
    }
    let replica = replicate(&mut world, HOME, &second, FAR);
    assert_eq!(code(replica), "LimitExceededException");
    world.advance(8 * 24 * 60 * 60);
    world.call(HOME, &root, &create).expect("the first is gone");
    assert_eq!(
        code(world.call(HOME, &root, &create)),
        "LimitExceededException"
    );
    world.crash_next(HOME, Crash::BeforeCommit);
    drop(world.call(HOME, &root, &create));
    world.restart(HOME);
    assert_eq!(
        code(world.call(HOME, &root, &create)),
        "LimitExceededException"
    );
}

#[test]
fn k_008_a_services_own_key_takes_no_room_but_its_use_is_charged() {
    let mut world = limited(&[("kms.Keys", "", 1), ("kms.Symmetric", "", 1)]);
    let root = world.root(ACCOUNT);
    let create = CreateKeyRequest::default();
    world.call(FAR, &root, &create).expect("the only one");
    misuse::use_s3s_key(&mut world);
    let full = code(world.call(FAR, &root, &create));
    assert_eq!(full, "LimitExceededException");
    let charged = random(&mut world, FAR, &root);
    assert_eq!(code(charged), THROTTLED, "S3's data key was the caller's");
}

#[test]
fn k_246_k_208_aliases_and_grants_of_a_key_are_limited() {
    let mut world = limited(&[("kms.AliasesPerKey", "", 2), ("kms.GrantsPerKey", "", 2)]);
    let root = world.root(ACCOUNT);
    let [one, other] = [0, 1].map(|_| id(&key(&mut world, false)));
    let alias = |world: &mut World, name: &str, key: &str| {
        let request = CreateAliasRequest {
            alias_name: some(name),
            target_key_id: some(key),
        };
        no_or_done(world.call(HOME, &root, &request).map(drop))
    };
    assert_eq!(alias(&mut world, "alias/a", &one), None);
    assert_eq!(alias(&mut world, "alias/b", &one), None);
    let full = Some((
        "LimitExceededException".to_owned(),
        "The key has 2 aliases already.".to_owned(),
    ));
    assert_eq!(alias(&mut world, "alias/c", &one), full);
    assert_eq!(alias(&mut world, "alias/c", &other), None);
    let root = world.root(ACCOUNT);
    let update = UpdateAliasRequest {
        alias_name: some("alias/c"),
        target_key_id: some(&one),
    };
    assert_eq!(no_or_done(world.call(HOME, &root, &update).map(drop)), full);
    let grant = CreateGrantRequest {
        key_id: some(&one),
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:root")),
        operations: vec!["Decrypt".to_owned()],
        ..Default::default()
    };
    for _ in 0..2 {
        world.call(HOME, &root, &grant).expect("room for two");
    }
    let refused = no(world.call(HOME, &root, &grant));
    let words = "The key has 2 grants already.";
    assert_eq!(
        refused,
        ("LimitExceededException".to_owned(), words.to_owned())
    );
    // K-208: they never go by themselves.
    world.advance(10 * 365 * 24 * 60 * 60);
    assert_eq!(
        code(world.call(HOME, &root, &grant)),
        "LimitExceededException"
    );
}

fn no_or_done(outcome: Result<(), Failure>) -> Option<(String, String)> {
    outcome.err().map(|failure| (failure.code, failure.message))
}
