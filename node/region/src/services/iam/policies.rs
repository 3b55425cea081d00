//! Inline policies of users, groups and roles.

use faultline_proto::iam as api;

use super::error::{Entity, IamError};
use super::pages::{Page, slice};
use super::{documents, holders};
use crate::context::Ctx;

/// The four operations of one kind of holder: they differ in names only.
macro_rules! of_holder {
    ($kind:ident, $holder:ident;
     $put:ident: $put_request:ident -> $put_response:ident;
     $get:ident: $get_request:ident -> $get_response:ident;
     $list:ident: $list_request:ident -> $list_response:ident;
     $delete:ident: $delete_request:ident -> $delete_response:ident;) => {
        pub(super) fn $put(
            ctx: &mut Ctx<'_>,
            request: api::$put_request,
        ) -> Result<api::$put_response, IamError> {
            let (name, text) = (request.policy_name, request.policy_document);
            put(ctx, Entity::$kind, request.$holder, name, text)?;
            Ok(api::$put_response {})
        }

        pub(super) fn $get(
            ctx: &mut Ctx<'_>,
            request: api::$get_request,
        ) -> Result<api::$get_response, IamError> {
            let found = get(ctx, Entity::$kind, request.$holder, request.policy_name)?;
            Ok(api::$get_response {
                $holder: Some(found.holder),
                policy_name: Some(found.name),
                policy_document: Some(found.document),
            })
        }

        pub(super) fn $list(
            ctx: &mut Ctx<'_>,
            request: api::$list_request,
        ) -> Result<api::$list_response, IamError> {
            let held = holders::held(ctx, Entity::$kind, request.$holder)?;
            let names = held.policies.into_keys();
            let Page { rows, marker } = slice(names, request.marker.as_deref(), request.max_items)?;
            Ok(api::$list_response {
                policy_names: rows,
                is_truncated: Some(marker.is_some()),
                marker,
            })
        }

        pub(super) fn $delete(
            ctx: &mut Ctx<'_>,
            request: api::$delete_request,
        ) -> Result<api::$delete_response, IamError> {
            delete(ctx, Entity::$kind, request.$holder, request.policy_name)?;
            Ok(api::$delete_response {})
        }
    };
}

of_holder! { User, user_name;
    put_user_policy: PutUserPolicyRequest -> PutUserPolicyResponse;
    get_user_policy: GetUserPolicyRequest -> GetUserPolicyResponse;
    list_user_policies: ListUserPoliciesRequest -> ListUserPoliciesResponse;
    delete_user_policy: DeleteUserPolicyRequest -> DeleteUserPolicyResponse;
}
of_holder! { Group, group_name;
    put_group_policy: PutGroupPolicyRequest -> PutGroupPolicyResponse;
    get_group_policy: GetGroupPolicyRequest -> GetGroupPolicyResponse;
    list_group_policies: ListGroupPoliciesRequest -> ListGroupPoliciesResponse;
    delete_group_policy: DeleteGroupPolicyRequest -> DeleteGroupPolicyResponse;
}
of_holder! { Role, role_name;
    put_role_policy: PutRolePolicyRequest -> PutRolePolicyResponse;
    get_role_policy: GetRolePolicyRequest -> GetRolePolicyResponse;
    list_role_policies: ListRolePoliciesRequest -> ListRolePoliciesResponse;
    delete_role_policy: DeleteRolePolicyRequest -> DeleteRolePolicyResponse;
}

/// An inline policy and whose it is.
struct Found {
    holder: String,
    name: String,
    document: String,
}

fn put(
    ctx: &mut Ctx<'_>,
    kind: Entity,
    holder: Option<String>,
    name: Option<String>,
    text: Option<String>,
) -> Result<(), IamError> {
    let (name, text) = (name.unwrap_or_default(), text.unwrap_or_default());
    documents::identity(&text)?;
    holders::change(ctx, kind, holder, |holding| {
        holding.policies.insert(name, text);
        documents::fit(kind, holding.name, holding.policies.values())
    })
}

fn get(
    ctx: &mut Ctx<'_>,
    kind: Entity,
    holder: Option<String>,
    name: Option<String>,
) -> Result<Found, IamError> {
    let name = name.unwrap_or_default();
    let mut held = holders::held(ctx, kind, holder)?;
    match held.policies.remove(&name) {
        Some(document) => Ok(Found {
            holder: held.name,
            name,
            document,
        }),
        None => Err(IamError::NoSuchPolicy { kind, name }),
    }
}

fn delete(
    ctx: &mut Ctx<'_>,
    kind: Entity,
    holder: Option<String>,
    name: Option<String>,
) -> Result<(), IamError> {
    let name = name.unwrap_or_default();
    holders::change(ctx, kind, holder, |holding| {
        match holding.policies.remove(&name) {
            Some(_) => Ok(()),
            None => Err(IamError::NoSuchPolicy { kind, name }),
        }
    })
}
