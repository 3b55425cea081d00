//! What a campaign must have seen at least once, in any of its runs.
//!
//! A campaign that never met a conflict says nothing about conflicts. `reach` asks for the
//! moments that make its silence worth something.

use serde::{Deserialize, Serialize};

use crate::journal::What;
use crate::journal::event::{Event, Outcome};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::source::Node;
use crate::scenario::syntax::cursor::{map, unknown_key};
use crate::scenario::vocabulary::{faults, verbs};

/// A moment that has a name.
#[derive(Debug)]
pub struct Moment {
    /// As it is written.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    sign: Sign,
}

#[derive(Debug)]
enum Sign {
    /// A Region's note.
    Note(&'static str),
    /// A call that succeeded.
    Success(&'static str),
    /// A call that ended with an error while some fault was in force.
    FailedUnderFault,
    /// A message that was lost.
    Lost,
    /// A process that died.
    Died,
}

/// Moments that have names.
pub const MOMENTS: &[Moment] = &[
    Moment {
        name: "conflict_resolved",
        doc: "Two Regions wrote one item, and one write won.",
        sign: Sign::Note("conflict"),
    },
    Moment {
        name: "key_promoted",
        doc: "UpdatePrimaryRegion was answered with success.",
        sign: Sign::Success("kms.UpdatePrimaryRegion"),
    },
    Moment {
        name: "key_replicated",
        doc: "ReplicateKey was answered with success.",
        sign: Sign::Success("kms.ReplicateKey"),
    },
    Moment {
        name: "write_replicated",
        doc: "A write of a global table was applied in another Region.",
        sign: Sign::Note("replicated"),
    },
    Moment {
        name: "replica_written",
        doc: "An object or a delete marker arrived by S3 replication.",
        sign: Sign::Note("replica_written"),
    },
    Moment {
        name: "refused_under_fault",
        doc: "A call failed while a fault was in force.",
        sign: Sign::FailedUnderFault,
    },
    Moment {
        name: "message_lost",
        doc: "A message between Regions was lost.",
        sign: Sign::Lost,
    },
    Moment {
        name: "node_died",
        doc: "A Region's process died.",
        sign: Sign::Died,
    },
];

/// What must have happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reach {
    /// A moment by its name.
    Named(String),
    /// A call with that outcome, under that fault.
    Call {
        /// The verb.
        operation: String,
        /// `success`, or an error code; any when absent.
        outcome: Option<String>,
        /// A kind of fault in force; any state when absent.
        during: Option<String>,
    },
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Call {
                operation,
                outcome,
                during,
            } => {
                f.write_str(operation)?;
                if let Some(outcome) = outcome {
                    write!(f, " ends with {outcome}")?;
                }
                match during {
                    Some(fault) => write!(f, " during {fault}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Reach {
    /// Reads an item of `reach:`.
    pub fn read(node: &Node, found: &mut Diagnostics) -> Option<Self> {
        if let Some(name) = node.text() {
            if MOMENTS.iter().any(|moment| moment.name == name) {
                return Some(Self::Named(name.to_owned()));
            }
            found
                .error("E0107", node.span, format!("no moment is named `{name}`"))
                .suggest(name, MOMENTS.iter().map(|moment| moment.name))
                .help("or write `{ operation: VERB, outcome: success, during: FAULT }`");
            return None;
        }
        for entry in map(node, "an item of `reach`", found) {
            let keys = ["operation", "outcome", "during"];
            if !keys.contains(&entry.key.text.as_str()) {
                unknown_key(&entry.key, "an item of `reach`", keys, found);
            }
        }
        let text = |key| node.get(key).and_then(Node::text).map(str::to_owned);
        let operation = text("operation");
        let verb = operation.as_deref().and_then(verbs::find);
        if verb.is_none() {
            found
                .error(
                    "E0202",
                    node.get("operation").unwrap_or(node).span,
                    "an item of `reach` needs a verb as its `operation`",
                )
                .help("`faultline list verbs` lists them all");
            return None;
        }
        if let Some(during) = node.get("during")
            && during.text().and_then(faults::find).is_none()
        {
            found
                .error("E0209", during.span, "`during` names a kind of fault")
                .suggest(
                    during.text().unwrap_or_default(),
                    faults::KINDS.iter().copied(),
                );
            return None;
        }
        Some(Self::Call {
            operation: operation?,
            outcome: text("outcome"),
            during: text("during"),
        })
    }

    /// Whether this event is it. `faults` are the kinds in force.
    #[must_use]
    pub fn is(&self, event: &Event, faults: &[&str]) -> bool {
        match self {
            Self::Named(name) => MOMENTS
                .iter()
                .find(|moment| moment.name == name)
                .is_some_and(|moment| moment.sign.is(event, faults)),
            Self::Call {
                operation,
                outcome,
                during,
            } => {
                let What::CallAnswered(answered) = &event.what else {
                    return false;
                };
                let same = verbs::find(operation).is_some_and(|verb| match verb {
                    verbs::Verb::Operation(def) => def.id == answered.operation,
                    verbs::Verb::BuiltIn(own) => own.verb == answered.operation,
                });
                same && outcome
                    .as_deref()
                    .is_none_or(|wanted| wanted == outcome_of(&answered.outcome))
                    && during
                        .as_deref()
                        .is_none_or(|fault| faults.contains(&fault))
            }
        }
    }
}

impl Sign {
    fn is(&self, event: &Event, faults: &[&str]) -> bool {
        match (self, &event.what) {
            (Self::Note(wanted), What::Note { note, .. }) => note == wanted,
            (Self::Success(operation), What::CallAnswered(answered)) => {
                answered.operation == *operation
                    && matches!(answered.outcome, Outcome::Success { .. })
            }
            (Self::FailedUnderFault, What::CallAnswered(answered)) => {
                !faults.is_empty() && !matches!(answered.outcome, Outcome::Success { .. })
            }
            (Self::Lost, What::MessageLost(_)) | (Self::Died, What::NodeDied { .. }) => true,
            _ => false,
        }
    }
}

/// `success`, or the error's code.
#[must_use]
pub fn outcome_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Success { .. } => "success",
        Outcome::Refused(refused) => &refused.code,
        Outcome::Unheard { code, .. } => code,
    }
}
