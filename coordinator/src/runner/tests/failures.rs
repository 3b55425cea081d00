//! What is said of a run that fails, and what still happens after.

use super::{Judgement, StepStatus, What, ended, fails, run, small};

#[test]
fn the_first_failure_ends_the_steps_and_finally_comes_nevertheless() {
    let (problem, events) = fails(
        r"
steps:
  - kms.describe_key: { key_id: payments }
    expect: { key_metadata: { key_state: Disabled } }
  - kms.describe_key: { key_id: payments }
finally:
  - look.replicas_equal: { key: payments }
",
    );
    assert_eq!(problem.code, "X0007");
    assert_eq!(problem.primary.caption, "expected Disabled, got Enabled");
    assert_eq!(
        ended(&events),
        [
            ("1".to_owned(), StepStatus::Failed),
            ("2".to_owned(), StepStatus::Skipped),
            ("finally.1".to_owned(), StepStatus::Passed),
        ]
    );
}

#[test]
fn a_refusal_says_who_and_what_would_have_helped() {
    let (problem, _) = fails(
        r"
steps:
  - as: nobody
    kms.encrypt: { key_id: payments, plaintext: hello }
",
    );
    assert_eq!(problem.code, "X0001");
    assert!(
        problem
            .notes
            .iter()
            .any(|note| note.contains("nobody was denied kms:Encrypt on payments")),
        "{problem:#?}"
    );
    assert!(
        problem.help.iter().any(|help| help.contains("kms:Encrypt")),
        "{problem:#?}"
    );
}

#[test]
fn success_where_failure_was_expected_and_another_failure() {
    let (problem, _) = fails(
        r"
steps:
  - kms.encrypt: { key_id: payments, plaintext: hello }
    fails_with: DisabledException
",
    );
    assert_eq!(problem.code, "X0002");
    let (problem, _) = fails(
        r"
steps:
  - as: nobody
    kms.encrypt: { key_id: payments, plaintext: hello }
    fails_with: { code: AccessDeniedException, denied_by: scp }
",
    );
    assert_eq!(problem.code, "X0003");
    assert!(
        problem.primary.caption.contains("expected scp"),
        "{problem:#?}"
    );
}

#[test]
fn a_step_that_waits_in_vain_says_how_often_it_asked() {
    let (problem, _) = fails(
        r"
steps:
  - kms.describe_key: { key_id: payments }
    within: 10s
    expect: { key_metadata: { key_state: Disabled } }
",
    );
    assert_eq!(
        problem.message,
        "expectation failed: `key_metadata.key_state` stayed Enabled"
    );
    let asked = &problem.others[0].caption;
    assert!(
        asked.starts_with("asked ") && asked.contains(" times in 10"),
        "{asked}"
    );
}

#[test]
fn a_failed_block_heals_its_faults() {
    let (problem, events) = fails(
        r"
steps:
  - while: [{ region_down: us-east-1 }]
    do:
      - in: us-east-1
        kms.describe_key: { key_id: payments }
",
    );
    assert!(
        problem
            .notes
            .iter()
            .any(|note| note.contains("region_down")),
        "{problem:#?}"
    );
    let healed = events
        .iter()
        .any(|event| matches!(event.what, What::FaultHealed(_)));
    assert!(healed);
}

#[test]
fn a_goal_without_samples_is_unknown_and_a_missed_one_fails() {
    let goal = |more: &str| {
        let rest = format!(
            "
steps:
  - kms.describe_key: {{ key_id: payments }}
goals:
  - metric: latency
    where: {{ operation: kms.{more} }}
    p99: {{ at_most: 1us }}
"
        );
        run(&small(&rest)).0
    };
    assert_eq!(goal("encrypt").judgement, Judgement::Unknown);
    let missed = goal("describe_key");
    assert_eq!(missed.judgement, Judgement::Fail);
    assert!(
        missed.because.contains("wanted at_most 1us"),
        "{}",
        missed.because
    );
}

#[test]
fn a_world_that_cannot_be_made_is_an_error() {
    let text = small(
        "
steps:
  - kms.describe_key: { key_id: local }
",
    )
    .replace(
        "allow: [kms:Encrypt, kms:Decrypt",
        "allow: [\"not an action\", kms:Decrypt",
    );
    let (outcome, _) = run(&text);
    assert_eq!(outcome.judgement, Judgement::Error, "{}", outcome.because);
}

#[test]
fn an_oracle_that_is_meant_to_be_violated_must_be() {
    let text = small(
        r"
steps:
  - kms.encrypt: { key_id: payments, plaintext: a secret that is long enough }
always:
  - no_plaintext_at_rest
",
    );
    let text = text.replace(
        "seed: 3",
        "seed: 3\nmeant_to_violate: [no_plaintext_at_rest]",
    );
    let (outcome, _) = run(&text);
    assert_eq!(outcome.judgement, Judgement::Fail);
    assert!(
        outcome.because.contains("was meant to be violated"),
        "{}",
        outcome.because
    );
}
