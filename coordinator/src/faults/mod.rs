//! What goes wrong on purpose.
//!
//! A fault is data: a kind with its targets. What it does is a pure function,
//! [`Fault::effects`]: conditions of the network, a wrong clock, a crash, a rule for a
//! Region's fault stage, or calls that the account's root user makes. When it begins and
//! heals is the schedule's matter ([`Window`]). One file per kind.

pub mod clock_skew;
pub mod disk_full;
pub mod failed_write;
pub mod freeze;
pub mod iam_control_plane_outage;
pub mod iam_propagation_delay;
pub mod key_disabled;
pub mod key_pending_deletion;
pub mod kms_propagation_delay;
pub mod kms_throttled;
pub mod messages;
pub mod node_crash;
pub mod partition;
pub mod pause_replication;
pub mod policy_replaced;
pub mod region_down;
pub mod resolve;
pub mod restart;
pub mod service_errors;
pub mod slow_disk;
pub mod slow_link;

use std::fmt;

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use crate::clock::{SimTime, Skew, Span};
use crate::network::condition::Condition;
use crate::seed::Ratio;

pub use clock_skew::ClockSkew;
pub use disk_full::DiskFull;
pub use failed_write::FailedWrite;
pub use freeze::Freeze;
pub use iam_control_plane_outage::IamControlPlaneOutage;
pub use iam_propagation_delay::IamPropagationDelay;
pub use key_disabled::{KeyAt, KeyDisabled};
pub use key_pending_deletion::KeyPendingDeletion;
pub use kms_propagation_delay::KmsPropagationDelay;
pub use kms_throttled::KmsThrottled;
pub use messages::Messages;
pub use node_crash::{CrashPoint, NodeCrash};
pub use partition::Partition;
pub use pause_replication::{PauseReplication, Replicated};
pub use policy_replaced::{PolicyOf, PolicyReplaced};
pub use region_down::RegionDown;
pub use restart::Restart;
pub use service_errors::ServiceErrors;
pub use slow_disk::SlowDisk;
pub use slow_link::SlowLink;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is documented by its type")]
pub enum Fault {
    RegionDown(RegionDown),
    Partition(Partition),
    SlowLink(SlowLink),
    Messages(Messages),
    NodeCrash(NodeCrash),
    Restart(Restart),
    ClockSkew(ClockSkew),
    KeyDisabled(KeyDisabled),
    KeyPendingDeletion(KeyPendingDeletion),
    PolicyReplaced(PolicyReplaced),
    KmsThrottled(KmsThrottled),
    PauseReplication(PauseReplication),
    Freeze(Freeze),
    ServiceErrors(ServiceErrors),
    DiskFull(DiskFull),
    SlowDisk(SlowDisk),
    FailedWrite(FailedWrite),
    IamControlPlaneOutage(IamControlPlaneOutage),
    IamPropagationDelay(IamPropagationDelay),
    KmsPropagationDelay(KmsPropagationDelay),
}

/// From when until when a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning.
    pub from: SimTime,
    /// Its end; absent when it heals with the run.
    pub until: Option<SimTime>,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Something is the matter with the network.
    Network(Condition),
    /// A Region's clock is wrong.
    Clock(RegionName, Skew),
    /// A Region's process dies at a step.
    Crash(NodeCrash),
    /// A Region's process is stopped cleanly and started again.
    Restart(RegionName),
    /// A Region's process takes no step, and does what waits when the fault heals.
    Freeze(RegionName),
    /// A Region's writes take so long.
    SlowDisk(RegionName, Span),
    /// A Region does not take what others send.
    NoRoom(RegionName),
    /// The Region's pipeline refuses calls, or keeps records back.
    Inside(RegionName, Rule),
    /// The root user of an account changes something, and changes it back.
    Root(Box<RootChange>),
}

/// What a Region's fault stage does while a fault lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Service prefix, empty for all.
    pub service: String,
    /// Operation ids, empty for all.
    pub operations: Vec<String>,
    /// Key ARN, bucket or table; empty for all.
    pub resource: String,
    /// What happens to what it concerns.
    pub action: RuleAction,
}

/// See [`Rule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleAction {
    /// Calls are answered with an error.
    Refuse {
        /// AWS error code.
        code: &'static str,
        /// AWS error text.
        message: &'static str,
        /// HTTP status.
        http_status: u32,
        /// Share of the calls.
        chance: Ratio,
        /// Calls in a second that pass before any is refused.
        passes_per_second: u64,
    },
    /// Records are kept back.
    Pause {
        /// Replication stream, empty for all.
        stream: String,
        /// Destination; absent for all.
        to: Option<RegionName>,
    },
    /// Changes of the directory leave late.
    DelayDirectory {
        /// Destination; absent for all.
        to: Option<RegionName>,
        /// How much later.
        by: Span,
    },
    /// Changes of the service count late.
    DelayEffects {
        /// How much later.
        by: Span,
    },
}

/// A call that the root user of an account makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCall {
    /// Region that is asked.
    pub region: RegionName,
    /// The account whose root user asks.
    pub account: AccountId,
    /// Operation id, `kms.DisableKey`.
    pub operation: &'static str,
    /// Request members by their AWS names.
    pub request: serde_json::Value,
}

