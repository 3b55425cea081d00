//! What STS promises.

use faultline_proto::sts as api;

use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, Credential, Failure, PARTNER, World};

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";
const WHO: api::GetCallerIdentityRequest = api::GetCallerIdentityRequest {};

fn world() -> World {
    World::new(&[HOME, AWAY])
}

fn assume(role: &str) -> api::AssumeRoleRequest {
    api::AssumeRoleRequest {
        role_arn: Some(role.to_owned()),
        role_session_name: Some("work".to_owned()),
        ..Default::default()
    }
}

fn credential(answer: api::AssumeRoleResponse) -> Credential {
    let made = answer.credentials.unwrap();
    Credential {
        access_key: made.access_key_id.unwrap(),
        session_token: made.session_token.unwrap(),
    }
}

fn denied_by(refused: Failure) -> String {
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403),
        "{}",
        refused.message
    );
    refused.denial.unwrap().denied_by
}

#[test]
fn a_session_is_the_roles_and_works_in_every_region() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["sts:AssumeRole"], &["*"]));
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(AWAY, &ann, &role, "work").unwrap();
    assert!(session.access_key.starts_with("ASIA") && session.access_key.len() == 20);
    for region in [HOME, AWAY] {
        let who = world.call(region, &session, &WHO).unwrap();
        assert_eq!(
            who.arn.as_deref(),
            Some("arn:aws:sts::111111111111:assumed-role/app/work")
        );
        assert_eq!(who.account.as_deref(), Some(ACCOUNT));
        let id = who.user_id.unwrap();
        assert!(id.starts_with("AROA") && id.ends_with(":work"), "{id}");
    }
}

/// K-166: for trust policies, too, an identity policy alone is not enough, and a policy that
/// names the account leaves it to the account's own policies.
#[test]
fn k_166_in_one_account_the_trust_policy_decides_and_may_delegate() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let bob = world.user(ACCOUNT, "bob", &allow(&["kms:*"], &["*"]));
    let named = world.role(
        ACCOUNT,
        "named",
        &trust("arn:aws:iam::111111111111:user/bob"),
        ALLOW_ALL,
    );
    let delegated = world.role(ACCOUNT, "delegated", &trust(ACCOUNT), ALLOW_ALL);
    world.assume(AWAY, &bob, &named, "work").unwrap();
    assert_eq!(
        denied_by(world.assume(AWAY, &ann, &named, "work").unwrap_err()),
        "trust_policy"
    );
    world.assume(AWAY, &ann, &delegated, "work").unwrap();
    assert_eq!(
        denied_by(world.assume(AWAY, &bob, &delegated, "work").unwrap_err()),
        "identity_policy"
    );
}

#[test]
fn k_180_across_accounts_both_sides_must_allow() {
    let mut world = world();
    let ann = world.user(PARTNER, "ann", &allow(&["sts:AssumeRole"], &["*"]));
    let bob = world.user(PARTNER, "bob", &allow(&["kms:*"], &["*"]));
    let open = world.role(ACCOUNT, "open", &trust(PARTNER), ALLOW_ALL);
    let closed = world.role(ACCOUNT, "closed", &trust(ACCOUNT), ALLOW_ALL);
    world.assume(AWAY, &ann, &open, "work").unwrap();
    assert_eq!(
        denied_by(world.assume(AWAY, &bob, &open, "work").unwrap_err()),
        "identity_policy"
    );
    assert_eq!(
        denied_by(world.assume(AWAY, &ann, &closed, "work").unwrap_err()),
        "trust_policy"
    );
}

#[test]
fn a_region_that_does_not_know_the_role_refuses() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    world.cut(HOME, AWAY);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    world.assume(HOME, &ann, &role, "work").unwrap();
    let refused = world.assume(AWAY, &ann, &role, "work").unwrap_err();
    assert_eq!(
        refused.message,
        "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::111111111111:role/app"
    );
    assert_eq!(denied_by(refused), "trust_policy");
}

#[test]
fn a_session_of_a_role_that_a_region_has_not_heard_of_may_do_nothing_there() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    world.cut(HOME, AWAY);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(HOME, &ann, &role, "work").unwrap();
    world.call(AWAY, &session, &WHO).unwrap();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    world.call(HOME, &session, &lookup).unwrap();
    assert_eq!(
        world.call(AWAY, &session, &lookup).unwrap_err().code,
        "AccessDeniedException"
    );
}

#[test]
fn a_session_ends_by_the_clock_of_the_region_that_is_asked() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let request = api::AssumeRoleRequest {
        duration_seconds: Some(900),
        ..assume(&role)
    };
    let session = credential(world.call(HOME, &ann, &request).unwrap());
    world.advance(600);
    world.skew(AWAY, 400_000_000);
    world.call(HOME, &session, &WHO).unwrap();
    let refused = world.call(AWAY, &session, &WHO).unwrap_err();
    assert_eq!(refused.code, "ExpiredTokenException");
    assert_eq!(
        refused.message,
        "The security token included in the request is expired"
    );
    world.advance(300);
    assert_eq!(
        world.call(HOME, &session, &WHO).unwrap_err().code,
        "ExpiredTokenException"
    );
}

