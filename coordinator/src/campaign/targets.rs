//! What `any` means: one of the world's names of the kind that is wanted there.

use std::collections::BTreeMap;

use faultline_proto::tables::{FieldDef, Referent};

use crate::clock::Span;
use crate::scenario::quantity;
use crate::scenario::source::{Entry, Node, Value};
use crate::scenario::vocabulary::faults::FaultDef;

use super::dice::Dice;
use crate::scenario::emit::{entry, list, map, plain, quoted};

/// The word for what chance decides.
pub const ANY: &str = "any";

/// The world's names, by kind.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<Referent, Vec<String>>);

impl Names {
    /// The names in the shared entries of a campaign.
    #[must_use]
    pub fn of(shared: &[Entry]) -> Self {
        let mut names = Self::default();
        let Some(world) = shared.iter().find(|entry| entry.key.text == "world") else {
            return names;
        };
        let vars = shared.iter().find(|entry| entry.key.text == "vars");
        let known = |text: &str| -> String {
            let var = text
                .strip_prefix('$')
                .and_then(|name| vars?.value.get(name)?.text());
            var.unwrap_or(text).to_owned()
        };
        let regions = world.value.get("regions").and_then(Node::items);
        let regions = regions
            .into_iter()
            .flatten()
            .filter_map(Node::text)
            .map(known);
        names.0.insert(Referent::Region, regions.collect());
        for (section, kind) in [
            ("accounts", Referent::Account),
            ("principals", Referent::Principal),
            ("keys", Referent::Key),
            ("buckets", Referent::Bucket),
            ("tables", Referent::Table),
            ("volumes", Referent::Volume),
        ] {
            let entries = world.value.get(section).and_then(Node::entries);
            let entries = entries.into_iter().flatten();
            names
                .0
                .insert(kind, entries.map(|entry| entry.key.text.clone()).collect());
        }
        names
    }

    /// All names of a kind.
    #[must_use]
    pub fn all(&self, kind: Referent) -> &[String] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The Regions.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        self.all(Referent::Region)
    }

    /// One name of a kind.
    #[must_use]
    pub fn one(&self, kind: Referent, dice: &Dice) -> Option<&str> {
        dice.one(self.all(kind)).map(String::as_str)
    }

    /// Two Regions, in the order of the world.
    #[must_use]
    pub fn two_regions(&self, dice: &Dice) -> Vec<Node> {
        let regions = self.regions();
        let count = regions.len() as u64;
        let first = dice.below(count);
        let second = (first + 1 + dice.below(count.saturating_sub(1))) % count.max(1);
        let (low, high) = (first.min(second), first.max(second));
        [low, high]
            .into_iter()
            .filter_map(|index| regions.get(usize::try_from(index).ok()?))
            .map(|region| plain(region.clone()))
            .collect()
    }
}

/// A fault with every `any` and every range decided.
#[must_use]
pub fn aim(def: &FaultDef, fault: &Entry, names: &Names, dice: &Dice) -> Entry {
    let value = match (def.name, fault.value.text()) {
        ("partition", Some(ANY)) => partition(names, dice),
        (_, Some(ANY)) => match def.bare.and_then(|bare| def.members.by_snake(bare)) {
            Some(field) => decided(&fault.value, Some(field), names, dice),
            None => members(&[], def, true, names, dice),
        },
        (_, _) => match fault.value.entries() {
            Some(entries) => members(entries, def, false, names, dice),
            None => fault.value.clone(),
        },
    };
    entry(&fault.key.text, value)
}

/// Members of a fault. With `all`, what must be there and is not is decided too.
fn members(entries: &[Entry], def: &FaultDef, all: bool, names: &Names, dice: &Dice) -> Node {
    let mut decided_entries: Vec<Entry> = entries
        .iter()
        .map(|it| {
            let field = def.members.by_snake(&it.key.text);
            entry(&it.key.text, decided(&it.value, field, names, dice))
        })
        .collect();
    if all {
        let any = plain(ANY);
        for field in def
            .members
            .fields
            .iter()
            .filter(|field| field.shape.required)
        {
            decided_entries.push(entry(field.snake, decided(&any, Some(field), names, dice)));
        }
        let choices: Vec<&str> = def
            .one_of
            .iter()
            .filter_map(|set| set.first().copied())
            .collect();
        for choice in choices {
            let field = def.members.by_snake(choice);
            decided_entries.push(entry(choice, decided(&any, field, names, dice)));
        }
    }
    map(decided_entries)
}

