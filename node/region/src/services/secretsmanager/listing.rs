//! ListSecrets, its filters, and pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::secretsmanager::{
    Filter, ListSecretsRequest, ListSecretsResponse, SecretListEntry,
};

use super::error::Error;
use super::keyspaces::{Place, SecretRow, Secrets};
use super::{ids, secrets};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Entries of a page when nothing is said.
const USUAL: usize = 100;

/// One page of what was found and the token of the next: where the page ended.
///
/// # Errors
/// InvalidNextTokenException.
pub fn page<T>(
    found: Vec<T>,
    most: Option<i32>,
    token: Option<&str>,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Error> {
    let most = most
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(USUAL);
    let from = match token {
        None => 0,
        Some(token) => {
            let last = STANDARD.decode(token).map_err(|_| Error::NextToken)?;
            let at = found.iter().position(|one| name(one).as_bytes() == last);
            at.ok_or(Error::NextToken)? + 1
        }
    };
    let more = found.len() > from.saturating_add(most);
    let page: Vec<T> = found.into_iter().skip(from).take(most).collect();
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| STANDARD.encode(name(last)));
    Ok((page, next))
}

fn begins(text: &str, value: &str) -> bool {
    text.starts_with(value)
}

/// Whether each word of `value` begins a word of `text`, in any case.
fn has_words(text: &str, value: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|one: char| !one.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let there = words(text);
    words(value)
        .iter()
        .all(|wanted| there.iter().any(|word| word.starts_with(wanted)))
}

fn primary_region(ctx: &Ctx<'_>, row: &SecretRow) -> String {
    match &row.place {
        Place::Primary(_) => ctx.region().to_string(),
        Place::Replica { primary, .. } => primary.to_string(),
    }
}

fn matches(ctx: &Ctx<'_>, row: &SecretRow, key: &str, value: &str) -> bool {
    let description = row.description.as_deref().unwrap_or_default();
    match key {
        "name" => begins(&row.name, value),
        "description" => has_words(description, value),
        "tag-key" => row.tags.keys().any(|tag| begins(tag, value)),
        "tag-value" => row.tags.values().any(|tag| begins(tag, value)),
        "primary-region" => begins(&primary_region(ctx, row), value),
        "all" => {
            has_words(&row.name, value)
                || has_words(description, value)
                || row
                    .tags
                    .iter()
                    .any(|(key, tag)| has_words(key, value) || has_words(tag, value))
        }
        // Secrets that another service owns are not built.
        _ => false,
    }
}

fn passes(ctx: &Ctx<'_>, row: &SecretRow, filter: &Filter) -> bool {
    let key = filter.key.as_deref().unwrap_or_default();
    filter
        .values
        .iter()
        .any(|value| match value.strip_prefix('!') {
            Some(value) => !matches(ctx, row, key, value),
            None => matches(ctx, row, key, value),
        })
}

/// The account's secrets that pass every filter, by name.
pub fn found(ctx: &mut Ctx<'_>, filters: &[Filter], deleted: bool) -> Vec<SecretRow> {
    let account = ctx.account();
    let all = ctx.all(Range::<Secrets>::under((&account,)));
    all.into_iter()
        .map(|(_, row)| row)
        .filter(|row| deleted || row.deletion.is_none())
        .filter(|row| filters.iter().all(|filter| passes(ctx, row, filter)))
        .collect()
}

/// ListSecrets: the newest first.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: ListSecretsRequest,
) -> Result<ListSecretsResponse, Refusal> {
    let deleted = request.include_planned_deletion.unwrap_or_default();
    let mut found = found(ctx, &request.filters, deleted);
    match request.sort_by.as_deref() {
        Some("name") => {}
        Some("last-accessed-date") => found.sort_by_key(|row| row.accessed),
        Some("last-changed-date") => found.sort_by_key(|row| row.changed),
        _ => found.sort_by_key(|row| row.created),
    }
    if request.sort_order.as_deref() != Some("asc") {
        found.reverse();
    }
    let (page, next_token) = page(
        found,
        request.max_results,
        request.next_token.as_deref(),
        |row| row.name.as_str(),
    )?;
    let secret_list = page.iter().map(|row| entry(ctx, row)).collect();
    Ok(ListSecretsResponse {
        secret_list,
        next_token,
    })
}

fn entry(ctx: &Ctx<'_>, row: &SecretRow) -> SecretListEntry {
    let shown = secrets::shown(ctx, row);
    SecretListEntry {
        arn: Some(ids::arn(ctx, row)),
        name: shown.name,
        description: shown.description,
        kms_key_id: shown.kms_key_id,
        rotation_enabled: shown.rotation_enabled,
        rotation_lambda_arn: shown.rotation_lambda_arn,
        rotation_rules: shown.rotation_rules,
        last_rotated_date: shown.last_rotated_date,
        last_changed_date: shown.last_changed_date,
        last_accessed_date: shown.last_accessed_date,
        deleted_date: shown.deleted_date,
        next_rotation_date: shown.next_rotation_date,
        tags: shown.tags,
        secret_versions_to_stages: shown.version_ids_to_stages,
        created_date: shown.created_date,
        primary_region: shown.primary_region,
    }
}
