//! What reaches a frozen process: its kernel keeps it, and it is read at the thaw.

use faultline_proto::driving::{self, step::Input};
use faultline_proto::names::RegionName;

use super::call::{Part, Side};
use super::core::{Core, Next};
use crate::network::Cause;

/// A request whose client may have gone away.
pub(super) struct Orphan {
    region: RegionName,
    request: driving::Call,
    trace: String,
}

impl Core {
    /// The fault that keeps a Region from taking a step now.
    pub fn frozen(&self, region: &RegionName) -> Option<Cause> {
        self.nodes.get(region)?.frozen.first().cloned()
    }

    /// A part that its Region's kernel has and its process has not. A request is done also
    /// when its client has given up by then; one with a body is not, for it is not whole.
    pub fn in_the_kernel(&self, number: u64, seq: u64, part: Part) -> Next {
        let call = self.calls.get(&number);
        let whole = matches!(part, Part::Request);
        let call = call.filter(|call| whole && call.spec.body.is_none());
        let orphan = call.map(|call| Orphan {
            region: call.spec.region.clone(),
            request: call.input(),
            trace: self.trace(number),
        });
        Next::Thawed {
            call: number,
            seq,
            part,
            orphan: orphan.map(Box::new),
        }
    }

    /// The process reads what its kernel kept for it.
    pub fn thawed(&mut self, number: u64, seq: u64, part: Part, orphan: Option<Box<Orphan>>) {
        if self.calls.contains_key(&number) {
            return self.part_arrives(number, Side::Up, seq, part);
        }
        let Some(orphan) = orphan else { return };
        let id = orphan.request.id.clone();
        self.step(&orphan.region, Input::Call(orphan.request), orphan.trace);
        // Nobody waits for the answer.
        self.direct.remove(&id);
    }
}
