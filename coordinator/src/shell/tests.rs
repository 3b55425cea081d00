//! A scenario and its script.

use std::path::Path;

use super::{Script, script};
use crate::scenario::{load, source::Source};

fn exported(world: &str, steps: &str) -> Script {
    let text = format!(
        "scenario: 1\ntitle: t\nworld:\n  regions: [eu-west-1, us-east-1]\n  accounts: {{ main: \"111111111111\" }}\n{world}steps:\n{steps}"
    );
    let plan = match load(&Source::new("t.yaml", text)) {
        Ok(plan) => plan,
        Err(problems) => panic!("{problems:#?}"),
    };
    script(&plan, &plan.cases[0], Path::new("t.yaml"))
}

/// The script's commands, without the prelude and what is told.
fn commands(script: &Script) -> Vec<&str> {
    let (_, steps) = script.text.split_once("\nstep ").expect("there are steps");
    let lines = steps.lines().skip(1);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("step "))
        .collect()
}

const WORLD: &str = "  principals: { app: { account: main, allow: [\"kms:*\"] } }\n  keys: { payments: { account: main, multi_region: true, primary: eu-west-1, replicas: [us-east-1] } }\n";

#[test]
fn answers_travel_in_variables_and_names_in_those_of_the_world() {
    let script = exported(
        WORLD,
        "
  - kms.encrypt: { key_id: payments, plaintext: it's me }
    in: eu-west-1
    as: app
    save: sealed
  - kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob, key_id: payments }
    in: us-east-1
    as: app
    expect: { plaintext: it's me }
",
    );
    assert_eq!(
        commands(&script),
        [
            "printf %s 'it'\\''s me' >\"$tmp/plaintext\"",
            "answer=$(as app aws kms encrypt --region eu-west-1 --key-id \"$FAULTLINE_KEY_PAYMENTS\" --plaintext fileb://\"$tmp/plaintext\" --query CiphertextBlob --output text)",
            "IFS=$'\\t' read -r sealed_ciphertext_blob <<<\"$answer\"",
            "printf %s \"$sealed_ciphertext_blob\" | base64 -d >\"$tmp/ciphertext_blob\"",
            "is aXQncyBtZQ== as app aws kms decrypt --region us-east-1 --ciphertext-blob fileb://\"$tmp/ciphertext_blob\" --key-id \"$FAULTLINE_KEY_PAYMENTS\" --query Plaintext --output text",
        ]
    );
    assert_eq!(script.left_out, []);
}

#[test]
fn refusals_faults_and_patience_are_commands_too() {
    let script = exported(
        WORLD,
        "
  - while: [{ partition: { groups: [[eu-west-1], [us-east-1]] } }]
    do:
      - kms.disable_key: { key_id: payments }
        in: eu-west-1
        as: app
  - kms.encrypt: { key_id: payments, plaintext: x }
    in: eu-west-1
    as: app
    within: 15s
    fails_with: DisabledException
  - while: [{ key_disabled: { key: payments, in: us-east-1 } }]
    do: [{ wait: 2s }]
  - while: [{ region_down: us-east-1 }]
    do:
      - start_fault: { slow_link: { between: [eu-west-1, us-east-1], latency: 300ms } }
        save: slow
      - heal: slow
",
    );
    assert_eq!(
        commands(&script),
        [
            "fault_1=$(faultline fault start partition between=eu-west-1,us-east-1)",
            "as app aws kms disable-key --region eu-west-1 --key-id \"$FAULTLINE_KEY_PAYMENTS\"",
            "faultline fault heal \"$fault_1\"",
            "printf %s x >\"$tmp/plaintext\"",
            "within 20 refused DisabledException as app aws kms encrypt --region eu-west-1 --key-id \"$FAULTLINE_KEY_PAYMENTS\" --plaintext fileb://\"$tmp/plaintext\"",
            "as 'root of main' aws kms disable-key --region us-east-1 --key-id \"$FAULTLINE_KEY_PAYMENTS\" >/dev/null",
            "sleep 2",
            "as 'root of main' aws kms enable-key --region us-east-1 --key-id \"$FAULTLINE_KEY_PAYMENTS\"",
            "fault_2=$(faultline fault start region_down region=us-east-1)",
            "fault_3=$(faultline fault start slow_link between=eu-west-1,us-east-1 latency=300ms)",
            "faultline fault heal \"$fault_3\"",
            "faultline fault heal \"$fault_2\"",
        ]
    );
}

#[test]
fn what_has_no_command_is_left_out_and_said() {
    let script = exported(
        WORLD,
        "
  - kms.describe_key: { key_id: payments }
    in: eu-west-1
    as: app
    save: seen
  - kms.describe_key: { key_id: \"$(seen.key_metadata.key_id + 'x')\" }
    in: eu-west-1
    as: app
    fails_with: NotFoundException
  - when: $(size(seen.key_metadata.key_id) > 3)
    wait: 1s
  - wait: 7d
  - look.replicas_equal: { key: payments }
",
    );
    let left: Vec<&str> = script
        .left_out
        .iter()
        .map(|(step, _)| step.as_str())
        .collect();
    assert_eq!(left, ["3", "4", "5"], "{:#?}", script.left_out);
    let commands = commands(&script);
    assert!(
        commands.contains(&"refused NotFoundException as app aws kms describe-key --region eu-west-1 --key-id \"$seen_key_metadata_key_id\"'x'"),
        "{commands:#?}"
    );
}
