//! Known answers of OpenSSL and of the standards, and the laws of each family.

use proptest::prelude::*;

use super::*;
use crate::services::kms::asymmetric::algorithms::Hash;

const MESSAGE: &[u8] = b"the quick brown fox";

/// The lines of `kind` in the file of vectors, split at spaces.
fn vectors(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = include_str!("vectors.txt").lines();
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words.first() == Some(&kind))
        .map(|words| words.into_iter().skip(1).collect())
        .collect()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn spec(name: &str) -> PairSpec {
    PairSpec::named(name).unwrap()
}

/// The pair of `name` in the file of vectors.
fn known(name: &str) -> KeyPair {
    let keys = vectors("key");
    let words = keys.iter().find(|words| words[0] == name).unwrap();
    KeyPair::from_pkcs8(spec(name), &bytes(words[1])).unwrap()
}

fn draw(seed: u8) -> Draw {
    Draw::seeded(&[seed; 32])
}

#[test]
fn k_087_keys_are_read_and_written_as_openssl_does() {
    let keys = vectors("key");
    assert_eq!(keys.len(), 11);
    for words in keys {
        let pair = KeyPair::from_pkcs8(spec(words[0]), &bytes(words[1])).unwrap();
        assert_eq!(hex::encode(pair.public_key()), words[2], "{}", words[0]);
        assert_eq!(hex::encode(&*pair.pkcs8()), words[1], "{}", words[0]);
    }
}

#[test]
fn k_012_signatures_of_openssl_verify_and_others_do_not() {
    let signatures = vectors("signature");
    assert_eq!(signatures.len(), 14);
    for words in signatures {
        let (pair, algorithm) = (known(words[0]), Signing::named(words[1]).unwrap());
        let mut signature = bytes(words[2]);
        let take = |message: &[u8]| algorithm.take(None, message).unwrap();
        let verify = |message, signature: &[u8]| pair.verify(algorithm, &take(message), signature);
        assert_eq!(verify(MESSAGE, &signature), Ok(()), "{words:?}");
        assert_eq!(verify(b"another", &signature), Err(Failure::Invalid));
        *signature.last_mut().unwrap() ^= 1;
        assert_eq!(verify(MESSAGE, &signature), Err(Failure::Invalid));
        assert_eq!(verify(MESSAGE, &[]), Err(Failure::Invalid));
    }
}

#[test]
fn k_077_what_was_encrypted_with_the_public_key_outside_decrypts() {
    for words in vectors("ciphertext") {
        let algorithm = Oaep::named(words[1]).unwrap();
        let opened = known(words[0]).decrypt(algorithm, &bytes(words[2]), &mut draw(1));
        assert_eq!(opened.unwrap().as_slice(), MESSAGE, "{words:?}");
    }
}

#[test]
fn secrets_agree_with_those_of_openssl() {
    for words in vectors("agreement") {
        let secret = known(words[0]).agree(&bytes(words[1])).unwrap();
        assert_eq!(hex::encode(&*secret), words[2], "{}", words[0]);
    }
    for words in vectors("encapsulation") {
        let secret = known(words[0]).decapsulate(&bytes(words[1])).unwrap();
        assert_eq!(hex::encode(&*secret), words[2], "{}", words[0]);
    }
}

#[test]
fn ed25519ph_of_rfc_8032_section_7_3() {
    let seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
    let der = bytes(&format!("302e020100300506032b657004220420{seed}"));
    let pair = KeyPair::from_pkcs8(PairSpec::Edwards25519, &der).unwrap();
    let message = Signable::Whole(b"abc".to_vec());
    let signature = pair.sign(Signing::Ed25519Ph, &message, &mut draw(1));
    assert_eq!(
        hex::encode(signature.unwrap()),
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
         31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    );
}

/// Every spec but the two large moduli, with the algorithms that it signs with.
const SIGNERS: [(PairSpec, Signing); 9] = [
    (PairSpec::Rsa2048, Signing::Pss(Hash::Sha256)),
    (PairSpec::NistP256, Signing::Ecdsa(Hash::Sha256)),
    (PairSpec::NistP384, Signing::Ecdsa(Hash::Sha384)),
    (PairSpec::NistP521, Signing::Ecdsa(Hash::Sha512)),
    (PairSpec::SecgP256k1, Signing::Ecdsa(Hash::Sha256)),
    (PairSpec::Edwards25519, Signing::Ed25519),
    (PairSpec::MlDsa44, Signing::MlDsa),
    (PairSpec::MlDsa65, Signing::MlDsa),
    (PairSpec::MlDsa87, Signing::MlDsa),
];

