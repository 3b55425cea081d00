//! The trail's rows. They are written as kept rows: no refusal takes an event away.

use std::collections::BTreeMap;

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::Timestamp;
use prost::Message as _;
use serde::{Deserialize, Serialize};

/// An event and what the record says of its caller beyond it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrailRow {
    /// The [`AuditEvent`], as protobuf.
    #[serde(with = "serde_bytes")]
    pub event: Vec<u8>,
    /// `AIDA...`, `AROA...:session` or an account.
    pub principal_id: String,
    /// A session's role: ARN and unique id.
    pub issuer: Option<(String, String)>,
    /// Where the request came from, when the entrance said so.
    pub source_ip: Option<String>,
    /// What else the entrance said: condition keys that a record has members for.
    pub entrance: BTreeMap<String, String>,
}

/// A row of version 1.
#[derive(Debug, Deserialize)]
struct Old {
    #[serde(with = "serde_bytes")]
    event: Vec<u8>,
    principal_id: String,
    issuer: Option<(String, String)>,
    source_ip: Option<String>,
}

/// Reads a row of version 1, which knew nothing else of the entrance.
pub(super) fn older(version: u8, body: &[u8]) -> Option<TrailRow> {
    let old: Old = match version {
        1 => postcard::from_bytes(body).ok()?,
        _ => return None,
    };
    Some(TrailRow {
        event: old.event,
        principal_id: old.principal_id,
        issuer: old.issuer,
        source_ip: old.source_ip,
        entrance: BTreeMap::new(),
    })
}

impl TrailRow {
    /// The event; an empty one when the bytes are none.
    #[must_use]
    pub fn event(&self) -> AuditEvent {
        AuditEvent::decode(self.event.as_slice()).unwrap_or_default()
    }
}

/// Recipient account, event time, step, and position in the step: the order of what happened.
pub type TrailKey = (String, Timestamp, u64, u64);

crate::keyspaces! {
    /// Management events.
    pub Management = 0x0401, "cloudtrail.management", version 2: TrailKey => TrailRow,
        migrate older;
    /// Data events.
    pub Data = 0x0402, "cloudtrail.data", version 2: TrailKey => TrailRow, migrate older;
}
