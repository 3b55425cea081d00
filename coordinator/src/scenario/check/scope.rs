//! What `$name` stands for at a place of the file, and of which type it is.

use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef};
use serde_json::Value;

use crate::scenario::expressions::PathStep;
use crate::scenario::source::Span;

/// What is known of a value before the run.
#[derive(Debug, Clone)]
pub enum Type {
    /// Nothing.
    Any,
    /// One of these; exactly one for variables.
    Values(Vec<Value>),
    /// A message of that form: an answer or a part of one.
    Message(&'static MessageDef),
    /// What a member holds; `true` for an item of its list or map.
    Member(&'static FieldDef, bool),
}

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `vars:` or `matrix:`.
    Variable,
    /// `for_each:`.
    Loop,
    /// `save:`.
    Saved,
}

impl Origin {
    /// In words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Loop => "loop variable",
            Self::Saved => "saved answer",
        }
    }
}

/// A name that has a value.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// Where it is given.
    pub span: Span,
    /// By what.
    pub origin: Origin,
    /// What is known of the value.
    pub of: Type,
}

/// The names of a place: the innermost last.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// All of them.
    pub bindings: Vec<Binding>,
}

impl Scope {
    /// What a name stands for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Binding> {
        self.bindings
            .iter()
            .rev()
            .find(|binding| binding.name == name)
    }
    /// The value of a name that has always the same.
    #[must_use]
    pub fn constant(&self, name: &str) -> Option<&Value> {
        match self.find(name) {
            Some(Binding {
                origin: Origin::Variable,
                of: Type::Values(values),
                ..
            }) => values.first(),
            _ => None,
        }
    }
    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.bindings.iter().map(|binding| binding.name.as_str())
    }
}

/// A step of a path that leads nowhere: why, and which members there are.
#[derive(Debug)]
pub struct NoSuchMember {
    /// One sentence.
    pub message: String,
    /// Members that exist.
    pub known: Vec<String>,
}

impl Type {
    /// The type after a step of a path.
    ///
    /// # Errors
    /// When there is certainly no such member.
    pub fn step(&self, step: &PathStep, so_far: &str) -> Result<Self, NoSuchMember> {
        match self {
            Self::Any => Ok(Self::Any),
            Self::Values(values) => step_values(values, step, so_far),
            Self::Message(def) => step_message(def, step, so_far),
            Self::Member(field, item) => step_member(field, *item, step, so_far),
        }
    }

    /// Whether it is surely a map or list where one plain value is wanted, or the other
    /// way round: in words what it is.
    #[must_use]
    pub fn misfit(&self, field: &FieldDef, item: bool) -> Option<&'static str> {
        let wanted = shape_of(field, item);
        let given = match self {
            Self::Any | Self::Values(_) => return None,
            Self::Message(_) => Outline::Map,
            Self::Member(field, item) => shape_of(field, *item),
        };
        (given != wanted && given != Outline::Open && wanted != Outline::Open).then_some(
            match given {
                Outline::List => "a list",
                Outline::Map => "a map",
                Outline::Scalar | Outline::Open => "a single value",
            },
        )
    }
}

#[derive(PartialEq, Eq)]
enum Outline {
    Scalar,
    List,
    Map,
    Open,
}

fn shape_of(field: &FieldDef, item: bool) -> Outline {
    match (field.card, item, field.kind) {
        (Card::List, false, _) => Outline::List,
        (Card::Map, false, _) => Outline::Map,
        (_, _, Kind::Message(def)) if def.is_plain_value() || def.transparent => Outline::Open,
        (_, _, Kind::Message(_)) => Outline::Map,
        _ => Outline::Scalar,
    }
}

fn step_values(values: &[Value], step: &PathStep, so_far: &str) -> Result<Type, NoSuchMember> {
    let mut next = Vec::new();
    for value in values {
        let found = match step {
            PathStep::Member(member) => value.get(member),
            PathStep::Index(index) => value.get(index),
        };
        let Some(found) = found else {
            let known = value
                .as_object()
                .map(|members| members.keys().cloned().collect())
                .unwrap_or_default();
            return Err(missing(step, so_far, known));
        };
        next.push(found.clone());
    }
    Ok(Type::Values(next))
}

fn step_message(
    def: &'static MessageDef,
    step: &PathStep,
    so_far: &str,
) -> Result<Type, NoSuchMember> {
    if def.is_plain_value() {
        return Ok(Type::Any);
    }
    if def.transparent {
        let Some(field) = def.fields.first() else {
            return Ok(Type::Any);
        };
        return step_member(field, false, step, so_far);
    }
    let PathStep::Member(member) = step else {
        return Err(missing(step, so_far, Vec::new()));
    };
    match def.fields.iter().find(|field| field.snake == member) {
        Some(field) => Ok(Type::Member(field, false)),
        None => Err(missing(
            step,
            so_far,
            def.fields
                .iter()
                .map(|field| field.snake.to_owned())
                .collect(),
        )),
    }
}

fn step_member(
    field: &'static FieldDef,
    item: bool,
    step: &PathStep,
    so_far: &str,
) -> Result<Type, NoSuchMember> {
    match (field.card, item, step) {
        (Card::List, false, PathStep::Index(_)) | (Card::Map, false, PathStep::Member(_)) => {
            Ok(Type::Member(field, true))
        }
        (Card::List | Card::Map, false, _) => Err(missing(step, so_far, Vec::new())),
        _ => match field.kind {
            Kind::Message(def) => step_message(def, step, so_far),
            _ => Err(missing(step, so_far, Vec::new())),
        },
    }
}

fn missing(step: &PathStep, so_far: &str, known: Vec<String>) -> NoSuchMember {
    let message = match step {
        PathStep::Member(member) => format!("`${so_far}` has no member `{member}`"),
        PathStep::Index(index) => format!("`${so_far}` has no item {index}"),
    };
    NoSuchMember { message, known }
}
