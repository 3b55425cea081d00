//! Steps a second: a Region in this process, over embedded gRPC, and over sled with every step
//! flushed. Run: `cargo bench -p faultline-benches`.

mod driver;

use driver::{Driver, Embedded, InProcess};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(2);

fn main() {
    println!("{:<52} {:>12}", "what", "a second");
    seal_raw();
    let mut here = Driver::new(InProcess::new());
    measure("kms.decrypt 1 KiB, loopback, memory store", &mut here);
    let mut grpc = Driver::new(Embedded::memory());
    measure("kms.decrypt 1 KiB, embedded gRPC, memory store", &mut grpc);
    let mut sled = Driver::new(Embedded::sled());
    measure("kms.decrypt 1 KiB, embedded gRPC, sled", &mut sled);
}

fn measure<D: driver::Steps>(name: &str, driver: &mut Driver<D>) {
    let decrypt = driver.decrypt_of(1024);
    let begin = Instant::now();
    let mut count = 0_u64;
    while begin.elapsed() < PATIENCE {
        for _ in 0..256 {
            driver.call("kms.Decrypt", &decrypt);
        }
        count += 256;
    }
    report(name, count, begin.elapsed());
}

fn report(name: &str, count: u64, took: Duration) {
    let rate = u128::from(count) * 1_000_000_000 / took.as_nanos().max(1);
    println!("{name:<52} {rate:>12}");
}

/// What `aes-gcm` alone does with 64 KiB, for comparison: MiB a second.
fn seal_raw() {
    let key = faultline_region::vault::SecretKey::new([7; 32]);
    let chunk = vec![3_u8; 64 * 1024];
    let begin = Instant::now();
    let mut count = 0_u64;
    while begin.elapsed() < Duration::from_secs(1) {
        std::hint::black_box(key.seal([1; 12], b"bench", &chunk));
        count += 1;
    }
    report(
        "MiB sealed by the vault, 64 KiB chunks",
        count / 16,
        begin.elapsed(),
    );
}
