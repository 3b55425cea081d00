//! TagResource, UntagResource, ListResourceTags (K-031).

use std::collections::BTreeMap;

use faultline_proto::kms::{
    ListResourceTagsRequest, ListResourceTagsResponse, Tag, TagResourceRequest,
    TagResourceResponse, UntagResourceRequest, UntagResourceResponse,
};
use faultline_proto::progress::Progress;

use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::paging::{limit, page, read_marker};
use super::resolve::{self, Accepts, usable};
use super::states::Use;
use super::{journal, unsettled};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most tags of one key (K-031: the number is not confirmed).
const MOST: usize = 50;

/// Tags that a request brings.
pub(crate) fn read(tags: &[Tag]) -> Result<BTreeMap<String, String>, KmsError> {
    if tags.len() > MOST {
        return Err(KmsError::Tag("Too many tags"));
    }
    let mut read = BTreeMap::new();
    for tag in tags {
        let key = tag.tag_key.clone().unwrap_or_default();
        check_prefix(&key)?;
        if read
            .insert(key, tag.tag_value.clone().unwrap_or_default())
            .is_some()
        {
            return Err(KmsError::Tag("Duplicate tag keys"));
        }
    }
    Ok(read)
}

fn check_prefix(key: &str) -> Result<(), KmsError> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(KmsError::Tag("Tags beginning with aws: are reserved"));
    }
    Ok(())
}

/// Tags as an answer lists them.
pub(crate) fn shown<'t>(tags: impl IntoIterator<Item = (&'t String, &'t String)>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag {
        tag_key: Some(key.clone()),
        tag_value: Some(value.clone()),
    };
    tags.into_iter().map(tag).collect()
}

fn save(ctx: &mut Ctx<'_>, row: &KeyRow, tags: BTreeMap<String, String>) {
    unsettled::renamed(ctx, row);
    let row = KeyRow {
        tags,
        ..row.clone()
    };
    resolve::save(ctx, &row);
    journal::answers_key(ctx, &row);
}

/// TagResource: adds tags and replaces the values of those that are there.
pub(crate) fn tag(
    ctx: &mut Ctx<'_>,
    request: TagResourceRequest,
) -> Result<Progress<TagResourceResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Describe)?;
    let mut tags = row.tags.clone();
    tags.extend(read(&request.tags)?);
    if tags.len() > MOST {
        return Err(KmsError::Tag("Too many tags").into());
    }
    save(ctx, &row, tags);
    Ok(Progress::Done(TagResourceResponse {}))
}

/// UntagResource: a tag that is not there is no error.
pub(crate) fn untag(
    ctx: &mut Ctx<'_>,
    request: UntagResourceRequest,
) -> Result<Progress<UntagResourceResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Describe)?;
    let mut tags = row.tags.clone();
    for key in &request.tag_keys {
        check_prefix(key)?;
        tags.remove(key);
    }
    save(ctx, &row, tags);
    Ok(Progress::Done(UntagResourceResponse {}))
}

/// ListResourceTags: works in every state (K-055).
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListResourceTagsRequest,
) -> Result<Progress<ListResourceTagsResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    let limit = limit(request.limit, 50, 50)?;
    let after = read_marker(request.marker.as_deref())?;
    let found = row
        .tags
        .iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
        .take(limit + 1)
        .collect();
    let (found, next_marker) = page(found, limit, |(key, _)| key.as_str());
    Ok(Progress::Done(ListResourceTagsResponse {
        tags: shown(found),
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}
