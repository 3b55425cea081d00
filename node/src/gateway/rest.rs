//! S3's binding to HTTP, from the tables: which operation a request is, where its members
//! stand, and where those of the answer go.
//!
//! The path chooses level (service, bucket, object) and the query string the sub-resource;
//! `PUT /{Bucket}/{Key+}?tagging` in the definition says both. The names after `?` must all be
//! there, those after `#` are headers that must. The most particular operation wins. AWS's
//! operations that are not built are in the same table, so that they are refused by name.

use faultline_proto::codec::{self, Encoded, xml};
use faultline_proto::tables::{
    Card, FieldDef, Kind, MessageDef, OperationDef, Place, Protocol, ServiceDef,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::errors::Problem;
use super::request::Head;
use super::sigv4::http_date;

const XML: Protocol = Protocol::RestXml;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The bucket, from the host or the path.
    pub bucket: Option<String>,
    /// The key, decoded; absent for a bucket.
    pub key: Option<String>,
}

impl Target {
    /// Reads host and path: `bucket.s3.eu-west-1.HOST/key`, `bucket.localhost/key`, or
    /// `HOST/bucket/key`.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        let path = head.path.strip_prefix('/').unwrap_or(&head.path);
        if let Some(bucket) = bucket_of_host(head.host()) {
            return Self {
                bucket: Some(bucket),
                key: said(decoded(path)),
            };
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        Self {
            bucket: said(decoded(bucket)),
            key: said(decoded(key)),
        }
    }
}

/// The bucket in a virtual host's name, if there is one.
fn bucket_of_host(host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let s3 = labels
        .iter()
        .rposition(|label| *label == "s3" || label.starts_with("s3-"));
    let before = match s3 {
        Some(at) => &labels[..at],
        // `photos.localhost`; addresses and names of our own choice have no bucket.
        None if labels.len() > 1 && labels.last() == Some(&"localhost") => {
            &labels[..labels.len() - 1]
        }
        None => &[],
    };
    let bucket = before.join(".");
    (!bucket.is_empty()).then_some(bucket)
}

/// The operation that a request is.
///
/// # Errors
/// NotImplemented by name, or MethodNotAllowed.
pub fn route(
    service: &'static ServiceDef,
    head: &Head,
    target: &Target,
) -> Result<&'static OperationDef, Problem> {
    let built = service.operations.iter().filter_map(|operation| {
        Some((
            Pattern::parse(operation.http)?,
            operation.name,
            Some(operation),
        ))
    });
    let others = service.not_built.iter().filter_map(|said| {
        let (name, http) = said.split_once(' ')?;
        Some((Pattern::parse(http)?, name, None))
    });
    let best = built
        .chain(others)
        .filter(|(pattern, _, _)| pattern.matches(head, target))
        .max_by_key(|(pattern, _, operation)| (pattern.weight(), operation.is_some()));
    match best {
        Some((_, _, Some(operation))) => Ok(operation),
        Some((_, name, None)) => Err(Problem::not_built(&format!("s3:{name}"))),
        None => Err(Problem::new(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )),
    }
}

/// `PUT /{Bucket}/{Key+}?partNumber&uploadId#x-amz-copy-source 200`, taken apart.
struct Pattern<'a> {
    method: &'a str,
    bucket: bool,
    key: bool,
    parameters: Vec<(&'a str, Option<&'a str>)>,
    headers: Vec<&'a str>,
}

impl<'a> Pattern<'a> {
    fn parse(http: &'a str) -> Option<Self> {
        let mut parts = http.split(' ');
        let (method, target) = (parts.next()?, parts.next()?);
        let (target, headers) = target.split_once('#').unwrap_or((target, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let listed = |text: &'a str, by| text.split(by).filter(|part: &&str| !part.is_empty());
        Some(Self {
            method,
            bucket: path.contains("{Bucket}"),
            key: path.contains("{Key+}"),
            parameters: listed(query, '&')
                .map(|part| match part.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (part, None),
                })
                .collect(),
            headers: listed(headers, '#').collect(),
        })
    }

    fn matches(&self, head: &Head, target: &Target) -> bool {
        self.method == head.method.as_str()
            && self.bucket == target.bucket.is_some()
            && self.key == target.key.is_some()
            && self.parameters.iter().all(|(name, value)| {
                head.parameter(name)
                    .is_some_and(|given| value.is_none_or(|value| value == given))
            })
            && self
                .headers
                .iter()
                .all(|name| head.headers.contains_key(*name))
    }

    fn weight(&self) -> usize {
        self.parameters.len() + self.headers.len()
    }

    fn names(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|(name, _)| *name == parameter)
    }
}

/// Parameters that no member stands for and that change nothing.
const PLAIN_PARAMETERS: [&str; 2] = ["x-id", "encoding-type"];
/// Headers of the wire itself.
const PLAIN_HEADERS: [&str; 10] = [
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-te",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-request-payer",
    "x-amz-expected-bucket-owner",
];

