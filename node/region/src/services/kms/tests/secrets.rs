//! HMACs, shared secrets, data key pairs; dry runs of all of them.

use faultline_proto::Operation;
use faultline_proto::kms::{
    DecapsulateRequest, DeriveSharedSecretRequest, EncapsulateRequest, GenerateDataKeyPairRequest,
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateMacRequest, GetPublicKeyRequest,
    RecipientInfo, SignRequest, VerifyMacRequest, VerifyRequest,
};
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};

use super::*;

const MESSAGE: &[u8] = b"pay 42 to Ann";

fn mac(world: &mut World, region: &str, key: &str, algorithm: &str) -> Result<Vec<u8>, Failure> {
    let root = world.root(ACCOUNT);
    let request = GenerateMacRequest {
        key_id: some(key),
        message: Some(MESSAGE.to_vec()),
        mac_algorithm: some(algorithm),
        ..Default::default()
    };
    let answer = world.call(region, &root, &request)?;
    Ok(answer.mac.expect("an HMAC"))
}

fn verify_mac(
    world: &mut World,
    region: &str,
    key: &str,
    algorithm: &str,
    mac: &[u8],
) -> Result<Option<bool>, Failure> {
    let root = world.root(ACCOUNT);
    let request = VerifyMacRequest {
        key_id: some(key),
        message: Some(MESSAGE.to_vec()),
        mac_algorithm: some(algorithm),
        mac: Some(mac.to_vec()),
        ..Default::default()
    };
    world
        .call(region, &root, &request)
        .map(|answer| answer.mac_valid)
}

/// With K-364: VerifyMac never answers "false".
#[test]
fn k_083_k_084_hmac_keys() {
    let mut world = world();
    let usage = "GENERATE_VERIFY_MAC";
    for (bits, length) in [(224, 28), (256, 32), (384, 48), (512, 64)] {
        let key = key_of(&mut world, &format!("HMAC_{bits}"), usage, false);
        let algorithm = format!("HMAC_SHA_{bits}");
        let one = mac(&mut world, HOME, &key, &algorithm).unwrap();
        assert_eq!(one.len(), length);
        assert_eq!(mac(&mut world, HOME, &key, &algorithm).unwrap(), one);
        let valid = verify_mac(&mut world, HOME, &key, &algorithm, &one);
        assert_eq!(valid.unwrap(), Some(true));
        for wrong in [&one[1..], &[0; 64][..], &[1]] {
            let outcome = verify_mac(&mut world, HOME, &key, &algorithm, wrong);
            let want = ("KMSInvalidMacException".to_owned(), String::new());
            assert_eq!(no(outcome), want);
        }
        let other = if bits == 256 {
            "HMAC_SHA_224"
        } else {
            "HMAC_SHA_256"
        };
        let text = format!("Algorithm {other} is incompatible with key spec HMAC_{bits}.");
        let outcome = mac(&mut world, HOME, &key, other);
        assert_eq!(no(outcome), ("InvalidKeyUsageException".to_owned(), text));
    }
}

#[test]
fn k_092_an_hmac_of_one_region_verifies_in_the_other() {
    let mut world = world();
    let key = key_of(&mut world, "HMAC_384", "GENERATE_VERIFY_MAC", true);
    replicate(&mut world, HOME, &key, FAR).unwrap();
    world.advance(10);
    let algorithm = "HMAC_SHA_384";
    let one = mac(&mut world, FAR, &key, algorithm).unwrap();
    let valid = verify_mac(&mut world, HOME, &key, algorithm, &one);
    assert_eq!(valid.unwrap(), Some(true));
}

#[test]
fn k_069_naming_a_key_for_macs_is_incorrect_not_a_wrong_usage() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let made = id(&key(&mut world, false));
    let hmac = key_of(&mut world, "HMAC_256", "GENERATE_VERIFY_MAC", false);
    let blob = encrypt(&mut world, HOME, &root, &made, MESSAGE).unwrap();
    let request = DecryptRequest {
        ciphertext_blob: Some(blob),
        key_id: some(&hmac),
        ..Default::default()
    };
    let outcome = world.call(HOME, &root, &request);
    assert_eq!(code(outcome), "IncorrectKeyException");
}

fn derive(world: &mut World, key: &str, peer: &[u8]) -> Result<Vec<u8>, Failure> {
    let root = world.root(ACCOUNT);
    let request = DeriveSharedSecretRequest {
        key_id: some(key),
        key_agreement_algorithm: some("ECDH"),
        public_key: Some(peer.to_vec()),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request)?;
    Ok(answer.shared_secret.expect("a secret"))
}

