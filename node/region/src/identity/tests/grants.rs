//! Grants: who, what, under which encryption context; passing on and retiring.

use std::collections::BTreeMap;

use super::*;

const ANN_ARN: &str = "arn:aws:iam::111111111111:user/ann";
const ZOE_ARN: &str = "arn:aws:iam::222222222222:user/zoe";

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
fn grant<'a>(grantee: &'a str, operations: &'a [String], account: &'a AccountId) -> GrantView<'a> {
    GrantView {
        id: "g1",
        grantee,
        retiring: None,
        issuing_account: account,
        operations,
        context: ContextConstraint::None,
        source_arn: None,
        propagated: true,
        presented: false,
    }
}
fn operations(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
/// A key whose policy says nothing to anybody of these tests.
fn silent(caller: Principal) -> Case {
    Case::key(caller, &says("Allow", r#"{"AWS":"999999999999"}"#, "kms:*"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_195_k_203_k_210_k_211_a_grant_allows_beside_everything_but_a_deny() {
    let (account, ops) = (home(), operations(&["Encrypt"]));
    let to = |grantee| grant(grantee, &ops, &account);
    let fresh = |presented| GrantView {
        propagated: false,
        presented,
        ..to(ANN_ARN)
    };
    for (fact, case, grant, expected) in [
        ("K-195", silent(ann()), to(ANN_ARN), "allowed"),
        (
            "K-195 another grantee",
            silent(ann()),
            to(ZOE_ARN),
            "key_policy",
        ),
        (
            "K-195 another operation",
            silent(ann()).action("kms:Decrypt"),
            to(ANN_ARN),
            "key_policy",
        ),
        (
            "K-362 a deny in IAM",
            silent(ann()).identity(&may("Deny", "kms:*")),
            to(ANN_ARN),
            "identity_policy",
        ),
        (
            "K-203 not yet effective",
            silent(ann()),
            fresh(false),
            "key_policy",
        ),
        (
            "K-203 with its token",
            silent(ann()),
            fresh(true),
            "allowed",
        ),
        (
            "K-210 across accounts",
            silent(zoe()),
            to(ZOE_ARN),
            "allowed",
        ),
        (
            "7c to the caller's account",
            silent(zoe()),
            to("arn:aws:iam::222222222222:root"),
            "allowed",
        ),
        ("K-197 to a role", silent(reader()), to(ROLE), "allowed"),
        (
            "K-197 to a session",
            silent(reader()),
            to("arn:aws:sts::111111111111:assumed-role/reader/nightly"),
            "allowed",
        ),
        (
            "K-211 under a boundary",
            silent(ann()).boundary(&may("Allow", "s3:*")),
            to(ANN_ARN),
            "allowed",
        ),
        (
            "step 3: an SCP",
            silent(ann()).scp(&may("Allow", "s3:*")),
            to(ANN_ARN),
            "scp",
        ),
    ] {
        assert_eq!(word(&case.ask_with(&[grant], None)), expected, "{fact}");
    }
}

#[test]
fn k_198_k_199_constraints_on_the_encryption_context() {
    let (account, ops) = (home(), operations(&["Encrypt", "DescribeKey"]));
    let wanted = pairs(&[("tenant", "7")]);
    let equals = ContextConstraint::Equals(&wanted);
    let subset = ContextConstraint::Subset(&wanted);
    for (constraint, given, expected) in [
        (equals, Some(pairs(&[("tenant", "7")])), "allowed"),
        (
            equals,
            Some(pairs(&[("tenant", "7"), ("x", "y")])),
            "key_policy",
        ),
        (equals, None, "key_policy"),
        (
            subset,
            Some(pairs(&[("tenant", "7"), ("x", "y")])),
            "allowed",
        ),
        (subset, Some(pairs(&[("Tenant", "7")])), "key_policy"),
        (subset, Some(pairs(&[("tenant", "8")])), "key_policy"),
        (subset, None, "key_policy"),
    ] {
        let view = GrantView {
            context: constraint,
            ..grant(ANN_ARN, &ops, &account)
        };
        let case = silent(ann());
        assert_eq!(
            word(&case.ask_with(&[view], given.as_ref())),
            expected,
            "{constraint:?} on {given:?}"
        );
        let describe = silent(ann()).action("kms:DescribeKey");
        assert_eq!(word(&describe.ask_with(&[view], None)), "allowed", "K-199");
    }
}

#[test]
fn k_200_a_source_arn() {
    let (account, ops) = (home(), operations(&["Encrypt"]));
    let view = GrantView {
        source_arn: Some("arn:aws:s3:::b"),
        ..grant("s3.amazonaws.com", &ops, &account)
    };
    let mut case = silent(Principal::service("s3.amazonaws.com"));
    assert_eq!(word(&case.ask_with(&[view], None)), "key_policy");
    case.context.set("aws:SourceArn", "arn:aws:s3:::b");
    assert_eq!(word(&case.ask_with(&[view], None)), "allowed");
}

#[test]
fn k_201_a_grantee_passes_on_no_more_than_it_has() {
    let (account, own) = (home(), operations(&["CreateGrant", "Encrypt"]));
    let (tenant, wider) = (
        pairs(&[("tenant", "7")]),
        pairs(&[("tenant", "7"), ("x", "y")]),
    );
    let encrypt = operations(&["Encrypt"]);
    let decrypt = operations(&["Decrypt"]);
    use ContextConstraint::{Equals, None as Free, Subset};
    for (parent, operations, child, expected) in [
        (Free, &encrypt, Free, true),
        (Free, &decrypt, Free, false),
        (Subset(&tenant), &encrypt, Equals(&tenant), true),
        (Subset(&tenant), &encrypt, Subset(&wider), true),
        (Subset(&wider), &encrypt, Subset(&tenant), false),
        (Equals(&tenant), &encrypt, Subset(&tenant), false),
        (Equals(&tenant), &encrypt, Equals(&tenant), true),
        (Equals(&tenant), &encrypt, Free, false),
        (Subset(&tenant), &encrypt, Free, false),
    ] {
        let view = GrantView {
            context: parent,
            ..grant(ANN_ARN, &own, &account)
        };
        let case = silent(ann()).action("kms:CreateGrant");
        let proposed = ProposedGrant {
            operations,
            context: child,
        };
        let views = [view];
        let mut request = Request::new(
            &case.caller,
            case.action,
            case.resource,
            &case.account,
            &case.context,
        );
        request.proposed_grant = Some(&proposed);
        let decision = evaluate(&request, &case.policies(&views));
        assert_eq!(decision.is_allowed(), expected, "{parent:?} to {child:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_205_k_206_retiring_is_a_matter_of_the_grant() {
    let (account, plain, with) = (
        home(),
        operations(&["Encrypt"]),
        operations(&["RetireGrant"]),
    );
    let retire = |case: Case| case.action("kms:RetireGrant");
    let iam = || may("Allow", "kms:RetireGrant");
    let by = |retiring| GrantView {
        retiring: Some(retiring),
        ..grant(ZOE_ARN, &plain, &account)
    };
    let none = grant(ANN_ARN, &plain, &account);
    let grantee = grant(ANN_ARN, &with, &account);
    for (fact, case, view, expected) in [
        (
            "the retiring principal",
            retire(silent(ann())),
            by(ANN_ARN),
            "allowed",
        ),
        (
            "the grantee with RetireGrant",
            retire(silent(ann())),
            grantee,
            "allowed",
        ),
        (
            "the grantee without it",
            retire(silent(ann())),
            none,
            "grant",
        ),
        (
            "K-206 IAM alone",
            retire(silent(ann())).identity(&iam()),
            none,
            "grant",
        ),
        (
            "K-206 the key policy",
            retire(Case::key(ann(), &says("Allow", ANN, "kms:*"))),
            none,
            "grant",
        ),
        (
            "K-206 a deny",
            retire(silent(ann())).identity(&may("Deny", "kms:*")),
            by(ANN_ARN),
            "identity_policy",
        ),
        (
            "its account's root",
            retire(silent(Principal::root(&home()))),
            none,
            "allowed",
        ),
        (
            "K-206 an account does not mean everybody",
            retire(silent(ann())),
            by("111111111111"),
            "identity_policy",
        ),
        (
            "K-206 an account delegates",
            retire(silent(ann())).identity(&iam()),
            by("111111111111"),
            "allowed",
        ),
        (
            "K-191 RCPs do not bind it",
            retire(silent(ann())).rcp(&says("Deny", r#""*""#, "kms:*")),
            by(ANN_ARN),
            "allowed",
        ),
        (
            "across accounts",
            retire(silent(zoe())),
            by(ZOE_ARN),
            "allowed",
        ),
    ] {
        assert_eq!(word(&case.ask_with(&[view], None)), expected, "{fact}");
    }
}
