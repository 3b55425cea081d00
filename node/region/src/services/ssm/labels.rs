//! LabelParameterVersion and UnlabelParameterVersion (SEC-039).

use faultline_proto::ssm::{
    LabelParameterVersionRequest, LabelParameterVersionResponse, UnlabelParameterVersionRequest,
    UnlabelParameterVersionResponse,
};

use super::error::Error;
use super::keyspaces::{ParameterRow, Parameters};
use super::names::{self, Named};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most labels of a version.
const MOST: usize = 10;

/// Whether a label keeps the rules: no digit before, not of AWS, letters, digits and `.-_`.
fn is_fine(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let has_only = label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let is_reserved = lower.starts_with("aws") || lower.starts_with("ssm");
    has_only && !is_reserved && !label.starts_with(|one: char| one.is_ascii_digit())
}

fn meant(
    ctx: &mut Ctx<'_>,
    name: Option<String>,
    version: Option<i64>,
) -> Result<(Named, ParameterRow, i64), Error> {
    let named = names::read(ctx, name.as_deref().unwrap_or_default());
    let row = names::find(ctx, &named)?;
    let number = version.unwrap_or(row.versions.1);
    if !(row.versions.0..=row.versions.1).contains(&number) {
        return Err(Error::NoVersion(named.name, number.to_string()));
    }
    Ok((named, row, number))
}

/// LabelParameterVersion: labels leave the version that had them.
pub(super) fn label(
    ctx: &mut Ctx<'_>,
    request: LabelParameterVersionRequest,
) -> Result<LabelParameterVersionResponse, Refusal> {
    let (named, mut row, number) = meant(ctx, request.name, request.parameter_version)?;
    let (fine, invalid): (Vec<String>, Vec<String>) =
        request.labels.into_iter().partition(|label| is_fine(label));
    if invalid.is_empty() {
        for label in fine {
            row.labels.insert(label, number);
        }
        if row.labels_of(number).len() > MOST {
            return Err(Error::MaxLabels.into());
        }
        ctx.put::<Parameters>((&named.account, named.name.as_str()), &row);
    }
    Ok(LabelParameterVersionResponse {
        invalid_labels: invalid,
        parameter_version: Some(number),
    })
}

/// UnlabelParameterVersion.
pub(super) fn unlabel(
    ctx: &mut Ctx<'_>,
    request: UnlabelParameterVersionRequest,
) -> Result<UnlabelParameterVersionResponse, Refusal> {
    let (named, mut row, number) = meant(ctx, request.name, request.parameter_version)?;
    let mut answer = UnlabelParameterVersionResponse::default();
    for label in request.labels {
        if row.labels.get(&label) == Some(&number) {
            row.labels.remove(&label);
            answer.removed_labels.push(label);
        } else {
            answer.invalid_labels.push(label);
        }
    }
    ctx.put::<Parameters>((&named.account, named.name.as_str()), &row);
    Ok(answer)
}
