//! What IAM promises.

mod groups;
mod holders;
mod lives;
mod simulating;
mod versions;

use faultline_proto::iam as api;
use faultline_proto::sts::GetCallerIdentityRequest;

use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, PARTNER, World};

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

fn world() -> World {
    World::new(&[HOME, AWAY])
}

fn user(name: &str) -> api::CreateUserRequest {
    api::CreateUserRequest {
        user_name: Some(name.to_owned()),
        ..Default::default()
    }
}

fn put_policy(user: &str, document: &str) -> api::PutUserPolicyRequest {
    api::PutUserPolicyRequest {
        user_name: Some(user.to_owned()),
        policy_name: Some("inline".to_owned()),
        policy_document: Some(document.to_owned()),
    }
}

fn role(name: &str, trust: &str) -> api::CreateRoleRequest {
    api::CreateRoleRequest {
        role_name: Some(name.to_owned()),
        assume_role_policy_document: Some(trust.to_owned()),
        ..Default::default()
    }
}

/// Code and message of a refusal.
fn said(refused: crate::testing::Failure) -> (String, String) {
    (refused.code, refused.message)
}

/// What `said` answers, from literals.
fn no(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_user_has_an_arn_with_its_path_and_an_id_of_its_own() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let request = api::CreateUserRequest {
        path: Some("/team/".to_owned()),
        ..user("ann")
    };
    let made = world.call(HOME, &root, &request).unwrap().user.unwrap();
    assert_eq!(
        made.arn.as_deref(),
        Some("arn:aws:iam::111111111111:user/team/ann")
    );
    let id = made.user_id.clone().unwrap();
    assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
    let got = world
        .call(
            HOME,
            &root,
            &api::GetUserRequest {
                user_name: Some("ann".to_owned()),
            },
        )
        .unwrap();
    assert_eq!(got.user, Some(made));
    let again = world.call(HOME, &root, &user("Ann")).unwrap_err();
    assert_eq!(
        (again.code.as_str(), again.http_status),
        ("EntityAlreadyExists", 409)
    );
    assert_eq!(again.message, "User with name Ann already exists.");
}

#[test]
fn who_is_not_there_is_no_such_entity() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let refused = world
        .call(HOME, &root, &put_policy("bob", ALLOW_ALL))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("NoSuchEntity", 404)
    );
    assert_eq!(refused.message, "The user with name bob cannot be found.");
}

#[test]
fn a_user_made_at_home_is_unknown_elsewhere_until_the_record_arrives() {
    let mut world = world();
    let ann = world.user_at_home(ACCOUNT, "ann", ALLOW_ALL);
    world
        .call(HOME, &ann, &GetCallerIdentityRequest {})
        .unwrap();
    let refused = world
        .call(AWAY, &ann, &GetCallerIdentityRequest {})
        .unwrap_err();
    assert_eq!(refused.code, "UnrecognizedClientException");
    world.settle();
    let known = world
        .call(AWAY, &ann, &GetCallerIdentityRequest {})
        .unwrap();
    assert_eq!(
        known.arn.as_deref(),
        Some("arn:aws:iam::111111111111:user/ann")
    );
}

#[test]
fn a_region_that_is_cut_off_decides_with_the_policy_it_has() {
    let mut world = world();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let ann = world.user(ACCOUNT, "ann", &allow(&["cloudtrail:LookupEvents"], &["*"]));
    world.cut(HOME, AWAY);
    let root = world.root(ACCOUNT);
    world
        .call(HOME, &root, &put_policy("ann", &allow(&["sts:*"], &["*"])))
        .unwrap();
    world.advance(3);
    world.call(AWAY, &ann, &lookup).unwrap();
    assert_eq!(
        world.call(HOME, &ann, &lookup).unwrap_err().code,
        "AccessDeniedException"
    );
    world.heal(HOME, AWAY);
    world.advance(10);
    let refused = world.call(AWAY, &ann, &lookup).unwrap_err();
    assert_eq!(refused.denial.unwrap().denied_by, "identity_policy");
}

#[test]
fn records_that_come_twice_or_in_another_order_change_nothing() {
    let mut plain = world();
    plain.user(ACCOUNT, "ann", ALLOW_ALL);
    let mut rough = world();
    rough.network.duplicate(true);
    rough.user_at_home(ACCOUNT, "ann", ALLOW_ALL);
    rough.network.reverse();
    rough.settle();
    let rows = |world: &World| {
        let store = world.store(AWAY);
        let rows = crate::store::Store::raw(store).map(|row| row.unwrap());
        rows.filter(|(key, _)| key[0] == 0x02).collect::<Vec<_>>()
    };
    assert_eq!(rows(&plain), rows(&rough));
    assert_eq!(rows(&plain).len(), 2, "a user and an access key");
}

