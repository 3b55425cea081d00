//! What RDS asks of KMS, and as whom.
//!
//! ```text
//!   on the caller's behalf (through rds)     as RDS, by a grant only      (Redshift: the same)
//!   DescribeKey, CreateGrant                 GenerateDataKey, Decrypt, DescribeKey, RetireGrant
//! ```
//!
//! A grant is made when storage is made and lives as long (EBS-045): what the caller may do later
//! changes nothing, what the key can do changes everything. Reading a snapshot needs a grant for as
//! long as it is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::kms;
use zeroize::Zeroizing;

use super::error::{Error, told};
use super::keyspaces::{GrantRow, Sealing};
use crate::caller::Caller;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The key that encrypts when no other is named.
pub const DEFAULT_KEY: &str = "alias/aws/rds";
/// The same for warehouses.
pub const DEFAULT_WAREHOUSE_KEY: &str = "alias/aws/redshift";
/// RDS and Aurora, as IAM and grants name them.
pub const RDS: &str = "rds";
/// Redshift, as IAM and grants name it.
pub const REDSHIFT: &str = "redshift";
/// Purpose of data keys under the AWS owned key, which is the Region's own.
const OWNED: &str = "rds.owned-key";

const GRANTED: [&str; 5] = [
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "DescribeKey",
    "RetireGrant",
];

/// What storage is to be encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Clear,
    /// An AWS owned key (EBS-042).
    Owned,
    /// A KMS key.
    Key(String),
}

/// Storage's encryption as it begins.
#[derive(Debug)]
pub struct Made {
    /// How it is encrypted.
    pub sealing: Sealing,
    /// The grant for its life.
    pub grant: Option<GrantRow>,
    /// The data key.
    pub key: Option<SecretKey>,
}

fn itself(ctx: &Ctx<'_>, house: &str) -> Arc<Caller> {
    Arc::new(Caller::service(&service(ctx, house)))
}

/// RDS or Redshift itself, as grants name it.
fn service(ctx: &Ctx<'_>, house: &str) -> String {
    format!("{house}.{}.amazonaws.com", ctx.region())
}

/// Whose storage it is that is bound to this.
fn house_of(bound: &str) -> &'static str {
    if bound.contains(' ') { REDSHIFT } else { RDS }
}

/// EBS-046; of a warehouse its ARN and the moment of its birth.
fn context(bound: &str) -> BTreeMap<String, String> {
    match bound.split_once(' ') {
        None => BTreeMap::from([("aws:rds:db-id".to_owned(), bound.to_owned())]),
        Some((arn, born)) => BTreeMap::from([
            ("aws:redshift:arn".to_owned(), arn.to_owned()),
            ("aws:redshift:createtime".to_owned(), born.to_owned()),
        ]),
    }
}

/// The key that the caller names: its ARN, and whether AWS manages it.
fn describe(ctx: &mut Ctx<'_>, house: &str, key: &str) -> Result<(String, bool), Refusal> {
    let request = kms::DescribeKeyRequest {
        key_id: Some(key.to_owned()),
        ..Default::default()
    };
    let refused = || Error::key(house, key);
    let found = ctx.call(house, &request);
    let found = found.map_err(|refusal| told(refusal, refused()))?;
    let found = found.key_metadata.unwrap_or_default();
    let is_symmetric = found.key_spec.as_deref() == Some("SYMMETRIC_DEFAULT");
    if found.enabled != Some(true) || !is_symmetric {
        return Err(refused().into());
    }
    let managed = found.key_manager.as_deref() == Some("AWS");
    Ok((found.arn.unwrap_or_default(), managed))
}

/// A grant for one storage, or for whatever comes.
fn grant(
    ctx: &mut Ctx<'_>,
    house: &str,
    key: &str,
    bound: Option<&str>,
) -> Result<GrantRow, Refusal> {
    let request = kms::CreateGrantRequest {
        key_id: Some(key.to_owned()),
        grantee_principal: Some(service(ctx, house)),
        retiring_principal: Some(service(ctx, house)),
        operations: GRANTED.map(str::to_owned).to_vec(),
        constraints: bound.map(|bound| kms::GrantConstraints {
            encryption_context_subset: context(bound),
            ..Default::default()
        }),
        ..Default::default()
    };
    let id = ctx.call(house, &request)?.grant_id.unwrap_or_default();
    ctx.note(
        "grant_made",
        &[
            ("service", house),
            ("key", key),
            ("grant", &id),
            ("for", bound.unwrap_or_default()),
        ],
    );
    Ok(GrantRow {
        key: key.to_owned(),
        id,
    })
}

