//! Key policies: delegation, direct naming, other accounts, services, the lock-out check.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_165_to_k_168_a_key_policy_names_delegates_or_nothing_happens() {
    let root = || says("Allow", ROOT, "kms:*");
    let direct = || says("Allow", ANN, "kms:Encrypt");
    let iam = || may("Allow", "kms:*");
    for (fact, case, expected) in [
        (
            "K-166 IAM alone",
            Case::key(ann(), &says("Allow", ANN, "kms:Sign")).identity(&iam()),
            "key_policy",
        ),
        (
            "K-168 delegation alone",
            Case::key(ann(), &root()),
            "identity_policy",
        ),
        (
            "K-168 delegation and IAM",
            Case::key(ann(), &root()).identity(&iam()),
            "allowed",
        ),
        ("K-165 named", Case::key(ann(), &direct()), "allowed"),
        (
            "K-165 root too",
            Case::key(Principal::root(&home()), &direct()),
            "key_policy",
        ),
        (
            "7.1 root needs no IAM",
            Case::key(Principal::root(&home()), &root()),
            "allowed",
        ),
        (
            "K-167 IAM deny counts",
            Case::key(ann(), &direct()).identity(&may("Deny", "kms:Enc*")),
            "identity_policy",
        ),
        (
            "K-168 by number",
            Case::key(ann(), &says("Allow", r#"{"AWS":"111111111111"}"#, "kms:*")).identity(&iam()),
            "allowed",
        ),
        (
            "K-179 everybody",
            Case::key(ann(), &says("Allow", r#""*""#, "kms:*")),
            "allowed",
        ),
        (
            "K-178 a deleted user's id",
            Case::key(
                ann(),
                &says("Allow", r#"{"AWS":"AIDAOLDOLDOLDOLD"}"#, "kms:*"),
            ),
            "key_policy",
        ),
        (
            "K-178 its own id",
            Case::key(
                ann(),
                &says("Allow", r#"{"AWS":"AIDAANNANNANNANN"}"#, "kms:*"),
            ),
            "allowed",
        ),
        (
            "K-172 no Resource, no effect",
            Case::key(
                ann(),
                &format!(r#"{{"Effect":"Allow","Principal":{ANN},"Action":"kms:*"}}"#),
            ),
            "key_policy",
        ),
        (
            "K-172 no Action, no effect",
            Case::key(
                ann(),
                &format!(r#"{{"Effect":"Allow","Principal":{ANN},"Resource":"*"}}"#),
            ),
            "key_policy",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_187_k_189_k_361_boundaries_and_session_policies() {
    let none = || may("Allow", "s3:*");
    let all = || may("Allow", "kms:*");
    let role = || {
        says(
            "Allow",
            r#"{"AWS":"arn:aws:iam::111111111111:role/reader"}"#,
            "kms:*",
        )
    };
    let session = || {
        says(
            "Allow",
            r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/reader/nightly"}"#,
            "kms:*",
        )
    };
    let user = || says("Allow", ANN, "kms:*");
    let root = || says("Allow", ROOT, "kms:*");
    for (fact, case, expected) in [
        ("a role ARN", Case::key(reader(), &role()), "allowed"),
        (
            "a role ARN under a boundary",
            Case::key(reader(), &role()).boundary(&none()),
            "permissions_boundary",
        ),
        (
            "a role ARN under a session policy",
            Case::key(reader(), &role()).session(&none()),
            "session_policy",
        ),
        (
            "a role ARN under both that allow",
            Case::key(reader(), &role())
                .boundary(&all())
                .session(&all()),
            "allowed",
        ),
        (
            "a session ARN",
            Case::key(reader(), &session())
                .boundary(&none())
                .session(&none()),
            "allowed",
        ),
        (
            "a user ARN",
            Case::key(ann(), &user()).boundary(&none()),
            "allowed",
        ),
        (
            "a user ARN and a boundary that denies",
            Case::key(ann(), &user()).boundary(&may("Deny", "*")),
            "permissions_boundary",
        ),
        (
            "delegated under a boundary",
            Case::key(ann(), &root()).identity(&all()).boundary(&none()),
            "permissions_boundary",
        ),
        (
            "delegated under a session policy",
            Case::key(reader(), &root())
                .identity(&all())
                .session(&none()),
            "session_policy",
        ),
        (
            "a boundary never grants",
            Case::key(ann(), &root()).boundary(&all()),
            "identity_policy",
        ),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
    // K-188: everybody, fenced by aws:PrincipalArn.
    let fenced = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
        "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/reader"}}}"#;
    assert_eq!(
        Case::key(reader(), fenced)
            .boundary(&none())
            .session(&none())
            .verdict(),
        "allowed"
    );
    assert_eq!(Case::key(ann(), fenced).verdict(), "key_policy");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn k_180_k_181_k_193_another_account_needs_both_sides() {
    let account = || says("Allow", r#"{"AWS":"222222222222"}"#, "kms:*");
    let user = || {
        says(
            "Allow",
            r#"{"AWS":"arn:aws:iam::222222222222:user/zoe"}"#,
            "kms:*",
        )
    };
    let iam = || may("Allow", "kms:Encrypt");
    let mut not_across = Case::key(zoe(), &account())
        .identity(&may("Allow", "*"))
        .action("kms:ScheduleKeyDeletion");
    not_across.crosses = false;
    for (fact, case, expected) in [
        (
            "K-339 the key policy alone",
            Case::key(zoe(), &account()),
            "identity_policy",
        ),
        (
            "K-339 even by name",
            Case::key(zoe(), &user()),
            "identity_policy",
        ),
        (
            "IAM alone",
            Case::key(zoe(), &says("Allow", ROOT, "kms:*")).identity(&iam()),
            "key_policy",
        ),
        (
            "K-180 both",
            Case::key(zoe(), &account()).identity(&iam()),
            "allowed",
        ),
        (
            "K-180 both, by name",
            Case::key(zoe(), &user()).identity(&iam()),
            "allowed",
        ),
        (
            "K-180 another name",
            Case::key(
                zoe(),
                &says(
                    "Allow",
                    r#"{"AWS":"arn:aws:iam::222222222222:user/yan"}"#,
                    "kms:*",
                ),
            )
            .identity(&iam()),
            "key_policy",
        ),
        (
            "K-179 everybody still needs IAM",
            Case::key(zoe(), &says("Allow", r#""*""#, "kms:*")),
            "identity_policy",
        ),
        (
            "K-179 everybody and IAM",
            Case::key(zoe(), &says("Allow", r#""*""#, "kms:*")).identity(&iam()),
            "allowed",
        ),
        (
            "a foreign root user",
            Case::key(Principal::root(&abroad()), &account()),
            "allowed",
        ),
        (
            "K-193 a deny here",
            Case::key(
                zoe(),
                &format!("{},{}", account(), says("Deny", r#""*""#, "kms:Encrypt")),
            )
            .identity(&iam()),
            "key_policy",
        ),
        (
            "K-193 a deny there",
            Case::key(zoe(), &account())
                .identity(&iam())
                .identity(&may("Deny", "kms:*")),
            "identity_policy",
        ),
        ("K-181 not across accounts", not_across, "key_policy"),
    ] {
        assert_eq!(case.verdict(), expected, "{fact}");
    }
}

#[test]
fn k_236_a_service_principal_needs_the_resource_policy_only() {
    let trail = || Principal::service("cloudtrail.amazonaws.com");
    let statement = r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111111111111:trail/t"}}}"#;
    let mut case = Case::key(trail(), statement);
    assert_eq!(case.verdict(), "key_policy");
    case.context.set(
        "aws:SourceArn",
        "arn:aws:cloudtrail:eu-west-1:111111111111:trail/t",
    );
    assert_eq!(case.verdict(), "allowed");
    assert_eq!(
        Case::key(trail(), &says("Allow", ROOT, "kms:*")).verdict(),
        "key_policy"
    );
    assert_eq!(
        Case::key(Principal::Anonymous, &says("Allow", r#""*""#, "kms:*")).verdict(),
        "key_policy"
    );
}

#[test]
fn k_222_k_223_k_232_k_233_k_237_condition_keys() {
    let when = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{{{condition}}}}}"#
        )
    };
    let via = r#""StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}"#;
    let mut case = Case::key(ann(), &when(via));
    assert_eq!(
        case.verdict(),
        "key_policy",
        "K-222: a direct call does not carry the key"
    );
    case.context
        .set("kms:ViaService", "s3.eu-west-1.amazonaws.com");
    assert_eq!(case.verdict(), "allowed", "K-222");
    case.context
        .set("kms:ViaService", "s3.us-east-1.amazonaws.com");
    assert_eq!(
        case.verdict(),
        "key_policy",
        "K-366: the value names the Region"
    );

    let account = r#""StringEquals":{"kms:CallerAccount":"111111111111"}"#;
    assert_eq!(
        Case::key(ann(), &when(account)).verdict(),
        "allowed",
        "K-223"
    );
    assert_eq!(
        Case::key(zoe(), &when(account))
            .identity(&may("Allow", "*"))
            .verdict(),
        "key_policy",
        "K-223"
    );

    let context = r#""StringEquals":{"kms:EncryptionContext:PURPOSE":"cards"}"#;
    let mut case = Case::key(ann(), &when(context));
    assert_eq!(case.verdict(), "key_policy", "K-237");
    case.context
        .set_encryption_context([("purpose", "cards"), ("more", "x")]);
    assert_eq!(
        case.verdict(),
        "allowed",
        "K-224: the key's case does not matter, other pairs may stand beside"
    );
    case.context = now();
    case.context.set_encryption_context([("purpose", "Cards")]);
    assert_eq!(case.verdict(), "key_policy", "K-224: the value's case does");

    let tagged = r#""StringEquals":{"aws:ResourceTag/team":"pay"}"#;
    let mut case = Case::key(ann(), &when(tagged));
    case.context.set("aws:ResourceTag/team", "pay");
    assert_eq!(
        case.verdict(),
        "key_policy",
        "K-233: tags do not count in key policies"
    );
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{{{tagged}}}}}"#);
    let mut case = Case::key(ann(), &says("Allow", ROOT, "kms:*")).identity(&statement);
    case.context.set("aws:ResourceTag/team", "pay");
    assert_eq!(case.verdict(), "allowed", "K-233: in IAM they do");
}

#[test]
fn k_175_to_k_177_a_new_key_policy_must_let_its_author_come_back() {
    let ask = |caller: Principal, iam: Option<&str>, new: &str| {
        let mut case = Case::key(caller, &says("Allow", ROOT, "kms:*"));
        if let Some(statements) = iam {
            case = case.identity(statements);
        }
        let request = Request::new(
            &case.caller,
            "kms:CreateKey",
            KEY,
            &case.account,
            &case.context,
        );
        lockout::check(&request, &case.policies(&[]), &key_policy(new))
            .map_err(|refusal| refusal.denied_by.word())
    };
    let root = says("Allow", ROOT, "kms:*");
    let put = may("Allow", "kms:PutKeyPolicy");
    assert_eq!(ask(ann(), Some(&put), &root), Ok(()), "K-176");
    assert_eq!(
        ask(ann(), Some(&may("Allow", "kms:CreateKey")), &root),
        Err("identity_policy"),
        "K-176"
    );
    assert_eq!(
        ask(ann(), None, &says("Allow", ANN, "kms:PutKeyPolicy")),
        Ok(()),
        "K-175"
    );
    assert_eq!(
        ask(ann(), Some(&put), &says("Allow", ANN, "kms:Encrypt")),
        Err("key_policy"),
        "K-175"
    );
    assert_eq!(ask(Principal::root(&home()), None, &root), Ok(()), "K-175");
    assert_eq!(
        ask(zoe(), Some(&put), &says("Allow", r#""*""#, "kms:*")),
        Err("key_policy"),
        "K-181"
    );
}
