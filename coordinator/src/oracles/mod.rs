//! Oracles: what must hold for a whole run, and whether it did.
//!
//! One file per claim. An oracle hears the journal's events one by one, keeps a simple model
//! of its own, asks no Region and calls none of a Region's code, and says in the end that its
//! claim [`Finding::Holds`], is [`Finding::Violated`], or that nobody can say. What was never
//! measured is unknown.
//!
//! [`Watch`] is what a runner needs: it listens to the journal, taps raw bytes for the two
//! oracles that search for secrets ([`canaries`], [`search`]), takes the rows of all stores
//! when the run is over, and then judges:
//!
//! ```ignore
//! let watch = Watch::new(&case.always);
//! let journal = journal.heard_by(watch.clone());
//! sim.add_tap(watch.clone());
//! watch.secret("orders.card", b"4242 4242 4242 4242");   // what the tap cannot see
//! // ... the run; sim.stop_all() ...
//! sim.rows_at_rest(region, |key, value| watch.row(region, key, value))?;
//! for verdict in watch.judge(&plan.meant_to_violate) { sim.record(What::Oracle(verdict)); }
//! ```
//!
//! Left out: `look.replicas_equal`, which asks Regions and so is a step.

mod audit_complete;
mod blocks_need_their_key;
pub mod canaries;
mod copies_equal_their_source;
mod item_calls;
mod learn;
mod linearizable;
mod no_accepted_write_vanishes_silently;
mod no_key_used_without_permission;
mod no_plaintext_at_rest;
mod no_secret_without_its_key;
mod no_unusable_key_used;
mod node_never_sees;
mod one_primary_at_most;
mod policies;
mod reads_never_go_backwards;
mod replicas_share_key_material;
mod replicas_use_the_key_their_rule_names;
mod replication_keeps_its_rules;
mod rpo_reported_is_the_data_lost;
pub mod search;
mod secret_replicas_in_sync_are_equal;
mod sharing_ends_when_revoked;
#[cfg(test)]
mod testing;
mod unseen;
mod watch;

use crate::journal::event::{Event, World};
use crate::scenario::plan::OracleSpec;

pub use watch::Watch;

/// What an oracle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The claim held wherever it was measured.
    Holds {
        /// How often that was.
        measured: u64,
        /// What could not be measured, in words; empty when all could.
        but: String,
    },
    /// It did not.
    Violated {
        /// What is wrong, in a sentence.
        because: String,
        /// Lines of the journal that show it.
        at: Vec<u64>,
    },
    /// Nobody can say.
    Unknown {
        /// Why.
        because: String,
    },
}

impl Finding {
    fn unknown(because: impl Into<String>) -> Self {
        Self::Unknown {
            because: because.into(),
        }
    }

    fn violated(because: impl Into<String>, at: impl IntoIterator<Item = u64>) -> Self {
        Self::Violated {
            because: because.into(),
            at: at.into_iter().collect(),
        }
    }

    /// What was measured without a violation; unknown when that is nothing.
    fn measured(measured: u64, nothing: &str) -> Self {
        if measured == 0 {
            Self::unknown(nothing)
        } else {
            Self::Holds {
                measured,
                but: String::new(),
            }
        }
    }
}

/// A claim about a run.
trait Oracle {
    /// Hears the next event.
    fn hear(&mut self, event: &Event);

    /// Sees the body that a client sends with a call.
    fn body(&mut self, call: &str, bytes: &[u8]) {
        let _ = (call, bytes);
    }

    /// Says what it came to, when all has been heard.
    fn conclude(&mut self, end: &mut End<'_>) -> Finding;
}

/// What is known when a run is over.
struct End<'a> {
    /// What the world's names stand for.
    world: &'a World,
    /// Secrets, and where they were found.
    searched: &'a mut watch::Searched,
}

