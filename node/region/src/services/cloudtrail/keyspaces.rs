//! The trail's rows. They are written as kept rows: no refusal takes an event away.

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::Timestamp;
use prost::Message as _;
use serde::{Deserialize, Serialize};

/// An event and what the record says of its caller beyond it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrailRow {
    /// The [`AuditEvent`], as protobuf.
    pub event: Vec<u8>,
    /// `AIDA...`, `AROA...:session` or an account.
    pub principal_id: String,
    /// A session's role: ARN and unique id.
    pub issuer: Option<(String, String)>,
    /// Where the request came from, when the entrance said so.
    pub source_ip: Option<String>,
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
    pub Management = 0x0401, "cloudtrail.management", version 1: TrailKey => TrailRow;
    /// Data events.
    pub Data = 0x0402, "cloudtrail.data", version 1: TrailKey => TrailRow;
}
