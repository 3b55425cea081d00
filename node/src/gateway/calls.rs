//! The JSON and query protocols: one document in, one document out.

use faultline_proto::codec::{self, query as parameters, xml};
use faultline_proto::tables::{OperationDef, Protocol, ServiceDef};
use faultline_proto::validate;
use http::{HeaderValue, Response};
use sha2::{Digest as _, Sha256};

use super::answer::{self, Answered, full};
use super::errors::Problem;
use super::limits::Held;
use super::request::{Head, pairs};
use super::sigv4::payload::Payload;
use super::sigv4::{Signed, Unverified};
use super::{Gateway, Refused, RequestBody, body, refusal};
use crate::live::Success;

/// Answers a request of the JSON protocols.
pub(super) async fn json<B: RequestBody>(
    gateway: &Gateway,
    head: &Head,
    signed: Option<Signed>,
    body: B,
    service: &'static ServiceDef,
    name: &str,
) -> Result<Response<Answered>, Refused> {
    let (credential, body, _held) = opened(gateway, head, signed, body, service).await?;
    let operation = find(service, name).map_err(|missing| match missing {
        Missing::NotBuilt => Problem::not_built(&format!("{}:{name}", service.prefix)),
        Missing::Unknown => unknown(service.protocol),
    })?;
    let message = codec::json::message(operation, &body).map_err(said)?;
    let (success, request_id) =
        called(gateway, head, operation, service, credential, message).await?;
    let text = codec::json::response(operation, &success.response)
        .map_err(|_| Problem::unavailable(service.protocol))?;
    let json10 = service.protocol == Protocol::Json10;
    let sum = json10.then(|| crc32fast::hash(text.as_bytes()));
    let mut response = Response::new(full(text));
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        HeaderValue::from_static(if json10 {
            "application/x-amz-json-1.0"
        } else {
            "application/x-amz-json-1.1"
        }),
    );
    if let Some(sum) = sum {
        headers.insert("x-amz-crc32", HeaderValue::from(sum));
    }
    answer::name_request(headers, &request_id, false);
    Ok(response)
}

/// An operation that AWS does not have either: KMS says 404 (K-279), DynamoDB 400.
fn unknown(protocol: Protocol) -> Problem {
    let status = match protocol {
        Protocol::Json11 => 404,
        Protocol::Json10 | Protocol::Query | Protocol::Ec2Query | Protocol::RestXml => 400,
    };
    Problem::new(status, "UnknownOperationException", "")
}

/// Answers a request of the query protocols.
pub(super) async fn query<B: RequestBody>(
    gateway: &Gateway,
    head: &Head,
    signed: Option<Signed>,
    body: B,
    service: &'static ServiceDef,
) -> Result<Response<Answered>, Refused> {
    let (credential, body, _held) = opened(gateway, head, signed, body, service).await?;
    let text = String::from_utf8(body)
        .map_err(|_| Problem::new(400, "MalformedQueryString", "The request is not text"))?;
    let mut given = pairs(&text, true);
    given.extend(
        head.query
            .iter()
            .filter(|(name, _)| !name.starts_with("X-Amz-"))
            .cloned(),
    );
    let action = given
        .iter()
        .find(|(name, _)| name == "Action")
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    let operation = find(service, &action).map_err(|missing| match missing {
        Missing::NotBuilt => Problem::not_built(&format!("{}:{action}", service.prefix)),
        Missing::Unknown if action.is_empty() => Problem::new(
            400,
            "MissingAction",
            "The request must contain the parameter Action",
        ),
        Missing::Unknown => Problem::new(
            400,
            "InvalidAction",
            format!(
                "The action {action} is not valid for this web service, or not built in this version of Faultline"
            ),
        ),
    })?;
    let message = parameters::message(operation, service.protocol, &given).map_err(said)?;
    let (success, request_id) =
        called(gateway, head, operation, service, credential, message).await?;
    let members = xml::members(operation.output, &success.response, service.protocol)
        .map_err(|_| Problem::unavailable(service.protocol))?;
    let mut response = Response::new(full(document(service, operation, &members, &request_id)));
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        HeaderValue::from_static("text/xml;charset=UTF-8"),
    );
    answer::name_request(headers, &request_id, false);
    Ok(response)
}

/// The document of a query protocol's answer.
pub(crate) fn document(
    service: &ServiceDef,
    operation: &OperationDef,
    members: &str,
    request_id: &str,
) -> String {
    let name = operation.name;
    let mut out = format!("<{name}Response xmlns=\"{}\">", service.xml_namespace);
    if service.protocol == Protocol::Ec2Query {
        xml::leaf(&mut out, "requestId", request_id);
        // Operations without an answer say that they worked.
        if operation.output.fields.is_empty() {
            xml::leaf(&mut out, "return", "true");
        }
        out.push_str(members);
    } else {
        if !operation.output.fields.is_empty() {
            out.push_str(&format!("<{name}Result>{members}</{name}Result>"));
        }
        xml::open(&mut out, "ResponseMetadata");
        xml::leaf(&mut out, "RequestId", request_id);
        xml::close(&mut out, "ResponseMetadata");
    }
    out.push_str(&format!("</{name}Response>"));
    out
}

/// The whole body, who signed it, and the room that it takes.
async fn opened<B: RequestBody>(
    gateway: &Gateway,
    head: &Head,
    signed: Option<Signed>,
    body: B,
    service: &'static ServiceDef,
) -> Result<(faultline_proto::driving::Credential, Vec<u8>, Held), Refused> {
    let protocol = service.protocol;
    let mut held = gateway.held();
    let body = body::whole(body, gateway.limits(), &mut held)
        .await
        .map_err(|bad| bad.problem(protocol, gateway.limits().document))?;
    let Some(signed) = signed else {
        let ours = gateway.handle().region().as_str();
        return Err(Problem::unverified(protocol, &Unverified::Missing, ours).into());
    };
    let payload = Payload::Hash(hex::encode(Sha256::digest(&body)));
    let (credential, _) = gateway.verify(head, &signed, &payload, service).await?;
    Ok((credential, body, held))
}

async fn called(
    gateway: &Gateway,
    head: &Head,
    operation: &'static OperationDef,
    service: &'static ServiceDef,
    credential: faultline_proto::driving::Credential,
    message: Vec<u8>,
) -> Result<(Success, String), Refused> {
    let call = gateway.new_call(head, operation.id, credential, message);
    let answer = gateway
        .handle()
        .call(call)
        .await
        .map_err(|_| Problem::unavailable(service.protocol))?;
    match answer.outcome {
        Ok(success) => Ok((success, answer.request_id)),
        Err(failure) => Err(refusal(service.protocol, *failure, answer.request_id)),
    }
}

enum Missing {
    NotBuilt,
    Unknown,
}

fn find(service: &'static ServiceDef, name: &str) -> Result<&'static OperationDef, Missing> {
    let found = service.operations.iter().find(|one| one.name == name);
    found.ok_or_else(|| {
        if service.not_built.contains(&name) {
            Missing::NotBuilt
        } else {
            Missing::Unknown
        }
    })
}

fn said(refusal: validate::Refusal) -> Problem {
    Problem::new(refusal.http_status, refusal.code, refusal.message)
}