/// One member's value.
fn decided(node: &Node, field: Option<&'static FieldDef>, names: &Names, dice: &Dice) -> Node {
    if node.text() == Some(ANY) {
        let Some(field) = field else {
            return node.clone();
        };
        if field.snake == "between" {
            return list(names.two_regions(dice));
        }
        let shape = field.shape.item.unwrap_or(field.shape);
        let one = shape
            .refers_to
            .and_then(|refers| names.one(refers.to, dice));
        let one = one.map(plain);
        return match (one, shape.values) {
            (Some(one), _) if field.card == faultline_proto::tables::Card::List => list(vec![one]),
            (Some(one), _) => one,
            (None, values) => dice
                .one(values)
                .map_or_else(|| node.clone(), |value| plain(*value)),
        };
    }
    range(node, dice).unwrap_or_else(|| node.clone())
}

/// `{ from: 50ms, to: 2s }`, or `{ from: 1%, to: 20% }`: something between.
fn range(node: &Node, dice: &Dice) -> Option<Node> {
    let [_, _] = node.entries()? else { return None };
    let (from, to) = (node.get("from")?.text()?, node.get("to")?.text()?);
    if let (Some(from), Some(to)) = (quantity::micros(from), quantity::micros(to)) {
        let width = Span(u64::try_from(to.checked_sub(from)?).ok()?);
        let offset = i64::try_from(dice.span((Span::ZERO, width)).0).ok()?;
        let value = from.checked_add(offset)?;
        let sign = if value < 0 { "-" } else { "" };
        return Some(plain(format!("{sign}{}", Span(value.unsigned_abs()))));
    }
    let percent = |text: &str| text.strip_suffix('%')?.parse::<u64>().ok();
    let (from, to) = (percent(from)?, percent(to)?);
    Some(plain(format!(
        "{}%",
        from + dice.below(to.checked_sub(from)? + 1)
    )))
}

/// Two groups, or one way between two.
fn partition(names: &Names, dice: &Dice) -> Node {
    let regions = names.regions();
    if dice.below(4) == 0 {
        let pair = names.two_regions(dice);
        let (mut from, mut to) = (pair.first().cloned(), pair.get(1).cloned());
        if dice.below(2) == 0 {
            std::mem::swap(&mut from, &mut to);
        }
        return map(vec![
            entry("from", list(from.into_iter().collect())),
            entry("to", list(to.into_iter().collect())),
        ]);
    }
    // A mask that is neither none nor all.
    let all = (1_u64 << regions.len().min(16)) - 1;
    let mask = 1 + dice.below(all.saturating_sub(1));
    let side = |inside: bool| {
        let members = regions.iter().enumerate();
        let members = members.filter(|(index, _)| (mask >> index & 1 == 1) == inside);
        list(members.map(|(_, region)| plain(region.clone())).collect())
    };
    map(vec![entry("groups", list(vec![side(true), side(false)]))])
}

/// Values of `$key` and `$random.WORD` in one operation.
pub struct Drawn<'a> {
    /// The world.
    pub names: &'a Names,
    /// Chance of this operation.
    pub dice: &'a Dice,
    /// The value of `$key`.
    pub key: &'a str,
}

/// Words after `$random.`.
pub const RANDOM: &[(&str, &str)] = &[
    ("region", "A Region of the world."),
    ("number", "A whole number below a million."),
    ("text", "Twelve letters."),
    ("card", "Sixteen digits, as of a card."),
    ("uuid", "A UUID."),
];

