//! Sign, Verify, GetPublicKey, RSA encryption: what asymmetric keys do.

use faultline_proto::kms::{
    CreateGrantRequest, DisableKeyRequest, GetPublicKeyRequest, GetPublicKeyResponse,
    GrantConstraints, ReEncryptRequest, SignRequest, VerifyRequest,
};
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::testing::people::allow;

const MESSAGE: &[u8] = b"pay 42 to Ann";

/// Key, algorithm and MessageType of a signature.
type How<'h> = (&'h str, &'h str, Option<&'h str>);

fn sign(world: &mut World, region: &str, how: How<'_>, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let root = world.root(ACCOUNT);
    let (key, algorithm, message_type) = how;
    let request = SignRequest {
        key_id: some(key),
        message: Some(message.to_vec()),
        message_type: message_type.map(str::to_owned),
        signing_algorithm: some(algorithm),
        ..Default::default()
    };
    let answer = world.call(region, &root, &request)?;
    assert_eq!(answer.signing_algorithm.as_deref(), Some(algorithm));
    Ok(answer.signature.expect("a signature"))
}

fn verify(
    world: &mut World,
    region: &str,
    how: How<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<Option<bool>, Failure> {
    let root = world.root(ACCOUNT);
    let (key, algorithm, message_type) = how;
    let request = VerifyRequest {
        key_id: some(key),
        message: Some(message.to_vec()),
        message_type: message_type.map(str::to_owned),
        signature: Some(signature.to_vec()),
        signing_algorithm: some(algorithm),
        ..Default::default()
    };
    world
        .call(region, &root, &request)
        .map(|answer| answer.signature_valid)
}

fn public_key(world: &mut World, region: &str, key: &str) -> Result<GetPublicKeyResponse, Failure> {
    let root = world.root(ACCOUNT);
    let request = GetPublicKeyRequest {
        key_id: some(key),
        ..Default::default()
    };
    world.call(region, &root, &request)
}

fn refused(code: &str, text: impl Into<String>) -> (String, String) {
    (code.to_owned(), text.into())
}

fn arn_of(id: &str) -> String {
    format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{id}")
}

#[test]
fn k_012_k_086_every_signing_key_signs_and_verifies_with_each_of_its_algorithms() {
    let mut world = world();
    let specs = [
        "RSA_2048",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
        "ML_DSA_44",
        "ML_DSA_65",
        "ML_DSA_87",
    ];
    let mut count = 0;
    for spec in specs {
        let key = key_of(&mut world, spec, "SIGN_VERIFY", false);
        let described = describe(&mut world, HOME, &key).unwrap();
        assert!(described.current_key_material_id.is_none(), "K-032");
        assert!(described.encryption_algorithms.is_empty(), "K-033");
        let told = public_key(&mut world, HOME, &key).unwrap();
        assert_eq!(told.signing_algorithms, described.signing_algorithms);
        for algorithm in &described.signing_algorithms {
            // Ed25519ph takes digests only.
            let digest = (algorithm == "ED25519_PH_SHA_512").then_some("DIGEST");
            let message = if digest.is_some() {
                &[7; 64][..]
            } else {
                MESSAGE
            };
            let how = (key.as_str(), algorithm.as_str(), digest);
            let signature = sign(&mut world, HOME, how, message).unwrap();
            let valid = verify(&mut world, HOME, how, message, &signature);
            assert_eq!(valid.unwrap(), Some(true), "{spec} {algorithm}");
            let other = verify(&mut world, HOME, how, &[8; 64], &signature);
            assert_eq!(no(other), refused("KMSInvalidSignatureException", ""));
            count += 1;
        }
    }
    assert_eq!(count, 15);
}

#[test]
fn k_092_k_106_a_replica_verifies_what_the_primary_signed_and_signs_as_it() {
    let mut world = world();
    let key = key_of(&mut world, "ECC_NIST_P384", "SIGN_VERIFY", true);
    replicate(&mut world, HOME, &key, FAR).unwrap();
    world.advance(10);
    let how = (key.as_str(), "ECDSA_SHA_384", None);
    for (here, there) in [(HOME, FAR), (FAR, HOME)] {
        let signature = sign(&mut world, here, how, MESSAGE).unwrap();
        let valid = verify(&mut world, there, how, MESSAGE, &signature);
        assert_eq!(valid.unwrap(), Some(true));
    }
    let [home, far] = [HOME, FAR].map(|region| public_key(&mut world, region, &key).unwrap());
    assert_eq!(home.public_key, far.public_key);
    assert_ne!(home.key_id, far.key_id, "each tells its own ARN");
    let replica = describe(&mut world, FAR, &key).unwrap();
    assert_eq!(replica.key_spec.as_deref(), Some("ECC_NIST_P384"));
    assert_eq!(replica.signing_algorithms, ["ECDSA_SHA_384"]);
}

#[test]
fn k_092_replicas_of_rsa_and_lattice_keys_have_the_same_pair() {
    let mut world = world();
    for (spec, algorithm) in [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ] {
        let key = key_of(&mut world, spec, "SIGN_VERIFY", true);
        replicate(&mut world, HOME, &key, FAR).unwrap();
        world.advance(10);
        let how = (key.as_str(), algorithm, None);
        for (here, there) in [(HOME, FAR), (FAR, HOME)] {
            let signature = sign(&mut world, here, how, MESSAGE).unwrap();
            let valid = verify(&mut world, there, how, MESSAGE, &signature);
            assert_eq!(valid.unwrap(), Some(true), "{spec} {here}");
            let other = verify(&mut world, there, how, b"pay 43", &signature);
            assert_eq!(code(other), "KMSInvalidSignatureException", "{spec}");
        }
        let [home, far] = [HOME, FAR].map(|region| public_key(&mut world, region, &key).unwrap());
        assert_eq!(home.public_key, far.public_key, "{spec}");
    }
}

/// One test for the long ones, whose primes take seconds to find.
#[test]
fn k_011_rsa_keys_of_3072_and_4096_bits_are_as_long_as_they_say() {
    let mut world = world();
    for (spec, bytes) in [("RSA_3072", 384), ("RSA_4096", 512)] {
        let key = key_of(&mut world, spec, "SIGN_VERIFY", false);
        let how = (key.as_str(), "RSASSA_PKCS1_V1_5_SHA_256", None);
        let signature = sign(&mut world, HOME, how, MESSAGE).unwrap();
        assert_eq!(signature.len(), bytes, "{spec}");
        let valid = verify(&mut world, HOME, how, MESSAGE, &signature);
        assert_eq!(valid.unwrap(), Some(true));
    }
}

#[test]
fn k_087_the_public_key_verifies_outside_of_kms_whatever_the_state_of_the_key() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = key_of(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", false);
    let how = (key.as_str(), "ECDSA_SHA_256", None);
    let signature = sign(&mut world, HOME, how, MESSAGE).unwrap();
    let disable = DisableKeyRequest { key_id: some(&key) };
    world.call(HOME, &root, &disable).unwrap();
    let text = format!("{} is disabled.", arn_of(&key));
    let outcome = sign(&mut world, HOME, how, MESSAGE);
    assert_eq!(no(outcome), refused("DisabledException", text));
    // K-056: the current page allows it for a disabled key.
    let told = public_key(&mut world, HOME, &key).unwrap();
    let outside = p256::ecdsa::VerifyingKey::from_public_key_der(&told.public_key.unwrap());
    let signature = p256::ecdsa::Signature::from_der(&signature).unwrap();
    assert!(outside.unwrap().verify(MESSAGE, &signature).is_ok());
    let symmetric = id(&super::key(&mut world, false));
    let refusal = public_key(&mut world, HOME, &symmetric);
    assert_eq!(code(refusal), "UnsupportedOperationException");
}

/// With K-364: Verify never answers "false".
#[test]
fn k_085_k_086_messages_and_digests() {
    let mut world = world();
    let key = key_of(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", false);
    let raw = (key.as_str(), "ECDSA_SHA_256", Some("RAW"));
    let digest = (key.as_str(), "ECDSA_SHA_256", Some("DIGEST"));
    let signature = sign(&mut world, HOME, digest, &Sha256::digest(MESSAGE)).unwrap();
    assert!(verify(&mut world, HOME, raw, MESSAGE, &signature).is_ok());
    let text = "Digest is invalid length for algorithm ECDSA_SHA_256.";
    let outcome = sign(&mut world, HOME, digest, MESSAGE);
    assert_eq!(no(outcome), refused("ValidationException", text));
    let mu = (key.as_str(), "ECDSA_SHA_256", Some("EXTERNAL_MU"));
    let outcome = sign(&mut world, HOME, mu, &[1; 64]);
    let text = "MessageType EXTERNAL_MU is not valid for algorithm ECDSA_SHA_256.";
    assert_eq!(no(outcome), refused("ValidationException", text));
    assert!(sign(&mut world, HOME, raw, &[1; 4096]).is_ok());
    let outcome = sign(&mut world, HOME, raw, &[1; 4097]);
    assert_eq!(code(outcome), "ValidationException");
}

#[test]
fn k_070_k_083_what_a_key_is_not_for() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let signing = key_of(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", false);
    let text = format!(
        "{} key usage is SIGN_VERIFY which is not valid for Encrypt.",
        arn_of(&signing)
    );
    let outcome = encrypt(&mut world, HOME, &root, &signing, MESSAGE);
    assert_eq!(no(outcome), refused("InvalidKeyUsageException", text));
    let symmetric = id(&key(&mut world, false));
    let text = format!(
        "{} key usage is ENCRYPT_DECRYPT which is not valid for Sign.",
        arn_of(&symmetric)
    );
    let outcome = sign(
        &mut world,
        HOME,
        (&symmetric, "ECDSA_SHA_256", None),
        MESSAGE,
    );
    assert_eq!(no(outcome), refused("InvalidKeyUsageException", text));
    let text = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.";
    let outcome = sign(&mut world, HOME, (&signing, "ECDSA_SHA_384", None), MESSAGE);
    assert_eq!(no(outcome), refused("InvalidKeyUsageException", text));
}

#[test]
fn k_234_a_policy_may_ask_for_one_algorithm() {
    let mut world = world();
    let key = key_of(&mut world, "RSA_2048", "SIGN_VERIFY", false);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Sign","Resource":"*",
        "Condition":{"StringEquals":{"kms:SigningAlgorithm":"RSASSA_PSS_SHA_256","kms:MessageType":"RAW"}}}]}"#;
    let user = world.user(ACCOUNT, "signer", policy);
    let mut ask = |algorithm: &str, message_type: Option<&str>, message: &[u8]| {
        let request = SignRequest {
            key_id: some(&key),
            message: Some(message.to_vec()),
            message_type: message_type.map(str::to_owned),
            signing_algorithm: some(algorithm),
            ..Default::default()
        };
        world.call(HOME, &user, &request).map(|_| ())
    };
    assert_eq!(ask("RSASSA_PSS_SHA_256", None, MESSAGE), Ok(()));
    let denied = "AccessDeniedException";
    assert_eq!(code(ask("RSASSA_PSS_SHA_512", None, MESSAGE)), denied);
    assert_eq!(
        code(ask("RSASSA_PSS_SHA_256", Some("DIGEST"), &[1; 32])),
        denied
    );
}

