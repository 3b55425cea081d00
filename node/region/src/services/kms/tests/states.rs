//! Every operation in every state that a key of ours can be in (K-036 to K-057).

use faultline_proto::Operation;
use faultline_proto::kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, CreateGrantRequest, DisableKeyRequest,
    EnableKeyRequest, GenerateDataKeyPairRequest, GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest, GetKeyPolicyRequest,
    ListAliasesRequest, ListGrantsRequest, PutKeyPolicyRequest, ReEncryptRequest,
    ScheduleKeyDeletionRequest, UpdatePrimaryRegionRequest,
};

use super::*;
use crate::services::kms::states::{StateName, Use, cell};

type Ask = fn(&mut World, &Case) -> Result<(), Failure>;

struct Case {
    region: &'static str,
    key: String,
    blob: Vec<u8>,
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
};

/// Brings a fresh key into `name`.
fn bring(world: &mut World, name: StateName) -> Case {
    let root = world.root(ACCOUNT);
    let replicas: &[&str] = match name {
        StateName::PendingReplicaDeletion | StateName::Updating => &[FAR],
        _ => &[],
    };
    let key = family(world, replicas);
    let blob = encrypt(world, HOME, &root, &key, b"4242").unwrap();
    let region = if name == StateName::Creating {
        FAR
    } else {
        HOME
    };
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
        StateName::PendingImport | StateName::Unavailable => panic!("no key of ours can be in it"),
    }
    assert_eq!(state(world, region, &key), name.text());
    Case { region, key, blob }
}

#[test]
fn k_036_to_k_057_the_state_matrix_holds_for_every_operation() {
    let states = [
        StateName::Enabled,
        StateName::Disabled,
        StateName::PendingDeletion,
        StateName::PendingReplicaDeletion,
        StateName::Creating,
        StateName::Updating,
    ];
    let mut world = world();
    for name in states {
        for (operation, used, send) in ASKS {
            let case = bring(&mut world, name);
            let arn = format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", case.region, case.key);
            let got = send(&mut world, &case).map_err(|failure| (failure.code, failure.message));
            match cell(*used, name).check(&arn) {
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
            let alias = faultline_proto::kms::DeleteAliasRequest {
                alias_name: some("alias/a"),
            };
            let root = world.root(ACCOUNT);
            let _ = world.call(case.region, &root, &alias);
        }
    }
}
