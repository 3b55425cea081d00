//! DescribeKey, ListKeys, EnableKey, DisableKey.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::kms::{
    DescribeKeyRequest, DescribeKeyResponse, DisableKeyRequest, DisableKeyResponse,
    EnableKeyRequest, EnableKeyResponse, KeyListEntry, ListKeysRequest, ListKeysResponse,
};
use faultline_proto::progress::Progress;

use super::error::KmsError;
use super::journal;
use super::keyspaces::{KeyRow, Keys};
use super::resolve::{self, Accepts, usable};
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

/// Where a listing goes on: the last name of the page before.
pub(crate) fn read_marker(marker: Option<&str>) -> Result<Option<String>, KmsError> {
    let read = |text: &str| {
        let bytes = STANDARD.decode(text).map_err(|_| KmsError::InvalidMarker)?;
        String::from_utf8(bytes).map_err(|_| KmsError::InvalidMarker)
    };
    marker.map(read).transpose()
}

/// The marker after `name`.
pub(crate) fn write_marker(name: &str) -> String {
    STANDARD.encode(name)
}

/// One page of names: which of `found` (one more than `limit`) belong to it, and the marker after.
pub(crate) fn page<T>(
    mut found: Vec<T>,
    limit: usize,
    name: impl Fn(&T) -> &str,
) -> (Vec<T>, Option<String>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let marker = found
        .last()
        .filter(|_| more)
        .map(|last| write_marker(name(last)));
    (found, marker)
}

/// How many entries a page may have (K-034); the definition checked that it is positive.
pub(crate) fn limit(asked: Option<i32>, default: usize) -> usize {
    asked
        .and_then(|asked| usize::try_from(asked).ok())
        .unwrap_or(default)
}

/// ListKeys.
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListKeysRequest,
) -> Result<Progress<ListKeysResponse>, Refusal> {
    let account = ctx.account();
    let limit = limit(request.limit, 100);
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
        let row = KeyRow {
            state: to,
            ..KeyRow::clone(&row)
        };
        resolve::save(ctx, &row);
        journal::state(ctx, &row);
    }
    journal::answers_key(ctx, &row);
    Ok(())
}