/// RSA encryption of `plaintext` with this algorithm and context.
fn seal(
    world: &mut World,
    key: &str,
    algorithm: Option<&str>,
    context: &[(&str, &str)],
    plaintext: &[u8],
) -> Result<Vec<u8>, Failure> {
    let root = world.root(ACCOUNT);
    let request = EncryptRequest {
        key_id: some(key),
        plaintext: Some(plaintext.to_vec()),
        encryption_algorithm: algorithm.map(str::to_owned),
        encryption_context: pairs(context),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request)?;
    Ok(answer.ciphertext_blob.expect("a blob"))
}

#[test]
fn k_059_k_060_k_063_what_rsa_encrypts() {
    let mut world = world();
    let key = key_of(&mut world, "RSA_2048", "ENCRYPT_DECRYPT", false);
    let sha_256 = Some("RSAES_OAEP_SHA_256");
    assert!(seal(&mut world, &key, sha_256, &[], &[1; 190]).is_ok());
    assert!(seal(&mut world, &key, Some("RSAES_OAEP_SHA_1"), &[], &[1; 214]).is_ok());
    let text = "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes.";
    let outcome = seal(&mut world, &key, sha_256, &[], &[1; 191]);
    assert_eq!(no(outcome), refused("ValidationException", text));
    let text = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
    let outcome = seal(&mut world, &key, None, &[], MESSAGE);
    assert_eq!(no(outcome), refused("InvalidKeyUsageException", text));
    let text = "EncryptionContext is supported only for symmetric encryption KMS keys.";
    let outcome = seal(&mut world, &key, sha_256, &[("a", "1")], MESSAGE);
    assert_eq!(no(outcome), refused("ValidationException", text));
}

