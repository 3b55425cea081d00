//! The two operations that ask the evaluator without calling.

use faultline_proto::iam as api;

use super::{HOME, no, said, some, world};
use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, Credential, World};

const ANN: &str = "arn:aws:iam::111111111111:user/ann";
const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1";

fn custom(inputs: &[&str], actions: &[&str]) -> api::SimulateCustomPolicyRequest {
    api::SimulateCustomPolicyRequest {
        policy_input_list: inputs.iter().map(ToString::to_string).collect(),
        action_names: actions.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

fn principal(source: &str, actions: &[&str]) -> api::SimulatePrincipalPolicyRequest {
    api::SimulatePrincipalPolicyRequest {
        policy_source_arn: some(source),
        action_names: actions.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

fn entry(key: &str, value: &str) -> api::ContextEntry {
    api::ContextEntry {
        context_key_name: some(key),
        context_key_values: vec![value.to_owned()],
        context_key_type: some("string"),
    }
}

/// Decisions in the order asked, with the statements that made them.
fn decisions(results: &[api::EvaluationResult]) -> Vec<String> {
    let one = |result: &api::EvaluationResult| {
        let by = result.matched_statements.iter().map(|statement| {
            let id = statement.source_policy_id.as_deref().unwrap();
            format!(" {id}/{}", statement.source_policy_type.as_deref().unwrap())
        });
        format!(
            "{}{}",
            result.eval_decision.as_deref().unwrap(),
            by.collect::<String>()
        )
    };
    results.iter().map(one).collect()
}

fn ask_custom(
    world: &mut World,
    root: &Credential,
    request: &api::SimulateCustomPolicyRequest,
) -> Vec<api::EvaluationResult> {
    world.call(HOME, root, request).unwrap().evaluation_results
}

fn ask(
    world: &mut World,
    root: &Credential,
    request: &api::SimulatePrincipalPolicyRequest,
) -> Vec<api::EvaluationResult> {
    world.call(HOME, root, request).unwrap().evaluation_results
}

#[test]
fn the_documents_that_are_sent_along_decide() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
    let asked = custom(
        &[&allow(&["kms:*"], &["*"]), deny],
        &["kms:Encrypt", "kms:Decrypt", "s3:GetObject"],
    );
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(
        decisions(&results),
        [
            "allowed PolicyInputList.1/none",
            "explicitDeny PolicyInputList.2/none",
            "implicitDeny"
        ]
    );
    assert_eq!(results[0].eval_action_name.as_deref(), Some("kms:Encrypt"));
    assert_eq!(results[0].eval_resource_name.as_deref(), Some("*"));
    assert!(results[0].permissions_boundary_decision_detail.is_none());
}

#[test]
fn every_action_is_decided_for_every_resource_in_pages() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let mut asked = api::SimulateCustomPolicyRequest {
        resource_arns: vec![KEY.to_owned(), "arn:aws:s3:::b".to_owned()],
        max_items: Some(3),
        ..custom(
            &[&allow(&["kms:*"], &[KEY])],
            &["kms:Encrypt", "kms:Decrypt"],
        )
    };
    let first = world.call(HOME, &root, &asked).unwrap();
    assert_eq!(
        decisions(&first.evaluation_results),
        [
            "allowed PolicyInputList.1/none",
            "implicitDeny",
            "allowed PolicyInputList.1/none"
        ]
    );
    assert_eq!(first.is_truncated, Some(true));
    asked.marker = first.marker;
    let last = world.call(HOME, &root, &asked).unwrap();
    assert_eq!(decisions(&last.evaluation_results), ["implicitDeny"]);
    assert_eq!(last.is_truncated, Some(false));
}

#[test]
fn condition_keys_come_with_the_request_or_are_told_as_missing() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","aws:username":"ann"}}}]}"#;
    let mut asked = custom(&[document], &["kms:Decrypt", "s3:GetObject"]);
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(decisions(&results), ["implicitDeny", "implicitDeny"]);
    assert_eq!(
        results[0].missing_context_values,
        ["aws:username", "kms:ViaService"]
    );
    assert!(
        results[1].missing_context_values.is_empty(),
        "of another action"
    );
    asked.context_entries = vec![
        entry("kms:viaservice", "s3.eu-west-1.amazonaws.com"),
        entry("aws:username", "ann"),
    ];
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(decisions(&results)[0], "allowed PolicyInputList.1/none");
    assert!(results[0].missing_context_values.is_empty());
    // A caller that is named brings its own.
    asked.context_entries.pop();
    asked.caller_arn = some(ANN);
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(decisions(&results)[0], "allowed PolicyInputList.1/none");
}

/// K-189
#[test]
fn a_boundary_limits_and_says_so() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let mut asked = custom(&[ALLOW_ALL], &["kms:Encrypt", "s3:GetObject"]);
    asked.permissions_boundary_policy_input_list = vec![allow(&["kms:*"], &["*"])];
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(
        decisions(&results),
        ["allowed PolicyInputList.1/none", "implicitDeny"]
    );
    let allowed = |result: &api::EvaluationResult| {
        let detail = result.permissions_boundary_decision_detail.unwrap();
        detail.allowed_by_permissions_boundary.unwrap()
    };
    assert_eq!((allowed(&results[0]), allowed(&results[1])), (true, false));
    asked
        .permissions_boundary_policy_input_list
        .push(ALLOW_ALL.to_owned());
    assert_eq!(
        world.call(HOME, &root, &asked).unwrap_err().code,
        "InvalidInput"
    );
}

