//! What a session carries beside its role: policies, tags and who stands behind it.

use std::collections::BTreeMap;

use faultline_proto::sts as api;

use super::error::StsError;
use crate::caller::Caller;
use crate::context::Ctx;
use crate::directory::{self, SessionPolicies};
use crate::identity::{Document, DocumentKind};

/// Characters of an inline session policy, and of all session policies and tags together.
const POLICY_LIMIT: usize = 2_048;
/// Managed policies that a session may name.
const ARNS: usize = 10;
/// Tags of a session.
const TAGS: usize = 50;

const TAG: &str = "aws:principaltag/";
const SOURCE: &str = "aws:sourceidentity";

/// What a session carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub policies: SessionPolicies,
    /// Condition keys of every call of the session.
    pub context: BTreeMap<String, String>,
    /// Names of tags that go on to the next role.
    pub transitive_tags: Vec<String>,
    /// Percent of the space that policies and tags take.
    pub packed: Option<i32>,
}

/// Reads what AssumeRole is asked to put into a session; transitive tags and the source identity
/// of the calling session go on.
pub(super) fn carried(
    ctx: &mut Ctx<'_>,
    caller: &Caller,
    request: &api::AssumeRoleRequest,
) -> Result<Carried, StsError> {
    let mut carried = Carried::default();
    let mut length = 0;
    if let Some(policy) = request
        .policy
        .as_deref()
        .filter(|policy| !policy.is_empty())
    {
        Document::parse(policy, DocumentKind::Session).map_err(StsError::MalformedPolicy)?;
        length = policy.chars().count();
        if length > POLICY_LIMIT {
            return Err(StsError::PolicyTooLarge(length));
        }
        carried
            .policies
            .0
            .push(("session".to_owned(), policy.to_owned()));
    }
    if request.policy_arns.len() > ARNS {
        return Err(StsError::TooMany {
            what: "PolicyArns",
            limit: ARNS,
        });
    }
    for named in &request.policy_arns {
        let arn = named.arn.clone().unwrap_or_default();
        let text = directory::managed_policy(ctx, &arn)
            .ok_or_else(|| StsError::NoSuchPolicy(arn.clone()))?;
        length += arn.len();
        carried.policies.0.push((arn, text));
    }
    length += tags(caller, request, &mut carried)?;
    source_identity(caller, request, &mut carried)?;
    if length > 0 {
        carried.packed = i32::try_from((length * 100).div_ceil(POLICY_LIMIT)).ok();
    }
    if carried.packed > Some(100) {
        return Err(StsError::PolicyTooLarge(length));
    }
    Ok(carried)
}

/// Adds the tags; answers how many characters those of the request have.
fn tags(
    caller: &Caller,
    request: &api::AssumeRoleRequest,
    carried: &mut Carried,
) -> Result<usize, StsError> {
    if request.tags.len() > TAGS {
        return Err(StsError::TooMany {
            what: "Tags",
            limit: TAGS,
        });
    }
    for name in &caller.transitive_tags {
        let key = format!("{TAG}{}", name.to_lowercase());
        if let Some(value) = caller.context.get(&key) {
            carried.context.insert(key, value.clone());
            carried.transitive_tags.push(name.clone());
        }
    }
    let mut length = 0;
    for tag in &request.tags {
        let (name, value) = (
            tag.key.clone().unwrap_or_default(),
            tag.value.clone().unwrap_or_default(),
        );
        length += name.chars().count() + value.chars().count();
        let inherited = carried
            .context
            .insert(format!("{TAG}{}", name.to_lowercase()), value);
        if inherited.is_some() {
            return Err(StsError::TagTwice(name));
        }
    }
    for name in &request.transitive_tag_keys {
        if !request
            .tags
            .iter()
            .any(|tag| tag.key.as_deref() == Some(name))
        {
            return Err(StsError::NoSuchTag(name.clone()));
        }
        carried.transitive_tags.push(name.clone());
    }
    Ok(length)
}

/// A source identity stays with every session that follows and cannot be changed.
fn source_identity(
    caller: &Caller,
    request: &api::AssumeRoleRequest,
    carried: &mut Carried,
) -> Result<(), StsError> {
    let set = caller.context.get(SOURCE).filter(|_| caller.is_session());
    let source = match (set, &request.source_identity) {
        (Some(set), Some(asked)) if set != asked => {
            return Err(StsError::SourceIdentityIsSet(set.clone()));
        }
        (Some(set), _) => Some(set),
        (None, asked) => asked.as_ref(),
    };
    if let Some(source) = source {
        carried.context.insert(SOURCE.to_owned(), source.clone());
    }
    Ok(())
}
