//! Signatures of gRPC calls, in metadata.
//!
//! ```text
//! x-amz-date:           20260102T030405Z
//! x-amz-security-token: ...                                        (sessions only)
//! authorization:        FAULTLINE4-HMAC-SHA256 Credential=AKIA.../20260102/eu-west-1/kms/aws4_request, Signature=hex
//!
//! string to sign:       FAULTLINE4-HMAC-SHA256 \n x-amz-date \n scope \n gRPC path \n hex(SHA-256(message))
//! signing key:          SigV4's, of the scope
//! ```
//!
//! The message is the protobuf bytes as they are on the wire; of a stream, its first message.
//! A call without `authorization` is anonymous.

use faultline_proto::codec::time::{from_iso, to_iso};
use faultline_proto::driving::{Credential, Failure};
use faultline_proto::names::Timestamp;
use faultline_region::signing::Scope;
use faultline_region::vault::SecretKey;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::handle::{Gone, Handle};

/// Name of the algorithm.
const ALGORITHM: &str = "FAULTLINE4-HMAC-SHA256";
/// How far a signature's date may be from the node's clock, microseconds: AWS's 15 minutes.
const TOLERANCE: i64 = 15 * 60 * 1_000_000;

/// Who signs, for what.
#[derive(Debug, Clone)]
pub struct Signer<'a> {
    /// The credential.
    pub credential: &'a Credential,
    /// Its secret access key.
    pub secret: &'a str,
    /// Region that is asked.
    pub region: &'a str,
    /// Service prefix.
    pub service: &'a str,
}

/// Signs a call's message into its metadata.
pub fn sign(
    signer: &Signer<'_>,
    now: Timestamp,
    path: &str,
    message: &[u8],
    metadata: &mut MetadataMap,
) {
    let date = compact(now);
    let scope = Scope {
        date: date[..8].to_owned(),
        region: signer.region.to_owned(),
        service: signer.service.to_owned(),
    };
    let key = faultline_region::signing::derived(signer.secret, &scope);
    let signature = hex::encode(mac(&key, &to_sign(&date, &scope, path, message)));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, Signature={signature}",
        signer.credential.access_key,
        written(&scope)
    );
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = MetadataValue::try_from(value) {
            metadata.insert(name, value);
        }
    };
    put("x-amz-date", date);
    put("authorization", authorization);
    if !signer.credential.session_token.is_empty() {
        put(
            "x-amz-security-token",
            signer.credential.session_token.clone(),
        );
    }
}

fn written(scope: &Scope) -> String {
    format!(
        "{}/{}/{}/aws4_request",
        scope.date, scope.region, scope.service
    )
}

fn to_sign(date: &str, scope: &Scope, path: &str, message: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(message));
    format!("{ALGORITHM}\n{date}\n{}\n{path}\n{digest}", written(scope))
}

fn mac(key: &SecretKey, text: &str) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.expose())
        .expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// What a call's metadata claims.
struct Claim {
    credential: Credential,
    scope: Scope,
    date: String,
    signature: String,
}

/// Verifies the signature of a call to `service` and gives its credential; an empty one for
/// a call without signature.
///
/// # Errors
/// [`Gone`]; inside, AWS's refusal of the signature or the credential.
pub(super) async fn verify(
    handle: &Handle,
    metadata: &MetadataMap,
    service: &str,
    path: &str,
    message: &[u8],
) -> Result<Result<Credential, Box<Failure>>, Gone> {
    let claim = match claim(metadata) {
        Ok(Some(claim)) => claim,
        Ok(None) => return Ok(Ok(Credential::default())),
        Err(why) => return Ok(Err(refusal("IncompleteSignature", why))),
    };
    if let Err(failure) = in_time(&claim, handle.clock().wall()) {
        return Ok(Err(failure));
    }
    if claim.scope.region != handle.region().as_str() || claim.scope.service != service {
        let why = format!(
            "Credential should be scoped to {}/{service}, not {}/{}.",
            handle.region(),
            claim.scope.region,
            claim.scope.service
        );
        return Ok(Err(refusal("SignatureDoesNotMatch", why)));
    }
    let key = handle
        .signing_key(claim.credential.clone(), claim.scope.clone())
        .await?;
    let key = match key {
        Ok(key) => key,
        Err(failure) => return Ok(Err(failure)),
    };
    let expected = hex::encode(mac(
        &key,
        &to_sign(&claim.date, &claim.scope, path, message),
    ));
    if bool::from(expected.as_bytes().ct_eq(claim.signature.as_bytes())) {
        return Ok(Ok(claim.credential));
    }
    let why = "The request signature we calculated does not match the signature you provided. \
               Check your AWS Secret Access Key and signing method.";
    Ok(Err(refusal("SignatureDoesNotMatch", why)))
}

