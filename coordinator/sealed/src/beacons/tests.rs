//! Beacons of items, queries for them, and what is refused.

use super::*;
use crate::schema::{AttributeAction, SchemaConfig};

fn text(text: &str) -> Value {
    Value::S(text.to_owned())
}

fn schema() -> Schema {
    let actions = [
        ("id", AttributeAction::SignOnly),
        ("at", AttributeAction::SignOnly),
        ("city", AttributeAction::EncryptAndSign),
        ("card", AttributeAction::EncryptAndSign),
        ("tested", AttributeAction::EncryptAndSign),
        ("open", AttributeAction::DoNothing),
    ];
    Schema::new(SchemaConfig {
        logical_table_name: "people".to_owned(),
        partition_key: "id".to_owned(),
        actions: actions
            .map(|(name, action)| (name.to_owned(), action))
            .into(),
        allowed_unsigned_attributes: ["open".to_owned()].into(),
        ..SchemaConfig::default()
    })
    .unwrap()
}

fn standard(name: &str, length: u8) -> StandardBeacon {
    StandardBeacon {
        name: name.to_owned(),
        length,
        location: Location::parse(name).unwrap(),
    }
}

fn signed(name: &str, prefix: &str) -> SignedPart {
    SignedPart {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        location: Location::parse(name).unwrap(),
    }
}

fn encrypted(name: &str, prefix: &str) -> EncryptedPart {
    EncryptedPart {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
    }
}

fn config() -> BeaconConfig {
    let part = |name: &str, transforms| VirtualPart {
        location: Location::parse(name).unwrap(),
        transforms,
    };
    BeaconConfig {
        standard: vec![
            standard("city", 8),
            standard("card", 24),
            standard("cityTested", 5),
        ],
        compound: vec![
            CompoundBeacon {
                name: "when".to_owned(),
                split: '.',
                signed: vec![signed("at", "A-")],
                encrypted: vec![encrypted("city", "C-"), encrypted("card", "D-")],
                constructors: vec![vec![
                    ("at".to_owned(), true),
                    ("city".to_owned(), true),
                    ("card".to_owned(), false),
                ]],
            },
            CompoundBeacon {
                name: "plain".to_owned(),
                split: '.',
                signed: vec![signed("id", "I-"), signed("at", "A-")],
                encrypted: vec![],
                constructors: vec![],
            },
        ],
        virtual_fields: vec![VirtualField {
            name: "cityTested".to_owned(),
            parts: vec![
                part("city", vec![Transform::Upper]),
                part("tested", vec![Transform::Prefix(1)]),
            ],
        }],
    }
}

fn search() -> Search {
    Search::new(config(), &schema()).unwrap()
}

fn keys() -> BeaconKeys {
    search().keys(&BeaconKey::new([3; 32]))
}

