//! Settings of buckets beside versioning, encryption, replication and lifecycle: policy and whether
//! it is public, Block Public Access, ownership, tags, location.

use std::collections::BTreeMap;

use faultline_proto::s3;
use serde_json::Value;

use super::access;
use super::error::Error;
use super::get::bare;
use super::keyspaces::{BucketRow, Buckets, PublicAccess};
use super::tags;
use crate::context::Ctx;
use crate::identity::DocumentKind;
use crate::refusal::Refusal;

/// Tags of a bucket at most.
const TAGS: usize = 50;

/// What a new bucket has since April 2023.
pub(super) const BLOCKED: PublicAccess = PublicAccess {
    block_acls: true,
    ignore_acls: true,
    block_policy: true,
    restrict: true,
};

pub(super) fn head(
    ctx: &mut Ctx<'_>,
    request: s3::HeadBucketRequest,
) -> Result<s3::HeadBucketResponse, Refusal> {
    access::bucket(ctx, request.bucket()).map_err(bare)?;
    Ok(s3::HeadBucketResponse {
        bucket_arn: Some(format!("arn:aws:s3:::{}", request.bucket())),
        bucket_region: Some(ctx.region().to_string()),
    })
}

pub(super) fn location(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketLocationRequest,
) -> Result<s3::GetBucketLocationResponse, Refusal> {
    access::bucket(ctx, request.bucket())?;
    // The oldest Region has no name here.
    let region = Some(ctx.region().to_string()).filter(|region| region != "us-east-1");
    Ok(s3::GetBucketLocationResponse {
        location_constraint: region,
    })
}

/// Condition keys with fixed values make a statement for everybody no public one.
const NARROWING: [&str; 11] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];

/// Whether a bucket policy lets everybody in, as Block Public Access sees it.
#[must_use]
pub fn is_public(policy: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && is_for_everybody(statement)
            && !is_narrow(statement)
    })
}

fn is_for_everybody(statement: &Value) -> bool {
    if statement.get("NotPrincipal").is_some() {
        return true;
    }
    let star = |value: &Value| match value {
        Value::String(text) => text == "*",
        Value::Array(all) => all.iter().any(|one| one.as_str() == Some("*")),
        _ => false,
    };
    match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds.get("AWS").is_some_and(star),
        Some(other) => star(other),
        None => false,
    }
}

fn is_narrow(statement: &Value) -> bool {
    let fixed = |value: &Value| {
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text.as_str()],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        !texts.is_empty()
            && texts.iter().all(|text| {
                !text.contains(['*', '?', '$']) && *text != "0.0.0.0/0" && *text != "::/0"
            })
    };
    let Some(Value::Object(operators)) = statement.get("Condition") else {
        return false;
    };
    operators
        .iter()
        .filter(|(operator, _)| !operator.to_ascii_lowercase().contains("not"))
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .any(|(key, value)| NARROWING.contains(&key.to_ascii_lowercase().as_str()) && fixed(value))
}

pub(super) fn put_policy(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketPolicyRequest,
) -> Result<s3::PutBucketPolicyResponse, Refusal> {
    let name = request.bucket().to_owned();
    let mut row = access::bucket(ctx, &name)?;
    let text = request.policy.unwrap_or_default();
    ctx.caches
        .policy(DocumentKind::Bucket, "bucket", &text)
        .map_err(|error| Error::MalformedPolicy(error.to_string()))?;
    if !names_only(&text, &name) {
        return Err(Error::MalformedPolicy("Policy has invalid resource".to_owned()).into());
    }
    if row.public_access.is_some_and(|block| block.block_policy) && is_public(&text) {
        return Err(Error::PublicPolicyBlocked {
            caller: ctx.caller().arn(),
            bucket: name,
        }
        .into());
    }
    row.policy = Some(text);
    ctx.put::<Buckets>(name.as_str(), &row);
    Ok(s3::PutBucketPolicyResponse {})
}

/// Whether every resource is this bucket or in it.
fn names_only(policy: &str, bucket: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let mut resources = Vec::new();
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    for value in statements.iter().filter_map(|one| one.get("Resource")) {
        match value {
            Value::Array(all) => resources.extend(all.iter().filter_map(Value::as_str)),
            other => resources.extend(other.as_str()),
        }
    }
    resources.iter().all(|arn| {
        arn.strip_prefix("arn:aws:s3:::").is_some_and(|rest| {
            let named = rest.split('/').next().unwrap_or_default();
            match named.find(['*', '?']) {
                Some(at) => bucket.starts_with(&named[..at]),
                None => named == bucket,
            }
        })
    })
}

pub(super) fn get_policy(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketPolicyRequest,
) -> Result<s3::GetBucketPolicyResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let policy = row.policy.ok_or(Error::NoSuchBucketPolicy)?;
    Ok(s3::GetBucketPolicyResponse {
        policy: Some(policy),
    })
}

pub(super) fn policy_status(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketPolicyStatusRequest,
) -> Result<s3::GetBucketPolicyStatusResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let policy = row.policy.ok_or(Error::NoSuchBucketPolicy)?;
    Ok(s3::GetBucketPolicyStatusResponse {
        policy_status: Some(s3::PolicyStatus {
            is_public: Some(is_public(&policy)),
        }),
    })
}

