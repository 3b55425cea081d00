//! A short soak: load, kills, and afterwards all that was acknowledged, everywhere. The long one
//! is `faultline soak --for 10m`; its figures stand in `docs/live.md`.

use std::process::Command;

use faultline_tests::program;

#[test]
fn ten_seconds_of_load_and_kills_lose_nothing() {
    let soaked = Command::new(program::path())
        .args(["soak", "--for", "10s", "--kill-every", "2s"])
        .args(["--clients", "2", "--pause", "20ms", "--memory", "160"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&soaked.stdout);
    let words = String::from_utf8_lossy(&soaked.stderr);
    assert!(soaked.status.success(), "{said}{words}");
    assert!(said.contains(" 0 lost or different"), "{said}");
    assert!(!said.contains(" 0 kills"), "{said}");
}
