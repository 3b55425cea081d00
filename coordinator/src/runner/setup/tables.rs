//! DynamoDB tables, and their replicas one by one.

use faultline_proto::names::{AccountId, RegionName};
use serde_json::{Value, json};

use super::{Maker, SetUpFailed};
use crate::runner::world::Table;
use crate::scenario::plan::world::{Named, TablePlan};

impl Maker<'_> {
    pub(super) async fn tables(&mut self) -> Result<(), SetUpFailed> {
        let plan = self.plan;
        for (name, table) in &plan.tables {
            self.span.set(table.span);
            let made = self.table(name, table).await?;
            self.world.tables.insert(name.clone(), made);
        }
        Ok(())
    }

    async fn table(&self, name: &str, plan: &Named<TablePlan>) -> Result<Table, SetUpFailed> {
        let account = self.account(&plan.what.account);
        let mut regions = plan.what.replicas.clone();
        if let Some(region) = &plan.what.region {
            regions.retain(|replica| replica != region);
            regions.insert(0, region.clone());
        }
        if regions.is_empty() {
            regions.push(self.world.home.clone());
        }
        let first = regions[0].clone();
        self.root(
            &account,
            &first,
            "dynamodb.create_table",
            self.creation(name, &plan.what, &first, regions.len() > 1),
        )
        .await?;
        self.active(&account, &first, name).await?;
        for update in self.additions(name, &plan.what, &regions[1..]) {
            self.root(&account, &first, "dynamodb.update_table", update)
                .await?;
            self.active(&account, &first, name).await?;
        }
        for region in &regions[1..] {
            self.active(&account, region, name).await?;
        }
        Ok(Table { account, regions })
    }

    /// The calls that make it global: one for each replica, or one for all when it is strong.
    fn additions(&self, name: &str, plan: &TablePlan, replicas: &[RegionName]) -> Vec<Value> {
        let key = plan
            .sse
            .as_ref()
            .and_then(|sse| sse.kms_master_key_id.as_deref());
        let creates = replicas.iter().map(|replica| {
            let mut create = json!({ "region_name": replica.as_str() });
            if let Some(key) = key {
                create["kms_master_key_id"] = self.key_arn(key, replica).into();
            }
            json!({ "create": create })
        });
        if plan.consistency.as_deref() != Some("strong") {
            return creates
                .map(|create| json!({ "table_name": name, "replica_updates": [create] }))
                .collect();
        }
        let mut all = json!({
            "table_name": name,
            "multi_region_consistency": "STRONG",
            "replica_updates": creates.collect::<Vec<_>>(),
        });
        if let Some(witness) = &plan.witness {
            all["global_table_witness_updates"] =
                json!([{ "create": { "region_name": witness.as_str() } }]);
        }
        vec![all]
    }

    fn creation(&self, name: &str, plan: &TablePlan, region: &RegionName, global: bool) -> Value {
        let kind = |attribute: &str| plan.key_types.get(attribute).map_or("S", String::as_str);
        let keys = [
            (Some(&plan.partition_key), "HASH"),
            (plan.sort_key.as_ref(), "RANGE"),
        ];
        let keys: Vec<(&String, &str)> = keys
            .into_iter()
            .filter_map(|(name, role)| Some((name?, role)))
            .collect();
        let schema: Vec<Value> = keys
            .iter()
            .map(|(name, role)| json!({ "attribute_name": name, "key_type": role }))
            .collect();
        let definitions: Vec<Value> = keys
            .iter()
            .map(|(name, _)| json!({ "attribute_name": name, "attribute_type": kind(name) }))
            .collect();
        let mut create = json!({
            "table_name": name,
            "billing_mode": "PAY_PER_REQUEST",
            "key_schema": schema,
            "attribute_definitions": definitions,
        });
        if global && plan.consistency.as_deref() != Some("strong") {
            create["stream_specification"] =
                json!({ "stream_enabled": true, "stream_view_type": "NEW_AND_OLD_IMAGES" });
        }
        if let Some(sse) = plan.sse.as_ref().filter(|sse| sse.kind != "aws_owned") {
            create["sse_specification"] = json!({ "enabled": true, "sse_type": "KMS" });
            if let Some(key) = &sse.kms_master_key_id {
                create["sse_specification"]["kms_master_key_id"] = self.key_arn(key, region).into();
            }
        }
        create
    }

    async fn active(
        &self,
        account: &AccountId,
        region: &RegionName,
        table: &str,
    ) -> Result<(), SetUpFailed> {
        let active = |value: &Value| {
            let table = &value["table"];
            let replicas = table["replicas"].as_array();
            table["table_status"] == "ACTIVE"
                && replicas
                    .into_iter()
                    .flatten()
                    .all(|replica| replica["replica_status"] == "ACTIVE")
                && table["global_table_witnesses"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|witness| witness["witness_status"] == "ACTIVE")
        };
        self.until(
            account,
            region,
            "dynamodb.describe_table",
            json!({ "table_name": table }),
            active,
        )
        .await
        .map(drop)
    }
}
