//! Managed policies and their versions.

use faultline_proto::iam as api;

use super::{AWAY, HOME, no, said, some, user, world};
use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, Credential, PARTNER, World};

const ARN: &str = "arn:aws:iam::111111111111:policy/team/readers";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A world with ann, who has the policy `readers` and nothing else; it lets her read the trail.
fn with_readers() -> (World, Credential, Credential) {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:ListKeys"], &["*"]));
    let create = api::CreatePolicyRequest {
        policy_name: some("readers"),
        path: some("/team/"),
        description: some("Reads the trail."),
        policy_document: Some(allow(&["cloudtrail:LookupEvents"], &["*"])),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &create).unwrap().policy.unwrap();
    assert_eq!(made.arn.as_deref(), Some(ARN));
    let attach = api::AttachUserPolicyRequest {
        user_name: some("ann"),
        policy_arn: some(ARN),
    };
    world.call(HOME, &root, &attach).unwrap();
    world.settle();
    (world, root, ann)
}

fn new_version(document: &str, in_force: bool) -> api::CreatePolicyVersionRequest {
    api::CreatePolicyVersionRequest {
        policy_arn: some(ARN),
        policy_document: some(document),
        set_as_default: Some(in_force),
    }
}

fn set_default(id: &str) -> api::SetDefaultPolicyVersionRequest {
    api::SetDefaultPolicyVersionRequest {
        policy_arn: some(ARN),
        version_id: some(id),
    }
}

fn delete_version(id: &str) -> api::DeletePolicyVersionRequest {
    api::DeletePolicyVersionRequest {
        policy_arn: some(ARN),
        version_id: some(id),
    }
}

fn delete() -> api::DeletePolicyRequest {
    api::DeletePolicyRequest {
        policy_arn: some(ARN),
    }
}

fn get(arn: &str) -> api::GetPolicyRequest {
    api::GetPolicyRequest {
        policy_arn: some(arn),
    }
}

fn versions(world: &mut World, root: &Credential) -> Vec<(String, bool)> {
    let list = api::ListPolicyVersionsRequest {
        policy_arn: some(ARN),
        ..Default::default()
    };
    let listed = world.call(HOME, root, &list).unwrap().versions;
    let shown = |it: api::PolicyVersion| {
        assert_eq!(it.document, None, "lists show no documents");
        (it.version_id.unwrap(), it.is_default_version.unwrap())
    };
    listed.into_iter().map(shown).collect()
}

#[test]
fn the_version_in_force_decides_and_an_older_one_can_be_put_back() {
    let (mut world, root, ann) = with_readers();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let narrow = allow(&["s3:GetObject"], &["*"]);
    let made = world
        .call(HOME, &root, &new_version(&narrow, false))
        .unwrap();
    let made = made.policy_version.unwrap();
    assert_eq!(
        (
            made.version_id.as_deref(),
            made.is_default_version,
            made.document
        ),
        (Some("v2"), Some(false), None)
    );
    world.call(HOME, &ann, &lookup).unwrap();
    world.call(HOME, &root, &set_default("v2")).unwrap();
    assert!(world.call(HOME, &ann, &lookup).is_err());
    world.call(AWAY, &ann, &lookup).unwrap();
    world.settle();
    assert!(world.call(AWAY, &ann, &lookup).is_err(), "the news arrived");
    world.call(HOME, &root, &set_default("v1")).unwrap();
    world.settle();
    world.call(AWAY, &ann, &lookup).unwrap();
    let read = api::GetPolicyVersionRequest {
        policy_arn: some(ARN),
        version_id: some("v2"),
    };
    let read = world
        .call(HOME, &root, &read)
        .unwrap()
        .policy_version
        .unwrap();
    assert_eq!(
        (read.document, read.is_default_version),
        (Some(narrow), Some(false))
    );
}

