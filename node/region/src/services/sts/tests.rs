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
fn what_is_not_built_says_so() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let request = api::AssumeRoleRequest {
        source_identity: Some("boss".to_owned()),
        ..assume(&role)
    };
    assert_eq!(
        world.call(HOME, &ann, &request).unwrap_err().code,
        "NotImplemented"
    );
    let nobody = Credential::default();
    assert_eq!(
        world.call(HOME, &nobody, &WHO).unwrap_err().code,
        "MissingAuthenticationToken"
    );
}
