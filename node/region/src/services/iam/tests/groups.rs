//! Groups: who is in them, and what they give.

use faultline_proto::iam as api;
use faultline_proto::sts::GetCallerIdentityRequest;

use super::{AWAY, HOME, no, said, some, user, world};
use crate::testing::people::{ALLOW_ALL, allow};
use crate::testing::{ACCOUNT, Credential, World};

const DENY_LOOKUP: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"NoTrail","Effect":"Deny","Action":"cloudtrail:*","Resource":"*"}]}"#;

fn group(name: &str) -> api::CreateGroupRequest {
    api::CreateGroupRequest {
        group_name: some(name),
        ..Default::default()
    }
}

fn join(name: &str, user: &str) -> api::AddUserToGroupRequest {
    api::AddUserToGroupRequest {
        group_name: some(name),
        user_name: some(user),
    }
}

fn leave(name: &str, user: &str) -> api::RemoveUserFromGroupRequest {
    api::RemoveUserFromGroupRequest {
        group_name: some(name),
        user_name: some(user),
    }
}

fn put(name: &str, document: &str) -> api::PutGroupPolicyRequest {
    api::PutGroupPolicyRequest {
        group_name: some(name),
        policy_name: some("staff"),
        policy_document: some(document),
    }
}

fn lookup() -> faultline_proto::cloudtrail::LookupEventsRequest {
    faultline_proto::cloudtrail::LookupEventsRequest::default()
}

/// A world with ann, who may do nothing but ask who she is, and the group `auditors`.
fn with_auditors() -> (World, Credential, Credential) {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:ListKeys"], &["*"]));
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &group("auditors")).unwrap();
    (world, root, ann)
}

#[test]
fn a_groups_policy_speaks_for_its_users_wherever_the_news_has_arrived() {
    let (mut world, root, ann) = with_auditors();
    let document = allow(&["cloudtrail:LookupEvents"], &["*"]);
    world
        .call(HOME, &root, &put("auditors", &document))
        .unwrap();
    world.settle();
    assert!(world.call(AWAY, &ann, &lookup()).is_err(), "not in it yet");
    world.call(HOME, &root, &join("Auditors", "ANN")).unwrap();
    world.call(HOME, &ann, &lookup()).unwrap();
    assert!(world.call(AWAY, &ann, &lookup()).is_err(), "no news yet");
    world.settle();
    world.call(AWAY, &ann, &lookup()).unwrap();
    world.call(HOME, &root, &leave("auditors", "ann")).unwrap();
    world.settle();
    for region in [HOME, AWAY] {
        let refused = world.call(region, &ann, &lookup()).unwrap_err();
        assert_eq!(refused.denial.unwrap().denied_by, "identity_policy");
    }
}

#[test]
fn a_refusal_names_the_policy_of_the_group() {
    let (mut world, root, ann) = with_auditors();
    world.call(HOME, &root, &join("auditors", "ann")).unwrap();
    let near = allow(&["cloudtrail:LookupEvents"], &["arn:aws:s3:::other"]);
    world.call(HOME, &root, &put("auditors", &near)).unwrap();
    let denial = world
        .call(HOME, &ann, &lookup())
        .unwrap_err()
        .denial
        .unwrap();
    let almost =
        "identity policy: statement 0 of staff of group auditors is about arn:aws:s3:::other";
    assert!(denial.missing.iter().any(|it| it == almost), "{denial:?}");
    world
        .call(HOME, &root, &put("auditors", DENY_LOOKUP))
        .unwrap();
    let denial = world
        .call(HOME, &ann, &lookup())
        .unwrap_err()
        .denial
        .unwrap();
    assert!(denial.explicit);
    assert_eq!(
        denial.statement,
        "statement `NoTrail` of staff of group auditors"
    );
}