#[test]
fn k_067_rsa_ciphertext_names_no_key_and_needs_both_members() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = key_of(&mut world, "RSA_2048", "ENCRYPT_DECRYPT", false);
    let symmetric = id(&super::key(&mut world, false));
    let algorithm = "RSAES_OAEP_SHA_256";
    let blob = seal(&mut world, &key, Some(algorithm), &[], MESSAGE).unwrap();
    let mut open = |key: Option<&str>, algorithm: Option<&str>, blob: &[u8]| {
        let request = DecryptRequest {
            ciphertext_blob: Some(blob.to_vec()),
            key_id: key.map(str::to_owned),
            encryption_algorithm: algorithm.map(str::to_owned),
            ..Default::default()
        };
        world.call(HOME, &root, &request)
    };
    let answer = open(Some(&key), Some(algorithm), &blob).unwrap();
    assert_eq!(answer.plaintext.as_deref(), Some(MESSAGE));
    assert_eq!(answer.encryption_algorithm.as_deref(), Some(algorithm));
    assert_eq!(answer.key_material_id, None, "K-072: symmetric keys only");
    assert_eq!(
        code(open(None, Some(algorithm), &blob)),
        "ValidationException"
    );
    assert_eq!(code(open(None, None, &blob)), "InvalidCiphertextException");
    assert_eq!(
        code(open(Some(&key), None, &blob)),
        "InvalidKeyUsageException"
    );
    let other = open(Some(&symmetric), Some(algorithm), &blob);
    assert_eq!(code(other), "InvalidKeyUsageException");
    let junk = open(Some(&key), Some(algorithm), &[1; 256]);
    assert_eq!(no(junk), refused("InvalidCiphertextException", ""));
    // K-081: from one kind of key to the other, and the plaintext does not leave.
    let request = ReEncryptRequest {
        ciphertext_blob: Some(blob),
        source_key_id: some(&key),
        source_encryption_algorithm: some(algorithm),
        destination_key_id: some(&symmetric),
        destination_encryption_context: pairs(&[("tenant", "7")]),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request).unwrap();
    assert_eq!(
        answer.source_encryption_algorithm.as_deref(),
        Some(algorithm)
    );
    assert_eq!(answer.source_key_material_id, None);
    assert!(answer.destination_key_material_id.is_some());
    let request = DecryptRequest {
        ciphertext_blob: answer.ciphertext_blob,
        encryption_context: pairs(&[("tenant", "7")]),
        ..Default::default()
    };
    let opened = world.call(HOME, &root, &request).unwrap();
    assert_eq!(opened.plaintext.as_deref(), Some(MESSAGE));
}

