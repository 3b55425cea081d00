//! Tags of users, roles and managed policies. Their keys differ in more than case.

use faultline_proto::iam as api;

use super::error::IamError;
use super::keyspaces::{RoleRow, UserRow};
use super::pages::{Page, slice};
use super::{entries, managed};
use crate::context::Ctx;

/// Tags that anything may have.
const MOST: usize = 50;

type Tags = Vec<(String, String)>;

macro_rules! of_holder {
    ($change:path, $known:path, $holder:ident;
     $add:ident: $add_request:ident -> $add_response:ident;
     $remove:ident: $remove_request:ident -> $remove_response:ident;
     $list:ident: $list_request:ident -> $list_response:ident;) => {
        pub(super) fn $add(
            ctx: &mut Ctx<'_>,
            request: api::$add_request,
        ) -> Result<api::$add_response, IamError> {
            let new = read(request.tags)?;
            $change(ctx, request.$holder, |row| add(&mut row.tags, new))?;
            Ok(api::$add_response {})
        }

        pub(super) fn $remove(
            ctx: &mut Ctx<'_>,
            request: api::$remove_request,
        ) -> Result<api::$remove_response, IamError> {
            let keys = request.tag_keys;
            $change(ctx, request.$holder, |row| {
                row.tags
                    .retain(|(key, _)| !keys.iter().any(|gone| same(key, gone)));
                Ok(())
            })?;
            Ok(api::$remove_response {})
        }

        pub(super) fn $list(
            ctx: &mut Ctx<'_>,
            request: api::$list_request,
        ) -> Result<api::$list_response, IamError> {
            let account = ctx.account();
            let row = $known(ctx, &account, &request.$holder.unwrap_or_default())?;
            let tags = row.tags.iter().map(shown);
            let Page { rows, marker } = slice(tags, request.marker.as_deref(), request.max_items)?;
            Ok(api::$list_response {
                tags: rows,
                is_truncated: Some(marker.is_some()),
                marker,
            })
        }
    };
}

of_holder! { entries::change::<UserRow>, entries::known::<UserRow>, user_name;
    tag_user: TagUserRequest -> TagUserResponse;
    untag_user: UntagUserRequest -> UntagUserResponse;
    list_of_user: ListUserTagsRequest -> ListUserTagsResponse;
}
of_holder! { entries::change::<RoleRow>, entries::known::<RoleRow>, role_name;
    tag_role: TagRoleRequest -> TagRoleResponse;
    untag_role: UntagRoleRequest -> UntagRoleResponse;
    list_of_role: ListRoleTagsRequest -> ListRoleTagsResponse;
}
of_holder! { managed::change, managed::known, policy_arn;
    tag_policy: TagPolicyRequest -> TagPolicyResponse;
    untag_policy: UntagPolicyRequest -> UntagPolicyResponse;
    list_of_policy: ListPolicyTagsRequest -> ListPolicyTagsResponse;
}

/// Tags of a request; none may be there twice.
pub(super) fn read(sent: Vec<api::Tag>) -> Result<Tags, IamError> {
    let mut tags = Tags::new();
    for tag in sent {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        if tags.iter().any(|(known, _)| same(known, &key)) {
            return Err(IamError::DuplicateTags);
        }
        tags.push((key, value));
    }
    Ok(tags)
}

fn add(tags: &mut Tags, new: Tags) -> Result<(), IamError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(known, _)| same(known, &key)) {
            Some(tag) => *tag = (key, value),
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST {
        return Err(IamError::TooManyTags);
    }
    Ok(())
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A tag as answers show it.
pub(super) fn shown((key, value): &(String, String)) -> api::Tag {
    api::Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    }
}
