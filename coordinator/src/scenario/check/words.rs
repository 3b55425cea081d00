//! Matchers: the words of expectations, and whether they fit the part they are about.

use faultline_proto::tables::{Card, FieldDef};
use regex::Regex;

use crate::scenario::expressions::Expression;
use crate::scenario::matchers::{Matcher, Nature, OTHER_WORDS, Test, WORDS};
use crate::scenario::quantity::comparable;
use crate::scenario::source::{Entry, Node, Span};
use crate::scenario::template::Template;

use super::Checker;
use super::expect::Part;
use super::scope::{Binding, Origin, Type};

/// Words that are about lists.
const LIST_WORDS: &[&str] = &["first", "last", "any", "every"];
/// Words that are about single values.
const SINGLE_WORDS: &[&str] = &["at_least", "at_most", "between", "starts_with", "matches"];

impl Checker<'_> {
    /// Reads a map of matchers.
    pub fn words(&mut self, span: Span, entries: &[Entry], part: Part) -> Matcher {
        let mut all: Vec<Matcher> = entries
            .iter()
            .filter_map(|entry| self.word(entry, part))
            .collect();
        if entries.is_empty() {
            self.found
                .error("E0113", span, "an empty map expects nothing");
        }
        if all.len() == 1 {
            all.remove(0)
        } else {
            Matcher {
                test: Test::All(all),
                span,
            }
        }
    }

    fn word(&mut self, entry: &Entry, part: Part) -> Option<Matcher> {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        let span = node.span;
        if !self.fits(entry, part) {
            return None;
        }
        let is_list = is_list(part);
        let inner = match part {
            Part::All(field) => Part::item(field),
            other => other,
        };
        let boxed = |matcher: Matcher| Box::new(matcher);
        let test = match key {
            "first" => Test::First(boxed(self.expectation(node, inner, false))),
            "last" => Test::Last(boxed(self.expectation(node, inner, false))),
            "any" => Test::Any(boxed(self.expectation(node, inner, false))),
            "every" => Test::Every(boxed(self.expectation(node, inner, false))),
            "count" => Test::Count(boxed(self.count(node))),
            "not" => Test::Not(boxed(self.expectation(node, part, false))),
            "exactly" => return Some(self.expectation(node, part, true)),
            "one_of" => {
                let Some(items) = node.items() else {
                    self.found.error("E0106", span, "`one_of` takes a list");
                    return None;
                };
                let choices = items.iter().map(|item| self.expectation(item, part, false));
                Test::OneOf(choices.collect())
            }
            "at_least" => Test::AtLeast(self.bound(node)),
            "at_most" => Test::AtMost(self.bound(node)),
            "between" => return self.between(node),
            "contains" => {
                let item = if is_list && !matches!(part, Part::Open) {
                    inner
                } else {
                    Part::Open
                };
                Test::Contains(
                    boxed(self.expectation(node, item, false)),
                    self.untyped(node),
                )
            }
            "starts_with" => Test::StartsWith(self.untyped(node)),
            "matches" => Test::Matches(self.regex(node)?),
            "exists" => Test::Exists(self.truth(node)?),
            "is" => Test::Is(self.nature(node)?),
            "that" => Test::That(self.condition(node)?),
            _ => {
                self.unknown_word(entry, part);
                return None;
            }
        };
        Some(Matcher { test, span })
    }

    /// Whether a word can be about such a part of an answer.
    fn fits(&mut self, entry: &Entry, part: Part) -> bool {
        let key = entry.key.text.as_str();
        let of_lists =
            (LIST_WORDS.contains(&key) && !is_list(part)) || (key == "count" && !is_list(part));
        let of_singles =
            SINGLE_WORDS.contains(&key) && matches!(part, Part::All(_) | Part::Message(_));
        let about = match (of_lists, of_singles) {
            (true, _) => "lists",
            (false, true) => "single values",
            (false, false) => return true,
        };
        let given = part.in_words();
        self.found.error(
            "E0307",
            entry.key.span,
            format!("`{key}` is about {about}, and this part of the answer is {given}"),
        );
        false
    }

    fn unknown_word(&mut self, entry: &Entry, part: Part) {
        let key = entry.key.text.as_str();
        let diagnostic = self.found.error(
            "E0216",
            entry.key.span,
            format!(
                "`{key}` is no matcher, and this part of the answer is {}",
                part.in_words()
            ),
        );
        if let Some((_, ours)) = OTHER_WORDS.iter().find(|(other, _)| *other == key) {
            diagnostic.caption(format!("did you mean `{ours}`?"));
            return;
        }
        if crate::scenario::diagnostic::nearest(key, WORDS.iter().map(|(word, _)| *word)).is_some()
        {
            diagnostic.suggest(key, WORDS.iter().map(|(word, _)| *word));
        } else if let Part::All(FieldDef {
            card: Card::List, ..
        }) = part
        {
            diagnostic.help("ask for items with `first`, `last`, `any` or `every`");
        } else {
            diagnostic.suggest(key, WORDS.iter().map(|(word, _)| *word));
        }
    }

    fn count(&mut self, node: &Node) -> Matcher {
        match node.entries() {
            Some(entries) => self.words(node.span, entries, Part::Number),
            None => self.expectation(node, Part::Number, false),
        }
    }

    /// A bound: something with a size.
    fn bound(&mut self, node: &Node) -> Template {
        let template = self.untyped(node);
        if let Some(value) = template.constant()
            && comparable(&value).is_none()
            && !value.is_null()
        {
            self.found
                .error(
                    "E0107",
                    node.span,
                    "this cannot be more or less than anything",
                )
                .caption("expected a number, a duration, a share or a size");
        }
        template
    }

    fn between(&mut self, node: &Node) -> Option<Matcher> {
        let [low, high] = node.items().unwrap_or_default() else {
            self.found
                .error("E0106", node.span, "`between` takes a list of two bounds");
            return None;
        };
        let low = Matcher {
            test: Test::AtLeast(self.bound(low)),
            span: node.span,
        };
        let high = Matcher {
            test: Test::AtMost(self.bound(high)),
            span: node.span,
        };
        Some(Matcher {
            test: Test::All(vec![low, high]),
            span: node.span,
        })
    }

    fn regex(&mut self, node: &Node) -> Option<Regex> {
        let text = node.text().unwrap_or_default();
        match Regex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let line = error.to_string();
                let reason = line
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                self.found.error(
                    "E0409",
                    node.span,
                    format!("this is no regular expression: {reason}"),
                );
                None
            }
        }
    }

    fn truth(&mut self, node: &Node) -> Option<bool> {
        let truth = node.scalar().and_then(|scalar| scalar.value().as_bool());
        if truth.is_none() {
            self.found
                .error("E0303", node.span, "`exists` takes `true` or `false`")
                .caption("expected `true` or `false`");
        }
        truth
    }

    fn nature(&mut self, node: &Node) -> Option<Nature> {
        match node.text() {
            Some("ciphertext") => Some(Nature::Ciphertext),
            Some("plaintext") => Some(Nature::Plaintext),
            text => {
                self.found
                    .error("E0304", node.span, "`is` takes `ciphertext` or `plaintext`")
                    .suggest(text.unwrap_or_default(), ["ciphertext", "plaintext"]);
                None
            }
        }
    }

    /// An expression about `it`, with or without `$(...)` around it.
    fn condition(&mut self, node: &Node) -> Option<Expression> {
        let text = node.text()?.trim();
        let inner = text
            .strip_prefix("$(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(text);
        match Expression::compile(inner) {
            Err(problems) => {
                let scalar = node.scalar()?;
                let offset = scalar.text.find(inner).unwrap_or(0);
                for problem in problems {
                    let range = offset + problem.range.start..offset + problem.range.end;
                    let span = self.inside(scalar, node.span, range).unwrap_or(node.span);
                    self.found.error(problem.code, span, problem.message);
                }
                None
            }
            Ok(expression) => {
                let it = Binding {
                    name: "it".into(),
                    span: node.span,
                    origin: Origin::Loop,
                    of: Type::Any,
                };
                self.scope.bindings.push(it);
                let sound = self.expression_is_sound(&expression, node.span);
                self.scope.bindings.pop();
                sound.then_some(expression)
            }
        }
    }
}

/// Whether a part of an answer can be a list.
fn is_list(part: Part) -> bool {
    match part {
        Part::Open => true,
        Part::All(field) => field.card == Card::List,
        Part::Message(_) | Part::One(..) | Part::Number => false,
    }
}