#[test]
fn k_196_k_199_a_grant_lets_somebody_sign_and_has_no_context() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = key_of(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", false);
    let signer = world.user(ACCOUNT, "signer", &allow(&["kms:ListKeys"], &["*"]));
    let mut wanted = CreateGrantRequest {
        key_id: some(&key),
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:user/signer")),
        operations: vec!["Encrypt".to_owned()],
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &wanted)),
        "ValidationException"
    );
    wanted.operations = vec!["Sign".to_owned(), "GetPublicKey".to_owned()];
    wanted.constraints = Some(GrantConstraints {
        encryption_context_subset: pairs(&[("tenant", "7")]),
        ..Default::default()
    });
    let text = "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.";
    let outcome = world.call(HOME, &root, &wanted);
    assert_eq!(no(outcome), refused("ValidationException", text));
    wanted.constraints = None;
    let sign = SignRequest {
        key_id: some(&key),
        message: Some(MESSAGE.to_vec()),
        signing_algorithm: some("ECDSA_SHA_256"),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &signer, &sign)),
        "AccessDeniedException"
    );
    let token = world.call(HOME, &root, &wanted).unwrap().grant_token;
    let sign = SignRequest {
        grant_tokens: token.into_iter().collect(),
        ..sign
    };
    assert!(world.call(HOME, &signer, &sign).is_ok(), "K-203");
}

#[test]
fn k_313_k_329_only_who_may_sign_signs() {
    let mut world = world();
    let key = key_of(&mut world, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", false);
    let reader = world.user(
        ACCOUNT,
        "reader",
        &allow(&["kms:GetPublicKey", "kms:Verify"], &["*"]),
    );
    let request = SignRequest {
        key_id: some(&key),
        message: Some(MESSAGE.to_vec()),
        signing_algorithm: some("ED25519_SHA_512"),
        ..Default::default()
    };
    let outcome = world.call(HOME, &reader, &request);
    assert_eq!(code(outcome), "AccessDeniedException", "K-329");
    let request = GetPublicKeyRequest {
        key_id: some(&key),
        ..Default::default()
    };
    assert!(world.call(HOME, &reader, &request).is_ok(), "K-313");
}
