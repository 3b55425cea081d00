//! Who may do what under the policies that people write: the console's statements, wildcards,
//! condition keys, and services that call for somebody.

use faultline_proto::dynamodb::{
    AttributeDefinition, CreateTableRequest, KeySchemaElement, SseSpecification,
};
use faultline_proto::ec2::CreateVolumeRequest;
use faultline_proto::kms::{
    CreateAliasRequest, CreateGrantRequest, DeleteAliasRequest, DeleteImportedKeyMaterialRequest,
    DisableKeyRequest, GrantConstraints, GrantListEntry, ListGrantsRequest, PutKeyPolicyRequest,
    RevokeGrantRequest, ScheduleKeyDeletionRequest, UpdatePrimaryRegionRequest,
};
use faultline_proto::s3::{CreateBucketRequest, PutObjectRequest};
use serde_json::{Value, json};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::allow;

const DENIED: &str = "AccessDeniedException";

fn policy(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

fn delegation() -> Value {
    says(&format!("arn:aws:iam::{ACCOUNT}:root"), &["kms:*"], None)
}

fn says(principal: &str, actions: &[&str], when: Option<Value>) -> Value {
    let mut statement = json!({
        "Effect": "Allow", "Principal": { "AWS": principal }, "Action": actions, "Resource": "*",
    });
    if let Some(when) = when {
        statement["Condition"] = when;
    }
    statement
}

/// The code of a refusal; empty when all is well.
fn verdict<T>(outcome: Result<T, Failure>) -> String {
    outcome
        .err()
        .map(|failure| failure.code)
        .unwrap_or_default()
}

fn grant_to(key: &str, name: &str) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: some(key),
        operations: vec!["Decrypt".to_owned(), "RetireGrant".to_owned()],
        grantee_principal: some(&user(name)),
        ..Default::default()
    }
}

fn grants(world: &mut World, key: &str) -> Vec<GrantListEntry> {
    let root = world.root(ACCOUNT);
    let request = ListGrantsRequest {
        key_id: some(key),
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap().grants
}

/// A table under the key: DynamoDB asks KMS, and makes a grant, on the caller's behalf.
fn table(world: &mut World, who: &Credential, key: &str, name: &str) -> Result<(), Failure> {
    let request = CreateTableRequest {
        table_name: some(name),
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: some("id"),
            attribute_type: some("S"),
        }],
        key_schema: vec![KeySchemaElement {
            attribute_name: some("id"),
            key_type: some("HASH"),
        }],
        billing_mode: some("PAY_PER_REQUEST"),
        sse_specification: Some(SseSpecification {
            enabled: Some(true),
            sse_type: some("KMS"),
            kms_master_key_id: some(key),
        }),
        ..Default::default()
    };
    world.call(HOME, who, &request).map(|_| ())
}

/// An encrypted volume that was in use: EC2 makes a grant for as long as it works with it.
fn volume(world: &mut World, who: &Credential, key: &str) -> String {
    let request = CreateVolumeRequest {
        availability_zone: some("eu-west-1a"),
        size: Some(1),
        encrypted: Some(true),
        kms_key_id: some(key),
        ..Default::default()
    };
    let made = world.call(HOME, who, &request).expect("it may be made");
    let id = made.volume_id.expect("an id");
    world.plant(
        HOME,
        "volume_content",
        &json!({ "volume_id": id, "content": "a ledger" }),
    );
    id
}

/// What the console lets a key's administrators do (K-170).
const MANAGING: [&str; 13] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:CancelKeyDeletion",
];
/// And what of its users.
const USING: [&str; 5] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
];

