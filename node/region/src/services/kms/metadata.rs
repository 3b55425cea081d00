//! What DescribeKey tells of a key (K-032, K-033, K-093).

use faultline_proto::kms::{KeyMetadata, MultiRegionConfiguration, MultiRegionKey};
use faultline_proto::names::RegionName;

use super::error::KmsError;
use super::key_materials::KeyMaterial;
use super::keyspaces::KeyRow;
use super::specs::{KeyUsage, Origin};
use super::states::{KeyState, StateName};

impl KeyRow {
    /// Whether this Region's key is the primary of its set.
    pub(crate) fn is_primary(&self) -> bool {
        self.members
            .as_ref()
            .is_some_and(|members| members.primary.as_str() == self.arn.region())
    }

    /// `PRIMARY`, `REPLICA`, or `SINGLE` for a key without relatives.
    pub(crate) fn role(&self) -> &'static str {
        match &self.members {
            None => "SINGLE",
            Some(_) if self.is_primary() => "PRIMARY",
            Some(_) => "REPLICA",
        }
    }

    /// Id of the material that encrypts now; without one here, the key waits for its import.
    pub(crate) fn current_material(&self) -> Result<&str, KmsError> {
        match self.materials.current() {
            Some(material) if material.is_here() => Ok(&material.id),
            _ => Err(KmsError::PendingImport(self.arn.to_string())),
        }
    }

    /// Id of the material that encrypts now, as answers tell it.
    pub(crate) fn shown_material(&self) -> Option<String> {
        self.current_material().ok().map(str::to_owned)
    }

    /// The material that encrypts, where there is one and it is here.
    fn material_here(&self) -> Option<&KeyMaterial> {
        self.materials
            .current()
            .filter(|material| material.is_here())
    }

    /// The state that `state` is with the materials that are here (K-044 to K-046): an imported
    /// key that lacks one waits, and waits no longer when the set is complete.
    pub(crate) fn rest(&self, state: KeyState) -> KeyState {
        let complete = self.kind.origin != Origin::External || self.materials.is_complete();
        match state {
            KeyState::Enabled | KeyState::Disabled if !complete => KeyState::PendingImport,
            KeyState::PendingImport if complete => KeyState::Enabled,
            other => other,
        }
    }

    fn relative(&self, region: &RegionName) -> MultiRegionKey {
        MultiRegionKey {
            arn: Some(self.id.arn(region, &self.account).to_string()),
            region: Some(region.to_string()),
        }
    }

    fn configuration(&self) -> Option<MultiRegionConfiguration> {
        let members = self.members.as_ref()?;
        Some(MultiRegionConfiguration {
            multi_region_key_type: Some(self.role().to_owned()),
            primary_key: Some(self.relative(&members.primary)),
            replica_keys: members
                .replicas()
                .map(|region| self.relative(region))
                .collect(),
        })
    }

    /// As DescribeKey answers.
    pub(crate) fn metadata(&self) -> KeyMetadata {
        let state = self.state.name();
        let (expiration_model, valid_to) = self
            .material_here()
            .filter(|_| self.kind.origin == Origin::External)
            .map_or((None, None), KeyMaterial::expiration);
        let spec = self.kind.spec.text();
        KeyMetadata {
            aws_account_id: Some(self.account.to_string()),
            key_id: Some(self.id.as_str().to_owned()),
            arn: Some(self.arn.to_string()),
            creation_date: Some(self.created.millis()),
            enabled: Some(state == StateName::Enabled),
            description: Some(self.description.clone()),
            key_usage: Some(self.kind.usage.text().to_owned()),
            key_state: Some(state.text().to_owned()),
            deletion_date: match &self.state {
                KeyState::PendingDeletion { date, .. } => Some(date.millis()),
                _ => None,
            },
            pending_deletion_window_in_days: match &self.state {
                KeyState::PendingReplicaDeletion { days } => Some(i32::from(*days)),
                _ => None,
            },
            origin: Some(self.kind.origin.text().to_owned()),
            expiration_model,
            valid_to,
            key_manager: Some(
                if self.managed_for.is_some() {
                    "AWS"
                } else {
                    "CUSTOMER"
                }
                .to_owned(),
            ),
            // The old member never learned the specs that came after it.
            customer_master_key_spec: self
                .kind
                .spec
                .is_known_to_the_old_member()
                .then(|| spec.to_owned()),
            key_spec: Some(spec.to_owned()),
            encryption_algorithms: self.kind.algorithms_for(KeyUsage::EncryptDecrypt),
            signing_algorithms: self.kind.algorithms_for(KeyUsage::SignVerify),
            mac_algorithms: self.kind.algorithms_for(KeyUsage::GenerateVerifyMac),
            key_agreement_algorithms: self.kind.algorithms_for(KeyUsage::KeyAgreement),
            encapsulation_algorithms: self.kind.algorithms_for(KeyUsage::EncapsulateDecapsulate),
            multi_region: Some(self.members.is_some()),
            multi_region_configuration: self.configuration(),
            // K-032: of symmetric keys only. K-104: a replica that is being made has none yet.
            current_key_material_id: self
                .material_here()
                .filter(|_| self.kind.spec.is_symmetric() && state != StateName::Creating)
                .map(|material| material.id.clone()),
        }
    }
}
