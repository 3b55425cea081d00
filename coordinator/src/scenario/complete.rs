//! What may be written at a place of a scenario file: an editor's completion, from the same
//! schema that editors of one's own are given.
//!
//! The text up to the cursor is half a file, so it is not parsed: [`place`] reads indentation,
//! dashes and brackets, which is enough to know the keys above the cursor. Below them the schema
//! says what may come.
//!
//! Left out: names of the world (`$name`, Regions, keys), which the schema does not know.

mod place;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use place::{Place, Segment};

/// Most that is offered at once.
const MOST: usize = 60;
/// How deep alternatives within alternatives are followed.
const DEEP: usize = 12;

static SCHEMA: LazyLock<Value> = LazyLock::new(super::schema::scenario);

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    /// The word.
    pub word: String,
    /// What it says, may be empty.
    pub detail: String,
    /// Whether it is a key, which a colon follows.
    pub key: bool,
}

/// What may come, and the letters before the cursor that it replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Offers {
    /// The part of the word that is written already.
    pub prefix: String,
    /// Words that begin so first, then those that have it somewhere.
    pub offers: Vec<Offer>,
}

/// What may be written after this beginning of a file.
#[must_use]
pub fn complete(before: &str) -> Offers {
    let Some(place) = Place::of(before) else {
        return Offers::default();
    };
    let mut found = BTreeMap::new();
    for node in at(&place) {
        if !place.value {
            keys(node, &place.beside, &mut found);
        }
        if place.value || matches!(place.path.last(), Some(Segment::Item)) {
            values(node, &mut found);
        }
    }
    let (prefix, wanted) = (&place.prefix, place.prefix.to_lowercase());
    let offers = found
        .into_iter()
        .filter(|(word, _)| word.to_lowercase().contains(&wanted) && word != prefix);
    let mut offers: Vec<Offer> = offers
        .map(|(word, (detail, key))| Offer { word, detail, key })
        .collect();
    offers.sort_by_key(|offer| !offer.word.to_lowercase().starts_with(&wanted));
    offers.truncate(MOST);
    Offers {
        prefix: place.prefix,
        offers,
    }
}

/// The parts of the schema that speak of a place.
fn at(place: &Place) -> Vec<&'static Value> {
    let none = Vec::new();
    let beside = |index: usize| match place.path.get(index) {
        Some(Segment::Key { beside, .. }) => beside,
        Some(Segment::Item) => &none,
        None => &place.beside,
    };
    let mut here = Vec::new();
    spread(&SCHEMA, beside(0), DEEP, &mut here);
    for (index, segment) in place.path.iter().enumerate() {
        let mut below = Vec::new();
        for node in here {
            if let Some(next) = step(node, segment) {
                spread(next, beside(index + 1), DEEP, &mut below);
            }
        }
        here = below;
    }
    here
}

fn step(node: &'static Value, segment: &Segment) -> Option<&'static Value> {
    match segment {
        Segment::Item => node.get("items").filter(|items| items.is_object()),
        Segment::Key { name, .. } => {
            let named = node.get("properties").and_then(|all| all.get(name));
            named.or_else(|| node.get("additionalProperties").filter(|it| it.is_object()))
        }
    }
}

/// A part with all that it refers to and its alternatives; conditions hold by the keys beside.
fn spread(node: &'static Value, beside: &[String], deep: usize, into: &mut Vec<&'static Value>) {
    let Some(deep) = deep.checked_sub(1) else {
        return;
    };
    if let Some(name) = node.get("$ref").and_then(Value::as_str) {
        let name = name.trim_start_matches("#/definitions/");
        if let Some(found) = SCHEMA["definitions"].get(name) {
            spread(found, beside, deep, into);
        }
    }
    for group in ["allOf", "anyOf", "oneOf"] {
        for one in node
            .get(group)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            spread(one, beside, deep, into);
        }
    }
    let required = node.pointer("/if/required/0").and_then(Value::as_str);
    if required.is_some_and(|key| beside.iter().any(|it| it == key))
        && let Some(then) = node.get("then")
    {
        spread(then, beside, deep, into);
    }
    into.push(node);
}

type Found = BTreeMap<String, (String, bool)>;

fn keys(node: &Value, beside: &[String], found: &mut Found) {
    let none = Map::new();
    let all = node.get("properties").and_then(Value::as_object);
    for (key, value) in all.unwrap_or(&none) {
        if !beside.contains(key) {
            let detail = value.get("description").and_then(Value::as_str);
            let detail = detail.unwrap_or_default().to_owned();
            let there = found.entry(key.clone()).or_insert((String::new(), true));
            if there.0.is_empty() {
                there.0 = detail;
            }
        }
    }
}

fn values(node: &Value, found: &mut Found) {
    let mut add = |value: &Value| {
        let word = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        found.entry(word).or_insert((String::new(), false));
    };
    for value in node
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        add(value);
    }
    if let Some(value) = node.get("const") {
        add(value);
    }
    if node.get("type").and_then(Value::as_str) == Some("boolean") {
        add(&Value::Bool(true));
        add(&Value::Bool(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(before: &str) -> Vec<String> {
        let offers = complete(before).offers.into_iter();
        offers.map(|offer| offer.word).collect()
    }

    #[test]
    fn what_may_come_is_offered_at_its_place() {
        let table: [(&str, &[&str], &[&str]); 9] = [
            ("", &["scenario", "world", "steps"], &["kms.encrypt"]),
            ("scenario: 1\nwor", &["world"], &["scenario"]),
            (
                "world:\n  keys:\n    cards:\n      multi",
                &["multi_region"],
                &["regions"],
            ),
            (
                "world:\n  keys:\n    cards: { account: shop, rep",
                &["replicas"],
                &["account"],
            ),
            ("steps:\n  - kms.enc", &["kms.encrypt"], &["s3.put_object"]),
            (
                "steps:\n- in: eu-west-1\n  kms.encrypt:\n    key",
                &["key_id"],
                &["in"],
            ),
            (
                "steps:\n  - { in: x, kms.encrypt: { key_id: a, pl",
                &["plaintext"],
                &["key_id"],
            ),
            (
                "steps:\n  - kms.encrypt: { key_id: a }\n    expect: { cipher",
                &["ciphertext_blob"],
                &["plaintext"],
            ),
            (
                "always: [no_pl",
                &["no_plaintext_at_rest"],
                &["linearizable"],
            ),
        ];
        for (before, there, away) in table {
            let found = words(before);
            for word in there {
                assert!(
                    found.iter().any(|it| it == word),
                    "{before:?}: no {word} in {found:?}"
                );
            }
            for word in away {
                assert!(
                    !found.iter().any(|it| it == word),
                    "{before:?}: {word} in {found:?}"
                );
            }
        }
        let offers = complete("scenario: 1\nst");
        assert_eq!((offers.prefix.as_str(), offers.offers[0].key), ("st", true));
        assert!(!offers.offers[0].detail.is_empty());
    }

    #[test]
    fn prose_and_comments_are_left_alone() {
        for before in ["story: |\n  wor", "steps:\n  - say: hello wor", "# wor"] {
            assert_eq!(words(before), Vec::<String>::new(), "{before:?}");
        }
    }
}
