//! Organizations: accounts together under service and resource control policies.
//!
//! An organisation is part of the partition's directory: its endpoint is the home Region, and
//! every change travels to the others on the directory's stream, so a Region that is cut off
//! fences with what it has. It has one row.
//!
//! - [`tree`]: what an organisation is, and which policies bind an account.
//! - [`accounts`], [`units`], [`policies`]: the operations. [`binding`]: what every call asks.
//! - [`keyspaces`]: the rows. [`error`]: every way Organizations says no.
//!
//! Left out: accounts that Organizations itself makes, leaving an organisation of one's own accord, delegated
//! administrators, and the policy types that say nothing about permissions.

mod accounts;
mod binding;
mod error;
pub mod keyspaces;
mod policies;
#[cfg(test)]
mod tests;
mod tree;
mod units;

use faultline_proto::handlers::{
    OrganizationsHandler, OrganizationsRequest, dispatch_organizations,
};
use faultline_proto::names::RegionName;
use faultline_proto::organizations as api;
use faultline_proto::progress::Progress;

pub(crate) use binding::{Fence, binding, organization_of};

use crate::context::Ctx;
use crate::directory::take_change;
use crate::refusal::Refusal;
use crate::service::{Access, Service, Wording, handlers};
use error::OrganizationsError;
use keyspaces::OrganizationRow;

/// AWS Organizations.
#[derive(Debug)]
pub(crate) struct Organizations;

impl Service for Organizations {
    const PREFIX: &'static str = "organizations";
    const PRINCIPAL: &'static str = "organizations.amazonaws.com";
    type Request = OrganizationsRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<OrganizationsRequest, prost::DecodeError>> {
        OrganizationsRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &OrganizationsRequest) -> Result<Vec<Access>, Refusal> {
        if ctx.region() != &ctx.core.home {
            return Err(OrganizationsError::NotHome {
                home: ctx.core.home.clone(),
                here: ctx.region().clone(),
            }
            .into());
        }
        let action = request.operation().action;
        Ok(vec![Access::new(
            ctx,
            action,
            "*",
            ctx.account(),
            Wording::AccessDeniedException,
        )])
    }

    fn handle(
        ctx: &mut Ctx<'_>,
        request: OrganizationsRequest,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        Ok(dispatch_organizations::<Self>(ctx, request)?)
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        take_change(ctx, from, kind, body, |ctx, row: OrganizationRow| {
            row.write(ctx)
        })
    }
}

handlers! {
    OrganizationsHandler for Organizations in api, OrganizationsError;
    create_organization => accounts::create: CreateOrganizationRequest -> CreateOrganizationResponse;
    describe_organization => accounts::describe: DescribeOrganizationRequest -> DescribeOrganizationResponse;
    list_accounts => accounts::list: ListAccountsRequest -> ListAccountsResponse;
    invite_account_to_organization => accounts::invite: InviteAccountToOrganizationRequest -> InviteAccountToOrganizationResponse;
    accept_handshake => accounts::accept: AcceptHandshakeRequest -> AcceptHandshakeResponse;
    move_account => accounts::transfer: MoveAccountRequest -> MoveAccountResponse;
    remove_account_from_organization => accounts::remove: RemoveAccountFromOrganizationRequest -> RemoveAccountFromOrganizationResponse;
    list_roots => units::roots: ListRootsRequest -> ListRootsResponse;
    create_organizational_unit => units::create: CreateOrganizationalUnitRequest -> CreateOrganizationalUnitResponse;
    enable_policy_type => units::enable: EnablePolicyTypeRequest -> EnablePolicyTypeResponse;
    create_policy => policies::create: CreatePolicyRequest -> CreatePolicyResponse;
    update_policy => policies::update: UpdatePolicyRequest -> UpdatePolicyResponse;
    delete_policy => policies::delete: DeletePolicyRequest -> DeletePolicyResponse;
    attach_policy => policies::attach: AttachPolicyRequest -> AttachPolicyResponse;
    detach_policy => policies::detach: DetachPolicyRequest -> DetachPolicyResponse;
    list_policies_for_target => policies::of_target: ListPoliciesForTargetRequest -> ListPoliciesForTargetResponse;
}
