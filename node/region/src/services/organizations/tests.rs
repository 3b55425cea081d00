//! What Organizations promises.

use faultline_proto::driving::{DelayDirectory, Fault, fault};
use faultline_proto::organizations as api;
use faultline_proto::{iam, kms};

use crate::testing::people::{ALLOW_ALL, trust};
use crate::testing::{ACCOUNT, Credential, PARTNER, World};

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

/// ACCOUNT manages, PARTNER is a member; both policy types are on. Answers the root's id.
fn organisation(world: &mut World) -> String {
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    world
        .call(HOME, &manager, &api::CreateOrganizationRequest::default())
        .unwrap();
    let invite = api::InviteAccountToOrganizationRequest {
        target: Some(api::HandshakeParty {
            id: Some(PARTNER.to_owned()),
            r#type: Some("ACCOUNT".to_owned()),
        }),
    };
    let invited = world
        .call(HOME, &manager, &invite)
        .unwrap()
        .handshake
        .unwrap();
    world
        .call(
            HOME,
            &member,
            &api::AcceptHandshakeRequest {
                handshake_id: invited.id,
            },
        )
        .unwrap();
    let roots = world
        .call(HOME, &manager, &api::ListRootsRequest::default())
        .unwrap()
        .roots;
    let root = roots[0].id.clone().unwrap();
    for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
        let enable = api::EnablePolicyTypeRequest {
            root_id: Some(root.clone()),
            policy_type: Some(kind.to_owned()),
        };
        world.call(HOME, &manager, &enable).unwrap();
    }
    world.settle();
    root
}

fn policy(world: &mut World, kind: &str, statement: &str, target: &str) -> String {
    let manager = world.root(ACCOUNT);
    let create = api::CreatePolicyRequest {
        name: Some(format!("fence {statement}").chars().take(100).collect()),
        description: Some(String::new()),
        r#type: Some(kind.to_owned()),
        content: Some(format!(
            r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#
        )),
    };
    let made = world.call(HOME, &manager, &create).unwrap().policy.unwrap();
    let id = made.policy_summary.unwrap().id.unwrap();
    let attach = api::AttachPolicyRequest {
        policy_id: Some(id.clone()),
        target_id: Some(target.to_owned()),
    };
    world.call(HOME, &manager, &attach).unwrap();
    world.settle();
    id
}

const NO_KEYS: &str = r#"{"Sid":"NoKeys","Effect":"Deny","Action":"kms:CreateKey","Resource":"*"}"#;

fn make_key(world: &mut World, who: &Credential) -> Result<String, (String, String)> {
    let made = world.call(AWAY, who, &kms::CreateKeyRequest::default());
    made.map(|made| made.key_metadata.unwrap().arn.unwrap())
        .map_err(|refused| {
            (
                refused
                    .denial
                    .map(|denial| denial.denied_by)
                    .unwrap_or_default(),
                refused.message,
            )
        })
}

#[test]
fn k_190_an_scp_binds_the_members_their_root_users_too_and_not_the_management_account() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = organisation(&mut world);
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    make_key(&mut world, &member).unwrap();
    policy(&mut world, "SERVICE_CONTROL_POLICY", NO_KEYS, &root);
    make_key(&mut world, &manager).unwrap();
    let (by, message) = make_key(&mut world, &member).unwrap_err();
    assert_eq!(by, "scp");
    assert!(
        message.contains("with an explicit deny in a service control policy: arn:aws:organizations::111111111111:policy/o-"),
        "{message}"
    );
}

#[test]
fn k_190_every_level_must_allow() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = organisation(&mut world);
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    let create = api::CreateOrganizationalUnitRequest {
        parent_id: Some(root.clone()),
        name: Some("apps".to_owned()),
    };
    let unit = world
        .call(HOME, &manager, &create)
        .unwrap()
        .organizational_unit
        .unwrap()
        .id
        .unwrap();
    let only_s3 = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    policy(&mut world, "SERVICE_CONTROL_POLICY", only_s3, &unit);
    let detach = api::DetachPolicyRequest {
        policy_id: Some("p-FullAWSAccess".to_owned()),
        target_id: Some(unit.clone()),
    };
    world.call(HOME, &manager, &detach).unwrap();
    make_key(&mut world, &member).unwrap();
    let to_unit = api::MoveAccountRequest {
        account_id: Some(PARTNER.to_owned()),
        source_parent_id: Some(root),
        destination_parent_id: Some(unit),
    };
    world.call(HOME, &manager, &to_unit).unwrap();
    world.settle();
    let (by, message) = make_key(&mut world, &member).unwrap_err();
    assert_eq!(by, "scp");
    assert!(
        message.ends_with("because no service control policy allows the kms:CreateKey action"),
        "{message}"
    );
}

