//! Rotation of key material: what a key remembers of it (kms section 6).

use faultline_proto::names::{Elapsed, Timestamp};
use serde::{Deserialize, Serialize};

use super::key_materials::RotationType;

/// The rotation settings of a key; a multi-Region set shares those of its primary (K-106).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Rotation {
    /// Counts changes by the primary, so that members know the newer word.
    pub revision: u64,
    /// Automatic rotation, when it is on.
    pub automatic: Option<Schedule>,
    /// How many rotations on demand there were (K-156).
    pub on_demand: u32,
    /// A rotation under way.
    pub running: Option<Running>,
}

/// Automatic rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    /// Days between rotations, 90 to 2,560 (K-147).
    pub period_days: u32,
    /// The unskewed moment of the next one.
    pub at: Elapsed,
    /// The NextRotationDate that is shown.
    pub date: Timestamp,
}

/// A rotation whose material has not reached every member yet (K-121).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The new material.
    pub material: String,
    /// What caused it.
    pub cause: RotationType,
    /// When it began.
    pub started: Timestamp,
}
