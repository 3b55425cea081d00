//! Filters and pages of the listing calls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::names::AccountId;
use faultline_proto::ssm::ParameterStringFilter;

use super::error::Error;
use super::get;
use super::keyspaces::ParameterRow;
use super::names::Named;
use crate::context::Ctx;

/// Keys of GetParametersByPath.
pub const BY_PATH: &[&str] = &["Type", "KeyId", "Label"];
/// Keys of DescribeParameters.
pub const DESCRIBING: &[&str] = &["Name", "Path", "Type", "KeyId", "Tier", "DataType", "tag:"];

/// What a filter looks at.
pub enum Looked {
    /// Values, any of which may fit.
    Texts(Vec<String>),
    /// A name as a place in the hierarchy.
    Path(String),
}

/// Checks filters before anything is read.
///
/// # Errors
/// InvalidFilterKey, InvalidFilterOption.
pub fn check(filters: &[ParameterStringFilter], known: &[&str]) -> Result<(), Error> {
    for filter in filters {
        let key = filter.key.as_deref().unwrap_or_default();
        let is_known = known
            .iter()
            .any(|one| *one == key || *one == "tag:" && key.starts_with("tag:"));
        if !is_known {
            let valid = if known == BY_PATH {
                "Type, KeyId, Label"
            } else {
                "Path, Name, Type, KeyId, Tier"
            };
            return Err(Error::FilterKey(key.to_owned(), valid));
        }
        let option = filter.option.as_deref().unwrap_or("");
        let (options, valid): (&[&str], _) = match key {
            "Path" => (&["", "Recursive", "OneLevel"], "Recursive, OneLevel"),
            "Name" => (
                &["", "Equals", "BeginsWith", "Contains"],
                "BeginsWith, Equals, Contains",
            ),
            _ => (&["", "Equals", "BeginsWith"], "BeginsWith, Equals"),
        };
        if !options.contains(&option) {
            return Err(Error::FilterOption(option.to_owned(), valid));
        }
    }
    Ok(())
}

/// The label that a filter of GetParametersByPath names.
#[must_use]
pub fn label(filters: &[ParameterStringFilter]) -> Option<String> {
    let filter = filters
        .iter()
        .find(|filter| filter.key.as_deref() == Some("Label"))?;
    filter.values.first().cloned()
}

/// Whether a parameter passes all filters.
pub fn pass(
    ctx: &mut Ctx<'_>,
    filters: &[ParameterStringFilter],
    account: &AccountId,
    name: &str,
    row: &ParameterRow,
) -> bool {
    let named = Named {
        account: account.clone(),
        name: name.to_owned(),
        selector: None,
    };
    filters.iter().all(|filter| {
        let key = filter.key.as_deref().unwrap_or_default();
        let option = filter.option.as_deref().unwrap_or_default();
        match get::looked(ctx, &named, row, key) {
            None => false,
            Some(Looked::Path(name)) => filter
                .values
                .iter()
                .any(|path| is_under(&name, path, option == "Recursive")),
            // Without values a filter asks whether there is one (a tag).
            Some(Looked::Texts(found)) if filter.values.is_empty() => !found.is_empty(),
            Some(Looked::Texts(found)) => filter
                .values
                .iter()
                .any(|value| found.iter().any(|text| fits(text, value, option))),
        }
    })
}

fn fits(text: &str, value: &str, option: &str) -> bool {
    match option {
        "BeginsWith" => text.starts_with(value),
        "Contains" => text.contains(value),
        _ => text == value,
    }
}

fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let below = name
        .strip_prefix(path)
        .and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|below| recursive || !below.contains('/'))
}

/// One page and the token of the next: where the page ended.
///
/// # Errors
/// InvalidNextToken.
#[expect(clippy::type_complexity, reason = "a page and a token")]
pub fn page<T>(
    found: Vec<(String, T)>,
    most: Option<i32>,
    usual: usize,
    token: Option<&str>,
) -> Result<(Vec<(String, T)>, Option<String>), Error> {
    let most = most
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usual);
    let from = match token {
        None => 0,
        Some(token) => {
            let last = STANDARD.decode(token).map_err(|_| Error::NextToken)?;
            let at = found.iter().position(|(name, _)| name.as_bytes() == last);
            at.ok_or(Error::NextToken)? + 1
        }
    };
    let more = found.len() > from.saturating_add(most);
    let page: Vec<(String, T)> = found.into_iter().skip(from).take(most).collect();
    let next = page
        .last()
        .filter(|_| more)
        .map(|(name, _)| STANDARD.encode(name));
    Ok((page, next))
}
