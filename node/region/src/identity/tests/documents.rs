//! What is read as a policy document, and what is refused with which words.

use super::*;

fn error(kind: DocumentKind, text: &str) -> String {
    Document::parse(text, kind).unwrap_err().to_string()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn what_is_refused_says_what_and_where() {
    use DocumentKind::{Bucket, Identity, Key, Trust};
    let v = |rest: &str| format!(r#"{{"Version":"2012-10-17","Statement":{rest}}}"#);
    let one = |members: &str| v(&format!("[{{{members}}}]"));
    for (kind, text, expected) in [
        (Identity, "{".to_owned(), "Syntax errors in policy."),
        (
            Identity,
            "[]".to_owned(),
            "Expected an object, found a list (at the document)",
        ),
        (
            Identity,
            r#"{"Statement":[]}"#.to_owned(),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            Key,
            r#"{"Version":"2012","Statement":[]}"#.to_owned(),
            "The policy must contain a valid version string",
        ),
        (
            Key,
            r#"{"Version":"2012-10-17"}"#.to_owned(),
            "Missing required field Statement (at the document)",
        ),
        (
            Key,
            v("[]"),
            "Could not parse the policy: Statement is empty!",
        ),
        (
            Identity,
            v(
                r#"[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Action":"s3:*","Resource":"*"}]"#,
            ),
            "Missing required field Effect (at Statement[1])",
        ),
        (
            Identity,
            one(r#""Effect":"allow","Action":"s3:*","Resource":"*""#),
            "Invalid effect: allow (at Statement[0])",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Resource":"*""#),
            "Policy statement must contain actions.",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":"s3:*""#),
            "Policy statement must contain resources.",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":"Encrypt","Resource":"*""#),
            "must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (at Statement[0].Action)",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":"s3:*","Resource":"photos""#),
            r#"Resource photos must be in ARN format or "*". (at Statement[0].Resource)"#,
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*""#),
            "Policy document should not specify a principal.",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Actions":"s3:*","Action":"s3:*","Resource":"*""#),
            "Unknown field Actions (at Statement[0])",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#),
            "Action and NotAction exclude each other",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*""#),
            "'Effect' is given twice",
        ),
        (
            Identity,
            one(r#""Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*""#),
            "must be alpha-numeric",
        ),
        (
            Identity,
            one(r#""Effect":"Allow","Action":[],"Resource":"*""#),
            "Action is empty",
        ),
        (
            Identity,
            one(
                r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"aws:a":"b"}}"#,
            ),
            "Invalid Condition type : StringIs (at Statement[0].Condition.StringIs.aws:a)",
        ),
        (
            Identity,
            one(
                r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:a":"maybe"}}"#,
            ),
            "expected true or false (at Statement[0].Condition.Bool.aws:a)",
        ),
        (
            Key,
            one(r#""Effect":"Allow","Action":"kms:*","Resource":"*""#),
            "Missing required field Principal (at Statement[0])",
        ),
        (
            Bucket,
            one(r#""Effect":"Allow","Principal":"*","Action":"s3:*""#),
            "Missing required field Resource",
        ),
        (
            Bucket,
            one(r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"photos""#),
            "Policy has invalid resource",
        ),
        (
            Bucket,
            one(r#""Effect":"Allow","Principal":{"AWS":"ann"},"Action":"s3:*","Resource":"*""#),
            "Invalid principal in policy (at Statement[0].Principal.AWS)",
        ),
        (
            Trust,
            one(r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            Trust,
            one(r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#),
            "Has prohibited field Resource",
        ),
        (Key, "\u{20ac}".to_owned(), "U+0020 to U+00FF"),
    ] {
        let found = error(kind, &text);
        assert!(
            found.contains(expected),
            "{text}\n gives {found}\n not {expected}"
        );
    }
    let twice = r#"{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    assert!(
        error(Identity, &v(&format!("[{twice},{twice}]")))
            .contains("must be unique. (at Statement[1].Sid)")
    );
}

#[test]
fn k_173_principals_of_a_key_policy() {
    let read = |principal: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{}}}"#,
            says("Allow", principal, "kms:*")
        );
        Document::parse(&text, DocumentKind::Key)
    };
    for good in [
        r#""*""#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":["111111111111","arn:aws:iam::111111111111:root"]}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:role/a/b"}"#,
        r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/a/b"}"#,
        r#"{"AWS":"AROAEXAMPLEEXAMPLE"}"#,
        r#"{"Service":["s3.amazonaws.com"],"AWS":"111111111111"}"#,
        r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
        r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
    ] {
        assert!(read(good).is_ok(), "{good}: {:?}", read(good));
    }
    for bad in [
        r#""111111111111""#,
        "{}",
        r#"{"AWS":[]}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:group/admins"}"#,
        r#"{"AWS":"arn:aws:iam::111111111111:role/*"}"#,
        r#"{"AWS":"11111111111"}"#,
        r#"{"Aws":"*"}"#,
        r#"{"Service":"s3"}"#,
    ] {
        let message = read(bad).unwrap_err().message;
        assert_eq!(
            message, "Policy contains a statement with one or more invalid principals.",
            "{bad}"
        );
    }
    let named = read(r#"{"AWS":["111111111111"],"Service":"s3.amazonaws.com"}"#).unwrap();
    assert_eq!(
        named
            .principals()
            .map(|name| name.text())
            .collect::<Vec<_>>(),
        ["111111111111", "s3.amazonaws.com"]
    );
}

#[test]
fn k_169_k_174_the_default_key_policy_is_read_and_kept() {
    let text = r#"{ "Id": "key-default-1", "Version": "2012-10-17",
        "Statement": { "Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*" } }"#;
    let document = Document::parse(text, DocumentKind::Key).unwrap();
    assert_eq!(document.id.as_deref(), Some("key-default-1"));
    assert_eq!(
        document.statements[0].sid.as_deref(),
        Some("Enable IAM User Permissions"),
        "K-174: a Sid may hold spaces"
    );
    assert_eq!(&*document.source, text);
}

#[test]
fn k_224_forallvalues_on_a_single_context_key_is_refused() {
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
        "Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContext:a":"b"}}}"#;
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    assert!(error(DocumentKind::Key, &text).starts_with("OverlyPermissiveCondition"));
}

#[test]
fn variables_work_from_2012_on() {
    let text = |version: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Principal":"*","Action":"s3:*",
            "Resource":"arn:aws:s3:::home/${{aws:username}}/*"}}}}"#
        )
    };
    for (version, expected) in [("2012-10-17", "allowed"), ("2008-10-17", "identity_policy")] {
        let document = Document::parse(&text(version), DocumentKind::Bucket).unwrap();
        let mut case = Case::key(ann(), &says("Allow", ROOT, "kms:*")).action("s3:GetObject");
        case.kind = DocumentKind::Bucket;
        case.resource = "arn:aws:s3:::home/ann/x";
        case.own = Some(Arc::new(Policy::new("bucket", document)));
        assert_eq!(case.verdict(), expected, "{version}");
    }
}
