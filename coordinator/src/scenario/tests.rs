//! Whole files through [`load`].

use super::diagnostic::{Format, render};
use super::source::Source;
use super::*;

fn shipped(name: &str) -> Arc<Source> {
    let path = format!("{}/../scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("shipped scenarios are there");
    Source::new(name, text)
}

#[test]
fn the_four_examples_load_without_a_word() {
    for name in [
        "01-region-outage.yaml",
        "02-global-table-conflict.yaml",
        "03-crr-sse-modes.yaml",
        "04-share-snapshot.yaml",
    ] {
        let source = shipped(name);
        match load(&source) {
            Ok(plan) => {
                assert_eq!(
                    render(&source, &plan.warnings, Format::Human(false)),
                    "",
                    "{name}"
                );
                assert_eq!(plan.cases.len(), 1, "{name}");
            }
            Err(diagnostics) => panic!(
                "{name}:\n{}",
                render(&source, &diagnostics, Format::Human(false))
            ),
        }
    }
}

#[test]
fn the_shipped_schema_is_the_one_that_the_tables_make() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the variable changes a file, not a run"
    )]
    let update = std::env::var("FAULTLINE_UPDATE").is_ok();
    let path = format!(
        "{}/../scenarios/schema/scenario.v1.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = schema::scenario_text();
    if update {
        std::fs::create_dir_all(format!(
            "{}/../scenarios/schema",
            env!("CARGO_MANIFEST_DIR")
        ))
        .expect("a folder");
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == text,
        "`faultline schema scenario` differs: write it anew with FAULTLINE_UPDATE=1"
    );
}

const EVERYTHING: &str = r#"
scenario: 1
title: every form of a step
seed: 7
vars: { home: eu-west-1, pause: 400ms, card: "4242", item: { id: a, count: 3 } }
matrix: { size: [1, 2], mode: [fast, slow] }
world:
  regions: [$home, us-east-1]
  accounts: { shop: "111111111111", partner: "222222222222" }
  principals:
    app: { account: shop, allow: ["*"], deny: [kms:DeleteAlias] }
    replicator: { account: shop, assumed_by: s3.amazonaws.com, allow: ["s3:*"] }
  keys:
    payments: { account: shop, multi_region: true, primary: $home, replicas: [us-east-1] }
    vault:
      account: shop
      region: $home
      policy:
        - { allow: ["kms:*"], to: shop }
        - { allow: [kms:Decrypt], to: [app, partner], when: { "kms:ViaService": "ec2.*" } }
  buckets:
    photos:
      account: shop
      region: $home
      versioned: true
      policy: [{ deny: ["s3:*"], to: "*", when: { "aws:SecureTransport": false } }]
  tables:
    orders: { account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }
  clients: { retries: standard, connect_timeout: 3s }
defaults: { in: $home, as: app }
client: { connect_timeout: 1s }
steps:
  - say: Sealed $(size) times in mode $(mode).
    repeat: $size
    kms.encrypt: { key_id: payments, plaintext: $card, encryption_context: { mode: $mode } }
    save: sealed
  - for_each: { region: [eu-west-1, us-east-1] }
    in: $region
    do:
      - kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob, key_id: { literal: payments } }
        when: $(region != home)
        within: $pause
        expect: { plaintext: $card, key_id: payments, call: { attempts: { at_most: 2 }, latency: { at_most: 1s } } }
  - while: [{ region_down: us-east-1 }, { messages: { duplicate: 1/10 } }]
    together:
      one: [{ wait: $pause }]
      two: [{ time.advance: { by: 1m } }]
  - start_fault: { key_disabled: vault }
    save: trouble
  - heal: trouble
  - dynamodb.put_item: { table_name: orders, item: $item }
    raw: true
    client: { retries: 2 }
  - dynamodb.get_item: { table_name: orders, key: { id: a } }
    exactly: { item: { id: a, count: 3 } }
  - kms.list_keys: {}
    expect: { keys: { every: { key_id: { exists: true } }, count: { between: [1, 5] } } }
  - kms.disable_key: { key_id: vault }
    fails_with: { code: { one_of: [ThrottlingException, ConnectTimeout] }, caused_by: region_down }
  - as: app
    s3.put_object: { bucket: photos, key: "a-$(size).txt", body: "base64:AAEC" }