#[test]
fn a_pair_is_a_function_of_its_draws() {
    for (spec, algorithm) in SIGNERS {
        let pair = KeyPair::generate(spec, &mut draw(1));
        let again = KeyPair::generate(spec, &mut draw(1));
        assert_eq!(pair.pkcs8(), again.pkcs8(), "{spec:?}");
        let message = algorithm.take(None, MESSAGE).unwrap();
        let sign = |pair: &KeyPair, seed| pair.sign(algorithm, &message, &mut draw(seed)).unwrap();
        assert_eq!(sign(&pair, 2), sign(&again, 2), "{spec:?}");
        let deterministic = spec == PairSpec::Edwards25519;
        assert_eq!(sign(&pair, 2) == sign(&pair, 3), deterministic, "{spec:?}");
        let other = KeyPair::generate(spec, &mut draw(9));
        let foreign = other.verify(algorithm, &message, &sign(&pair, 2));
        assert_eq!(foreign, Err(Failure::Invalid), "{spec:?}");
        assert_eq!(
            pair.verify(algorithm, &message, &sign(&pair, 2)),
            Ok(()),
            "{spec:?}"
        );
    }
}

#[test]
fn a_pair_of_another_spec_is_not_read() {
    for words in vectors("key") {
        let der = bytes(words[1]);
        for other in vectors("key") {
            let read = KeyPair::from_pkcs8(spec(other[0]), &der);
            assert_eq!(
                read.is_some(),
                other[0] == words[0],
                "{} {}",
                words[0],
                other[0]
            );
        }
        for larger in [PairSpec::Rsa3072, PairSpec::Rsa4096] {
            assert!(KeyPair::from_pkcs8(larger, &der).is_none());
        }
    }
}

#[test]
fn k_012_what_a_family_cannot_do_is_unfit_and_no_panic() {
    let rsa = known("RSA_2048");
    let edwards = known("ECC_NIST_EDWARDS25519");
    let kem = known("ML_KEM_768");
    let message = Signing::Ed25519.take(None, MESSAGE).unwrap();
    assert_eq!(
        rsa.sign(Signing::Ed25519, &message, &mut draw(1)),
        Err(Failure::Unfit)
    );
    assert_eq!(rsa.agree(&rsa.public_key()), Err(Failure::Unfit));
    assert_eq!(edwards.encapsulate(&mut draw(1)), Err(Failure::Unfit));
    assert_eq!(
        edwards.decrypt(Oaep::Sha1, MESSAGE, &mut draw(1)),
        Err(Failure::Unfit)
    );
    assert_eq!(
        kem.sign(Signing::MlDsa, &message, &mut draw(1)),
        Err(Failure::Unfit)
    );
}

#[test]
fn k_085_a_digest_has_the_length_of_its_algorithm() {
    let take = |algorithm: Signing, kind, length| algorithm.take(Some(kind), &vec![7; length]);
    for (algorithm, length) in [
        (Signing::Pss(Hash::Sha256), 32),
        (Signing::Pkcs1(Hash::Sha384), 48),
        (Signing::Ecdsa(Hash::Sha512), 64),
    ] {
        assert!(take(algorithm, "DIGEST", length).is_ok());
        for wrong in [0, length - 1, length + 1, 4096] {
            let refused = take(algorithm, "DIGEST", wrong);
            assert_eq!(refused, Err(BadMessage::Length), "{algorithm:?} {wrong}");
        }
        assert_eq!(take(algorithm, "EXTERNAL_MU", 64), Err(BadMessage::Type));
    }
    assert!(take(Signing::Ed25519Ph, "DIGEST", 64).is_ok());
    assert_eq!(
        take(Signing::Ed25519Ph, "DIGEST", 32),
        Err(BadMessage::Length)
    );
    assert_eq!(take(Signing::Ed25519Ph, "RAW", 64), Err(BadMessage::Type));
    assert_eq!(take(Signing::Ed25519, "DIGEST", 64), Err(BadMessage::Type));
    assert_eq!(take(Signing::MlDsa, "DIGEST", 64), Err(BadMessage::Type));
    assert!(take(Signing::MlDsa, "EXTERNAL_MU", 64).is_ok());
    assert_eq!(
        take(Signing::MlDsa, "EXTERNAL_MU", 63),
        Err(BadMessage::Length)
    );
}