#[test]
fn only_the_home_region_serves_iam() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let refused = world.call(AWAY, &root, &user("ann")).unwrap_err();
    assert_eq!(refused.code, "InvalidEndpoint");
    assert!(
        refused.message.contains("Send IAM calls to us-east-1"),
        "{}",
        refused.message
    );
}

#[test]
fn a_user_needs_an_identity_policy_for_iam_itself() {
    let mut world = world();
    let ann = world.user(
        ACCOUNT,
        "ann",
        &allow(&["iam:GetUser"], &["arn:aws:iam::111111111111:user/ann"]),
    );
    world
        .call(HOME, &ann, &api::GetUserRequest::default())
        .unwrap();
    let refused = world.call(HOME, &ann, &user("bob")).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403)
    );
    assert_eq!(
        refused.message,
        "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: iam:CreateUser on resource: \
         arn:aws:iam::111111111111:user/bob because no identity-based policy allows the iam:CreateUser action"
    );
}

#[test]
fn documents_are_read_when_they_are_put() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &user("ann")).unwrap();
    let refused = world
        .call(HOME, &root, &put_policy("ann", "{}"))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("MalformedPolicyDocument", 400)
    );
    let many = vec!["kms:Decrypt"; 200];
    let refused = world
        .call(HOME, &root, &put_policy("ann", &allow(&many, &["*"])))
        .unwrap_err();
    assert_eq!(refused.code, "LimitExceeded");
    assert_eq!(
        refused.message,
        "Maximum policy size of 2048 bytes exceeded for user ann"
    );
}

#[test]
fn k_173_whom_a_trust_policy_names_must_exist() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let nobody = trust("arn:aws:iam::111111111111:user/nobody");
    let refused = world.call(HOME, &root, &role("app", &nobody)).unwrap_err();
    assert_eq!(refused.code, "MalformedPolicyDocument");
    assert_eq!(
        refused.message,
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:user/nobody\""
    );
    let made = world
        .call(HOME, &root, &role("app", &trust(PARTNER)))
        .unwrap()
        .role
        .unwrap();
    assert!(made.role_id.unwrap().starts_with("AROA"));
}

#[test]
fn a_user_has_two_access_keys_at_most() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &user("ann")).unwrap();
    let request = api::CreateAccessKeyRequest {
        user_name: Some("ann".to_owned()),
    };
    let keys: Vec<api::AccessKey> = (0..2)
        .map(|_| {
            world
                .call(HOME, &root, &request)
                .unwrap()
                .access_key
                .unwrap()
        })
        .collect();
    assert_ne!(keys[0].access_key_id, keys[1].access_key_id);
    assert!(
        keys.iter()
            .all(|key| key.secret_access_key.as_ref().unwrap().len() == 40)
    );
    let refused = world.call(HOME, &root, &request).unwrap_err();
    assert_eq!(
        refused.message,
        "Cannot exceed quota for AccessKeysPerUser: 2"
    );
}

#[test]
fn listings_come_by_name_in_pages_and_by_path() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for name in ["cid", "ann", "bob"] {
        let path = if name == "bob" { "/guests/" } else { "/team/" };
        world
            .call(
                HOME,
                &root,
                &api::CreateUserRequest {
                    path: Some(path.to_owned()),
                    ..user(name)
                },
            )
            .unwrap();
    }
    let names = |answer: &api::ListUsersResponse| -> Vec<String> {
        answer
            .users
            .iter()
            .map(|user| user.user_name.clone().unwrap())
            .collect()
    };
    let first = world
        .call(
            HOME,
            &root,
            &api::ListUsersRequest {
                max_items: Some(2),
                ..Default::default()
            },
        )
        .unwrap();
    assert_eq!(
        (names(&first), first.is_truncated),
        (vec!["ann".to_owned(), "bob".to_owned()], Some(true))
    );
    let next = api::ListUsersRequest {
        marker: first.marker,
        ..Default::default()
    };
    assert_eq!(names(&world.call(HOME, &root, &next).unwrap()), ["cid"]);
    let team = api::ListUsersRequest {
        path_prefix: Some("/team/".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        names(&world.call(HOME, &root, &team).unwrap()),
        ["ann", "cid"]
    );
}

#[test]
fn the_secret_of_an_access_key_is_in_no_store_and_the_same_everywhere() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &user("ann")).unwrap();
    let key = world
        .call(
            HOME,
            &root,
            &api::CreateAccessKeyRequest {
                user_name: Some("ann".to_owned()),
            },
        )
        .unwrap();
    world.settle();
    let secret = key.access_key.unwrap().secret_access_key.unwrap();
    for region in [HOME, AWAY] {
        for row in crate::store::Store::raw(world.store(region)) {
            let (_, value) = row.unwrap();
            assert!(
                !value
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes())
            );
        }
    }
}
