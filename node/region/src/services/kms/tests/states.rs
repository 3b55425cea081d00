//! Every operation in every state that a key of ours can be in (K-036 to K-057).

use faultline_proto::Operation;
use faultline_proto::kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, CreateGrantRequest, DecapsulateRequest,
    DeleteAliasRequest, DeleteImportedKeyMaterialRequest, DeriveSharedSecretRequest,
    DisableKeyRequest, DisableKeyRotationRequest, EnableKeyRequest, EnableKeyRotationRequest,
    EncapsulateRequest, GenerateDataKeyPairRequest, GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest, GenerateMacRequest,
    GetKeyLastUsageRequest, GetKeyPolicyRequest, GetKeyRotationStatusRequest,
    GetParametersForImportRequest, GetPublicKeyRequest, ImportKeyMaterialRequest,
    ListAliasesRequest, ListGrantsRequest, ListKeyPoliciesRequest, ListKeyRotationsRequest,
    ListResourceTagsRequest, PutKeyPolicyRequest, ReEncryptRequest, RetireGrantRequest,
    RevokeGrantRequest, RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest, SignRequest, Tag,
    TagResourceRequest, UntagResourceRequest, UpdateAliasRequest, UpdateKeyDescriptionRequest,
    UpdatePrimaryRegionRequest, VerifyMacRequest, VerifyRequest,
};

use super::*;
use crate::services::kms::specs::Origin;
use crate::services::kms::states::{StateName, Use, cell};

type Ask = fn(&mut World, &Case) -> Result<(), Failure>;

struct Case {
    region: &'static str,
    key: String,
    blob: Vec<u8>,
    /// An alias and a grant that the key had before.
    alias: String,
    grant: String,
}

fn ask<R: Operation>(world: &mut World, case: &Case, request: &R) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    world.call(case.region, &root, request).map(|_| ())
}

macro_rules! asks {
    ($($use:ident $request:ident { $($field:ident: $value:expr),* $(,)? } with $case:ident;)*) => {
        &[$((stringify!($request), Use::$use, |world, $case| {
            ask(world, $case, &$request { $($field: $value,)* ..Default::default() })
        })),*]
    };
}

