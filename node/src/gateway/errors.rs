//! How each protocol says no: codes, words, status and form.
//!
//! Refusals of the Region come with AWS's code and status already. What the entrance refuses
//! (a signature, a size) and what belongs to credentials is named differently by every
//! protocol; that table is here. Texts are AWS's where they are known.

use faultline_proto::codec::xml;
use faultline_proto::tables::Protocol;
use http::{HeaderValue, Response, StatusCode};

use super::answer::{Answered, full};
use super::sigv4::{SKEW, Unverified, basic};

/// A refusal on its way out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// AWS's code.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// HTTP status.
    pub status: u16,
    /// Extra members: of a JSON error, or elements of S3's.
    pub members: Vec<(String, String)>,
    /// Members of a JSON error that are more than text.
    pub json: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Problem {
    /// A refusal of these words.
    #[must_use]
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status,
            ..Self::default()
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.members.push((name.to_owned(), value.into()));
        self
    }

    /// An operation, parameter or header that AWS has and this build does not.
    #[must_use]
    pub fn not_built(what: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("{what} is not built in this version of Faultline"),
        )
    }

    /// A request larger than its limit.
    #[must_use]
    pub fn too_large(protocol: Protocol, limit: usize) -> Self {
        let message = format!("The request has more than the {limit} bytes that are taken");
        match protocol {
            Protocol::RestXml => Self::new(400, "EntityTooLarge", message),
            _ => Self::new(413, "RequestEntityTooLargeException", message),
        }
    }

    /// More requests than are taken.
    #[must_use]
    pub fn throttled(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Json10 | Protocol::Json11 => {
                Self::new(400, "ThrottlingException", "Rate exceeded")
            }
            Protocol::Query => Self::new(400, "Throttling", "Rate exceeded"),
            Protocol::Ec2Query => Self::new(503, "RequestLimitExceeded", "Request limit exceeded."),
            Protocol::RestXml => Self::new(503, "SlowDown", "Please reduce your request rate."),
        }
    }

    /// The node ended, or is too slow.
    #[must_use]
    pub fn unavailable(protocol: Protocol) -> Self {
        let message = "The node ended before it answered; whether the call happened is unknown.";
        match protocol {
            Protocol::Json10 | Protocol::Json11 => {
                Self::new(500, "InternalServerException", message)
            }
            Protocol::Query => Self::new(503, "ServiceUnavailable", message),
            Protocol::Ec2Query => Self::new(503, "Unavailable", message),
            Protocol::RestXml => Self::new(503, "ServiceUnavailable", message),
        }
    }

    /// The refusal of a signature.
    #[must_use]
    pub fn unverified(protocol: Protocol, why: &Unverified, ours: &str) -> Self {
        match protocol {
            Protocol::RestXml => s3(why, ours),
            Protocol::Json10 | Protocol::Json11 => {
                let (code, message) = match why {
                    Unverified::Missing => (
                        "MissingAuthenticationTokenException",
                        "Missing Authentication Token".to_owned(),
                    ),
                    Unverified::Incomplete(words) => {
                        ("IncompleteSignatureException", words.clone())
                    }
                    other => ("InvalidSignatureException", words(other)),
                };
                Self::new(400, code, message)
            }
            Protocol::Query | Protocol::Ec2Query => {
                let (status, code) = match (protocol, why) {
                    (_, Unverified::Missing) => (403, "MissingAuthenticationToken"),
                    (_, Unverified::Incomplete(_)) => (400, "IncompleteSignature"),
                    (Protocol::Ec2Query, Unverified::Mismatch { .. }) => (401, "AuthFailure"),
                    (Protocol::Ec2Query, Unverified::TooOld(..) | Unverified::Expired) => {
                        (400, "RequestExpired")
                    }
                    _ => (403, "SignatureDoesNotMatch"),
                };
                let message = if code == "AuthFailure" {
                    NOT_VALIDATED.to_owned()
                } else {
                    words(why)
                };
                Self::new(status, code, message)
            }
        }
    }

    /// Names what is wrong with a credential as the protocol does; the Region says it once, in
    /// the words of the JSON services.
    #[must_use]
    pub fn in_words_of(mut self, protocol: Protocol) -> Self {
        let said = match (self.code.as_str(), protocol) {
            ("UnrecognizedClientException", Protocol::Query) => {
                Some((403, "InvalidClientTokenId", None))
            }
            ("UnrecognizedClientException", Protocol::Ec2Query) => {
                Some((401, "AuthFailure", Some(NOT_VALIDATED)))
            }
            ("UnrecognizedClientException", Protocol::RestXml) => Some((
                403,
                "InvalidAccessKeyId",
                Some("The AWS Access Key Id you provided does not exist in our records."),
            )),
            ("ExpiredTokenException", Protocol::Query) => Some((403, "ExpiredToken", None)),
            ("ExpiredTokenException", Protocol::Ec2Query) => {
                Some((400, "RequestExpired", Some("Request has expired.")))
            }
            ("ExpiredTokenException", Protocol::RestXml) => {
                Some((400, "ExpiredToken", Some("The provided token has expired.")))
            }
            _ => None,
        };
        if let Some((status, code, message)) = said {
            self.status = status;
            code.clone_into(&mut self.code);
            if let Some(message) = message {
                message.clone_into(&mut self.message);
            }
        }
        self
    }

    /// The response.
    #[must_use]
    pub fn response(
        &self,
        protocol: Protocol,
        namespace: &str,
        request_id: &str,
        head_only: bool,
    ) -> Response<Answered> {
        let (kind, body) = match protocol {
            Protocol::Json10 => ("application/x-amz-json-1.0", self.as_json()),
            Protocol::Json11 => ("application/x-amz-json-1.1", self.as_json()),
            Protocol::Query => ("text/xml", self.as_query(namespace, request_id)),
            Protocol::Ec2Query => ("text/xml;charset=UTF-8", self.as_ec2(request_id)),
            Protocol::RestXml => ("application/xml", self.as_s3(request_id)),
        };
        let bare = head_only || self.status == 304;
        let body = if bare { Vec::new() } else { body.into_bytes() };
        let mut response = Response::new(full(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !bare {
            headers.insert("content-type", HeaderValue::from_static(kind));
        }
        if protocol == Protocol::RestXml
            && let Some((_, region)) = self.members.iter().find(|(name, _)| name == "Region")
            && let Ok(region) = HeaderValue::from_str(region)
        {
            headers.insert("x-amz-bucket-region", region);
        }
        response
    }

    fn as_json(&self) -> String {
        let mut members = self.json.clone().unwrap_or_default();
        members.insert("__type".to_owned(), self.code.clone().into());
        if !self.message.is_empty() {
            members.insert("message".to_owned(), self.message.clone().into());
        }
        serde_json::Value::Object(members).to_string()
    }

    fn as_query(&self, namespace: &str, request_id: &str) -> String {
        let fault = if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let mut out = format!("<ErrorResponse xmlns=\"{namespace}\"><Error>");
        xml::leaf(&mut out, "Type", fault);
        xml::leaf(&mut out, "Code", &self.code);
        xml::leaf(&mut out, "Message", &self.message);
        xml::close(&mut out, "Error");
        xml::leaf(&mut out, "RequestId", request_id);
        xml::close(&mut out, "ErrorResponse");
        out
    }

    fn as_ec2(&self, request_id: &str) -> String {
        let mut out =
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>".to_owned();
        xml::leaf(&mut out, "Code", &self.code);
        xml::leaf(&mut out, "Message", &self.message);
        out.push_str("</Error></Errors>");
        xml::leaf(&mut out, "RequestID", request_id);
        xml::close(&mut out, "Response");
        out
    }

    fn as_s3(&self, request_id: &str) -> String {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>".to_owned();
        xml::leaf(&mut out, "Code", &self.code);
        xml::leaf(&mut out, "Message", &self.message);
        for (name, value) in &self.members {
            xml::leaf(&mut out, name, value);
        }
        xml::leaf(&mut out, "RequestId", request_id);
        xml::leaf(&mut out, "HostId", &super::answer::host_id(request_id));
        xml::close(&mut out, "Error");
        out
    }
}

const NOT_VALIDATED: &str = "AWS was not able to validate the provided access credentials";
const OLD: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

fn words(why: &Unverified) -> String {
    match why {
        Unverified::Missing => "Request is missing Authentication Token".to_owned(),
        Unverified::OldVersion => OLD.to_owned(),
        Unverified::Incomplete(words) => words.clone(),
        Unverified::WrongDay(date) => format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}'."
        ),
        Unverified::WrongRegion(region) => {
            format!("Credential should be scoped to a valid region, not '{region}'. ")
        }
        Unverified::WrongService(right) => {
            format!("Credential should be scoped to correct service: '{right}'. ")
        }
        Unverified::TooOld(date, now) => format!(
            "Signature expired: {date} is now earlier than {} ({} - 15 min.)",
            basic(now - SKEW),
            basic(*now)
        ),
        Unverified::TooNew(date, now) => format!(
            "Signature not yet current: {date} is still later than {} ({} + 15 min.)",
            basic(now + SKEW),
            basic(*now)
        ),
        Unverified::Expired => "Signature expired".to_owned(),
        Unverified::TooLong => {
            "X-Amz-Expires must be less than a week (in seconds) that is 604800".to_owned()
        }
        Unverified::Mismatch { .. } => MISMATCH.to_owned(),
    }
}

