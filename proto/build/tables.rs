//! Writes `registry.rs`: the static tables.

use std::fmt::Write;

use heck::ToShoutySnakeCase;
use prost_reflect::DynamicMessage;

use crate::model::{self, Field, Message, Service};

/// The whole file.
pub fn write(services: &[Service]) -> String {
    model::check(services);
    let mut out = String::new();
    for service in services {
        for message in &service.messages {
            self::message(&mut out, message);
        }
        operations(&mut out, service);
    }
    let all: Vec<String> = services
        .iter()
        .map(|service| format!("&{}", service.prefix.to_uppercase()))
        .collect();
    let _ = writeln!(out, "/// All services, in the order of their prefixes.");
    let _ = writeln!(
        out,
        "pub static SERVICES: &[&ServiceDef] = &[{}];",
        all.join(", ")
    );
    index(
        &mut out,
        services,
        "BY_ID",
        "Sorted by id.",
        |service, at| format!("{}.{}", service.prefix, service.operations[at].name),
    );
    index(
        &mut out,
        services,
        "BY_VERB",
        "Sorted by verb.",
        |service, at| service.operations[at].verb.clone(),
    );
    out
}

fn index(
    out: &mut String,
    services: &[Service],
    name: &str,
    doc: &str,
    key: impl Fn(&Service, usize) -> String,
) {
    let mut rows: Vec<(String, String)> = Vec::new();
    for service in services {
        for at in 0..service.operations.len() {
            rows.push((
                key(service, at),
                format!("&{}_OPERATIONS[{at}]", service.prefix.to_uppercase()),
            ));
        }
    }
    rows.sort();
    let _ = writeln!(
        out,
        "/// {doc}\nstatic {name}: &[(&str, &OperationDef)] = &["
    );
    for (key, place) in rows {
        let _ = writeln!(out, "    ({key:?}, {place}),");
    }
    let _ = writeln!(out, "];");
}

fn operations(out: &mut String, service: &Service) {
    let shout = service.prefix.to_uppercase();
    let _ = writeln!(out, "/// {}", service.doc);
    let _ = writeln!(
        out,
        "pub static {shout}: ServiceDef = ServiceDef {{ prefix: {:?}, principal: {:?}, target: {:?}, protocol: Protocol::{}, proto_name: {:?}, doc: {:?}, operations: &{shout}_OPERATIONS, not_built: &{:?}, xml_namespace: {:?}, signing_name: {:?}, service_id: {:?} }};",
        service.prefix,
        service.principal,
        service.target,
        service.protocol,
        service.proto_name,
        service.doc,
        service.not_built,
        service.xml_namespace,
        service.signing_name,
        service.service_id,
    );
    let _ = writeln!(
        out,
        "pub(crate) static {shout}_OPERATIONS: [OperationDef; {}] = [",
        service.operations.len()
    );
    for operation in &service.operations {
        let _ = writeln!(
            out,
            "    OperationDef {{ id: {:?}, service: {:?}, name: {:?}, verb: {:?}, action: {:?}, grpc_path: {:?}, doc: {:?}, errors: &{:?}, read_only: {}, event: EventKind::{}, http: {:?}, xml_root: {:?}, input: &{}, output: &{} }},",
            format!("{}.{}", service.prefix, operation.name),
            service.prefix,
            operation.name,
            operation.verb,
            operation.action,
            operation.grpc_path,
            operation.doc,
            operation.errors,
            operation.read_only,
            if operation.data_event {
                "Data"
            } else {
                "Management"
            },
            operation.http,
            operation.xml_root,
            static_name(&operation.input),
            static_name(&operation.output),
        );
    }
    let _ = writeln!(out, "];");
}

/// `faultline.aws.kms.v1.EncryptRequest` -> `KMS_ENCRYPT_REQUEST`.
pub fn static_name(full_name: &str) -> String {
    let short = full_name.trim_start_matches("faultline.aws.");
    let mut parts = short.split('.');
    let service = parts.next().unwrap_or_default().to_uppercase();
    let message = parts.next_back().unwrap_or_default().to_shouty_snake_case();
    format!("{service}_{message}")
}

