//! Unmodified AWS clients against live nodes: `tests/clients/`, where they are installed.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

#[test]
fn real_clients_are_served() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join("target/clients/bin/python");
    // Past libtest's capture: what was not checked is said in a passing run too.
    let mut out = std::io::stderr();
    if std::env::var_os("FAULTLINE_CLIENTS_RAN").is_some() {
        return;
    }
    let world = std::env::current_exe()
        .expect("a test has a path")
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/deps")
        .join("examples/live-world");
    if !python.exists() || !world.exists() {
        let why = "skipped: real AWS clients (tests/clients/README.md says how to install them)";
        writeln!(out, "{why}").expect("standard error");
        return;
    }
    let run = Command::new(python)
        .arg(root.join("tests/clients/run.py"))
        .env("FAULTLINE_LIVE_WORLD", world)
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&run.stdout);
    writeln!(out, "{}", said.lines().last().unwrap_or_default()).expect("standard error");
    assert!(run.status.success(), "{said}");
}
