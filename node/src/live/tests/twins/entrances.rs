//! One call by either entrance, and what it said in one form.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use faultline_proto::codec::{self, xml};
use faultline_proto::driving::{Credential, Failure};
use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, Place, Protocol};
use faultline_region::signing::secret_access_key;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message as _;
use serde_json::{Map, Value};

use super::Case;
use crate::gateway::errors::Problem;
use crate::gateway::request::Head;
use crate::gateway::sigv4::sign::Signer;
use crate::gateway::{Gateway, calls, rest};
use crate::live::Handle;
use crate::live::aws::{AwsRoute, Raw};
use crate::live::incoming::Caller;
use crate::live::signature;

const REST: Protocol = Protocol::RestXml;
/// Where calls come from.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What came of a call, as AWS's wire says it.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Refused {
        status: u16,
        code: String,
        message: String,
        /// Members of a JSON error beside those two.
        members: Map<String, Value>,
    },
    Answered {
        status: u16,
        document: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
}

impl Said {
    fn answered(document: String) -> Self {
        Self::Answered {
            status: 200,
            document,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// What an answer says, as far as later calls may ask for it.
    pub fn value(&self) -> Value {
        let Self::Answered {
            document, headers, ..
        } = self
        else {
            return Value::Null;
        };
        if let Ok(value) = serde_json::from_str(document) {
            return value;
        }
        // Of XML the leaves: `<keyId>text</keyId>`.
        let mut members = Map::new();
        for part in document.split('<') {
            if let Some((name, text)) = part.split_once('>')
                && !text.trim().is_empty()
            {
                let mut name = name.to_owned();
                name[..1].make_ascii_uppercase();
                let all = members
                    .entry(name)
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(all) = all {
                    all.push(text.into());
                }
            }
        }
        for (name, text) in headers
            .iter()
            .filter(|(name, _)| name == "x-amz-version-id")
        {
            members.insert(
                name.replace("x-amz-version-id", "VersionId"),
                text.clone().into(),
            );
        }
        Value::Object(members)
    }
}

/// AWS's wire to one twin.
pub(super) struct Wire {
    gateway: Gateway,
    handle: Handle,
    secret: String,
}

impl Wire {
    pub fn new(gateway: Gateway, handle: Handle) -> Self {
        Self {
            gateway,
            handle,
            secret: secret_access_key(&[7; 32], super::super::ROOT).to_string(),
        }
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    pub async fn ask(&self, case: &Case) -> Said {
        let request = request(case);
        let is_head = request.method() == http::Method::HEAD;
        let (parts, body) = request.into_parts();
        let mut head = Head::new(parts.clone(), PEER, false);
        let signer = Signer {
            access_key: super::super::ROOT.into(),
            secret_access_key: self.secret.clone(),
            session_token: String::new(),
            region: "eu-west-1".into(),
            service: case.service.signing_name.into(),
        };
        let now = self.handle.clock().wall().0.div_euclid(1_000_000);
        signer.sign_body(&mut head, &body, now);
        let mut parts = parts;
        parts.headers = head.headers;
        let request = Request::from_parts(parts, Full::new(body));
        let (parts, body) = self.gateway.answer(request, PEER, false).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let status = parts.status.as_u16();
        if status >= 300 {
            return refused(status, &body, is_head);
        }
        let headers = parts.headers.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), text)
        });
        if case.service.protocol != REST {
            return Said::answered(String::from_utf8_lossy(&body).into_owned());
        }
        let streams = codec::body_member(case.operation.output).is_some();
        let ours = ["x-amz-request-id", "x-amz-id-2", "content-type"];
        Said::Answered {
            status,
            document: if streams || is_head {
                String::new()
            } else {
                String::from_utf8_lossy(&body).into_owned()
            },
            headers: sorted(headers.filter(|(name, _)| !ours.contains(&name.as_str()))),
            body: if streams { body.to_vec() } else { Vec::new() },
        }
    }
}

fn sorted(headers: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut all: Vec<_> = headers.collect();
    all.sort();
    all
}