#[test]
fn a_resource_policy_joins_in_by_the_rules_of_its_service() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key_policy = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:*","Resource":"*"}}]}}"#
        )
    };
    let mut asked = api::SimulateCustomPolicyRequest {
        resource_arns: vec![KEY.to_owned()],
        caller_arn: some(ANN),
        resource_policy: Some(key_policy("arn:aws:iam::111111111111:user/bob")),
        ..custom(&[ALLOW_ALL], &["kms:Decrypt"])
    };
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(
        decisions(&results),
        ["implicitDeny"],
        "a key's policy must speak (K-166)"
    );
    asked.resource_policy = Some(key_policy(ANN));
    asked.policy_input_list = vec![allow(&["s3:*"], &["*"])];
    let results = ask_custom(&mut world, &root, &asked);
    assert_eq!(decisions(&results), ["allowed ResourcePolicy/resource"]);
    // Across accounts both sides must allow.
    asked.resource_arns = vec![KEY.replace("1111111111", "2222222222")];
    assert_eq!(
        decisions(&ask_custom(&mut world, &root, &asked)),
        ["implicitDeny"]
    );
    asked.policy_input_list = vec![ALLOW_ALL.to_owned()];
    assert_eq!(
        decisions(&ask_custom(&mut world, &root, &asked)),
        ["allowed ResourcePolicy/resource PolicyInputList.1/none"]
    );
    asked.caller_arn = None;
    assert_eq!(
        world.call(HOME, &root, &asked).unwrap_err().code,
        "InvalidInput"
    );
}

