//! Scalars: which are text, which are names, and which are known already.

use std::borrow::Cow;

use serde_json::Value;

use crate::scenario::diagnostic::nearest;
use crate::scenario::expressions::{Expression, Path, Piece, Problem, scan};
use crate::scenario::source::{Node, Scalar, Span, Value as Tree};
use crate::scenario::template::{Form, Template, as_text};

use super::Checker;
use super::scope::{NoSuchMember, Type};

/// What a node turned out to be.
pub enum Substituted<'n> {
    /// Known: the node itself, or what its name stands for, at the same place.
    Known(Cow<'n, Node>),
    /// Known only in a run.
    Later(Template, Type),
    /// Wrong, and reported.
    Wrong,
}

impl Checker<'_> {
    /// Finds what a scalar stands for. Maps and lists are known; their parts may not be.
    pub fn substitute<'n>(&mut self, node: &'n Node) -> Substituted<'n> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.text.contains('$')) else {
            return Substituted::Known(Cow::Borrowed(node));
        };
        match scan(&scalar.text) {
            Err(problems) => {
                for problem in problems {
                    self.scalar_problem(scalar, node.span, problem);
                }
                Substituted::Wrong
            }
            Ok(pieces) => match <[Piece; 1]>::try_from(pieces) {
                Ok([Piece::Path(path)]) => self.path(path, node.span),
                Ok([Piece::Expression(expression)]) => self.expression(expression, node.span),
                Ok([Piece::Text(text)]) => {
                    Substituted::Known(Cow::Owned(text_node(text, node.span)))
                }
                Err(pieces) => self.mixed(pieces, node.span),
            },
        }
    }

    /// Reports a problem inside a scalar at the place in the file where it is, if the text
    /// stands there as it is.
    fn scalar_problem(&mut self, scalar: &Scalar, span: Span, problem: Problem) {
        let place = self
            .inside(scalar, span, problem.range.clone())
            .unwrap_or(span);
        let diagnostic = self.found.error(problem.code, place, problem.message);
        if let Some(help) = problem.help {
            diagnostic.help(help);
        }
    }

    /// The bytes of the file under a range of a scalar's text.
    #[must_use]
    pub fn inside(
        &self,
        scalar: &Scalar,
        span: Span,
        range: std::ops::Range<usize>,
    ) -> Option<Span> {
        let written = self.source.slice(span);
        let offset = if written == scalar.text {
            0
        } else if written.get(1..written.len().saturating_sub(1)) == Some(&scalar.text) {
            1
        } else {
            return None;
        };
        Some(Span::new(
            span.start + offset + range.start,
            span.start + offset + range.end,
        ))
    }

    fn path(&mut self, path: Path, span: Span) -> Substituted<'static> {
        let Some(of) = self.path_type(&path, span, "E0212") else {
            return Substituted::Wrong;
        };
        match (&of, self.scope.constant(&path.root).is_some()) {
            (Type::Values(values), true) if values.len() == 1 => {
                Substituted::Known(Cow::Owned(Node::from_json(&values[0], span)))
            }
            _ => Substituted::Later(
                Template {
                    form: Form::Reference(path),
                    span,
                },
                of,
            ),
        }
    }

    /// The type of what a path leads to; reports a way that leads nowhere.
    pub fn path_type(&mut self, path: &Path, span: Span, undefined: &'static str) -> Option<Type> {
        let Some(binding) = self.scope.find(&path.root) else {
            self.undefined(&path.root, span, undefined);
            return None;
        };
        self.used.insert(binding.span);
        let mut of = binding.of.clone();
        let mut so_far = path.root.clone();
        for step in &path.steps {
            match of.step(step, &so_far) {
                Ok(next) => of = next,
                Err(NoSuchMember { message, known }) => {
                    let member = match step {
                        crate::scenario::expressions::PathStep::Member(member) => member.as_str(),
                        crate::scenario::expressions::PathStep::Index(_) => "",
                    };
                    self.found
                        .error("E0306", span, message)
                        .suggest(member, known.iter().map(String::as_str));
                    return None;
                }
            }
            so_far = Path {
                root: so_far,
                steps: vec![step.clone()],
            }
            .to_string();
        }
        Some(of)
    }

    fn undefined(&mut self, name: &str, span: Span, code: &'static str) {
        let above = self.later_variables.get(name).copied();
        let later = self.saved_anywhere.get(name).copied();
        let known: Vec<&str> = self.scope.names().collect();
        let near = nearest(name, known.iter().copied()).map(str::to_owned);
        let diagnostic = self
            .found
            .error(code, span, format!("nothing here is named `{name}`"));
        if let Some(place) = above {
            diagnostic.label(place, "a variable knows only those above it");
        } else if let Some(place) = later {
            diagnostic.label(place, "it is saved here, later or elsewhere");
        } else if let Some(near) = near {
            diagnostic.caption(format!("did you mean `{near}`?"));
        } else {
            diagnostic.help("names come from `vars`, `matrix`, `for_each` and `save`; write `$$` for a dollar sign");
        }
    }

    fn expression(&mut self, expression: Expression, span: Span) -> Substituted<'static> {
        if !self.expression_is_sound(&expression, span) {
            return Substituted::Wrong;
        }
        match self.computed(&expression) {
            None => Substituted::Later(
                Template {
                    form: Form::Expression(expression),
                    span,
                },
                Type::Any,
            ),
            Some(Ok(value)) => Substituted::Known(Cow::Owned(Node::from_json(&value, span))),
            Some(Err(message)) => {
                self.found.error(
                    "E0408",
                    span,
                    format!("this expression cannot be computed: {message}"),
                );
                Substituted::Wrong
            }
        }
    }

    /// Checks functions and names of an expression.
    pub fn expression_is_sound(&mut self, expression: &Expression, span: Span) -> bool {
        let before = self.found.list.len();
        for name in expression.unknown_functions() {
            self.found
                .error("E0406", span, format!("no function is named `{name}`"))
                .suggest(
                    name,
                    crate::scenario::expressions::FUNCTIONS.iter().copied(),
                );
        }
        for path in &expression.inputs {
            self.path_type(path, span, "E0405");
        }
        self.found.list.len() == before
    }

    /// The value of an expression that reads nothing but variables.
    fn computed(&self, expression: &Expression) -> Option<Result<Value, String>> {
        let known = |path: &Path| self.scope.constant(&path.root).is_some();
        let ready = expression.inputs.iter().all(known);
        ready.then(|| expression.evaluate(&|name| self.scope.constant(name).cloned()))
    }

    fn mixed(&mut self, pieces: Vec<Piece>, span: Span) -> Substituted<'static> {
        let mut parts = Vec::new();
        let mut wrong = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Template::literal(text, span)),
                Piece::Path(path) => match self.path(path, span) {
                    Substituted::Known(node) => {
                        parts.push(Template::literal(known_text(&node), span))
                    }
                    Substituted::Later(template, _) => parts.push(template),
                    Substituted::Wrong => wrong = true,
                },
                Piece::Expression(expression) => match self.expression(expression, span) {
                    Substituted::Known(node) => {
                        parts.push(Template::literal(known_text(&node), span))
                    }
                    Substituted::Later(template, _) => parts.push(template),
                    Substituted::Wrong => wrong = true,
                },
            }
        }
        if wrong {
            return Substituted::Wrong;
        }
        let constants: Option<Vec<Value>> = parts.iter().map(Template::constant).collect();
        match constants {
            Some(values) => Substituted::Known(Cow::Owned(text_node(
                values.iter().map(as_text).collect(),
                span,
            ))),
            None => Substituted::Later(
                Template {
                    form: Form::Text(parts),
                    span,
                },
                Type::Any,
            ),
        }
    }
}

fn text_node(text: String, span: Span) -> Node {
    Node {
        value: Tree::Scalar(Scalar { text, plain: false }),
        span,
    }
}

fn known_text(node: &Node) -> String {
    match &node.value {
        Tree::Scalar(scalar) => scalar.text.clone(),
        Tree::Seq(_) | Tree::Map(_) => super::members::untyped_json(node).to_string(),
    }
}