/// Changes a bucket's row.
fn change(ctx: &mut Ctx<'_>, name: &str, work: impl FnOnce(&mut BucketRow)) -> Result<(), Refusal> {
    let mut row = access::bucket(ctx, name)?;
    work(&mut row);
    ctx.put::<Buckets>(name, &row);
    Ok(())
}

pub(super) fn delete_policy(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketPolicyRequest,
) -> Result<s3::DeleteBucketPolicyResponse, Refusal> {
    change(ctx, request.bucket(), |row| row.policy = None)?;
    Ok(s3::DeleteBucketPolicyResponse {})
}

pub(super) fn put_ownership(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketOwnershipControlsRequest,
) -> Result<s3::PutBucketOwnershipControlsResponse, Refusal> {
    let controls = request.ownership_controls.clone().unwrap_or_default();
    let [rule] = controls.rules.as_slice() else {
        return Err(Error::MalformedXml.into());
    };
    let ownership = rule.object_ownership.clone();
    change(ctx, request.bucket(), |row| row.ownership = ownership)?;
    Ok(s3::PutBucketOwnershipControlsResponse {})
}

pub(super) fn get_ownership(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketOwnershipControlsRequest,
) -> Result<s3::GetBucketOwnershipControlsResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let ownership = row.ownership.ok_or(Error::NoOwnershipControls)?;
    let rule = s3::OwnershipControlsRule {
        object_ownership: Some(ownership),
    };
    Ok(s3::GetBucketOwnershipControlsResponse {
        ownership_controls: Some(s3::OwnershipControls { rules: vec![rule] }),
    })
}

pub(super) fn delete_ownership(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketOwnershipControlsRequest,
) -> Result<s3::DeleteBucketOwnershipControlsResponse, Refusal> {
    change(ctx, request.bucket(), |row| row.ownership = None)?;
    Ok(s3::DeleteBucketOwnershipControlsResponse {})
}

pub(super) fn put_public_access(
    ctx: &mut Ctx<'_>,
    request: s3::PutPublicAccessBlockRequest,
) -> Result<s3::PutPublicAccessBlockResponse, Refusal> {
    let said = request
        .public_access_block_configuration
        .unwrap_or_default();
    let block = PublicAccess {
        block_acls: said.block_public_acls(),
        ignore_acls: said.ignore_public_acls(),
        block_policy: said.block_public_policy(),
        restrict: said.restrict_public_buckets(),
    };
    change(ctx, request.bucket(), |row| row.public_access = Some(block))?;
    Ok(s3::PutPublicAccessBlockResponse {})
}

pub(super) fn get_public_access(
    ctx: &mut Ctx<'_>,
    request: s3::GetPublicAccessBlockRequest,
) -> Result<s3::GetPublicAccessBlockResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let block = row.public_access.ok_or(Error::NoPublicAccessBlock)?;
    Ok(s3::GetPublicAccessBlockResponse {
        public_access_block_configuration: Some(s3::PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_acls),
            ignore_public_acls: Some(block.ignore_acls),
            block_public_policy: Some(block.block_policy),
            restrict_public_buckets: Some(block.restrict),
        }),
    })
}

pub(super) fn delete_public_access(
    ctx: &mut Ctx<'_>,
    request: s3::DeletePublicAccessBlockRequest,
) -> Result<s3::DeletePublicAccessBlockResponse, Refusal> {
    change(ctx, request.bucket(), |row| row.public_access = None)?;
    Ok(s3::DeletePublicAccessBlockResponse {})
}

pub(super) fn put_tags(
    ctx: &mut Ctx<'_>,
    request: s3::PutBucketTaggingRequest,
) -> Result<s3::PutBucketTaggingResponse, Refusal> {
    let given = request.tagging.clone().unwrap_or_default().tag_set;
    let tags = tags::of_set(given, TAGS)?;
    change(ctx, request.bucket(), |row| row.tags = tags)?;
    Ok(s3::PutBucketTaggingResponse {})
}

pub(super) fn get_tags(
    ctx: &mut Ctx<'_>,
    request: s3::GetBucketTaggingRequest,
) -> Result<s3::GetBucketTaggingResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    if row.tags.is_empty() {
        return Err(Error::NoSuchTagSet.into());
    }
    Ok(s3::GetBucketTaggingResponse {
        tag_set: tags::shown(&row.tags),
    })
}

pub(super) fn delete_tags(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteBucketTaggingRequest,
) -> Result<s3::DeleteBucketTaggingResponse, Refusal> {
    change(ctx, request.bucket(), |row| row.tags = BTreeMap::new())?;
    Ok(s3::DeleteBucketTaggingResponse {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_public_when_everybody_is_let_in_unconditionally() {
        let policy = |principal: &str, condition: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"{condition}}}]}}"#
            )
        };
        assert!(is_public(&policy("\"*\"", "")));
        assert!(is_public(&policy(r#"{"AWS":["*"]}"#, "")));
        assert!(is_public(&policy(
            "\"*\"",
            r#","Condition":{"StringLike":{"aws:PrincipalArn":"*"}}"#
        )));
        assert!(!is_public(&policy(
            "\"*\"",
            r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#
        )));
        assert!(!is_public(&policy(r#"{"AWS":"111111111111"}"#, "")));
        assert!(names_only(&policy("\"*\"", ""), "a") && !names_only(&policy("\"*\"", ""), "b"));
    }
}