/// The statements that the console writes (K-170): an administrator manages and cannot use, but
/// can let itself; a user uses and cannot manage; only services make grants for it.
#[test]
fn k_170_k_171_the_consoles_statements() {
    let mut world = world();
    let attaching = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
    let by_service = json!({ "Bool": { "kms:GrantIsForAWSResource": "true" } });
    let (admin, clerk) = (user("admin"), user("clerk"));
    let text = policy(&[
        delegation(),
        says(&admin, &MANAGING, None),
        says(&clerk, &USING, None),
        says(&clerk, &attaching, Some(by_service)),
    ]);
    let admin = world.user(
        ACCOUNT,
        "admin",
        &allow(&["kms:CreateAlias", "kms:DeleteAlias"], &["*"]),
    );
    let clerk = world.user(ACCOUNT, "clerk", &allow(&["dynamodb:*"], &["*"]));
    let key = arn(&key_with_policy(&mut world, &text));
    let disable = DisableKeyRequest { key_id: some(&key) };
    assert!(encrypt(&mut world, HOME, &clerk, &key, b"x").is_ok());
    assert_eq!(verdict(world.call(HOME, &clerk, &disable)), DENIED);
    assert_eq!(
        verdict(world.call(HOME, &clerk, &grant_to(&key, "clerk"))),
        DENIED
    );
    table(&mut world, &clerk, &key, "orders").unwrap();
    assert_eq!(
        grants(&mut world, &key).len(),
        1,
        "DynamoDB made one for the clerk"
    );
    // K-171: Delete* is of aliases and imported material; a key's deletion is "scheduled".
    let schedule = ScheduleKeyDeletionRequest {
        key_id: some(&key),
        ..Default::default()
    };
    assert_eq!(verdict(world.call(HOME, &admin, &schedule)), DENIED);
    let create = CreateAliasRequest {
        alias_name: some("alias/cards"),
        target_key_id: some(&key),
    };
    world.call(HOME, &admin, &create).unwrap();
    let delete = DeleteAliasRequest {
        alias_name: some("alias/cards"),
    };
    world.call(HOME, &admin, &delete).unwrap();
    let delete = DeleteImportedKeyMaterialRequest {
        key_id: some(&key),
        ..Default::default()
    };
    let code = verdict(world.call(HOME, &admin, &delete));
    assert_eq!(
        code, "UnsupportedOperationException",
        "permitted, and of no use here"
    );
    // The administrator does not use the key, until it lets itself.
    assert_eq!(
        verdict(encrypt(&mut world, HOME, &admin, &key, b"x")),
        DENIED
    );
    let put = PutKeyPolicyRequest {
        key_id: some(&key),
        policy: some(&policy(&[
            delegation(),
            says(&user("admin"), &["kms:*"], None),
        ])),
        ..Default::default()
    };
    world.call(HOME, &admin, &put).unwrap();
    assert!(encrypt(&mut world, HOME, &admin, &key, b"x").is_ok());
}

