//! DescribeKey, ListKeys, EnableKey, DisableKey, UpdateKeyDescription.

use faultline_proto::kms::{
    DescribeKeyRequest, DescribeKeyResponse, DisableKeyRequest, DisableKeyResponse,
    EnableKeyRequest, EnableKeyResponse, KeyListEntry, ListKeysRequest, ListKeysResponse,
    UpdateKeyDescriptionRequest, UpdateKeyDescriptionResponse,
};
use faultline_proto::progress::Progress;

use super::journal;
use super::keyspaces::{KeyRow, Keys};
use super::paging::{limit, page, read_marker};
use super::resolve::{self, Accepts, usable};
use super::rotation;
use super::states::{KeyState, Use};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// DescribeKey: works in every state (K-055).
pub(crate) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeKeyRequest,
) -> Result<Progress<DescribeKeyResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Aliases,
        Use::Anytime,
    )?;
    Ok(Progress::Done(DescribeKeyResponse {
        key_metadata: Some(row.metadata()),
    }))
}

/// ListKeys.
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListKeysRequest,
) -> Result<Progress<ListKeysResponse>, Refusal> {
    let account = ctx.account();
    let limit = limit(request.limit, 100, 1000)?;
    let mut range = Range::<Keys>::under((&account,));
    if let Some(marker) = read_marker(request.marker.as_deref())? {
        range = range.after((&account, marker.as_str()));
    }
    let found = ctx.page(range, limit + 1);
    let (found, next_marker) = page(found, limit, |((_, id), _)| id.as_str());
    let entry = |(_, row): (_, KeyRow)| KeyListEntry {
        key_id: Some(row.id.as_str().to_owned()),
        key_arn: Some(row.arn.to_string()),
    };
    Ok(Progress::Done(ListKeysResponse {
        keys: found.into_iter().map(entry).collect(),
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}

/// EnableKey (K-039: idempotent).
pub(crate) fn enable(
    ctx: &mut Ctx<'_>,
    request: EnableKeyRequest,
) -> Result<Progress<EnableKeyResponse>, Refusal> {
    switch(ctx, request.key_id.as_deref(), KeyState::Enabled)?;
    Ok(Progress::Done(EnableKeyResponse {}))
}

/// DisableKey (K-039: idempotent).
pub(crate) fn disable(
    ctx: &mut Ctx<'_>,
    request: DisableKeyRequest,
) -> Result<Progress<DisableKeyResponse>, Refusal> {
    switch(ctx, request.key_id.as_deref(), KeyState::Disabled)?;
    Ok(Progress::Done(DisableKeyResponse {}))
}

fn switch(ctx: &mut Ctx<'_>, key: Option<&str>, to: KeyState) -> Result<(), Refusal> {
    let row = usable(ctx, key, Accepts::Keys, Use::Switch)?;
    if row.state != to {
        let mut row = KeyRow {
            state: to,
            ..KeyRow::clone(&row)
        };
        resolve::save(ctx, &row);
        journal::state(ctx, &row);
        // K-152: a rotation that was missed comes at once.
        rotation::catch_up(ctx, &mut row);
    }
    journal::answers_key(ctx, &row);
    Ok(())
}

/// UpdateKeyDescription.
pub(crate) fn describe_anew(
    ctx: &mut Ctx<'_>,
    request: UpdateKeyDescriptionRequest,
) -> Result<Progress<UpdateKeyDescriptionResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Describe)?;
    let row = KeyRow {
        description: request.description.unwrap_or_default(),
        ..KeyRow::clone(&row)
    };
    resolve::save(ctx, &row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(UpdateKeyDescriptionResponse {}))
}
