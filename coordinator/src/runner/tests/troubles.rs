//! Faults of every kind, as files write them.

use super::passes;

#[test]
fn keys_are_disabled_and_enabled_again() {
    passes(
        r"
steps:
  - while: [{ key_disabled: payments }]
    do:
      - for_each: { region: [eu-west-1, us-east-1] }
        do:
          - in: $region
            kms.encrypt: { key_id: payments, plaintext: hello }
            fails_with: { code: DisabledException, caused_by: key_disabled }
  - kms.encrypt: { key_id: payments, plaintext: hello }
  - start_fault: [{ key_disabled: { key: payments, in: us-east-1 } }]
    save: off
  - kms.encrypt: { key_id: payments, plaintext: hello }
  - in: us-east-1
    kms.encrypt: { key_id: payments, plaintext: hello }
    fails_with: DisabledException
  - heal: off
  - in: us-east-1
    kms.encrypt: { key_id: payments, plaintext: hello }
",
    );
}

#[test]
fn policies_are_replaced_and_put_back() {
    passes(
        r"
steps:
  - while:
      - policy_replaced: { key: local, policy: [{ allow: [kms:DescribeKey], to: app }] }
    do:
      - kms.encrypt: { key_id: local, plaintext: hello }
        fails_with: { code: AccessDeniedException, denied_by: key_policy, caused_by: policy_replaced }
  - kms.encrypt: { key_id: local, plaintext: hello }
  - while:
      - policy_replaced: { principal: app, policy: [{ allow: [kms:DescribeKey] }] }
    do:
      - kms.encrypt: { key_id: local, plaintext: hello }
        within: 10s
        fails_with: { code: AccessDeniedException, caused_by: policy_replaced }
  - kms.encrypt: { key_id: local, plaintext: hello }
    within: 10s
always:
  - no_key_used_without_permission
",
    );
}

#[test]
fn a_policy_that_was_changed_during_the_run_is_what_heals() {
    passes(
        r#"
steps:
  - in: us-east-1
    as: boss
    iam.put_user_policy:
      user_name: app
      policy_name: scenario
      policy_document: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "kms:DescribeKey", Resource: "*" }] }
  - kms.encrypt: { key_id: local, plaintext: hello }
    within: 10s
    fails_with: { code: AccessDeniedException, denied_by: identity_policy }
  - kms.describe_key: { key_id: local }
  - while:
      - policy_replaced: { principal: app, policy: [{ allow: [kms:Encrypt] }] }
    do:
      - kms.encrypt: { key_id: local, plaintext: hello }
        within: 10s
  - say: It heals to what was in force when the fault began, not to the world's policy.
    kms.encrypt: { key_id: local, plaintext: hello }
    within: 10s
    fails_with: { code: AccessDeniedException, denied_by: identity_policy }
  - kms.describe_key: { key_id: local }
"#,
    );
}

#[test]
fn links_are_cut_and_slow() {
    passes(
        r"
steps:
  - while: [{ partition: [[eu-west-1], [us-east-1]] }]
    do:
      - from: us-east-1
        kms.describe_key: { key_id: local }
        fails_with: { code: ConnectTimeout, caused_by: partition }
      - kms.describe_key: { key_id: local }
  - while: [{ slow_link: { between: [eu-west-1, us-east-1], latency: 2s } }]
    do:
      - from: us-east-1
        kms.describe_key: { key_id: local }
        expect: { call: { latency: { at_least: 4s }, cross_region_calls: 1 } }
",
    );
}

#[test]
fn a_process_dies_and_what_was_committed_stays() {
    passes(
        r"
steps:
  - while: [{ node_crash: { in: eu-west-1, when: before_commit, operation: kms.encrypt } }]
    do:
      - kms.encrypt: { key_id: local, plaintext: hello }
        fails_with: { code: ConnectionReset, caused_by: node_crash }
  - kms.encrypt: { key_id: local, plaintext: hello }
    within: 30s
  - while: [{ restart: { in: eu-west-1 } }]
    do:
      - kms.describe_key: { key_id: local }
        within: 30s
  - while: [{ node_crash: { in: us-east-1, then: stay_down } }]
    do:
      - in: us-east-1
        kms.describe_key: { key_id: payments }
        within: 10s
        fails_with: ConnectionRefused
  - in: us-east-1
    kms.describe_key: { key_id: payments }
    within: 30s
",
    );
}

#[test]
fn a_clock_is_wrong_for_a_while() {
    passes(
        r#"
steps:
  - while: [{ clock_skew: { in: eu-west-1, offset: 1h } }]
    do:
      - kms.describe_key: { key_id: local }
      - audit.find: { event_name: DescribeKey, principal: app }
        expect: { last: { event_time: { starts_with: "2026-01-01T01:" } } }
"#,
    );
}

#[test]
fn replication_is_held() {
    passes(
        r"
steps:
  - while: [{ pause_replication: { key: payments } }]
    do:
      - look.replicas_equal: { key: payments }
",
    );
}