impl End<'_> {
    /// Ids or ARNs that `name` stands for; the name itself when the world does not know it.
    fn meant_by(&self, name: &str) -> Vec<String> {
        let meant = self.world.names.get(name).cloned().unwrap_or_default();
        if meant.is_empty() {
            vec![name.to_owned()]
        } else {
            meant
        }
    }

    /// The key id that `name` stands for.
    fn key_id(&self, name: &str) -> String {
        let meant = self.meant_by(name);
        let first = meant.first().map_or(name, String::as_str);
        first.rsplit('/').next().unwrap_or(first).to_owned()
    }
}

fn texts(spec: &OracleSpec, argument: &str) -> Vec<String> {
    let texts = spec.texts(argument).into_iter();
    texts.map(str::to_owned).collect()
}

/// The oracle that a file asks for.
fn make(spec: &OracleSpec) -> Box<dyn Oracle> {
    let text = |argument: &str| spec.text(argument).map(str::to_owned);
    let needed = |argument: &str| text(argument).unwrap_or_default();
    match spec.def.name {
        "no_plaintext_at_rest" => Box::new(no_plaintext_at_rest::NoPlaintextAtRest {
            attributes: texts(spec, "attributes"),
            values: texts(spec, "values"),
        }),
        "node_never_sees" => Box::new(node_never_sees::NodeNeverSees {
            attributes: texts(spec, "attributes"),
            values: texts(spec, "values"),
        }),
        "replicas_share_key_material" => Box::new(
            replicas_share_key_material::ReplicasShareKeyMaterial::new(needed("key")),
        ),
        "one_primary_at_most" => {
            Box::new(one_primary_at_most::OnePrimaryAtMost::new(needed("key")))
        }
        "no_key_used_without_permission" => {
            Box::new(no_key_used_without_permission::NoKeyUsedWithoutPermission::new(text("key")))
        }
        "no_unusable_key_used" => {
            Box::new(no_unusable_key_used::NoUnusableKeyUsed::new(text("key")))
        }
        "replicas_use_the_key_their_rule_names" => Box::new(
            replicas_use_the_key_their_rule_names::ReplicasUseTheKeyTheirRuleNames::new(text(
                "bucket",
            )),
        ),
        "no_accepted_write_vanishes_silently" => Box::new(
            no_accepted_write_vanishes_silently::NoAcceptedWriteVanishesSilently::new(
                needed("table"),
                text("except").is_some(),
            ),
        ),
        "replication_keeps_its_rules" => {
            Box::new(replication_keeps_its_rules::ReplicationKeepsItsRules::new(
                text("bucket"),
                text("except").is_some(),
            ))
        }
        "linearizable" => Box::new(linearizable::Linearizable::new(needed("table"))),
        "reads_never_go_backwards" => Box::new(
            reads_never_go_backwards::ReadsNeverGoBackwards::new(needed("table")),
        ),
        "no_secret_without_its_key" => {
            Box::<no_secret_without_its_key::NoSecretWithoutItsKey>::default()
        }
        "secret_replicas_in_sync_are_equal" => Box::new(
            secret_replicas_in_sync_are_equal::SecretReplicasInSyncAreEqual::new(text("secret")),
        ),
        "copies_equal_their_source" => {
            Box::new(copies_equal_their_source::CopiesEqualTheirSource::default())
        }
        "sharing_ends_when_revoked" => {
            Box::new(sharing_ends_when_revoked::SharingEndsWhenRevoked::default())
        }
        "blocks_need_their_key" => {
            Box::new(blocks_need_their_key::BlocksNeedTheirKey::new(text("key")))
        }
        "rpo_reported_is_the_data_lost" => {
            Box::<rpo_reported_is_the_data_lost::RpoReportedIsTheDataLost>::default()
        }
        "audit_complete" => Box::new(audit_complete::AuditComplete::new(text("account"))),
        _ => Box::new(AsksRegions),
    }
}

/// A claim that only Regions can answer while they run.
struct AsksRegions;

impl Oracle for AsksRegions {
    fn hear(&mut self, _event: &Event) {}

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        Finding::unknown("it asks Regions while they run: write it as a step of `finally:`")
    }
}

/// Whether an oracle searches bytes for secrets.
fn searches(name: &str) -> bool {
    matches!(name, "no_plaintext_at_rest" | "node_never_sees")
}