fn refused(status: u16, body: &[u8], is_head: bool) -> Said {
    let text = String::from_utf8_lossy(body);
    if is_head {
        return Said::Refused {
            status,
            code: String::new(),
            message: String::new(),
            members: Map::new(),
        };
    }
    if let Ok(Value::Object(mut members)) = serde_json::from_str(&text) {
        let mut taken = |name| match members.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (code, message) = (taken("__type"), taken("message"));
        return Said::Refused {
            status,
            code,
            message,
            members,
        };
    }
    let part = |name: &str| {
        let rest = text.split(&format!("<{name}>")).nth(1).unwrap_or_default();
        let end = rest.split("</").next().unwrap_or_default();
        end.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    };
    Said::Refused {
        status,
        code: part("Code"),
        message: part("Message"),
        members: Map::new(),
    }
}

/// Typed gRPC to the other twin.
pub(super) struct Grpc {
    route: AwsRoute,
    handle: Handle,
    secret: String,
}

impl Grpc {
    pub fn new(route: AwsRoute, handle: Handle) -> Self {
        Self {
            route,
            handle,
            secret: secret_access_key(&[7; 32], super::super::ROOT).to_string(),
        }
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    pub async fn ask(&self, case: &Case) -> Said {
        let path = case.operation.grpc_path;
        let mut request = tonic::Request::new(Bytes::from(case.message.clone()));
        let credential = Credential {
            access_key: super::super::ROOT.into(),
            session_token: String::new(),
        };
        let signer = signature::Signer {
            credential: &credential,
            secret: &self.secret,
            region: "eu-west-1",
            service: case.operation.service,
        };
        let now = self.handle.clock().wall();
        signature::sign(&signer, now, path, &case.message, request.metadata_mut());
        request.extensions_mut().insert(Caller {
            address: Some(SocketAddr::new(PEER, 1)),
            certificate: None,
        });
        let mut client = tonic::client::Grpc::new(self.route.clone());
        client.ready().await.expect("it lives");
        let path = http::uri::PathAndQuery::from_static(path);
        match client.unary(request, path, Raw).await {
            Ok(response) => {
                let id = response.metadata().get("x-amzn-requestid");
                let id = id.and_then(|it| it.to_str().ok()).unwrap_or_default();
                answered(case, response.get_ref(), id)
            }
            Err(status) => failed(case, &status),
        }
    }
}

fn failed(case: &Case, status: &tonic::Status) -> Said {
    let failure = Failure::decode(status.details()).expect("a failure");
    let http_status = u16::try_from(failure.http_status).ok();
    let status = http_status.filter(|status| *status >= 300).unwrap_or(400);
    let problem = Problem::new(status, failure.code, failure.message);
    let problem = problem.in_words_of(case.service.protocol);
    let is_head = case.operation.http.starts_with("HEAD ");
    let kept = |text: String| if is_head { String::new() } else { text };
    let json = matches!(case.service.protocol, Protocol::Json10 | Protocol::Json11);
    let members = serde_json::from_str(&failure.members).ok().filter(|_| json);
    Said::Refused {
        status: problem.status,
        code: kept(problem.code),
        message: kept(problem.message),
        members: members.unwrap_or_default(),
    }
}

fn answered(case: &Case, message: &[u8], request_id: &str) -> Said {
    let (service, operation) = (case.service, case.operation);
    match service.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            Said::answered(codec::json::response(operation, message).expect("an answer"))
        }
        Protocol::Query | Protocol::Ec2Query => {
            let members = xml::members(operation.output, message, service.protocol);
            let members = members.expect("an answer");
            Said::answered(calls::document(service, operation, &members, request_id))
        }
        Protocol::RestXml => {
            let (plain, body) = codec::split_body(operation.output, message).expect("an answer");
            let bound = rest::response(service, operation, &plain).expect("an answer");
            let headers = bound.headers.iter().map(|(name, value)| {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), text)
            });
            let is_head = operation.http.starts_with("HEAD ");
            Said::Answered {
                status: bound.status,
                document: bound.body.filter(|_| !is_head).unwrap_or_default(),
                headers: sorted(headers.filter(|(name, _)| name != "content-type")),
                body: body.unwrap_or_default(),
            }
        }
    }
}

/// The call as its protocol writes it.
fn request(case: &Case) -> Request<Bytes> {
    let (service, operation) = (case.service, case.operation);
    match service.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let target = format!("{}.{}", service.target, operation.name);
            let body = case.asked.to_string();
            built(
                "POST",
                "/",
                vec![("x-amz-target".into(), target)],
                body.into(),
            )
        }
        Protocol::Query | Protocol::Ec2Query => {
            let mut form = format!("Action={}", operation.name);
            members(
                &mut form,
                "",
                operation.input,
                service.protocol,
                &case.asked,
            );
            let kind = "application/x-www-form-urlencoded".to_owned();
            built(
                "POST",
                "/",
                vec![("content-type".into(), kind)],
                form.into(),
            )
        }
        Protocol::RestXml => by_rest(case),
    }
}