#[expect(
    clippy::needless_update,
    reason = "one form for all, also where a request has two members"
)]
const ASKS: &[(&str, Use, Ask)] = asks! {
    CancelDeletion CancelKeyDeletionRequest { key_id: some(&case.key) } with case;
    CreateAlias CreateAliasRequest { target_key_id: some(&case.key), alias_name: some("alias/a") } with case;
    CreateGrant CreateGrantRequest {
        key_id: some(&case.key), operations: vec!["Decrypt".to_owned()],
        grantee_principal: some("arn:aws:iam::222222222222:root"),
    } with case;
    Cryptography EncryptRequest { key_id: some(&case.key), plaintext: Some(vec![1]) } with case;
    Cryptography DecryptRequest { ciphertext_blob: Some(case.blob.clone()) } with case;
    Cryptography ReEncryptRequest {
        ciphertext_blob: Some(case.blob.clone()), destination_key_id: some(&case.key),
    } with case;
    Cryptography GenerateDataKeyRequest { key_id: some(&case.key), key_spec: some("AES_256") } with case;
    Cryptography GenerateDataKeyWithoutPlaintextRequest {
        key_id: some(&case.key), key_spec: some("AES_256"),
    } with case;
    Cryptography GenerateDataKeyPairRequest {
        key_id: some(&case.key), key_pair_spec: some("ECC_NIST_P256"),
    } with case;
    Cryptography GenerateDataKeyPairWithoutPlaintextRequest {
        key_id: some(&case.key), key_pair_spec: some("ECC_NIST_P256"),
    } with case;
    Anytime DescribeKeyRequest { key_id: some(&case.key) } with case;
    Anytime GetKeyLastUsageRequest { key_id: some(&case.key) } with case;
    Anytime GetKeyPolicyRequest { key_id: some(&case.key) } with case;
    Anytime PutKeyPolicyRequest {
        key_id: some(&case.key), policy: Some(crate::testing::people::trust("111111111111").replace("sts:AssumeRole", "kms:*")
            .replace("\"Effect\"", "\"Resource\":\"*\",\"Effect\"")),
    } with case;
    Anytime ListGrantsRequest { key_id: some(&case.key) } with case;
    Anytime ListAliasesRequest { key_id: some(&case.key) } with case;
    Switch EnableKeyRequest { key_id: some(&case.key) } with case;
    Switch DisableKeyRequest { key_id: some(&case.key) } with case;
    Replicate ReplicateKeyRequest { key_id: some(&case.key), replica_region: some(THIRD) } with case;
    UpdatePrimary UpdatePrimaryRegionRequest { key_id: some(&case.key), primary_region: some(THIRD) } with case;
    ScheduleDeletion ScheduleKeyDeletionRequest { key_id: some(&case.key) } with case;
    Anytime DeleteAliasRequest { alias_name: some(&case.alias) } with case;
    UpdateAlias UpdateAliasRequest { alias_name: some(&case.alias), target_key_id: some(&case.key) } with case;
    Anytime RetireGrantRequest { key_id: some(&case.key), grant_id: some(&case.grant) } with case;
    Anytime RevokeGrantRequest { key_id: some(&case.key), grant_id: some(&case.grant) } with case;
    Anytime ListKeyPoliciesRequest { key_id: some(&case.key) } with case;
    Anytime ListResourceTagsRequest { key_id: some(&case.key) } with case;
    Describe TagResourceRequest {
        key_id: some(&case.key), tags: vec![Tag { tag_key: some("a"), tag_value: some("1") }],
    } with case;
    Describe UntagResourceRequest { key_id: some(&case.key), tag_keys: vec!["a".to_owned()] } with case;
    Describe UpdateKeyDescriptionRequest { key_id: some(&case.key), description: some("cards") } with case;
    SwitchRotation EnableKeyRotationRequest { key_id: some(&case.key) } with case;
    SwitchRotation DisableKeyRotationRequest { key_id: some(&case.key) } with case;
    RotationStatus GetKeyRotationStatusRequest { key_id: some(&case.key) } with case;
    ListRotations ListKeyRotationsRequest { key_id: some(&case.key) } with case;
    RotateOnDemand RotateKeyOnDemandRequest { key_id: some(&case.key) } with case;
    // The key is symmetric: in a state that allows them, these are refused for its usage.
    Signing SignRequest {
        key_id: some(&case.key), message: Some(vec![1]), signing_algorithm: some("ECDSA_SHA_256"),
    } with case;
    Signing VerifyRequest {
        key_id: some(&case.key), message: Some(vec![1]), signing_algorithm: some("ECDSA_SHA_256"),
        signature: Some(vec![1]),
    } with case;
    Signing GenerateMacRequest {
        key_id: some(&case.key), message: Some(vec![1]), mac_algorithm: some("HMAC_SHA_256"),
    } with case;
    Signing VerifyMacRequest {
        key_id: some(&case.key), message: Some(vec![1]), mac_algorithm: some("HMAC_SHA_256"),
        mac: Some(vec![1]),
    } with case;
    Signing DeriveSharedSecretRequest {
        key_id: some(&case.key), key_agreement_algorithm: some("ECDH"), public_key: Some(vec![1]),
    } with case;
    Signing EncapsulateRequest { key_id: some(&case.key), encapsulation_algorithm: some("ML_KEM") } with case;
    Signing DecapsulateRequest {
        key_id: some(&case.key), encapsulation_algorithm: some("ML_KEM"),
        shared_secret_ciphertext_blob: Some(vec![1]),
    } with case;
    GetPublicKey GetPublicKeyRequest { key_id: some(&case.key) } with case;
    ImportParameters GetParametersForImportRequest {
        key_id: some(&case.key), wrapping_algorithm: some("RSAES_OAEP_SHA_256"),
        wrapping_key_spec: some("RSA_2048"),
    } with case;
    ImportMaterial ImportKeyMaterialRequest {
        key_id: some(&case.key), import_token: Some(vec![1]), encrypted_key_material: Some(vec![1]),
        expiration_model: some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
    } with case;
    DeleteMaterial DeleteImportedKeyMaterialRequest { key_id: some(&case.key) } with case;
};

/// K-057: operations that no key's state has a say in.
const STATELESS: &[&str] = &[
    "CreateKey",
    "ListKeys",
    "GenerateRandom",
    "ListRetirableGrants",
];

#[test]
fn k_057_every_operation_is_in_the_table_or_asks_no_key() {
    let kms = faultline_proto::registry::find_service("kms").unwrap();
    let missing: Vec<&str> = kms
        .operations
        .iter()
        .map(|operation| operation.name)
        .filter(|name| !STATELESS.contains(name))
        .filter(|name| {
            !ASKS
                .iter()
                .any(|(request, _, _)| *request == format!("{name}Request"))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "add to ASKS, with their row of the matrix: {missing:?}"
    );
}

/// A key that waits for its material, under the alias of another.
fn waiting_for_import(world: &mut World, alias: &str) -> String {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        origin: some("EXTERNAL"),
        multi_region: Some(true),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request).unwrap().key_metadata;
    let other = id(&made.unwrap());
    assert_eq!(state(world, HOME, &other), StateName::PendingImport.text());
    let request = UpdateAliasRequest {
        alias_name: some(alias),
        target_key_id: some(&other),
    };
    world.call(HOME, &root, &request).unwrap();
    other
}

