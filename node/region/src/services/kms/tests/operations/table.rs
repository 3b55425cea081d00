//! The table of operations (K-287 to K-336): a line each. RetireGrant (K-325) is not among them:
//! a grant decides it, and its own test is beside this table.

use faultline_proto::Operation;
use faultline_proto::kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, CreateGrantRequest, CreateKeyRequest,
    DecapsulateRequest, DecryptRequest, DeleteAliasRequest, DeleteImportedKeyMaterialRequest,
    DeriveSharedSecretRequest, DescribeKeyRequest, DisableKeyRequest, DisableKeyRotationRequest,
    EnableKeyRequest, EnableKeyRotationRequest, EncapsulateRequest, EncryptRequest,
    GenerateDataKeyPairRequest, GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyRequest,
    GenerateDataKeyWithoutPlaintextRequest, GenerateMacRequest, GenerateRandomRequest,
    GetKeyPolicyRequest, GetKeyRotationStatusRequest, GetParametersForImportRequest,
    GetPublicKeyRequest, ImportKeyMaterialRequest, ListAliasesRequest, ListGrantsRequest,
    ListKeyPoliciesRequest, ListKeyRotationsRequest, ListKeysRequest, ListResourceTagsRequest,
    ListRetirableGrantsRequest, PutKeyPolicyRequest, ReEncryptRequest, ReplicateKeyRequest,
    RevokeGrantRequest, RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest, SignRequest, Tag,
    TagResourceRequest, UntagResourceRequest, UpdateAliasRequest, UpdateKeyDescriptionRequest,
    UpdatePrimaryRegionRequest, VerifyMacRequest, VerifyRequest,
};

use super::super::{FAR, HOME, some};
use super::{Case, open_policy};
use crate::testing::{ACCOUNT, Credential, Failure, World};

pub(super) type Ask = fn(&mut World, &Credential, &Case) -> Result<(), Failure>;

/// What an operation names its key by (K-023).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// No key.
    Nothing,
    /// Key id or key ARN.
    Id,
    /// These, or an alias.
    IdOrAlias,
    /// The alias itself is what is asked for.
    Alias,
}

/// Whether it works for callers of another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crosses {
    Yes,
    No,
    /// It names nothing that could be another's.
    NotApplicable,
}

/// What a permission is needed on, and who may give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// The key that is asked for: its policy.
    Key,
    /// A second key: its policy.
    Other,
    /// The replica in the other Region: its own policy.
    Replica,
    /// The alias: IAM only.
    Alias,
    /// Everything: IAM only.
    Star,
    /// The caller itself: IAM only.
    Caller,
}

/// The key that the operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Symmetric,
    Signing,
    Mac,
    Agreement,
    Encapsulation,
    /// Multi-Region, without a replica.
    Primary,
    /// Multi-Region, with a replica in the other Region.
    Family,
    /// Made for imported material.
    External,
    /// Pending deletion.
    Doomed,
}

pub(super) struct Row {
    pub(super) fact: &'static str,
    pub(super) name: &'static str,
    pub(super) made: Made,
    pub(super) names: Names,
    pub(super) crosses: Crosses,
    pub(super) needs: &'static [(&'static str, On)],
    /// What the call answers when it is allowed: nothing, or a refusal that comes later.
    pub(super) answer: &'static str,
    pub(super) errors: &'static [&'static str],
    pub(super) ask: Ask,
}

fn send<R: Operation>(world: &mut World, who: &Credential, request: &R) -> Result<(), Failure> {
    world.call(HOME, who, request).map(|_| ())
}

const DISABLED: &str = "DisabledException";
const STATE: &str = "KMSInvalidStateException";
const UNAVAILABLE: &str = "KeyUnavailableException";
const USAGE: &str = "InvalidKeyUsageException";
const TOKEN: &str = "InvalidGrantTokenException";
const DRY: &str = "DryRunOperationException";
const UNSUPPORTED: &str = "UnsupportedOperationException";
const LIMIT: &str = "LimitExceededException";
const MARKER: &str = "InvalidMarkerException";
const GRANT_ID: &str = "InvalidGrantIdException";
const CIPHERTEXT: &str = "InvalidCiphertextException";
const POLICY: &str = "MalformedPolicyDocumentException";
const TAGS: &str = "TagException";
const EXISTS: &str = "AlreadyExistsException";