/// The members of a structure as parameters.
fn members(
    form: &mut String,
    path: &str,
    def: &'static MessageDef,
    protocol: Protocol,
    value: &Value,
) {
    for field in def.fields {
        if let Some(value) = value.get(field.aws) {
            let name = format!("{path}{}", field.query_name(protocol));
            member(form, &name, field, protocol, value);
        }
    }
}

fn member(
    form: &mut String,
    name: &str,
    field: &'static FieldDef,
    protocol: Protocol,
    value: &Value,
) {
    match value {
        Value::Array(items) => {
            let bare = protocol == Protocol::Ec2Query || field.shape.wire.flattened;
            let between = if bare { "" } else { field.xml_item(protocol) };
            let dot = if bare { "" } else { "." };
            for (at, item) in items.iter().enumerate() {
                let name = format!("{name}.{between}{dot}{}", at + 1);
                parameter(form, &name, field.kind, protocol, item);
            }
        }
        Value::Object(entries) if field.card == Card::Map => {
            for (at, (key, value)) in entries.iter().enumerate() {
                let name = format!("{name}.entry.{}", at + 1);
                form.push_str(&format!("&{name}.key={}", encoded(key)));
                parameter(form, &format!("{name}.value"), field.kind, protocol, value);
            }
        }
        value => parameter(form, name, field.kind, protocol, value),
    }
}

fn parameter(form: &mut String, name: &str, kind: Kind, protocol: Protocol, value: &Value) {
    match kind {
        Kind::Message(def) => match def.seen_through() {
            Some(inner) => member(form, name, inner, protocol, value),
            None => members(form, &format!("{name}."), def, protocol, value),
        },
        _ => {
            let text = codec::shown(value).unwrap_or_default();
            form.push_str(&format!("&{name}={}", encoded(&text)));
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn built(method: &str, uri: &str, headers: Vec<(String, String)>, body: Bytes) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost")
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(body).expect("a request")
}

/// Bucket and key in the path, the rest where the tables say.
fn by_rest(case: &Case) -> Request<Bytes> {
    let mut pattern = case.operation.http.split(' ');
    let method = pattern.next().expect("a method");
    let target = pattern.next().expect("a path");
    let (target, _) = target.split_once('#').unwrap_or((target, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let label = |name: &str| case.asked[name].as_str().map(encoded).unwrap_or_default();
    let path = path
        .replace("{Bucket}", &label("Bucket"))
        .replace("{Key+}", &label("Key"));
    let mut parameters: Vec<String> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let (mut headers, mut body) = (Vec::new(), Bytes::from(case.body.clone()));
    for field in case.operation.input.fields {
        let Some(value) = case.asked.get(field.aws) else {
            continue;
        };
        let name = field.xml_name(REST);
        match field.shape.wire.place {
            Place::Parameter => {
                parameters.retain(|one| *one != name);
                parameters.push(format!("{name}={}", encoded(&text(field, value))));
            }
            Place::Header if name.eq_ignore_ascii_case("content-length") => {}
            Place::Header => headers.push((name, text(field, value))),
            Place::Headers => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let text = value.as_str().unwrap_or_default().to_owned();
                    headers.push((format!("{name}{key}"), text));
                }
            }
            Place::Payload => body = document(field, value, case).into(),
            Place::Label | Place::Body => {}
        }
    }
    let query = if parameters.is_empty() {
        String::new()
    } else {
        format!("?{}", parameters.join("&"))
    };
    built(method, &format!("{path}{query}"), headers, body)
}

fn text(field: &FieldDef, value: &Value) -> String {
    match (field.card, value) {
        (Card::List, Value::Array(items)) => {
            let texts: Vec<String> = items.iter().filter_map(codec::shown).collect();
            texts.join(",")
        }
        _ => codec::shown(value).unwrap_or_default(),
    }
}

fn document(field: &'static FieldDef, value: &Value, case: &Case) -> String {
    let Kind::Message(def) = field.kind else {
        return text(field, value);
    };
    let root = field.xml_name(REST);
    let mut out = format!("<{root} xmlns=\"{}\">", case.service.xml_namespace);
    xml::write_members(&mut out, def, value, REST);
    xml::close(&mut out, &root);
    out
}