#[test]
fn a_policy_has_five_versions_at_most_and_their_numbers_are_never_used_again() {
    let (mut world, root, _) = with_readers();
    for _ in 0..3 {
        world
            .call(HOME, &root, &new_version(ALLOW_ALL, false))
            .unwrap();
    }
    world
        .call(HOME, &root, &new_version(ALLOW_ALL, true))
        .unwrap();
    let more = world.call(HOME, &root, &new_version(ALLOW_ALL, true));
    assert_eq!(
        said(more.unwrap_err()),
        no(
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
        )
    );
    assert_eq!(
        said(world.call(HOME, &root, &delete_version("v5")).unwrap_err()),
        no(
            "DeleteConflict",
            "Cannot delete the default version of a policy."
        )
    );
    world.call(HOME, &root, &set_default("v1")).unwrap();
    world.call(HOME, &root, &delete_version("v5")).unwrap();
    let made = world
        .call(HOME, &root, &new_version(ALLOW_ALL, false))
        .unwrap();
    assert_eq!(
        made.policy_version.unwrap().version_id.as_deref(),
        Some("v6")
    );
    let ids: Vec<_> = versions(&mut world, &root);
    let expected = [
        ("v6", false),
        ("v4", false),
        ("v3", false),
        ("v2", false),
        ("v1", true),
    ];
    assert_eq!(ids, expected.map(|(id, default)| (id.to_owned(), default)));
    for refused in [
        world.call(HOME, &root, &set_default("v5")).unwrap_err(),
        world.call(HOME, &root, &delete_version("v5")).unwrap_err(),
    ] {
        let message = format!("Policy {ARN} version v5 does not exist or is not attachable.");
        assert_eq!(said(refused), no("NoSuchEntity", &message));
    }
    let bad = world
        .call(HOME, &root, &new_version("{}", false))
        .unwrap_err();
    assert_eq!(
        (bad.code.as_str(), bad.http_status),
        ("MalformedPolicyDocument", 400)
    );
}

#[test]
fn a_policy_is_deleted_when_nobody_has_it_and_one_version_is_left() {
    let (mut world, root, _) = with_readers();
    world
        .call(HOME, &root, &new_version(ALLOW_ALL, true))
        .unwrap();
    let in_use = no(
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    );
    assert_eq!(
        said(world.call(HOME, &root, &delete()).unwrap_err()),
        in_use
    );
    let detach = api::DetachUserPolicyRequest {
        user_name: some("ann"),
        policy_arn: some(ARN),
    };
    world.call(HOME, &root, &detach).unwrap();
    let limit = api::PutUserPermissionsBoundaryRequest {
        user_name: some("ann"),
        permissions_boundary: some(ARN),
    };
    world.call(HOME, &root, &limit).unwrap();
    assert_eq!(
        said(world.call(HOME, &root, &delete()).unwrap_err()),
        in_use
    );
    let free = api::DeleteUserPermissionsBoundaryRequest {
        user_name: some("ann"),
    };
    world.call(HOME, &root, &free).unwrap();
    let versions = said(world.call(HOME, &root, &delete()).unwrap_err());
    assert_eq!(versions.0, "DeleteConflict");
    assert!(
        versions
            .1
            .starts_with("This policy has more than one version."),
        "{versions:?}"
    );
    world.call(HOME, &root, &delete_version("v1")).unwrap();
    world.call(HOME, &root, &delete()).unwrap();
    assert_eq!(
        said(world.call(HOME, &root, &get(ARN)).unwrap_err()),
        no("NoSuchEntity", &format!("Policy {ARN} was not found."))
    );
}

#[test]
fn who_has_a_policy_is_counted_and_listed() {
    let (mut world, root, _) = with_readers();
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let group = api::CreateGroupRequest {
        group_name: some("staff"),
        ..Default::default()
    };
    world.call(HOME, &root, &group).unwrap();
    let attach = api::AttachGroupPolicyRequest {
        group_name: some("staff"),
        policy_arn: some(ARN),
    };
    world.call(HOME, &root, &attach).unwrap();
    let limit = api::PutRolePermissionsBoundaryRequest {
        role_name: role.rsplit('/').next().map(str::to_owned),
        permissions_boundary: some(ARN),
    };
    world.call(HOME, &root, &limit).unwrap();
    let shown = world.call(HOME, &root, &get(ARN)).unwrap().policy.unwrap();
    assert_eq!(
        (
            shown.attachment_count,
            shown.permissions_boundary_usage_count
        ),
        (Some(2), Some(1))
    );
    assert_eq!(
        (shown.path.as_deref(), shown.description.as_deref()),
        (Some("/team/"), Some("Reads the trail."))
    );
    let mut list = api::ListEntitiesForPolicyRequest {
        policy_arn: some(ARN),
        ..Default::default()
    };
    let all = world.call(HOME, &root, &list).unwrap();
    let counts = (
        all.policy_users.len(),
        all.policy_groups.len(),
        all.policy_roles.len(),
    );
    assert_eq!(counts, (1, 1, 1));
    list.policy_usage_filter = some("PermissionsBoundary");
    let limits = world.call(HOME, &root, &list).unwrap();
    assert_eq!(limits.policy_roles[0].role_name.as_deref(), Some("app"));
    assert_eq!(
        (limits.policy_users.len(), limits.policy_groups.len()),
        (0, 0)
    );
    list.policy_usage_filter = None;
    list.entity_filter = some("Group");
    let groups = world.call(HOME, &root, &list).unwrap();
    assert_eq!(groups.policy_groups[0].group_name.as_deref(), Some("staff"));
    assert!(groups.policy_users.is_empty());
}