always: [one_primary_at_most: payments, { node_never_sees: $card }, audit_complete]
finally:
  - look.replicas_equal: { key: payments }
goals:
  - { metric: latency, where: { operation: kms.decrypt }, p99: { at_most: 2s }, samples: 3 }
"#;

fn everything() -> Plan {
    let source = Source::new("everything.yaml", EVERYTHING);
    match load(&source) {
        Ok(plan) => {
            assert_eq!(render(&source, &plan.warnings, Format::Human(false)), "");
            plan
        }
        Err(list) => panic!("{}", render(&source, &list, Format::Human(false))),
    }
}

fn call(step: &plan::Step) -> &plan::Call {
    match &step.action {
        plan::Action::Call(call) => call,
        other => panic!("{} is no call: {other:?}", step.id),
    }
}

#[test]
fn a_matrix_has_a_case_for_each_combination() {
    let plan = everything();
    let labels: Vec<_> = plan.cases.iter().map(|case| case.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "size=1, mode=fast",
            "size=1, mode=slow",
            "size=2, mode=fast",
            "size=2, mode=slow"
        ]
    );
    let arguments = |case: &plan::Case| call(&case.steps[0]).arguments.written().expect("known");
    assert_eq!(
        arguments(&plan.cases[1])["encryption_context"]["mode"],
        "slow"
    );
    assert_eq!(
        plan.cases[2].steps[0]
            .say
            .as_ref()
            .and_then(template::Template::constant),
        Some("Sealed 2 times in mode fast.".into())
    );
}

#[test]
fn the_world_is_typed_and_its_policies_wait_for_names() {
    let plan = everything();
    let world = &plan.cases[0].world;
    assert_eq!(world.regions[0].as_str(), "eu-west-1");
    assert!(world.keys["payments"].what.is_multi_region());
    assert!(world.principals["replicator"].is_role() && !world.principals["app"].is_role());
    assert_eq!(world.client.retries, Some(plan::step::Retries::Standard));
    let policy = world.keys["vault"]
        .policy
        .as_ref()
        .expect("a policy")
        .document(&template::Nameless);
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("a document");
    assert_eq!(
        policy["Statement"][1]["Condition"]["StringLike"]["kms:ViaService"],
        "ec2.*"
    );
    let bucket = world.buckets["photos"]
        .policy
        .as_ref()
        .expect("a policy")
        .document(&template::Nameless);
    assert!(
        bucket.contains("arn:aws:s3:::photos/*")
            && bucket.contains("\"aws:SecureTransport\":\"false\"")
    );
    let identity = world.principals["app"]
        .identity_policy(&template::Nameless)
        .expect("a policy");
    assert_eq!(identity["Statement"][1]["Effect"], "Deny");
}

#[test]
fn steps_take_over_what_blocks_and_defaults_say() {
    let plan = everything();
    let steps = &plan.cases[0].steps;
    let encrypt = call(&steps[0]);
    assert_eq!(
        encrypt.client.connect_timeout,
        Some(std::time::Duration::from_secs(1))
    );
    assert_eq!(encrypt.client.retries, Some(plan::step::Retries::Standard));
    let plan::Action::Do(inner) = &steps[1].action else {
        panic!("a block")
    };
    assert_eq!(inner[0].id, "2.1");
    let decrypt = call(&inner[0]);
    let mut bindings = template::Bindings::new(plan.cases[0].vars.clone());
    bindings.bind("region", "us-east-1".into());
    bindings.bind(
        "sealed",
        serde_json::json!({ "ciphertext_blob": "base64:AAEC" }),
    );
    let region = decrypt
        .region
        .as_ref()
        .expect("a Region")
        .get(&bindings)
        .expect("it is bound");
    assert_eq!(region.as_str(), "us-east-1");
    assert!(
        inner[0]
            .when
            .as_ref()
            .expect("a condition")
            .get(&bindings)
            .expect("it is bound")
    );
    let arguments = decrypt
        .arguments
        .evaluate(&bindings, &template::Nameless)
        .expect("all is bound");
    assert_eq!(
        arguments,
        serde_json::json!({ "ciphertext_blob": "base64:AAEC", "key_id": "payments" })
    );
}

