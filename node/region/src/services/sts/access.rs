//! Who may open a session: the role's trust policy and, unless it names the caller itself, the
//! caller's own policies too.

use faultline_proto::names::{AccountId, Arn};
use faultline_proto::sts as api;

use super::error::StsError;
use crate::context::Ctx;
use crate::directory;
use crate::identity::Principal;
use crate::service::{Access, Wording};

/// What AssumeRole touches. A role that this Region does not know is refused as one that does
/// not trust the caller.
pub(super) fn assume_role(
    ctx: &mut Ctx<'_>,
    request: &api::AssumeRoleRequest,
) -> Result<Vec<Access>, StsError> {
    let text = request.role_arn.as_deref().unwrap_or_default();
    let arn = Arn::new(text).map_err(|_| StsError::BadRoleArn(text.to_owned()))?;
    let owner = AccountId::new(arn.account()).map_err(|_| StsError::BadRoleArn(text.to_owned()))?;
    let caller = ctx.caller();
    if matches!(caller.principal, Principal::Root { .. }) {
        return Err(StsError::ByRoot);
    }
    let trust = directory::role(ctx, &arn).and_then(|role| role.trust);
    let Some(trust) = trust else {
        ctx.touches(text);
        return Err(StsError::NoSuchRole {
            caller: caller.arn(),
            role: text.to_owned(),
        });
    };
    let mut access = Access::new(ctx, "sts:AssumeRole", text, owner, Wording::AccessDenied).with(
        "sts:RoleSessionName",
        request.role_session_name.as_deref().unwrap_or_default(),
    );
    if let Some(external_id) = &request.external_id {
        access = access.with("sts:ExternalId", external_id);
    }
    if let Some(source) = &request.source_identity {
        access = access.with("sts:SourceIdentity", source);
    }
    let names = || request.tags.iter().filter_map(|tag| tag.key.clone());
    access.context.set_all("aws:tagkeys", names());
    let transitive = request.transitive_tag_keys.iter().map(String::as_str);
    access.context.set_all("sts:transitivetagkeys", transitive);
    for tag in &request.tags {
        let name = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        access.context.set(format!("aws:requesttag/{name}"), value);
    }
    access.policy = Some(trust);
    let also = |action: &str| Access {
        action: action.to_owned(),
        ..access.clone()
    };
    let mut accesses = vec![access.clone()];
    if !request.tags.is_empty() {
        accesses.push(also("sts:TagSession"));
    }
    if request.source_identity.is_some() {
        accesses.push(also("sts:SetSourceIdentity"));
    }
    Ok(accesses)
}