/// Brings a fresh key into `name`.
fn bring(world: &mut World, name: StateName) -> Case {
    let root = world.root(ACCOUNT);
    let replicas: &[&str] = match name {
        StateName::PendingReplicaDeletion | StateName::Updating => &[FAR],
        _ => &[],
    };
    let key = family(world, replicas);
    let blob = encrypt(world, HOME, &root, &key, b"4242").unwrap();
    let before = name != StateName::Creating;
    let region = if before { HOME } else { FAR };
    let (alias, mut grant) = (format!("alias/{key}"), "0".repeat(64));
    if before {
        let request = CreateAliasRequest {
            target_key_id: some(&key),
            alias_name: some(&alias),
        };
        world.call(HOME, &root, &request).unwrap();
        let request = CreateGrantRequest {
            key_id: some(&key),
            operations: vec!["Decrypt".to_owned()],
            grantee_principal: some("arn:aws:iam::222222222222:root"),
            retiring_principal: some(&format!("arn:aws:iam::{ACCOUNT}:root")),
            ..Default::default()
        };
        grant = world.call(HOME, &root, &request).unwrap().grant_id.unwrap();
    }
    let key_id = some(&key);
    match name {
        StateName::Enabled => {}
        StateName::Disabled => drop(
            world
                .call(HOME, &root, &DisableKeyRequest { key_id })
                .unwrap(),
        ),
        StateName::PendingDeletion | StateName::PendingReplicaDeletion => {
            let request = ScheduleKeyDeletionRequest {
                key_id,
                ..Default::default()
            };
            world.call(HOME, &root, &request).unwrap();
        }
        StateName::Creating => drop(replicate(world, HOME, &key, FAR).unwrap()),
        StateName::Updating => {
            let request = UpdatePrimaryRegionRequest {
                key_id,
                primary_region: some(FAR),
            };
            world.call(HOME, &root, &request).unwrap();
        }
        StateName::PendingImport => {
            let other = waiting_for_import(world, &alias);
            return Case {
                region,
                key: other,
                // Of another key: the state of this one is not asked.
                blob,
                alias,
                grant,
            };
        }
        StateName::Unavailable => panic!("no key of ours can be in it"),
    }
    assert_eq!(state(world, region, &key), name.text());
    Case {
        region,
        key,
        blob,
        alias,
        grant,
    }
}

/// With K-209: which states CreateGrant refuses, and that the other operations on grants work in all.
#[test]
fn k_036_to_k_057_the_state_matrix_holds_for_every_operation() {
    let states = [
        StateName::Enabled,
        StateName::Disabled,
        StateName::PendingDeletion,
        StateName::PendingReplicaDeletion,
        StateName::PendingImport,
        StateName::Creating,
        StateName::Updating,
    ];
    let mut world = world();
    for name in states {
        let origin = match name {
            StateName::PendingImport => Origin::External,
            _ => Origin::AwsKms,
        };
        for (operation, used, send) in ASKS {
            // Nothing was ever encrypted under a key without material.
            let by_blob = ["DecryptRequest", "ReEncryptRequest"].contains(operation);
            if by_blob && name == StateName::PendingImport {
                continue;
            }
            let case = bring(&mut world, name);
            let arn = format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", case.region, case.key);
            let got = send(&mut world, &case).map_err(|failure| (failure.code, failure.message));
            match cell(*used, name).check(&arn, origin) {
                Err(want) => {
                    let want = Err((want.code().to_owned(), want.to_string()));
                    assert_eq!(got, want, "{operation} in {}", name.text());
                }
                // It may fail for another reason (a replica is no primary), never for its state.
                Ok(()) => {
                    let of_state = ["KMSInvalidStateException", "DisabledException"];
                    let code = got.map_err(|(code, _)| code).err().unwrap_or_default();
                    assert!(
                        !of_state.contains(&code.as_str()),
                        "{operation} in {}: {code}",
                        name.text()
                    );
                }
            }
            let alias = DeleteAliasRequest {
                alias_name: some("alias/a"),
            };
            let root = world.root(ACCOUNT);
            let _ = world.call(case.region, &root, &alias);
        }
    }
}
