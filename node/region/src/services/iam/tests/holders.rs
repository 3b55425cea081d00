//! Inline policies, lists, tags and changes of users and roles.

use faultline_proto::iam as api;

use super::{AWAY, HOME, no, said, some, world};
use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, Credential, World};

fn tag(key: &str, value: &str) -> api::Tag {
    api::Tag {
        key: some(key),
        value: some(value),
    }
}

fn with_ann_and_app() -> (World, Credential) {
    let mut world = world();
    world.user(ACCOUNT, "ann", ALLOW_ALL);
    world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let root = world.root(ACCOUNT);
    (world, root)
}

#[test]
fn inline_policies_are_shown_as_they_were_sent() {
    let (mut world, root) = with_ann_and_app();
    let spaced = format!(" {ALLOW_ALL}\n");
    let put = api::PutUserPolicyRequest {
        user_name: some("ann"),
        policy_name: some("also"),
        policy_document: Some(spaced.clone()),
    };
    world.call(HOME, &root, &put).unwrap();
    let mut list = api::ListUserPoliciesRequest {
        user_name: some("ann"),
        max_items: Some(1),
        ..Default::default()
    };
    let first = world.call(HOME, &root, &list).unwrap();
    assert_eq!(
        (first.policy_names, first.is_truncated),
        (vec!["also".to_owned()], Some(true))
    );
    list.marker = first.marker;
    assert_eq!(
        world.call(HOME, &root, &list).unwrap().policy_names,
        ["inline"]
    );
    let get = |name: &str| api::GetUserPolicyRequest {
        user_name: some("ANN"),
        policy_name: some(name),
    };
    let shown = world.call(HOME, &root, &get("also")).unwrap();
    assert_eq!(
        (shown.user_name.as_deref(), shown.policy_document),
        (Some("ann"), Some(spaced))
    );
    assert_eq!(
        said(world.call(HOME, &root, &get("none")).unwrap_err()),
        no(
            "NoSuchEntity",
            "The user policy with name none cannot be found."
        )
    );
    let get = api::GetRolePolicyRequest {
        role_name: some("app"),
        policy_name: some("inline"),
    };
    let shown = world.call(HOME, &root, &get).unwrap();
    assert_eq!(shown.policy_document.as_deref(), Some(ALLOW_ALL));
    let list = api::ListRolePoliciesRequest {
        role_name: some("app"),
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &list).unwrap().policy_names,
        ["inline"]
    );
    let missing = api::ListRolePoliciesRequest {
        role_name: some("none"),
        ..Default::default()
    };
    assert_eq!(
        said(world.call(HOME, &root, &missing).unwrap_err()),
        no("NoSuchEntity", "The role with name none cannot be found.")
    );
}

#[test]
fn attached_policies_are_listed_with_their_names() {
    let (mut world, root) = with_ann_and_app();
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    let attach = api::AttachUserPolicyRequest {
        user_name: some("ann"),
        policy_arn: some(arn),
    };
    world.call(HOME, &root, &attach).unwrap();
    let attach = api::AttachRolePolicyRequest {
        role_name: some("app"),
        policy_arn: some(arn),
    };
    world.call(HOME, &root, &attach).unwrap();
    let of_user = api::ListAttachedUserPoliciesRequest {
        user_name: some("ann"),
        ..Default::default()
    };
    let of_role = api::ListAttachedRolePoliciesRequest {
        role_name: some("app"),
        path_prefix: some("/team/"),
        ..Default::default()
    };
    let listed = world.call(HOME, &root, &of_user).unwrap().attached_policies;
    let expected = api::AttachedPolicy {
        policy_name: some("AdministratorAccess"),
        policy_arn: some(arn),
    };
    assert_eq!(listed, [expected]);
    let elsewhere = world.call(HOME, &root, &of_role).unwrap();
    assert!(elsewhere.attached_policies.is_empty(), "it is under /");
}

