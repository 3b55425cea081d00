//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases (K-025 to K-030).

use std::collections::BTreeMap;

use faultline_proto::kms::{
    AliasListEntry, CreateAliasRequest, CreateAliasResponse, DeleteAliasRequest,
    DeleteAliasResponse, ListAliasesRequest, ListAliasesResponse, UpdateAliasRequest,
    UpdateAliasResponse,
};
use faultline_proto::progress::Progress;

use super::access::{Reach, on_key, to_target};
use super::error::KmsError;
use super::identifiers::{KeyId, alias_arn, customer_alias};
use super::keyspaces::{AliasRow, Aliases, KeyRow};
use super::managed;
use super::paging::{limit, page, read_marker};
use super::resolve::{self, Accepts, Target, by_id, usable};
use super::states::Use;
use super::{journal, unsettled};
use crate::context::Ctx;
use crate::quotas::Quota;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};
use crate::store::Range;

/// An alias is decided by IAM alone; the key behind it also by its key policy (K-184).
fn on_alias(ctx: &Ctx<'_>, action: &str, alias: &str) -> Access {
    let account = ctx.account();
    let arn = alias_arn(ctx.region(), &account, alias);
    Access::new(ctx, action, arn, account, Wording::AccessDeniedException)
}

/// What CreateAlias touches.
pub(crate) fn create_access(
    ctx: &mut Ctx<'_>,
    request: &CreateAliasRequest,
) -> Result<Vec<Access>, Refusal> {
    let alias = customer_alias(request.alias_name.as_deref().unwrap_or_default())?;
    let on_alias = on_alias(ctx, "kms:CreateAlias", alias);
    let on_key = on_key(
        ctx,
        "kms:CreateAlias",
        &request.target_key_id,
        Accepts::Keys,
        Reach::OwnAccount,
    )?;
    Ok(vec![on_alias, on_key])
}

/// What DeleteAlias touches.
pub(crate) fn delete_access(
    ctx: &mut Ctx<'_>,
    request: &DeleteAliasRequest,
) -> Result<Vec<Access>, Refusal> {
    let alias = request.alias_name.as_deref().unwrap_or_default();
    let mut accesses = vec![on_alias(ctx, "kms:DeleteAlias", alias)];
    let account = ctx.account();
    if let Some(row) = ctx.get_cached::<Aliases>((&account, alias)) {
        let target = by_id(ctx, account, &row.target);
        accesses.push(to_target(
            ctx,
            "kms:DeleteAlias",
            target,
            Reach::OwnAccount,
            Wording::AccessDeniedException,
        )?);
    }
    Ok(accesses)
}

/// What UpdateAlias touches: the alias, the key that it leaves, the key that it goes to (K-332).
pub(crate) fn update_access(
    ctx: &mut Ctx<'_>,
    request: &UpdateAliasRequest,
) -> Result<Vec<Access>, Refusal> {
    let action = "kms:UpdateAlias";
    let alias = customer_alias(request.alias_name.as_deref().unwrap_or_default())?;
    let mut accesses = vec![on_alias(ctx, action, alias)];
    let account = ctx.account();
    if let Some(row) = ctx.get_cached::<Aliases>((&account, alias)) {
        let left = by_id(ctx, account, &row.target);
        let wording = Wording::AccessDeniedException;
        accesses.push(to_target(ctx, action, left, Reach::OwnAccount, wording)?);
    }
    let to = &request.target_key_id;
    accesses.push(on_key(ctx, action, to, Accepts::Keys, Reach::OwnAccount)?);
    Ok(accesses)
}

/// UpdateAlias: only to a key of the same type and usage (K-029).
pub(crate) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateAliasRequest,
) -> Result<Progress<UpdateAliasResponse>, Refusal> {
    let alias = request.alias_name.unwrap_or_default();
    customer_alias(&alias)?;
    let account = ctx.account();
    let Some(stored) = ctx.get::<Aliases>((&account, alias.as_str())) else {
        return Err(KmsError::NoSuchAlias(alias_arn(ctx.region(), &account, &alias)).into());
    };
    let target = request.target_key_id.as_deref();
    let to = usable(ctx, target, Accepts::Keys, Use::UpdateAlias)?;
    let mut to = KeyRow::clone(&to);
    if to.id != stored.target {
        if let Target::Here(left, _) = by_id(ctx, account, &stored.target) {
            let mut left = KeyRow::clone(&left);
            if !left.kind.is_like(to.kind) {
                return Err(KmsError::AliasOfAnotherKind(alias).into());
            }
            unsettled::renamed(ctx, &left);
            left.aliases.remove(&alias);
            resolve::save(ctx, &left);
        }
        room_for_one(ctx, &to)?;
        unsettled::renamed(ctx, &to);
        to.aliases.insert(alias.clone());
        resolve::save(ctx, &to);
    }
    let moved = AliasRow {
        target: to.id.clone(),
        created: stored.created,
        updated: ctx.now(),
    };
    ctx.put::<Aliases>((&to.account, alias.as_str()), &moved);
    journal::answers_key(ctx, &to);
    Ok(Progress::Done(UpdateAliasResponse {}))
}