fn public_key(world: &mut World, key: &str) -> Vec<u8> {
    let root = world.root(ACCOUNT);
    let request = GetPublicKeyRequest {
        key_id: some(key),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request).unwrap();
    assert!(answer.signing_algorithms.is_empty());
    answer.public_key.expect("a public key")
}

#[test]
fn k_011_k_014_two_keys_for_agreement_derive_one_secret() {
    let mut world = world();
    for (spec, length) in [
        ("ECC_NIST_P256", 32),
        ("ECC_NIST_P384", 48),
        ("ECC_NIST_P521", 66),
    ] {
        let [ann, bob] = [0, 1].map(|_| key_of(&mut world, spec, "KEY_AGREEMENT", false));
        let [of_ann, of_bob] = [&ann, &bob].map(|key| public_key(&mut world, key));
        let secret = derive(&mut world, &ann, &of_bob).unwrap();
        assert_eq!(secret.len(), length);
        assert_eq!(derive(&mut world, &bob, &of_ann).unwrap(), secret);
        let outcome = derive(&mut world, &ann, b"no key at all");
        let text =
            format!("PublicKey is not the DER of a public key on the curve of key spec {spec}.");
        assert_eq!(no(outcome), ("ValidationException".to_owned(), text));
    }
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        key_spec: some("RSA_2048"),
        key_usage: some("KEY_AGREEMENT"),
        ..Default::default()
    };
    let text = "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048";
    let want = ("ValidationException".to_owned(), text.to_owned());
    assert_eq!(no(world.call(HOME, &root, &request)), want);
}

#[test]
fn k_291_k_301_an_encapsulated_secret_is_recovered() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for spec in ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"] {
        let key = key_of(&mut world, spec, "ENCAPSULATE_DECAPSULATE", false);
        let request = EncapsulateRequest {
            key_id: some(&key),
            encapsulation_algorithm: some("ML_KEM"),
            ..Default::default()
        };
        let made = world.call(HOME, &root, &request).unwrap();
        assert_ne!(made, world.call(HOME, &root, &request).unwrap());
        let mut open = |blob: Vec<u8>| {
            let request = DecapsulateRequest {
                key_id: some(&key),
                encapsulation_algorithm: some("ML_KEM"),
                shared_secret_ciphertext_blob: Some(blob),
                ..Default::default()
            };
            world.call(HOME, &root, &request)
        };
        let blob = made.shared_secret_ciphertext_blob.unwrap();
        let opened = open(blob.clone()).unwrap();
        assert_eq!(opened.shared_secret, made.shared_secret);
        assert_eq!(opened.shared_secret.map(|secret| secret.len()), Some(32));
        let want = ("InvalidCiphertextException".to_owned(), String::new());
        assert_eq!(no(open(blob[1..].to_vec())), want);
    }
}

#[test]
fn k_080_a_data_key_pair_belongs_together_and_its_private_key_is_wrapped() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let wrapping = id(&key(&mut world, false));
    let request = GenerateDataKeyPairRequest {
        key_id: some(&wrapping),
        key_pair_spec: some("ECC_NIST_P256"),
        encryption_context: pairs(&[("tenant", "7")]),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request).unwrap();
    assert!(made.key_material_id.is_some(), "K-162");
    let private = made.private_key_plaintext.unwrap();
    let signing: p256::ecdsa::SigningKey =
        p256::SecretKey::from_pkcs8_der(&private).unwrap().into();
    let signature: p256::ecdsa::Signature = signing.sign(MESSAGE);
    let public = p256::ecdsa::VerifyingKey::from_public_key_der(&made.public_key.unwrap());
    assert_eq!(&public.unwrap(), signing.verifying_key());
    assert!(!signature.to_bytes().is_empty());
    let mut open = |context: &[(&str, &str)]| {
        let request = DecryptRequest {
            ciphertext_blob: made.private_key_ciphertext_blob.clone(),
            encryption_context: pairs(context),
            ..Default::default()
        };
        world.call(HOME, &root, &request)
    };
    assert_eq!(open(&[("tenant", "7")]).unwrap().plaintext, Some(private));
    assert_eq!(code(open(&[])), "InvalidCiphertextException");
    for spec in [
        "RSA_2048",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
        "ML_KEM_768",
    ] {
        let request = GenerateDataKeyPairWithoutPlaintextRequest {
            key_id: some(&wrapping),
            key_pair_spec: some(spec),
            ..Default::default()
        };
        let made = world.call(HOME, &root, &request).unwrap();
        let blob = made.private_key_ciphertext_blob.unwrap();
        let der = decrypt(&mut world, HOME, &root, &blob).unwrap();
        let spec = crate::services::kms::asymmetric::PairSpec::named(spec).unwrap();
        let pair = crate::services::kms::KeyPair::from_pkcs8(spec, &der).unwrap();
        assert_eq!(Some(pair.public_key()), made.public_key);
    }
    let rsa = key_of(&mut world, "RSA_2048", "ENCRYPT_DECRYPT", false);
    let request = GenerateDataKeyPairRequest {
        key_id: some(&rsa),
        ..request
    };
    let outcome = world.call(HOME, &root, &request);
    assert_eq!(code(outcome), "InvalidKeyUsageException");
}

