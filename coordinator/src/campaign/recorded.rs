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

impl Recorded {
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
