//! Who asks: the signature against the key that the Region gives.
//!
//! Signing keys are kept for their day, so that most requests cost one HMAC and no question;
//! the Region looks at the credential itself again in every call.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use faultline_proto::driving::Credential;
use faultline_proto::tables::ServiceDef;
use faultline_region::signing::Scope;
use faultline_region::vault::SecretKey;

use super::errors::Problem;
use super::request::Head;
use super::sigv4::payload::Payload;
use super::sigv4::{Signed, Unverified};
use super::{Gateway, Refused, refusal};

/// Signing keys that are kept.
const KEPT: usize = 512;

type KeyName = (String, String, Scope);

/// Signing keys by credential and scope.
#[derive(Default)]
pub struct Keys {
    kept: Mutex<BTreeMap<KeyName, SecretKey>>,
}

impl Keys {
    fn get(&self, name: &KeyName) -> Option<SecretKey> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).cloned()
    }

    fn keep(&self, name: KeyName, key: SecretKey) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(name, key);
    }
}

impl Gateway {
    /// Verifies a signature over `payload` for `service`; the signing key is for chunks.
    pub(super) async fn verify(
        &self,
        head: &Head,
        signed: &Signed,
        payload: &Payload,
        service: &ServiceDef,
    ) -> Result<(Credential, SecretKey), Refused> {
        let protocol = service.protocol;
        let ours = self.handle().region().as_str();
        let no = |why: Unverified| Refused::from(Problem::unverified(protocol, &why, ours));
        if signed.scope.service != service.signing_name {
            return Err(no(Unverified::WrongService(
                service.signing_name.to_owned(),
            )));
        }
        if !self.is_ours(&signed.scope.region, service) {
            return Err(no(Unverified::WrongRegion(signed.scope.region.clone())));
        }
        let now = self.handle().clock().wall().0.div_euclid(1_000_000);
        signed.check_time(now).map_err(no)?;
        let credential = Credential {
            access_key: signed.access_key.clone(),
            session_token: signed.session_token.clone(),
        };
        let key = self.signing_key(&credential, signed, service).await?;
        signed.check(head, &key, payload).map_err(no)?;
        Ok((credential, key))
    }

    /// IAM has one endpoint for all Regions, and STS an old one in us-east-1.
    fn is_ours(&self, region: &str, service: &ServiceDef) -> bool {
        let of_world = || {
            self.shared
                .regions
                .iter()
                .any(|name| name.as_str() == region)
        };
        match service.prefix {
            _ if region == self.handle().region().as_str() => true,
            "iam" => region == "us-east-1" || of_world(),
            "sts" => region == "us-east-1",
            _ => false,
        }
    }

    async fn signing_key(
        &self,
        credential: &Credential,
        signed: &Signed,
        service: &ServiceDef,
    ) -> Result<SecretKey, Refused> {
        let name = (
            credential.access_key.clone(),
            credential.session_token.clone(),
            signed.scope.clone(),
        );
        if let Some(key) = self.shared.keys.get(&name) {
            return Ok(key);
        }
        let asked = self
            .handle()
            .signing_key(credential.clone(), signed.scope.clone())
            .await;
        match asked {
            Ok(Ok(key)) => {
                self.shared.keys.keep(name, key.clone());
                Ok(key)
            }
            Ok(Err(failure)) => {
                let mut refused = refusal(service.protocol, *failure, String::new());
                refused.request_id = None;
                Err(refused)
            }
            Err(_) => Err(Problem::unavailable(service.protocol).into()),
        }
    }
}
