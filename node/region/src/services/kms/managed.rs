//! AWS managed keys: made by the service that needs them, usable only through it (K-002 to K-007).

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::AccountId;
use serde_json::json;

use super::identifiers::KeyId;
use super::key_materials::KeyMaterials;
use super::keyspaces::{AliasRow, Aliases, KeyRow};
use super::rotation::{self, Rotation};
use super::specs::Kind;
use super::states::KeyState;
use super::{journal, material, resolve};
use crate::context::Ctx;

/// Alias, and the service through which its key is used.
const MANAGED: &[(&str, &str)] = &[
    ("alias/aws/dynamodb", "dynamodb"),
    ("alias/aws/ebs", "ec2"),
    ("alias/aws/rds", "rds"),
    ("alias/aws/redshift", "redshift"),
    ("alias/aws/s3", "s3"),
    ("alias/aws/secretsmanager", "secretsmanager"),
    ("alias/aws/ssm", "ssm"),
];

/// The aliases that every account has, also before their keys are made.
pub(crate) fn predefined() -> impl Iterator<Item = &'static str> {
    MANAGED.iter().map(|(alias, _)| *alias)
}

/// Makes the key behind `alias` when its service asks for it the first time (K-007).
pub(crate) fn ensure(ctx: &mut Ctx<'_>, account: &AccountId, alias: &str) {
    let Some((_, service)) = MANAGED.iter().find(|(known, _)| *known == alias) else {
        return;
    };
    let caller = ctx.caller();
    let via = format!("{service}.{}.amazonaws.com", ctx.region());
    if *account != caller.account()
        || caller.via.last() != Some(&via)
        || ctx.has::<Aliases>((account, alias))
    {
        return;
    }
    let id = KeyId::new(&ctx.entropy().uuid("kms.key-id")).expect("a UUID is a key id");
    let now = ctx.now();
    let row = KeyRow {
        arn: id.arn(ctx.region(), account),
        account: account.clone(),
        managed_for: Some((*service).to_owned()),
        kind: Kind::DEFAULT,
        state: KeyState::Enabled,
        description: format!(
            "Default key that protects my {} data when no other key is defined",
            title(service)
        ),
        policy: policy(account, service, &via),
        created: now,
        materials: KeyMaterials::only(material::make(ctx, account, &id)),
        // K-006: about once a year, and nobody can switch it off.
        rotation: Rotation {
            automatic: Some(rotation::schedule(ctx, account, &id, 365)),
            ..Rotation::default()
        },
        tags: BTreeMap::new(),
        aliases: BTreeSet::from([alias.to_owned()]),
        grants: 0,
        members: None,
        id,
    };
    ctx.put::<Aliases>(
        (account, alias),
        &AliasRow {
            target: row.id.clone(),
            created: now,
            updated: now,
        },
    );
    resolve::save(ctx, &row);
    journal::born(ctx, &row);
}

fn title(service: &str) -> &str {
    match service {
        "dynamodb" => "DynamoDB",
        "ec2" => "EBS",
        "rds" => "RDS",
        "redshift" => "Redshift",
        "s3" => "S3 objects",
        "secretsmanager" => "Secrets Manager",
        "ssm" => "SSM",
        other => other,
    }
}

/// The policy of an AWS managed key (K-004): everybody of the account through the service; the
/// account itself may look and no more.
fn policy(account: &AccountId, service: &str, via: &str) -> String {
    let mut used = vec![
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    ];
    let mut seen = vec!["kms:Describe*", "kms:Get*", "kms:List*"];
    if service != "s3" {
        used.push("kms:CreateGrant");
        seen.push("kms:RevokeGrant");
    }
    json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-1"),
        "Statement": [
            {
                "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use {service}"),
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": used,
                "Resource": "*",
                "Condition": { "StringEquals": { "kms:ViaService": via, "kms:CallerAccount": account.as_str() } }
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
                "Action": seen,
                "Resource": "*"
            }
        ]
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use faultline_proto::names::Timestamp;

    use super::*;
    use crate::identity::{
        Context, Document, DocumentKind, Policies, Policy, Principal, Request, ResourcePolicy,
        evaluate,
    };

    const ARN: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const VIA: &str = "s3.eu-west-1.amazonaws.com";

    fn may(account: &str, action: &str, via: Option<&str>) -> bool {
        let owner = AccountId::new("111111111111").unwrap();
        let text = policy(&owner, "s3", VIA);
        let policy = Policy::new(
            "default",
            Document::parse(&text, DocumentKind::Key).unwrap(),
        );
        let caller = Principal::root(&AccountId::new(account).unwrap());
        let mut context = Context::at(Timestamp(0));
        if let Some(via) = via {
            context.set("kms:viaservice", via);
        }
        let request = Request::new(&caller, action, ARN, &owner, &context);
        let policies = Policies {
            resource: ResourcePolicy::Key(&policy),
            ..Policies::default()
        };
        evaluate(&request, &policies).is_allowed()
    }

    #[test]
    fn k_003_k_004_only_through_its_service_and_only_for_its_account() {
        assert!(may("111111111111", "kms:Decrypt", Some(VIA)));
        assert!(!may("111111111111", "kms:Decrypt", None));
        assert!(!may(
            "111111111111",
            "kms:Decrypt",
            Some("ec2.eu-west-1.amazonaws.com")
        ));
        assert!(!may("222222222222", "kms:Decrypt", Some(VIA)), "K-340");
        assert!(may("111111111111", "kms:DescribeKey", None));
        assert!(may("111111111111", "kms:GetKeyPolicy", None));
        for managing in [
            "kms:DisableKey",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:ReplicateKey",
        ] {
            assert!(!may("111111111111", managing, None), "{managing}");
        }
    }
}
