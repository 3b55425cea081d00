//! Items that one writes and the other opens, in two Regions.

use std::path::Path;
use std::time::Duration;

use faultline_proto::names::RegionName;
use faultline_sealed::{Client, Item, Schema, SchemaConfig, Suite, TableAt};
use serde_json::json;

use crate::convert::{from_sdk, to_sdk};
use crate::golden::{self, Golden};
use crate::items;
use crate::keys::{self, Keys};
use crate::wire::{Chance, Wire};
use crate::world::{AWAY, HOME, TABLE, World};
use crate::{Fallible, real};

/// What was found so far.
#[derive(Default)]
pub struct Told {
    held: u32,
    broken: u32,
}

impl Told {
    pub fn tell(&mut self, what: &str, holds: bool, why: impl FnOnce() -> String) {
        if holds {
            self.held += 1;
            println!("holds   {what}");
        } else {
            self.broken += 1;
            println!("BROKEN  {what}: {}", why());
        }
    }

    pub fn finish(&self) -> Fallible<()> {
        println!("{} hold, {} do not", self.held, self.broken);
        if self.broken > 0 {
            return Err("the two do not agree".into());
        }
        Ok(())
    }
}

/// One story: who writes with which keys, and who reads where.
struct Story {
    name: &'static str,
    suite: Suite,
    version_two: bool,
    writer: Keys,
    readers: &'static [(&'static str, Keys)],
}

const fn story(
    name: &'static str,
    suite: Suite,
    version_two: bool,
    writer: Keys,
    readers: &'static [(&'static str, Keys)],
) -> Story {
    Story {
        name,
        suite,
        version_two,
        writer,
        readers,
    }
}

const MRK: &[(&str, Keys)] = &[
    (HOME, Keys::Mrk(HOME)),
    (AWAY, Keys::Mrk(AWAY)),
    (AWAY, Keys::MrkDiscovery(AWAY)),
    (HOME, Keys::Discovery(HOME)),
];
const BOTH: Keys = Keys::Several(&[Keys::Mrk(HOME), Keys::Single(AWAY)]);
const STORIES: [Story; 6] = [
    story("suite-6700", Suite::SymmetricOnly, false, Keys::Mrk(HOME), MRK),
    story("suite-6701", Suite::WithSignature, false, Keys::Mrk(HOME), MRK),
    story("suite-6700-in-context", Suite::SymmetricOnly, true, Keys::Mrk(HOME), MRK),
    story("suite-6701-in-context", Suite::WithSignature, true, Keys::Mrk(HOME), MRK),
    story(
        "single-region-key",
        Suite::WithSignature,
        false,
        Keys::Single(HOME),
        &[(AWAY, Keys::Single(HOME)), (HOME, Keys::Discovery(HOME))],
    ),
    story(
        "two-keys",
        Suite::SymmetricOnly,
        false,
        BOTH,
        &[(HOME, Keys::Mrk(HOME)), (AWAY, Keys::Mrk(AWAY)), (AWAY, Keys::Single(AWAY)), (AWAY, BOTH)],
    ),
];

pub async fn all(world: &World, folder: Option<&Path>, told: &mut Told) -> Fallible<()> {
    for story in &STORIES {
        let (config, item) = items::whole(story.name, story.suite, story.version_two);
        real_writes(world, folder, told, story, &config, &item).await?;
        ours_writes(world, told, story, &config, &item).await?;
    }
    refusals(world, told).await
}

pub fn at(region: &str) -> Fallible<TableAt> {
    Ok(TableAt {
        region: RegionName::new(region)?,
        name: TABLE.to_owned(),
    })
}

pub fn client(world: &World, config: &SchemaConfig, keys: &Keys) -> Fallible<Client> {
    Ok(Client::new(Schema::new(config.clone())?, keys::keyring(world, keys)?))
}

