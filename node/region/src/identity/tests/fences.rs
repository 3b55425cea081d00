//! What stands around both sides: service control, resource control, endpoint policies.

use super::*;

const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const ALL_FOR_ALL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;

fn root_policy() -> String {
    says("Allow", ROOT, "kms:*")
}
fn allowed() -> Case {
    Case::key(ann(), &root_policy()).identity(&may("Allow", "kms:*"))
}

#[test]
fn k_190_every_level_of_scps_must_allow_root_users_included() {
    for (fact, case, expected) in [
        ("one level", allowed().scp(ALL), "allowed"),
        (
            "a level that is silent",
            allowed().scp(ALL).scp(&may("Allow", "s3:*")),
            "scp",
        ),
        (
            "a level that denies",
            allowed()
                .scp(ALL)
                .scp(&format!("{ALL},{}", may("Deny", "kms:Encrypt"))),
            "scp",
        ),
        (
            "SCPs never grant",
            Case::key(ann(), &root_policy()).scp(ALL),
            "identity_policy",
        ),
        (
            "root is bound",
            Case::key(Principal::root(&home()), &root_policy()).scp(&may("Allow", "s3:*")),
            "scp",
        ),
        (
            "direct naming does not help",
            Case::key(ann(), &says("Allow", ANN, "kms:*")).scp(&may("Allow", "s3:*")),
            "scp",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
    let linked =
        Arn::new("arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/Linked").unwrap();
    let caller = Principal::role(&linked, "AROALINKEDLINKED", "s").unwrap();
    let case = Case::key(caller, &root_policy()).identity(&may("Allow", "kms:*"));
    assert_eq!(
        case.scp(&may("Deny", "*")).rcp(ALL_FOR_ALL).verdict(),
        "allowed",
        "service-linked roles are free"
    );
}

#[test]
fn k_191_rcps_bind_everybody_at_the_resource() {
    let deny = format!("{ALL_FOR_ALL},{}", says("Deny", r#""*""#, "kms:*"));
    let account = says("Allow", r#"{"AWS":"222222222222"}"#, "kms:*");
    for (fact, case, expected) in [
        ("full access", allowed().rcp(ALL_FOR_ALL), "allowed"),
        ("its own account", allowed().rcp(&deny), "rcp"),
        (
            "an outsider",
            Case::key(zoe(), &account).identity(ALL).rcp(&deny),
            "rcp",
        ),
        (
            "a service",
            Case::key(Principal::service("s3.amazonaws.com"), ALL_FOR_ALL).rcp(&deny),
            "rcp",
        ),
        (
            "silence",
            allowed().rcp(&says("Allow", r#""*""#, "s3:*")),
            "rcp",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
}

#[test]
fn k_192_an_endpoint_policy_must_allow() {
    assert_eq!(allowed().endpoint(ALL_FOR_ALL).verdict(), "allowed");
    assert_eq!(
        allowed()
            .endpoint(&says("Allow", r#""*""#, "s3:*"))
            .verdict(),
        "vpc_endpoint_policy"
    );
    let denies = format!("{ALL_FOR_ALL},{}", says("Deny", r#""*""#, "kms:*"));
    assert_eq!(allowed().endpoint(&denies).verdict(), "vpc_endpoint_policy");
}

#[test]
fn k_186_k_220_the_first_in_order_is_named() {
    let everything = Case::key(ann(), &says("Deny", r#""*""#, "kms:*"))
        .identity(&may("Deny", "*"))
        .boundary(&may("Deny", "*"))
        .scp(&may("Deny", "*"));
    assert_eq!(everything.verdict(), "key_policy");
    let silent = allowed()
        .boundary(&may("Allow", "s3:*"))
        .scp(&may("Allow", "s3:*"));
    assert_eq!(silent.verdict(), "scp");
    let Decision::Denied(refusal) = silent.ask() else {
        panic!("denied")
    };
    assert_eq!(
        refusal.missing.len(),
        2,
        "but everything that is missing is listed: {:?}",
        refusal.missing
    );
}