/// CreateAlias.
pub(crate) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateAliasRequest,
) -> Result<Progress<CreateAliasResponse>, Refusal> {
    let alias = request.alias_name.unwrap_or_default();
    customer_alias(&alias)?;
    let row = usable(
        ctx,
        request.target_key_id.as_deref(),
        Accepts::Keys,
        Use::CreateAlias,
    )?;
    if ctx.has::<Aliases>((&row.account, alias.as_str())) {
        return Err(KmsError::AliasExists(alias_arn(ctx.region(), &row.account, &alias)).into());
    }
    room_for_one(ctx, &row)?;
    let now = ctx.now();
    let stored = AliasRow {
        target: row.id.clone(),
        created: now,
        updated: now,
    };
    ctx.put::<Aliases>((&row.account, alias.as_str()), &stored);
    let mut row = KeyRow::clone(&row);
    unsettled::renamed(ctx, &row);
    row.aliases.insert(alias);
    resolve::save(ctx, &row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(CreateAliasResponse {}))
}

/// A key has no more aliases than its account's quota (K-026, K-246); the text is ours.
fn room_for_one(ctx: &Ctx<'_>, row: &KeyRow) -> Result<(), KmsError> {
    let most = ctx.core.quotas.most(&row.account, Quota::AliasesPerKey);
    if row.aliases.len() as u64 >= most {
        return Err(KmsError::Limit(format!(
            "The key has {most} aliases already."
        )));
    }
    Ok(())
}

/// DeleteAlias: the key stays as it is (K-030).
pub(crate) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteAliasRequest,
) -> Result<Progress<DeleteAliasResponse>, Refusal> {
    let alias = request.alias_name.unwrap_or_default();
    customer_alias(&alias)?;
    let account = ctx.account();
    let Some(stored) = ctx.get::<Aliases>((&account, alias.as_str())) else {
        return Err(KmsError::NoSuchAlias(alias_arn(ctx.region(), &account, &alias)).into());
    };
    ctx.delete::<Aliases>((&account, alias.as_str()));
    if let Target::Here(row, _) = by_id(ctx, account, &stored.target) {
        let mut row = KeyRow::clone(&row);
        unsettled::renamed(ctx, &row);
        row.aliases.remove(&alias);
        resolve::save(ctx, &row);
        journal::answers_key(ctx, &row);
    }
    Ok(Progress::Done(DeleteAliasResponse {}))
}

/// Removes all aliases of a key that is deleted (K-030).
pub(crate) fn destroy(ctx: &mut Ctx<'_>, row: &KeyRow) {
    for alias in &row.aliases {
        ctx.delete::<Aliases>((&row.account, alias.as_str()));
    }
}

/// ListAliases: all, or those of one key.
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListAliasesRequest,
) -> Result<Progress<ListAliasesResponse>, Refusal> {
    let account = ctx.account();
    let only: Option<KeyId> = match &request.key_id {
        None => None,
        Some(text) => Some(
            usable(ctx, Some(text), Accepts::Keys, Use::Anytime)?
                .id
                .clone(),
        ),
    };
    let limit = limit(request.limit, 50, 100)?;
    let marker = read_marker(request.marker.as_deref())?;
    let mut range = Range::<Aliases>::under((&account,));
    if let Some(marker) = &marker {
        range = range.after((&account, marker.as_str()));
    }
    let mut found: BTreeMap<String, Option<AliasRow>> = ctx
        .all(range)
        .into_iter()
        .map(|((_, name), row)| (name, Some(row)))
        .collect();
    match &only {
        Some(only) => found.retain(|_, row| row.as_ref().is_some_and(|row| row.target == *only)),
        // K-007: names without a key, until their services use them.
        None => {
            let rest = managed::predefined()
                .filter(|name| marker.as_deref().is_none_or(|marker| *name > marker));
            for name in rest {
                found.entry(name.to_owned()).or_default();
            }
        }
    }
    let found = found.into_iter().take(limit + 1).collect();
    let (found, next_marker) = page(found, limit, |(name, _)| name.as_str());
    let entry = |(name, row): (String, Option<AliasRow>)| AliasListEntry {
        alias_arn: Some(alias_arn(ctx.region(), &account, &name)),
        alias_name: Some(name),
        target_key_id: row.as_ref().map(|row| row.target.as_str().to_owned()),
        creation_date: row.as_ref().map(|row| row.created.millis()),
        last_updated_date: row.as_ref().map(|row| row.updated.millis()),
    };
    Ok(Progress::Done(ListAliasesResponse {
        aliases: found.into_iter().map(entry).collect(),
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}
