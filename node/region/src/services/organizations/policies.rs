//! Service and resource control policies.

use faultline_proto::organizations as api;

use super::accounts::id;
use super::error::OrganizationsError;
use super::keyspaces::{ControlPolicyRow, OrganizationRow, PolicyType};
use super::tree;
use crate::context::Ctx;
use crate::identity::Document;

/// Policies of one type on one target.
const ATTACHED: usize = 5;
/// Characters of a policy.
const LIMIT: usize = 5_120;

/// CreatePolicy.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreatePolicyRequest,
) -> Result<api::CreatePolicyResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let kind = PolicyType::read(request.r#type.as_deref())?;
    let policy = ControlPolicyRow {
        name: request.name.unwrap_or_default(),
        description: request.description.unwrap_or_default(),
        kind,
        content: checked(request.content.unwrap_or_default(), kind)?,
    };
    if row
        .policies
        .values()
        .any(|known| known.name == policy.name && known.kind == kind)
    {
        return Err(OrganizationsError::DuplicatePolicy);
    }
    let id = id(ctx, "p-", 10);
    row.policies.insert(id.clone(), policy);
    row.publish(ctx);
    Ok(api::CreatePolicyResponse {
        policy: shown(&row, &id),
    })
}

/// UpdatePolicy.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: api::UpdatePolicyRequest,
) -> Result<api::UpdatePolicyResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let id = request.policy_id.unwrap_or_default();
    let policy = own(&mut row, &id)?;
    if let Some(content) = request.content {
        policy.content = checked(content, policy.kind)?;
    }
    policy.name = request.name.unwrap_or_else(|| policy.name.clone());
    policy.description = request
        .description
        .unwrap_or_else(|| policy.description.clone());
    row.publish(ctx);
    Ok(api::UpdatePolicyResponse {
        policy: shown(&row, &id),
    })
}

/// DeletePolicy.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeletePolicyRequest,
) -> Result<api::DeletePolicyResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let id = request.policy_id.unwrap_or_default();
    own(&mut row, &id)?;
    if row
        .attached
        .values()
        .flatten()
        .any(|attached| *attached == id)
    {
        return Err(OrganizationsError::InUse);
    }
    row.policies.remove(&id);
    row.publish(ctx);
    Ok(api::DeletePolicyResponse {})
}

/// AttachPolicy.
pub(super) fn attach(
    ctx: &mut Ctx<'_>,
    request: api::AttachPolicyRequest,
) -> Result<api::AttachPolicyResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let (id, target) = (
        request.policy_id.unwrap_or_default(),
        request.target_id.unwrap_or_default(),
    );
    let kind = kind_on_target(&row, &id, &target)?;
    if !row.enabled.contains(&kind) {
        return Err(OrganizationsError::TypeNotEnabled);
    }
    let known = of_kind(&row, &target, kind);
    if known.contains(&id) {
        return Err(OrganizationsError::AlreadyAttached);
    }
    if known.len() >= ATTACHED {
        return Err(OrganizationsError::TooMany(ATTACHED));
    }
    row.attached.entry(target).or_default().push(id);
    row.publish(ctx);
    Ok(api::AttachPolicyResponse {})
}

/// DetachPolicy: one service control policy must stay, and AWS's own resource control policy.
pub(super) fn detach(
    ctx: &mut Ctx<'_>,
    request: api::DetachPolicyRequest,
) -> Result<api::DetachPolicyResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let (id, target) = (
        request.policy_id.unwrap_or_default(),
        request.target_id.unwrap_or_default(),
    );
    let kind = kind_on_target(&row, &id, &target)?;
    let known = of_kind(&row, &target, kind);
    if !known.contains(&id) {
        return Err(OrganizationsError::NotAttached);
    }
    if id == PolicyType::ResourceControl.full_access() {
        return Err(OrganizationsError::AwsManaged(id));
    }
    if known.len() == 1 {
        return Err(OrganizationsError::LastPolicy);
    }
    row.attached
        .entry(target)
        .or_default()
        .retain(|attached| *attached != id);
    row.publish(ctx);
    Ok(api::DetachPolicyResponse {})
}

/// ListPoliciesForTarget, in one page: a target has few.
pub(super) fn of_target(
    ctx: &mut Ctx<'_>,
    request: api::ListPoliciesForTargetRequest,
) -> Result<api::ListPoliciesForTargetResponse, OrganizationsError> {
    let row = tree::managed(ctx)?;
    let kind = PolicyType::read(request.filter.as_deref())?;
    let target = request.target_id.unwrap_or_default();
    if !row.has_target(&target) {
        return Err(OrganizationsError::NoSuchTarget);
    }
    let policies = of_kind(&row, &target, kind)
        .iter()
        .filter_map(|id| summary(&row, id))
        .collect();
    Ok(api::ListPoliciesForTargetResponse {
        policies,
        next_token: None,
    })
}

/// The type of a policy that is to stand on a target; both must be there.
fn kind_on_target(
    row: &OrganizationRow,
    policy: &str,
    target: &str,
) -> Result<PolicyType, OrganizationsError> {
    let policy = row.policy(policy).ok_or(OrganizationsError::NoSuchPolicy)?;
    if row.has_target(target) {
        Ok(policy.kind)
    } else {
        Err(OrganizationsError::NoSuchTarget)
    }
}

fn of_kind(row: &OrganizationRow, target: &str, kind: PolicyType) -> Vec<String> {
    let all = row.attached.get(target).into_iter().flatten();
    all.filter(|id| row.policy(id).is_some_and(|policy| policy.kind == kind))
        .cloned()
        .collect()
}

fn checked(content: String, kind: PolicyType) -> Result<String, OrganizationsError> {
    let length = content.chars().count();
    if length > LIMIT {
        return Err(OrganizationsError::TooLarge(length));
    }
    Document::parse(&content, kind.document()).map_err(OrganizationsError::Malformed)?;
    Ok(content)
}

/// A policy that is not AWS's own.
fn own<'r>(
    row: &'r mut OrganizationRow,
    id: &str,
) -> Result<&'r mut ControlPolicyRow, OrganizationsError> {
    if row.policy(id).is_some() && !row.policies.contains_key(id) {
        return Err(OrganizationsError::AwsManaged(id.to_owned()));
    }
    row.policies
        .get_mut(id)
        .ok_or(OrganizationsError::NoSuchPolicy)
}

fn shown(row: &OrganizationRow, id: &str) -> Option<api::Policy> {
    let content = row.policy(id)?.content;
    Some(api::Policy {
        policy_summary: summary(row, id),
        content: Some(content),
    })
}

fn summary(row: &OrganizationRow, id: &str) -> Option<api::PolicySummary> {
    let policy = row.policy(id)?;
    Some(api::PolicySummary {
        id: Some(id.to_owned()),
        arn: Some(row.policy_arn(id, policy.kind)),
        name: Some(policy.name),
        description: Some(policy.description),
        r#type: Some(policy.kind.word().to_owned()),
        aws_managed: Some(!row.policies.contains_key(id)),
    })
}
