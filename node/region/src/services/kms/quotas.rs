//! Which quota a request uses (K-239 to K-241), and how many keys an account may have (K-246).
//!
//! Symmetric and HMAC keys share one pool, and so does GenerateRandom, which has no key. RSA,
//! ECC and ML-DSA keys have one each. Operations that the published table does not name, and
//! ML-KEM keys, have no quota here.

use faultline_proto::handlers::KmsRequest;
use faultline_proto::names::AccountId;

use super::error::KmsError;
use super::keyspaces::{KeyCounts, Keys};
use crate::context::Ctx;
use crate::quotas::{Charge, Quota};
use crate::service::Access;
use crate::store::Range;

/// K-243.
const WORDS: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

/// So many requests of a quota.
pub(crate) fn charge(quota: Quota, requests: u64) -> Charge {
    Charge {
        quota,
        requests,
        words: WORDS,
    }
}

/// What `request` uses; `accesses` are empty when its key is not known.
pub(crate) fn of(request: &KmsRequest, accesses: &[Access]) -> Option<Charge> {
    let quota = match request {
        KmsRequest::Encrypt(_)
        | KmsRequest::Decrypt(_)
        | KmsRequest::ReEncrypt(_)
        | KmsRequest::Sign(_)
        | KmsRequest::Verify(_)
        | KmsRequest::GenerateMac(_)
        | KmsRequest::VerifyMac(_)
        | KmsRequest::DeriveSharedSecret(_)
        | KmsRequest::Encapsulate(_)
        | KmsRequest::Decapsulate(_)
        | KmsRequest::GenerateRandom(_)
        | KmsRequest::GenerateDataKey(_)
        | KmsRequest::GenerateDataKeyWithoutPlaintext(_) => of_key(accesses)?,
        KmsRequest::GenerateDataKeyPair(request) => pair(request.key_pair_spec.as_deref())?,
        KmsRequest::GenerateDataKeyPairWithoutPlaintext(request) => {
            pair(request.key_pair_spec.as_deref())?
        }
        KmsRequest::CreateKey(_) => Quota::CreateKey,
        KmsRequest::ReplicateKey(_) => Quota::ReplicateKey,
        KmsRequest::UpdatePrimaryRegion(_) => Quota::UpdatePrimaryRegion,
        KmsRequest::CreateAlias(_) => Quota::CreateAlias,
        KmsRequest::UpdateAlias(_) => Quota::UpdateAlias,
        KmsRequest::DeleteAlias(_) => Quota::DeleteAlias,
        KmsRequest::ListAliases(_) => Quota::ListAliases,
        KmsRequest::EnableKey(_) => Quota::EnableKey,
        KmsRequest::DisableKey(_) => Quota::DisableKey,
        KmsRequest::ScheduleKeyDeletion(_) => Quota::ScheduleKeyDeletion,
        KmsRequest::CancelKeyDeletion(_) => Quota::CancelKeyDeletion,
        KmsRequest::ImportKeyMaterial(_) => Quota::ImportKeyMaterial,
        KmsRequest::GetParametersForImport(_) => Quota::GetParametersForImport,
        KmsRequest::TagResource(_) => Quota::TagResource,
        KmsRequest::UntagResource(_) => Quota::UntagResource,
        KmsRequest::ListResourceTags(_) => Quota::ListResourceTags,
        KmsRequest::EnableKeyRotation(_) => Quota::EnableKeyRotation,
        KmsRequest::GetKeyRotationStatus(_) => Quota::GetKeyRotationStatus,
        KmsRequest::PutKeyPolicy(_) => Quota::PutKeyPolicy,
        KmsRequest::GetKeyPolicy(_) => Quota::GetKeyPolicy,
        KmsRequest::CreateGrant(_) => Quota::CreateGrant,
        KmsRequest::RetireGrant(_) => Quota::RetireGrant,
        KmsRequest::RevokeGrant(_) => Quota::RevokeGrant,
        KmsRequest::ListGrants(_) => Quota::ListGrants,
        KmsRequest::ListKeys(_) => Quota::ListKeys,
        KmsRequest::DescribeKey(_) => Quota::DescribeKey,
        KmsRequest::GetPublicKey(_) => Quota::GetPublicKey,
        _ => return None,
    };
    Some(charge(quota, 1))
}

/// The pool of the first key that a request uses.
fn of_key(accesses: &[Access]) -> Option<Quota> {
    let spec = accesses
        .first()
        .and_then(|access| access.context.get("kms:keyspec"))
        .and_then(|values| values.first())
        .map_or("", |spec| spec.as_ref());
    match spec.split('_').next() {
        Some("RSA") => Some(Quota::Rsa),
        Some("ECC" | "SM2") => Some(Quota::Ecc),
        Some("ML") => spec.starts_with("ML_DSA").then_some(Quota::MlDsa),
        _ => Some(Quota::Symmetric),
    }
}

fn pair(spec: Option<&str>) -> Option<Quota> {
    match spec {
        Some("ECC_NIST_P256") => Some(Quota::PairP256),
        Some("ECC_NIST_P384") => Some(Quota::PairP384),
        Some("ECC_NIST_P521") => Some(Quota::PairP521),
        Some("RSA_2048") => Some(Quota::PairRsa2048),
        Some("RSA_3072") => Some(Quota::PairRsa3072),
        Some("RSA_4096") => Some(Quota::PairRsa4096),
        _ => None,
    }
}

/// Counts a customer managed key that is about to be stored; any state counts (K-246), AWS
/// managed keys do not (K-008).
///
/// # Errors
/// LimitExceededException; the text is ours.
pub(crate) fn count_key(ctx: &mut Ctx<'_>, account: &AccountId) -> Result<(), KmsError> {
    let keys = counted(ctx, account);
    let most = ctx.core.quotas.most(account, Quota::Keys);
    if keys >= most {
        let text = format!("The account has {keys} KMS keys in this Region; the quota is {most}.");
        return Err(KmsError::Limit(text));
    }
    ctx.put::<KeyCounts>(account, &(keys + 1));
    Ok(())
}

/// A customer managed key is gone.
pub(crate) fn uncount_key(ctx: &mut Ctx<'_>, account: &AccountId) {
    let keys = counted(ctx, account);
    ctx.put::<KeyCounts>(account, &keys.saturating_sub(1));
}

/// A store from before keys were counted has no number yet.
fn counted(ctx: &mut Ctx<'_>, account: &AccountId) -> u64 {
    match ctx.get::<KeyCounts>(account) {
        Some(known) => known,
        None => {
            let rows = ctx.all(Range::<Keys>::under((account,)));
            let ours = rows.iter().filter(|(_, row)| row.managed_for.is_none());
            ours.count() as u64
        }
    }
}
