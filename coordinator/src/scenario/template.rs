//! Values that are known only when a step runs.
//!
//! A [`Template`] is the tree of what was written, checked and typed, with names, paths
//! and expressions still in it. [`Template::evaluate`] gives the JSON value that a verb's
//! argument, an adverb or an expectation stands for, in the language's own spelling:
//! members in snake case, bytes as `base64:...` text, world names as what they name.

use std::collections::BTreeMap;

use faultline_proto::tables::{Card, FieldDef, Kind, Refers, Shape};
use serde_json::Value;

use super::bytes;
use super::expressions::{Expression, Path};
use super::policy::ShortPolicy;
use super::source::Span;

/// A value as written, to be evaluated.
#[derive(Debug, Clone)]
pub struct Template {
    /// What it is made of.
    pub form: Form,
    /// Where it is written.
    pub span: Span,
}

/// What a template is made of.
#[derive(Debug, Clone)]
pub enum Form {
    /// Known already.
    Literal(Value),
    /// `$name.member`.
    Reference(Path),
    /// `$(...)`.
    Expression(Expression),
    /// Text with expressions in it.
    Text(Vec<Template>),
    /// A list.
    List(Vec<Template>),
    /// A map.
    Map(Vec<(String, Template)>),
    /// Text that stands for bytes.
    Bytes(Box<Template>),
    /// A name of the world, to be spelled as AWS wants it.
    Name(Refers, Box<Template>),
    /// A value that only a run knows, for this member: bytes and names in it are spelled
    /// as above.
    Member(&'static FieldDef, Box<Template>),
    /// A policy in the short form.
    Policy(Box<ShortPolicy>),
}

/// What has a value while a step runs: variables, loop variables, saved answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bindings {
    values: BTreeMap<String, Value>,
}

impl Bindings {
    /// The variables of a case.
    #[must_use]
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self { values }
    }
    /// Gives a name a value, instead of the one it had.
    pub fn bind(&mut self, name: impl Into<String>, value: Value) {
        self.values.insert(name.into(), value);
    }
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
    /// Takes over what another has bound since `before`, as after a lane.
    pub fn merge_changes(&mut self, before: &Self, other: &Self) {
        for (name, value) in &other.values {
            if before.get(name) != Some(value) {
                self.values.insert(name.clone(), value.clone());
            }
        }
    }
    /// Takes over what another has bound.
    pub fn merge(&mut self, other: &Self) {
        self.values.extend(other.values.clone());
    }
}

/// What names of the world stand for.
pub trait WorldNames {
    /// The spelling that AWS wants; `None` when the world has no such name, then the text
    /// is sent as it is.
    fn resolve(&self, refers: Refers, name: &str) -> Option<String>;
    /// The same where a Region stands beside the name: a replica's key is spelled for the
    /// replica's Region, whoever is asked.
    fn resolve_there(&self, _region: &str, refers: Refers, name: &str) -> Option<String> {
        self.resolve(refers, name)
    }
    /// Whether an answer's text means the thing of that name.
    fn means(&self, refers: Refers, name: &str, answer: &str) -> bool;
}

/// A world without names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nameless;

impl WorldNames for Nameless {
    fn resolve(&self, _: Refers, _: &str) -> Option<String> {
        None
    }
    fn means(&self, _: Refers, name: &str, answer: &str) -> bool {
        name == answer
    }
}

/// A template that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    /// Where it is written.
    pub span: Span,
    /// Why.
    pub message: String,
}

/// Names as another Region spells them.
struct There<'a> {
    region: String,
    names: &'a dyn WorldNames,
}

impl WorldNames for There<'_> {
    fn resolve(&self, refers: Refers, name: &str) -> Option<String> {
        self.names.resolve_there(&self.region, refers, name)
    }
    fn means(&self, refers: Refers, name: &str, answer: &str) -> bool {
        self.names.means(refers, name, answer)
    }
}

/// The Region that an entry of a list is about, if one of its members says so.
fn region_beside(members: &[(String, Template)], bindings: &Bindings) -> Option<String> {
    let (_, template) = members
        .iter()
        .find(|(key, _)| key == "region" || key == "region_name")?;
    let value = template.evaluate(bindings, &Nameless).ok()?;
    value.as_str().map(str::to_owned)
}

