//! Managed policies of users, groups and roles: given, taken, listed.

use faultline_proto::iam as api;

use super::error::{Entity, IamError};
use super::pages::{Page, slice};
use super::{holders, ids, managed};
use crate::context::Ctx;

/// Managed policies that a user, group or role may have.
const MOST: usize = 10;

/// The three operations of one kind of holder: they differ in names only.
macro_rules! of_holder {
    ($kind:ident, $holder:ident, $quota:literal;
     $attach:ident: $attach_request:ident -> $attach_response:ident;
     $detach:ident: $detach_request:ident -> $detach_response:ident;
     $list:ident: $list_request:ident -> $list_response:ident;) => {
        pub(super) fn $attach(
            ctx: &mut Ctx<'_>,
            request: api::$attach_request,
        ) -> Result<api::$attach_response, IamError> {
            let arn = managed::attachable(ctx, request.policy_arn)?;
            holders::change(ctx, Entity::$kind, request.$holder, |holding| {
                attach(holding.attached, arn, $quota)
            })?;
            Ok(api::$attach_response {})
        }

        pub(super) fn $detach(
            ctx: &mut Ctx<'_>,
            request: api::$detach_request,
        ) -> Result<api::$detach_response, IamError> {
            let arn = request.policy_arn.unwrap_or_default();
            holders::change(ctx, Entity::$kind, request.$holder, |holding| {
                detach(holding.attached, arn)
            })?;
            Ok(api::$detach_response {})
        }

        pub(super) fn $list(
            ctx: &mut Ctx<'_>,
            request: api::$list_request,
        ) -> Result<api::$list_response, IamError> {
            let held = holders::held(ctx, Entity::$kind, request.$holder)?;
            let found = shown(held.attached, request.path_prefix.as_deref());
            let Page { rows, marker } = slice(found, request.marker.as_deref(), request.max_items)?;
            Ok(api::$list_response {
                attached_policies: rows,
                is_truncated: Some(marker.is_some()),
                marker,
            })
        }
    };
}

of_holder! { User, user_name, "PoliciesPerUser";
    attach_user: AttachUserPolicyRequest -> AttachUserPolicyResponse;
    detach_user: DetachUserPolicyRequest -> DetachUserPolicyResponse;
    list_of_user: ListAttachedUserPoliciesRequest -> ListAttachedUserPoliciesResponse;
}
of_holder! { Group, group_name, "PoliciesPerGroup";
    attach_group: AttachGroupPolicyRequest -> AttachGroupPolicyResponse;
    detach_group: DetachGroupPolicyRequest -> DetachGroupPolicyResponse;
    list_of_group: ListAttachedGroupPoliciesRequest -> ListAttachedGroupPoliciesResponse;
}
of_holder! { Role, role_name, "PoliciesPerRole";
    attach_role: AttachRolePolicyRequest -> AttachRolePolicyResponse;
    detach_role: DetachRolePolicyRequest -> DetachRolePolicyResponse;
    list_of_role: ListAttachedRolePoliciesRequest -> ListAttachedRolePoliciesResponse;
}

fn attach(attached: &mut Vec<String>, arn: String, quota: &'static str) -> Result<(), IamError> {
    if attached.contains(&arn) {
        return Ok(());
    }
    if attached.len() >= MOST {
        return Err(IamError::Quota {
            what: quota,
            limit: MOST,
        });
    }
    attached.push(arn);
    Ok(())
}

fn detach(attached: &mut Vec<String>, arn: String) -> Result<(), IamError> {
    let Some(at) = attached.iter().position(|known| *known == arn) else {
        return Err(IamError::NotAttached(arn));
    };
    attached.remove(at);
    Ok(())
}

fn shown(attached: Vec<String>, prefix: Option<&str>) -> Vec<api::AttachedPolicy> {
    let under = |arn: &String| prefix.is_none_or(|prefix| ids::path_of(arn).starts_with(prefix));
    let policy = |arn: String| api::AttachedPolicy {
        policy_name: Some(ids::name_of(&arn).to_owned()),
        policy_arn: Some(arn),
    };
    attached.into_iter().filter(under).map(policy).collect()
}
