//! AWS Key Management Service: keys that never leave, and who may use them.
//!
//! Shapes first: [`identifiers`] (ids, ARNs, aliases), [`specs`] (kinds of key),
//! [`key_materials`] and [`rotation`] (versions of a key's material), [`states`] (the state matrix as data),
//! [`members`] (what a multi-Region key knows of its relatives), [`ciphertext`] (the blob),
//! [`asymmetric`] (key pairs and what they can do),
//! [`keyspaces`] (rows; [`older`] reads those of the past), [`error`] (every no).
//! Then what a call goes through: [`resolve`] (which key is meant), [`access`] with
//! [`conditions`], [`uses`], [`pair_uses`] and [`permits`] (what is touched), one file a family:
//! [`create`], [`keys`], [`tags`], [`policies`], [`aliases`], [`cryptography`] and [`data_keys`]
//! (both over [`ciphers`]), [`signatures`], [`macs`], [`shared_secrets`], [`key_pairs`],
//! [`grants`] with [`retirable`], [`deletion`], [`import`] with [`wrapping`], [`rotate`],
//! [`replicas`], [`promotion`];
//! [`paging`] cuts lists into pages; [`relatives`] and [`rotation`] take in what other Regions
//! tell. [`material`] makes and seals backing keys, [`managed`] makes AWS managed keys,
//! [`journal`] tells oracles and the trail, [`look`] answers what only a simulator can ask.
//!
//! [`quotas`] says what a request uses, [`last_use`] when a key was used last.
//!
//! Left out so far: SM2 (China Regions), Nitro enclaves, custom key stores. A request for one
//! of them is refused by name.

mod access;
mod aliases;
mod asymmetric;
mod ciphers;
mod ciphertext;
mod conditions;
mod create;
mod cryptography;
mod data_keys;
mod deletion;
mod error;
mod grants;
mod identifiers;
mod import;
mod import_tokens;
mod journal;
mod key_materials;
mod key_pairs;
mod keys;
pub(crate) mod keyspaces;
mod last_use;
mod look;
mod macs;
mod managed;
mod material;
mod members;
mod metadata;
mod older;
mod paging;
mod pair_uses;
mod permits;
mod policies;
mod promotion;
mod quotas;
mod random;
mod relatives;
mod replicas;
mod resolve;
mod retirable;
mod rotate;
mod rotation;
mod shared_secrets;
mod signatures;
mod specs;
mod states;
mod tags;
#[cfg(test)]
mod tests;
mod trail;
mod unsettled;
mod uses;
mod wrapping;

pub(crate) use asymmetric::KeyPair;
use faultline_proto::driving::AuditEvent;
use faultline_proto::handlers::{KmsHandler, KmsRequest, dispatch_kms};
use faultline_proto::kms;
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use serde_json::Value;

use crate::context::Ctx;
use crate::quotas::Charge;
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, SagaInput, Service, handlers, no_record};

/// AWS Key Management Service.
#[derive(Debug)]
pub struct Kms;

impl Service for Kms {
    const PREFIX: &'static str = "kms";
    const PRINCIPAL: &'static str = "kms.amazonaws.com";
    type Request = KmsRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<KmsRequest, prost::DecodeError>> {
        KmsRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
        access::of(ctx, request)
    }

    fn charge(request: &KmsRequest, accesses: &[Access]) -> Option<Charge> {
        quotas::of(request, accesses)
    }