impl Template {
    /// A value that is known.
    #[must_use]
    pub fn literal(value: impl Into<Value>, span: Span) -> Self {
        Self {
            form: Form::Literal(value.into()),
            span,
        }
    }

    /// The value, where it needs nothing from a run.
    #[must_use]
    pub fn constant(&self) -> Option<Value> {
        match &self.form {
            Form::Literal(value) => Some(value.clone()),
            Form::List(items) => items
                .iter()
                .map(Self::constant)
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Form::Map(members) => members
                .iter()
                .map(|(key, value)| Some((key.clone(), value.constant()?)))
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Form::Bytes(inner) => inner.constant().map(|value| as_bytes(&value)),
            Form::Reference(_)
            | Form::Expression(_)
            | Form::Text(_)
            | Form::Name(..)
            | Form::Member(..)
            | Form::Policy(_) => None,
        }
    }

    /// The value as written where it is known, names of the world left as names.
    #[must_use]
    pub fn written(&self) -> Option<Value> {
        match &self.form {
            Form::Name(_, inner) => inner.written(),
            Form::List(items) => items
                .iter()
                .map(Self::written)
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Form::Map(members) => members
                .iter()
                .map(|(key, value)| Some((key.clone(), value.written()?)))
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Form::Policy(policy) => serde_json::to_value(policy).ok(),
            _ => self.constant(),
        }
    }

    /// The value in a run.
    ///
    /// # Errors
    /// A name without a value, a path that ends, an expression that fails.
    pub fn evaluate(
        &self,
        bindings: &Bindings,
        names: &dyn WorldNames,
    ) -> Result<Value, EvaluateError> {
        self.evaluate_at(bindings, names, false)
    }

    /// The same, inside an entry of a list or not.
    fn evaluate_at(
        &self,
        bindings: &Bindings,
        names: &dyn WorldNames,
        entry: bool,
    ) -> Result<Value, EvaluateError> {
        let fail = |message: String| EvaluateError {
            span: self.span,
            message,
        };
        Ok(match &self.form {
            Form::Literal(value) => value.clone(),
            Form::Reference(path) => {
                let root = bindings
                    .get(&path.root)
                    .ok_or_else(|| fail(format!("`${}` has no value here", path.root)))?;
                path.follow(root).map_err(fail)?.clone()
            }
            Form::Expression(expression) => expression
                .evaluate(&|name| bindings.get(name).cloned())
                .map_err(fail)?,
            Form::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(&as_text(&part.evaluate(bindings, names)?));
                }
                text.into()
            }
            Form::List(items) => Value::Array(
                items
                    .iter()
                    .map(|item| item.evaluate_at(bindings, names, true))
                    .collect::<Result<_, _>>()?,
            ),
            Form::Map(members) => {
                let region = entry.then(|| region_beside(members, bindings)).flatten();
                let there = region.map(|region| There { region, names });
                let names = there.as_ref().map_or(names, |there| there);
                let mut map = serde_json::Map::new();
                for (key, value) in members {
                    map.insert(key.clone(), value.evaluate_at(bindings, names, entry)?);
                }
                Value::Object(map)
            }
            Form::Bytes(inner) => as_bytes(&inner.evaluate(bindings, names)?),
            Form::Name(refers, inner) => match inner.evaluate(bindings, names)? {
                Value::String(name) => names.resolve(*refers, &name).unwrap_or(name).into(),
                other => other,
            },
            Form::Member(field, inner) => spelled(inner.evaluate(bindings, names)?, field, names),
            Form::Policy(policy) => policy.document(names).to_string().into(),
        })
    }
}

/// Spells bytes and world names in a value that was not written in place.
fn spelled(value: Value, field: &FieldDef, names: &dyn WorldNames) -> Value {
    let item = |value: Value, shape: &Shape| match (field.kind, value) {
        (Kind::Bytes, value) => as_bytes(&value),
        (Kind::Message(def), Value::Object(members)) if !def.is_plain_value() => Value::Object(
            members
                .into_iter()
                .map(
                    |(key, value)| match def.fields.iter().find(|field| field.snake == key) {
                        Some(inner) => (key, spelled(value, inner, names)),
                        None => (key, value),
                    },
                )
                .collect(),
        ),
        (Kind::Str, Value::String(text)) => match shape.refers_to {
            Some(refers) => names.resolve(refers, &text).unwrap_or(text).into(),
            None => text.into(),
        },
        (_, value) => value,
    };
    let shape = field.shape.item.unwrap_or(field.shape);
    match (field.card, value) {
        (Card::List, Value::Array(items)) => {
            Value::Array(items.into_iter().map(|value| item(value, shape)).collect())
        }
        (Card::Map, Value::Object(members)) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, item(value, shape)))
                .collect(),
        ),
        (Card::One, value) => item(value, field.shape),
        (_, value) => value,
    }
}

