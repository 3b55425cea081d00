//! A seed's plan: what is done and what goes wrong, with the time of each.

use crate::clock::Span;
use crate::scenario::source::Entry;

/// What one run does. The scenario that is written from it is the run.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Number of the run: the seed that gave the plan, unless a search made it from others.
    pub number: u64,
    /// The seed from which the run's chance follows.
    pub seed: u64,
    /// Each client's operations.
    pub clients: Vec<Vec<Op>>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// Regions of the world, if not all are needed.
    pub regions: Option<Vec<String>>,
}

/// One operation of a client.
#[derive(Debug, Clone)]
pub struct Op {
    /// How long the client rests before it.
    pub pause: Span,
    /// The step's entries, values put in.
    pub step: Vec<Entry>,
}

/// Faults that begin and heal together.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// When they begin, from the first operation on.
    pub at: Span,
    /// How long they last.
    pub lasts: Span,
    /// The faults.
    pub faults: Vec<Entry>,
}

/// Faults that root brings about by a call, which it would be refused while another is in force.
const BY_ROOT: [&str; 3] = ["key_disabled", "key_pending_deletion", "policy_replaced"];

impl Trouble {
    fn meets(&self, other: &Self) -> bool {
        self.at <= other.at.plus(other.lasts) && other.at <= self.at.plus(self.lasts)
    }

    fn is_by_root(&self) -> bool {
        let mut kinds = self.faults.iter().map(|fault| fault.key.text.as_str());
        kinds.any(|kind| BY_ROOT.contains(&kind))
    }
}

impl Recorded {
    /// Adds a fault, unless so many are in force already, or one that it would clash with.
    pub fn add(&mut self, trouble: Trouble, at_once: u64) {
        let meeting = self.troubles.iter().filter(|other| other.meets(&trouble));
        let clashes = |other: &Trouble| trouble.is_by_root() && other.is_by_root();
        if meeting.clone().any(clashes) || meeting.count() as u64 >= at_once {
            return;
        }
        self.troubles.push(trouble);
    }

    /// Operations of all clients.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.clients.iter().map(Vec::len).sum()
    }

    /// How big it is, in words.
    #[must_use]
    pub fn size(&self) -> String {
        let count = |number: usize, one: &str| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {one}{plural}")
        };
        format!(
            "{}, {} of {}",
            count(self.troubles.len(), "fault"),
            count(self.operations(), "operation"),
            count(
                self.clients.iter().filter(|ops| !ops.is_empty()).count(),
                "client"
            )
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::emit::{entry, plain};

    fn trouble(kind: &str, at: u64) -> Trouble {
        Trouble {
            at: Span::secs(at),
            lasts: Span::secs(5),
            faults: vec![entry(kind, plain("payments"))],
        }
    }

    #[test]
    fn no_two_faults_that_root_brings_about_are_in_force_at_once() {
        let mut plan = Recorded {
            number: 1,
            seed: 1,
            clients: Vec::new(),
            troubles: Vec::new(),
            regions: None,
        };
        plan.add(trouble("key_disabled", 1), 2);
        plan.add(trouble("key_pending_deletion", 3), 2);
        assert_eq!(plan.troubles.len(), 1, "the deletion of a disabled key");
        plan.add(trouble("region_down", 3), 2);
        plan.add(trouble("freeze", 4), 2);
        assert_eq!(plan.troubles.len(), 2, "two at once");
        plan.add(trouble("key_pending_deletion", 20), 2);
        assert_eq!(plan.troubles.len(), 3);
    }
}