fn dry<R: Operation>(world: &mut World, request: &R) -> (String, String)
where
    R::Response: std::fmt::Debug,
{
    let root = world.root(ACCOUNT);
    no(world.call(HOME, &root, request))
}

fn would() -> (String, String) {
    let text = "The request would have succeeded, but the DryRun option is set.";
    ("DryRunOperationException".to_owned(), text.to_owned())
}

#[test]
fn k_089_a_dry_run_that_would_succeed_says_so_and_one_that_would_fail_says_why() {
    let mut world = world();
    let would = would();
    let hmac = key_of(&mut world, "HMAC_256", "GENERATE_VERIFY_MAC", false);
    let signing = key_of(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", false);
    let agreeing = key_of(&mut world, "ECC_NIST_P256", "KEY_AGREEMENT", false);
    let sign = SignRequest {
        key_id: some(&signing),
        message: Some(MESSAGE.to_vec()),
        signing_algorithm: some("ECDSA_SHA_256"),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &sign), would);
    let unfit = SignRequest {
        signing_algorithm: some("ECDSA_SHA_384"),
        ..sign
    };
    assert_eq!(dry(&mut world, &unfit).0, "InvalidKeyUsageException");
    let verify = VerifyRequest {
        key_id: some(&signing),
        message: Some(MESSAGE.to_vec()),
        signature: Some(vec![1]),
        signing_algorithm: some("ECDSA_SHA_256"),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &verify).0, "KMSInvalidSignatureException");
    let generate = GenerateMacRequest {
        key_id: some(&hmac),
        message: Some(MESSAGE.to_vec()),
        mac_algorithm: some("HMAC_SHA_256"),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &generate), would);
    let one = mac(&mut world, HOME, &hmac, "HMAC_SHA_256").unwrap();
    let verify = VerifyMacRequest {
        key_id: some(&hmac),
        message: Some(MESSAGE.to_vec()),
        mac_algorithm: some("HMAC_SHA_256"),
        mac: Some(one),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &verify), would);
    let derive = DeriveSharedSecretRequest {
        key_id: some(&agreeing),
        key_agreement_algorithm: some("ECDH"),
        public_key: Some(public_key(&mut world, &agreeing)),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &derive), would);
}

#[test]
fn k_089_a_dry_run_makes_no_key_and_k_090_may_ask_for_permission_alone() {
    let mut world = world();
    let would = would();
    let symmetric = id(&key(&mut world, false));
    let kem = key_of(&mut world, "ML_KEM_512", "ENCAPSULATE_DECAPSULATE", false);
    let encapsulate = EncapsulateRequest {
        key_id: some(&kem),
        encapsulation_algorithm: some("ML_KEM"),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &encapsulate), would);
    let pair = GenerateDataKeyPairRequest {
        key_id: some(&symmetric),
        key_pair_spec: some("RSA_4096"),
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &pair), would, "and no pair is made");
    let enclave = GenerateDataKeyPairRequest {
        recipient: Some(RecipientInfo::default()),
        ..pair
    };
    assert_eq!(dry(&mut world, &enclave).0, "UnsupportedOperationException");
    // K-090: permission alone, without a ciphertext.
    let decrypt = DecryptRequest {
        key_id: some(&symmetric),
        dry_run: Some(true),
        dry_run_modifiers: vec!["IGNORE_CIPHERTEXT".to_owned()],
        ..Default::default()
    };
    assert_eq!(dry(&mut world, &decrypt), would);
    let unnamed = DecryptRequest {
        key_id: None,
        ..decrypt
    };
    assert_eq!(dry(&mut world, &unnamed).0, "ValidationException", "K-067");
}
