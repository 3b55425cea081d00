//! One replication engine for everything that travels between Regions.
//!
//! ```text
//!   handler --send--> outbox row (same batch as the change) --commit--> envelope
//!                        |  retransmitted until acknowledged              |
//!   peer:  ack <------ prune                                    inbox: in order, once
//! ```
//!
//! Delivery is at least once, applying is exactly once and in order per stream: the receiver
//! keeps the highest sequence number it applied, holds gaps within a bound and drops what it
//! has seen. Payloads are sealed under the link's key with the envelope's address as AAD.
//! KMS replicas, S3 objects, global tables, IAM and sagas' questions are all streams of it.
//!
//! Left out: batching of several records in one envelope, and compression.

mod inbox;
mod look;
mod outbox;

pub(crate) use inbox::deliver;
pub(crate) use look::{look, queue};
pub(crate) use outbox::{reached, release_paused, retransmit, slip_at_start, unacknowledged};

use faultline_proto::names::RegionName;
use faultline_proto::replication::{Payload, Record, payload};

use crate::context::Ctx;

/// How far ahead of the last applied number an envelope may be and still be held.
pub(crate) const HOLD: u64 = 1024;

/// What an envelope's seal is bound to.
pub(crate) fn address(from: &str, to: &str, stream: &str, epoch: u64, seq: u64) -> Vec<u8> {
    format!("{from}>{to}/{stream}#{epoch}.{seq}").into_bytes()
}

impl Ctx<'_> {
    /// Sends a record of `service` to `to`, in the order of `stream` (`kms`, `dynamodb/orders`).
    ///
    /// It is durable with the change that caused it and leaves after the commit. The same
    /// service's `apply` gets it there.
    pub fn replicate(
        &mut self,
        to: &RegionName,
        stream: &str,
        service: &str,
        kind: &str,
        body: Vec<u8>,
    ) {
        let record = Record {
            service: service.to_owned(),
            kind: kind.to_owned(),
            body,
        };
        outbox::send(
            self,
            to,
            stream,
            &Payload {
                kind: Some(payload::Kind::Record(record)),
            },
        );
    }

    /// The other Regions of this run, in order.
    #[must_use]
    pub fn peers(&self) -> Vec<RegionName> {
        self.core
            .regions
            .iter()
            .filter(|name| **name != self.core.region)
            .cloned()
            .collect()
    }

    pub(crate) fn post(&mut self, to: &RegionName, stream: &str, payload: payload::Kind) {
        outbox::send(
            self,
            to,
            stream,
            &Payload {
                kind: Some(payload),
            },
        );
    }
}
