//! Envelopes as they were carried, kept when some step of the file wants to look at them.

use std::cell::RefCell;
use std::rc::Rc;

use faultline_proto::driving::Envelope;

use crate::scenario::plan::{Action, Case, Step};
use crate::sim::tap::Tap;

/// Keeps envelopes. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried(Rc<RefCell<Vec<Envelope>>>);

impl Carried {
    /// Looks at all envelopes so far.
    pub fn with<R>(&self, look: impl FnOnce(&[Envelope]) -> R) -> R {
        look(&self.0.borrow())
    }
}

impl Tap for Carried {
    fn envelope(&mut self, envelope: &Envelope) {
        self.0.borrow_mut().push(envelope.clone());
    }
}

/// Whether a step of the case looks at envelopes.
pub(super) fn wanted(case: &Case) -> bool {
    fn any(steps: &[Step]) -> bool {
        steps.iter().any(|step| match &step.action {
            Action::Call(call) => call.verb.name() == "look.envelopes",
            Action::Do(steps) => any(steps),
            Action::Together(lanes) => lanes.iter().any(|lane| any(&lane.steps)),
            Action::Wait(_) | Action::StartFault { .. } | Action::Heal(_) => false,
        })
    }
    any(&case.steps) || any(&case.finally)
}