fn in_time(claim: &Claim, now: Timestamp) -> Result<(), Box<Failure>> {
    let signed = moment(&claim.date)
        .filter(|_| claim.date.get(..8) == Some(claim.scope.date.as_str()))
        .ok_or_else(|| {
            refusal(
                "IncompleteSignature",
                "x-amz-date is not of the form 20260102T030405Z, or not the scope's day",
            )
        })?;
    if (now.0 - signed.0).abs() <= TOLERANCE {
        return Ok(());
    }
    let word = if signed < now {
        "expired"
    } else {
        "not yet current"
    };
    Err(refusal(
        "SignatureDoesNotMatch",
        format!(
            "Signature {word}: {} is not within 15 minutes of {}",
            claim.date,
            compact(now)
        ),
    ))
}

fn claim(metadata: &MetadataMap) -> Result<Option<Claim>, String> {
    let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok());
    let Some(authorization) = text("authorization") else {
        return Ok(None);
    };
    let wrong = || {
        format!(
            "authorization must read '{ALGORITHM} Credential=KEY/DATE/REGION/SERVICE/aws4_request, Signature=HEX'"
        )
    };
    let rest = authorization.strip_prefix(ALGORITHM).ok_or_else(wrong)?;
    let (credential, signature) = rest.split_once(',').ok_or_else(wrong)?;
    let credential = credential
        .trim()
        .strip_prefix("Credential=")
        .ok_or_else(wrong)?;
    let signature = signature
        .trim()
        .strip_prefix("Signature=")
        .ok_or_else(wrong)?;
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, date, region, service, "aws4_request"] = parts[..] else {
        return Err(wrong());
    };
    Ok(Some(Claim {
        credential: Credential {
            access_key: access_key.to_owned(),
            session_token: text("x-amz-security-token").unwrap_or_default().to_owned(),
        },
        scope: Scope {
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        },
        date: text("x-amz-date")
            .ok_or("x-amz-date is missing")?
            .to_owned(),
        signature: signature.to_owned(),
    }))
}

/// `20260102T030405Z`.
fn compact(at: Timestamp) -> String {
    let seconds = at.millis().div_euclid(1000) * 1000;
    to_iso(seconds).replace(['-', ':'], "")
}

fn moment(compact: &str) -> Option<Timestamp> {
    let bytes = compact.is_ascii().then_some(compact)?;
    let (date, time) = bytes.split_once('T')?;
    if date.len() != 8 || time.len() != 7 {
        return None;
    }
    let iso = format!(
        "{}-{}-{}T{}:{}:{}",
        &date[..4],
        &date[4..6],
        &date[6..],
        &time[..2],
        &time[2..4],
        &time[4..]
    );
    Some(Timestamp(from_iso(&iso)?.saturating_mul(1000)))
}

fn refusal(code: &str, message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure {
        code: code.to_owned(),
        message: message.into(),
        http_status: 403,
        definite: true,
        ..Failure::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signers_date_is_read_back() {
        let at = Timestamp(1_767_323_045_000_000);
        assert_eq!(compact(at), "20260102T030405Z");
        assert_eq!(moment("20260102T030405Z"), Some(at));
        for wrong in ["", "20260102", "2026-01-02T03:04:05Z", "2026010éT030405Z"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_signed_is_claimed() {
        let credential = Credential {
            access_key: "AKIAEXAMPLE".into(),
            session_token: "token".into(),
        };
        let signer = Signer {
            credential: &credential,
            secret: "secret",
            region: "eu-west-1",
            service: "kms",
        };
        let mut metadata = MetadataMap::new();
        sign(
            &signer,
            Timestamp(1_767_323_045_000_000),
            "/a/b",
            b"message",
            &mut metadata,
        );
        let claim = claim(&metadata).unwrap().unwrap();
        assert_eq!(claim.credential, credential);
        assert_eq!(
            (claim.scope.region.as_str(), claim.signature.len()),
            ("eu-west-1", 64)
        );
        assert!(super::claim(&MetadataMap::new()).unwrap().is_none());
        metadata.insert("authorization", MetadataValue::from_static("Basic Zm9v"));
        assert!(super::claim(&metadata).is_err());
    }
}