/// The request message of an operation; its document, where it has one, is in `body`.
///
/// # Errors
/// A refusal in S3's words; NotImplemented for what is not built.
pub fn request(
    operation: &'static OperationDef,
    head: &Head,
    target: &Target,
    length: Option<u64>,
    body: &[u8],
) -> Result<Vec<u8>, Problem> {
    refuse_what_is_not_built(operation, head)?;
    let mut members = Map::new();
    for field in operation.input.fields {
        let name = field.xml_name(XML);
        let value = match field.shape.wire.place {
            Place::Label if field.aws == "Bucket" => target.bucket.clone().map(Value::String),
            Place::Label => target.key.clone().map(Value::String),
            Place::Parameter => head
                .parameter(&name)
                .and_then(|text| header_value(field, &name, text)),
            Place::Header if name.eq_ignore_ascii_case("content-length") => {
                length.map(|length| length.into())
            }
            Place::Header => head
                .header(&name.to_ascii_lowercase())
                .and_then(|text| header_value(field, &name, text))
                .or_else(|| trailing_algorithm(field, head)),
            Place::Headers => Some(prefixed(head, &name)),
            Place::Payload if field.shape.body || body.is_empty() => None,
            Place::Payload => Some(payload(field, body)?),
            Place::Body => None,
        };
        if let Some(value) = value {
            members.insert(field.aws.to_owned(), value);
        }
    }
    let encoded = codec::encode(operation.input, &Value::Object(members), xml::FACE);
    let Encoded { message, .. } = encoded.map_err(|problems| {
        let first = problems.first().map(|problem| problem.refusal(XML));
        first.map_or_else(
            || Problem::new(400, "InvalidArgument", "Invalid Argument"),
            |refusal| Problem::new(refusal.http_status, refusal.code, refusal.message),
        )
    })?;
    Ok(message)
}

fn refuse_what_is_not_built(operation: &'static OperationDef, head: &Head) -> Result<(), Problem> {
    let pattern = Pattern::parse(operation.http);
    let stands = |place: Place, name: &str| {
        operation.input.fields.iter().any(|field| {
            field.shape.wire.place == place && field.xml_name(XML).eq_ignore_ascii_case(name)
        })
    };
    for (name, _) in &head.query {
        let known = name.to_ascii_lowercase().starts_with("x-amz-")
            || PLAIN_PARAMETERS.contains(&name.as_str())
            || pattern.as_ref().is_some_and(|pattern| pattern.names(name))
            || stands(Place::Parameter, name);
        if !known {
            return Err(Problem::not_built(&format!("the parameter {name}")));
        }
    }
    for name in head.headers.keys().map(HeaderName::as_str) {
        let known = !name.starts_with("x-amz-")
            || PLAIN_HEADERS.contains(&name)
            || name.starts_with("x-amz-meta-")
            // Verified by whoever takes the body in, or refused there.
            || name.starts_with("x-amz-checksum-")
            || stands(Place::Header, name);
        if !known && name.starts_with("x-amz-server-side-encryption") {
            // SSE-025: on a read there is nothing to ask for.
            return Err(Problem::new(
                400,
                "InvalidArgument",
                format!("{name} header is not supported for this operation."),
            ));
        }
        if !known {
            let mut problem = Problem::new(
                501,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
            );
            problem.members.push(("Header".to_owned(), name.to_owned()));
            return Err(problem);
        }
    }
    Ok(())
}

/// The checksum that comes after the body, where no header names its algorithm.
fn trailing_algorithm(field: &FieldDef, head: &Head) -> Option<Value> {
    if field.aws != "ChecksumAlgorithm" {
        return None;
    }
    let announced = head.header("x-amz-trailer")?;
    let name = announced.trim().to_ascii_lowercase();
    let algorithm = name.strip_prefix("x-amz-checksum-")?;
    Some(Value::String(algorithm.to_ascii_uppercase()))
}

fn scalar(field: &FieldDef, text: &str) -> Value {
    codec::scalar(field.kind, text)
}

fn header_value(field: &FieldDef, name: &str, text: &str) -> Option<Value> {
    if field.card == Card::List {
        let items = text.split(',').map(|item| scalar(field, item.trim()));
        return Some(Value::Array(items.collect()));
    }
    match field.kind {
        Kind::Timestamp => match http_date(text) {
            Some(seconds) => Some(seconds.into()),
            None => Some(scalar(field, text)),
        },
        // The outer coding is the wire's, not the object's.
        Kind::Str if name.eq_ignore_ascii_case("content-encoding") => {
            let kept: Vec<&str> = text
                .split(',')
                .map(str::trim)
                .filter(|coding| *coding != "aws-chunked")
                .collect();
            (!kept.is_empty()).then(|| Value::String(kept.join(",")))
        }
        _ => Some(scalar(field, text)),
    }
}

