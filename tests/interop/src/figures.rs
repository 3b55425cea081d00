//! Items sealed and opened per second, by both in turns, so that whatever else runs on the
//! machine slows both.
//!
//! Branch keys are at hand, so nothing is asked of KMS or DynamoDB: what is measured is what
//! the client itself does with an item.

use std::time::{Duration, Instant};

use aws_db_esdk::item_encryptor::client::Client as Encryptor;
use aws_db_esdk::item_encryptor::types::dynamo_db_item_encryptor_config::DynamoDbItemEncryptorConfig;
use aws_db_esdk::material_providers::types::DbeAlgorithmSuiteId;
use aws_db_esdk::CryptoAction;
use faultline_sealed::{AttributeAction, Client, Item, SchemaConfig, Suite, Value};

use crate::checks::{Told, client};
use crate::convert::{SdkItem, to_sdk};
use crate::keys::Keys;
use crate::wire::{Chance, Wire};
use crate::world::{HOME, World};
use crate::{Fallible, branch, items, real};

const ROUNDS: u32 = 10;
const ROUND: u32 = 40;

fn order(suite: Suite) -> (SchemaConfig, Item) {
    let (mut config, mut item) = items::small("order", suite);
    for number in 0..8 {
        let secret = format!("secret{number}");
        item.insert(secret.clone(), Value::S(format!("{number} {}", "x".repeat(60))));
        config.actions.insert(secret, AttributeAction::EncryptAndSign);
        let signed = format!("signed{number}");
        item.insert(signed.clone(), Value::N(format!("{number}.5")));
        config.actions.insert(signed, AttributeAction::SignOnly);
    }
    (config, item)
}

async fn encryptor(world: &World, config: &SchemaConfig) -> Fallible<Encryptor> {
    let action = |action: &AttributeAction| match action {
        AttributeAction::EncryptAndSign => CryptoAction::EncryptAndSign,
        _ => CryptoAction::SignOnly,
    };
    let actions = config.actions.iter().map(|(name, of)| (name.clone(), action(of)));
    let suite = match config.suite {
        Suite::SymmetricOnly => DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeySymsigHmacSha384,
        Suite::WithSignature => {
            DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeyEcdsaP384SymsigHmacSha384
        }
    };
    let config = DynamoDbItemEncryptorConfig::builder()
        .logical_table_name(&config.logical_table_name)
        .partition_key_name("pk")
        .sort_key_name("sk")
        .attribute_actions_on_encrypt(actions.collect::<std::collections::HashMap<_, _>>())
        .allowed_unsigned_attribute_prefix(":")
        .algorithm_suite_id(suite)
        .keyring(real::keyring(world, &Keys::Branch(HOME)).await?)
        .build()?;
    Ok(Encryptor::from_conf(config)?)
}

struct Both<'w> {
    encryptor: Encryptor,
    client: Client,
    wire: Wire<'w>,
    item: Item,
    sdk: SdkItem,
}

impl Both<'_> {
    async fn library_seals(&self) -> Fallible<(Duration, SdkItem)> {
        let begin = Instant::now();
        let mut sealed = None;
        for _ in 0..ROUND {
            let said = self.encryptor.encrypt_item().plaintext_item(self.sdk.clone()).send().await?;
            sealed = said.encrypted_item;
        }
        Ok((begin.elapsed(), sealed.ok_or("nothing was sealed")?))
    }

    async fn library_opens(&self, sealed: &SdkItem) -> Fallible<Duration> {
        let begin = Instant::now();
        for _ in 0..ROUND {
            self.encryptor.decrypt_item().encrypted_item(sealed.clone()).send().await?;
        }
        Ok(begin.elapsed())
    }

    async fn ours_seals(&self) -> Fallible<(Duration, Item)> {
        let begin = Instant::now();
        let mut sealed = Item::new();
        for _ in 0..ROUND {
            sealed = self.client.sealed(&self.wire, &mut Chance, &self.item).await?.0;
        }
        Ok((begin.elapsed(), sealed))
    }

    async fn ours_opens(&self, sealed: &Item) -> Fallible<Duration> {
        let begin = Instant::now();
        for _ in 0..ROUND {
            self.client.open_item(&self.wire, sealed).await?;
        }
        Ok(begin.elapsed())
    }
}

pub async fn all(world: &World) -> Fallible<()> {
    branch::all(world, None, &mut Told::default()).await?;
    println!("| suite | what | faultline-sealed | aws-db-esdk 1.3.0 | times |");
    println!("| --- | --- | --- | --- | --- |");
    for (suite, name) in [(Suite::SymmetricOnly, "0x6700"), (Suite::WithSignature, "0x6701")] {
        let (config, item) = order(suite);
        let both = Both {
            encryptor: encryptor(world, &config).await?,
            client: client(world, &config, &Keys::Branch(HOME))?,
            wire: Wire::new(world),
            sdk: to_sdk(&item),
            item,
        };
        let [mut ours, mut theirs] = [[Duration::ZERO; 2]; 2];
        for round in 0..=ROUNDS {
            let (seal, sealed) = both.library_seals().await?;
            let open = both.library_opens(&sealed).await?;
            let (our_seal, sealed) = both.ours_seals().await?;
            let our_open = both.ours_opens(&sealed).await?;
            // The first round fetches the branch keys.
            if round > 0 {
                theirs = [theirs[0] + seal, theirs[1] + open];
                ours = [ours[0] + our_seal, ours[1] + our_open];
            }
        }
        for (at, what) in ["items sealed", "items opened"].iter().enumerate() {
            let rate = |spent: Duration| f64::from(ROUNDS * ROUND) / spent.as_secs_f64();
            let (mine, their) = (rate(ours[at]), rate(theirs[at]));
            println!("| {name} | {what} per second | {mine:.0} | {their:.0} | {:.1} |", mine / their);
        }
    }
    Ok(())
}
