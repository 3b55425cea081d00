//! Limits that come and go, and what is left of users, roles and keys that are gone.

use faultline_proto::iam as api;
use faultline_proto::sts::GetCallerIdentityRequest;

use super::{AWAY, HOME, world};
use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, World};

fn managed(world: &mut World, name: &str, document: &str) -> String {
    let request = api::CreatePolicyRequest {
        policy_name: Some(name.to_owned()),
        policy_document: Some(document.to_owned()),
        ..Default::default()
    };
    let root = world.root(ACCOUNT);
    world
        .call(HOME, &root, &request)
        .unwrap()
        .policy
        .unwrap()
        .arn
        .unwrap()
}

/// K-189: the boundary limits what identity policies give, and gives nothing.
#[test]
fn k_189_a_permissions_boundary_is_an_intersection() {
    let mut world = world();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let arn = managed(&mut world, "only-kms", &allow(&["kms:*"], &["*"]));
    assert_eq!(arn, "arn:aws:iam::111111111111:policy/only-kms");
    let root = world.root(ACCOUNT);
    let put = api::PutUserPermissionsBoundaryRequest {
        user_name: Some("ann".to_owned()),
        permissions_boundary: Some(arn.clone()),
    };
    world.call(HOME, &root, &put).unwrap();
    world.call(AWAY, &ann, &lookup).unwrap();
    world.settle();
    for region in [HOME, AWAY] {
        let refused = world.call(region, &ann, &lookup).unwrap_err();
        assert_eq!(refused.denial.unwrap().denied_by, "permissions_boundary");
    }
    let shown = world
        .call(
            HOME,
            &root,
            &api::GetUserRequest {
                user_name: Some("ann".to_owned()),
            },
        )
        .unwrap();
    assert_eq!(
        shown
            .user
            .unwrap()
            .permissions_boundary
            .unwrap()
            .permissions_boundary_arn,
        Some(arn)
    );
    let remove = api::DeleteUserPermissionsBoundaryRequest {
        user_name: Some("ann".to_owned()),
    };
    world.call(HOME, &root, &remove).unwrap();
    world.call(HOME, &ann, &lookup).unwrap();
    let unknown = api::PutUserPermissionsBoundaryRequest {
        permissions_boundary: Some("arn:aws:iam::111111111111:policy/none".to_owned()),
        ..put
    };
    assert_eq!(
        world.call(HOME, &root, &unknown).unwrap_err().code,
        "NoSuchEntity"
    );
}

#[test]
fn managed_policies_are_attached_and_detached() {
    let mut world = world();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:*"], &["*"]));
    let root = world.root(ACCOUNT);
    let user_name = Some("ann".to_owned());
    let policy_arn = Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    let attach = api::AttachUserPolicyRequest {
        user_name: user_name.clone(),
        policy_arn: policy_arn.clone(),
    };
    world.call(HOME, &root, &attach).unwrap();
    world.call(HOME, &ann, &lookup).unwrap();
    let detach = api::DetachUserPolicyRequest {
        user_name,
        policy_arn,
    };
    world.call(HOME, &root, &detach).unwrap();
    assert_eq!(
        world.call(HOME, &ann, &lookup).unwrap_err().code,
        "AccessDeniedException"
    );
    assert_eq!(
        world.call(HOME, &root, &detach).unwrap_err().code,
        "NoSuchEntity"
    );
}

/// The lesson of a leaked key: switching it off does not reach a Region that is cut off.
#[test]
fn an_access_key_that_was_switched_off_still_works_where_nobody_heard_of_it() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let root = world.root(ACCOUNT);
    world.cut(HOME, AWAY);
    let off = api::UpdateAccessKeyRequest {
        user_name: Some("ann".to_owned()),
        access_key_id: Some(ann.access_key.clone()),
        status: Some("Inactive".to_owned()),
    };
    world.call(HOME, &root, &off).unwrap();
    assert_eq!(
        world
            .call(HOME, &ann, &GetCallerIdentityRequest {})
            .unwrap_err()
            .code,
        "UnrecognizedClientException"
    );
    world
        .call(AWAY, &ann, &GetCallerIdentityRequest {})
        .unwrap();
    world.heal(HOME, AWAY);
    world.advance(10);
    assert!(
        world
            .call(AWAY, &ann, &GetCallerIdentityRequest {})
            .is_err()
    );
}

#[test]
fn a_user_made_anew_has_nothing_of_the_old_one() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let root = world.root(ACCOUNT);
    let user_name = Some("ann".to_owned());
    let delete = api::DeleteUserRequest {
        user_name: user_name.clone(),
    };
    let refused = world.call(HOME, &root, &delete).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("DeleteConflict", 409)
    );
    assert_eq!(
        refused.message,
        "Cannot delete entity, must delete policies first."
    );
    let policy_name = Some("inline".to_owned());
    world
        .call(
            HOME,
            &root,
            &api::DeleteUserPolicyRequest {
                user_name: user_name.clone(),
                policy_name,
            },
        )
        .unwrap();
    let access_key_id = Some(ann.access_key.clone());
    world
        .call(
            HOME,
            &root,
            &api::DeleteAccessKeyRequest {
                user_name,
                access_key_id,
            },
        )
        .unwrap();
    world.call(HOME, &root, &delete).unwrap();
    let anew = world.user(ACCOUNT, "ann", ALLOW_ALL);
    assert!(
        world
            .call(AWAY, &ann, &GetCallerIdentityRequest {})
            .is_err()
    );
    world
        .call(AWAY, &anew, &GetCallerIdentityRequest {})
        .unwrap();
}

#[test]
fn a_session_outlives_its_role_and_may_do_nothing() {
    let mut world = world();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let arn = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(HOME, &ann, &arn, "work").unwrap();
    world.call(HOME, &session, &lookup).unwrap();
    let (root, role_name) = (world.root(ACCOUNT), Some("app".to_owned()));
    let policy_name = Some("inline".to_owned());
    world
        .call(
            HOME,
            &root,
            &api::DeleteRolePolicyRequest {
                role_name: role_name.clone(),
                policy_name,
            },
        )
        .unwrap();
    world
        .call(HOME, &root, &api::DeleteRoleRequest { role_name })
        .unwrap();
    world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let refused = world.call(HOME, &session, &lookup).unwrap_err();
    assert_eq!(refused.denial.unwrap().denied_by, "identity_policy");
}
