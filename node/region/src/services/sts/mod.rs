//! STS: sessions of roles.
//!
//! A session token is self-contained: who the session is, its policy and its end, sealed under
//! a key that every Region holds. So a token opens in every Region, also in one that is cut off
//! from the home of the directory; it ends by that Region's own clock. A Region answers
//! AssumeRole by its own copy of the directory.
//!
//! - [`assume_role`]: the operations. [`session`]: policies, tags and source identity of a
//!   session. [`token`]: what is sealed, and how it opens.
//! - [`access`]: the trust policy and the caller's side. [`error`]: every way STS says no.
//!
//! Left out: web identities, SAML and federated users, multi-factor authentication, and the
//! revocation of sessions (a policy on aws:TokenIssueTime does it, as in AWS).

mod access;
mod assume_role;
mod error;
mod session;
#[cfg(test)]
mod tests;
mod token;

use faultline_proto::handlers::{StsHandler, StsRequest, dispatch_sts};
use faultline_proto::progress::Progress;
use faultline_proto::sts as api;

pub(crate) use token::open_token;

use crate::context::Ctx;
use crate::identity::Principal;
use crate::refusal::Refusal;
use crate::service::{Access, Service};
use error::StsError;

/// Security Token Service.
#[derive(Debug)]
pub(crate) struct Sts;

impl Service for Sts {
    const PREFIX: &'static str = "sts";
    const PRINCIPAL: &'static str = "sts.amazonaws.com";
    type Request = StsRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<StsRequest, prost::DecodeError>> {
        StsRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &StsRequest) -> Result<Vec<Access>, Refusal> {
        match request {
            StsRequest::AssumeRole(request) => Ok(access::assume_role(ctx, request)?),
            StsRequest::GetCallerIdentity(_) | StsRequest::GetSessionToken(_) => Ok(Vec::new()),
        }
    }

    fn handle(ctx: &mut Ctx<'_>, request: StsRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        Ok(dispatch_sts::<Self>(ctx, request)?)
    }
}

impl StsHandler for Sts {
    type Ctx<'a> = Ctx<'a>;
    type Error = StsError;

    fn assume_role(
        ctx: &mut Ctx<'_>,
        request: api::AssumeRoleRequest,
    ) -> Result<Progress<api::AssumeRoleResponse>, StsError> {
        assume_role::assume_role(ctx, request).map(Progress::Done)
    }

    fn get_session_token(
        ctx: &mut Ctx<'_>,
        request: api::GetSessionTokenRequest,
    ) -> Result<Progress<api::GetSessionTokenResponse>, StsError> {
        assume_role::get_session_token(ctx, &request).map(Progress::Done)
    }

    fn get_caller_identity(
        ctx: &mut Ctx<'_>,
        _request: api::GetCallerIdentityRequest,
    ) -> Result<Progress<api::GetCallerIdentityResponse>, StsError> {
        let caller = ctx.caller();
        let user_id = match &caller.principal {
            Principal::Root { account, .. } => account.to_string(),
            Principal::User { id, .. } => id.to_string(),
            Principal::Role {
                role_id, session, ..
            } => format!("{role_id}:{session}"),
            Principal::Service { .. } | Principal::Anonymous => return Err(StsError::Unsigned),
        };
        Ok(Progress::Done(api::GetCallerIdentityResponse {
            user_id: Some(user_id),
            account: Some(caller.account().to_string()),
            arn: Some(caller.arn()),
        }))
    }
}