/// A value inside longer text.
#[must_use]
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn as_bytes(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(bytes::PREFIX) => value.clone(),
        Value::String(text) => bytes::written(text.as_bytes()).into(),
        Value::Number(_) | Value::Bool(_) => bytes::written(value.to_string().as_bytes()).into(),
        Value::Null | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::tables::{Form as Spelling, Referent};
    use serde_json::json;

    fn bindings() -> Bindings {
        let mut bindings = Bindings::default();
        bindings.bind(
            "sealed",
            json!({"blob": "base64:AAEC", "list": [{"id": 7}]}),
        );
        bindings
    }
    fn path(text: &str) -> Template {
        let pieces = super::super::expressions::scan(text).expect("a path");
        let [super::super::expressions::Piece::Path(path)] = &pieces[..] else {
            panic!("{text} is a path")
        };
        Template {
            form: Form::Reference(path.clone()),
            span: Span::new(3, 9),
        }
    }

    #[test]
    fn references_keep_types_and_say_where_they_end() {
        assert_eq!(
            path("$sealed.list[0].id").evaluate(&bindings(), &Nameless),
            Ok(json!(7))
        );
        let error = path("$sealed.list[1].id")
            .evaluate(&bindings(), &Nameless)
            .expect_err("there is no item 1");
        assert_eq!(
            (error.span, error.message.as_str()),
            (Span::new(3, 9), "`$sealed.list` has no item 1")
        );
    }

    #[test]
    fn bytes_are_text_with_a_prefix() {
        let bytes = |inner: Template| Template {
            form: Form::Bytes(Box::new(inner)),
            span: Span::default(),
        };
        assert_eq!(
            bytes(Template::literal("hi", Span::default())).constant(),
            Some(json!("base64:aGk="))
        );
        assert_eq!(
            bytes(path("$sealed.blob")).evaluate(&bindings(), &Nameless),
            Ok(json!("base64:AAEC"))
        );
    }

    #[test]
    fn names_are_spelled_as_the_world_says() {
        struct World;
        impl WorldNames for World {
            fn resolve(&self, _: Refers, name: &str) -> Option<String> {
                (name == "vault").then(|| "arn:vault".into())
            }
            fn resolve_there(&self, region: &str, refers: Refers, name: &str) -> Option<String> {
                self.resolve(refers, name)
                    .map(|arn| format!("{arn}:{region}"))
            }
            fn means(&self, _: Refers, name: &str, answer: &str) -> bool {
                name == "vault" && answer == "arn:vault"
            }
        }
        let refers = Refers {
            to: Referent::Key,
            form: Spelling::Arn,
        };
        let name = |text: &str| Template {
            form: Form::Name(refers, Box::new(Template::literal(text, Span::default()))),
            span: Span::default(),
        };
        assert_eq!(
            name("vault").evaluate(&Bindings::default(), &World),
            Ok(json!("arn:vault"))
        );
        assert_eq!(
            name("alias/aws/ebs").evaluate(&Bindings::default(), &World),
            Ok(json!("alias/aws/ebs"))
        );
        let of = |form| Template {
            form,
            span: Span::default(),
        };
        let replica = || {
            let region = Template::literal("us-east-1", Span::default());
            of(Form::Map(vec![
                ("region".to_owned(), region),
                ("kms_key_id".to_owned(), name("vault")),
            ]))
        };
        let spelled = |template: Template| {
            let value = template.evaluate(&Bindings::default(), &World);
            value.map(|value| value.to_string()).unwrap_or_default()
        };
        assert!(spelled(of(Form::List(vec![replica()]))).contains("arn:vault:us-east-1"));
        assert!(!spelled(replica()).contains("arn:vault:us-east-1"));
    }
}
