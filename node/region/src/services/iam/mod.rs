//! IAM: users, groups, roles, their policies and access keys.
//!
//! IAM is one directory for the whole partition. Its endpoint is the home Region; every change
//! is a row there and a record on the stream `iam` to each other Region, in order. Regions
//! decide with the copy that they have: one that is cut off does not learn of a new user, nor
//! that a policy was taken away.
//!
//! - [`users`], [`groups`], [`roles`], [`access_keys`], [`tags`]: who is there.
//! - [`policies`] (inline), [`managed`], [`versions`], [`attached`], [`usage`], [`boundaries`]:
//!   what they may do; [`holders`]: the three that have policies, as one.
//! - [`simulate`]: what the evaluator would say, [`sources`]: by whose policies.
//! - [`access`]: what each operation touches. [`documents`]: policies on their way in.
//! - [`directory`]: what every call asks: whose key is this, which policies speak for it.
//! - [`propagation`]: how changes leave; [`apply`]: the records. [`keyspaces`]: the rows. [`error`]: every way IAM says no.
//!
//! Left out: instance profiles, passwords, MFA, identity providers, service-linked roles.

mod access;
mod access_keys;
mod apply;
mod attached;
mod boundaries;
mod directory;
mod documents;
mod entries;
mod error;
mod groups;
mod holders;
mod ids;
pub mod keyspaces;
mod managed;
mod pages;
mod policies;
mod propagation;
mod roles;
mod simulate;
mod sources;
mod tags;
#[cfg(test)]
mod tests;
mod usage;
mod users;
mod versions;

use faultline_proto::handlers::{IamHandler, IamRequest, dispatch_iam};
use faultline_proto::iam as api;
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;

pub use directory::{RoleView, SessionPolicies, principal_exists, role, secret_access_key};
pub(crate) use directory::{credential, policies_of};
pub use ids::access_key as new_access_key;
pub use managed::managed_policy;
pub use propagation::{propagate, take_change};

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service, handlers};
use error::IamError;

/// Identity and Access Management.
#[derive(Debug)]
pub(crate) struct Iam;

impl Service for Iam {
    const PREFIX: &'static str = "iam";
    const PRINCIPAL: &'static str = "iam.amazonaws.com";
    type Request = IamRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<IamRequest, prost::DecodeError>> {
        IamRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &IamRequest) -> Result<Vec<Access>, Refusal> {
        Ok(access::of(ctx, request)?)
    }

    fn handle(ctx: &mut Ctx<'_>, request: IamRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        Ok(dispatch_iam::<Self>(ctx, request)?)
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        take_change(ctx, from, kind, body, |ctx, record: apply::Record| {
            record.write(ctx);
        })
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        if kind == propagation::LEAVES {
            propagation::leave(ctx, payload);
        }
    }
}

