//! Reading policies: the short form, statement by statement, or the real one.

use faultline_proto::tables::{FieldDef, MessageDef, Referent};
use serde_json::Value;

use crate::scenario::names::is_aws_spelling;
use crate::scenario::policy::{Grantee, Place, ShortPolicy, Statement};
use crate::scenario::source::{Entry, Node, Span, Value as Tree};
use crate::scenario::template::{Form, Template};

use super::Checker;
use super::substitute::Substituted;

/// Keys of a short statement, with what each is.
pub const KEYS: &[(&str, &str)] = &[
    ("allow", "Actions that are allowed."),
    ("deny", "Actions that are denied."),
    ("to", "Accounts, principals, services or `*`."),
    ("when", "Conditions: key and value, or operator and a map."),
    ("resource", "Resources, where the usual one is not meant."),
    ("sid", "The statement's name."),
];

/// What a policy in this member is attached to.
#[must_use]
pub fn place(def: &MessageDef, field: &FieldDef, siblings: &[Entry]) -> Place {
    let text = |key: &str| {
        siblings
            .iter()
            .find(|entry| entry.key.text == key)
            .and_then(|entry| entry.value.text())
    };
    if field.snake.contains("assume_role") {
        Place::Trust
    } else if def.name.contains(".iam.")
        || def.name.contains(".sts.")
        || def.name == "principal"
        || def.name == "group"
        || text("principal").is_some()
    {
        Place::Identity
    } else if let Some(bucket) = text("bucket") {
        Place::Bucket(bucket.to_owned())
    } else {
        Place::Key
    }
}