fn message(out: &mut String, message: &Message) {
    let _ = writeln!(
        out,
        "/// `{}`.\npub static {}: MessageDef = MessageDef {{ name: {:?}, doc: {:?}, transparent: {}, union: {}, not_built: &{:?}, fields: &[",
        message.full_name,
        static_name(&message.full_name),
        message.full_name,
        message.doc,
        message.transparent,
        message.union,
        message.not_built,
    );
    for field in &message.fields {
        self::field(out, field);
    }
    let _ = writeln!(out, "] }};");
}

fn field(out: &mut String, field: &Field) {
    let kind = match &field.kind {
        Ok(scalar) => format!("Kind::{scalar}"),
        Err(message) => format!("Kind::Message(&{})", static_name(message)),
    };
    let shape = field
        .shape
        .as_ref()
        .map_or_else(|| "&ANY".to_owned(), |set| shape(set, &field.snake));
    let _ = writeln!(
        out,
        "    FieldDef {{ tag: {}, snake: {:?}, aws: {:?}, doc: {:?}, card: Card::{}, kind: {kind}, shape: {shape} }},",
        field.tag, field.snake, field.aws, field.doc, field.card
    );
}

fn shape(set: &DynamicMessage, name: &str) -> String {
    let mut said = Vec::new();
    for mark in [
        "required",
        "sensitive",
        "emit_empty",
        "idempotency_token",
        "policy_document",
        "body",
    ] {
        if model::boolean(set, mark) {
            said.push(format!("{mark}: true"));
        }
    }
    for limit in ["min_length", "max_length", "min", "max"] {
        if let Some(value) = model::limit(set, limit) {
            said.push(format!("{limit}: Some({value})"));
        }
    }
    let pattern = model::text(set, "pattern");
    if !pattern.is_empty() {
        said.push(format!("pattern: Some({pattern:?})"));
    }
    let values = model::texts(set, "values");
    if !values.is_empty() {
        said.push(format!("values: &{values:?}"));
    }
    let to = match model::number(set, "refers_to") {
        0 => None,
        1 => Some("Account"),
        2 => Some("Principal"),
        3 => Some("Key"),
        4 => Some("Bucket"),
        5 => Some("Table"),
        6 => Some("Volume"),
        7 => Some("Region"),
        other => panic!("{name}: refers_to {other} is unknown to the generator"),
    };
    if let Some(to) = to {
        let form = if model::number(set, "form") == 1 {
            "Arn"
        } else {
            "Id"
        };
        said.push(format!(
            "refers_to: Some(Refers {{ to: Referent::{to}, form: Form::{form} }})"
        ));
    }
    for inner in ["item", "key"] {
        if let Some(set) = model::nested(set, inner) {
            let text = shape(&set, name);
            if text != "&ANY" {
                said.push(format!("{inner}: Some({text})"));
            }
        }
    }
    if let Some(wire) = model::nested(set, "wire") {
        said.push(format!("wire: {}", self::wire(&wire)));
    }
    if said.is_empty() {
        return "&ANY".to_owned();
    }
    format!("&Shape {{ {}, ..Shape::NONE }}", said.join(", "))
}

fn wire(set: &DynamicMessage) -> String {
    let place = match model::number(set, "place") {
        1 => "Label",
        2 => "Parameter",
        3 => "Header",
        4 => "Headers",
        5 => "Payload",
        _ => "Body",
    };
    let mut said = vec![format!("place: Place::{place}")];
    for key in ["name", "item", "query"] {
        let name = model::text(set, key);
        if !name.is_empty() {
            said.push(format!("{key}: Some({name:?})"));
        }
    }
    if model::boolean(set, "flattened") {
        said.push("flattened: true".to_owned());
    }
    format!("&Wire {{ {}, ..Wire::USUAL }}", said.join(", "))
}
