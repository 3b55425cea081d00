//! Two live Regions, and clients of AWS's SDK for them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateReplicationGroupMemberAction, KeySchemaElement,
    KeyType, ReplicationGroupUpdate, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use serde_json::Value;

use crate::Fallible;

/// Where items are written.
pub const HOME: &str = "eu-west-1";
/// Where copies are read.
pub const AWAY: &str = "us-east-1";
/// The table: partition key `pk` (text), sort key `sk` (number), in both Regions.
pub const TABLE: &str = "items";
/// The table of branch keys.
pub const KEYS: &str = "keys";

/// The Regions while this lives, and one client of each service for each.
pub struct World {
    process: Child,
    kms: BTreeMap<&'static str, aws_sdk_kms::Client>,
    dynamodb: BTreeMap<&'static str, aws_sdk_dynamodb::Config>,
    /// ARN of the multi-Region key, in each Region.
    pub mrk: BTreeMap<&'static str, String>,
    /// ARN of a single-Region key of each Region.
    pub single: BTreeMap<&'static str, String>,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl World {
    /// Starts the Regions with `program` and makes keys and tables.
    pub async fn start(program: &str) -> Fallible<Self> {
        let mut process = Command::new(program)
            .arg(format!("{AWAY},{HOME}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = process.stdout.take().ok_or("no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (key, secret) = (text(&said["access_key_id"]), text(&said["secret_access_key"]));
        let (mut kms, mut dynamodb) = (BTreeMap::new(), BTreeMap::new());
        for region in [HOME, AWAY] {
            let endpoint = text(&said["endpoints"][region]);
            let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
                .region(aws_config::Region::new(region))
                .endpoint_url(endpoint)
                .credentials_provider(aws_sdk_kms::config::Credentials::new(
                    key.clone(),
                    secret.clone(),
                    None,
                    None,
                    "interop",
                ))
                .load()
                .await;
            kms.insert(region, aws_sdk_kms::Client::new(&config));
            dynamodb.insert(region, aws_sdk_dynamodb::Config::from(&config));
        }
        let mut world = Self {
            process,
            kms,
            dynamodb,
            mrk: BTreeMap::new(),
            single: BTreeMap::new(),
        };
        world.make_keys().await?;
        world.make_tables().await?;
        Ok(world)
    }

    pub fn kms(&self, region: &str) -> aws_sdk_kms::Client {
        self.kms[region].clone()
    }

    /// The SDK's configuration for DynamoDB, which takes an interceptor.
    pub fn dynamodb_config(&self, region: &str) -> aws_sdk_dynamodb::config::Builder {
        self.dynamodb[region].to_builder()
    }

    pub fn dynamodb(&self, region: &str) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.dynamodb[region].clone())
    }

    async fn make_keys(&mut self) -> Fallible<()> {
        let made = self.kms[HOME].create_key().multi_region(true).send().await?;
        let primary = made.key_metadata.and_then(|key| key.arn).ok_or("no ARN")?;
        let replica = self.kms[HOME]
            .replicate_key()
            .key_id(&primary)
            .replica_region(AWAY)
            .send()
            .await?;
        let arn = replica.replica_key_metadata.and_then(|key| key.arn);
        self.mrk = [(HOME, primary), (AWAY, arn.ok_or("no ARN")?)].into();
        for region in [HOME, AWAY] {
            let made = self.kms[region].create_key().send().await?;
            let arn = made.key_metadata.and_then(|key| key.arn).ok_or("no ARN")?;
            self.single.insert(region, arn);
        }
        let away = &self.mrk[AWAY];
        for _ in 0..100 {
            let told = self.kms[AWAY].describe_key().key_id(away).send().await;
            if told.is_ok_and(|told| told.key_metadata.is_some_and(|key| key.enabled)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("the replica key did not become enabled".into())
    }

    async fn make_tables(&self) -> Fallible<()> {
        use ScalarAttributeType::{N, S};
        self.make_table(TABLE, ("pk", S), ("sk", N)).await?;
        self.make_table(KEYS, ("branch-key-id", S), ("type", S)).await
    }

    async fn make_table(
        &self,
        name: &str,
        (partition, kind): (&str, ScalarAttributeType),
        (sort, sort_kind): (&str, ScalarAttributeType),
    ) -> Fallible<()> {
        let define = |name: &str, kind| {
            let definition = AttributeDefinition::builder().attribute_name(name);
            definition.attribute_type(kind).build()
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
        };
        let home = self.dynamodb(HOME);
        let streams = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build()?;
        home.create_table()
            .table_name(name)
            .attribute_definitions(define(partition, kind)?)
            .attribute_definitions(define(sort, sort_kind)?)
            .key_schema(key(partition, KeyType::Hash)?)
            .key_schema(key(sort, KeyType::Range)?)
            .billing_mode(BillingMode::PayPerRequest)
            .stream_specification(streams)
            .send()
            .await?;
        self.until_active(HOME, name).await?;
        let replica = CreateReplicationGroupMemberAction::builder().region_name(AWAY).build()?;
        let update = ReplicationGroupUpdate::builder().create(replica).build();
        home.update_table().table_name(name).replica_updates(update).send().await?;
        self.until_active(HOME, name).await?;
        self.until_active(AWAY, name).await
    }

    async fn until_active(&self, region: &str, name: &str) -> Fallible<()> {
        for _ in 0..300 {
            let told = self.dynamodb(region).describe_table().table_name(name).send().await;
            let table = told.ok().and_then(|told| told.table);
            let status = table.and_then(|table| table.table_status);
            if status.is_some_and(|status| status.as_str() == "ACTIVE") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("table {name} did not become active in {region}").into())
    }
}
