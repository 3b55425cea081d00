//! The key materials of one KMS key: which one encrypts, which came before, which is to come.
//!
//! A symmetric key may have several; a newer one becomes current by rotation (kms section 6), and
//! older ones stay to decrypt what they encrypted. All other keys have one in their life. This
//! is what a row tells about materials; the bytes are in rows of their own, sealed (`material`).
//!
//! What belongs to the whole multi-Region set (id, description, standing, rotation) is told
//! apart from what belongs to this Region alone: whether an imported material is here, and until
//! when (K-107, K-122).

use std::collections::BTreeSet;

use faultline_proto::names::{RegionName, Timestamp};
use serde::{Deserialize, Serialize};

/// What a material is to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// It encrypts.
    Current,
    /// It encrypted once, and decrypts.
    NonCurrent,
    /// Imported, waits for RotateKeyOnDemand (K-136).
    PendingRotation,
    /// Imported into the primary, waits for the replicas too (K-123).
    PendingMultiRegionImportAndRotation,
    /// Made by KMS, on its way to all members; nobody may see or use it yet (K-121).
    Travelling,
}

/// How a material became current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RotationType {
    /// By its period.
    Automatic,
    /// By RotateKeyOnDemand.
    OnDemand,
}

/// Whether the bytes are in this Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Presence {
    /// They are here, for ever or until a date (imported ones).
    Here {
        /// When they expire, by this Region's clock; `None` when they do not.
        valid_to: Option<Timestamp>,
    },
    /// Imported ones that were deleted, have expired, or never came (PENDING_IMPORT).
    Absent,
}

/// One key material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyMaterial {
    /// 64 hex digits.
    pub id: String,
    /// When it was made or first imported, in the primary.
    pub created: Timestamp,
    /// What it is to its key.
    pub standing: Standing,
    /// The importer's words (KeyMaterialDescription).
    pub description: Option<String>,
    /// How and when it became current; `None` for the first one.
    pub rotated: Option<(RotationType, Timestamp)>,
    /// Whether the bytes are here.
    pub presence: Presence,
    /// In the primary, while it is to come: Regions of replicas that said that they have it.
    pub arrived: BTreeSet<RegionName>,
}

impl KeyMaterial {
    /// A first material, in use and here for ever.
    pub(crate) fn first(id: String, created: Timestamp) -> Self {
        Self {
            id,
            created,
            standing: Standing::Current,
            description: None,
            rotated: None,
            presence: Presence::Here { valid_to: None },
            arrived: BTreeSet::new(),
        }
    }

    /// Whether the bytes are here.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.presence, Presence::Here { .. })
    }
}

/// The materials of a key, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct KeyMaterials(Vec<KeyMaterial>);

impl KeyMaterials {
    /// One that encrypts, and no other.
    pub(crate) fn only(material: KeyMaterial) -> Self {
        Self(vec![material])
    }

    /// The one that encrypts; none before a first import.
    pub(crate) fn current(&self) -> Option<&KeyMaterial> {
        self.0
            .iter()
            .find(|material| material.standing == Standing::Current)
    }
}
