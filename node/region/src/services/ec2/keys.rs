//! What EBS asks of KMS, and as whom.
//!
//! ```text
//!   on the caller's behalf (through ec2)      as infrastructure, by a grant only
//!   DescribeKey, CreateGrant,                 Decrypt of what was made or is attached,
//!   GenerateDataKeyWithoutPlaintext,          RetireGrant
//!   Decrypt of a source, ReEncrypt
//! ```
//!
//! So the caller needs each of the five permissions of EBS-005: whoever may only make grants
//! copies nothing.
//!
//! The infrastructure is a role session of the account for which the work is done
//! (`aws:ec2-infrastructure/vol-...`); no policy of that account speaks for it. So what a grant
//! does not give, it cannot do.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::kms;
use faultline_proto::names::{AccountId, Arn};

use super::keyspaces::{GrantRow, Sealing};
use crate::caller::Caller;
use crate::context::Ctx;
use crate::identity::Principal;
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The key that encrypts when no other is named.
pub const DEFAULT_KEY: &str = "alias/aws/ebs";

/// What reads a source may do.
pub const READING: &[&str] = &["Decrypt", "DescribeKey", "ReEncryptFrom", "RetireGrant"];
/// What makes or attaches a volume may do.
pub const MAKING: &[&str] = &["Decrypt", "DescribeKey", "ReEncryptTo", "RetireGrant"];

/// The five that the caller needs (EBS-005).
#[cfg(test)]
pub const NEEDED: [&str; 5] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
];

/// The encryption context of a data key (EBS-004).
fn context(bound: &str) -> BTreeMap<String, String> {
    let bound = if mutants::is(Mutant::DisksShareContext) {
        "vol-ffffffff"
    } else {
        bound
    };
    BTreeMap::from([("aws:ebs:id".to_owned(), bound.to_owned())])
}

/// AWS's own hands: a session of a role that no customer made.
fn infrastructure(ctx: &Ctx<'_>, account: &AccountId, session: &str) -> Arc<Caller> {
    let role = Arn::of("iam", "", account.as_str(), "role/aws:ec2-infrastructure");
    let principal = Principal::role(&role, "AROAEC2INFRASTRUCTURE", session)
        .expect("an account's id makes the ARN");
    let via = format!("ec2.{}.amazonaws.com", ctx.region());
    Arc::new(Caller::plain(principal).through(via))
}

fn hands(ctx: &Ctx<'_>, grant: &GrantRow) -> Arc<Caller> {
    infrastructure(ctx, &grant.grantee.0, &grant.grantee.1)
}

/// The key that the caller names: its ARN, and whether AWS manages it.
///
/// # Errors
/// KMS's refusal.
pub fn describe(ctx: &mut Ctx<'_>, key: &str) -> Result<(String, bool), Refusal> {
    let request = kms::DescribeKeyRequest {
        key_id: Some(key.to_owned()),
        ..kms::DescribeKeyRequest::default()
    };
    let found = ctx.call("ec2", &request)?.key_metadata.unwrap_or_default();
    let managed = found.key_manager.as_deref() == Some("AWS");
    Ok((found.arn.unwrap_or_default(), managed))
}

/// A data key that only KMS has seen (EBS-001).
///
/// # Errors
/// KMS's refusal.
pub fn generate(
    ctx: &mut Ctx<'_>,
    (key, managed): (String, bool),
    bound: &str,
) -> Result<Sealing, Refusal> {
    let request = kms::GenerateDataKeyWithoutPlaintextRequest {
        key_id: Some(key),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context(bound),
        ..kms::GenerateDataKeyWithoutPlaintextRequest::default()
    };
    let made = ctx.call("ec2", &request)?;
    Ok(Sealing {
        key: made.key_id.unwrap_or_default(),
        managed,
        data_key: made.ciphertext_blob.unwrap_or_default(),
        bound: bound.to_owned(),
    })
}

