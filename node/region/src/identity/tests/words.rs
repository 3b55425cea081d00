//! The messages of kms 7.4, and the sentences about what was missing.

use super::*;

fn refusal(case: &Case) -> Refusal {
    match case.ask() {
        Decision::Denied(refusal) => *refusal,
        Decision::Allowed(_) => panic!("expected a refusal"),
    }
}

const START: &str =
    "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: kms:Encrypt";
const ON: &str = "on resource: arn:aws:kms:eu-west-1:111111111111:key/1234";
const HIDDEN: &str = "because the resource does not exist in this Region, no resource-based policies allow access, \
                      or a resource-based policy explicitly denies access";

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_214_k_215_k_218_k_219_messages_in_the_own_account() {
    let root = || says("Allow", ROOT, "kms:*");
    let all = || may("Allow", "*");
    let s3 = || may("Allow", "s3:*");
    for (fact, case, end) in [
        (
            "K-214",
            Case::key(ann(), &root()),
            "because no identity-based policy allows the kms:Encrypt action",
        ),
        (
            "K-215",
            Case::key(ann(), &says("Allow", ANN, "kms:Sign")).identity(&all()),
            "because no resource-based policy allows the kms:Encrypt action",
        ),
        (
            "K-218",
            Case::key(ann(), &says("Deny", r#""*""#, "kms:*")),
            "with an explicit deny in a resource-based policy",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).identity(&may("Deny", "*")),
            "with an explicit deny in an identity-based policy",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).boundary(&may("Deny", "*")),
            "with an explicit deny in a permissions boundary",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).session(&may("Deny", "*")),
            "with an explicit deny in a session policy",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).scp(&may("Deny", "*")),
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/p",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).rcp(&says("Deny", r#""*""#, "*")),
            "with an explicit deny in a resource control policy: arn:aws:organizations::1:policy/o/r",
        ),
        (
            "K-218",
            Case::key(ann(), &root()).endpoint(&says("Deny", r#""*""#, "*")),
            "with an explicit deny in a VPC endpoint policy",
        ),
        (
            "K-219",
            Case::key(ann(), &root()).identity(&all()).boundary(&s3()),
            "because no permissions boundary allows the kms:Encrypt action",
        ),
        (
            "K-219",
            Case::key(ann(), &root()).identity(&all()).session(&s3()),
            "because no session policy allows the kms:Encrypt action",
        ),
        (
            "K-219",
            Case::key(ann(), &root()).identity(&all()).scp(&s3()),
            "because no service control policy allows the kms:Encrypt action",
        ),
        (
            "K-219",
            Case::key(ann(), &root())
                .identity(&all())
                .endpoint(&says("Allow", r#""*""#, "s3:*")),
            "because no VPC endpoint policy allows the kms:Encrypt action",
        ),
    ] {
        assert_eq!(
            refusal(&case).message,
            format!("{START} {ON} {end}"),
            "{fact}"
        );
    }
}

#[test]
fn k_216_k_217_what_is_hidden() {
    let zoe_start =
        "User: arn:aws:iam::222222222222:user/zoe is not authorized to perform: kms:Encrypt";
    let silent = Case::key(zoe(), &says("Allow", ROOT, "kms:*")).identity(&may("Allow", "*"));
    assert_eq!(
        refusal(&silent).message,
        format!("{zoe_start} on this resource {HIDDEN}"),
        "K-216"
    );
    let denying = Case::key(zoe(), &says("Deny", r#""*""#, "kms:*")).identity(&may("Allow", "*"));
    assert_eq!(
        refusal(&denying).message,
        refusal(&silent).message,
        "K-216: silence and denial look the same"
    );
    assert!(
        refusal(&denying).explicit.is_some(),
        "but the simulator knows"
    );
    assert_eq!(
        refusal(&Case::key(zoe(), &says("Allow", r#""*""#, "kms:*"))).message,
        format!("{zoe_start} {ON} because no identity-based policy allows the kms:Encrypt action"),
        "the caller's own side is said plainly"
    );

    let mut case = Case::key(ann(), &says("Allow", ANN, "kms:Sign")).action("kms:Decrypt");
    case.wording = Wording::Ciphertext;
    let start = "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: kms:Decrypt on the resource \
                 associated with this ciphertext";
    assert_eq!(refusal(&case).message, format!("{start} {HIDDEN}"), "K-217");
    let mut case = Case::key(ann(), &says("Allow", ROOT, "kms:*")).action("kms:Decrypt");
    case.wording = Wording::Ciphertext;
    let because = "because no identity-based policy allows the kms:Decrypt action";
    assert_eq!(refusal(&case).message, format!("{start} {because}"));
}

#[test]
fn a_session_is_named_by_its_session_and_helped_through_its_role() {
    let refused = refusal(&Case::key(reader(), &says("Allow", ANN, "kms:*")));
    assert!(
        refused
            .message
            .starts_with("User: arn:aws:sts::111111111111:assumed-role/reader/nightly is not")
    );
    assert_eq!(
        refused.missing,
        [
            "a statement `allow: [kms:Encrypt] to: arn:aws:iam::111111111111:role/reader` in the key policy of \
          arn:aws:kms:eu-west-1:111111111111:key/1234"
        ]
    );
    assert_eq!(
        refused.near,
        ["key policy: statement 0 of default names arn:aws:iam::111111111111:user/ann"]
    );
}

#[test]
fn what_would_have_helped() {
    let both = refusal(&Case::key(zoe(), &says("Allow", ROOT, "kms:*")));
    assert_eq!(
        both.missing,
        [
            "a statement `allow: [kms:Encrypt] to: arn:aws:iam::222222222222:user/zoe` in the key policy of \
             arn:aws:kms:eu-west-1:111111111111:key/1234",
            "a statement `allow: [kms:Encrypt] on: arn:aws:kms:eu-west-1:111111111111:key/1234` in an identity policy \
             of arn:aws:iam::222222222222:user/zoe",
        ]
    );
    let fenced = r#"{"Sid":"via","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
        "Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}}"#;
    assert_eq!(
        refusal(&Case::key(ann(), fenced)).near,
        [
            "key policy: statement `via` of default would allow, but its condition StringEquals kms:ViaService \
          s3.eu-west-1.amazonaws.com does not hold: the request has no kms:ViaService"
        ]
    );
    let denied = refusal(&Case::key(
        ann(),
        &format!(
            r#"{{"Sid":"no","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}},{fenced}"#
        ),
    ));
    assert_eq!(
        denied.missing,
        [
            "that statement `no` of the key policy of arn:aws:kms:eu-west-1:111111111111:key/1234 no longer denies \
          kms:Encrypt to arn:aws:iam::111111111111:user/ann"
        ]
    );
    assert_eq!(
        denied.explicit.unwrap().to_string(),
        "statement `no` of default"
    );
}

#[test]
fn other_services_have_their_own_words() {
    let mut case = Case::key(ann(), &says("Allow", ROOT, "kms:*")).action("s3:GetObject");
    case.kind = DocumentKind::Bucket;
    case.resource = "arn:aws:s3:::photos/a";
    case.own = None;
    assert_eq!(
        refusal(&case).message,
        "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: s3:GetObject on resource: \
         \"arn:aws:s3:::photos/a\" because no identity-based policy allows the s3:GetObject action"
    );
    case.caller = zoe();
    assert_eq!(refusal(&case).message, "Access Denied");
    assert!(refusal(&case).missing[0].ends_with("in the bucket policy of arn:aws:s3:::photos"));
    case.caller = ann();
    case.action = "sts:AssumeRole";
    case.kind = DocumentKind::Trust;
    case.resource = ROLE;
    case.own = Some(policy(
        DocumentKind::Trust,
        "trust",
        r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}"#,
    ));
    assert_eq!(
        refusal(&case).message,
        "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: sts:AssumeRole because no role trust \
         policy allows the sts:AssumeRole action"
    );
}

#[test]
fn an_allowance_names_its_statements() {
    let case =
        Case::key(ann(), &says("Allow", ROOT, "kms:*")).identity(&may("Allow", "kms:Encrypt"));
    let Decision::Allowed(allowance) = case.ask() else {
        panic!("allowed")
    };
    let names: Vec<String> = allowance
        .statements()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["statement 0 of default", "statement 0 of inline"]);
}
