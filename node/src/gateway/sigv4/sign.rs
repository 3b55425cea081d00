//! The client's side: signs a request. For tests, load generators and the front of a lab; the
//! entrance itself never signs.

use faultline_region::signing::{Scope, derived};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};

use super::payload::Payload;
use super::{Signed, basic, canonical, mac};
use crate::gateway::request::Head;

/// Whose signature.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Access key id.
    pub access_key: String,
    /// Its secret half.
    pub secret_access_key: String,
    /// Empty for long-lived keys.
    pub session_token: String,
    /// `eu-west-1`.
    pub region: String,
    /// `kms`.
    pub service: String,
}

impl Signer {
    /// Adds date, token and `Authorization` to `head`, for a moment in seconds since 1970.
    /// All headers that are there already are signed.
    pub fn sign(&self, head: &mut Head, payload: &Payload, seconds: i64) -> Signed {
        let date = basic(seconds);
        put(head, "x-amz-date", &date);
        if !self.session_token.is_empty() {
            put(head, "x-amz-security-token", &self.session_token);
        }
        let mut headers: Vec<String> = head
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .filter(|name| !matches!(name.as_str(), "authorization" | "user-agent" | "expect"))
            .collect();
        headers.sort();
        let mut signed = Signed {
            access_key: self.access_key.clone(),
            session_token: self.session_token.clone(),
            scope: Scope {
                date: date[..8].to_owned(),
                region: self.region.clone(),
                service: self.service.clone(),
            },
            date,
            seconds,
            headers,
            signature: String::new(),
            expires: None,
        };
        let key = derived(&self.secret_access_key, &signed.scope);
        let canonical = canonical::request(head, &signed, &payload.in_canonical_request());
        let text = signed.string_to_sign(&canonical);
        signed.signature = hex::encode(mac(&key, text.as_bytes()));
        let said = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
            self.access_key,
            signed.scope_text(),
            signed.headers.join(";"),
            signed.signature
        );
        put(head, "authorization", &said);
        signed
    }

    /// Signs a whole body; `s3` adds the header with its hash.
    pub fn sign_body(&self, head: &mut Head, body: &[u8], seconds: i64) -> Signed {
        let hash = hex::encode(Sha256::digest(body));
        if self.service == "s3" {
            put(head, "x-amz-content-sha256", &hash);
        }
        self.sign(head, &Payload::Hash(hash), seconds)
    }
}

fn put(head: &mut Head, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        head.headers.insert(name, value);
    }
}