/// K-185: an IAM statement names a key by its ARN, wildcards allowed; a bare id is no resource at
/// all, and an alias names the alias. K-183: a plain star reaches into other accounts.
#[test]
fn k_183_k_185_what_names_a_key_in_iam() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let made = key(&mut world, false);
    let (key, key_id) = (arn(&made), id(&made));
    let request = CreateAliasRequest {
        alias_name: some("alias/cards"),
        target_key_id: some(&key),
    };
    world.call(HOME, &root, &request).unwrap();
    for (nth, (resource, may)) in [
        (key.clone(), true),
        (format!("arn:aws:kms:*:{ACCOUNT}:key/{key_id}"), true),
        (format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/*"), true),
        (format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/*"), false),
        (format!("arn:aws:kms:{HOME}:{PARTNER}:key/*"), false),
        (format!("arn:aws:kms:{HOME}:{ACCOUNT}:alias/cards"), false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("reader-{nth}");
        let who = world.user(ACCOUNT, &name, &allow(&["kms:Encrypt"], &[&resource]));
        for asked in [key.as_str(), "alias/cards"] {
            let got = verdict(encrypt(&mut world, HOME, &who, asked, b"x"));
            let want = if may { "" } else { DENIED };
            assert_eq!(got, want, "{resource}, asked by {asked}");
        }
    }
    let document = allow(&["kms:Encrypt"], &[&key_id]);
    let put = faultline_proto::iam::PutUserPolicyRequest {
        user_name: some("reader-0"),
        policy_name: some("by-id"),
        policy_document: some(&document),
    };
    let refused = no(world.call(FAR, &root, &put));
    assert_eq!(refused.0, "MalformedPolicyDocument");
    // K-183: the other account's key lets this account in, and this account lets anything be.
    let pat = world.user(PARTNER, "pat", &allow(&["kms:Encrypt"], &["*"]));
    let partner = format!("arn:aws:iam::{PARTNER}:root");
    let open = policy(&[delegation(), says(&partner, &["kms:Encrypt"], None)]);
    let open = arn(&key_with_policy(&mut world, &open));
    assert!(encrypt(&mut world, HOME, &pat, &open, b"x").is_ok());
    assert_eq!(verdict(encrypt(&mut world, HOME, &pat, &key, b"x")), DENIED);
}

/// EBS makes a grant for each volume and DynamoDB one for each table, each bound to its thing.
#[test]
fn k_212_services_make_grants_for_what_they_keep() {
    let mut world = world();
    let keyless = world.user(ACCOUNT, "keyless", &allow(&["ec2:*", "dynamodb:*"], &["*"]));
    let maker = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ec2:*", "dynamodb:*"], "Resource": "*" },
        { "Effect": "Allow", "Action": ["kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey",
          "kms:Encrypt", "kms:ReEncrypt*"], "Resource": "*" },
        { "Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*",
          "Condition": { "Bool": { "kms:GrantIsForAWSResource": "true" } } },
    ] });
    let maker = world.user(ACCOUNT, "maker", &maker.to_string());
    let key = arn(&key(&mut world, false));
    let volumes = [
        volume(&mut world, &maker, &key),
        volume(&mut world, &maker, &key),
    ];
    table(&mut world, &maker, &key, "orders").unwrap();
    let bound: Vec<BTreeMap<String, String>> = grants(&mut world, &key)
        .into_iter()
        .map(|grant| grant.constraints.unwrap().encryption_context_subset)
        .collect();
    let names = pairs(&[
        ("aws:dynamodb:tableName", "orders"),
        ("aws:dynamodb:subscriberId", ACCOUNT),
    ]);
    assert_eq!(
        bound,
        [names],
        "the table's; those of the volumes were given back"
    );
    for volume in &volumes {
        let of_volume = format!("{{\"aws:ebs:id\":\"{volume}\"}}");
        let made = world.audit.iter().find(|event| {
            event.event_name == "CreateGrant" && event.request_parameters.contains(&of_volume)
        });
        assert_eq!(
            made.expect("one for each volume").invoked_by,
            "ec2.amazonaws.com"
        );
    }
    // Who may not make grants makes no such things.
    assert!(table(&mut world, &keyless, &key, "refused").is_err());
    assert_eq!(
        verdict(world.call(HOME, &maker, &grant_to(&key, "maker"))),
        DENIED
    );
}

/// True only when a service asks for somebody, in all three operations.
#[test]
fn k_227_grant_is_for_aws_resource() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["dynamodb:*"], &["*"]));
    let actions = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
    let text = |by_service: &str| {
        let when = json!({ "Bool": { "kms:GrantIsForAWSResource": by_service } });
        let rest = [
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:GenerateDataKey*",
        ];
        policy(&[
            delegation(),
            says(&user("ann"), &actions, Some(when)),
            says(&user("ann"), &rest, None),
        ])
    };
    for (by_service, want) in [("true", DENIED), ("false", "")] {
        let key = arn(&key_with_policy(&mut world, &text(by_service)));
        let root = world.root(ACCOUNT);
        let made = world.call(HOME, &root, &grant_to(&key, "bob")).unwrap();
        let list = ListGrantsRequest {
            key_id: some(&key),
            ..Default::default()
        };
        let revoke = RevokeGrantRequest {
            key_id: some(&key),
            grant_id: made.grant_id,
            ..Default::default()
        };
        assert_eq!(
            verdict(world.call(HOME, &ann, &grant_to(&key, "ann"))),
            want
        );
        assert_eq!(verdict(world.call(HOME, &ann, &list)), want);
        assert_eq!(verdict(world.call(HOME, &ann, &revoke)), want);
        let before = grants(&mut world, &key).len();
        let made = table(&mut world, &ann, &key, &format!("orders-{by_service}"));
        assert_eq!(made.is_ok(), by_service == "true", "{made:?}");
        let after = grants(&mut world, &key).len();
        assert_eq!(after > before, by_service == "true", "through DynamoDB");
    }
}

/// A grant of operations to bob, of a key to be named.
fn plain(operations: &[&str]) -> CreateGrantRequest {
    CreateGrantRequest {
        operations: operations.iter().map(|word| (*word).to_owned()).collect(),
        grantee_principal: Some(user("bob")),
        ..Default::default()
    }
}

/// What a new grant would give, to whom, and how bound: keys of CreateGrant and of nothing else.
#[test]
fn k_228_condition_keys_of_creategrant() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let retired_by = |name: &str| CreateGrantRequest {
        retiring_principal: Some(user(name)),
        ..plain(&["Decrypt"])
    };
    let subset = GrantConstraints {
        encryption_context_subset: pairs(&[("tenant", "7")]),
        ..Default::default()
    };
    let equals = GrantConstraints {
        encryption_context_equals: pairs(&[("tenant", "7")]),
        ..Default::default()
    };
    let bound = |constraints: GrantConstraints| CreateGrantRequest {
        constraints: Some(constraints),
        ..plain(&["Decrypt"])
    };
    let only =
        json!({ "ForAllValues:StringEquals": { "kms:GrantOperations": ["Decrypt", "Encrypt"] } });
    let to_bob = json!({ "StringEquals": { "kms:GranteePrincipal": user("bob") } });
    let by_cid = json!({ "StringEquals": { "kms:RetiringPrincipal": user("cid") } });
    let strict =
        json!({ "StringEquals": { "kms:GrantConstraintType": "EncryptionContextEquals" } });
    let to_dan = CreateGrantRequest {
        grantee_principal: Some(user("dan")),
        ..plain(&["Decrypt"])
    };
    for (when, passes, stops) in [
        (
            &only,
            plain(&["Decrypt"]),
            plain(&["Decrypt", "GenerateDataKey"]),
        ),
        (&to_bob, plain(&["Decrypt"]), to_dan),
        (&by_cid, retired_by("cid"), retired_by("dan")),
        (&by_cid, retired_by("cid"), plain(&["Decrypt"])),
        (&strict, bound(equals.clone()), bound(subset)),
        (&strict, bound(equals), plain(&["Decrypt"])),
    ] {
        let actions = ["kms:CreateGrant", "kms:ListGrants"];
        let text = policy(&[
            delegation(),
            says(&user("ann"), &actions, Some(when.clone())),
        ]);
        let key_id = some(&arn(&key_with_policy(&mut world, &text)));
        let ask = |request: CreateGrantRequest| CreateGrantRequest {
            key_id: key_id.clone(),
            ..request
        };
        assert_eq!(verdict(world.call(HOME, &ann, &ask(passes))), "", "{when}");
        assert_eq!(
            verdict(world.call(HOME, &ann, &ask(stops))),
            DENIED,
            "{when}"
        );
        let list = ListGrantsRequest {
            key_id: key_id.clone(),
            ..Default::default()
        };
        // ForAllValues holds for a key that is not there at all.
        let want = if *when == only { "" } else { DENIED };
        assert_eq!(
            verdict(world.call(HOME, &ann, &list)),
            want,
            "{when} of ListGrants"
        );
    }
}

/// Each limits one operation, by name or pattern.
#[test]
fn k_230_replica_region_and_primary_region() {
    let mut world = world();
    let by = |key: &str| {
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "kms:*", "Resource": "*",
              "Condition": { "StringLikeIfExists": { key: "us-*" } } },
        ] })
        .to_string()
    };
    let copier = world.user(ACCOUNT, "copier", &by("kms:ReplicaRegion"));
    let leader = world.user(ACCOUNT, "leader", &by("kms:PrimaryRegion"));
    let replicate = |key: &str, to: &str| ReplicateKeyRequest {
        key_id: some(key),
        replica_region: some(to),
        ..Default::default()
    };
    let promote = |key: &str, to: &str| UpdatePrimaryRegionRequest {
        key_id: some(key),
        primary_region: some(to),
    };
    let key = id(&key(&mut world, true));
    assert_eq!(
        verdict(world.call(HOME, &copier, &replicate(&key, THIRD))),
        DENIED
    );
    assert_eq!(
        verdict(world.call(HOME, &copier, &replicate(&key, FAR))),
        ""
    );
    assert_eq!(
        verdict(world.call(HOME, &leader, &replicate(&key, THIRD))),
        ""
    );
    world.advance(20);
    assert_eq!(
        verdict(world.call(HOME, &leader, &promote(&key, THIRD))),
        DENIED
    );
    assert_eq!(verdict(world.call(HOME, &leader, &promote(&key, FAR))), "");
    world.advance(20);
    assert_eq!(verdict(world.call(FAR, &copier, &promote(&key, THIRD))), "");
}

/// A fence of addresses never lets a service in that asks for somebody; kms:ViaService does.
#[test]
fn k_235_k_365_an_address_in_a_key_policy_shuts_services_out() {
    let mut world = world();
    world.stand_at("203.0.113.7");
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let request = CreateBucketRequest {
        bucket: some("album"),
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap();
    let fence = json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } });
    let via = json!({ "StringEquals": { "kms:ViaService": format!("s3.{HOME}.amazonaws.com") } });
    let actions = ["kms:GenerateDataKey", "kms:Encrypt"];
    for (when, direct, by_s3) in [(fence, "", "AccessDenied"), (via, DENIED, "")] {
        let text = policy(&[
            delegation(),
            says(&user("ann"), &actions, Some(when.clone())),
        ]);
        let key = arn(&key_with_policy(&mut world, &text));
        assert_eq!(
            verdict(encrypt(&mut world, HOME, &ann, &key, b"x")),
            direct,
            "{when}"
        );
        let put = PutObjectRequest {
            bucket: some("album"),
            key: some("sea"),
            server_side_encryption: some("aws:kms"),
            ssekms_key_id: some(&key),
            ..Default::default()
        };
        let got = verdict(world.upload(HOME, &ann, &put, b"a long blue sea"));
        assert_eq!(got, by_s3, "{when} through S3");
    }
}
