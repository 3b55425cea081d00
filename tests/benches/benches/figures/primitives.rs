//! What the cryptography of a KMS call costs alone, to stand beside the call's own figure.

use std::hint::black_box;
use std::time::Duration;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

use crate::clock::Clock;
use crate::table::{Aim, Table};

const LENGTH: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(800);
/// Calls between two looks at the clock.
const ROUND: u32 = 256;

/// All rows.
pub fn all(table: &mut Table) {
    let message = vec![5_u8; LENGTH];
    row(table, "aes-gcm alone, key set up, 1 KiB sealed", || {
        let payload = Payload {
            msg: &message,
            aad: b"bench",
        };
        let cipher = Aes256Gcm::new(&[7; 32].into());
        let sealed = cipher.encrypt(&Nonce::from([1; 12]), payload);
        black_box(sealed.expect("it seals"));
    });
    let key = SigningKey::from_slice(&[7; 32]).expect("a key");
    row(table, "p256 alone, 1 KiB signed", || {
        let signature: Signature = key.sign(black_box(&message));
        black_box(signature);
    });
}

fn row(table: &mut Table, name: &str, mut once: impl FnMut()) {
    if !table.wants(name) {
        return;
    }
    let clock = Clock::start();
    let mut count = 0_u32;
    while clock.passed().wall < PATIENCE {
        for _ in 0..ROUND {
            once();
        }
        count += ROUND;
    }
    let passed = clock.passed();
    let a_core = f64::from(count) / passed.processor.as_secs_f64().max(0.001);
    let a_second = f64::from(count) / passed.wall.as_secs_f64();
    table.row(name, a_core, "/s", Some(a_second), Aim::None);
}
