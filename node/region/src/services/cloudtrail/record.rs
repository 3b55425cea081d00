//! An event as AWS writes it (K-259): the JSON inside LookupEvents and in trail files.

use faultline_proto::driving::AuditEvent;
use serde_json::{Map, Value, json};

use super::keyspaces::TrailRow;
use super::resource;
use crate::identity::dates;

/// Version of the record's form.
const EVENT_VERSION: &str = "1.11";
/// Who calls when no client did: a timer, a record of another Region.
const INTERNAL: &str = "internal.amazonaws.com";

/// Whether a service did it by itself, without a request (K-269, K-270, K-272).
fn by_itself(event: &AuditEvent) -> bool {
    event.identity_type.is_empty() || event.principal == INTERNAL
}

/// K-270, K-272: an event of the service and not of a caller. K-269: synchronising the copies
/// of a key is one of a caller all the same.
fn kind(event: &AuditEvent) -> &'static str {
    if by_itself(event) && event.event_name != "SynchronizeMultiRegionKey" {
        "AwsServiceEvent"
    } else {
        "AwsApiCall"
    }
}

/// The record of a row.
pub(super) fn of(row: &TrailRow, event: &AuditEvent) -> Value {
    let mut record = json!({
        "eventVersion": EVENT_VERSION,
        "userIdentity": identity(row, event),
        "eventTime": dates::format(event.event_time),
        "eventSource": event.event_source,
        "eventName": event.event_name,
        "awsRegion": event.region,
        "sourceIPAddress": source(row, event),
        "userAgent": agent(row, event),
        "requestParameters": parsed(&event.request_parameters),
        "responseElements": parsed(&event.response_elements),
        "eventID": event.event_id,
        "readOnly": event.read_only,
        "resources": event.resources.iter().map(|arn| shown(arn)).collect::<Vec<_>>(),
        "eventType": kind(event),
        "managementEvent": event.category != "Data",
        "recipientAccountId": event.recipient_account,
        "eventCategory": event.category,
    });
    let members = record.as_object_mut().expect("a record is an object");
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            members.insert(name.to_owned(), text.into());
        }
    };
    put("requestID", &event.request_id);
    put("errorCode", &event.error_code);
    put("errorMessage", &event.error_message);
    put("sharedEventID", &event.shared_event_id);
    if itself(event) {
        put("vpcEndpointId", said(row, "aws:SourceVpce"));
    }
    additional(members, parsed(&event.additional));
    if itself(event) && said(row, "aws:SecureTransport") == "true" {
        members.insert("tlsDetails".to_owned(), tls(row, event));
    }
    record
}

/// Whether the caller called itself, over a connection of its own (K-266).
fn itself(event: &AuditEvent) -> bool {
    event.invoked_by.is_empty() && !by_itself(event) && event.identity_type != "AWSService"
}

/// What the entrance said under this name; empty when it said nothing.
fn said<'a>(row: &'a TrailRow, name: &str) -> &'a str {
    row.entrance.get(name).map_or("", String::as_str)
}

/// How the client's connection was sealed; AWS's endpoints agree on TLS 1.3 with every SDK of today.
fn tls(row: &TrailRow, event: &AuditEvent) -> Value {
    let service = event.event_source.split('.').next().unwrap_or_default();
    let host = match said(row, "faultline:Host") {
        "" => format!("{service}.{}.amazonaws.com", event.region),
        host => host.to_owned(),
    };
    json!({
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    })
}

/// K-266: a call that a service made has the service's name for a client.
fn agent<'a>(row: &'a TrailRow, event: &'a AuditEvent) -> &'a str {
    if !itself(event) {
        source(row, event)
    } else {
        match said(row, "aws:UserAgent") {
            "" => "faultline",
            agent => agent,
        }
    }
}

/// `additionalEventData`; its member `serviceEventDetails` stands for itself (K-270).
fn additional(members: &mut Map<String, Value>, value: Value) {
    let Value::Object(mut additional) = value else {
        return;
    };
    if let Some(details) = additional.remove("serviceEventDetails") {
        members.insert("serviceEventDetails".to_owned(), details);
    }
    if !additional.is_empty() {
        members.insert("additionalEventData".to_owned(), Value::Object(additional));
    }
}

fn identity(row: &TrailRow, event: &AuditEvent) -> Value {
    if by_itself(event) {
        return json!({ "accountId": event.recipient_account, "invokedBy": "AWS Internal" });
    }
    let mut identity = json!({ "type": event.identity_type });
    let members = identity.as_object_mut().expect("an identity is an object");
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            members.insert(name.to_owned(), text.into());
        }
    };
    match event.identity_type.as_str() {
        "AWSService" => put("invokedBy", &event.principal),
        // Nobody signed the request.
        "Unknown" => {
            put("type", "AWSAccount");
            put("accountId", "ANONYMOUS_PRINCIPAL");
        }
        // K-265: the owner of a resource learns no more of a foreign caller.
        "AWSAccount" => {
            put("principalId", &row.principal_id);
            put("accountId", &event.account);
        }
        _ => {
            put("principalId", &row.principal_id);
            put("arn", &event.principal);
            put("accountId", &event.account);
            put("accessKeyId", &event.access_key);
            if event.identity_type == "IAMUser" {
                put("userName", username(event));
            }
            if let Some((arn, id)) = &row.issuer {
                members.insert("sessionContext".to_owned(), session(row, arn, id));
            }
        }
    }
    if !event.invoked_by.is_empty() {
        members.insert("invokedBy".to_owned(), event.invoked_by.as_str().into());
    }
    identity
}

fn session(row: &TrailRow, role: &str, id: &str) -> Value {
    let mfa = match said(row, "aws:MultiFactorAuthPresent") {
        "" => "false",
        present => present,
    };
    let mut attributes = json!({ "mfaAuthenticated": mfa });
    let since = said(row, "aws:TokenIssueTime");
    if !since.is_empty() {
        attributes["creationDate"] = since.into();
    }
    json!({
        "sessionIssuer": {
            "type": "Role",
            "principalId": id,
            "arn": role,
            "accountId": resource::account(role),
            "userName": role.rsplit('/').next(),
        },
        "attributes": attributes,
    })
}

/// The name under which people look a caller up: user, session, or `root`.
pub(super) fn username(event: &AuditEvent) -> &str {
    match event.identity_type.as_str() {
        "Root" => "root",
        "IAMUser" | "AssumedRole" => event.principal.rsplit('/').next().unwrap_or_default(),
        _ => "",
    }
}

/// K-266: a call that a service made comes from the service.
fn source<'a>(row: &'a TrailRow, event: &'a AuditEvent) -> &'a str {
    if by_itself(event) {
        "AWS Internal"
    } else if event.identity_type == "AWSService" {
        &event.principal
    } else if !event.invoked_by.is_empty() {
        &event.invoked_by
    } else {
        row.source_ip.as_deref().unwrap_or("unknown")
    }
}

fn shown(arn: &str) -> Value {
    let mut shown = json!({ "ARN": arn });
    let members = shown.as_object_mut().expect("a resource is an object");
    if !resource::account(arn).is_empty() {
        members.insert("accountId".to_owned(), resource::account(arn).into());
    }
    if let Some(kind) = resource::kind(arn) {
        members.insert("type".to_owned(), kind.into());
    }
    shown
}

/// JSON text as a value; null when there is none.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
