//! A line of a Region's trail as the journal shows it: CloudTrail's member names, and under
//! `denial` and `call` what only the simulator knows.

use faultline_proto::driving::AuditEvent;
use serde_json::{Map, Value, json};

/// Shows `event`. Empty members are left out, as CloudTrail does.
#[must_use]
pub fn shown(event: &AuditEvent) -> Value {
    let mut members = Map::new();
    let texts = [
        ("eventID", &event.event_id),
        ("eventSource", &event.event_source),
        ("eventName", &event.event_name),
        ("awsRegion", &event.region),
        ("principal", &event.principal),
        ("account", &event.account),
        ("identityType", &event.identity_type),
        ("accessKeyId", &event.access_key),
        ("invokedBy", &event.invoked_by),
        ("errorCode", &event.error_code),
        ("errorMessage", &event.error_message),
        ("eventCategory", &event.category),
        ("recipientAccountId", &event.recipient_account),
        ("sharedEventID", &event.shared_event_id),
        ("requestID", &event.request_id),
        ("call", &event.call),
    ];
    for (name, text) in texts {
        if !text.is_empty() {
            members.insert(name.to_owned(), text.as_str().into());
        }
    }
    let documents = [
        ("requestParameters", &event.request_parameters),
        ("responseElements", &event.response_elements),
        ("additionalEventData", &event.additional),
    ];
    for (name, text) in documents {
        if !text.is_empty() {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()));
            members.insert(name.to_owned(), value);
        }
    }
    members.insert("eventTime".to_owned(), event.event_time.into());
    members.insert("readOnly".to_owned(), event.read_only.into());
    if !event.resources.is_empty() {
        members.insert("resources".to_owned(), event.resources.clone().into());
    }
    if let Some(denial) = &event.denial {
        members.insert(
            "denial".to_owned(),
            json!({
                "principal": denial.principal,
                "action": denial.action,
                "resource": denial.resource,
                "denied_by": denial.denied_by,
                "explicit": denial.explicit,
                "statement": denial.statement,
                "missing": denial.missing,
            }),
        );
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json_and_what_is_empty_is_left_out() {
        let event = AuditEvent {
            event_name: "Encrypt".to_owned(),
            request_parameters: r#"{"keyId":"k"}"#.to_owned(),
            read_only: true,
            ..AuditEvent::default()
        };
        let value = shown(&event);
        assert_eq!(value["requestParameters"]["keyId"], "k");
        assert_eq!(value["readOnly"], true);
        assert_eq!(value.get("errorCode"), None);
    }
}
