//! GetKeyLastUsage: what a key did last in this Region (K-278, K-309).
//!
//! A use is what the trail of the key's own account records of a cryptographic operation that
//! succeeded; so a use by another account has the event of the owner, and both keys of a
//! ReEncrypt were used. Like the trail it may be told before it is durable.

use faultline_proto::driving::AuditEvent;
use faultline_proto::kms::{GetKeyLastUsageRequest, GetKeyLastUsageResponse, KeyLastUsageData};
use faultline_proto::names::{AccountId, Timestamp};
use faultline_proto::progress::Progress;

use super::keyspaces::{LastUseRow, LastUses};
use super::resolve::{Accepts, usable};
use super::states::Use;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Operations that are uses, in the order of the alphabet.
const USES: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// Remembers the event with each key of the trail's own account.
pub(crate) fn recorded(ctx: &mut Ctx<'_>, event: &AuditEvent) {
    if USES.binary_search(&event.event_name.as_str()).is_err() {
        return;
    }
    let Ok(owner) = AccountId::new(&event.recipient_account) else {
        return;
    };
    for arn in &event.resources {
        let mut parts = arn.splitn(6, ':').skip(4);
        let (Some(account), Some(resource)) = (parts.next(), parts.next()) else {
            continue;
        };
        let Some(id) = resource.strip_prefix("key/") else {
            continue;
        };
        if account == owner.as_str() {
            let row = LastUseRow {
                operation: event.event_name.clone(),
                at: Timestamp(event.event_time),
                event_id: event.event_id.clone(),
                request_id: event.request_id.clone(),
            };
            ctx.put_kept::<LastUses>((&owner, id), &row);
        }
    }
}

/// GetKeyLastUsage: of a key in any state.
pub(crate) fn get(
    ctx: &mut Ctx<'_>,
    request: GetKeyLastUsageRequest,
) -> Result<Progress<GetKeyLastUsageResponse>, Refusal> {
    let key = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    let last = ctx.get::<LastUses>((&key.account, key.id.as_str()));
    let last = last.map(|last| KeyLastUsageData {
        operation: Some(last.operation),
        timestamp: Some(last.at.millis()),
        cloud_trail_event_id: Some(last.event_id),
        kms_request_id: Some(last.request_id),
    });
    Ok(Progress::Done(GetKeyLastUsageResponse {
        key_id: Some(key.arn.to_string()),
        key_last_usage: Some(last.unwrap_or_default()),
        tracking_start_date: Some(key.created.millis()),
        key_creation_date: Some(key.created.millis()),
    }))
}

#[cfg(test)]
mod tests {
    use faultline_proto::driving::Credential;
    use faultline_proto::kms::{
        CreateKeyRequest, DecryptRequest, DisableKeyRequest, EncryptRequest,
        GetKeyLastUsageResponse, ReEncryptRequest, ReplicateKeyRequest,
    };

    use super::*;
    use crate::testing::{ACCOUNT, PARTNER, World};

    const HOME: &str = "eu-west-1";
    const FAR: &str = "us-east-1";