#[test]
fn k_086_a_message_and_its_digest_or_mu_are_one_message() {
    use sha2::Digest as _;
    let pair = known("ECC_NIST_P256");
    let algorithm = Signing::Ecdsa(Hash::Sha256);
    let raw = algorithm.take(Some("RAW"), MESSAGE).unwrap();
    let digest = sha2::Sha256::digest(MESSAGE);
    assert_eq!(algorithm.take(Some("DIGEST"), &digest), Ok(raw.clone()));
    let signature = pair.sign(algorithm, &raw, &mut draw(1)).unwrap();
    assert_eq!(pair.verify(algorithm, &raw, &signature), Ok(()));

    // FIPS 204: mu = H(H(pk, 64) || 0 || 0 || M, 64), with an empty context.
    let pair = known("ML_DSA_65");
    let raw = Signing::MlDsa.take(None, MESSAGE).unwrap();
    let signature = pair.sign(Signing::MlDsa, &raw, &mut draw(1)).unwrap();
    let mu = bytes(include_str!("mu.txt").trim());
    let mu = Signing::MlDsa.take(Some("EXTERNAL_MU"), &mu).unwrap();
    assert_eq!(pair.verify(Signing::MlDsa, &mu, &signature), Ok(()));
    let signature = pair.sign(Signing::MlDsa, &mu, &mut draw(2)).unwrap();
    assert_eq!(pair.verify(Signing::MlDsa, &raw, &signature), Ok(()));
}

#[test]
fn k_059_oaep_carries_at_most_what_aws_says() {
    for (bits, sha_1, sha_256) in [(2048, 214, 190), (3072, 342, 318), (4096, 470, 446)] {
        assert_eq!(Oaep::Sha1.most(bits), sha_1);
        assert_eq!(Oaep::Sha256.most(bits), sha_256);
    }
    let pair = known("RSA_2048");
    for algorithm in [Oaep::Sha1, Oaep::Sha256] {
        let most = vec![7; algorithm.most(2048)];
        let sealed = pair.encrypt(algorithm, &most, &mut draw(1)).unwrap();
        let opened = pair.decrypt(algorithm, &sealed, &mut draw(2)).unwrap();
        assert_eq!(*opened, most);
        let over = vec![7; most.len() + 1];
        assert_eq!(
            pair.encrypt(algorithm, &over, &mut draw(1)),
            Err(Failure::Invalid)
        );
    }
}

#[test]
fn a_changed_encapsulation_gives_another_secret_and_a_short_one_none() {
    for spec in [PairSpec::MlKem512, PairSpec::MlKem768, PairSpec::MlKem1024] {
        let pair = KeyPair::generate(spec, &mut draw(1));
        let pair = KeyPair::from_pkcs8(spec, &pair.pkcs8()).unwrap();
        let (secret, mut ciphertext) = pair.encapsulate(&mut draw(2)).unwrap();
        assert_eq!(pair.decapsulate(&ciphertext), Ok(secret.clone()));
        ciphertext[3] ^= 1;
        assert_ne!(pair.decapsulate(&ciphertext).unwrap(), secret);
        ciphertext.pop();
        assert_eq!(pair.decapsulate(&ciphertext), Err(Failure::Invalid));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn junk_is_invalid_and_no_panic(junk in proptest::collection::vec(any::<u8>(), 0..600)) {
        for words in vectors("key") {
            prop_assert!(KeyPair::from_pkcs8(spec(words[0]), &junk).is_none());
        }
        for words in vectors("signature") {
            let algorithm = Signing::named(words[1]).unwrap();
            let message = algorithm.take(None, MESSAGE).unwrap();
            let verified = known(words[0]).verify(algorithm, &message, &junk);
            prop_assert_eq!(verified, Err(Failure::Invalid));
        }
        let opened = known("RSA_2048").decrypt(Oaep::Sha256, &junk, &mut draw(1));
        prop_assert_eq!(opened, Err(Failure::Invalid));
        prop_assert_eq!(known("ECC_NIST_P384").agree(&junk), Err(Failure::Invalid));
        prop_assert_eq!(known("ML_KEM_768").decapsulate(&junk), Err(Failure::Invalid));
    }

    #[test]
    fn damaged_keys_and_signatures_are_no_panic(at in 0usize..4000, flip in 1u8..) {
        for words in vectors("key") {
            let mut der = bytes(words[1]);
            let at = at % der.len();
            der[at] ^= flip;
            let _ = KeyPair::from_pkcs8(spec(words[0]), &der);
        }
        for words in vectors("signature") {
            let mut signature = bytes(words[2]);
            let at = at % signature.len();
            signature[at] ^= flip;
            let algorithm = Signing::named(words[1]).unwrap();
            let message = algorithm.take(None, MESSAGE).unwrap();
            let verified = known(words[0]).verify(algorithm, &message, &signature);
            prop_assert_eq!(verified, Err(Failure::Invalid));
        }
    }
}
