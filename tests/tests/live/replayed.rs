//! Scenarios carried out by live nodes.

use std::process::Command;

use faultline_tests::program;

const FILE: &str = "scenario: 1
title: A replica opens what the primary sealed, whatever happens to them
world:
  regions: [eu-west-1, us-east-1]
  accounts: { main: \"111111111111\" }
  principals:
    admin: { account: main, kind: user, allow: [\"*\"] }
  keys:
    payments: { account: main, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }
defaults: { as: admin, in: eu-west-1 }
steps:
  - say: The primary seals.
    kms.encrypt: { key_id: payments, plaintext: card }
    save: sealed
  - say: The replica opens.
    in: us-east-1
    kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }
    expect: { plaintext: card }
  - say: A node that dies has kept what it said.
    start_fault: { node_crash: { in: us-east-1, when: after_commit } }
  - in: us-east-1
    kms.list_keys: {}
    client: { retries: 0 }
    may_fail: true
  - heal: everything
  - in: us-east-1
    kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }
    within: 10s
  - say: A throttle that the Region itself applies.
    while: [{ kms_throttled: { in: us-east-1 } }]
    in: us-east-1
    kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }
    client: { retries: 0 }
    fails_with: ThrottlingException
  - say: What is written during a partition arrives when it has ended.
    start_fault: { partition: [[eu-west-1], [us-east-1]] }
  - kms.enable_key_rotation: { key_id: payments }
  - heal: everything
  - in: us-east-1
    kms.get_key_rotation_status: { key_id: payments }
    expect: { key_rotation_enabled: true }
    within: 20s
";

fn run(file: &str) -> (Option<i32>, String) {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("it.yaml");
    std::fs::write(&path, file).expect("it is written");
    let mut command = Command::new(program::path());
    command
        .args(["run", "--live", "--out"])
        .arg(root.path().join("runs"))
        .arg(&path);
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn a_scenario_with_its_faults_runs_on_live_nodes() {
    let (status, said) = run(FILE);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn what_live_nodes_cannot_do_is_refused_with_a_picture() {
    let with = FILE.replace("  - heal: everything\n", "  - wait: 1d\n");
    let (status, said) = run(&with);
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("L0001") && said.contains("- wait: 1d") && said.contains('^'),
        "{said}"
    );
    assert!(!said.contains("passed"), "nothing ran: {said}");
}
