//! TagResource and UntagResource.

use std::collections::BTreeMap;

use faultline_proto::secretsmanager::{
    Tag, TagResourceRequest, TagResourceResponse, UntagResourceRequest, UntagResourceResponse,
};

use super::error::Error;
use super::{ids, replication};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most tags of a secret.
const MOST: usize = 50;

/// Adds the tags that a request brings.
///
/// # Errors
/// InvalidParameterException, LimitExceededException.
pub fn add(tags: &mut BTreeMap<String, String>, given: &[Tag]) -> Result<(), Error> {
    for tag in given {
        let key = tag.key.clone().unwrap_or_default();
        check(&key)?;
        tags.insert(key, tag.value.clone().unwrap_or_default());
    }
    if tags.len() > MOST {
        return Err(Error::parameter(format!(
            "You can't add more than {MOST} tags to a secret."
        )));
    }
    Ok(())
}

fn check(key: &str) -> Result<(), Error> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(Error::parameter(
            "You can't use the prefix aws: for tag keys. It is reserved for AWS use.",
        ));
    }
    Ok(())
}

/// Tags as an answer lists them.
#[must_use]
pub fn shown(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

/// TagResource: adds tags and replaces the values of those that are there.
pub(super) fn tag(
    ctx: &mut Ctx<'_>,
    request: TagResourceRequest,
) -> Result<TagResourceResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    add(&mut row.tags, &request.tags)?;
    row.changed = ctx.now().millis();
    replication::changed(ctx, &mut row, &[]);
    Ok(TagResourceResponse {})
}

/// UntagResource: a tag that is not there is no error.
pub(super) fn untag(
    ctx: &mut Ctx<'_>,
    request: UntagResourceRequest,
) -> Result<UntagResourceResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    for key in &request.tag_keys {
        check(key)?;
        row.tags.remove(key);
    }
    row.changed = ctx.now().millis();
    replication::changed(ctx, &mut row, &[]);
    Ok(UntagResourceResponse {})
}