    fn handle(ctx: &mut Ctx<'_>, request: KmsRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_kms::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        match kind {
            "replicate_key" => replicas::resume(ctx, state, input),
            "has_replica" => Ok(replicas::resume_unknown(ctx, state, input)),
            "update_primary_region" => promotion::resume(ctx, state, input),
            // Nobody waits: the word itself is durable and comes.
            "handed_over" => Ok(Progress::Done(Vec::new())),
            other => Err(Refusal::internal(format!("kms keeps no saga '{other}'"))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        match kind {
            "create_replica" => replicas::making_access(ctx, body),
            "promote" => promotion::promote_access(ctx, body),
            // What follows from a call that was allowed is asked of nobody again.
            _ => Ok(RemoteCall {
                event: None,
                read_only: false,
                accesses: Vec::new(),
                charge: None,
            }),
        }
    }

    fn remote(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match kind {
            "create_replica" => replicas::make(ctx, body),
            "has_replica" => replicas::has(ctx, body),
            "promote" => promotion::promote(ctx, body),
            "promoted" => promotion::promoted(ctx, body),
            "not_promoted" => promotion::not_promoted(ctx, body),
            other => Err(Refusal::internal(format!(
                "kms answers no question '{other}'"
            ))),
        }
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        match kind {
            "members" => relatives::apply(ctx, body),
            "shared" => rotation::take_shared(ctx, body),
            "material" => rotation::receive(ctx, from, body),
            "material_here" => rotation::reported(ctx, body),
            "replica_made" => replicas::came(ctx, body),
            other => return Err(no_record(other)),
        }
        Ok(())
    }

    fn trail(_ctx: &mut Ctx<'_>, operation: &str, parameters: &mut serde_json::Map<String, Value>) {
        trail::defaults(operation, parameters);
    }

    fn recorded(ctx: &mut Ctx<'_>, event: &AuditEvent) {
        last_use::recorded(ctx, event);
    }

    fn started(ctx: &mut Ctx<'_>) {
        look::note_all(ctx);
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match kind {
            "settle" => promotion::settle(ctx, payload),
            "delete" => deletion::due(ctx, payload),
            "expire" => import::expire(ctx, payload),
            "rotate" => rotation::due(ctx, payload),
            "rotation_step" => rotation::step_due(ctx, payload),
            "replica_refused" => replicas::refused(ctx, payload),
            "replica_unknown" => replicas::unknown(ctx, payload),
            "promotion_refused" => promotion::take_back(ctx, payload, false),
            "promotion_abandoned" => promotion::take_back(ctx, payload, true),
            other => ctx.note("timer_ignored", &[("service", "kms"), ("kind", other)]),
        }
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }

    fn plant(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        (what == "key_policy").then(|| look::plant_policy(ctx, arguments))
    }
}

handlers! {
    KmsHandler for Kms in kms, Refusal;
    create_key => create::create_key: CreateKeyRequest -> CreateKeyResponse;
    describe_key => keys::describe: DescribeKeyRequest -> DescribeKeyResponse;
    update_key_description => keys::describe_anew: UpdateKeyDescriptionRequest -> UpdateKeyDescriptionResponse;
    tag_resource => tags::tag: TagResourceRequest -> TagResourceResponse;
    untag_resource => tags::untag: UntagResourceRequest -> UntagResourceResponse;
    list_resource_tags => tags::list: ListResourceTagsRequest -> ListResourceTagsResponse;
    list_keys => keys::list: ListKeysRequest -> ListKeysResponse;
    enable_key => keys::enable: EnableKeyRequest -> EnableKeyResponse;
    disable_key => keys::disable: DisableKeyRequest -> DisableKeyResponse;
    schedule_key_deletion => deletion::schedule: ScheduleKeyDeletionRequest -> ScheduleKeyDeletionResponse;
    cancel_key_deletion => deletion::cancel: CancelKeyDeletionRequest -> CancelKeyDeletionResponse;
    get_key_policy => policies::get: GetKeyPolicyRequest -> GetKeyPolicyResponse;
    put_key_policy => policies::put: PutKeyPolicyRequest -> PutKeyPolicyResponse;
    list_key_policies => policies::list: ListKeyPoliciesRequest -> ListKeyPoliciesResponse;
    create_alias => aliases::create: CreateAliasRequest -> CreateAliasResponse;
    update_alias => aliases::update: UpdateAliasRequest -> UpdateAliasResponse;
    delete_alias => aliases::delete: DeleteAliasRequest -> DeleteAliasResponse;
    list_aliases => aliases::list: ListAliasesRequest -> ListAliasesResponse;
    encrypt => cryptography::encrypt: EncryptRequest -> EncryptResponse;
    decrypt => cryptography::decrypt: DecryptRequest -> DecryptResponse;
    re_encrypt => cryptography::re_encrypt: ReEncryptRequest -> ReEncryptResponse;
    generate_data_key => data_keys::generate: GenerateDataKeyRequest -> GenerateDataKeyResponse;
    generate_data_key_without_plaintext => data_keys::generate_without_plaintext: GenerateDataKeyWithoutPlaintextRequest -> GenerateDataKeyWithoutPlaintextResponse;
    generate_data_key_pair => data_keys::generate_pair: GenerateDataKeyPairRequest -> GenerateDataKeyPairResponse;
    generate_data_key_pair_without_plaintext => data_keys::generate_pair_without_plaintext: GenerateDataKeyPairWithoutPlaintextRequest -> GenerateDataKeyPairWithoutPlaintextResponse;
    sign => signatures::sign: SignRequest -> SignResponse;
    verify => signatures::verify: VerifyRequest -> VerifyResponse;
    generate_mac => macs::generate: GenerateMacRequest -> GenerateMacResponse;
    verify_mac => macs::verify: VerifyMacRequest -> VerifyMacResponse;
    get_public_key => key_pairs::get_public_key: GetPublicKeyRequest -> GetPublicKeyResponse;
    derive_shared_secret => shared_secrets::derive: DeriveSharedSecretRequest -> DeriveSharedSecretResponse;
    encapsulate => shared_secrets::encapsulate: EncapsulateRequest -> EncapsulateResponse;
    decapsulate => shared_secrets::decapsulate: DecapsulateRequest -> DecapsulateResponse;
    generate_random => random::generate: GenerateRandomRequest -> GenerateRandomResponse;
    create_grant => grants::create: CreateGrantRequest -> CreateGrantResponse;
    retire_grant => grants::retire: RetireGrantRequest -> RetireGrantResponse;
    revoke_grant => grants::revoke: RevokeGrantRequest -> RevokeGrantResponse;
    list_grants => grants::list: ListGrantsRequest -> ListGrantsResponse;
    list_retirable_grants => retirable::list: ListRetirableGrantsRequest -> ListGrantsResponse;
    get_parameters_for_import => import::parameters: GetParametersForImportRequest -> GetParametersForImportResponse;
    import_key_material => import::import: ImportKeyMaterialRequest -> ImportKeyMaterialResponse;
    delete_imported_key_material => import::delete: DeleteImportedKeyMaterialRequest -> DeleteImportedKeyMaterialResponse;
    enable_key_rotation => rotate::enable: EnableKeyRotationRequest -> EnableKeyRotationResponse;
    disable_key_rotation => rotate::disable: DisableKeyRotationRequest -> DisableKeyRotationResponse;
    get_key_rotation_status => rotate::status: GetKeyRotationStatusRequest -> GetKeyRotationStatusResponse;
    rotate_key_on_demand => rotate::on_demand: RotateKeyOnDemandRequest -> RotateKeyOnDemandResponse;
    get_key_last_usage => last_use::get: GetKeyLastUsageRequest -> GetKeyLastUsageResponse;
    list_key_rotations => rotate::list: ListKeyRotationsRequest -> ListKeyRotationsResponse;
    replicate_key => replicas::replicate: ReplicateKeyRequest -> ReplicateKeyResponse;
    update_primary_region => promotion::update_primary_region: UpdatePrimaryRegionRequest -> UpdatePrimaryRegionResponse;
}