impl Checker<'_> {
    /// Reads a policy in either form; the template gives the document's text.
    pub fn policy(&mut self, node: &Node, place: Place) -> Template {
        let node = match self.substitute(node) {
            Substituted::Known(node) => node,
            Substituted::Later(template, _) => return template,
            Substituted::Wrong => return Template::literal(Value::Null, node.span),
        };
        let span = node.span;
        match &node.value {
            Tree::Seq(items) => {
                let statements = items
                    .iter()
                    .filter_map(|item| self.statement(item, &place))
                    .collect();
                Template {
                    form: Form::Policy(Box::new(ShortPolicy { place, statements })),
                    span,
                }
            }
            Tree::Map(entries) if matches!(entries.as_slice(), [Entry { key, .. }] if key.text == "literal") => {
                Template::literal(entries[0].value.text().unwrap_or_default(), span)
            }
            Tree::Map(entries) => {
                let has = |key: &str| entries.iter().any(|entry| entry.key.text == key);
                if has("allow") || has("deny") {
                    self.found
                        .error("E0311", span, "a short policy is a list of statements")
                        .help("begin each statement with a dash");
                } else if !has("Statement") {
                    self.found
                        .error("E0311", span, "a policy document needs `Statement`")
                        .help("or write the short form, `- { allow: [kms:Decrypt], to: reader }`");
                }
                match self.untyped(&node).constant() {
                    Some(document) => Template::literal(document.to_string(), span),
                    None => {
                        self.found.error(
                            "E0407",
                            span,
                            "a policy document holds only values that are known before the run",
                        );
                        Template::literal(Value::Null, span)
                    }
                }
            }
            Tree::Scalar(scalar) => {
                if serde_json::from_str::<Value>(&scalar.text).is_err() {
                    self.found
                        .error(
                            "E0311",
                            span,
                            "this text is no policy document, for it is not JSON",
                        )
                        .help("to send broken text on purpose, write `{ literal: ... }`");
                }
                Template::literal(scalar.text.as_str(), span)
            }
        }
    }

    fn statement(&mut self, node: &Node, place: &Place) -> Option<Statement> {
        let Some(entries) = node.entries() else {
            self.found.error(
                "E0311",
                node.span,
                format!("a statement is a map, not {}", node.kind()),
            );
            return None;
        };
        for entry in entries {
            if !KEYS.iter().any(|(key, _)| *key == entry.key.text) {
                self.found
                    .error(
                        "E0311",
                        entry.key.span,
                        format!("a statement has no `{}`", entry.key.text),
                    )
                    .suggest(&entry.key.text, KEYS.iter().map(|(key, _)| *key));
            }
        }
        let (allow, actions) = match (node.get("allow"), node.get("deny")) {
            (Some(actions), None) => (true, self.actions(actions)),
            (None, Some(actions)) => (false, self.actions(actions)),
            (Some(_), Some(_)) => {
                self.found
                    .error("E0311", node.span, "a statement either allows or denies");
                return None;
            }
            (None, None) => {
                self.found
                    .error("E0311", node.span, "a statement needs `allow` or `deny`");
                return None;
            }
        };
        let to = self.grantees(node, place);
        let when = node
            .get("when")
            .map(|when| self.when(when))
            .unwrap_or_default();
        let resources = node
            .get("resource")
            .map(|resource| self.known_texts(resource, "`resource`"))
            .unwrap_or_default();
        let resources = resources.into_iter().map(|(text, _)| text).collect();
        let sid = node.get("sid").and_then(Node::text).map(str::to_owned);
        Some(Statement {
            sid,
            allow,
            actions,
            to,
            when,
            resources,
        })
    }

    fn actions(&mut self, node: &Node) -> Vec<String> {
        let mut actions = Vec::new();
        for (action, span) in self.known_texts(node, "actions") {
            self.iam_action(&action, span);
            actions.push(action);
        }
        actions
    }

    /// Checks the look of an action, `kms:Decrypt`.
    pub fn iam_action(&mut self, action: &str, span: Span) {
        let good = action == "*"
            || action
                .split_once(':')
                .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        if good {
            return;
        }
        let diagnostic = self
            .found
            .error("E0311", span, format!("`{action}` is no action"));
        match action.split_once('.') {
            Some(_) => diagnostic
                .help("actions are written as IAM writes them, `kms:Decrypt`, not as verbs"),
            None => diagnostic.help("an action is a service and a name, `kms:Decrypt`"),
        };
    }

    fn grantees(&mut self, node: &Node, place: &Place) -> Vec<Grantee> {
        match (node.get("to"), place) {
            (Some(to), Place::Identity) => {
                self.found.error(
                    "E0311",
                    to.span,
                    "an identity's own policy says nothing about `to`",
                );
                Vec::new()
            }
            (None, Place::Identity) => Vec::new(),
            (None, _) => {
                self.found.error(
                    "E0311",
                    node.span,
                    "this statement needs `to`: whom is it about?",
                );
                Vec::new()
            }
            (Some(to), _) => {
                let texts = self.known_texts(to, "`to`");
                texts
                    .into_iter()
                    .filter_map(|(text, span)| self.grantee(&text, span))
                    .collect()
            }
        }
    }

    fn grantee(&mut self, text: &str, span: Span) -> Option<Grantee> {
        Some(match text {
            "*" => Grantee::Everyone,
            _ if self.names.has(Referent::Principal, text) => Grantee::Principal(text.to_owned()),
            _ if self.names.has(Referent::Account, text) => Grantee::Account(text.to_owned()),
            _ if text.ends_with(".amazonaws.com") => Grantee::Service(text.to_owned()),
            _ if is_aws_spelling(Referent::Account, text) || text.starts_with("arn:") => {
                Grantee::Verbatim(text.to_owned())
            }
            _ => {
                let known: Vec<String> = self
                    .names
                    .of(Referent::Principal)
                    .chain(self.names.of(Referent::Account))
                    .map(str::to_owned)
                    .collect();
                self.found
                    .error(
                        "E0204",
                        span,
                        format!("the world has no principal or account `{text}`"),
                    )
                    .suggest(text, known.iter().map(String::as_str));
                return None;
            }
        })
    }

    fn when(&mut self, node: &Node) -> Vec<(String, Value)> {
        let Some(entries) = node.entries() else {
            self.found.error(
                "E0311",
                node.span,
                "`when` is a map of condition keys and values",
            );
            return Vec::new();
        };
        let mut conditions = Vec::new();
        for entry in entries {
            let nested = entry.value.entries().is_some();
            if !nested && !entry.key.text.contains(':') {
                self.found
                    .error("E0311", entry.key.span, format!("`{}` is no condition key", entry.key.text))
                    .help("a key has a prefix, `\"kms:ViaService\": ...`; an operator has a map of keys, `StringEquals: { ... }`");
            }
            match self.untyped(&entry.value).constant() {
                Some(value) => conditions.push((entry.key.text.clone(), value)),
                None => {
                    self.found.error(
                        "E0407",
                        entry.value.span,
                        "a condition's value must be known before the run",
                    );
                }
            }
        }
        conditions
    }

    /// One text or a list of texts, all known before the run.
    pub fn known_texts(&mut self, node: &Node, what: &str) -> Vec<(String, Span)> {
        let node = match self.substitute(node) {
            Substituted::Known(node) => node,
            Substituted::Wrong => return Vec::new(),
            Substituted::Later(..) => {
                self.found.error(
                    "E0407",
                    node.span,
                    format!("{what} must be known before the run"),
                );
                return Vec::new();
            }
        };
        match &node.value {
            Tree::Scalar(scalar) if !scalar.is_null() => vec![(scalar.text.clone(), node.span)],
            Tree::Seq(items) => items
                .iter()
                .flat_map(|item| self.known_texts(item, what))
                .collect(),
            Tree::Scalar(_) | Tree::Map(_) => {
                self.found.error(
                    "E0106",
                    node.span,
                    format!(
                        "{what} must be text or a list of texts, not {}",
                        node.kind()
                    ),
                );
                Vec::new()
            }
        }
    }
}