handlers! {
    IamHandler for Iam in api, IamError;
    create_user => users::create: CreateUserRequest -> CreateUserResponse;
    get_user => users::get: GetUserRequest -> GetUserResponse;
    list_users => users::list: ListUsersRequest -> ListUsersResponse;
    update_user => users::update: UpdateUserRequest -> UpdateUserResponse;
    delete_user => users::delete: DeleteUserRequest -> DeleteUserResponse;
    create_access_key => access_keys::create: CreateAccessKeyRequest -> CreateAccessKeyResponse;
    list_access_keys => access_keys::list: ListAccessKeysRequest -> ListAccessKeysResponse;
    update_access_key => access_keys::update: UpdateAccessKeyRequest -> UpdateAccessKeyResponse;
    delete_access_key => access_keys::delete: DeleteAccessKeyRequest -> DeleteAccessKeyResponse;
    create_role => roles::create: CreateRoleRequest -> CreateRoleResponse;
    get_role => roles::get: GetRoleRequest -> GetRoleResponse;
    list_roles => roles::list: ListRolesRequest -> ListRolesResponse;
    update_role => roles::update: UpdateRoleRequest -> UpdateRoleResponse;
    update_assume_role_policy => roles::update_trust: UpdateAssumeRolePolicyRequest -> UpdateAssumeRolePolicyResponse;
    delete_role => roles::delete: DeleteRoleRequest -> DeleteRoleResponse;
    create_group => groups::create: CreateGroupRequest -> CreateGroupResponse;
    get_group => groups::get: GetGroupRequest -> GetGroupResponse;
    list_groups => groups::list: ListGroupsRequest -> ListGroupsResponse;
    list_groups_for_user => groups::of_user: ListGroupsForUserRequest -> ListGroupsForUserResponse;
    add_user_to_group => groups::add_user: AddUserToGroupRequest -> AddUserToGroupResponse;
    remove_user_from_group => groups::remove_user: RemoveUserFromGroupRequest -> RemoveUserFromGroupResponse;
    delete_group => groups::delete: DeleteGroupRequest -> DeleteGroupResponse;
    put_user_policy => policies::put_user_policy: PutUserPolicyRequest -> PutUserPolicyResponse;
    get_user_policy => policies::get_user_policy: GetUserPolicyRequest -> GetUserPolicyResponse;
    list_user_policies => policies::list_user_policies: ListUserPoliciesRequest -> ListUserPoliciesResponse;
    delete_user_policy => policies::delete_user_policy: DeleteUserPolicyRequest -> DeleteUserPolicyResponse;
    put_group_policy => policies::put_group_policy: PutGroupPolicyRequest -> PutGroupPolicyResponse;
    get_group_policy => policies::get_group_policy: GetGroupPolicyRequest -> GetGroupPolicyResponse;
    list_group_policies => policies::list_group_policies: ListGroupPoliciesRequest -> ListGroupPoliciesResponse;
    delete_group_policy => policies::delete_group_policy: DeleteGroupPolicyRequest -> DeleteGroupPolicyResponse;
    put_role_policy => policies::put_role_policy: PutRolePolicyRequest -> PutRolePolicyResponse;
    get_role_policy => policies::get_role_policy: GetRolePolicyRequest -> GetRolePolicyResponse;
    list_role_policies => policies::list_role_policies: ListRolePoliciesRequest -> ListRolePoliciesResponse;
    delete_role_policy => policies::delete_role_policy: DeleteRolePolicyRequest -> DeleteRolePolicyResponse;
    attach_user_policy => attached::attach_user: AttachUserPolicyRequest -> AttachUserPolicyResponse;
    detach_user_policy => attached::detach_user: DetachUserPolicyRequest -> DetachUserPolicyResponse;
    list_attached_user_policies => attached::list_of_user: ListAttachedUserPoliciesRequest -> ListAttachedUserPoliciesResponse;
    attach_group_policy => attached::attach_group: AttachGroupPolicyRequest -> AttachGroupPolicyResponse;
    detach_group_policy => attached::detach_group: DetachGroupPolicyRequest -> DetachGroupPolicyResponse;
    list_attached_group_policies => attached::list_of_group: ListAttachedGroupPoliciesRequest -> ListAttachedGroupPoliciesResponse;
    attach_role_policy => attached::attach_role: AttachRolePolicyRequest -> AttachRolePolicyResponse;
    detach_role_policy => attached::detach_role: DetachRolePolicyRequest -> DetachRolePolicyResponse;
    list_attached_role_policies => attached::list_of_role: ListAttachedRolePoliciesRequest -> ListAttachedRolePoliciesResponse;
    put_user_permissions_boundary => boundaries::put_user: PutUserPermissionsBoundaryRequest -> PutUserPermissionsBoundaryResponse;
    delete_user_permissions_boundary => boundaries::delete_user: DeleteUserPermissionsBoundaryRequest -> DeleteUserPermissionsBoundaryResponse;
    put_role_permissions_boundary => boundaries::put_role: PutRolePermissionsBoundaryRequest -> PutRolePermissionsBoundaryResponse;
    delete_role_permissions_boundary => boundaries::delete_role: DeleteRolePermissionsBoundaryRequest -> DeleteRolePermissionsBoundaryResponse;
    create_policy => managed::create: CreatePolicyRequest -> CreatePolicyResponse;
    get_policy => managed::get: GetPolicyRequest -> GetPolicyResponse;
    list_policies => managed::list: ListPoliciesRequest -> ListPoliciesResponse;
    list_entities_for_policy => usage::entities: ListEntitiesForPolicyRequest -> ListEntitiesForPolicyResponse;
    delete_policy => managed::delete: DeletePolicyRequest -> DeletePolicyResponse;
    create_policy_version => versions::create: CreatePolicyVersionRequest -> CreatePolicyVersionResponse;
    get_policy_version => versions::get: GetPolicyVersionRequest -> GetPolicyVersionResponse;
    list_policy_versions => versions::list: ListPolicyVersionsRequest -> ListPolicyVersionsResponse;
    set_default_policy_version => versions::set_default: SetDefaultPolicyVersionRequest -> SetDefaultPolicyVersionResponse;
    delete_policy_version => versions::delete: DeletePolicyVersionRequest -> DeletePolicyVersionResponse;
    tag_user => tags::tag_user: TagUserRequest -> TagUserResponse;
    untag_user => tags::untag_user: UntagUserRequest -> UntagUserResponse;
    list_user_tags => tags::list_of_user: ListUserTagsRequest -> ListUserTagsResponse;
    tag_role => tags::tag_role: TagRoleRequest -> TagRoleResponse;
    untag_role => tags::untag_role: UntagRoleRequest -> UntagRoleResponse;
    list_role_tags => tags::list_of_role: ListRoleTagsRequest -> ListRoleTagsResponse;
    tag_policy => tags::tag_policy: TagPolicyRequest -> TagPolicyResponse;
    untag_policy => tags::untag_policy: UntagPolicyRequest -> UntagPolicyResponse;
    list_policy_tags => tags::list_of_policy: ListPolicyTagsRequest -> ListPolicyTagsResponse;
    simulate_custom_policy => simulate::custom: SimulateCustomPolicyRequest -> SimulatePolicyResponse;
    simulate_principal_policy => simulate::principal: SimulatePrincipalPolicyRequest -> SimulatePolicyResponse;
}