/// The stored item, once a Region has the one with this header.
pub async fn stored(world: &World, region: &str, key: &Item, wanted: Option<&Item>) -> Fallible<Item> {
    for _ in 0..200 {
        let got = world.dynamodb(region).get_item().table_name(TABLE).set_key(Some(to_sdk(key)));
        let got = got.consistent_read(true).send().await?.item.unwrap_or_default();
        let item = from_sdk(&got);
        let is_it = wanted.is_none_or(|wanted| wanted.get("aws_dbe_head") == item.get("aws_dbe_head"));
        if !item.is_empty() && is_it {
            return Ok(item);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the item did not arrive".into())
}

async fn real_get(world: &World, region: &str, config: &SchemaConfig, keys: &Keys, key: &Item) -> Fallible<Item> {
    let table = real::table(config, real::keyring(world, keys).await?, None)?;
    let got = real::dynamodb(world, region, table)?.get_item().table_name(TABLE);
    let got = got.set_key(Some(to_sdk(key))).consistent_read(true).send().await?;
    Ok(from_sdk(&got.item.unwrap_or_default()))
}

async fn real_writes(
    world: &World,
    folder: Option<&Path>,
    told: &mut Told,
    story: &Story,
    config: &SchemaConfig,
    item: &Item,
) -> Fallible<()> {
    let table = real::table(config, real::keyring(world, &story.writer).await?, None)?;
    let writer = real::dynamodb(world, real::WRITES, table)?;
    writer.put_item().table_name(TABLE).set_item(Some(to_sdk(item))).send().await?;
    let key = items::key_of(story.name);
    let written = stored(world, HOME, &key, None).await?;
    for (number, (region, keys)) in story.readers.iter().enumerate() {
        stored(world, region, &key, Some(&written)).await?;
        let theirs = real_get(world, region, config, keys, &key).await;
        let wire = Wire::new(world);
        let ours = client(world, config, keys)?.get_item(&wire, &at(region)?, &key, true).await;
        let what = format!("{}: the library writes, {keys:?} opens it in {region}", story.name);
        let (Ok(theirs), Ok(Some(ours))) = (&theirs, &ours) else {
            told.tell(&what, false, || format!("{theirs:?} {ours:?}"));
            continue;
        };
        told.tell(&what, ours.item == *theirs, || format!("{:?}\n{theirs:?}", ours.item));
        if number == 0 {
            let kms = wire.opened();
            let golden = Golden {
                what: &what,
                config,
                plain: item,
                stored: &written,
                opened: theirs,
                kms,
                more: json!({}),
            };
            golden::write(folder, story.name, golden)?;
        }
    }
    Ok(())
}

async fn ours_writes(
    world: &World,
    told: &mut Told,
    story: &Story,
    config: &SchemaConfig,
    item: &Item,
) -> Fallible<()> {
    let wire = Wire::new(world);
    let writer = client(world, config, &story.writer)?;
    let put = writer.put_item(&wire, &mut Chance, &at(HOME)?, item).await?;
    let key = items::key_of(story.name);
    for (region, keys) in story.readers {
        stored(world, region, &key, Some(&put.stored)).await?;
        let theirs = real_get(world, region, config, keys, &key).await;
        let ours = client(world, config, keys)?.get_item(&wire, &at(region)?, &key, true).await;
        let what = format!("{}: faultline writes, {keys:?} opens it in {region}", story.name);
        let (Ok(theirs), Ok(Some(ours))) = (&theirs, &ours) else {
            told.tell(&what, false, || format!("{theirs:?} {ours:?}"));
            continue;
        };
        told.tell(&what, ours.item == *theirs, || format!("{:?}\n{theirs:?}", ours.item));
    }
    Ok(())
}

/// Both refuse the same, in the same words.
async fn refusals(world: &World, told: &mut Told) -> Fallible<()> {
    let (config, item) = items::small("refused", Suite::SymmetricOnly);
    let wire = Wire::new(world);
    let writer = client(world, &config, &Keys::Single(HOME))?;
    writer.put_item(&wire, &mut Chance, &at(HOME)?, &item).await?;
    let key = items::key_of("refused");
    let wrong = Keys::Single(AWAY);
    let moved = SchemaConfig {
        logical_table_name: "another".to_owned(),
        ..config.clone()
    };
    let several = Keys::Several(&[Keys::Single(AWAY), Keys::Mrk(HOME)]);
    for (what, config, keys) in [
        ("a key that is not the item's", &config, wrong),
        ("several keys that are not the item's", &config, several),
        ("another logical table", &moved, Keys::Single(HOME)),
    ] {
        let theirs = real_get(world, HOME, config, &keys, &key).await.err();
        let ours = client(world, config, &keys)?.get_item(&wire, &at(HOME)?, &key, true).await.err();
        let theirs = theirs.map(|error| format!("{error:?}"));
        println!("        {what}\n          library: {}\n          ours: {}",
            theirs.as_deref().unwrap_or("-").chars().take(900).collect::<String>(),
            ours.as_ref().map(ToString::to_string).unwrap_or_default());
        told.tell(&format!("refused by both: {what}"), theirs.is_some() && ours.is_some(), String::new);
    }
    Ok(())
}
