//! The tables of every service, and how to find an operation in them.

use crate::tables::{
    ANY, Card, EventKind, FieldDef, Form, Kind, MessageDef, OperationDef, Protocol, Referent,
    Refers, ServiceDef, Shape,
};

/// What a generated shape says where it says nothing.
const NONE: Shape = Shape {
    required: false,
    min_length: None,
    max_length: None,
    min: None,
    max: None,
    pattern: None,
    values: &[],
    sensitive: false,
    emit_empty: false,
    refers_to: None,
    idempotency_token: false,
    policy_document: false,
    body: false,
    item: None,
    key: None,
};

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// The operation with this id, `kms.Encrypt`.
#[must_use]
pub fn find_operation(id: &str) -> Option<&'static OperationDef> {
    find(BY_ID, id)
}

/// The operation with this scenario verb, `kms.encrypt`.
#[must_use]
pub fn find_verb(verb: &str) -> Option<&'static OperationDef> {
    find(BY_VERB, verb)
}

/// The service with this prefix, `kms`.
#[must_use]
pub fn find_service(prefix: &str) -> Option<&'static ServiceDef> {
    SERVICES
        .iter()
        .copied()
        .find(|service| service.prefix == prefix)
}

/// All operations of all services.
pub fn operations() -> impl Iterator<Item = &'static OperationDef> {
    SERVICES.iter().flat_map(|service| service.operations)
}

fn find(index: &[(&str, &'static OperationDef)], key: &str) -> Option<&'static OperationDef> {
    index
        .binary_search_by_key(&key, |(key, _)| key)
        .ok()
        .map(|at| index[at].1)
}