impl Drawn<'_> {
    /// A row with its values put in.
    #[must_use]
    pub fn put_into(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                return self.scalar(node, &scalar.text);
            }
            Value::Scalar(_) => return node.clone(),
            Value::Seq(items) => Value::Seq(items.iter().map(|item| self.put_into(item)).collect()),
            Value::Map(all) => Value::Map(
                all.iter()
                    .map(|it| Entry {
                        key: it.key.clone(),
                        value: self.put_into(&it.value),
                    })
                    .collect(),
            ),
        };
        Node {
            value,
            span: node.span,
        }
    }

    fn scalar(&self, node: &Node, text: &str) -> Node {
        let mut out = text.to_owned();
        let mut kept_plain = false;
        if out.contains("$key") {
            out = replaced(&out, "$key", || self.key.to_owned());
        }
        for (word, _) in RANDOM {
            let name = format!("$random.{word}");
            if out.contains(&name) {
                kept_plain |= text == name && matches!(*word, "region" | "number");
                out = replaced(&out, &name, || self.random(word));
            }
        }
        if out == text {
            return node.clone();
        }
        let made = if kept_plain { plain(out) } else { quoted(out) };
        Node {
            span: node.span,
            ..made
        }
    }

    fn random(&self, word: &str) -> String {
        let digits = |most: u64| self.dice.below(most);
        match word {
            "region" => self
                .names
                .one(Referent::Region, self.dice)
                .unwrap_or_default()
                .to_owned(),
            "number" => digits(1_000_000).to_string(),
            "card" => format!(
                "{:04} {:04} {:04} {:04}",
                4000 + digits(1000),
                digits(10_000),
                digits(10_000),
                digits(10_000)
            ),
            "uuid" => self.dice.draw().uuid(),
            _ => {
                let letters = self.dice.draw().bytes();
                letters[..12]
                    .iter()
                    .map(|byte| char::from(b'a' + byte % 26))
                    .collect()
            }
        }
    }
}

/// Every whole `name` in a text, each with a value of its own.
fn replaced(text: &str, name: &str, mut value: impl FnMut() -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let after = &rest[at + name.len()..];
        let whole = !after.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_');
        out.push_str(&rest[..at]);
        out.push_str(&if whole { value() } else { name.to_owned() });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::emit::flow;
    use crate::scenario::vocabulary::faults::find;
    use crate::seed::RunSeed;

    fn names() -> Names {
        let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"].map(plain);
        let keys = map(vec![entry("payments", map(Vec::new()))]);
        let world = map(vec![
            entry("regions", list(regions.to_vec())),
            entry("keys", keys),
        ]);
        Names::of(&[entry("world", world)])
    }

    #[test]
    fn any_is_something_that_the_fault_can_be_aimed_at() {
        let names = names();
        for seed in 0..200 {
            let dice = Dice::new(RunSeed(seed), "aim");
            for (fault, value) in [
                ("partition", plain(ANY)),
                ("region_down", plain(ANY)),
                ("key_disabled", plain(ANY)),
                (
                    "slow_link",
                    map(vec![
                        entry("between", plain(ANY)),
                        entry("latency", plain("1s")),
                    ]),
                ),
                (
                    "node_crash",
                    map(vec![entry("in", plain(ANY)), entry("when", plain(ANY))]),
                ),
            ] {
                let def = find(fault).expect("it is a fault");
                let aimed = aim(def, &entry(fault, value), &names, &dice);
                let text = flow(&aimed.value);
                assert!(
                    !text.contains("any") && !text.contains("[]"),
                    "{fault}: {text}"
                );
            }
        }
    }

    #[test]
    fn a_range_gives_what_lies_between() {
        let dice = Dice::new(RunSeed(1), "range");
        let of =
            |from: &str, to: &str| map(vec![entry("from", plain(from)), entry("to", plain(to))]);
        for _ in 0..50 {
            let span = range(&of("-5s", "5s"), &dice).expect("a span");
            let micros = quantity::micros(span.text().expect("text")).expect("a span");
            assert!((-5_000_000..=5_000_000).contains(&micros));
            let chance = range(&of("1%", "20%"), &dice).expect("a chance");
            assert!(quantity::chance(chance.text().expect("text")).is_some());
        }
    }

    #[test]
    fn names_in_a_row_get_values_and_others_stay() {
        let names = names();
        let dice = Dice::new(RunSeed(1), "row");
        let drawn = Drawn {
            names: &names,
            dice: &dice,
            key: "k3",
        };
        assert_eq!(flow(&drawn.put_into(&plain("$key"))), "k3");
        assert_eq!(flow(&drawn.put_into(&plain("a/$key/$keys"))), "a/k3/$keys");
        assert_eq!(flow(&drawn.put_into(&plain("$home"))), "$home");
        let region = drawn.put_into(&plain("$random.region"));
        assert!(
            names
                .regions()
                .iter()
                .any(|it| Some(it.as_str()) == region.text())
        );
    }
}