fn s3(why: &Unverified, ours: &str) -> Problem {
    match why {
        Unverified::Missing => Problem::new(403, "AccessDenied", "Access Denied"),
        Unverified::OldVersion => Problem::new(400, "InvalidRequest", OLD),
        Unverified::Incomplete(words) => Problem::new(
            400,
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; {words}"),
        ),
        Unverified::WrongRegion(region) => Problem::new(
            400,
            "AuthorizationHeaderMalformed",
            format!(
                "The authorization header is malformed; the region '{region}' is wrong; expecting '{ours}'"
            ),
        )
        .with("Region", ours),
        Unverified::WrongDay(_) | Unverified::WrongService(_) => Problem::new(
            400,
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; {}", words(why)),
        ),
        Unverified::TooOld(date, now) | Unverified::TooNew(date, now) => Problem::new(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
        .with("RequestTime", date.clone())
        .with("ServerTime", basic(*now))
        .with("MaxAllowedSkewMilliseconds", (SKEW * 1000).to_string()),
        Unverified::Expired => Problem::new(403, "AccessDenied", "Request has expired"),
        Unverified::TooLong => {
            Problem::new(400, "AuthorizationQueryParametersError", words(why))
        }
        Unverified::Mismatch {
            string_to_sign,
            canonical,
        } => Problem::new(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
        .with("StringToSign", string_to_sign.clone())
        .with("CanonicalRequest", canonical.clone()),
    }
}