fn prefixed(head: &Head, prefix: &str) -> Value {
    let entries = head.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(prefix)?;
        Some((
            name.to_owned(),
            Value::String(value.to_str().ok()?.to_owned()),
        ))
    });
    Value::Object(entries.collect())
}

fn payload(field: &FieldDef, body: &[u8]) -> Result<Value, Problem> {
    let malformed = || {
        Problem::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    match field.kind {
        Kind::Message(def) => xml::read(body)
            .and_then(|document| xml::value(def, &document, XML))
            .map_err(|unreadable| match unreadable {
                xml::Unreadable::Malformed => malformed(),
                xml::Unreadable::NotBuilt(name) => {
                    Problem::not_built(&format!("the element {name}"))
                }
            }),
        _ => String::from_utf8(body.to_vec())
            .map(Value::String)
            .map_err(|_| malformed()),
    }
}

/// An answer as HTTP has it.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The members that are headers.
    pub headers: HeaderMap,
    /// The document, or the payload that is text; `None` when the body comes in chunks.
    pub body: Option<String>,
}

/// Spreads an answer over status, headers and document.
///
/// # Errors
/// [`faultline_proto::wire::Malformed`] when the bytes are not the operation's response.
pub fn response(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    message: &[u8],
) -> Result<Response, faultline_proto::wire::Malformed> {
    let def = operation.output;
    let value = codec::decode(def, message, xml::FACE)?;
    let mut headers = HeaderMap::new();
    let mut put = |name: &str, text: &str| {
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
        if let (Ok(name), Ok(text)) = (name, HeaderValue::from_bytes(text.as_bytes())) {
            headers.insert(name, text);
        }
    };
    let mut body = None;
    let mut streams = false;
    for field in def.fields {
        streams |= field.shape.body;
        let Some(said) = value.get(field.aws) else {
            continue;
        };
        let name = field.xml_name(XML);
        match field.shape.wire.place {
            Place::Header => put(&name, &header_text(field, said)),
            Place::Headers => {
                for (key, text) in said.as_object().into_iter().flatten() {
                    put(&format!("{name}{key}"), text.as_str().unwrap_or_default());
                }
            }
            Place::Payload => body = Some(document(service, field, said)),
            Place::Label | Place::Parameter | Place::Body => {}
        }
    }
    let partial = headers.contains_key("content-range");
    if body.is_none() && !streams {
        body = Some(members(service, operation, def, &value));
    }
    let status = operation.http.rsplit(' ').next().unwrap_or_default();
    Ok(Response {
        status: if partial {
            206
        } else {
            status.parse().unwrap_or(200)
        },
        headers,
        body,
    })
}

fn header_text(field: &FieldDef, said: &Value) -> String {
    let text = codec::shown(said).unwrap_or_default();
    match field.kind {
        // The one date that S3 writes otherwise.
        Kind::Timestamp if field.aws == "ObjectLockRetainUntilDate" => text,
        Kind::Timestamp => codec::time::from_iso(&text)
            .and_then(|millis| u64::try_from(millis / 1000).ok())
            .map_or(text, |seconds| {
                let since = std::time::Duration::from_secs(seconds);
                httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
            }),
        _ => text,
    }
}

/// A payload: a structure is a document of its own name, text is the body itself.
fn document(service: &ServiceDef, field: &'static FieldDef, said: &Value) -> String {
    match (field.card, field.kind) {
        (Card::One, Kind::Message(def)) => {
            let root = field.xml_name(XML);
            let mut out = opened(service, &root);
            xml::write_members(&mut out, def, said, XML);
            xml::close(&mut out, &root);
            out
        }
        _ => codec::shown(said).unwrap_or_default(),
    }
}

/// The members that are neither headers nor payload as one document; empty when there are none.
fn members(
    service: &ServiceDef,
    operation: &OperationDef,
    def: &'static MessageDef,
    value: &Value,
) -> String {
    let in_document = |field: &FieldDef| field.shape.wire.place == Place::Body;
    if !def.fields.iter().any(in_document) {
        return String::new();
    }
    let root = if operation.xml_root.is_empty() {
        format!("{}Result", operation.name)
    } else {
        operation.xml_root.to_owned()
    };
    let mut out = opened(service, &root);
    // A document of one text is that text: `<LocationConstraint>eu-west-1</LocationConstraint>`.
    let alone = def
        .fields
        .iter()
        .find(|field| field.card == Card::One && field.xml_name(XML) == root);
    match alone {
        Some(field) => {
            let said = value.get(field.aws).and_then(codec::shown);
            xml::escape(&mut out, &said.unwrap_or_default());
        }
        None => xml::write_members(&mut out, def, value, XML),
    }
    xml::close(&mut out, &root);
    out
}

fn opened(service: &ServiceDef, root: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{}\">",
        service.xml_namespace
    )
}

/// Whether a response to this method has no body.
#[must_use]
pub fn is_head(method: &Method) -> bool {
    method == Method::HEAD
}

#[cfg(test)]
mod tests;