#[test]
fn a_managed_policy_of_a_group_is_its_users_too() {
    let (mut world, root, ann) = with_auditors();
    world.call(HOME, &root, &join("auditors", "ann")).unwrap();
    let attach = api::AttachGroupPolicyRequest {
        group_name: some("auditors"),
        policy_arn: some("arn:aws:iam::aws:policy/AdministratorAccess"),
    };
    world.call(HOME, &root, &attach).unwrap();
    world.call(HOME, &ann, &lookup()).unwrap();
    let listed = api::ListAttachedGroupPoliciesRequest {
        group_name: some("auditors"),
        ..Default::default()
    };
    let policies = world.call(HOME, &root, &listed).unwrap().attached_policies;
    assert_eq!(
        policies[0].policy_name.as_deref(),
        Some("AdministratorAccess")
    );
    let detach = api::DetachGroupPolicyRequest {
        group_name: attach.group_name,
        policy_arn: attach.policy_arn,
    };
    world.call(HOME, &root, &detach).unwrap();
    assert!(world.call(HOME, &ann, &lookup()).is_err());
    let again = said(world.call(HOME, &root, &detach).unwrap_err());
    assert_eq!(
        again,
        no(
            "NoSuchEntity",
            "Policy arn:aws:iam::aws:policy/AdministratorAccess was not found."
        )
    );
}

#[test]
fn groups_are_listed_with_their_users_and_users_with_their_groups() {
    let (mut world, root, _) = with_auditors();
    let at = api::CreateGroupRequest {
        path: some("/ops/"),
        ..group("admins")
    };
    let made = world.call(HOME, &root, &at).unwrap().group.unwrap();
    assert_eq!(
        made.arn.as_deref(),
        Some("arn:aws:iam::111111111111:group/ops/admins")
    );
    let id = made.group_id.clone().unwrap();
    assert!(id.starts_with("AGPA") && id.len() == 21, "{id}");
    for name in ["cid", "bob"] {
        world.call(HOME, &root, &user(name)).unwrap();
        world.call(HOME, &root, &join("admins", name)).unwrap();
    }
    world.call(HOME, &root, &join("auditors", "bob")).unwrap();
    // Twice is once.
    world.call(HOME, &root, &join("auditors", "bob")).unwrap();
    let mut get = api::GetGroupRequest {
        group_name: some("admins"),
        max_items: Some(1),
        ..Default::default()
    };
    let first = world.call(HOME, &root, &get).unwrap();
    assert_eq!(first.group, Some(made));
    assert_eq!(first.users[0].user_name.as_deref(), Some("bob"));
    assert_eq!(first.is_truncated, Some(true));
    get.marker = first.marker;
    let last = world.call(HOME, &root, &get).unwrap();
    assert_eq!(last.users[0].user_name.as_deref(), Some("cid"));
    assert_eq!(
        (last.users.len(), last.is_truncated, last.marker),
        (1, Some(false), None)
    );
    let of_bob = api::ListGroupsForUserRequest {
        user_name: some("bob"),
        ..Default::default()
    };
    let names = |groups: Vec<api::Group>| -> Vec<String> {
        groups
            .into_iter()
            .filter_map(|group| group.group_name)
            .collect()
    };
    let groups = world.call(HOME, &root, &of_bob).unwrap().groups;
    assert_eq!(names(groups), ["admins", "auditors"]);
    let ops = api::ListGroupsRequest {
        path_prefix: some("/ops/"),
        ..Default::default()
    };
    assert_eq!(
        names(world.call(HOME, &root, &ops).unwrap().groups),
        ["admins"]
    );
    let bad = api::GetGroupRequest {
        marker: some("!"),
        ..get
    };
    assert_eq!(
        world.call(HOME, &root, &bad).unwrap_err().message,
        "Invalid Marker."
    );
}