#[test]
fn tags_are_added_changed_and_removed_whatever_the_case_of_their_keys() {
    let (mut world, root) = with_ann_and_app();
    let add = |tags: Vec<api::Tag>| api::TagUserRequest {
        user_name: some("ann"),
        tags,
    };
    let both = add(vec![tag("Team", "red"), tag("desk", "7")]);
    world.call(HOME, &root, &both).unwrap();
    world
        .call(HOME, &root, &add(vec![tag("team", "blue")]))
        .unwrap();
    let list = api::ListUserTagsRequest {
        user_name: some("ann"),
        ..Default::default()
    };
    let tags = world.call(HOME, &root, &list).unwrap().tags;
    assert_eq!(tags, [tag("team", "blue"), tag("desk", "7")]);
    let twice = add(vec![tag("a", "1"), tag("A", "2")]);
    assert_eq!(
        world.call(HOME, &root, &twice).unwrap_err().code,
        "InvalidInput"
    );
    let many = (0..49).map(|at| tag(&format!("k{at}"), "")).collect();
    assert_eq!(
        said(world.call(HOME, &root, &add(many)).unwrap_err()),
        no(
            "LimitExceeded",
            "The number of tags has reached the maximum limit."
        )
    );
    let remove = api::UntagUserRequest {
        user_name: some("ann"),
        tag_keys: vec!["DESK".to_owned(), "unknown".to_owned()],
    };
    world.call(HOME, &root, &remove).unwrap();
    let tags = world.call(HOME, &root, &list).unwrap().tags;
    assert_eq!(tags, [tag("team", "blue")]);
}

/// What a policy says of aws:PrincipalTag follows the tags of the role, where they have arrived.
#[test]
fn tags_of_a_role_are_condition_keys_of_its_sessions() {
    let mut world = world();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let by_tag = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}"#;
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), by_tag);
    let session = world.assume(HOME, &ann, &role, "work").unwrap();
    assert!(world.call(HOME, &session, &lookup).is_err());
    let root = world.root(ACCOUNT);
    let add = api::TagRoleRequest {
        role_name: some("app"),
        tags: vec![tag("team", "red")],
    };
    world.call(HOME, &root, &add).unwrap();
    world.call(HOME, &session, &lookup).unwrap();
    assert!(world.call(AWAY, &session, &lookup).is_err());
    world.settle();
    world.call(AWAY, &session, &lookup).unwrap();
    let list = api::ListRoleTagsRequest {
        role_name: some("app"),
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &list).unwrap().tags,
        [tag("team", "red")]
    );
    let remove = api::UntagRoleRequest {
        role_name: some("app"),
        tag_keys: vec!["team".to_owned()],
    };
    world.call(HOME, &root, &remove).unwrap();
    assert!(world.call(HOME, &session, &lookup).is_err());
}

#[test]
fn policies_have_tags_too() {
    let (mut world, root) = with_ann_and_app();
    let create = api::CreatePolicyRequest {
        policy_name: some("p"),
        policy_document: some(ALLOW_ALL),
        tags: vec![tag("team", "red")],
        ..Default::default()
    };
    let policy_arn = world
        .call(HOME, &root, &create)
        .unwrap()
        .policy
        .unwrap()
        .arn;
    let add = api::TagPolicyRequest {
        policy_arn: policy_arn.clone(),
        tags: vec![tag("desk", "7")],
    };
    world.call(HOME, &root, &add).unwrap();
    let remove = api::UntagPolicyRequest {
        policy_arn: policy_arn.clone(),
        tag_keys: vec!["team".to_owned()],
    };
    world.call(HOME, &root, &remove).unwrap();
    let list = api::ListPolicyTagsRequest {
        policy_arn,
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &list).unwrap().tags,
        [tag("desk", "7")]
    );
}

#[test]
fn a_role_changes_its_description_and_its_longest_session() {
    let (mut world, root) = with_ann_and_app();
    let shown = |world: &mut World| {
        let get = api::GetRoleRequest {
            role_name: some("app"),
        };
        let role = world.call(HOME, &root, &get).unwrap().role.unwrap();
        (role.description, role.max_session_duration)
    };
    let long = api::UpdateRoleRequest {
        role_name: some("app"),
        description: some("The app."),
        max_session_duration: Some(7_200),
    };
    world.call(HOME, &root, &long).unwrap();
    assert_eq!(shown(&mut world), (some("The app."), Some(7_200)));
    let nothing = api::UpdateRoleRequest {
        role_name: some("app"),
        ..Default::default()
    };
    world.call(HOME, &root, &nothing).unwrap();
    assert_eq!(shown(&mut world), (some("The app."), Some(3_600)));
}

#[test]
fn access_keys_are_listed_without_their_secrets() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["iam:ListAccessKeys"], &["*"]));
    let listed = world
        .call(HOME, &ann, &api::ListAccessKeysRequest::default())
        .unwrap();
    let keys = listed.access_key_metadata;
    assert_eq!(keys.len(), 1);
    assert_eq!(
        keys[0].access_key_id.as_deref(),
        Some(ann.access_key.as_str())
    );
    assert_eq!(
        (keys[0].user_name.as_deref(), keys[0].status.as_deref()),
        (Some("ann"), Some("Active"))
    );
    let root = world.root(ACCOUNT);
    let refused = world.call(HOME, &root, &api::ListAccessKeysRequest::default());
    assert_eq!(refused.unwrap_err().code, "ValidationError");
}
