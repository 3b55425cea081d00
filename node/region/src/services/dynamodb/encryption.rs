//! The key of a table: under an AWS owned key, aws/dynamodb, or a customer managed key.
//!
//! ```text
//!   KMS key --wraps--> table key --+--> rows: HMAC of the item's key
//!   (or the Region's own key)      +--> seals each item, bound to table, row and version
//! ```
//!
//! KMS is asked as the caller, and a caller's answer is kept for five minutes (DDB-056), so a
//! disabled key is felt late (DDB-057). Replicated writes are stored under a grant that the
//! table's creator gave to DynamoDB. Between KMS key and items AWS has one more layer of data
//! keys; it would change nothing that can be seen, and is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::kms;
use faultline_proto::names::Elapsed;

use super::error::DynamoError;
use super::keyspaces::{CachedKeyRow, CachedKeys, Encryption, TableRow};
use super::names::TableName;
use super::sealing::TableKey;
use crate::caller::Caller;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;
use crate::vault::SecretKey;

/// How long a table key is used before KMS is asked again, seconds (DDB-056).
const CACHED: u64 = 300;
/// How long expiry goes on without KMS (DDB-064), microseconds: half an hour.
const LATELY: u64 = 1_800_000_000;
/// Alias of the AWS managed key.
pub(crate) const MANAGED_ALIAS: &str = "alias/aws/dynamodb";
/// What the grant allows DynamoDB to do.
const GRANTED: [&str; 7] = [
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "DescribeKey",
    "RetireGrant",
];

/// DynamoDB itself, as grants name it.
fn service(ctx: &Ctx<'_>) -> String {
    format!("dynamodb.{}.amazonaws.com", ctx.region())
}

/// DDB-055.
fn context(name: &TableName) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("aws:dynamodb:tableName".to_owned(), name.name.clone()),
        (
            "aws:dynamodb:subscriberId".to_owned(),
            name.account.to_string(),
        ),
    ])
}

/// A table key under the Region's own key (AWS owned key).
pub(crate) fn owned(ctx: &mut Ctx<'_>, table: &str) -> Encryption {
    let secret = SecretKey::new(ctx.entropy().bytes("dynamodb.table-key"));
    let sealed = ctx.seal_local("dynamodb.table-key", table.as_bytes(), secret.expose());
    Encryption::Owned { sealed }
}

/// A table key under a KMS key; the caller's permissions decide (DDB-051 to DDB-054).
pub(crate) fn under_kms(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    table: &str,
    key: &str,
) -> Result<Encryption, Refusal> {
    let (arn, grant) = granted(ctx, name, key)?;
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(arn.clone()),
        number_of_bytes: Some(32),
        encryption_context: context(name),
        ..Default::default()
    };
    let made = ctx.call("dynamodb", &request).map_err(told)?;
    if let Some(secret) = made.plaintext.as_deref().and_then(SecretKey::from_slice) {
        remember(ctx, table, &secret);
    }
    Ok(Encryption::Kms {
        arn,
        managed: key == MANAGED_ALIAS,
        wrapped: made.ciphertext_blob.unwrap_or_default(),
        grant,
    })
}

/// The same table key under another KMS key.
pub(crate) fn rewrapped(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    key: Option<&str>,
) -> Result<Encryption, Refusal> {
    let secret = secret_of(ctx, name, row)?;
    let Some(key) = key else {
        let sealed = ctx.seal_local("dynamodb.table-key", row.id.as_bytes(), secret.expose());
        return Ok(Encryption::Owned { sealed });
    };
    let (arn, grant) = granted(ctx, name, key)?;
    let request = kms::EncryptRequest {
        key_id: Some(arn.clone()),
        plaintext: Some(secret.expose().to_vec()),
        encryption_context: context(name),
        ..Default::default()
    };
    let made = ctx.call("dynamodb", &request).map_err(told)?;
    Ok(Encryption::Kms {
        arn,
        managed: key == MANAGED_ALIAS,
        wrapped: made.ciphertext_blob.unwrap_or_default(),
        grant,
    })
}