#[test]
fn a_token_belongs_to_its_access_key_and_cannot_be_changed() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let good = world.assume(HOME, &ann, &role, "work").unwrap();
    let other = world.assume(HOME, &ann, &role, "other").unwrap();
    let mixed = Credential {
        access_key: other.access_key,
        ..good.clone()
    };
    let broken = Credential {
        session_token: good.session_token.replace(&good.session_token[20..21], "*"),
        ..good
    };
    for bad in [mixed, broken] {
        assert_eq!(
            world.call(HOME, &bad, &WHO).unwrap_err().code,
            "UnrecognizedClientException"
        );
    }
}

#[test]
fn k_189_a_session_policy_only_takes_away() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let request = api::AssumeRoleRequest {
        policy: Some(allow(&["kms:*"], &["*"])),
        ..assume(&role)
    };
    let answer = world.call(HOME, &ann, &request).unwrap();
    assert!(answer.packed_policy_size.is_some_and(|size| size > 0));
    let session = credential(answer);
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest::default();
    let refused = world.call(HOME, &session, &lookup).unwrap_err();
    assert_eq!(refused.denial.unwrap().denied_by, "session_policy");
}

#[test]
fn sessions_have_limits() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let long = api::AssumeRoleRequest {
        duration_seconds: Some(7_200),
        ..assume(&role)
    };
    let refused = world.call(HOME, &ann, &long).unwrap_err();
    assert_eq!(
        refused.message,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    let short = api::AssumeRoleRequest {
        duration_seconds: Some(899),
        ..assume(&role)
    };
    assert_eq!(
        world.call(HOME, &ann, &short).unwrap_err().code,
        "ValidationError"
    );
    let root = world.root(ACCOUNT);
    let refused = world.call(HOME, &root, &assume(&role)).unwrap_err();
    assert_eq!(
        refused.message,
        "Roles may not be assumed by root accounts."
    );
}

#[test]
fn an_external_id_is_a_condition_of_the_trust_policy() {
    let mut world = world();
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{PARTNER}"}},
            "Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"contract-7"}}}}}}]}}"#
    );
    let role = world.role(ACCOUNT, "app", &document, ALLOW_ALL);
    assert_eq!(
        denied_by(world.call(HOME, &ann, &assume(&role)).unwrap_err()),
        "trust_policy"
    );
    let told = api::AssumeRoleRequest {
        external_id: Some("contract-7".to_owned()),
        ..assume(&role)
    };
    world.call(HOME, &ann, &told).unwrap();
}

#[test]
fn who_is_nobody_has_no_identity() {
    let mut world = world();
    let nobody = Credential::default();
    assert_eq!(
        world.call(HOME, &nobody, &WHO).unwrap_err().code,
        "MissingAuthenticationToken"
    );
}

fn tag(key: &str, value: &str) -> api::Tag {
    api::Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

/// A trust policy for sessions with tags and a source identity.
fn open_trust() -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},
            "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}]}}"#
    )
}

/// What only a caller with a value of a condition key may do.
fn only_with(key: &str, value: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["sts:*","cloudtrail:LookupEvents"],"Resource":"*",
            "Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}]}}"#
    )
}

const LOOKUP: fn() -> faultline_proto::cloudtrail::LookupEventsRequest = Default::default;

#[test]
fn session_tags_are_principal_tags_and_need_tag_session() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(
        ACCOUNT,
        "app",
        &open_trust(),
        &only_with("aws:PrincipalTag/Team", "red"),
    );
    let closed = world.role(ACCOUNT, "closed", &trust(ACCOUNT), ALLOW_ALL);
    for (value, allowed) in [("red", true), ("blue", false)] {
        let request = api::AssumeRoleRequest {
            tags: vec![tag("team", value)],
            ..assume(&role)
        };
        let session = credential(world.call(AWAY, &ann, &request).unwrap());
        assert_eq!(
            world.call(AWAY, &session, &LOOKUP()).is_ok(),
            allowed,
            "{value}"
        );
    }
    let request = api::AssumeRoleRequest {
        tags: vec![tag("team", "red")],
        ..assume(&closed)
    };
    let refused = world.call(AWAY, &ann, &request).unwrap_err();
    assert_eq!(refused.denial.as_ref().unwrap().action, "sts:TagSession");
    assert_eq!(denied_by(refused), "trust_policy");
}