/// K-191, K-360: an SCP on the key owner's account does not stop outsiders, an RCP does.
#[test]
fn k_191_k_360_an_rcp_binds_everybody_at_the_members_keys() {
    let mut world = World::new(&[HOME, AWAY]);
    organisation(&mut world);
    let (outsider, member) = (world.root(ACCOUNT), world.root(PARTNER));
    let open = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{PARTNER}"]}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let create = kms::CreateKeyRequest {
        policy: Some(open),
        ..Default::default()
    };
    let key = world
        .call(AWAY, &member, &create)
        .unwrap()
        .key_metadata
        .unwrap()
        .arn;
    let describe = kms::DescribeKeyRequest {
        key_id: key,
        ..Default::default()
    };
    let deny = r#"{"Effect":"Deny","Action":"kms:DescribeKey","Resource":"*"}"#;
    policy(&mut world, "SERVICE_CONTROL_POLICY", deny, PARTNER);
    world.call(AWAY, &outsider, &describe).unwrap();
    assert_eq!(
        world
            .call(AWAY, &member, &describe)
            .unwrap_err()
            .denial
            .unwrap()
            .denied_by,
        "scp"
    );
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"kms:DescribeKey","Resource":"*"}"#;
    policy(&mut world, "RESOURCE_CONTROL_POLICY", deny, PARTNER);
    assert_eq!(
        world
            .call(AWAY, &outsider, &describe)
            .unwrap_err()
            .denial
            .unwrap()
            .denied_by,
        "rcp"
    );
}

/// K-179: a key for everybody of the organisation.
#[test]
fn k_179_a_key_policy_may_ask_for_the_organisation() {
    let mut world = World::new(&[HOME, AWAY]);
    let (owner, guest) = (world.root(ACCOUNT), world.user(PARTNER, "zoe", ALLOW_ALL));
    let policy = |id: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"kms:*","Resource":"*"}},
                {{"Effect":"Allow","Principal":"*","Action":"kms:DescribeKey","Resource":"*",
                  "Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"{id}"}}}}}}]}}"#
        )
    };
    organisation(&mut world);
    let described = world
        .call(HOME, &owner, &api::DescribeOrganizationRequest {})
        .unwrap();
    let id = described.organization.unwrap().id.unwrap();
    for (id, open) in [(id.as_str(), true), ("o-another00", false)] {
        let create = kms::CreateKeyRequest {
            policy: Some(policy(id)),
            ..Default::default()
        };
        let key = world
            .call(AWAY, &owner, &create)
            .unwrap()
            .key_metadata
            .unwrap()
            .arn;
        let describe = kms::DescribeKeyRequest {
            key_id: key,
            ..Default::default()
        };
        assert_eq!(world.call(AWAY, &guest, &describe).is_ok(), open, "{id}");
    }
}

#[test]
fn a_region_that_is_cut_off_fences_with_what_it_has() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = organisation(&mut world);
    let member = world.root(PARTNER);
    world.cut(HOME, AWAY);
    policy(&mut world, "SERVICE_CONTROL_POLICY", NO_KEYS, &root);
    make_key(&mut world, &member).unwrap();
    world.heal(HOME, AWAY);
    world.advance(10);
    assert_eq!(make_key(&mut world, &member).unwrap_err().0, "scp");
}

#[test]
fn changes_of_the_directory_leave_late_and_in_order_when_an_experiment_says_so() {
    let mut world = World::new(&[HOME, AWAY]);
    let delay = |by| Fault {
        name: "iam_propagation_delay".to_owned(),
        effect: Some(fault::Effect::DelayDirectory(DelayDirectory {
            to: String::new(),
            by,
        })),
        ..Default::default()
    };
    let who = faultline_proto::sts::GetCallerIdentityRequest {};
    world.set_faults(HOME, vec![delay(30_000_000)]);
    let ann = world.user_at_home(ACCOUNT, "ann", ALLOW_ALL);
    world.set_faults(HOME, Vec::new());
    let bob = world.user_at_home(ACCOUNT, "bob", ALLOW_ALL);
    world.advance(29);
    for user in [&ann, &bob] {
        world.call(HOME, user, &who).unwrap();
        assert_eq!(
            world.call(AWAY, user, &who).unwrap_err().code,
            "UnrecognizedClientException"
        );
    }
    world.advance(2);
    for user in [&ann, &bob] {
        world.call(AWAY, user, &who).unwrap();
    }
}