#[test]
fn policies_are_listed_by_scope_path_and_use() {
    let (mut world, root, _) = with_readers();
    let other = api::CreatePolicyRequest {
        policy_name: some("unused"),
        policy_document: some(ALLOW_ALL),
        ..Default::default()
    };
    world.call(HOME, &root, &other).unwrap();
    let base = api::ListPoliciesRequest::default;
    let cases = [
        (base(), vec!["AdministratorAccess", "readers", "unused"]),
        (
            api::ListPoliciesRequest {
                scope: some("AWS"),
                ..base()
            },
            vec!["AdministratorAccess"],
        ),
        (
            api::ListPoliciesRequest {
                scope: some("Local"),
                only_attached: Some(true),
                ..base()
            },
            vec!["readers"],
        ),
        (
            api::ListPoliciesRequest {
                path_prefix: some("/team/"),
                ..base()
            },
            vec!["readers"],
        ),
        (
            api::ListPoliciesRequest {
                policy_usage_filter: some("PermissionsBoundary"),
                ..base()
            },
            vec![],
        ),
    ];
    for (request, expected) in cases {
        let listed = world.call(HOME, &root, &request).unwrap().policies;
        let mut names: Vec<String> = listed.into_iter().filter_map(|it| it.policy_name).collect();
        names.sort();
        assert_eq!(names, expected, "{request:?}");
    }
    let stranger = world.root(PARTNER);
    let hidden = world.call(HOME, &stranger, &get(ARN)).unwrap_err();
    assert_eq!(hidden.code, "NoSuchEntity", "another account's policy");
}

#[test]
fn what_aws_manages_can_be_read_and_not_changed() {
    let (mut world, root, _) = with_readers();
    let shown = world
        .call(HOME, &root, &get(ADMINISTRATOR))
        .unwrap()
        .policy
        .unwrap();
    assert_eq!(shown.default_version_id.as_deref(), Some("v1"));
    let read = api::GetPolicyVersionRequest {
        policy_arn: some(ADMINISTRATOR),
        version_id: some("v1"),
    };
    let read = world
        .call(HOME, &root, &read)
        .unwrap()
        .policy_version
        .unwrap();
    assert_eq!(read.document.as_deref(), Some(ALLOW_ALL));
    let change = api::CreatePolicyVersionRequest {
        policy_arn: some(ADMINISTRATOR),
        ..new_version(ALLOW_ALL, true)
    };
    assert_eq!(
        world.call(HOME, &root, &change).unwrap_err().code,
        "AccessDenied"
    );
    let gone = api::DeletePolicyRequest {
        policy_arn: some(ADMINISTRATOR),
    };
    assert_eq!(
        world.call(HOME, &root, &gone).unwrap_err().code,
        "AccessDenied"
    );
}

#[test]
fn ten_managed_policies_are_the_most_that_anybody_has() {
    let (mut world, root, _) = with_readers();
    world.call(HOME, &root, &user("bob")).unwrap();
    let mut last = None;
    for at in 0..11 {
        let name = format!("p{at}");
        let create = api::CreatePolicyRequest {
            policy_name: some(&name),
            policy_document: some(ALLOW_ALL),
            ..Default::default()
        };
        let made = world.call(HOME, &root, &create).unwrap().policy.unwrap();
        let attach = api::AttachUserPolicyRequest {
            user_name: some("bob"),
            policy_arn: made.arn,
        };
        last = Some(world.call(HOME, &root, &attach));
    }
    assert_eq!(
        said(last.unwrap().unwrap_err()),
        no(
            "LimitExceeded",
            "Cannot exceed quota for PoliciesPerUser: 10"
        )
    );
}