/// The ARN that a key's name stands for.
pub(crate) fn resolve(ctx: &mut Ctx<'_>, key: &str) -> Result<String, Refusal> {
    let request = kms::DescribeKeyRequest {
        key_id: Some(key.to_owned()),
        ..Default::default()
    };
    let found = ctx.call("dynamodb", &request).map_err(told)?;
    let metadata = found.key_metadata.unwrap_or_default();
    if metadata.key_spec.as_deref() != Some("SYMMETRIC_DEFAULT") {
        return Err(DynamoError::Internal.into());
    }
    Ok(metadata.arn.unwrap_or_default())
}

fn granted(ctx: &mut Ctx<'_>, name: &TableName, key: &str) -> Result<(String, String), Refusal> {
    let arn = resolve(ctx, key)?;
    let request = kms::CreateGrantRequest {
        key_id: Some(arn.clone()),
        grantee_principal: Some(service(ctx)),
        retiring_principal: Some(service(ctx)),
        operations: GRANTED.map(str::to_owned).to_vec(),
        constraints: Some(kms::GrantConstraints {
            encryption_context_subset: context(name),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = ctx.call("dynamodb", &request).map_err(told)?;
    Ok((arn, made.grant_id.unwrap_or_default()))
}

/// The table's key for the present caller.
///
/// # Errors
/// What DynamoDB says when KMS refuses it the key (DDB-057).
pub(crate) fn key_of(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
) -> Result<TableKey, Refusal> {
    let Encryption::Owned { sealed } = &row.encryption else {
        return secret_of(ctx, name, row).map(|secret| TableKey::new(&secret));
    };
    if let Some(known) = ctx.caches.table_keys.get(sealed) {
        return Ok(known.clone().into());
    }
    let key = TableKey::new(&opened(ctx, "dynamodb.table-key", &row.id, sealed)?);
    ctx.caches.keep_table_keys(sealed, key.clone().into());
    Ok(key)
}

fn secret_of(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) -> Result<SecretKey, Refusal> {
    let caller = ctx.caller().arn();
    secret_for(ctx, name, row, &caller, |ctx, request| {
        ctx.call("dynamodb", request)
    })
}

/// The table's key for DynamoDB's own work, under the grant.
///
/// # Errors
/// What KMS refuses.
pub(crate) fn key_for_replication(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
) -> Result<TableKey, Refusal> {
    let caller = Arc::new(Caller::service(&service(ctx)));
    let known = caller.arn();
    secret_for(ctx, name, row, &known, |ctx, request| {
        ctx.call_as(&caller, request)
    })
    .map(|secret| TableKey::new(&secret))
}

fn secret_for(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    caller: &str,
    ask: impl FnOnce(&mut Ctx<'_>, &kms::DecryptRequest) -> Result<kms::DecryptResponse, Refusal>,
) -> Result<SecretKey, Refusal> {
    let (arn, wrapped) = match &row.encryption {
        Encryption::Owned { sealed } => {
            return opened(ctx, "dynamodb.table-key", &row.id, sealed);
        }
        Encryption::Kms { arn, wrapped, .. } => (arn, wrapped),
    };
    let cached = ctx.get::<CachedKeys>((row.id.as_str(), caller));
    if let Some(cached) = cached.filter(|cached| ctx.elapsed().0 < cached.until) {
        return opened(ctx, "dynamodb.cached-key", &row.id, &cached.sealed);
    }
    let request = kms::DecryptRequest {
        key_id: Some(arn.clone()),
        ciphertext_blob: Some(wrapped.clone()),
        encryption_context: context(name),
        ..Default::default()
    };
    let secret = ask(ctx, &request).map_err(told)?;
    let secret = secret
        .plaintext
        .as_deref()
        .and_then(SecretKey::from_slice)
        .ok_or_else(|| Refusal::internal("the table's key has another length"))?;
    remember_for(ctx, &row.id, caller, &secret);
    Ok(secret)
}

fn opened(ctx: &Ctx<'_>, purpose: &str, table: &str, sealed: &[u8]) -> Result<SecretKey, Refusal> {
    let bytes = ctx.open_local(purpose, table.as_bytes(), sealed)?;
    SecretKey::from_slice(&bytes)
        .ok_or_else(|| Refusal::internal("a table's key has another length"))
}

fn remember(ctx: &mut Ctx<'_>, table: &str, secret: &SecretKey) {
    let caller = ctx.caller().arn();
    remember_for(ctx, table, &caller, secret);
}

fn remember_for(ctx: &mut Ctx<'_>, table: &str, caller: &str, secret: &SecretKey) {
    let sealed = ctx.seal_local("dynamodb.cached-key", table.as_bytes(), secret.expose());
    let until = ctx.elapsed().plus_seconds(CACHED).0;
    // A refused call learned the key all the same.
    ctx.put_kept::<CachedKeys>((table, caller), &CachedKeyRow { sealed, until });
}

/// The table's key if KMS gave it to anybody in the last half hour.
pub(crate) fn key_until_lately(ctx: &mut Ctx<'_>, row: &TableRow) -> Option<TableKey> {
    let rows = ctx.all(Range::<CachedKeys>::under((row.id.as_str(),)));
    let last = rows.into_iter().map(|(_, cached)| cached);
    let last = last.max_by_key(|cached| cached.until)?;
    let given = last.until.saturating_sub(CACHED * 1_000_000);
    if ctx.elapsed().0 >= given.saturating_add(LATELY) {
        return None;
    }
    let secret = opened(ctx, "dynamodb.cached-key", &row.id, &last.sealed).ok()?;
    Some(TableKey::new(&secret))
}

/// The table's key for a look: any that was in use, however long ago.
pub(crate) fn key_for_look(ctx: &mut Ctx<'_>, row: &TableRow) -> Option<TableKey> {
    if let Encryption::Owned { sealed } = &row.encryption {
        let secret = opened(ctx, "dynamodb.table-key", &row.id, sealed).ok()?;
        return Some(TableKey::new(&secret));
    }
    let (_, cached) = ctx.first(Range::<CachedKeys>::under((row.id.as_str(),)))?;
    let secret = opened(ctx, "dynamodb.cached-key", &row.id, &cached.sealed).ok()?;
    Some(TableKey::new(&secret))
}

/// Gives up the grant and forgets keys in use. Errors are KMS's and change nothing here.
pub(crate) fn forget(ctx: &mut Ctx<'_>, row: &TableRow) {
    for ((table, caller), _) in ctx.all(Range::<CachedKeys>::under((row.id.as_str(),))) {
        ctx.delete::<CachedKeys>((table.as_str(), caller.as_str()));
    }
    if let Encryption::Kms { arn, grant, .. } = &row.encryption {
        let request = kms::RetireGrantRequest {
            key_id: Some(arn.clone()),
            grant_id: Some(grant.clone()),
            ..Default::default()
        };
        let caller = Arc::new(Caller::service(&service(ctx)));
        let _ = ctx.call_as(&caller, &request);
    }
}

/// Whether DynamoDB itself finds the table's KMS key usable.
pub(crate) fn is_usable(ctx: &mut Ctx<'_>, arn: &str) -> bool {
    let request = kms::DescribeKeyRequest {
        key_id: Some(arn.to_owned()),
        ..Default::default()
    };
    let caller = Arc::new(Caller::service(&service(ctx)));
    ctx.call_as(&caller, &request).is_ok_and(|found| {
        found
            .key_metadata
            .is_some_and(|key| key.enabled == Some(true))
    })
}

/// When a key that could not be used is tried again.
pub(crate) fn try_again(ctx: &Ctx<'_>) -> Elapsed {
    ctx.elapsed().plus_seconds(60)
}

/// KMS's refusal in DynamoDB's words; its reasons go along.
fn told(refusal: Refusal) -> Refusal {
    let text = format!("{}: {}", refusal.code, refusal.message);
    let error = match &*refusal.code {
        "DisabledException" => DynamoError::Validation(format!("KMS key disabled error: {text}")),
        "AccessDeniedException" => DynamoError::KeyDenied(refusal.message.clone()),
        "KMSInvalidStateException"
        | "NotFoundException"
        | "InvalidArnException"
        | "ValidationException" => DynamoError::Validation(format!("KMS validation error: {text}")),
        "InvalidKeyUsageException" | "UnsupportedOperationException" => DynamoError::Internal,
        _ => return refusal,
    };
    refusal.in_words(error)
}

impl Encryption {
    /// ARN of the KMS key, when there is one.
    pub(crate) fn key_arn(&self) -> Option<&str> {
        match self {
            Self::Owned { .. } => None,
            Self::Kms { arn, .. } => Some(arn),
        }
    }
}
