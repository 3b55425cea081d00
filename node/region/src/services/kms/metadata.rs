//! What DescribeKey tells of a key (K-032, K-033, K-093).

use faultline_proto::kms::{KeyMetadata, MultiRegionConfiguration, MultiRegionKey};
use faultline_proto::names::RegionName;

use super::keyspaces::KeyRow;
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
        KeyMetadata {
            aws_account_id: Some(self.account.to_string()),
            key_id: Some(self.id.as_str().to_owned()),
            arn: Some(self.arn.to_string()),
            creation_date: Some(self.created.millis()),
            enabled: Some(state == StateName::Enabled),
            description: Some(self.description.clone()),
            key_usage: Some("ENCRYPT_DECRYPT".to_owned()),
            key_state: Some(state.text().to_owned()),
            deletion_date: match &self.state {
                KeyState::PendingDeletion { date, .. } => Some(date.millis()),
                _ => None,
            },
            pending_deletion_window_in_days: match &self.state {
                KeyState::PendingReplicaDeletion { days } => Some(i32::from(*days)),
                _ => None,
            },
            origin: Some("AWS_KMS".to_owned()),
            key_manager: Some(
                if self.managed_for.is_some() {
                    "AWS"
                } else {
                    "CUSTOMER"
                }
                .to_owned(),
            ),
            customer_master_key_spec: Some("SYMMETRIC_DEFAULT".to_owned()),
            key_spec: Some("SYMMETRIC_DEFAULT".to_owned()),
            encryption_algorithms: vec!["SYMMETRIC_DEFAULT".to_owned()],
            multi_region: Some(self.members.is_some()),
            multi_region_configuration: self.configuration(),
            // K-104: a replica that is being made has none yet.
            current_key_material_id: (state != StateName::Creating).then(|| self.material.clone()),
            ..KeyMetadata::default()
        }
    }
}
