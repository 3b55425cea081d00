//! Branch keys that one makes and the other uses.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use faultline_sealed::{Item, Suite};
use serde_json::{Value as Json, json};

use crate::checks::{Told, at, client, stored};
use crate::convert::{from_sdk, json_of, to_sdk};
use crate::golden::{self, Golden};
use crate::items;
use crate::keys::{self, BRANCH, Keys};
use crate::wire::{Chance, Wire};
use crate::world::{AWAY, HOME, KEYS, TABLE, World};
use crate::{Fallible, real};

/// Rows of the key store, as a Region has them.
pub async fn rows(world: &World, region: &str) -> Fallible<Vec<Json>> {
    let mut rows = Vec::new();
    let mut kinds = vec!["beacon:ACTIVE".to_owned(), "branch:ACTIVE".to_owned()];
    while let Some(kind) = kinds.pop() {
        let key = HashMap::from([("branch-key-id", BRANCH), ("type", &kind)].map(|(name, text)| {
            (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned()))
        }));
        let got = world.dynamodb(region).get_item().table_name(KEYS).set_key(Some(key)).send().await?;
        let row: Item = from_sdk(&got.item.ok_or("no such row")?);
        if let (Some(faultline_sealed::Value::S(version)), "branch:ACTIVE") = (row.get("version"), kind.as_str()) {
            kinds.push(version.clone());
        }
        rows.push(json_of(&row));
    }
    Ok(rows)
}

pub async fn all(world: &World, folder: Option<&Path>, told: &mut Told) -> Fallible<()> {
    library_makes(world).await?;
    for suite in [Suite::SymmetricOnly, Suite::WithSignature] {
        let name = match suite {
            Suite::SymmetricOnly => "branch-key-6700",
            Suite::WithSignature => "branch-key-6701",
        };
        library_writes(world, folder, told, name, suite).await?;
        ours_writes(world, told, name, suite).await?;
    }
    rotated(world, told).await?;
    ours_makes(world, told).await
}

async fn library_makes(world: &World) -> Fallible<()> {
    let store = real::key_store(world, HOME)?;
    let context = HashMap::from([("tenant".to_owned(), "a".to_owned())]);
    let made = store.create_key().branch_key_identifier(BRANCH).encryption_context(context);
    made.send().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

async fn library_get(world: &World, region: &'static str, suite: Suite, name: &str) -> Fallible<Item> {
    let (config, _) = items::small(name, suite);
    let keyring = real::keyring(world, &Keys::Branch(region)).await?;
    let reader = real::dynamodb(world, region, real::table(&config, keyring, None)?)?;
    let key = to_sdk(&items::key_of(name));
    let got = reader.get_item().table_name(TABLE).set_key(Some(key)).consistent_read(true).send().await?;
    Ok(from_sdk(&got.item.unwrap_or_default()))
}

async fn library_put(world: &World, suite: Suite, name: &str) -> Fallible<Item> {
    let (config, item) = items::small(name, suite);
    let keyring = real::keyring(world, &Keys::Branch(HOME)).await?;
    let writer = real::dynamodb(world, HOME, real::table(&config, keyring, None)?)?;
    writer.put_item().table_name(TABLE).set_item(Some(to_sdk(&item))).send().await?;
    stored(world, HOME, &items::key_of(name), None).await
}

async fn library_writes(
    world: &World,
    folder: Option<&Path>,
    told: &mut Told,
    name: &str,
    suite: Suite,
) -> Fallible<()> {
    let (config, item) = items::small(name, suite);
    let written = library_put(world, suite, name).await?;
    let key = items::key_of(name);
    for region in [HOME, AWAY] {
        stored(world, region, &key, Some(&written)).await?;
        let theirs = library_get(world, region, suite, name).await?;
        let wire = Wire::new(world);
        let reader = client(world, &config, &Keys::Branch(region))?;
        let ours = reader.get_item(&wire, &at(region)?, &key, true).await;
        let what = format!("{name}: the library writes, its branch key opens it in {region}");
        let opened = ours.as_ref().ok().and_then(Option::as_ref).map(|opened| &opened.item);
        told.tell(&what, opened == Some(&theirs), || format!("{ours:?}"));
        if region == HOME {
            let golden = Golden {
                what: &what,
                config: &config,
                plain: &item,
                stored: &written,
                opened: &theirs,
                kms: wire.opened(),
                more: json!({ "rows": rows(world, HOME).await? }),
            };
            golden::write(folder, name, golden)?;
        }
    }
    Ok(())
}

async fn ours_writes(world: &World, told: &mut Told, name: &str, suite: Suite) -> Fallible<()> {
    let (config, item) = items::small(name, suite);
    let wire = Wire::new(world);
    let writer = client(world, &config, &Keys::Branch(HOME))?;
    let put = writer.put_item(&wire, &mut Chance, &at(HOME)?, &item).await?;
    for region in [HOME, AWAY] {
        stored(world, region, &items::key_of(name), Some(&put.stored)).await?;
        let theirs = library_get(world, region, suite, name).await;
        let what = format!("{name}: faultline writes under the library's branch key, read in {region}");
        told.tell(&what, theirs.as_ref().is_ok_and(|it| *it == item), || format!("{theirs:?}"));
    }
    Ok(())
}

/// Old items stay readable for both after a rotation, and both write with the new version.
async fn rotated(world: &World, told: &mut Told) -> Fallible<()> {
    let wire = Wire::new(world);
    let store = keys::store(world, HOME)?;
    store.version_key(&wire, &mut Chance, BRANCH).await?;
    let suite = Suite::SymmetricOnly;
    let old = library_get(world, HOME, suite, "branch-key-6700").await;
    told.tell("after a rotation by faultline the library reads what the old version wrote", old.is_ok(), || format!("{old:?}"));
    library_put(world, suite, "rotated").await?;
    let (config, item) = items::small("rotated", suite);
    let reader = client(world, &config, &Keys::Branch(HOME))?;
    let ours = reader.get_item(&wire, &at(HOME)?, &items::key_of("rotated"), true).await;
    let opened = ours.as_ref().ok().and_then(Option::as_ref).map(|opened| &opened.item);
    told.tell("and writes with the new one, which faultline opens", opened == Some(&item), || format!("{ours:?}"));
    Ok(())
}

async fn ours_makes(world: &World, told: &mut Told) -> Fallible<()> {
    let wire = Wire::new(world);
    let custom = BTreeMap::from([("tenant".to_owned(), "b".to_owned())]);
    let store = keys::store(world, HOME)?;
    store.create_key(&wire, &mut Chance, Some("tenant-b"), &custom).await?;
    let library = real::key_store(world, HOME)?;
    let active = library.get_active_branch_key().branch_key_identifier("tenant-b").send().await;
    told.tell("the library opens a branch key that faultline made", active.is_ok(), || format!("{active:?}"));
    let beacon = library.get_beacon_key().branch_key_identifier("tenant-b").send().await;
    told.tell("and its beacon key", beacon.is_ok(), || format!("{beacon:?}"));
    Ok(())
}
