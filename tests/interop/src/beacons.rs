//! Beacons of an item and queries for them, made by both.

use std::collections::HashMap;
use std::path::Path;

use aws_db_esdk::dynamodb::types as lib;
use aws_sdk_dynamodb::operation::query::QueryInput;
use faultline_sealed::beacons::{
    CompoundBeacon, EncryptedPart, Location, SignedPart, StandardBeacon, Transform, VirtualField,
    VirtualPart,
};
use faultline_sealed::{
    AttributeAction, BeaconConfig, BeaconKeyCache, BeaconSource, Beacons, Client, Item, Query,
    Schema, SchemaConfig, Search, Suite, Value,
};
use serde_json::{Value as Json, json};

use crate::branch::rows;
use crate::checks::{Told, at, stored};
use crate::convert::{from_sdk, json_of, to_sdk};
use crate::golden::{self, Golden};
use crate::items;
use crate::keys::{self, BRANCH, Keys};
use crate::wire::{Chance, Wire};
use crate::world::{HOME, TABLE, World};
use crate::{Fallible, real};

const NAME: &str = "beacons";

fn person(name: &str, card: &str) -> Item {
    let mut item = items::key_of(name);
    let more = [
        ("at", Value::S("2026-11-27".to_owned())),
        ("card", Value::S(card.to_owned())),
        ("city", Value::S("Oslo".to_owned())),
        ("tested", Value::Bool(true)),
        ("age", Value::N("41.50".to_owned())),
    ];
    item.extend(more.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn config() -> SchemaConfig {
    use AttributeAction::{EncryptAndSign, SignOnly};
    let actions = [
        ("pk", SignOnly),
        ("sk", SignOnly),
        ("at", SignOnly),
        ("card", EncryptAndSign),
        ("city", EncryptAndSign),
        ("tested", EncryptAndSign),
        ("age", EncryptAndSign),
    ];
    SchemaConfig {
        actions: actions.map(|(name, action)| (name.to_owned(), action)).into(),
        ..items::small(NAME, Suite::SymmetricOnly).0
    }
}

fn standard() -> [(&'static str, u8, &'static str); 4] {
    [("card", 24, "card"), ("city", 7, "city"), ("years", 63, "age"), ("cityInitial", 5, "cityInitial")]
}

fn ours() -> Fallible<BeaconConfig> {
    let mut config = BeaconConfig::default();
    for (name, length, location) in standard() {
        config.standard.push(StandardBeacon {
            name: name.to_owned(),
            length,
            location: Location::parse(location)?,
        });
    }
    let signed = |name: &str, prefix: &str| -> Fallible<SignedPart> {
        Ok(SignedPart {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            location: Location::parse(name)?,
        })
    };
    let encrypted = |name: &str, prefix: &str| EncryptedPart {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
    };
    config.compound.push(CompoundBeacon {
        name: "when".to_owned(),
        split: '.',
        signed: vec![signed("at", "A-")?],
        encrypted: vec![encrypted("city", "C-"), encrypted("card", "D-")],
        constructors: vec![vec![
            ("at".to_owned(), true),
            ("city".to_owned(), true),
            ("card".to_owned(), false),
        ]],
    });
    config.compound.push(CompoundBeacon {
        name: "plainly".to_owned(),
        split: '/',
        signed: vec![signed("pk", "P-")?, signed("at", "A-")?],
        encrypted: vec![],
        constructors: vec![],
    });
    config.virtual_fields.push(VirtualField {
        name: "cityInitial".to_owned(),
        parts: vec![
            VirtualPart {
                location: Location::parse("city")?,
                transforms: vec![Transform::Upper, Transform::Prefix(1)],
            },
            VirtualPart {
                location: Location::parse("tested")?,
                transforms: vec![Transform::Insert("!".to_owned())],
            },
        ],
    });
    Ok(config)
}

/// As golden files have it; the virtual field is the same in all of them.
fn written() -> Json {
    let standard = standard();
    let standard = standard.iter().map(|(name, length, location)| {
        json!({ "name": name, "length": length, "location": location })
    });
    json!({
        "standard": standard.collect::<Vec<_>>(),
        "compound": [
            {
                "name": "when", "split": ".",
                "signed": [{ "name": "at", "prefix": "A-" }],
                "encrypted": [{ "name": "city", "prefix": "C-" }, { "name": "card", "prefix": "D-" }],
                "constructors": [[["at", true], ["city", true], ["card", false]]],
            },
            {
                "name": "plainly", "split": "/",
                "signed": [{ "name": "pk", "prefix": "P-" }, { "name": "at", "prefix": "A-" }],
                "encrypted": [], "constructors": [],
            },
        ],
    })
}

fn library(world: &World) -> Fallible<lib::SearchConfig> {
    let mut beacons = Vec::new();
    for (name, length, location) in standard() {
        let beacon = lib::StandardBeacon::builder().name(name).length(i32::from(length));
        beacons.push(beacon.loc(location).build()?);
    }
    let signed = |name: &str, prefix: &str| lib::SignedPart::builder().name(name).prefix(prefix).build();
    let encrypted = |name: &str, prefix: &str| lib::EncryptedPart::builder().name(name).prefix(prefix).build();
    let part = |name: &str, required: bool| lib::ConstructorPart::builder().name(name).required(required).build();
    let constructor = lib::Constructor::builder()
        .parts(vec![part("at", true)?, part("city", true)?, part("card", false)?])
        .build()?;
    let when = lib::CompoundBeacon::builder()
        .name("when")
        .split(".")
        .signed(vec![signed("at", "A-")?])
        .encrypted(vec![encrypted("city", "C-")?, encrypted("card", "D-")?])
        .constructors(vec![constructor])
        .build()?;
    let plainly = lib::CompoundBeacon::builder()
        .name("plainly")
        .split("/")
        .signed(vec![signed("pk", "P-")?, signed("at", "A-")?])
        .build()?;
    let initial = vec![
        lib::VirtualTransform::Upper(lib::Upper::builder().build()?),
        lib::VirtualTransform::Prefix(lib::GetPrefix::builder().length(1).build()?),
    ];
    let mark = vec![lib::VirtualTransform::Insert(lib::Insert::builder().literal("!").build()?)];
    let field = lib::VirtualField::builder()
        .name("cityInitial")
        .parts(vec![
            lib::VirtualPart::builder().loc("city").trans(initial).build()?,
            lib::VirtualPart::builder().loc("tested").trans(mark).build()?,
        ])
        .build()?;
    let single = lib::SingleKeyStore::builder().key_id(BRANCH).cache_ttl(600).build()?;
    let version = lib::BeaconVersion::builder()
        .version(1)
        .standard_beacons(beacons)
        .compound_beacons(vec![when, plainly])
        .virtual_fields(vec![field])
        .key_store(real::key_store(world, HOME)?)
        .key_source(lib::BeaconKeySource::Single(single))
        .build()?;
    Ok(lib::SearchConfig::builder().write_version(1).versions(vec![version]).build()?)
}

fn asked() -> Vec<Query> {
    let query = |key_condition: &str, filter: Option<&str>, values: &[(&str, &str)]| Query {
        key_condition: Some(key_condition.to_owned()),
        filter: filter.map(str::to_owned),
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::S((*value).to_owned())))
            .collect(),
        ..Query::default()
    };
    let mut indirect = query("#w = :w", None, &[(":w", "A-2026-11-27.C-Oslo.D-4242")]);
    indirect.names = [("#w".to_owned(), "when".to_owned())].into();
    let mut number = query("years = :n", None, &[]);
    number.values = [(":n".to_owned(), Value::N("41.5".to_owned()))].into();
    vec![
        query("city = :c", Some("card = :d OR at = :a"), &[(":c", "Oslo"), (":d", "4242"), (":a", "x")]),
        query("cityInitial = :c", None, &[(":c", "Otrue!")]),
        query("city = :c AND begins_with(when, :w)", None, &[(":c", "Rome"), (":w", "A-2026")]),
        query("city = :c", Some("when BETWEEN :x AND :y"), &[(":c", "a"), (":x", "A-1"), (":y", "A-2.C-")]),
        query("city = :c", Some("card IN (:x, :y)"), &[(":c", "a"), (":x", "1"), (":y", "2")]),
        query("plainly = :p", None, &[(":p", "P-a/A-b")]),
        indirect,
        number,
    ]
}