/// A change that root makes when the fault begins and takes back when it heals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootChange {
    /// Asked first; its answer is remembered.
    pub read: Option<RootCall>,
    /// The change.
    pub begin: RootCall,
    /// Takes the change back.
    pub heal: RootCall,
    /// Asked when `heal` has been: what takes two calls to take back.
    pub then: Option<RootCall>,
    /// Member of `read`'s answer that goes into `heal`'s request under the same name.
    pub restores: Option<&'static str>,
    /// Asked in place of `heal` when `read` found nothing.
    pub otherwise: Option<RootCall>,
}

macro_rules! each_kind {
    ($self:expr, $it:ident => $body:expr) => {
        match $self {
            Fault::RegionDown($it) => $body,
            Fault::Partition($it) => $body,
            Fault::SlowLink($it) => $body,
            Fault::Messages($it) => $body,
            Fault::NodeCrash($it) => $body,
            Fault::Restart($it) => $body,
            Fault::ClockSkew($it) => $body,
            Fault::KeyDisabled($it) => $body,
            Fault::KeyPendingDeletion($it) => $body,
            Fault::PolicyReplaced($it) => $body,
            Fault::KmsThrottled($it) => $body,
            Fault::PauseReplication($it) => $body,
            Fault::Freeze($it) => $body,
            Fault::ServiceErrors($it) => $body,
            Fault::DiskFull($it) => $body,
            Fault::SlowDisk($it) => $body,
            Fault::FailedWrite($it) => $body,
            Fault::IamControlPlaneOutage($it) => $body,
            Fault::IamPropagationDelay($it) => $body,
            Fault::KmsPropagationDelay($it) => $body,
        }
    };
}

impl Fault {
    /// Its kind as scenarios spell it: what `caused_by` says.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RegionDown(_) => "region_down",
            Self::Partition(_) => "partition",
            Self::SlowLink(_) => "slow_link",
            Self::Messages(_) => "messages",
            Self::NodeCrash(_) => "node_crash",
            Self::Restart(_) => "restart",
            Self::ClockSkew(_) => "clock_skew",
            Self::KeyDisabled(_) => "key_disabled",
            Self::KeyPendingDeletion(_) => "key_pending_deletion",
            Self::PolicyReplaced(_) => "policy_replaced",
            Self::KmsThrottled(_) => "kms_throttled",
            Self::PauseReplication(_) => "pause_replication",
            Self::Freeze(_) => "freeze",
            Self::ServiceErrors(_) => "service_errors",
            Self::DiskFull(_) => "disk_full",
            Self::SlowDisk(_) => "slow_disk",
            Self::FailedWrite(_) => "failed_write",
            Self::IamControlPlaneOutage(_) => "iam_control_plane_outage",
            Self::IamPropagationDelay(_) => "iam_propagation_delay",
            Self::KmsPropagationDelay(_) => "kms_propagation_delay",
        }
    }

    /// Regions that it concerns; empty when links alone are concerned.
    #[must_use]
    pub fn regions(&self) -> Vec<RegionName> {
        let mut regions: Vec<RegionName> = match self {
            Self::RegionDown(it) => vec![it.region.clone()],
            Self::NodeCrash(it) => vec![it.region.clone()],
            Self::Restart(it) => vec![it.region.clone()],
            Self::ClockSkew(it) => vec![it.region.clone()],
            Self::KmsThrottled(it) => vec![it.region.clone()],
            Self::Freeze(it) => vec![it.region.clone()],
            Self::ServiceErrors(it) => vec![it.region.clone()],
            Self::DiskFull(it) => vec![it.region.clone()],
            Self::SlowDisk(it) => vec![it.region.clone()],
            Self::FailedWrite(it) => vec![it.region.clone()],
            Self::KeyPendingDeletion(it) => it.at.iter().map(|key| key.region.clone()).collect(),
            Self::KeyDisabled(it) => it.at.iter().map(|key| key.region.clone()).collect(),
            Self::PolicyReplaced(it) => match &it.of {
                PolicyOf::Key(keys) => keys.iter().map(|key| key.region.clone()).collect(),
                PolicyOf::Bucket { region, .. } | PolicyOf::Principal { region, .. } => {
                    vec![region.clone()]
                }
            },
            Self::PauseReplication(it) => it.from.iter().cloned().collect(),
            Self::IamControlPlaneOutage(it) => vec![it.home.clone()],
            Self::IamPropagationDelay(it) => vec![it.home.clone()],
            Self::KmsPropagationDelay(it) => vec![it.region.clone()],
            Self::Partition(_) | Self::SlowLink(_) | Self::Messages(_) => vec![],
        };
        regions.dedup();
        regions
    }

    /// What it does.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        each_kind!(self, it => it.effects())
    }
}

impl fmt::Display for Fault {
    /// As a person says it: `eu-west-1 is down`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each_kind!(self, it => it.fmt(f))
    }
}

/// Regions as a list for people.
fn list<'a>(regions: impl IntoIterator<Item = &'a RegionName>) -> String {
    regions
        .into_iter()
        .map(RegionName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}