macro_rules! rows {
    ($($fact:literal $made:ident $names:ident $crosses:ident [$($action:literal on $on:ident),*]
       [$($error:expr),*] $(=> $answer:literal)? $request:ident
       { $($field:ident: $value:expr),* $(,)? } by $case:ident;)*) => {
        &[$(Row {
            fact: $fact,
            name: <$request as Operation>::ID,
            made: Made::$made,
            names: Names::$names,
            crosses: Crosses::$crosses,
            needs: &[$(($action, On::$on)),*],
            answer: concat!($($answer)?),
            errors: &[$($error),*],
            ask: |world, who, $case| {
                send(world, who, &$request { $($field: $value,)* ..Default::default() })
            },
        }),*]
    };
}

fn tags() -> Vec<Tag> {
    vec![Tag {
        tag_key: some("a"),
        tag_value: some("1"),
    }]
}

#[expect(
    clippy::needless_update,
    reason = "one form for all, also where a request has no more members"
)]
pub(super) const ROWS: &[Row] = rows! {
    "K-287" Doomed Id No ["kms:CancelKeyDeletion" on Key] [STATE]
    CancelKeyDeletionRequest { key_id: some(&case.key) } by case;
    "K-288" Symmetric Id No ["kms:CreateAlias" on Alias, "kms:CreateAlias" on Key]
    [EXISTS, "InvalidAliasNameException", LIMIT, STATE]
    CreateAliasRequest { alias_name: some(&case.new_alias), target_key_id: some(&case.key) } by case;
    "K-289" Symmetric Id Yes ["kms:CreateGrant" on Key] [DISABLED, TOKEN, LIMIT, STATE, DRY]
    CreateGrantRequest {
        key_id: some(&case.key), operations: vec!["Decrypt".to_owned()],
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:root")),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-290" Symmetric Nothing NotApplicable ["kms:CreateKey" on Star, "kms:TagResource" on Star]
    [POLICY, UNSUPPORTED, LIMIT, TAGS, "CustomKeyStoreNotFoundException", "CustomKeyStoreInvalidStateException"]
    CreateKeyRequest { tags: tags(), bypass_policy_lockout_safety_check: Some(true) } by _case;
    "K-291" Encapsulation IdOrAlias Yes ["kms:Decapsulate" on Key]
    [DISABLED, UNAVAILABLE, TOKEN, USAGE, CIPHERTEXT, STATE, DRY]
    DecapsulateRequest {
        key_id: some(&case.key), encapsulation_algorithm: some("ML_KEM"),
        shared_secret_ciphertext_blob: Some(case.made.clone()),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-292" Symmetric IdOrAlias Yes ["kms:Decrypt" on Key]
    [DISABLED, CIPHERTEXT, UNAVAILABLE, "IncorrectKeyException", USAGE, TOKEN, STATE, DRY]
    DecryptRequest {
        key_id: some(&case.key), ciphertext_blob: Some(case.made.clone()),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-293" Symmetric Alias No ["kms:DeleteAlias" on Alias, "kms:DeleteAlias" on Key] [STATE]
    DeleteAliasRequest { alias_name: some(&case.alias) } by case;
    "K-294" External Id No ["kms:DeleteImportedKeyMaterial" on Key] [UNSUPPORTED, STATE]
    DeleteImportedKeyMaterialRequest { key_id: some(&case.key) } by case;
    "K-295" Agreement IdOrAlias Yes ["kms:DeriveSharedSecret" on Key]
    [DISABLED, UNAVAILABLE, TOKEN, USAGE, STATE, DRY]
    DeriveSharedSecretRequest {
        key_id: some(&case.key), key_agreement_algorithm: some("ECDH"),
        public_key: Some(case.made.clone()), grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-296" Symmetric IdOrAlias Yes ["kms:DescribeKey" on Key] []
    DescribeKeyRequest { key_id: some(&case.key) } by case;
    "K-297" Symmetric Id No ["kms:DisableKey" on Key] [STATE]
    DisableKeyRequest { key_id: some(&case.key) } by case;
    "K-298" Symmetric Id No ["kms:DisableKeyRotation" on Key] [DISABLED, STATE, UNSUPPORTED]
    DisableKeyRotationRequest { key_id: some(&case.key) } by case;
    "K-299" Symmetric Id No ["kms:EnableKey" on Key] [LIMIT, STATE]
    EnableKeyRequest { key_id: some(&case.key) } by case;
    "K-300" Symmetric Id No ["kms:EnableKeyRotation" on Key] [DISABLED, STATE, UNSUPPORTED]
    EnableKeyRotationRequest { key_id: some(&case.key) } by case;
    "K-301" Encapsulation IdOrAlias Yes ["kms:Encapsulate" on Key]
    [DISABLED, UNAVAILABLE, TOKEN, USAGE, STATE, DRY]
    EncapsulateRequest {
        key_id: some(&case.key), encapsulation_algorithm: some("ML_KEM"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-302" Symmetric IdOrAlias Yes ["kms:Encrypt" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, DRY]
    EncryptRequest {
        key_id: some(&case.key), plaintext: Some(vec![1]),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-303" Symmetric IdOrAlias Yes ["kms:GenerateDataKey" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, DRY]
    GenerateDataKeyRequest {
        key_id: some(&case.key), key_spec: some("AES_256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-304" Symmetric IdOrAlias Yes ["kms:GenerateDataKeyPair" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, UNSUPPORTED, DRY]
    GenerateDataKeyPairRequest {
        key_id: some(&case.key), key_pair_spec: some("ECC_NIST_P256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-305" Symmetric IdOrAlias Yes ["kms:GenerateDataKeyPairWithoutPlaintext" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, UNSUPPORTED, DRY]
    GenerateDataKeyPairWithoutPlaintextRequest {
        key_id: some(&case.key), key_pair_spec: some("ECC_NIST_P256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-306" Symmetric IdOrAlias Yes ["kms:GenerateDataKeyWithoutPlaintext" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, DRY]
    GenerateDataKeyWithoutPlaintextRequest {
        key_id: some(&case.key), key_spec: some("AES_256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-307" Mac IdOrAlias Yes ["kms:GenerateMac" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, DRY]
    GenerateMacRequest {
        key_id: some(&case.key), message: Some(vec![1]), mac_algorithm: some("HMAC_SHA_256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-308" Symmetric Nothing NotApplicable ["kms:GenerateRandom" on Star]
    [UNSUPPORTED, "CustomKeyStoreNotFoundException", "CustomKeyStoreInvalidStateException"]
    GenerateRandomRequest { number_of_bytes: Some(8) } by _case;
    "K-310" Symmetric Id No ["kms:GetKeyPolicy" on Key] [STATE]
    GetKeyPolicyRequest { key_id: some(&case.key) } by case;
    "K-311" Symmetric Id Yes ["kms:GetKeyRotationStatus" on Key] [STATE, UNSUPPORTED]
    GetKeyRotationStatusRequest { key_id: some(&case.key) } by case;
    "K-312" External Id No ["kms:GetParametersForImport" on Key] [UNSUPPORTED, STATE]
    GetParametersForImportRequest {
        key_id: some(&case.key), wrapping_algorithm: some("RSAES_OAEP_SHA_256"),
        wrapping_key_spec: some("RSA_2048"),
    } by case;
    "K-313" Signing IdOrAlias Yes ["kms:GetPublicKey" on Key]
    [DISABLED, UNAVAILABLE, UNSUPPORTED, TOKEN, USAGE, STATE]
    GetPublicKeyRequest { key_id: some(&case.key), grant_tokens: case.tokens.clone() } by case;
    "K-314" External Id No ["kms:ImportKeyMaterial" on Key]
    [UNSUPPORTED, STATE, CIPHERTEXT, "IncorrectKeyMaterialException", "ExpiredImportTokenException",
     "InvalidImportTokenException"]
    => "InvalidImportTokenException"
    ImportKeyMaterialRequest {
        key_id: some(&case.key), import_token: Some(vec![1]), encrypted_key_material: Some(vec![1]),
        expiration_model: some("KEY_MATERIAL_DOES_NOT_EXPIRE"),
    } by case;
    "K-315" Symmetric Id No ["kms:ListAliases" on Star] [MARKER]
    ListAliasesRequest { key_id: some(&case.key), marker: case.marker.clone() } by case;
    "K-316" Symmetric Id Yes ["kms:ListGrants" on Key] [MARKER, GRANT_ID, STATE]
    ListGrantsRequest { key_id: some(&case.key), marker: case.marker.clone() } by case;
    "K-317" Symmetric Id No ["kms:ListKeyPolicies" on Key] [STATE]
    ListKeyPoliciesRequest { key_id: some(&case.key) } by case;
    "K-318" Symmetric Id No ["kms:ListKeyRotations" on Key] [MARKER, STATE, UNSUPPORTED]
    ListKeyRotationsRequest { key_id: some(&case.key), marker: case.marker.clone() } by case;
    "K-319" Symmetric Nothing NotApplicable ["kms:ListKeys" on Star] [MARKER]
    ListKeysRequest { marker: case.marker.clone() } by case;
    "K-320" Symmetric Id No ["kms:ListResourceTags" on Key] [MARKER]
    ListResourceTagsRequest { key_id: some(&case.key), marker: case.marker.clone() } by case;
    "K-321" Symmetric Nothing NotApplicable ["kms:ListRetirableGrants" on Caller] [MARKER]
    ListRetirableGrantsRequest {
        retiring_principal: some(&case.caller), marker: case.marker.clone(),
    } by case;
    "K-322" Symmetric Id No ["kms:PutKeyPolicy" on Key] [POLICY, UNSUPPORTED, LIMIT, STATE]
    PutKeyPolicyRequest {
        key_id: some(&case.key), policy: some(&open_policy(&[])),
        bypass_policy_lockout_safety_check: Some(true),
    } by case;
    "K-323" Symmetric IdOrAlias Yes ["kms:ReEncryptFrom" on Key, "kms:ReEncryptTo" on Other]
    [DISABLED, CIPHERTEXT, UNAVAILABLE, "IncorrectKeyException", USAGE, TOKEN, STATE, DRY]
    ReEncryptRequest {
        source_key_id: some(&case.key), ciphertext_blob: Some(case.made.clone()),
        destination_key_id: some(&case.other),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-324" Primary Id No
    ["kms:ReplicateKey" on Key, "kms:CreateKey" on Star, "kms:TagResource" on Star]
    [EXISTS, DISABLED, STATE, LIMIT, POLICY, TAGS, UNSUPPORTED]
    ReplicateKeyRequest {
        key_id: some(&case.key), replica_region: some(FAR), tags: tags(),
        bypass_policy_lockout_safety_check: Some(true),
    } by case;
    "K-326" Symmetric Id Yes ["kms:RevokeGrant" on Key] [GRANT_ID, STATE, DRY]
    RevokeGrantRequest {
        key_id: some(&case.key), grant_id: some(&case.grant), dry_run: case.dry,
    } by case;
    "K-327" Symmetric Id No ["kms:RotateKeyOnDemand" on Key]
    [DISABLED, STATE, UNSUPPORTED, LIMIT, "ConflictException"]
    RotateKeyOnDemandRequest { key_id: some(&case.key) } by case;
    "K-328" Symmetric Id No ["kms:ScheduleKeyDeletion" on Key] [STATE]
    ScheduleKeyDeletionRequest { key_id: some(&case.key) } by case;
    "K-329" Signing IdOrAlias Yes ["kms:Sign" on Key] [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, DRY]
    SignRequest {
        key_id: some(&case.key), message: Some(vec![1]), signing_algorithm: some("ECDSA_SHA_256"),
        grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-330" Symmetric Id No ["kms:TagResource" on Key] [STATE, LIMIT, TAGS]
    TagResourceRequest { key_id: some(&case.key), tags: tags() } by case;
    "K-331" Symmetric Id No ["kms:UntagResource" on Key] [STATE, TAGS]
    UntagResourceRequest { key_id: some(&case.key), tag_keys: vec!["a".to_owned()] } by case;
    "K-332" Symmetric Id No
    ["kms:UpdateAlias" on Alias, "kms:UpdateAlias" on Key, "kms:UpdateAlias" on Other] [LIMIT, STATE]
    UpdateAliasRequest { alias_name: some(&case.alias), target_key_id: some(&case.other) } by case;
    "K-333" Symmetric Id No ["kms:UpdateKeyDescription" on Key] [STATE]
    UpdateKeyDescriptionRequest { key_id: some(&case.key), description: some("cards") } by case;
    "K-334" Family Id No ["kms:UpdatePrimaryRegion" on Key, "kms:UpdatePrimaryRegion" on Replica]
    [DISABLED, STATE, UNSUPPORTED]
    UpdatePrimaryRegionRequest { key_id: some(&case.key), primary_region: some(FAR) } by case;
    "K-335" Signing IdOrAlias Yes ["kms:Verify" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, STATE, "KMSInvalidSignatureException", DRY]
    VerifyRequest {
        key_id: some(&case.key), message: Some(vec![1]), signing_algorithm: some("ECDSA_SHA_256"),
        signature: Some(case.made.clone()), grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
    "K-336" Mac IdOrAlias Yes ["kms:VerifyMac" on Key]
    [DISABLED, UNAVAILABLE, USAGE, TOKEN, "KMSInvalidMacException", STATE, DRY]
    VerifyMacRequest {
        key_id: some(&case.key), message: Some(vec![1]), mac_algorithm: some("HMAC_SHA_256"),
        mac: Some(case.made.clone()), grant_tokens: case.tokens.clone(), dry_run: case.dry,
    } by case;
};
