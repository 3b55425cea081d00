//! Encrypt, Decrypt, ReEncrypt, data keys.

use faultline_proto::kms::{
    GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest, ReEncryptRequest,
};

use super::*;
use crate::store::Store as _;

fn sealed_with(world: &mut World, key: &str, context: &[(&str, &str)]) -> Vec<u8> {
    let root = world.root(ACCOUNT);
    let request = EncryptRequest {
        key_id: some(key),
        plaintext: Some(b"4242".to_vec()),
        encryption_context: pairs(context),
        ..Default::default()
    };
    world
        .call(HOME, &root, &request)
        .unwrap()
        .ciphertext_blob
        .unwrap()
}

#[test]
fn k_064_k_065_wrong_context_and_tampered_bytes_look_alike() {
    let mut world = world();
    let (root, id) = (world.root(ACCOUNT), id(&key(&mut world, false)));
    let blob = sealed_with(&mut world, &id, &[("purpose", "cards")]);
    let mut open = |blob: &[u8], context: &[(&str, &str)]| {
        let request = DecryptRequest {
            ciphertext_blob: Some(blob.to_vec()),
            encryption_context: pairs(context),
            ..Default::default()
        };
        world.call(HOME, &root, &request)
    };
    assert!(open(&blob, &[("purpose", "cards")]).is_ok());
    let empty = ("InvalidCiphertextException".to_owned(), String::new());
    assert_eq!(no(open(&blob, &[])), empty);
    assert_eq!(no(open(&blob, &[("Purpose", "cards")])), empty);
    let mut tampered = blob.clone();
    *tampered.last_mut().unwrap() ^= 1;
    assert_eq!(no(open(&tampered, &[("purpose", "cards")])), empty);
    assert_eq!(no(open(b"junk", &[("purpose", "cards")])), empty);
    assert_eq!(
        no(open(&blob[..blob.len() - 1], &[("purpose", "cards")])),
        empty
    );
}

#[test]
fn k_058_plaintext_has_at_most_4096_bytes() {
    let mut world = world();
    let (root, id) = (world.root(ACCOUNT), id(&key(&mut world, false)));
    let blob = encrypt(&mut world, HOME, &root, &id, &[1; 4096]).unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), [1; 4096]);
    let (code, message) = no(encrypt(&mut world, HOME, &root, &id, &[1; 4097]));
    assert_eq!(code, "ValidationException");
    assert!(message.contains("'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"), "{message}");
}

#[test]
fn k_068_naming_another_key_is_incorrect() {
    let mut world = world();
    let (root, made, other) = (
        world.root(ACCOUNT),
        id(&key(&mut world, false)),
        id(&key(&mut world, false)),
    );
    let blob = encrypt(&mut world, HOME, &root, &made, b"4242").unwrap();
    let request = DecryptRequest {
        ciphertext_blob: Some(blob),
        key_id: Some(other),
        ..Default::default()
    };
    let text = "The key ID in the request does not identify a CMK that can perform this operation.";
    assert_eq!(
        no(world.call(HOME, &root, &request)),
        ("IncorrectKeyException".to_owned(), text.to_owned())
    );
}

#[test]
fn k_072_k_162_answers_name_key_and_material() {
    let mut world = world();
    let (root, key) = (world.root(ACCOUNT), key(&mut world, false));
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    let request = DecryptRequest {
        ciphertext_blob: Some(blob),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request).unwrap();
    assert_eq!(
        (answer.key_id, answer.key_material_id),
        (key.arn, key.current_key_material_id)
    );
    assert_eq!(
        answer.encryption_algorithm.as_deref(),
        Some("SYMMETRIC_DEFAULT")
    );
}

#[test]
fn k_078_k_079_data_keys() {
    let mut world = world();
    let (root, id) = (world.root(ACCOUNT), id(&key(&mut world, false)));
    let ask = |spec: Option<&str>, bytes: Option<i32>| GenerateDataKeyRequest {
        key_id: some(&id),
        key_spec: spec.map(str::to_owned),
        number_of_bytes: bytes,
        ..Default::default()
    };
    for (spec, bytes, length) in [
        (Some("AES_256"), None, 32),
        (Some("AES_128"), None, 16),
        (None, Some(1024), 1024),
    ] {
        let made = world.call(HOME, &root, &ask(spec, bytes)).unwrap();
        let plaintext = made.plaintext.unwrap();
        assert_eq!(plaintext.len(), length);
        assert_eq!(
            decrypt(&mut world, HOME, &root, &made.ciphertext_blob.unwrap()).unwrap(),
            plaintext
        );
    }
    assert_eq!(
        code(world.call(HOME, &root, &ask(None, None))),
        "ValidationException"
    );
    assert_eq!(
        code(world.call(HOME, &root, &ask(Some("AES_256"), Some(32)))),
        "ValidationException"
    );
    let without = GenerateDataKeyWithoutPlaintextRequest {
        key_id: some(&id),
        key_spec: some("AES_256"),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &without).unwrap();
    assert_eq!(
        decrypt(&mut world, HOME, &root, &made.ciphertext_blob.unwrap())
            .unwrap()
            .len(),
        32
    );
}

