//! IAM: users, roles, their policies and access keys.
//!
//! IAM is one directory for the whole partition. Its endpoint is the home Region; every change
//! is a row there and a record on the stream `iam` to each other Region, in order. Regions
//! decide with the copy that they have: one that is cut off does not learn of a new user, nor
//! that a policy was taken away.
//!
//! - [`users`], [`roles`], [`policies`], [`managed`], [`boundaries`], [`access_keys`]: the
//!   operations. [`access`]: what they touch. [`documents`]: policies on their way in.
//! - [`directory`]: what every call asks: whose key is this, which policies speak for it.
//! - [`propagation`]: how changes leave; [`apply`]: the records. [`keyspaces`]: the rows. [`error`]: every way IAM says no.
//!
//! Left out: groups, versions and deletion of managed policies, instance profiles, MFA, identity
//! providers.

mod access;
mod access_keys;
mod apply;
mod boundaries;
mod directory;
mod documents;
mod error;
mod ids;
pub mod keyspaces;
mod managed;
mod pages;
mod policies;
mod propagation;
mod roles;
#[cfg(test)]
mod tests;
mod users;

use faultline_proto::handlers::{IamHandler, IamRequest, dispatch_iam};
use faultline_proto::iam as api;
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;

pub use directory::{RoleView, SessionPolicies, principal_exists, role, secret_access_key};
pub(crate) use directory::{credential, policies_of};
pub use ids::access_key as new_access_key;
pub use managed::managed_policy;
pub use propagation::propagate;

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service};
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

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) {
        apply::apply(ctx, from, kind, body);
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        if kind == propagation::LEAVES {
            propagation::leave(ctx, payload);
        }
    }
}

type Answer<T> = Result<Progress<T>, IamError>;

impl IamHandler for Iam {
    type Ctx<'a> = Ctx<'a>;
    type Error = IamError;

