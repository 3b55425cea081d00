//! AddTagsToResource, RemoveTagsFromResource, ListTagsForResource: of parameters.

use std::collections::BTreeMap;

use faultline_proto::ssm::{
    AddTagsToResourceRequest, AddTagsToResourceResponse, ListTagsForResourceRequest,
    ListTagsForResourceResponse, RemoveTagsFromResourceRequest, RemoveTagsFromResourceResponse,
    Tag,
};

use super::error::Error;
use super::keyspaces::{ParameterRow, Parameters};
use super::names::{self, Named};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most tags of a parameter.
const MOST: usize = 50;

/// Adds the tags that a request brings.
///
/// # Errors
/// TooManyTagsError, ValidationException.
pub fn add(tags: &mut BTreeMap<String, String>, given: &[Tag]) -> Result<(), Error> {
    for tag in given {
        let key = tag.key.clone().unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Error::validation(
                "The tag key can't begin with aws: it is reserved for AWS use.",
            ));
        }
        tags.insert(key, tag.value.clone().unwrap_or_default());
    }
    if tags.len() > MOST {
        return Err(Error::TooManyTags);
    }
    Ok(())
}

fn find(
    ctx: &mut Ctx<'_>,
    kind: Option<String>,
    id: Option<String>,
) -> Result<(Named, ParameterRow), Error> {
    let kind = kind.unwrap_or_default();
    if kind != "Parameter" {
        return Err(Error::ResourceType(kind));
    }
    let id = id.unwrap_or_default();
    let named = names::read(ctx, &id);
    match names::find(ctx, &named) {
        Ok(row) => Ok((named, row)),
        Err(_) => Err(Error::ResourceId(id)),
    }
}

fn save(ctx: &mut Ctx<'_>, named: &Named, row: &ParameterRow) {
    ctx.put::<Parameters>((&named.account, named.name.as_str()), row);
}

/// AddTagsToResource.
pub(super) fn tag(
    ctx: &mut Ctx<'_>,
    request: AddTagsToResourceRequest,
) -> Result<AddTagsToResourceResponse, Refusal> {
    let (named, mut row) = find(ctx, request.resource_type, request.resource_id)?;
    add(&mut row.tags, &request.tags)?;
    save(ctx, &named, &row);
    Ok(AddTagsToResourceResponse {})
}

/// RemoveTagsFromResource.
pub(super) fn untag(
    ctx: &mut Ctx<'_>,
    request: RemoveTagsFromResourceRequest,
) -> Result<RemoveTagsFromResourceResponse, Refusal> {
    let (named, mut row) = find(ctx, request.resource_type, request.resource_id)?;
    for key in &request.tag_keys {
        row.tags.remove(key);
    }
    save(ctx, &named, &row);
    Ok(RemoveTagsFromResourceResponse {})
}

/// ListTagsForResource.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Refusal> {
    let (_, row) = find(ctx, request.resource_type, request.resource_id)?;
    let tag_list = row
        .tags
        .into_iter()
        .map(|(key, value)| Tag {
            key: Some(key),
            value: Some(value),
        })
        .collect();
    Ok(ListTagsForResourceResponse { tag_list })
}
