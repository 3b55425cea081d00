//! Condition keys of KMS (kms section 8). `kms:ViaService` and `kms:CallerAccount` follow from
//! the caller and are the pipeline's.

use faultline_proto::kms::{CreateKeyRequest, ImportKeyMaterialRequest, Tag};

use super::access::without_key;
use super::keyspaces::KeyRow;
use super::specs::Kind;
use super::unsettled::EarlierWords;
use crate::context::Ctx;
use crate::identity::{Context, Principal, dates};
use crate::service::Access;

/// What the key itself gives: its type, origin, relatives, aliases and tags (K-229 to K-233).
/// Tags and aliases are the `earlier` ones while those of today do not count yet (K-194).
pub(crate) fn of_key(context: &mut Context, row: &KeyRow, earlier: Option<&EarlierWords>) {
    let (tags, aliases) = earlier.map_or((&row.tags, &row.aliases), |earlier| {
        (&earlier.tags, &earlier.aliases)
    });
    of_kind(context, row.kind);
    context.set_flag("kms:multiregion", row.members.is_some());
    if row.members.is_some() {
        context.set("kms:multiregionkeytype", row.role());
    }
    context.set_all("kms:resourcealiases", aliases.iter().map(String::as_str));
    for (key, value) in tags {
        context.set(format!("aws:resourcetag/{key}"), value.as_str());
    }
}

fn of_kind(context: &mut Context, kind: Kind) {
    context.set("kms:keyspec", kind.spec.text());
    context.set("kms:keyusage", kind.usage.text());
    context.set("kms:keyorigin", kind.origin.text());
}

/// CreateKey, and TagResource when it brings tags (K-231: defaults count as present).
pub(crate) fn create_key(ctx: &Ctx<'_>, request: &CreateKeyRequest) -> Vec<Access> {
    let multi_region = request.multi_region.unwrap_or(false);
    let role = multi_region.then_some("PRIMARY");
    let spec = request
        .key_spec
        .as_deref()
        .or(request.customer_master_key_spec.as_deref());
    let mut access = making(ctx, role, Kind::DEFAULT, &request.tags);
    if let Some(create) = access.first_mut() {
        create
            .context
            .set("kms:keyspec", spec.unwrap_or("SYMMETRIC_DEFAULT"));
        create.context.set(
            "kms:keyusage",
            request.key_usage.as_deref().unwrap_or("ENCRYPT_DECRYPT"),
        );
        create.context.set(
            "kms:keyorigin",
            request.origin.as_deref().unwrap_or("AWS_KMS"),
        );
        let bypass = request.bypass_policy_lockout_safety_check.unwrap_or(false);
        create
            .context
            .set_flag("kms:bypasspolicylockoutsafetycheck", bypass);
    }
    access
}

/// Making a key in this Region: an IAM matter only (K-102, K-184).
pub(crate) fn making(
    ctx: &Ctx<'_>,
    role: Option<&'static str>,
    kind: Kind,
    tags: &[Tag],
) -> Vec<Access> {
    let mut create = without_key(ctx, "kms:CreateKey");
    of_kind(&mut create.context, kind);
    create.context.set_flag("kms:multiregion", role.is_some());
    if let Some(role) = role {
        create.context.set("kms:multiregionkeytype", role);
    }
    tagged(&mut create.context, tags);
    let mut accesses = vec![create];
    if !tags.is_empty() {
        let mut tag = without_key(ctx, "kms:TagResource");
        tagged(&mut tag.context, tags);
        accesses.push(tag);
    }
    accesses
}

fn tagged(context: &mut Context, tags: &[Tag]) {
    let key = |tag: &Tag| tag.tag_key.clone().unwrap_or_default();
    context.set_all("aws:tagkeys", tags.iter().map(key));
    for tag in tags {
        context.set(
            format!("aws:requesttag/{}", key(tag)),
            tag.tag_value.clone().unwrap_or_default(),
        );
    }
}

/// TagResource: the tags that it brings.
pub(crate) fn tagging(mut access: Access, tags: &[Tag]) -> Access {
    tagged(&mut access.context, tags);
    access
}

/// UntagResource: the names of the tags that it takes away.
pub(crate) fn untagging(mut access: Access, keys: &[String]) -> Access {
    access
        .context
        .set_all("aws:tagkeys", keys.iter().map(String::as_str));
    access
}

/// ImportKeyMaterial: the expiration that it sets; expiring is the default (K-139).
pub(crate) fn importing(mut access: Access, request: &ImportKeyMaterialRequest) -> Access {
    let model = request.expiration_model.as_deref();
    let context = &mut access.context;
    context.set(
        "kms:expirationmodel",
        model.unwrap_or("KEY_MATERIAL_EXPIRES"),
    );
    if let Some(millis) = request.valid_to {
        let date = dates::format(millis.saturating_mul(1000));
        context.set("kms:validto", date);
    }
    access
}

/// `kms:BypassPolicyLockoutSafetyCheck` (K-177).
pub(crate) fn bypass(mut access: Access, asked: Option<bool>) -> Access {
    access
        .context
        .set_flag("kms:bypasspolicylockoutsafetycheck", asked.unwrap_or(false));
    access
}

/// `kms:GrantIsForAWSResource`: true only when a service calls for somebody (K-227).
pub(crate) fn for_resource(ctx: &Ctx<'_>, mut access: Access) -> Access {
    let caller = ctx.caller();
    let by_service =
        !caller.via.is_empty() || matches!(caller.principal, Principal::Service { .. });
    access
        .context
        .set_flag("kms:grantisforawsresource", by_service);
    access
}
