//! Every form of step.

use super::{StepStatus, What, ended, passes};

#[test]
fn loops_have_paths_of_their_own() {
    let events = passes(
        r"
steps:
  - for_each: { region: [eu-west-1, us-east-1] }
    do:
      - in: $region
        kms.encrypt: { key_id: payments, plaintext: hello }
        save: sealed
      - in: $region
        kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }
        expect: { plaintext: hello, key_id: payments, call: { region: $region, attempts: 1 } }
  - repeat: 2
    kms.describe_key: { key_id: local }
  - when: 1 > 2
    kms.describe_key: { key_id: local }
",
    );
    let paths: Vec<String> = ended(&events).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "1[eu-west-1].1",
            "1[eu-west-1].2",
            "1[eu-west-1]",
            "1[us-east-1].1",
            "1[us-east-1].2",
            "1[us-east-1]",
            "2[1]",
            "2[2]",
            "3",
        ]
    );
    let last = ended(&events).pop().map(|(_, status)| status);
    assert_eq!(last, Some(StepStatus::Skipped));
}

#[test]
fn lanes_share_time_and_what_they_save() {
    let events = passes(
        r"
steps:
  - together:
      one:
        - wait: 5s
        - kms.encrypt: { key_id: payments, plaintext: one }
          save: first
      other:
        - wait: 5s
        - in: us-east-1
          kms.encrypt: { key_id: payments, plaintext: other }
          save: second
  - kms.decrypt: { ciphertext_blob: $first.ciphertext_blob }
    expect: { plaintext: one }
  - kms.decrypt: { ciphertext_blob: $second.ciphertext_blob }
    expect: { plaintext: other }
",
    );
    let sent: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::CallSent(call) if call.operation == "kms.Encrypt" => {
                Some((event.t, call.lane.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(sent[0].0, sent[1].0, "both at one moment");
    assert_eq!((sent[0].1.as_str(), sent[1].1.as_str()), ("one", "other"));
}

#[test]
fn within_waits_until_it_is_so_and_throughout_as_long_as_it_is() {
    passes(
        r"
steps:
  - together:
      later:
        - wait: 20s
        - as: admin
          kms.disable_key: { key_id: local }
      before:
        - kms.describe_key: { key_id: local }
          throughout: 10s
          expect: { key_metadata: { enabled: true } }
        - kms.describe_key: { key_id: local }
          within: 1m
          expect: { key_metadata: { key_state: Disabled } }
        - kms.encrypt: { key_id: local, plaintext: x }
          throughout: 10s
          fails_with: DisabledException
"
        .replace("as: admin", "as: app")
        .as_str()
        .replace(
            "        - as: app\n          kms.disable_key: { key_id: local }\n",
            "        - start_fault: [{ key_disabled: local }]\n",
        )
        .as_str(),
    );
}

#[test]
fn a_role_is_assumed_before_it_calls() {
    let events = passes(
        r"
steps:
  - as: worker
    kms.encrypt: { key_id: payments, plaintext: hello }
  - as: worker
    kms.decrypt: { ciphertext_blob: hello }
    fails_with: { code: InvalidCiphertextException }
  - audit.find: { event_name: Encrypt, principal: worker }
    expect: { count: 1, first: { principal: worker, resource: payments, region: eu-west-1 } }
",
    );
    let assumed = events.iter().filter(|event| {
        matches!(&event.what, What::CallAnswered(call) if call.operation == "sts.AssumeRole")
    });
    assert_eq!(assumed.count(), 1, "a session is used again");
}

#[test]
fn time_passes_as_it_is_told() {
    let events = passes(
        r"
steps:
  - wait: 400ms
  - time.advance: { by: 2h }
",
    );
    let zero = events
        .iter()
        .find(|event| matches!(event.what, What::SetUpDone));
    let last = events.last();
    let passed = last.expect("a verdict").t.since(zero.expect("set-up").t);
    assert_eq!(passed.to_string(), "7200.4s");
}

#[test]
fn retries_are_calls_of_their_own() {
    passes(
        r"
steps:
  - while: [{ kms_throttled: { in: eu-west-1 } }]
    do:
      - kms.encrypt: { key_id: payments, plaintext: hello }
        client: { retries: standard }
        fails_with: { code: ThrottlingException, caused_by: kms_throttled }
goals:
  - metric: success_rate
    where: { operation: kms.encrypt }
    value: 0%
    samples: 3
",
    );
}

#[test]
fn what_only_a_simulator_sees() {
    passes(
        r"
steps:
  - look.state: { in: eu-west-1 }
    expect: { digest: { exists: true } }
  - look.replication: { in: eu-west-1, to: us-east-1, key: payments }
    expect: { count: { at_least: 1 }, first: { from: eu-west-1, to: us-east-1, waiting: 0 } }
  - look.replication_queue: { in: eu-west-1 }
    expect: { count: 0 }
  - look.envelopes: { in: eu-west-1, to: us-east-1 }
    expect: { count: { at_least: 1 }, every: { payload: { is: ciphertext } } }
  - look.replicas_equal: { key: payments }
    expect: { equal: true, replicas: 2 }
",
    );
}

#[test]
fn replicas_are_compared_at_the_end() {
    passes(
        r"
steps:
  - kms.encrypt: { key_id: payments, plaintext: a secret that is long enough }
always:
  - look.replicas_equal: { key: payments }
  - replicas_share_key_material: payments
  - no_plaintext_at_rest
",
    );
}
