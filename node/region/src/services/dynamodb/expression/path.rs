//! Document paths: `a.b[3].c`.

use std::collections::BTreeMap;
use std::fmt;

use crate::services::dynamodb::value::{Item, Value};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// A path; its first step is a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    /// The attribute that it begins at.
    pub(crate) fn head(&self) -> &str {
        match self.0.first() {
            Some(Step::Name(name)) => name,
            Some(Step::Index(_)) | None => "",
        }
    }

    /// What it leads to.
    pub(crate) fn find<'a>(&self, item: &'a Item) -> Option<&'a Value> {
        let mut at = item.get(self.head())?;
        for step in &self.0[1..] {
            at = match (step, at) {
                (Step::Name(name), Value::M(map)) => map.get(name)?,
                (Step::Index(index), Value::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// The complaint when one of them begins with the other, or they disagree about a type.
    pub(crate) fn clash(&self, other: &Self) -> Option<String> {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            match (mine, theirs) {
                (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => {
                    return Some(told("conflict", self, other));
                }
                _ if mine != theirs => return None,
                _ => {}
            }
        }
        Some(told("overlap", self, other))
    }
}

fn told(how: &str, one: &Path, two: &Path) -> String {
    format!(
        "Two document paths {how} with each other; must remove or rewrite one of these paths; \
         path one: {one}, path two: {two}"
    )
}

/// As complaints show it: `[a, b, [3]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter().map(|step| match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => format!("[{index}]"),
        });
        write!(f, "[{}]", steps.collect::<Vec<_>>().join(", "))
    }
}

/// A part of a document that paths select: all of it, or some children.
#[derive(Default)]
struct Wanted<'a> {
    whole: bool,
    names: BTreeMap<&'a str, Wanted<'a>>,
    indexes: BTreeMap<usize, Wanted<'a>>,
}

/// The parts of `item` that `paths` lead to; lists close up.
pub(crate) fn project<'a>(paths: impl IntoIterator<Item = &'a Path>, item: &Item) -> Item {
    let mut root = Wanted::default();
    for path in paths {
        let mut at = &mut root;
        for step in &path.0 {
            at = match step {
                Step::Name(name) => at.names.entry(name).or_default(),
                Step::Index(index) => at.indexes.entry(*index).or_default(),
            };
        }
        at.whole = true;
    }
    children(&root, item)
}

fn children(wanted: &Wanted<'_>, map: &Item) -> Item {
    let found = wanted.names.iter().filter_map(|(name, inner)| {
        let value = select(inner, map.get(*name)?)?;
        Some(((*name).to_owned(), value))
    });
    found.collect()
}

fn select(wanted: &Wanted<'_>, value: &Value) -> Option<Value> {
    if wanted.whole {
        return Some(value.clone());
    }
    match value {
        Value::M(map) => Some(children(wanted, map))
            .filter(|map| !map.is_empty())
            .map(Value::M),
        Value::L(list) => {
            let found = wanted
                .indexes
                .iter()
                .filter_map(|(index, inner)| select(inner, list.get(*index)?));
            Some(found.collect::<Vec<_>>())
                .filter(|list| !list.is_empty())
                .map(Value::L)
        }
        _ => None,
    }
}