    fn key(world: &mut World, multi_region: bool) -> String {
        let root = world.root(ACCOUNT);
        let both = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*",
            "Principal":{{"AWS":["arn:aws:iam::{ACCOUNT}:root","arn:aws:iam::{PARTNER}:root"]}}}}]}}"#
        );
        let request = CreateKeyRequest {
            policy: Some(both),
            multi_region: Some(multi_region),
            ..CreateKeyRequest::default()
        };
        let made = world.call(HOME, &root, &request).expect("made");
        made.key_metadata.and_then(|it| it.arn).expect("an ARN")
    }

    fn last(world: &mut World, region: &str, key: &str) -> GetKeyLastUsageResponse {
        let root = world.root(ACCOUNT);
        let request = GetKeyLastUsageRequest {
            key_id: Some(key.to_owned()),
        };
        world.call(region, &root, &request).expect("told")
    }

    fn operation(world: &mut World, region: &str, key: &str) -> Option<String> {
        last(world, region, key).key_last_usage?.operation
    }

    fn encrypt(world: &mut World, region: &str, who: &Credential, key: &str) -> Vec<u8> {
        let request = EncryptRequest {
            key_id: Some(key.to_owned()),
            plaintext: Some(b"text".to_vec()),
            ..EncryptRequest::default()
        };
        let made = world.call(region, who, &request).expect("encrypted");
        made.ciphertext_blob.expect("a blob")
    }

    #[test]
    fn k_278_the_last_success_with_its_time_and_its_event() {
        let mut world = World::new(&[HOME, FAR]);
        let root = world.root(ACCOUNT);
        let key = key(&mut world, false);
        let unused = last(&mut world, HOME, &key);
        assert_eq!(unused.key_last_usage, Some(KeyLastUsageData::default()));
        assert_eq!(unused.tracking_start_date, unused.key_creation_date);
        world.advance(60);
        let blob = encrypt(&mut world, HOME, &root, &key);
        let event = world.audit.last().expect("an event").clone();
        let used = last(&mut world, HOME, &key);
        let data = used.key_last_usage.expect("data");
        assert_eq!(data.operation.as_deref(), Some("Encrypt"));
        assert_eq!(data.cloud_trail_event_id.as_ref(), Some(&event.event_id));
        assert_eq!(data.kms_request_id.as_ref(), Some(&event.request_id));
        assert_eq!(data.timestamp, Some(event.event_time / 1_000));
        assert!(data.timestamp >= used.key_creation_date.map(|at| at + 60_000));
        // What fails is no use, and neither is management.
        let wrong = DecryptRequest {
            ciphertext_blob: Some(blob),
            encryption_context: [("a".to_owned(), "b".to_owned())].into(),
            ..DecryptRequest::default()
        };
        world
            .call(HOME, &root, &wrong)
            .expect_err("another context");
        let disable = DisableKeyRequest {
            key_id: Some(key.clone()),
        };
        world.call(HOME, &root, &disable).expect("disabled");
        assert_eq!(
            operation(&mut world, HOME, &key).as_deref(),
            Some("Encrypt")
        );
        world.stop(HOME);
        world.restart(HOME);
        assert_eq!(
            operation(&mut world, HOME, &key).as_deref(),
            Some("Encrypt")
        );
    }

    #[test]
    fn k_278_each_member_of_a_set_is_tracked_apart() {
        let mut world = World::new(&[HOME, FAR]);
        let root = world.root(ACCOUNT);
        let key = key(&mut world, true);
        let replicate = ReplicateKeyRequest {
            key_id: Some(key.clone()),
            replica_region: Some(FAR.to_owned()),
            ..ReplicateKeyRequest::default()
        };
        world.call(HOME, &root, &replicate).expect("replicated");
        world.advance(10);
        let replica = key.replace(HOME, FAR);
        encrypt(&mut world, FAR, &root, &replica);
        assert_eq!(operation(&mut world, HOME, &key), None);
        assert_eq!(
            operation(&mut world, FAR, &replica).as_deref(),
            Some("Encrypt")
        );
    }

    #[test]
    fn k_309_a_use_by_another_account_has_the_owners_event_and_only_the_owner_may_ask() {
        let mut world = World::new(&[HOME]);
        let (root, partner) = (world.root(ACCOUNT), world.root(PARTNER));
        let [from, to] = [0, 1].map(|_| key(&mut world, false));
        let blob = encrypt(&mut world, HOME, &root, &from);
        let re_encrypt = ReEncryptRequest {
            ciphertext_blob: Some(blob),
            destination_key_id: Some(to.clone()),
            ..ReEncryptRequest::default()
        };
        world.call(HOME, &partner, &re_encrypt).expect("allowed");
        let owners = world.audit.iter().rev();
        let owners = owners
            .clone()
            .find(|event| event.recipient_account == ACCOUNT);
        let owners = owners.expect("the owner's event").event_id.clone();
        for key in [&from, &to] {
            let used = last(&mut world, HOME, key).key_last_usage.expect("data");
            assert_eq!(
                used.operation.as_deref(),
                Some("ReEncrypt"),
                "both were used"
            );
            assert_eq!(used.cloud_trail_event_id.as_ref(), Some(&owners));
        }
        let ask = GetKeyLastUsageRequest { key_id: Some(from) };
        let refused = world
            .call(HOME, &partner, &ask)
            .expect_err("not across accounts");
        assert_eq!(refused.code, "AccessDeniedException");
    }
}