#[test]
fn a_users_own_policies_decide_with_its_groups_and_its_boundary() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.user(ACCOUNT, "ann", &allow(&["kms:Encrypt"], &["*"]));
    let group = api::CreateGroupRequest {
        group_name: some("staff"),
        ..Default::default()
    };
    world.call(HOME, &root, &group).unwrap();
    let put = api::PutGroupPolicyRequest {
        group_name: some("staff"),
        policy_name: some("trail"),
        policy_document: Some(allow(&["cloudtrail:*"], &["*"])),
    };
    world.call(HOME, &root, &put).unwrap();
    let join = api::AddUserToGroupRequest {
        group_name: some("staff"),
        user_name: some("ann"),
    };
    let trail = &["kms:Encrypt", "cloudtrail:LookupEvents"];
    let before = ask(&mut world, &root, &principal(ANN, trail));
    assert_eq!(
        decisions(&before),
        ["allowed user_ann_inline/user", "implicitDeny"]
    );
    world.call(HOME, &root, &join).unwrap();
    let after = ask(&mut world, &root, &principal(ANN, trail));
    assert_eq!(
        decisions(&after),
        [
            "allowed user_ann_inline/user",
            "allowed group_staff_trail/group"
        ]
    );
    let of_group = principal("arn:aws:iam::111111111111:group/staff", trail);
    assert_eq!(
        decisions(&ask(&mut world, &root, &of_group)),
        ["implicitDeny", "allowed group_staff_trail/group"]
    );
    let attach = api::AttachUserPolicyRequest {
        user_name: some("ann"),
        policy_arn: some("arn:aws:iam::aws:policy/AdministratorAccess"),
    };
    world.call(HOME, &root, &attach).unwrap();
    let s3 = principal(ANN, &["s3:GetObject"]);
    assert_eq!(
        decisions(&ask(&mut world, &root, &s3)),
        ["allowed AdministratorAccess/aws-managed"]
    );
    let create = api::CreatePolicyRequest {
        policy_name: some("limit"),
        policy_document: Some(allow(&["kms:*"], &["*"])),
        ..Default::default()
    };
    let arn = world
        .call(HOME, &root, &create)
        .unwrap()
        .policy
        .unwrap()
        .arn;
    let limit = api::PutUserPermissionsBoundaryRequest {
        user_name: some("ann"),
        permissions_boundary: arn,
    };
    world.call(HOME, &root, &limit).unwrap();
    let limited = ask(&mut world, &root, &s3);
    assert_eq!(decisions(&limited), ["implicitDeny"]);
    let detail = limited[0].permissions_boundary_decision_detail.unwrap();
    assert_eq!(detail.allowed_by_permissions_boundary, Some(false));
}

#[test]
fn a_roles_policies_decide_and_what_is_sent_along_is_added() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), &allow(&["kms:*"], &["*"]));
    let mut asked = principal(&role, &["kms:Decrypt", "s3:GetObject"]);
    let results = ask(&mut world, &root, &asked);
    assert_eq!(
        decisions(&results),
        ["allowed role_app_inline/role", "implicitDeny"]
    );
    asked.policy_input_list = vec![allow(&["s3:*"], &["*"])];
    let results = ask(&mut world, &root, &asked);
    assert_eq!(decisions(&results)[1], "allowed PolicyInputList.1/none");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let missing = world.call(HOME, &root, &principal(ANN, &["kms:Encrypt"]));
    assert_eq!(
        said(missing.unwrap_err()),
        no("NoSuchEntity", "The user with name ann cannot be found.")
    );
    for source in [
        "arn:aws:iam::222222222222:user/ann",
        "arn:aws:s3:::bucket-of-ann",
    ] {
        let refused = said(
            world
                .call(HOME, &root, &principal(source, &["a:B"]))
                .unwrap_err(),
        );
        let message =
            format!("Invalid Entity Arn: {source} does not clearly define entity type and name.");
        assert_eq!(refused, no("InvalidInput", &message));
    }
    for wrong in [
        custom(&["{}"], &["kms:Encrypt"]),
        custom(&[ALLOW_ALL], &["encrypt"]),
        custom(&[ALLOW_ALL], &["kms:*"]),
        api::SimulateCustomPolicyRequest {
            caller_arn: some("arn:aws:iam::111111111111:role/app"),
            ..custom(&[ALLOW_ALL], &["kms:Encrypt"])
        },
    ] {
        let refused = world.call(HOME, &root, &wrong).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.http_status),
            ("InvalidInput", 400),
            "{wrong:?}"
        );
    }
}

/// A simulation needs a permission like any other call, and does nothing.
#[test]
fn to_simulate_needs_a_permission() {
    let mut world = world();
    let ann = world.user(
        ACCOUNT,
        "ann",
        &allow(&["iam:SimulatePrincipalPolicy"], &[ANN]),
    );
    world
        .call(HOME, &ann, &principal(ANN, &["iam:DeleteUser"]))
        .unwrap();
    let refused = world.call(HOME, &ann, &custom(&[ALLOW_ALL], &["kms:Encrypt"]));
    assert_eq!(refused.unwrap_err().code, "AccessDenied");
}