#[test]
fn k_081_k_082_reencrypt_changes_key_and_context() {
    let mut world = world();
    let (root, from, to) = (
        world.root(ACCOUNT),
        key(&mut world, false),
        key(&mut world, false),
    );
    let blob = sealed_with(&mut world, &id(&from), &[("a", "1")]);
    let request = ReEncryptRequest {
        ciphertext_blob: Some(blob),
        source_encryption_context: pairs(&[("a", "1")]),
        destination_key_id: to.key_id.clone(),
        destination_encryption_context: pairs(&[("b", "2")]),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &request).unwrap();
    assert_eq!(
        (answer.source_key_id, answer.key_id),
        (from.arn.clone(), to.arn.clone())
    );
    let open = DecryptRequest {
        ciphertext_blob: answer.ciphertext_blob,
        encryption_context: pairs(&[("b", "2")]),
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &open).unwrap().plaintext.as_deref(),
        Some(b"4242".as_slice())
    );
    // K-261: source first, destination second.
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "ReEncrypt")
        .unwrap();
    assert_eq!(event.resources, [arn(&from), arn(&to)]);
}

#[test]
fn k_089_a_dry_run_that_would_succeed_says_so() {
    let mut world = world();
    let (root, id) = (world.root(ACCOUNT), id(&key(&mut world, false)));
    let request = EncryptRequest {
        key_id: some(&id),
        plaintext: Some(b"4242".to_vec()),
        dry_run: Some(true),
        ..Default::default()
    };
    let text = "The request would have succeeded, but the DryRun option is set.";
    assert_eq!(
        no(world.call(HOME, &root, &request)),
        ("DryRunOperationException".to_owned(), text.to_owned())
    );
}

#[test]
fn k_258_k_260_the_trail_shows_the_context_and_the_material_and_no_secret() {
    let mut world = world();
    let key = key(&mut world, false);
    sealed_with(&mut world, &id(&key), &[("purpose", "cards")]);
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "Encrypt")
        .unwrap();
    assert_eq!(event.resources, [arn(&key)]);
    assert!(
        event.request_parameters.contains("\"purpose\":\"cards\""),
        "{}",
        event.request_parameters
    );
    assert!(
        event
            .additional
            .contains(key.current_key_material_id.as_deref().unwrap())
    );
    assert!(
        !event.request_parameters.contains("NDI0Mg"),
        "the plaintext in base64"
    );
    let (_, note) = world
        .notes
        .iter()
        .rfind(|(_, note)| note.kind == "key_used")
        .unwrap();
    assert_eq!(note.fields["key"], arn(&key));
    assert_eq!(note.fields["operation"], "Encrypt");
}

#[test]
fn key_material_is_never_in_the_clear_in_a_store_or_on_the_wire() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, true));
    let request = ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    let call = world.begin(HOME, &root, &request);
    // The store holds the key's row with its material sealed: the digest that `look` gives is of
    // the opened bytes, so no 32 bytes in store or envelope may have it.
    let seen = world.look(HOME, "replicas", &serde_json::json!({ "key": id }));
    let digest = seen["materials"][0]
        .as_str()
        .unwrap()
        .split(':')
        .nth(1)
        .unwrap()
        .to_owned();
    let mut haystacks: Vec<Vec<u8>> = world
        .store(HOME)
        .raw()
        .map(|row| row.unwrap().1.to_vec())
        .collect();
    haystacks.extend(
        world
            .network
            .in_flight()
            .map(|envelope| envelope.payload.clone()),
    );
    assert!(haystacks.iter().map(Vec::len).sum::<usize>() > 1000);
    for window in haystacks.iter().flat_map(|bytes| bytes.windows(32)) {
        use sha2::Digest as _;
        assert_ne!(hex::encode(sha2::Sha256::digest(window)), digest);
    }
    world.finish::<ReplicateKeyRequest>(&call).unwrap();
}