#[test]
fn what_groups_refuse() {
    let (mut world, root, _) = with_auditors();
    let twice = said(world.call(HOME, &root, &group("Auditors")).unwrap_err());
    assert_eq!(
        twice,
        no(
            "EntityAlreadyExists",
            "Group with name Auditors already exists."
        )
    );
    let nobody = said(world.call(HOME, &root, &join("none", "ann")).unwrap_err());
    assert_eq!(
        nobody,
        no("NoSuchEntity", "The group with name none cannot be found.")
    );
    let nobody = said(
        world
            .call(HOME, &root, &join("auditors", "eve"))
            .unwrap_err(),
    );
    assert_eq!(
        nobody,
        no("NoSuchEntity", "The user with name eve cannot be found.")
    );
    let out = world
        .call(HOME, &root, &leave("auditors", "ann"))
        .unwrap_err();
    assert_eq!(out.code, "NoSuchEntity");
    let many = vec!["kms:Decrypt"; 400];
    let large = put("auditors", &allow(&many, &["*"]));
    assert_eq!(
        said(world.call(HOME, &root, &large).unwrap_err()),
        no(
            "LimitExceeded",
            "Maximum policy size of 5120 bytes exceeded for group auditors"
        )
    );
    for at in 0..10 {
        let name = format!("g{at}");
        world.call(HOME, &root, &group(&name)).unwrap();
        world.call(HOME, &root, &join(&name, "ann")).unwrap();
    }
    let many = said(
        world
            .call(HOME, &root, &join("auditors", "ann"))
            .unwrap_err(),
    );
    assert_eq!(
        many,
        no("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
    );
}

#[test]
fn a_group_and_a_user_are_deleted_when_nothing_holds_them() {
    let (mut world, root, _) = with_auditors();
    world.call(HOME, &root, &user("bob")).unwrap();
    world.call(HOME, &root, &join("auditors", "bob")).unwrap();
    world
        .call(HOME, &root, &put("auditors", ALLOW_ALL))
        .unwrap();
    let delete_user = api::DeleteUserRequest {
        user_name: some("bob"),
    };
    let delete = api::DeleteGroupRequest {
        group_name: some("auditors"),
    };
    let in_it = no(
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    );
    assert_eq!(
        said(world.call(HOME, &root, &delete_user).unwrap_err()),
        in_it
    );
    assert_eq!(said(world.call(HOME, &root, &delete).unwrap_err()), in_it);
    world.call(HOME, &root, &leave("auditors", "bob")).unwrap();
    world.call(HOME, &root, &delete_user).unwrap();
    assert_eq!(
        said(world.call(HOME, &root, &delete).unwrap_err()),
        no(
            "DeleteConflict",
            "Cannot delete entity, must delete policies first."
        )
    );
    let gone = api::DeleteGroupPolicyRequest {
        group_name: some("auditors"),
        policy_name: some("staff"),
    };
    world.call(HOME, &root, &gone).unwrap();
    assert_eq!(
        said(world.call(HOME, &root, &gone).unwrap_err()),
        no(
            "NoSuchEntity",
            "The group policy with name staff cannot be found."
        )
    );
    world.call(HOME, &root, &delete).unwrap();
    assert_eq!(
        world.call(HOME, &root, &delete).unwrap_err().code,
        "NoSuchEntity"
    );
}

#[test]
fn a_renamed_user_keeps_its_keys_its_policies_and_its_groups() {
    let (mut world, root, ann) = with_auditors();
    world.call(HOME, &root, &join("auditors", "ann")).unwrap();
    let document = allow(&["cloudtrail:LookupEvents"], &["*"]);
    world
        .call(HOME, &root, &put("auditors", &document))
        .unwrap();
    let rename = api::UpdateUserRequest {
        user_name: some("ann"),
        new_user_name: some("anna"),
        new_path: some("/team/"),
    };
    world.call(HOME, &root, &rename).unwrap();
    world.settle();
    let who = world
        .call(AWAY, &ann, &GetCallerIdentityRequest {})
        .unwrap();
    assert_eq!(
        who.arn.as_deref(),
        Some("arn:aws:iam::111111111111:user/team/anna")
    );
    world.call(AWAY, &ann, &lookup()).unwrap();
    let gone = world.call(HOME, &root, &rename).unwrap_err();
    assert_eq!(gone.code, "NoSuchEntity");
    world.call(HOME, &root, &user("ann")).unwrap();
    let taken = said(world.call(HOME, &root, &rename).unwrap_err());
    assert_eq!(
        taken,
        no("EntityAlreadyExists", "User with name anna already exists.")
    );
}
