//! Signature Version 4, as AWS verifies it.
//!
//! ```text
//!   request --parse--> Signed (who, when, for what, which headers) --> string to sign
//!                                        signing key of that scope --> HMAC == signature?
//! ```
//!
//! Both forms are taken: the `Authorization` header and presigned URLs. The body is bound by
//! its hash in the canonical request; where it comes in chunks ([`chunked`]), by a chain of
//! signatures. Secrets never come here: the Region answers with the key of one day, Region and
//! service. [`Unverified`] is what can be wrong; `errors` puts it into each protocol's words.
//!
//! Left out: Signature Version 4A; the ancient Version 2 is refused as S3 refuses it.

pub mod canonical;
pub mod chunked;
pub mod payload;
pub mod sign;

use faultline_region::signing::Scope;
use faultline_region::vault::SecretKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::request::Head;
use payload::Payload;

/// How far a client's clock may be from ours, seconds.
pub const SKEW: i64 = 15 * 60;
/// Longest life of a presigned URL, seconds.
const LONGEST: i64 = 7 * 24 * 3600;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a request says about its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Access key id.
    pub access_key: String,
    /// Session token, empty for long-lived keys.
    pub session_token: String,
    /// Day, Region and service.
    pub scope: Scope,
    /// `20150830T123600Z`.
    pub date: String,
    /// The same in seconds since 1970.
    pub seconds: i64,
    /// Names of the headers that are signed, lower case.
    pub headers: Vec<String>,
    /// The signature given, hex.
    pub signature: String,
    /// Life of a presigned URL in seconds; absent for a signed header.
    pub expires: Option<i64>,
}

/// Why a signature is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unverified {
    /// There is none.
    Missing,
    /// Signature Version 2: S3 takes it for buckets made before June 2020 only.
    OldVersion,
    /// It does not say all that it must.
    Incomplete(String),
    /// Another day in the scope than in the date.
    WrongDay(String),
    /// Another Region in the scope.
    WrongRegion(String),
    /// Another service in the scope; the right one.
    WrongService(String),
    /// Older than 15 minutes: the date given, and now in seconds.
    TooOld(String, i64),
    /// Newer than 15 minutes.
    TooNew(String, i64),
    /// The life of a presigned URL is over.
    Expired,
    /// A presigned URL that should live longer than a week, or a negative time.
    TooLong,
    /// Another signature than ours.
    Mismatch {
        /// What was signed.
        string_to_sign: String,
        /// What its last line is the hash of.
        canonical: String,
    },
}

/// Reads what a request says; `None` for a request that is not signed.
///
/// # Errors
/// [`Unverified::Incomplete`].
pub fn parse(head: &Head) -> Result<Option<Signed>, Unverified> {
    if let Some(said) = head.header("authorization") {
        return from_header(head, said).map(Some);
    }
    if head.parameter("X-Amz-Algorithm").is_some() || head.parameter("X-Amz-Credential").is_some() {
        return from_url(head).map(Some);
    }
    if head.parameter("AWSAccessKeyId").is_some() && head.parameter("Signature").is_some() {
        return Err(Unverified::OldVersion);
    }
    Ok(None)
}

fn from_header(head: &Head, said: &str) -> Result<Signed, Unverified> {
    if said.starts_with("AWS ") {
        return Err(Unverified::OldVersion);
    }
    let Some(rest) = said.strip_prefix(ALGORITHM) else {
        return Err(Unverified::Incomplete(format!(
            "Unsupported authorization type; only {ALGORITHM} is known"
        )));
    };
    let part = |name: &str| {
        rest.split(',')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let missing = |name: &str| {
        Unverified::Incomplete(format!("Authorization header requires '{name}' parameter."))
    };
    let credential = part("Credential").ok_or_else(|| missing("Credential"))?;
    let signature = part("Signature").ok_or_else(|| missing("Signature"))?;
    let headers = part("SignedHeaders").ok_or_else(|| missing("SignedHeaders"))?;
    let date = match (head.header("x-amz-date"), head.header("date")) {
        (Some(date), _) => date.to_owned(),
        (None, Some(date)) => basic(http_date(date).ok_or_else(no_date)?),
        (None, None) => return Err(no_date()),
    };
    let token = head.header("x-amz-security-token").unwrap_or_default();
    signed(credential, &date, token, headers, signature, None)
}

fn no_date() -> Unverified {
    Unverified::Incomplete(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            .to_owned(),
    )
}

fn from_url(head: &Head) -> Result<Signed, Unverified> {
    let part = |name: &str| {
        head.parameter(name).ok_or_else(|| {
            Unverified::Incomplete(format!(
                "AWS query-string parameters must include '{name}'."
            ))
        })
    };
    if part("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Unverified::Incomplete(format!(
            "X-Amz-Algorithm only supports \"{ALGORITHM}\""
        )));
    }
    let expires: i64 = part("X-Amz-Expires")?
        .parse()
        .map_err(|_| Unverified::Incomplete("X-Amz-Expires should be a number".to_owned()))?;
    if !(0..=LONGEST).contains(&expires) {
        return Err(Unverified::TooLong);
    }
    signed(
        part("X-Amz-Credential")?,
        part("X-Amz-Date")?,
        head.parameter("X-Amz-Security-Token").unwrap_or_default(),
        part("X-Amz-SignedHeaders")?,
        part("X-Amz-Signature")?,
        Some(expires),
    )
}