/// Gives a grant back. A key that is gone took its grants along.
pub fn retire(ctx: &mut Ctx<'_>, house: &str, grant: &GrantRow) {
    let request = kms::RetireGrantRequest {
        key_id: Some(grant.key.clone()),
        grant_id: Some(grant.id.clone()),
        ..Default::default()
    };
    let itself = itself(ctx, house);
    let outcome = match ctx.call_as(&itself, &request) {
        Ok(_) => "retired".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    ctx.note(
        "grant_retired",
        &[
            ("service", house),
            ("key", &grant.key),
            ("grant", &grant.id),
            ("outcome", &outcome),
        ],
    );
}

/// A data key for new storage, bound to its resource id.
///
/// # Errors
/// KMSKeyNotAccessibleFault; of Redshift DependentServiceAccessDenied.
pub fn make(ctx: &mut Ctx<'_>, wanted: &Wanted, bound: &str) -> Result<Made, Refusal> {
    let name = match wanted {
        Wanted::Clear => {
            return Ok(Made {
                sealing: Sealing::Clear,
                grant: None,
                key: None,
            });
        }
        Wanted::Owned => {
            let (sealing, key) = owned(ctx);
            return Ok(Made {
                sealing,
                grant: None,
                key: Some(key),
            });
        }
        Wanted::Key(name) => name,
    };
    let house = house_of(bound);
    let refused = |refusal| told(refusal, Error::key(house, name));
    let (key, managed) = describe(ctx, house, name)?;
    let grant = grant(ctx, house, &key, Some(bound)).map_err(refused)?;
    let (sealing, key) = draw(ctx, &key, managed, bound).map_err(refused)?;
    Ok(Made {
        sealing,
        grant: Some(grant),
        key,
    })
}

/// A data key under an AWS owned key.
pub fn owned(ctx: &mut Ctx<'_>) -> (Sealing, SecretKey) {
    let key = SecretKey::new(ctx.entropy().bytes(OWNED));
    let sealed = ctx.seal_local(OWNED, b"rds", key.expose());
    (Sealing::Owned { sealed }, key)
}

/// A grant for all copies of snapshots that will come into this Region: the key's ARN, whether AWS
/// manages it, and the grant (EBS-060).
///
/// # Errors
/// DependentServiceAccessDenied.
pub fn grant_copies(ctx: &mut Ctx<'_>, name: &str) -> Result<(String, bool, GrantRow), Refusal> {
    let (key, managed) = describe(ctx, REDSHIFT, name)?;
    let grant = grant(ctx, REDSHIFT, &key, None);
    let grant = grant.map_err(|refusal| told(refusal, Error::key(REDSHIFT, name)))?;
    Ok((key, managed, grant))
}

/// A data key under a KMS key, by a grant that is there.
///
/// # Errors
/// KMS's refusal.
pub fn draw(
    ctx: &mut Ctx<'_>,
    key: &str,
    managed: bool,
    bound: &str,
) -> Result<(Sealing, Option<SecretKey>), Refusal> {
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(key.to_owned()),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context(bound),
        ..Default::default()
    };
    let itself = itself(ctx, house_of(bound));
    let made = ctx.call_as(&itself, &request)?;
    let plain = Zeroizing::new(made.plaintext.unwrap_or_default());
    let sealing = Sealing::Kms {
        key: made.key_id.unwrap_or_default(),
        managed,
        data_key: made.ciphertext_blob.unwrap_or_default(),
        bound: bound.to_owned(),
    };
    Ok((sealing, SecretKey::from_slice(&plain)))
}

/// The data key of a snapshot, by a grant that the caller makes; both are the reader's.
///
/// # Errors
/// KMSKeyNotAccessibleFault about the source's key; of Redshift DependentServiceAccessDenied.
pub fn read(
    ctx: &mut Ctx<'_>,
    sealing: &Sealing,
) -> Result<(Option<SecretKey>, Option<GrantRow>), Refusal> {
    let Sealing::Kms { key, bound, .. } = sealing else {
        return Ok((open(ctx, sealing)?, None));
    };
    let house = house_of(bound);
    let error = || match house {
        RDS => Error::SourceKey(key.clone()),
        _ => Error::key(house, key),
    };
    let refused = |refusal| told(refusal, error());
    let grant = grant(ctx, house, key, Some(bound)).map_err(refused)?;
    match open(ctx, sealing) {
        Ok(opened) => Ok((opened, Some(grant))),
        Err(refusal) => {
            retire(ctx, house, &grant);
            Err(refused(refusal))
        }
    }
}

/// A data key, opened by RDS itself: by a grant that is there.
///
/// # Errors
/// KMS's refusal.
pub fn open(ctx: &mut Ctx<'_>, sealing: &Sealing) -> Result<Option<SecretKey>, Refusal> {
    let plain = match sealing {
        Sealing::Clear => return Ok(None),
        Sealing::Owned { sealed } => ctx.open_local(OWNED, b"rds", sealed)?,
        Sealing::Kms {
            key,
            data_key,
            bound,
            ..
        } => {
            let request = kms::DecryptRequest {
                key_id: Some(key.clone()),
                ciphertext_blob: Some(data_key.clone()),
                encryption_context: context(bound),
                ..Default::default()
            };
            let itself = itself(ctx, house_of(bound));
            let opened = ctx.call_as(&itself, &request)?;
            opened.plaintext.unwrap_or_default()
        }
    };
    let plain = Zeroizing::new(plain);
    Ok(SecretKey::from_slice(&plain))
}

/// Whether RDS itself finds the key usable.
pub fn is_usable(ctx: &mut Ctx<'_>, key: &str) -> bool {
    let request = kms::DescribeKeyRequest {
        key_id: Some(key.to_owned()),
        ..Default::default()
    };
    let itself = itself(ctx, RDS);
    let found = ctx.call_as(&itself, &request);
    found.is_ok_and(|found| {
        let enabled = found.key_metadata.and_then(|key| key.enabled);
        enabled == Some(true)
    })
}

/// `none`, `sse-rds`, `sse-kms`.
#[must_use]
pub fn word(sealing: &Sealing) -> &'static str {
    match sealing {
        Sealing::Clear => "none",
        Sealing::Owned { .. } => "sse-rds",
        Sealing::Kms { .. } => "sse-kms",
    }
}

/// ARN of the KMS key, when there is one.
#[must_use]
pub fn arn(sealing: &Sealing) -> Option<&str> {
    match sealing {
        Sealing::Clear | Sealing::Owned { .. } => None,
        Sealing::Kms { key, .. } => Some(key),
    }
}