/// Lets AWS's hands work with what is `bound` under `key`, on the caller's behalf.
///
/// # Errors
/// KMS's refusal: the caller may not make grants (EBS-031).
pub fn grant(
    ctx: &mut Ctx<'_>,
    key: &str,
    bound: &str,
    session: &str,
    operations: &[&str],
) -> Result<GrantRow, Refusal> {
    let account = ctx.account();
    let hands = infrastructure(ctx, &account, session).arn();
    let request = kms::CreateGrantRequest {
        key_id: Some(key.to_owned()),
        grantee_principal: Some(hands.clone()),
        retiring_principal: Some(hands),
        operations: operations.iter().map(|word| (*word).to_owned()).collect(),
        constraints: Some(kms::GrantConstraints {
            encryption_context_subset: context(bound),
            ..kms::GrantConstraints::default()
        }),
        ..kms::CreateGrantRequest::default()
    };
    let id = ctx.call("ec2", &request)?.grant_id.unwrap_or_default();
    ctx.note(
        "grant_made",
        &[
            ("service", "ec2"),
            ("key", key),
            ("grant", &id),
            ("for", session),
        ],
    );
    Ok(GrantRow {
        key: key.to_owned(),
        id,
        grantee: (account, session.to_owned()),
    })
}

/// Gives a grant back. A key that is gone took its grants along.
pub fn retire(ctx: &mut Ctx<'_>, grant: &GrantRow) {
    let request = kms::RetireGrantRequest {
        key_id: Some(grant.key.clone()),
        grant_id: Some(grant.id.clone()),
        ..kms::RetireGrantRequest::default()
    };
    let hands = hands(ctx, grant);
    let outcome = match ctx.call_as(&hands, &request) {
        Ok(_) => "retired".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    ctx.note(
        "grant_retired",
        &[
            ("service", "ec2"),
            ("key", &grant.key),
            ("grant", &grant.id),
            ("outcome", &outcome),
        ],
    );
}

/// Opens the data key of a source on the caller's behalf (EBS-005, EBS-031).
///
/// # Errors
/// KMS's refusal: the caller may not decrypt, the key is disabled.
pub fn open_source(ctx: &mut Ctx<'_>, sealing: &Sealing) -> Result<SecretKey, Refusal> {
    secret(ctx.call("ec2", &decrypt(sealing))?)
}

fn decrypt(sealing: &Sealing) -> kms::DecryptRequest {
    kms::DecryptRequest {
        key_id: Some(sealing.key.clone()),
        ciphertext_blob: Some(sealing.data_key.clone()),
        encryption_context: context(&sealing.bound),
        ..kms::DecryptRequest::default()
    }
}

fn secret(opened: kms::DecryptResponse) -> Result<SecretKey, Refusal> {
    let plaintext = zeroize::Zeroizing::new(opened.plaintext.unwrap_or_default());
    SecretKey::from_slice(&plaintext).ok_or_else(|| Refusal::internal("a data key has 32 bytes"))
}

/// Somebody can read the blocks of `holder` from now on: for the oracle that wants a Decrypt of the
/// trail for each.
pub fn readable(ctx: &mut Ctx<'_>, holder: &str, by: &str, sealing: &Sealing) {
    ctx.note(
        "blocks_readable",
        &[
            ("holder", holder),
            ("by", by),
            ("key", &sealing.key),
            ("bound", &sealing.bound),
        ],
    );
}

/// Opens a data key by a grant.
///
/// # Errors
/// KMS's refusal: the key is disabled, the grant revoked.
pub fn open(ctx: &mut Ctx<'_>, grant: &GrantRow, sealing: &Sealing) -> Result<SecretKey, Refusal> {
    let hands = hands(ctx, grant);
    secret(ctx.call_as(&hands, &decrypt(sealing))?)
}

/// Binds the same data key to another id under the same KMS key (EBS-002), on the caller's behalf.
///
/// # Errors
/// KMS's refusal.
pub fn rebind(ctx: &mut Ctx<'_>, sealing: &Sealing, bound: &str) -> Result<Sealing, Refusal> {
    let request = kms::ReEncryptRequest {
        ciphertext_blob: Some(sealing.data_key.clone()),
        source_key_id: Some(sealing.key.clone()),
        source_encryption_context: context(&sealing.bound),
        destination_key_id: Some(sealing.key.clone()),
        destination_encryption_context: context(bound),
        ..kms::ReEncryptRequest::default()
    };
    let made = ctx.call("ec2", &request)?;
    Ok(Sealing {
        data_key: made.ciphertext_blob.unwrap_or_default(),
        bound: bound.to_owned(),
        ..sealing.clone()
    })
}