    fn create_user(
        ctx: &mut Ctx<'_>,
        request: api::CreateUserRequest,
    ) -> Answer<api::CreateUserResponse> {
        users::create(ctx, request).map(Progress::Done)
    }
    fn get_user(ctx: &mut Ctx<'_>, request: api::GetUserRequest) -> Answer<api::GetUserResponse> {
        users::get(ctx, request).map(Progress::Done)
    }
    fn list_users(
        ctx: &mut Ctx<'_>,
        request: api::ListUsersRequest,
    ) -> Answer<api::ListUsersResponse> {
        users::list(ctx, request).map(Progress::Done)
    }
    fn create_access_key(
        ctx: &mut Ctx<'_>,
        request: api::CreateAccessKeyRequest,
    ) -> Answer<api::CreateAccessKeyResponse> {
        access_keys::create(ctx, request).map(Progress::Done)
    }
    fn put_user_policy(
        ctx: &mut Ctx<'_>,
        request: api::PutUserPolicyRequest,
    ) -> Answer<api::PutUserPolicyResponse> {
        policies::put_user_policy(ctx, request).map(Progress::Done)
    }
    fn delete_user_policy(
        ctx: &mut Ctx<'_>,
        request: api::DeleteUserPolicyRequest,
    ) -> Answer<api::DeleteUserPolicyResponse> {
        policies::delete_user_policy(ctx, request).map(Progress::Done)
    }
    fn create_role(
        ctx: &mut Ctx<'_>,
        request: api::CreateRoleRequest,
    ) -> Answer<api::CreateRoleResponse> {
        roles::create(ctx, request).map(Progress::Done)
    }
    fn get_role(ctx: &mut Ctx<'_>, request: api::GetRoleRequest) -> Answer<api::GetRoleResponse> {
        roles::get(ctx, request).map(Progress::Done)
    }
    fn list_roles(
        ctx: &mut Ctx<'_>,
        request: api::ListRolesRequest,
    ) -> Answer<api::ListRolesResponse> {
        roles::list(ctx, request).map(Progress::Done)
    }
    fn update_assume_role_policy(
        ctx: &mut Ctx<'_>,
        request: api::UpdateAssumeRolePolicyRequest,
    ) -> Answer<api::UpdateAssumeRolePolicyResponse> {
        roles::update_trust(ctx, request).map(Progress::Done)
    }
    fn put_role_policy(
        ctx: &mut Ctx<'_>,
        request: api::PutRolePolicyRequest,
    ) -> Answer<api::PutRolePolicyResponse> {
        policies::put_role_policy(ctx, request).map(Progress::Done)
    }
    fn delete_role_policy(
        ctx: &mut Ctx<'_>,
        request: api::DeleteRolePolicyRequest,
    ) -> Answer<api::DeleteRolePolicyResponse> {
        policies::delete_role_policy(ctx, request).map(Progress::Done)
    }
    fn update_access_key(
        ctx: &mut Ctx<'_>,
        request: api::UpdateAccessKeyRequest,
    ) -> Answer<api::UpdateAccessKeyResponse> {
        access_keys::update(ctx, request).map(Progress::Done)
    }
    fn delete_access_key(
        ctx: &mut Ctx<'_>,
        request: api::DeleteAccessKeyRequest,
    ) -> Answer<api::DeleteAccessKeyResponse> {
        access_keys::delete(ctx, request).map(Progress::Done)
    }
    fn delete_user(
        ctx: &mut Ctx<'_>,
        request: api::DeleteUserRequest,
    ) -> Answer<api::DeleteUserResponse> {
        users::delete(ctx, request).map(Progress::Done)
    }
    fn attach_user_policy(
        ctx: &mut Ctx<'_>,
        request: api::AttachUserPolicyRequest,
    ) -> Answer<api::AttachUserPolicyResponse> {
        managed::attach_user(ctx, request).map(Progress::Done)
    }
    fn detach_user_policy(
        ctx: &mut Ctx<'_>,
        request: api::DetachUserPolicyRequest,
    ) -> Answer<api::DetachUserPolicyResponse> {
        managed::detach_user(ctx, request).map(Progress::Done)
    }
    fn put_user_permissions_boundary(
        ctx: &mut Ctx<'_>,
        request: api::PutUserPermissionsBoundaryRequest,
    ) -> Answer<api::PutUserPermissionsBoundaryResponse> {
        boundaries::put_user(ctx, request).map(Progress::Done)
    }
    fn delete_user_permissions_boundary(
        ctx: &mut Ctx<'_>,
        request: api::DeleteUserPermissionsBoundaryRequest,
    ) -> Answer<api::DeleteUserPermissionsBoundaryResponse> {
        boundaries::delete_user(ctx, request).map(Progress::Done)
    }
    fn attach_role_policy(
        ctx: &mut Ctx<'_>,
        request: api::AttachRolePolicyRequest,
    ) -> Answer<api::AttachRolePolicyResponse> {
        managed::attach_role(ctx, request).map(Progress::Done)
    }
    fn detach_role_policy(
        ctx: &mut Ctx<'_>,
        request: api::DetachRolePolicyRequest,
    ) -> Answer<api::DetachRolePolicyResponse> {
        managed::detach_role(ctx, request).map(Progress::Done)
    }
    fn put_role_permissions_boundary(
        ctx: &mut Ctx<'_>,
        request: api::PutRolePermissionsBoundaryRequest,
    ) -> Answer<api::PutRolePermissionsBoundaryResponse> {
        boundaries::put_role(ctx, request).map(Progress::Done)
    }
    fn delete_role_permissions_boundary(
        ctx: &mut Ctx<'_>,
        request: api::DeleteRolePermissionsBoundaryRequest,
    ) -> Answer<api::DeleteRolePermissionsBoundaryResponse> {
        boundaries::delete_role(ctx, request).map(Progress::Done)
    }
    fn delete_role(
        ctx: &mut Ctx<'_>,
        request: api::DeleteRoleRequest,
    ) -> Answer<api::DeleteRoleResponse> {
        roles::delete(ctx, request).map(Progress::Done)
    }
    fn create_policy(
        ctx: &mut Ctx<'_>,
        request: api::CreatePolicyRequest,
    ) -> Answer<api::CreatePolicyResponse> {
        managed::create(ctx, request).map(Progress::Done)
    }
}
