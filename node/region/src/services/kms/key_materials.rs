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

use super::specs::Origin;

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

impl Standing {
    /// AWS's KeyMaterialState (K-161); what travels is not listed.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Self::Current => Some("CURRENT"),
            Self::NonCurrent => Some("NON_CURRENT"),
            Self::PendingRotation => Some("PENDING_ROTATION"),
            Self::PendingMultiRegionImportAndRotation => {
                Some("PENDING_MULTI_REGION_IMPORT_AND_ROTATION")
            }
            Self::Travelling => None,
        }
    }

    /// Whether the key cannot do without such a material (K-138): it encrypts or did.
    fn is_permanent(self) -> bool {
        matches!(self, Self::Current | Self::NonCurrent)
    }
}

/// How a material became current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RotationType {
    /// By its period.
    Automatic,
    /// By RotateKeyOnDemand.
    OnDemand,
}

impl RotationType {
    /// AWS's word for it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }
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

    /// Whether the key cannot do without it (K-138).
    pub(crate) fn is_permanent(&self) -> bool {
        self.standing.is_permanent()
    }

    /// ExpirationModel and ValidTo (milliseconds) of imported material; absent when it is not here.
    pub(crate) fn expiration(&self) -> (Option<String>, Option<i64>) {
        match self.presence {
            Presence::Absent => (None, None),
            Presence::Here { valid_to: None } => {
                (Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()), None)
            }
            Presence::Here {
                valid_to: Some(date),
            } => (Some("KEY_MATERIAL_EXPIRES".to_owned()), Some(date.millis())),
        }
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

    /// All, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeyMaterial> {
        self.0.iter()
    }

    /// The material with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&KeyMaterial> {
        self.0.iter().find(|material| material.id == id)
    }

    /// The material with this id, to be changed.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut KeyMaterial> {
        self.0.iter_mut().find(|material| material.id == id)
    }

    /// The one that has this standing; at most one does, but for NonCurrent.
    pub(crate) fn with(&self, standing: Standing) -> Option<&KeyMaterial> {
        self.0.iter().find(|material| material.standing == standing)
    }

    /// The one that encrypts; none before a first import.
    pub(crate) fn current(&self) -> Option<&KeyMaterial> {
        self.with(Standing::Current)
    }

    /// The newest one joins.
    pub(crate) fn add(&mut self, material: KeyMaterial) {
        self.0.push(material);
    }

    /// The one that waits for its rotation (K-137: at most one).
    pub(crate) fn pending(&self) -> Option<&KeyMaterial> {
        self.with(Standing::PendingRotation)
            .or_else(|| self.with(Standing::PendingMultiRegionImportAndRotation))
    }

    /// A pending one is gone.
    pub(crate) fn forget(&mut self, id: &str) {
        self.0.retain(|material| material.id != id);
    }

    /// Whether there is one, and no permanent one is missing here (K-138).
    pub(crate) fn is_complete(&self) -> bool {
        let mut permanent = self.0.iter().filter(|material| material.is_permanent());
        self.current().is_some() && permanent.all(KeyMaterial::is_here)
    }

    /// `id` encrypts from now on; the one that did decrypts.
    pub(crate) fn promote(&mut self, id: &str, cause: RotationType, now: Timestamp) {
        for material in &mut self.0 {
            if material.standing == Standing::Current {
                material.standing = Standing::NonCurrent;
            }
            if material.id == id {
                material.standing = Standing::Current;
                material.rotated = Some((cause, now));
                material.arrived.clear();
            }
        }
    }

    /// None of the bytes is here.
    pub(crate) fn lose_all(&mut self) {
        for material in &mut self.0 {
            material.presence = Presence::Absent;
        }
    }

    /// Takes the primary's word on everything but presence; ids that are no more are answered.
    pub(crate) fn adopt(&mut self, theirs: Self, origin: Origin) -> Vec<String> {
        let ours = std::mem::take(&mut self.0);
        for mut material in theirs.0 {
            match ours.iter().find(|known| known.id == material.id) {
                Some(known) => material.presence = known.presence,
                // It comes as a message of its own, with its bytes.
                None if material.standing == Standing::Travelling => continue,
                None if origin == Origin::External => material.presence = Presence::Absent,
                None => {}
            }
            self.0.push(material);
        }
        let gone = |known: &&KeyMaterial| self.get(&known.id).is_none();
        ours.iter()
            .filter(gone)
            .map(|known| known.id.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(id: &str, standing: Standing) -> KeyMaterial {
        KeyMaterial {
            standing,
            ..KeyMaterial::first(id.to_owned(), Timestamp(1))
        }
    }

    #[test]
    fn k_138_a_key_lacks_nothing_but_permanent_material() {
        let mut all = KeyMaterials::default();
        assert!(!all.is_complete(), "before the first import");
        all.add(material("a", Standing::NonCurrent));
        all.add(material("b", Standing::Current));
        all.add(material("c", Standing::PendingRotation));
        assert!(all.is_complete());
        for (id, complete) in [("a", false), ("b", false), ("c", true)] {
            let mut some = all.clone();
            some.get_mut(id).unwrap().presence = Presence::Absent;
            assert_eq!(some.is_complete(), complete, "{id}");
        }
    }

    #[test]
    fn k_107_k_122_a_member_adopts_standing_and_keeps_its_own_presence() {
        let mut ours = KeyMaterials::only(material("a", Standing::Current));
        ours.get_mut("a").unwrap().presence = Presence::Absent;
        ours.add(material("x", Standing::PendingRotation));
        let mut theirs = KeyMaterials::only(material("a", Standing::NonCurrent));
        theirs.add(material("b", Standing::Current));
        assert_eq!(ours.adopt(theirs, Origin::External), ["x"]);
        let seen: Vec<_> = ours
            .iter()
            .map(|one| (one.id.as_str(), one.standing, one.is_here()))
            .collect();
        let want = [
            ("a", Standing::NonCurrent, false),
            ("b", Standing::Current, false),
        ];
        assert_eq!(seen, want);
    }
}
