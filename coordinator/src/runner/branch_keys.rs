//! `sealed.create_branch_key` and `sealed.version_branch_key`: who owns a key store at work.

use std::collections::BTreeMap;

use faultline_sealed::{KeyStore, Keyring};
use serde_json::json;

use super::Runner;
use super::ask::Said;
use super::problem::Trouble;
use super::sealed::{refusal, told};
use super::verbs::Asked;

impl Runner<'_> {
    /// `sealed.create_branch_key`.
    pub(super) async fn create_branch_key(&self, asked: &Asked) -> Result<Said, Trouble> {
        let store = self.store_of(asked)?;
        let id = asked.arguments["branch_key_id"].as_str();
        let custom: BTreeMap<String, String> = asked.arguments["encryption_context"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let aws = self.aws(asked, Vec::new());
        let since = self.sim.now();
        let made = store
            .create_key(&aws, &mut self.chance(asked), id, &custom)
            .await;
        Ok(Said {
            result: made
                .map(|id| json!({ "branch_key_id": id }))
                .map_err(|error| refusal(&aws, &error)),
            call: told(&aws, &store.table.region, since),
        })
    }

    /// `sealed.version_branch_key`.
    pub(super) async fn version_branch_key(&self, asked: &Asked) -> Result<Said, Trouble> {
        let store = self.store_of(asked)?;
        let id = asked.arguments["branch_key_id"]
            .as_str()
            .unwrap_or_default();
        let aws = self.aws(asked, Vec::new());
        let since = self.sim.now();
        let made = store.version_key(&aws, &mut self.chance(asked), id).await;
        Ok(Said {
            result: made
                .map(|()| json!({}))
                .map_err(|error| refusal(&aws, &error)),
            call: told(&aws, &store.table.region, since),
        })
    }

    fn store_of(&self, asked: &Asked) -> Result<KeyStore, Trouble> {
        let (client, _) = self.sealed_client(asked)?;
        match client.keyring {
            Keyring::Hierarchy(hierarchy) => Ok(hierarchy.store),
            _ => Err(self.own(
                "MissingClient",
                "the sealed client of this table has no hierarchical keyring",
            )),
        }
    }
}
