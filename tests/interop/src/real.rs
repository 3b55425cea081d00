//! The library: its keyrings, its configuration of the table, its DynamoDB client.

use std::collections::HashMap;

use aws_db_esdk::DynamoDbTablesEncryptionConfig;
use aws_db_esdk::dynamodb::types::{DynamoDbTableEncryptionConfig, SearchConfig};
use aws_db_esdk::intercept::DbEsdkInterceptor;
use aws_db_esdk::key_store::client::Client as KeyStoreClient;
use aws_db_esdk::key_store::types::KmsConfiguration;
use aws_db_esdk::key_store::types::key_store_config::KeyStoreConfig;
use aws_db_esdk::material_providers::client::Client as Providers;
use aws_db_esdk::material_providers::types::DbeAlgorithmSuiteId;
use aws_db_esdk::material_providers::types::keyring::KeyringRef;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::CryptoAction;
use faultline_sealed::{AttributeAction, SchemaConfig, Suite};

use crate::Fallible;
use crate::keys::{BRANCH, Keys, STORE};
use crate::world::{HOME, KEYS, TABLE, World};

/// The library's key store, asked in a Region with that Region's key.
pub fn key_store(world: &World, region: &str) -> Fallible<KeyStoreClient> {
    let config = KeyStoreConfig::builder()
        .kms_client(world.kms(region))
        .ddb_client(world.dynamodb(region))
        .ddb_table_name(KEYS)
        .logical_key_store_name(STORE)
        .kms_configuration(KmsConfiguration::KmsMrKeyArn(world.mrk[region].clone()))
        .build()?;
    Ok(KeyStoreClient::from_conf(config)?)
}

/// A keyring of the library.
pub async fn keyring(world: &World, keys: &Keys) -> Fallible<KeyringRef> {
    let providers = Providers::from_conf(MaterialProvidersConfig::builder().build()?)?;
    Ok(match keys {
        Keys::Mrk(region) => {
            let made = providers.create_aws_kms_mrk_keyring();
            let arn = world.mrk[region].clone();
            made.kms_client(world.kms(region)).kms_key_id(arn).send().await?
        }
        Keys::Single(region) => {
            let made = providers.create_aws_kms_keyring();
            let arn = world.single[region].clone();
            made.kms_client(world.kms(region)).kms_key_id(arn).send().await?
        }
        Keys::MrkDiscovery(region) => {
            let made = providers.create_aws_kms_mrk_discovery_keyring();
            made.kms_client(world.kms(region)).region(*region).send().await?
        }
        Keys::Discovery(region) => {
            let made = providers.create_aws_kms_discovery_keyring();
            made.kms_client(world.kms(region)).send().await?
        }
        Keys::Several(all) => {
            let mut keyrings = Vec::new();
            for keys in *all {
                keyrings.push(Box::pin(keyring(world, keys)).await?);
            }
            let children = keyrings.split_off(1);
            let generator = keyrings.pop().ok_or("a keyring of several needs one")?;
            let made = providers.create_multi_keyring();
            made.generator(generator).child_keyrings(children).send().await?
        }
        Keys::Branch(region) => {
            let made = providers.create_aws_kms_hierarchical_keyring();
            made.branch_key_id(BRANCH)
                .key_store(key_store(world, region)?)
                .ttl_seconds(600)
                .send()
                .await?
        }
    })
}

/// The library's configuration of the table.
pub fn table(
    config: &SchemaConfig,
    keyring: KeyringRef,
    search: Option<SearchConfig>,
) -> Fallible<DynamoDbTablesEncryptionConfig> {
    let action = |action: &AttributeAction| match action {
        AttributeAction::EncryptAndSign => CryptoAction::EncryptAndSign,
        AttributeAction::SignOnly => CryptoAction::SignOnly,
        AttributeAction::SignAndIncludeInEncryptionContext => {
            CryptoAction::SignAndIncludeInEncryptionContext
        }
        AttributeAction::DoNothing => CryptoAction::DoNothing,
    };
    let actions: HashMap<String, CryptoAction> = config
        .actions
        .iter()
        .map(|(name, of)| (name.clone(), action(of)))
        .collect();
    let suite = match config.suite {
        Suite::SymmetricOnly => DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeySymsigHmacSha384,
        Suite::WithSignature => {
            DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeyEcdsaP384SymsigHmacSha384
        }
    };
    let unsigned: Vec<String> = config.allowed_unsigned_attributes.iter().cloned().collect();
    let table = DynamoDbTableEncryptionConfig::builder()
        .logical_table_name(&config.logical_table_name)
        .partition_key_name(&config.partition_key)
        .set_sort_key_name(config.sort_key.clone())
        .attribute_actions_on_encrypt(actions)
        .set_allowed_unsigned_attributes((!unsigned.is_empty()).then_some(unsigned))
        .set_allowed_unsigned_attribute_prefix(config.allowed_unsigned_prefix.clone())
        .algorithm_suite_id(suite)
        .keyring(keyring)
        .set_search(search)
        .build()?;
    Ok(DynamoDbTablesEncryptionConfig::builder()
        .table_encryption_configs(HashMap::from([(TABLE.to_owned(), table)]))
        .build()?)
}

/// A DynamoDB client that seals and opens.
pub fn dynamodb(
    world: &World,
    region: &str,
    table: DynamoDbTablesEncryptionConfig,
) -> Fallible<aws_sdk_dynamodb::Client> {
    let config = world.dynamodb_config(region).interceptor(DbEsdkInterceptor::new(table)?);
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

/// The Region where writing begins.
pub const WRITES: &str = HOME;
