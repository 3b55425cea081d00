//! DeleteParameter and DeleteParameters: at once, with all versions.

use faultline_proto::names::AccountId;
use faultline_proto::ssm::{
    DeleteParameterRequest, DeleteParameterResponse, DeleteParametersRequest,
    DeleteParametersResponse,
};

use super::keyspaces::{ParameterRow, Parameters, Versions};
use super::{names, put};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Removes a parameter.
pub fn erase(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, row: &ParameterRow) {
    for number in row.versions.0..=row.versions.1 {
        ctx.delete::<Versions>((account, name, number));
    }
    ctx.delete::<Parameters>((account, name));
    put::uncount(ctx, account, row.tier);
}

/// DeleteParameter.
pub(super) fn one(
    ctx: &mut Ctx<'_>,
    request: DeleteParameterRequest,
) -> Result<DeleteParameterResponse, Refusal> {
    let named = names::read(ctx, request.name.as_deref().unwrap_or_default());
    let row = names::find(ctx, &named)?;
    erase(ctx, &named.account, &named.name, &row);
    Ok(DeleteParameterResponse {})
}

/// DeleteParameters: names that are not there stand in InvalidParameters.
pub(super) fn some(
    ctx: &mut Ctx<'_>,
    request: DeleteParametersRequest,
) -> Result<DeleteParametersResponse, Refusal> {
    let mut answer = DeleteParametersResponse::default();
    for name in request.names {
        let named = names::read(ctx, &name);
        match names::find(ctx, &named) {
            Ok(row) => {
                erase(ctx, &named.account, &named.name, &row);
                answer.deleted_parameters.push(name);
            }
            Err(_) => answer.invalid_parameters.push(name),
        }
    }
    Ok(answer)
}
