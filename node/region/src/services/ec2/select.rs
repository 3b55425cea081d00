//! Filters, pages and tags of the describing calls.

use std::collections::BTreeSet;

use faultline_proto::ec2::{Filter, Tag, TagSpecification};
use faultline_proto::names::AccountId;

use super::error::Error;
use super::keyspaces::Tags;

/// What a filter can look at: the values under a name, or `None` for a name it does not know.
pub type Looked = Option<Vec<String>>;

/// Whether something passes all filters; `look` answers the values under a filter's name.
///
/// # Errors
/// A filter that the call does not have.
pub fn passes(
    filters: &[Filter],
    tags: &Tags,
    look: impl Fn(&str) -> Looked,
) -> Result<bool, Error> {
    for filter in filters {
        let name = filter.name.as_deref().unwrap_or_default();
        let found = match name.strip_prefix("tag:") {
            Some(tag) => tags.get(tag).cloned().into_iter().collect(),
            None if name == "tag-key" => tags.keys().cloned().collect(),
            None => look(name)
                .ok_or_else(|| Error::InvalidValue(format!("The filter '{name}' is invalid")))?,
        };
        if !filter.values.iter().any(|value| found.contains(value)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One page of what was found, in the order of ids, and the token of the next.
#[must_use]
pub fn page<T>(
    found: Vec<(String, T)>,
    max: Option<i32>,
    token: Option<&str>,
) -> (Vec<(String, T)>, Option<String>) {
    let most = max
        .and_then(|max| usize::try_from(max).ok())
        .filter(|max| *max > 0)
        .unwrap_or(1000);
    let mut rest = found
        .into_iter()
        .filter(|(id, _)| token.is_none_or(|token| id.as_str() > token));
    let page: Vec<(String, T)> = rest.by_ref().take(most).collect();
    let next = rest
        .next()
        .and_then(|_| page.last().map(|(id, _)| id.clone()));
    (page, next)
}

/// The tags that a request gives to what it makes of this type.
#[must_use]
pub fn tags_for(specifications: &[TagSpecification], resource: &str) -> Tags {
    specifications
        .iter()
        .filter(|given| given.resource_type.as_deref() == Some(resource))
        .flat_map(|given| &given.tags)
        .map(|tag| {
            (
                tag.key.clone().unwrap_or_default(),
                tag.value.clone().unwrap_or_default(),
            )
        })
        .collect()
}

/// Tags as an answer lists them.
#[must_use]
pub fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

/// Account ids of a request; `self` is the caller.
#[must_use]
pub fn accounts(words: &[String], own: &AccountId) -> BTreeSet<String> {
    words
        .iter()
        .map(|word| {
            if word == "self" {
                own.to_string()
            } else {
                word.clone()
            }
        })
        .collect()
}