fn signed(
    credential: &str,
    date: &str,
    token: &str,
    headers: &str,
    signature: &str,
    expires: Option<i64>,
) -> Result<Signed, Unverified> {
    let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    let [end, service, region, day, access_key] = parts[..] else {
        return Err(Unverified::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };
    if end != "aws4_request" {
        return Err(Unverified::Incomplete(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."
        )));
    }
    let seconds = basic_seconds(date).ok_or_else(|| {
        Unverified::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    if !date.starts_with(day) {
        return Err(Unverified::WrongDay(date.to_owned()));
    }
    Ok(Signed {
        access_key: access_key.to_owned(),
        session_token: token.to_owned(),
        scope: Scope {
            date: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        },
        date: date.to_owned(),
        seconds,
        headers: headers.split(';').map(str::to_ascii_lowercase).collect(),
        signature: signature.to_owned(),
        expires,
    })
}

impl Signed {
    /// Checks the moment against `now`, seconds since 1970.
    ///
    /// # Errors
    /// [`Unverified::TooOld`], [`Unverified::TooNew`], [`Unverified::Expired`].
    pub fn check_time(&self, now: i64) -> Result<(), Unverified> {
        if now < self.seconds - SKEW {
            return Err(Unverified::TooNew(self.date.clone(), now));
        }
        match self.expires {
            Some(life) if now > self.seconds + life => Err(Unverified::Expired),
            None if now > self.seconds + SKEW => Err(Unverified::TooOld(self.date.clone(), now)),
            _ => Ok(()),
        }
    }

    /// Checks the signature; the seed of a chain of chunks comes out.
    ///
    /// # Errors
    /// [`Unverified::Mismatch`], or [`Unverified::Incomplete`] when a header that must be signed is not.
    pub fn check(&self, head: &Head, key: &SecretKey, payload: &Payload) -> Result<(), Unverified> {
        if !self.headers.iter().any(|name| name == "host") {
            return Err(Unverified::Incomplete(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                    .to_owned(),
            ));
        }
        let canonical = canonical::request(head, self, &payload.in_canonical_request());
        let string_to_sign = self.string_to_sign(&canonical);
        let ours = mac(key, string_to_sign.as_bytes());
        if same(&ours, &self.signature) {
            return Ok(());
        }
        Err(Unverified::Mismatch {
            string_to_sign,
            canonical,
        })
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
        format!("{ALGORITHM}\n{}\n{}\n{hash}", self.date, self.scope_text())
    }

    /// `20150830/us-east-1/iam/aws4_request`.
    #[must_use]
    pub fn scope_text(&self) -> String {
        let Scope {
            date,
            region,
            service,
        } = &self.scope;
        format!("{date}/{region}/{service}/aws4_request")
    }
}

/// HMAC-SHA-256 under a signing key.
#[must_use]
pub fn mac(key: &SecretKey, data: &[u8]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// Compares in constant time; the signature given is hex.
#[must_use]
pub fn same(ours: &[u8; 32], given: &str) -> bool {
    let mut theirs = [0; 32];
    if hex::decode_to_slice(given, &mut theirs).is_err() {
        return false;
    }
    let differing = ours
        .iter()
        .zip(theirs)
        .fold(0, |differing, (a, b)| differing | (a ^ b));
    std::hint::black_box(differing) == 0
}

/// `20150830T123600Z` in seconds since 1970.
#[must_use]
pub fn basic_seconds(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if day.len() != 8 || time.len() != 6 || !plain(day) || !plain(time) {
        return None;
    }
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &day[..4],
        &day[4..6],
        &day[6..],
        &time[..2],
        &time[2..4],
        &time[4..]
    );
    Some(faultline_proto::codec::time::from_iso(&iso)? / 1000)
}

/// Seconds since 1970 as `20150830T123600Z`.
#[must_use]
pub fn basic(seconds: i64) -> String {
    faultline_proto::codec::time::to_iso(seconds * 1000)
        .chars()
        .filter(|letter| !matches!(letter, '-' | ':'))
        .collect()
}

/// `Wed, 21 Oct 2015 07:28:00 GMT` in seconds since 1970.
#[must_use]
pub fn http_date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests;