fn query_json(query: &Query) -> Json {
    json!({
        "key_condition": query.key_condition,
        "filter": query.filter,
        "names": query.names,
        "values": json_of(&query.values),
    })
}

async fn rewritten(transforms: &aws_db_esdk::Client, query: &Query) -> Fallible<Query> {
    let names: HashMap<String, String> = query.names.clone().into_iter().collect();
    let input = QueryInput::builder()
        .table_name(TABLE)
        .set_key_condition_expression(query.key_condition.clone())
        .set_filter_expression(query.filter.clone())
        .set_expression_attribute_names((!names.is_empty()).then_some(names))
        .set_expression_attribute_values(Some(to_sdk(&query.values)))
        .build()?;
    let said = transforms.query_input_transform().sdk_input(input).send().await?;
    let new = said.transformed_input.ok_or("no query")?;
    Ok(Query {
        key_condition: new.key_condition_expression().map(str::to_owned),
        filter: new.filter_expression().map(str::to_owned),
        names: new.expression_attribute_names().cloned().unwrap_or_default().into_iter().collect(),
        values: from_sdk(&new.expression_attribute_values().cloned().unwrap_or_default()),
    })
}

pub async fn all(world: &World, folder: Option<&Path>, told: &mut Told) -> Fallible<()> {
    let config = config();
    let keyring = real::keyring(world, &Keys::Branch(HOME)).await?;
    let table = real::table(&config, keyring, Some(library(world)?))?;
    let transforms = aws_db_esdk::Client::from_conf(table.clone())?;
    let dynamodb = real::dynamodb(world, HOME, table)?;

    let search = Search::new(ours()?, &Schema::new(config.clone())?)?;
    let source = BeaconSource {
        store: keys::store(world, HOME)?,
        key_id: BRANCH.to_owned(),
        time_to_live: 600,
        cache: BeaconKeyCache::default(),
    };
    let client = Client::new(Schema::new(config.clone())?, keys::keyring(world, &Keys::Branch(HOME))?);
    let client = client.with_beacons(Beacons { search: search.clone(), source: source.clone() });
    let wire = Wire::new(world);

    let item = person(NAME, "4242");
    dynamodb.put_item().table_name(TABLE).set_item(Some(to_sdk(&item))).send().await?;
    let written_item = stored(world, HOME, &items::key_of(NAME), None).await?;
    let opened = client.get_item(&wire, &at(HOME)?, &items::key_of(NAME), true).await?.ok_or("no item")?;
    let theirs = dynamodb.get_item().table_name(TABLE).set_key(Some(to_sdk(&items::key_of(NAME))));
    let theirs = from_sdk(&theirs.consistent_read(true).send().await?.item.ok_or("no item")?);
    told.tell("beacons: what the library wrote opens", opened.item == theirs, || format!("{:?} {theirs:?}", opened.item));
    let keys = search.keys(&source.key(&wire).await?);
    let beacons = |item: &Item| -> Item {
        let kept = item.iter().filter(|(name, _)| name.starts_with("aws_dbe_b_") || name.starts_with("aws_dbe_v"));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let ours_put = client.put_item(&wire, &mut Chance, &at(HOME)?, &person("beacons-ours", "4242")).await?;
    let (mine, their) = (beacons(&ours_put.stored), beacons(&written_item));
    told.tell("beacons: the same as the library's", mine == their, || format!("{mine:?}\n{their:?}"));
    let again = dynamodb.get_item().table_name(TABLE).set_key(Some(to_sdk(&items::key_of("beacons-ours"))));
    let again = again.consistent_read(true).send().await;
    told.tell("beacons: what faultline wrote opens", again.is_ok(), || format!("{again:?}"));

    let mut queries = Vec::new();
    for query in asked() {
        let theirs = rewritten(&transforms, &query).await;
        let mine = search.rewritten(&query, &keys);
        let what = format!("beacons: the query {:?}", query.key_condition);
        let (Ok(theirs), Ok(mine)) = (&theirs, &mine) else {
            told.tell(&what, theirs.is_err() && mine.is_err(), || format!("{theirs:?} {mine:?}"));
            continue;
        };
        told.tell(&what, theirs == mine, || format!("{mine:?}\n{theirs:?}"));
        queries.push(json!({ "asked": query_json(&query), "rewritten": query_json(theirs) }));
    }
    let golden = Golden {
        what: "an item with beacons, and queries for it",
        config: &config,
        plain: &item,
        stored: &written_item,
        opened: &theirs,
        kms: wire.opened(),
        more: json!({ "rows": rows(world, HOME).await?, "beacons": written(), "queries": queries }),
    };
    golden::write(folder, NAME, golden)
}