#[test]
fn what_is_refused() {
    let mut world = World::new(&[HOME, AWAY]);
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    let describe = api::DescribeOrganizationRequest {};
    assert_eq!(
        world.call(HOME, &manager, &describe).unwrap_err().code,
        "AWSOrganizationsNotInUseException"
    );
    assert_eq!(
        world.call(AWAY, &manager, &describe).unwrap_err().code,
        "InvalidEndpoint"
    );
    let root = organisation(&mut world);
    let again = api::CreateOrganizationRequest::default();
    assert_eq!(
        world.call(HOME, &member, &again).unwrap_err().code,
        "AlreadyInOrganizationException"
    );
    assert_eq!(
        world
            .call(HOME, &member, &api::ListRootsRequest::default())
            .unwrap_err()
            .code,
        "AccessDeniedException"
    );
    let detach = |policy: &str| api::DetachPolicyRequest {
        policy_id: Some(policy.to_owned()),
        target_id: Some(root.clone()),
    };
    assert_eq!(
        world
            .call(HOME, &manager, &detach("p-FullAWSAccess"))
            .unwrap_err()
            .code,
        "ConstraintViolationException"
    );
    assert_eq!(
        world
            .call(HOME, &manager, &detach("p-abcdefghij"))
            .unwrap_err()
            .code,
        "PolicyNotFoundException"
    );
    let bad = api::CreatePolicyRequest {
        name: Some("bad".to_owned()),
        description: Some(String::new()),
        r#type: Some("SERVICE_CONTROL_POLICY".to_owned()),
        content: Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#.to_owned()),
    };
    assert_eq!(
        world.call(HOME, &manager, &bad).unwrap_err().code,
        "MalformedPolicyDocumentException"
    );
    let ann = world.user(ACCOUNT, "ann", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#);
    let refused = world.call(HOME, &ann, &describe).unwrap_err();
    assert_eq!(refused.denial.unwrap().denied_by, "identity_policy");
}

/// K-190
#[test]
fn an_scp_binds_sessions_and_spares_service_linked_roles() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = organisation(&mut world);
    policy(&mut world, "SERVICE_CONTROL_POLICY", NO_KEYS, &root);
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let plain = world.role(PARTNER, "app", &trust(PARTNER), ALLOW_ALL);
    let session = world.assume(AWAY, &ann, &plain, "work").unwrap();
    assert_eq!(make_key(&mut world, &session).unwrap_err().0, "scp");
    let linked = iam::CreateRoleRequest {
        path: Some("/aws-service-role/x.amazonaws.com/".to_owned()),
        role_name: Some("AWSServiceRoleForX".to_owned()),
        assume_role_policy_document: Some(trust(PARTNER)),
        ..Default::default()
    };
    let member = world.root(PARTNER);
    let made = world
        .call(HOME, &member, &linked)
        .unwrap()
        .role
        .unwrap()
        .arn
        .unwrap();
    let put = iam::PutRolePolicyRequest {
        role_name: linked.role_name,
        policy_name: Some("all".to_owned()),
        policy_document: Some(ALLOW_ALL.to_owned()),
    };
    world.call(HOME, &member, &put).unwrap();
    world.settle();
    let session = world.assume(AWAY, &ann, &made, "work").unwrap();
    make_key(&mut world, &session).unwrap();
}

#[test]
fn an_account_that_is_removed_is_bound_no_more_and_may_join_again() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = organisation(&mut world);
    policy(&mut world, "SERVICE_CONTROL_POLICY", NO_KEYS, &root);
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    assert_eq!(make_key(&mut world, &member).unwrap_err().0, "scp");
    let remove = |account: &str| api::RemoveAccountFromOrganizationRequest {
        account_id: Some(account.to_owned()),
    };
    let code = |world: &mut World, who: &Credential, account: &str| {
        world.call(HOME, who, &remove(account)).unwrap_err().code
    };
    assert_eq!(code(&mut world, &member, PARTNER), "AccessDeniedException");
    assert_eq!(
        code(&mut world, &manager, ACCOUNT),
        "MasterCannotLeaveOrganizationException"
    );
    assert_eq!(
        code(&mut world, &manager, "999999999999"),
        "AccountNotFoundException"
    );
    world.call(HOME, &manager, &remove(PARTNER)).unwrap();
    assert_eq!(
        make_key(&mut world, &member).unwrap_err().0,
        "scp",
        "elsewhere it is bound until the news arrives"
    );
    world.settle();
    make_key(&mut world, &member).unwrap();
    let describe = api::DescribeOrganizationRequest::default();
    assert_eq!(
        world.call(HOME, &member, &describe).unwrap_err().code,
        "AWSOrganizationsNotInUseException"
    );
    world
        .call(HOME, &member, &api::CreateOrganizationRequest::default())
        .unwrap();
    world.settle();
    // A later change of the old organisation does not take the new one's account.
    let keep = r#"{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}"#;
    policy(&mut world, "SERVICE_CONTROL_POLICY", keep, &root);
    let now = world.call(HOME, &member, &describe).unwrap();
    let owner = now.organization.unwrap().master_account_id;
    assert_eq!(owner.as_deref(), Some(PARTNER));
}