fn person() -> Item {
    [
        ("id", text("p1")),
        ("at", text("2026")),
        ("city", text("Oslo")),
        ("tested", Value::Bool(true)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn query(key_condition: &str, values: &[(&str, &str)]) -> Query {
    Query {
        key_condition: Some(key_condition.to_owned()),
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect(),
        ..Query::default()
    }
}

#[test]
fn cse_035_cse_037_beacons_are_added_for_what_the_item_has() {
    let beacons = search().beacons(&person(), &keys()).unwrap();
    let names: Vec<&str> = beacons.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["aws_dbe_b_city", "aws_dbe_b_cityTested", "aws_dbe_b_when"]
    );
    let city = beacons["aws_dbe_b_city"].clone();
    assert_eq!(city, text(&keys().beacon("city", b"Oslo", 8).unwrap()));
    let of = keys().beacon("cityTested", b"OSLOt", 5).unwrap();
    assert_eq!(beacons["aws_dbe_b_cityTested"], text(&of));
    let Value::S(city) = city else {
        panic!("a beacon is text")
    };
    // Optional parts that are not there are left out.
    assert_eq!(beacons["aws_dbe_b_when"], text(&format!("A-2026.C-{city}")));
    let with_signed = search().with_signed(&person()).unwrap();
    assert_eq!(with_signed["plain"], text("I-p1.A-2026"));
    assert!(!with_signed.contains_key("aws_dbe_v_1"));
}

#[test]
fn cse_036_a_value_with_the_split_character_and_a_contradiction_are_refused() {
    let mut item = person();
    item.insert("at".to_owned(), text("20.26"));
    let error = search().beacons(&item, &keys()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("which contains the split character")
    );
    let mut item = person();
    item.insert("plain".to_owned(), text("else"));
    assert_eq!(
        search().with_signed(&item).unwrap_err().to_string(),
        "Signed beacons have generated values different from supplied values."
    );
}

#[test]
fn cse_038_a_query_asks_for_beacons() {
    let asked = query(
        "city = :city AND #w = :w",
        &[(":city", "Oslo"), (":w", "A-2026.C-Oslo")],
    );
    let asked = Query {
        names: [("#w".to_owned(), "when".to_owned())].into(),
        filter: Some("id = :id OR attribute_exists(card)".to_owned()),
        values: asked
            .values
            .into_iter()
            .chain([(":id".to_owned(), text("p1"))])
            .collect(),
        ..asked
    };
    assert!(search().concerns(&asked));
    let new = search().rewritten(&asked, &keys()).unwrap();
    assert_eq!(
        new.key_condition.as_deref(),
        Some("aws_dbe_b_city = :city AND #w = :w")
    );
    assert_eq!(
        new.filter.as_deref(),
        Some("id = :id OR attribute_exists ( card )")
    );
    assert_eq!(new.names["#w"], "aws_dbe_b_when");
    let beacons = search().beacons(&person(), &keys()).unwrap();
    assert_eq!(new.values[":city"], beacons["aws_dbe_b_city"]);
    assert_eq!(new.values[":w"], beacons["aws_dbe_b_when"]);
    assert_eq!(new.values[":id"], text("p1"));
}

#[test]
fn cse_036_signed_parts_have_an_order_and_a_prefix_stands_for_all() {
    let rewritten = |text: &str, values: &[(&str, &str)]| {
        let query = query(text, values);
        search().rewritten(&query, &keys()).map(|new| new.values)
    };
    let begun = rewritten("begins_with(when, :x)", &[(":x", "A-20")]).unwrap();
    assert_eq!(begun[":x"], text("A-20"));
    let low = rewritten("when < :x", &[(":x", "A-2026.C-")]).unwrap();
    assert_eq!(low[":x"], text("A-2026.C-"));
    let between = "when BETWEEN :x AND :y";
    let both = rewritten(between, &[(":x", "A-2020"), (":y", "A-2027")]).unwrap();
    assert_eq!(both[":y"], text("A-2027"));
    let refused = rewritten(between, &[(":x", "A-1.C-a"), (":y", "A-2")]).unwrap_err();
    assert!(refused.to_string().contains("must be LessThanComparable"));
    let refused = rewritten("when < :x", &[(":x", "A-1.C-a")]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("unless the value is LessThanComparable")
    );
    let refused = rewritten("when = :x", &[(":x", "C-Oslo.A-1")]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("value parsed as C-A- available constructors are A-C-[D-].")
    );
    let refused = rewritten("when = :x", &[(":x", "Z-1")]).unwrap_err();
    assert!(refused.to_string().contains("does not match the prefix"));
}

#[test]
fn cse_035_standard_beacons_are_equal_or_not_and_nothing_else() {
    let refused = |expression: &str| {
        let query = query(expression, &[(":x", "a"), (":y", "b")]);
        search().rewritten(&query, &keys()).unwrap_err().to_string()
    };
    for operator in ["<", "<=", ">", ">=", "<>"] {
        assert_eq!(
            refused(&format!("city {operator} :x")),
            format!("The operation '{operator}' cannot be used with a standard beacon.")
        );
    }
    assert_eq!(
        refused("city BETWEEN :x AND :y"),
        "The operation BETWEEN cannot be used with a standard beacon."
    );
    assert_eq!(
        refused("begins_with(city, :x)"),
        "The operation 'begins_with' cannot be used with a standard beacon."
    );
    assert_eq!(
        refused("tested = :x"),
        "Field tested is encrypted, and cannot be searched without a beacon."
    );
    assert_eq!(
        refused("size(city) = :x"),
        "Function size cannot be used on encrypted fields, but it is being used with city"
    );
    assert_eq!(
        refused("city = :x OR card = :x"),
        ":x used in two different contexts, which is not allowed."
    );
    let listed = query("city IN (:x, :y)", &[(":x", "a"), (":y", "b")]);
    let new = search().rewritten(&listed, &keys()).unwrap();
    assert_eq!(
        new.values[":y"],
        text(&keys().beacon("city", b"b", 8).unwrap())
    );
}

#[test]
fn cse_035_what_merely_collides_is_dropped() {
    let asked = |expression: &str, value: &str| {
        let query = query(expression, &[(":x", value)]);
        search().matches(&query, &person()).unwrap()
    };
    assert!(asked("city = :x", "Oslo") && !asked("city = :x", "Rome"));
    assert!(asked("cityTested = :x", "OSLOt") && !asked("cityTested = :x", "OSLOf"));
    assert!(asked("when = :x", "A-2026.C-Oslo") && !asked("when = :x", "A-2026.C-Rome"));
    assert!(asked("begins_with(when, :x)", "A-202"));
    assert!(asked("NOT card = :x AND (id = :x OR city = :x)", "Oslo"));
    assert!(!asked("attribute_exists(card)", ""));
}

#[test]
fn cse_036_what_is_no_good_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut BeaconConfig)| {
        let mut config = config();
        change(&mut config);
        Search::new(config, &schema()).unwrap_err().to_string()
    };
    let cases: Vec<(&str, String)> = vec![
        (
            "At least one standard beacon",
            refused(&|c| c.standard.clear()),
        ),
        ("must be 1 to 63", refused(&|c| c.standard[0].length = 64)),
        (
            "not defined on an encrypted field",
            refused(&|c| c.standard.push(standard("other", 8))),
        ),
        (
            "already an unencrypted attribute",
            refused(&|c| c.standard[0].name = "at".to_owned()),
        ),
        (
            "is already defined on that location",
            refused(&|c| {
                c.standard.push(StandardBeacon {
                    name: "again".to_owned(),
                    ..standard("city", 9)
                });
            }),
        ),
        (
            "which is not SIGN_ONLY",
            refused(&|c| c.compound[1].signed[0] = signed("city", "I-")),
        ),
        (
            "which is incompatible with part",
            refused(&|c| c.compound[0].signed[0].prefix = "C".to_owned()),
        ),
        (
            "which is not configured",
            refused(&|c| c.compound[0].encrypted[0].name = "x".to_owned()),
        ),
        (
            "no part by that name",
            refused(&|c| c.compound[0].constructors[0][0].0 = "x".to_owned()),
        ),
        (
            "lacks any required parts",
            refused(&|c| c.compound[0].constructors[0].retain(|p| !p.1)),
        ),
        (
            "Duplicate CompoundBeacon name",
            refused(&|c| c.compound[1].name = "when".to_owned()),
        ),
        (
            "no parts were supplied",
            refused(&|c| c.compound[1].signed.clear()),
        ),
        (
            "already a configured attribute",
            refused(&|c| c.virtual_fields[0].name = "card".to_owned()),
        ),
        (
            "must be defined on signed fields",
            refused(&|c| c.virtual_fields[0].parts[0].location = Location::parse("open").unwrap()),
        ),
    ];
    for (wanted, got) in cases {
        assert!(got.contains(wanted), "{wanted}: {got}");
    }
}
