//! Bytes sealed: the Region's vault against `aes-gcm` alone, in turns, so that whatever else
//! runs on the machine slows both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use faultline_region::vault::SecretKey;

use crate::table::{Aim, Table};

const CHUNK: usize = 64 * 1024;
const ROUNDS: u32 = 40;
const ROUND: u32 = 64;

/// Both rows.
pub fn all(table: &mut Table) {
    let (raw_name, vault_name) = (
        "sealed by aes-gcm alone, 64 KiB chunks",
        "sealed by the vault, 64 KiB chunks",
    );
    let share_name = "sealed by the vault, as a share of aes-gcm";
    if ![raw_name, vault_name, share_name]
        .iter()
        .any(|name| table.wants(name))
    {
        return;
    }
    let chunk = vec![3_u8; CHUNK];
    let key = SecretKey::new([7; 32]);
    let cipher = Aes256Gcm::new(&[7; 32].into());
    let payload = || Payload {
        msg: &chunk,
        aad: b"bench",
    };
    let (mut raw, mut vault) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        raw += timed(|| {
            black_box(
                cipher
                    .encrypt(&Nonce::from([1; 12]), payload())
                    .expect("it seals"),
            );
        });
        vault += timed(|| {
            black_box(key.seal([1; 12], b"bench", &chunk));
        });
    }
    let mib = f64::from(ROUNDS * ROUND) / 16.0;
    table.row(raw_name, mib / raw.as_secs_f64(), "MiB/s", None, Aim::None);
    table.row(
        vault_name,
        mib / vault.as_secs_f64(),
        "MiB/s",
        None,
        Aim::None,
    );
    let share = raw.as_secs_f64() / vault.as_secs_f64();
    table.row(share_name, share, "", None, Aim::AtLeast(0.8));
}

fn timed(mut seal: impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..ROUND {
        seal();
    }
    begin.elapsed()
}
