//! Buckets, roles, tables, and actions without a resource.

use super::*;

const OBJECT: &str = "arn:aws:s3:::photos/a/b.jpg";

fn object(caller: Principal, statements: Option<&str>) -> Case {
    let mut case = Case::key(caller, &says("Allow", ROOT, "kms:*")).action("s3:GetObject");
    case.kind = DocumentKind::Bucket;
    case.resource = OBJECT;
    case.own = statements.map(|statements| policy(DocumentKind::Bucket, "photos", statements));
    case
}
fn role(caller: Principal, statements: &str) -> Case {
    let mut case = Case::key(caller, &says("Allow", ROOT, "kms:*")).action("sts:AssumeRole");
    case.kind = DocumentKind::Trust;
    case.resource = ROLE;
    case.own = Some(policy(DocumentKind::Trust, "trust", statements));
    case
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_166_for_a_bucket_either_side_is_enough_at_home() {
    let iam = || may("Allow", "s3:GetObject");
    let named = says("Allow", ANN, "s3:GetObject");
    let outsider = says("Allow", r#"{"AWS":"222222222222"}"#, "s3:*");
    let by_role = says(
        "Allow",
        r#"{"AWS":"arn:aws:iam::111111111111:role/reader"}"#,
        "s3:*",
    );
    let deny = says("Deny", r#""*""#, "s3:*");
    for (fact, case, expected) in [
        ("neither", object(ann(), None), "identity_policy"),
        ("IAM alone", object(ann(), None).identity(&iam()), "allowed"),
        (
            "the bucket policy alone",
            object(ann(), Some(&named)),
            "allowed",
        ),
        (
            "an account is delegation",
            object(ann(), Some(&says("Allow", ROOT, "s3:*"))),
            "identity_policy",
        ),
        (
            "root needs nothing",
            object(Principal::root(&home()), None),
            "allowed",
        ),
        (
            "root obeys a deny",
            object(Principal::root(&home()), Some(&deny)),
            "bucket_policy",
        ),
        (
            "root can repair it",
            object(Principal::root(&home()), Some(&deny)).action("s3:PutBucketPolicy"),
            "allowed",
        ),
        (
            "IAM under a boundary",
            object(ann(), None)
                .identity(&iam())
                .boundary(&may("Allow", "kms:*")),
            "permissions_boundary",
        ),
        (
            "K-187 a role under a boundary",
            object(reader(), Some(&by_role)).boundary(&may("Allow", "kms:*")),
            "permissions_boundary",
        ),
        ("K-187 a role", object(reader(), Some(&by_role)), "allowed"),
        (
            "an outsider without IAM",
            object(zoe(), Some(&outsider)),
            "identity_policy",
        ),
        (
            "an outsider without the bucket",
            object(zoe(), None).identity(&iam()),
            "bucket_policy",
        ),
        (
            "an outsider with both",
            object(zoe(), Some(&outsider)).identity(&iam()),
            "allowed",
        ),
        (
            "anybody",
            object(
                Principal::Anonymous,
                Some(&says("Allow", r#""*""#, "s3:GetObject")),
            ),
            "allowed",
        ),
        (
            "nobody",
            object(Principal::Anonymous, Some(&named)),
            "bucket_policy",
        ),
        (
            "a service",
            object(Principal::service("logs.amazonaws.com"), Some(&named)),
            "bucket_policy",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
}

#[test]
fn k_166_s3_027_a_role_is_assumed_through_its_trust_policy() {
    let service = r#"{"Service":"s3.amazonaws.com"}"#;
    let assume = |principal: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
    };
    let iam = || may("Allow", "sts:AssumeRole");
    for (fact, case, expected) in [
        (
            "the service",
            role(Principal::service("s3.amazonaws.com"), &assume(service)),
            "allowed",
        ),
        (
            "another service",
            role(Principal::service("ec2.amazonaws.com"), &assume(service)),
            "trust_policy",
        ),
        (
            "IAM alone",
            role(ann(), &assume(service)).identity(&iam()),
            "trust_policy",
        ),
        ("named", role(ann(), &assume(ANN)), "allowed"),
        ("delegated", role(ann(), &assume(ROOT)), "identity_policy"),
        (
            "delegated and IAM",
            role(ann(), &assume(ROOT)).identity(&iam()),
            "allowed",
        ),
        (
            "an outsider",
            role(zoe(), &assume(r#"{"AWS":"222222222222"}"#)),
            "identity_policy",
        ),
        (
            "an outsider and IAM",
            role(zoe(), &assume(r#"{"AWS":"222222222222"}"#)).identity(&iam()),
            "allowed",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
    let external = r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole",
        "Condition":{"StringEquals":{"sts:ExternalId":"7"}}}"#;
    let mut case = role(zoe(), external).identity(&iam());
    assert_eq!(case.verdict(), "trust_policy");
    case.context.set("sts:ExternalId", "7");
    assert_eq!(case.verdict(), "allowed");
}

#[test]
fn k_184_an_action_without_a_resource_policy_is_a_matter_of_iam() {
    let create = |caller| {
        let mut case = Case::key(caller, &says("Allow", ROOT, "kms:*")).action("kms:CreateKey");
        case.kind = DocumentKind::Identity;
        case.resource = "*";
        case.own = None;
        case
    };
    assert_eq!(create(ann()).verdict(), "identity_policy");
    assert_eq!(
        create(ann())
            .identity(&may("Allow", "kms:CreateKey"))
            .verdict(),
        "allowed"
    );
    assert_eq!(
        create(ann())
            .identity(&may("Allow", "kms:*"))
            .boundary(&may("Allow", "s3:*"))
            .verdict(),
        "permissions_boundary"
    );
    assert_eq!(create(Principal::root(&home())).verdict(), "allowed");
    assert_eq!(
        create(zoe()).identity(&may("Allow", "kms:*")).verdict(),
        "resource_policy"
    );
}

#[test]
fn the_not_elements() {
    let all_but = r#"{"Effect":"Deny","NotAction":["kms:Enc*"],"Resource":"*"}"#;
    let base = || Case::key(ann(), &says("Allow", ANN, "kms:*"));
    assert_eq!(base().identity(all_but).verdict(), "allowed");
    assert_eq!(
        base().identity(all_but).action("kms:Decrypt").verdict(),
        "identity_policy"
    );
    let elsewhere =
        r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:kms:eu-west-1:*:key/*"}"#;
    assert_eq!(base().identity(elsewhere).verdict(), "allowed");
    let others = r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:kms:us-east-1:*:key/*"}"#;
    assert_eq!(base().identity(others).verdict(), "identity_policy");
    let not_ann = format!(
        r#"{},{{"Effect":"Deny","NotPrincipal":{{"AWS":["arn:aws:iam::111111111111:user/ann","111111111111"]}},"Action":"kms:*","Resource":"*"}}"#,
        says("Allow", r#""*""#, "kms:*")
    );
    assert_eq!(Case::key(ann(), &not_ann).verdict(), "allowed");
    assert_eq!(Case::key(reader(), &not_ann).verdict(), "key_policy");
}

#[test]
fn a_table_policy_follows_the_bucket_rules() {
    let mut case = Case::key(ann(), &says("Allow", ROOT, "kms:*")).action("dynamodb:GetItem");
    case.kind = DocumentKind::Resource;
    case.resource = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders";
    case.own = None;
    assert_eq!(case.verdict(), "identity_policy");
    case.own = Some(policy(
        DocumentKind::Resource,
        "table",
        &says("Deny", r#""*""#, "dynamodb:*"),
    ));
    assert_eq!(case.verdict(), "resource_policy");
    case.own = Some(policy(
        DocumentKind::Resource,
        "table",
        &says("Allow", ANN, "dynamodb:*"),
    ));
    assert_eq!(case.verdict(), "allowed");
}
