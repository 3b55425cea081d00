//! A short soak: load, kills, and afterwards all that was acknowledged, everywhere. The long one
//! is `faultline soak --for 10m`, whose figures stand in `docs/live.md`. One Region here: a replica
//! of a table takes up to 50 s to come, as at AWS (DDB-040), and CI has better uses for them.

use std::process::Command;

use faultline_tests::program;

#[test]
fn six_seconds_of_load_and_kills_lose_nothing() {
    let soaked = Command::new(program::path())
        .args(["soak", "--for", "6s", "--kill-every", "2s"])
        .args(["--regions", "eu-west-1"])
        .args(["--clients", "4", "--pause", "10ms", "--memory", "160"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&soaked.stdout);
    let words = String::from_utf8_lossy(&soaked.stderr);
    assert!(soaked.status.success(), "{said}{words}");
    assert!(said.contains(" 0 lost or different"), "{said}");
    assert!(!said.contains(" 0 kills"), "{said}");
}