#[test]
fn transitive_tags_and_the_source_identity_go_on_to_the_next_role() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let first = world.role(ACCOUNT, "first", &open_trust(), ALLOW_ALL);
    let by_tag = world.role(
        ACCOUNT,
        "by-tag",
        &open_trust(),
        &only_with("aws:PrincipalTag/team", "red"),
    );
    let by_source = world.role(
        ACCOUNT,
        "by-source",
        &open_trust(),
        &only_with("aws:SourceIdentity", "ann"),
    );
    let request = |transitive: bool| api::AssumeRoleRequest {
        tags: vec![tag("team", "red")],
        transitive_tag_keys: if transitive {
            vec!["team".to_owned()]
        } else {
            Vec::new()
        },
        source_identity: Some("ann".to_owned()),
        ..assume(&first)
    };
    for transitive in [true, false] {
        let session = credential(world.call(AWAY, &ann, &request(transitive)).unwrap());
        let next = world.assume(AWAY, &session, &by_tag, "work").unwrap();
        assert_eq!(world.call(AWAY, &next, &LOOKUP()).is_ok(), transitive);
        let next = world.assume(AWAY, &session, &by_source, "work").unwrap();
        world.call(AWAY, &next, &LOOKUP()).unwrap();
        let other = api::AssumeRoleRequest {
            source_identity: Some("bob".to_owned()),
            ..assume(&by_tag)
        };
        assert_eq!(
            world.call(AWAY, &session, &other).unwrap_err().code,
            "AccessDenied"
        );
        let again = api::AssumeRoleRequest {
            tags: vec![tag("Team", "blue")],
            ..assume(&by_tag)
        };
        let changed = world.call(AWAY, &session, &again);
        assert_eq!(
            changed.is_err(),
            transitive,
            "a tag that was passed on cannot be changed"
        );
    }
}

#[test]
fn k_189_managed_session_policies_narrow_the_role_too() {
    let mut world = world();
    let (ann, root) = (world.user(ACCOUNT, "ann", ALLOW_ALL), world.root(ACCOUNT));
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let create = faultline_proto::iam::CreatePolicyRequest {
        policy_name: Some("only-kms".to_owned()),
        policy_document: Some(allow(&["kms:*"], &["*"])),
        ..Default::default()
    };
    let arn = world
        .call(HOME, &root, &create)
        .unwrap()
        .policy
        .unwrap()
        .arn;
    world.settle();
    let named = |arn: Option<String>| vec![api::PolicyDescriptorType { arn }];
    let request = api::AssumeRoleRequest {
        policy_arns: named(arn.clone()),
        ..assume(&role)
    };
    let session = credential(world.call(AWAY, &ann, &request).unwrap());
    let refused = world.call(AWAY, &session, &LOOKUP()).unwrap_err();
    assert_eq!(refused.denial.unwrap().denied_by, "session_policy");
    // Several session policies together are one limit: what any of them allows.
    let request = api::AssumeRoleRequest {
        policy: Some(allow(&["cloudtrail:*"], &["*"])),
        policy_arns: named(arn),
        ..assume(&role)
    };
    let session = credential(world.call(AWAY, &ann, &request).unwrap());
    world.call(AWAY, &session, &LOOKUP()).unwrap();
    let missing = named(Some("arn:aws:iam::111111111111:policy/none".to_owned()));
    let request = api::AssumeRoleRequest {
        policy_arns: missing,
        ..assume(&role)
    };
    assert_eq!(
        world.call(AWAY, &ann, &request).unwrap_err().code,
        "ValidationError"
    );
}

#[test]
fn a_users_own_session_is_the_user_and_opens_no_other() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["cloudtrail:*"], &["*"]));
    let made = world
        .call(AWAY, &ann, &api::GetSessionTokenRequest::default())
        .unwrap()
        .credentials
        .unwrap();
    let session = Credential {
        access_key: made.access_key_id.unwrap(),
        session_token: made.session_token.unwrap(),
    };
    let who = world.call(AWAY, &session, &WHO).unwrap();
    assert_eq!(
        who.arn.as_deref(),
        Some("arn:aws:iam::111111111111:user/ann")
    );
    world.call(AWAY, &session, &LOOKUP()).unwrap();
    let again = world
        .call(AWAY, &session, &api::GetSessionTokenRequest::default())
        .unwrap_err();
    assert_eq!(
        again.message,
        "Cannot call GetSessionToken with session credentials"
    );
}

#[test]
fn the_tags_of_a_user_are_principal_tags() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &only_with("aws:PrincipalTag/Team", "red"));
    assert!(world.call(AWAY, &ann, &LOOKUP()).is_err());
    let create = faultline_proto::iam::CreateUserRequest {
        user_name: Some("bob".to_owned()),
        tags: vec![faultline_proto::iam::Tag {
            key: Some("team".to_owned()),
            value: Some("red".to_owned()),
        }],
        ..Default::default()
    };
    world.call(HOME, &root, &create).unwrap();
    let put = faultline_proto::iam::PutUserPolicyRequest {
        user_name: create.user_name.clone(),
        policy_name: Some("inline".to_owned()),
        policy_document: Some(only_with("aws:PrincipalTag/Team", "red")),
    };
    world.call(HOME, &root, &put).unwrap();
    let key = faultline_proto::iam::CreateAccessKeyRequest {
        user_name: create.user_name,
    };
    let key = world.call(HOME, &root, &key).unwrap().access_key.unwrap();
    world.settle();
    let bob = Credential {
        access_key: key.access_key_id.unwrap(),
        session_token: String::new(),
    };
    world.call(AWAY, &bob, &LOOKUP()).unwrap();
}
