//! Secrets Manager: secrets under KMS, versions with staging labels, replicas in other Regions.
//!
//! - [`secrets`], [`values`], [`versions`], [`listing`], [`tags`], [`policies`], [`passwords`]:
//!   the calls. [`deletion`], [`rotation`]: and what time brings.
//! - [`replication`], [`endings`]: a primary and its replicas. [`replica`]: the other side.
//! - [`sealing`]: values under KMS. [`ids`]: names, ARNs, and how a request finds a secret.
//! - [`access`]: what each request touches. [`error`]: every way it says no. [`keyspaces`]: rows.
//!
//! Left out: replicas in other accounts (SEC-026), secrets that other services own, and rotation
//! functions themselves (see [`rotation`]).

mod access;
mod deletion;
mod endings;
mod error;
mod ids;
pub mod keyspaces;
mod listing;
mod look;
mod passwords;
mod policies;
mod replica;
mod replication;
mod rotation;
mod sealing;
mod secrets;
mod tags;
#[cfg(test)]
mod tests;
mod values;
mod versions;

use faultline_proto::handlers::{
    SecretsManagerHandler, SecretsManagerRequest, dispatch_secretsmanager,
};
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::Progress;
use faultline_proto::secretsmanager as api;
use serde_json::Value;

use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, Service, handlers, no_record};

/// AWS Secrets Manager.
#[derive(Debug)]
pub struct SecretsManager;

impl Service for SecretsManager {
    const PREFIX: &'static str = "secretsmanager";
    const PRINCIPAL: &'static str = "secretsmanager.amazonaws.com";
    type Request = SecretsManagerRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<SecretsManagerRequest, prost::DecodeError>> {
        SecretsManagerRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &SecretsManagerRequest) -> Result<Vec<Access>, Refusal> {
        Ok(access::of(ctx, request))
    }

    fn handle(
        ctx: &mut Ctx<'_>,
        request: SecretsManagerRequest,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_secretsmanager::<Self>(ctx, request)
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        match kind {
            "update" => replica::update(ctx, from, body),
            "remove" => replica::removed(ctx, from, body),
            "status" => endings::answered(ctx, from, body),
            "left" => endings::left(ctx, from, body),
            "key" => endings::key_changed(ctx, from, body),
            other => Err(no_record(other)),
        }
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        if kind == "remove" {
            if let Ok((region, address)) = decode::<(RegionName, _)>(payload) {
                endings::removal(ctx, &region, &address);
            }
            return;
        }
        let Ok((account, name, suffix)) = decode::<(AccountId, String, String)>(payload) else {
            return;
        };
        match kind {
            "delete" => deletion::over(ctx, &account, &name, &suffix),
            "rotate" => rotation::due(ctx, &account, &name, &suffix),
            _ => ctx.note(
                "timer_ignored",
                &[("service", Self::PREFIX), ("kind", kind)],
            ),
        }
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }
}

handlers! {
    SecretsManagerHandler for SecretsManager in api, Refusal;
    create_secret => secrets::create: CreateSecretRequest -> CreateSecretResponse;
    describe_secret => secrets::describe: DescribeSecretRequest -> DescribeSecretResponse;
    update_secret => secrets::update: UpdateSecretRequest -> UpdateSecretResponse;
    get_secret_value => values::get: GetSecretValueRequest -> GetSecretValueResponse;
    batch_get_secret_value => values::batch: BatchGetSecretValueRequest -> BatchGetSecretValueResponse;
    put_secret_value => values::put: PutSecretValueRequest -> PutSecretValueResponse;
    update_secret_version_stage =>
        versions::update_stage: UpdateSecretVersionStageRequest -> UpdateSecretVersionStageResponse;
    list_secret_version_ids => versions::list: ListSecretVersionIdsRequest -> ListSecretVersionIdsResponse;
    list_secrets => listing::list: ListSecretsRequest -> ListSecretsResponse;
    delete_secret => deletion::delete: DeleteSecretRequest -> DeleteSecretResponse;
    restore_secret => deletion::restore: RestoreSecretRequest -> RestoreSecretResponse;
    get_random_password => passwords::random: GetRandomPasswordRequest -> GetRandomPasswordResponse;
    rotate_secret => rotation::rotate: RotateSecretRequest -> RotateSecretResponse;
    cancel_rotate_secret => rotation::cancel: CancelRotateSecretRequest -> CancelRotateSecretResponse;
    put_resource_policy => policies::put: PutResourcePolicyRequest -> PutResourcePolicyResponse;
    get_resource_policy => policies::get: GetResourcePolicyRequest -> GetResourcePolicyResponse;
    delete_resource_policy => policies::delete: DeleteResourcePolicyRequest -> DeleteResourcePolicyResponse;
    validate_resource_policy => policies::validate: ValidateResourcePolicyRequest -> ValidateResourcePolicyResponse;
    tag_resource => tags::tag: TagResourceRequest -> TagResourceResponse;
    untag_resource => tags::untag: UntagResourceRequest -> UntagResourceResponse;
    replicate_secret_to_regions =>
        replication::replicate: ReplicateSecretToRegionsRequest -> ReplicateSecretToRegionsResponse;
    remove_regions_from_replication =>
        endings::remove: RemoveRegionsFromReplicationRequest -> RemoveRegionsFromReplicationResponse;
    stop_replication_to_replica =>
        replica::promote: StopReplicationToReplicaRequest -> StopReplicationToReplicaResponse;
}
