//! Rows of the core itself: timers, sagas, the outbox and the inbox.

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use crate::caller::CallerRow;
use crate::timers::TimerRow;

/// Where a store stands: written in every step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadRow {
    /// Region that the store belongs to.
    pub region: RegionName,
    /// Last committed step.
    pub last_step: u64,
    /// Latest unskewed time seen, microseconds.
    pub elapsed: u64,
}

/// A call, or background work, that waits for something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SagaRow {
    /// Service that goes on with it.
    pub service: String,
    /// The service's word for where it stands.
    pub kind: String,
    /// The service's own state.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
    /// Who asked.
    pub caller: CallerRow,
    /// The client's call, when one waits for the outcome.
    pub call: Option<OpenCall>,
    /// Asks sent so far.
    pub asks: u32,
    /// Next chunk of the body.
    pub next_chunk: u64,
    /// Messages sent to other Regions.
    pub cross_region_calls: u32,
    /// Unskewed microseconds after which nothing more is waited for.
    pub deadline: u64,
}

/// The call that a saga will complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The client's id.
    pub call: String,
    /// Operation, `kms.UpdatePrimaryRegion`.
    pub operation: String,
    /// AWS request id.
    pub request_id: String,
    /// Request parameters as the trail will show them.
    pub parameters: String,
    /// ARNs touched.
    pub resources: Vec<String>,
    /// Accounts that own what is touched.
    pub owners: Vec<String>,
    /// Length of the body, when one follows.
    pub body_length: Option<u64>,
}

/// Where an outgoing stream stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OutHeadRow {
    /// Last sequence number given.
    pub last: u64,
    /// Highest acknowledged.
    pub acked: u64,
    /// Retransmissions since the last progress.
    pub attempts: u32,
    /// Whether a retransmission timer is set.
    pub armed: bool,
    /// How far what waits was sent again, while the stream catches up; 0 when all that waits was
    /// sent.
    pub resent: u64,
}

/// Reads where a stream stood when version 1 wrote it, which sent again by its timer alone.
fn older_out_head(version: u8, body: &[u8]) -> Option<OutHeadRow> {
    let (last, acked, attempts, armed) = match version {
        1 => postcard::from_bytes(body).ok()?,
        _ => return None,
    };
    Some(OutHeadRow {
        last,
        acked,
        attempts,
        armed,
        resent: 0,
    })
}

/// An envelope that was not acknowledged yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutRow {
    /// Sealed payload; the same bytes in every retransmission.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Trace context.
    pub traceparent: String,
}

/// Where an incoming stream stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InHeadRow {
    /// Sender's epoch.
    pub epoch: u64,
    /// Highest sequence number applied.
    pub applied: u64,
}

/// An open answer body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRow {
    /// Service that reads it.
    pub service: String,
    /// The service's state for reading.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
    /// Who asked.
    pub caller: CallerRow,
}

crate::keyspaces! {
    /// Where the store stands.
    pub Head = 0x0101, "core.head", version 1: () => HeadRow;
    /// Timers by moment, step and ordinal.
    pub Timers = 0x0102, "core.timers", version 2: (u64, u64, u64) => TimerRow,
        migrate crate::timers::older;
    /// Open sagas by id.
    pub Sagas = 0x0103, "core.sagas", version 1: String => SagaRow;
    /// Outgoing streams by peer and name.
    pub OutHeads = 0x0104, "core.out-heads", version 2: (RegionName, String) => OutHeadRow,
        migrate older_out_head;
    /// Unacknowledged envelopes by peer, stream and number.
    pub Outbox = 0x0105, "core.outbox", version 1: (RegionName, String, u64) => OutRow;
    /// Incoming streams by peer and name.
    pub InHeads = 0x0106, "core.in-heads", version 1: (RegionName, String) => InHeadRow;
    /// Envelopes that came early, by peer, stream and number.
    pub Held = 0x0107, "core.held", version 1: (RegionName, String, u64) => serde_bytes::ByteBuf;
    /// Open bodies of answers by call.
    pub Answers = 0x0108, "core.answers", version 1: String => AnswerRow;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_version_1_does_not_catch_up() {
        let body = postcard::to_stdvec(&(9_u64, 4_u64, 2_u32, true)).unwrap();
        let head = older_out_head(1, &body).unwrap();
        assert_eq!((head.last, head.acked, head.attempts), (9, 4, 2));
        assert!(head.armed);
        assert_eq!(head.resent, 0);
        assert_eq!(older_out_head(9, &body), None);
    }
}
