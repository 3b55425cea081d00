//! The parts of a scenario file.

use crate::scenario::diagnostic::{Diagnostics, nearest};
use crate::scenario::source::{Entry, Key, Node, Span, Value};
use crate::scenario::vocabulary::world::{PLAIN, SECTIONS};

use super::cursor::{list, map, missing_key, text, unknown_key, wrong_kind};
use super::step::{Adverbs, Step, steps};

/// Keys of a file, with what each is.
pub const KEYS: &[(&str, &str)] = &[
    ("scenario", "Version of the language: 1."),
    ("title", "One line for people."),
    ("story", "Markdown for people."),
    ("tags", "Words to choose scenarios by."),
    ("seed", "What all chance comes from; `--seed` overrides it."),
    ("vars", "Values by name, `$name`."),
    (
        "matrix",
        "Lists by name; each combination is a case of its own.",
    ),
    ("world", "Regions, accounts and what is in them."),
    ("defaults", "`in` and `as` for steps that do not say."),
    ("client", "How clients wait and try again."),
    ("steps", "What happens."),
    ("always", "Oracles: what must hold all the time."),
    ("finally", "Steps after all others, whatever happened."),
    ("goals", "Bounds on what was measured."),
    (
        "meant_to_violate",
        "Oracles that this file must violate to pass.",
    ),
];

/// A file as written.
#[derive(Debug, Default)]
pub struct File<'a> {
    /// The whole of it.
    pub span: Span,
    /// `title:`.
    pub title: Option<&'a str>,
    /// `story:`.
    pub story: Option<&'a str>,
    /// `tags:`.
    pub tags: Vec<&'a str>,
    /// `seed:`.
    pub seed: Option<&'a Node>,
    /// `vars:`.
    pub vars: &'a [Entry],
    /// `matrix:`.
    pub matrix: &'a [Entry],
    /// `world:`.
    pub world: Vec<WorldPart<'a>>,
    /// `defaults:`.
    pub defaults: Adverbs<'a>,
    /// `client:`.
    pub client: Option<&'a Node>,
    /// `steps:`.
    pub steps: Vec<Step<'a>>,
    /// `always:`.
    pub always: Vec<&'a Node>,
    /// `finally:`.
    pub finally: Vec<Step<'a>>,
    /// `goals:`.
    pub goals: Vec<&'a Node>,
    /// `meant_to_violate:`.
    pub meant_to_violate: Vec<(&'a str, Span)>,
}

/// One key of `world:`.
#[derive(Debug, Clone, Copy)]
pub struct WorldPart<'a> {
    /// `keys`, `buckets`...
    pub key: &'a Key,
    /// What stands there.
    pub node: &'a Node,
}

/// Reads the parts of a file.
#[must_use]
pub fn decode<'a>(root: &'a Node, found: &mut Diagnostics) -> File<'a> {
    let mut file = File {
        span: root.span,
        ..File::default()
    };
    let Value::Map(entries) = &root.value else {
        wrong_kind(root, "a scenario file", "a map", found);
        return file;
    };
    for entry in entries {
        part(&mut file, entry, found);
    }
    let start = entries.first().map_or(root.span, |entry| entry.key.span);
    for key in ["scenario", "title", "world", "steps"] {
        let misspelt = |entry: &Entry| {
            let known = KEYS.iter().map(|(key, _)| *key);
            !KEYS.iter().any(|(key, _)| *key == entry.key.text)
                && nearest(&entry.key.text, known) == Some(key)
        };
        if root.get(key).is_none() && !entries.iter().any(misspelt) {
            missing_key(start, key, "a scenario file", found);
        }
    }
    file
}

fn part<'a>(file: &mut File<'a>, entry: &'a Entry, found: &mut Diagnostics) {
    let node = &entry.value;
    match entry.key.text.as_str() {
        "scenario" => version(node, found),
        "title" => file.title = text(node, "`title`", found),
        "story" => file.story = text(node, "`story`", found),
        "tags" => {
            file.tags = list(node, "`tags`", found)
                .iter()
                .filter_map(|tag| text(tag, "a tag", found))
                .collect()
        }
        "seed" => file.seed = Some(node),
        "vars" => file.vars = map(node, "`vars`", found),
        "matrix" => file.matrix = map(node, "`matrix`", found),
        "world" => file.world = world(node, found),
        "defaults" => file.defaults = defaults(node, found),
        "client" => file.client = Some(node),
        "steps" => file.steps = steps(node, "`steps`", found),
        "always" => file.always = list(node, "`always`", found).iter().collect(),
        "finally" => file.finally = steps(node, "`finally`", found),
        "goals" => file.goals = list(node, "`goals`", found).iter().collect(),
        "meant_to_violate" => {
            let items = list(node, "`meant_to_violate`", found);
            file.meant_to_violate = items
                .iter()
                .filter_map(|item| Some((text(item, "an oracle's name", found)?, item.span)))
                .collect();
        }
        _ => unknown_key(
            &entry.key,
            "a scenario file",
            KEYS.iter().map(|(key, _)| *key),
            found,
        ),
    }
}

fn version(node: &Node, found: &mut Diagnostics) {
    if node.text() != Some("1") {
        found
            .error(
                "E0114",
                node.span,
                "this version of the language is not known",
            )
            .caption("expected `1`")
            .help("write `scenario: 1`");
    }
}

fn world<'a>(node: &'a Node, found: &mut Diagnostics) -> Vec<WorldPart<'a>> {
    let known: Vec<&str> = PLAIN
        .iter()
        .map(|(key, _)| *key)
        .chain(SECTIONS.iter().map(|section| section.name))
        .collect();
    let mut parts = Vec::new();
    for entry in map(node, "`world`", found) {
        if known.contains(&entry.key.text.as_str()) {
            parts.push(WorldPart {
                key: &entry.key,
                node: &entry.value,
            });
        } else {
            unknown_key(&entry.key, "`world`", known.iter().copied(), found);
        }
    }
    if node.get("regions").is_none() && node.entries().is_some() {
        missing_key(node.span, "regions", "`world`", found);
    }
    parts
}

fn defaults<'a>(node: &'a Node, found: &mut Diagnostics) -> Adverbs<'a> {
    let mut adverbs = Adverbs::default();
    for entry in map(node, "`defaults`", found) {
        if !adverbs.take(entry) {
            unknown_key(
                &entry.key,
                "`defaults`",
                Adverbs::KEYS.iter().copied(),
                found,
            );
        }
    }
    adverbs
}
