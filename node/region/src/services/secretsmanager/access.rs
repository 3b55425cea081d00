//! What each request touches, and under whose policies.
//!
//! A secret that is not there is decided over all the same, so that nobody without permission
//! learns what there is.

use faultline_proto::handlers::SecretsManagerRequest as Request;
use faultline_proto::secretsmanager::{CreateSecretRequest, Tag};

use super::ids;
use super::keyspaces::{Place, SecretRow};
use crate::context::Ctx;
use crate::identity::DocumentKind;
use crate::service::{Access, Wording};

fn plain(ctx: &Ctx<'_>, action: &str) -> Access {
    let action = format!("secretsmanager:{action}");
    let account = ctx.account();
    Access::new(ctx, action, "*", account, Wording::AccessDeniedException)
}

/// An access to a secret that is there.
pub fn to_row(ctx: &mut Ctx<'_>, action: &str, row: &SecretRow) -> Access {
    let arn = ids::arn(ctx, row);
    let mut access = Access::new(
        ctx,
        format!("secretsmanager:{action}"),
        arn.as_str(),
        row.account.clone(),
        Wording::AccessDeniedException,
    );
    access.policy = row.policy.as_deref().and_then(|text| {
        ctx.caches
            .policy(DocumentKind::Resource, "resource-policy", text)
            .ok()
    });
    access = access.with("secretsmanager:SecretId", &arn);
    for (key, value) in &row.tags {
        access
            .context
            .set(format!("aws:ResourceTag/{key}"), value.as_str());
        let own = format!("secretsmanager:ResourceTag/{key}");
        access.context.set(own, value.as_str());
    }
    let primary = match &row.place {
        Place::Primary(_) => ctx.region().to_string(),
        Place::Replica { primary, .. } => primary.to_string(),
    };
    access = access.with("secretsmanager:SecretPrimaryRegion", &primary);
    if let Some(rotation) = &row.rotation {
        access = access.with(
            "secretsmanager:resource/AllowRotationLambdaArn",
            &rotation.function,
        );
    }
    access
}

/// An access to a secret that a request names.
pub fn to(ctx: &mut Ctx<'_>, action: &str, id: Option<&str>) -> Access {
    match ids::find(ctx, id.unwrap_or_default()) {
        Ok(row) => to_row(ctx, action, &row),
        Err((owner, arn)) => Access::new(
            ctx,
            format!("secretsmanager:{action}"),
            arn,
            owner,
            Wording::AccessDeniedException,
        ),
    }
}

type Pair<'t> = (Option<&'t str>, Option<&'t str>);

fn pairs(tags: &[Tag]) -> impl Iterator<Item = Pair<'_>> {
    tags.iter()
        .map(|tag| (tag.key.as_deref(), tag.value.as_deref()))
}

fn create(ctx: &mut Ctx<'_>, request: &CreateSecretRequest) -> Vec<Access> {
    let name = request.name.as_deref();
    let mut actions = vec!["CreateSecret"];
    if !request.tags.is_empty() {
        actions.push("TagResource");
    }
    if !request.add_replica_regions.is_empty() {
        actions.push("ReplicateSecretToRegions");
    }
    let mut all = Vec::new();
    for action in actions {
        let mut access = to(ctx, action, name);
        access = access.with("secretsmanager:Name", name.unwrap_or_default());
        if let Some(key) = &request.kms_key_id {
            access = access.with("secretsmanager:KmsKeyId", key);
        }
        access.set_request_tags(pairs(&request.tags));
        all.push(access);
    }
    all
}

/// Each request that names a secret, by its action.
macro_rules! by_secret {
    ($ctx:expr, $request:expr, $($variant:ident)*) => {
        match $request {
            $(Request::$variant(request) => Some(to($ctx, stringify!($variant), request.secret_id.as_deref())),)*
            _ => None,
        }
    };
}

/// What `request` touches.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &Request) -> Vec<Access> {
    let found = by_secret!(ctx, request,
        DescribeSecret GetSecretValue PutSecretValue UpdateSecret UpdateSecretVersionStage
        ListSecretVersionIds DeleteSecret RestoreSecret RotateSecret CancelRotateSecret
        PutResourcePolicy GetResourcePolicy DeleteResourcePolicy TagResource UntagResource
        ReplicateSecretToRegions RemoveRegionsFromReplication StopReplicationToReplica);
    let Some(mut access) = found else {
        return match request {
            Request::CreateSecret(request) => create(ctx, request),
            Request::ListSecrets(_) => vec![plain(ctx, "ListSecrets")],
            Request::BatchGetSecretValue(request) => {
                let mut all = vec![plain(ctx, "BatchGetSecretValue")];
                if !request.filters.is_empty() {
                    all.push(plain(ctx, "ListSecrets"));
                }
                all
            }
            Request::GetRandomPassword(_) => vec![plain(ctx, "GetRandomPassword")],
            Request::ValidateResourcePolicy(request) => match request.secret_id.as_deref() {
                None => vec![plain(ctx, "ValidateResourcePolicy")],
                id => vec![to(ctx, "ValidateResourcePolicy", id)],
            },
            _ => Vec::new(),
        };
    };
    conditions(&mut access, request);
    vec![access]
}

/// Condition keys that a request itself gives.
fn conditions(access: &mut Access, request: &Request) {
    let context = &mut access.context;
    match request {
        Request::GetSecretValue(request) => {
            if let Some(version) = &request.version_id {
                context.set("secretsmanager:VersionId", version.as_str());
            }
            let stage = request.version_stage.as_deref().unwrap_or("AWSCURRENT");
            context.set("secretsmanager:VersionStage", stage);
        }
        Request::DeleteSecret(request) => {
            let force = request.force_delete_without_recovery.unwrap_or_default();
            context.set_flag("secretsmanager:ForceDeleteWithoutRecovery", force);
            if let Some(days) = request.recovery_window_in_days {
                context.set("secretsmanager:RecoveryWindowInDays", days.to_string());
            }
        }
        Request::UpdateSecret(request) => {
            if let Some(key) = &request.kms_key_id {
                context.set("secretsmanager:KmsKeyId", key.as_str());
            }
        }
        Request::PutResourcePolicy(request) => {
            let block = request.block_public_policy.unwrap_or_default();
            context.set_flag("secretsmanager:BlockPublicPolicy", block);
        }
        Request::RotateSecret(request) => {
            if let Some(function) = &request.rotation_lambda_arn {
                context.set("secretsmanager:RotationLambdaARN", function.as_str());
            }
        }
        Request::ReplicateSecretToRegions(request) => {
            let regions = request.add_replica_regions.iter();
            let regions = regions.filter_map(|one| one.region.as_deref());
            context.set_all("secretsmanager:AddReplicaRegions", regions);
            let force = request.force_overwrite_replica_secret.unwrap_or_default();
            context.set_flag("secretsmanager:ForceOverwriteReplicaSecret", force);
        }
        Request::TagResource(request) => access.set_request_tags(pairs(&request.tags)),
        Request::UntagResource(request) => {
            let keys = request.tag_keys.iter().map(String::as_str);
            context.set_all("aws:TagKeys", keys);
        }
        _ => {}
    }
}
