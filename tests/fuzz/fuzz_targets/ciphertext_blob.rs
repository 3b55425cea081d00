//! Bytes that claim to be a ciphertext of KMS. However they are made, Decrypt answers: with the
//! plaintext where they are a real ciphertext, and else with one of its own errors (K-065).
//!
//! The first byte chooses: bytes as they are, or changes to a real ciphertext, which reach further.

#![no_main]

use std::cell::RefCell;
use std::collections::BTreeMap;

use faultline_proto::kms::{CreateKeyRequest, DecryptRequest, EncryptRequest, KeyMetadata};
use faultline_region::testing::{ACCOUNT, World};
use libfuzzer_sys::fuzz_target;

const HOME: &str = "eu-west-1";
const PLAINTEXT: &[u8] = b"4242 4242 4242 4242";
/// Calls after which the world is made anew, since its trail grows.
const MOST_CALLS: u32 = 20_000;
const REFUSALS: [&str; 4] = [
    "InvalidCiphertextException",
    "IncorrectKeyException",
    "AccessDeniedException",
    "ValidationException",
];

struct Bench {
    world: World,
    real: Vec<u8>,
    calls: u32,
}

impl Bench {
    fn new() -> Self {
        let mut world = World::new(&[HOME]);
        let root = world.root(ACCOUNT);
        let key: Option<KeyMetadata> = world
            .call(HOME, &root, &CreateKeyRequest::default())
            .expect("a key is made")
            .key_metadata;
        let encrypt = EncryptRequest {
            key_id: key.map(|key| key.key_id.expect("a key has an id")),
            plaintext: Some(PLAINTEXT.to_vec()),
            encryption_context: context(),
            ..Default::default()
        };
        let real = world
            .call(HOME, &root, &encrypt)
            .expect("the key encrypts")
            .ciphertext_blob
            .expect("with a ciphertext");
        Self {
            world,
            real,
            calls: 0,
        }
    }

    fn open(&mut self, blob: Vec<u8>) {
        let root = self.world.root(ACCOUNT);
        let is_real = blob == self.real;
        let request = DecryptRequest {
            ciphertext_blob: Some(blob),
            encryption_context: context(),
            ..Default::default()
        };
        match self.world.call(HOME, &root, &request) {
            Ok(answer) => {
                assert!(is_real, "a forged ciphertext was opened");
                assert_eq!(answer.plaintext.as_deref(), Some(PLAINTEXT));
            }
            Err(failure) => {
                assert!(!is_real, "the real ciphertext was refused: {failure:?}");
                assert!(REFUSALS.contains(&&*failure.code), "{failure:?}");
            }
        }
        self.calls += 1;
    }
}

fn context() -> BTreeMap<String, String> {
    BTreeMap::from([("purpose".to_owned(), "cards".to_owned())])
}

/// The real ciphertext with changes: three bytes each, where (two), and what is added there. A
/// place behind the end cuts it off or makes it longer.
fn changed(real: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut blob = real.to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        match blob.get_mut(at) {
            Some(byte) => *byte ^= change[2],
            None if at % 2 == 0 => blob.truncate(usize::from(change[2])),
            None => blob.push(change[2]),
        }
    }
    blob
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    BENCH.with_borrow_mut(|bench| {
        if bench.calls >= MOST_CALLS {
            *bench = Bench::new();
        }
        let blob = if how % 2 == 0 {
            rest.to_vec()
        } else {
            changed(&bench.real, rest)
        };
        bench.open(blob);
    });
});