#[test]
fn expectations_are_judged_with_the_names_of_the_world() {
    struct World;
    impl template::WorldNames for World {
        fn resolve(&self, _: faultline_proto::tables::Refers, name: &str) -> Option<String> {
            Some(format!("arn:{name}"))
        }
        fn means(&self, _: faultline_proto::tables::Refers, name: &str, answer: &str) -> bool {
            answer == format!("arn:{name}")
        }
    }
    let plan = everything();
    let plan::Action::Do(inner) = &plan.cases[0].steps[1].action else {
        panic!("a block")
    };
    let decrypt = call(&inner[0]);
    let bindings = template::Bindings::new(plan.cases[0].vars.clone());
    let judge = matchers::Judge {
        bindings: &bindings,
        names: &World,
    };
    let expect = decrypt.expect.as_ref().expect("an expectation");
    let good = serde_json::json!({ "plaintext": "4242", "key_id": "arn:payments" });
    assert_eq!(matchers::matches(expect, Some(&good), judge), Ok(()));
    let bad = serde_json::json!({ "plaintext": "4242", "key_id": "arn:vault" });
    let Err(matchers::Unmet::Mismatch(mismatch)) = matchers::matches(expect, Some(&bad), judge)
    else {
        panic!("another key")
    };
    assert_eq!(
        (mismatch.path.as_str(), mismatch.expected.as_str()),
        ("key_id", "payments")
    );
    assert_eq!(plan.source.slice(mismatch.span), "payments");
    let of_call = decrypt.call.as_ref().expect("an expectation of the call");
    let slow = serde_json::json!({ "attempts": 1, "latency": 1_000_001 });
    assert!(matchers::matches(of_call, Some(&slow), judge).is_err());
}

#[test]
fn faults_waits_and_claims_are_ready() {
    let plan = everything();
    let case = &plan.cases[0];
    let bindings = template::Bindings::new(case.vars.clone());
    let specs: Vec<_> = case.steps[2]
        .faults
        .iter()
        .map(|fault| fault.resolve(&bindings, &template::Nameless))
        .collect();
    assert!(
        matches!(&specs[0], Ok(plan::FaultSpec::RegionDown { region }) if region.as_str() == "us-east-1")
    );
    let plan::Action::Together(lanes) = &case.steps[2].action else {
        panic!("lanes")
    };
    assert_eq!(lanes[1].steps[0].id, "3.two.1");
    assert!(
        matches!(&lanes[1].steps[0].action, plan::Action::Wait(plan::Later::Known(wait)) if wait.as_secs() == 60)
    );
    assert!(matches!(&case.steps[4].action, plan::Action::Heal(Some(name)) if name == "trouble"));
    assert_eq!(case.always[0].text("key"), Some("payments"));
    assert_eq!(case.always[1].texts("values"), ["4242"]);
    assert_eq!(
        (case.goals[0].metric.name, case.goals[0].bounds[0].0),
        ("latency", "p99")
    );
}

#[test]
fn variables_are_overridden_by_name_and_keep_being_text() {
    let source = Source::new("everything.yaml", EVERYTHING);
    let vars = BTreeMap::from([("card".to_owned(), "1111".to_owned())]);
    let plan = load_with(&source, &vars).expect("the file is right");
    assert_eq!(plan.cases[0].vars["card"], "1111");
    let wrong = BTreeMap::from([("crad".to_owned(), "1111".to_owned())]);
    assert_eq!(
        load_with(&source, &wrong).expect_err("no such variable")[0].code,
        "E0212"
    );
}
