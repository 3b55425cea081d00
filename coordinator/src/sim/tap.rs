//! Raw bytes for oracles: what the journal must not hold.

use faultline_proto::driving::Envelope;
use faultline_proto::names::RegionName;

use super::answer::CallSpec;

/// Somebody who sees bytes as they pass. Every method does nothing by default.
pub trait Tap {
    /// A client sends a request to a Region, before any sealing.
    fn request(&mut self, call: &str, spec: &CallSpec) {
        let _ = (call, spec);
    }

    /// A chunk of a request's body.
    fn request_body(&mut self, call: &str, region: &RegionName, bytes: &[u8]) {
        let _ = (call, region, bytes);
    }

    /// A Region answers a client.
    fn response(&mut self, call: &str, region: &RegionName, bytes: &[u8]) {
        let _ = (call, region, bytes);
    }

    /// A Region sends a message to another, as carried.
    fn envelope(&mut self, envelope: &Envelope) {
        let _ = envelope;
    }
}
