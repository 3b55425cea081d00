//! What all three expression languages share: tokens in order, placeholders, paths.

use super::path::{Path, Step};
use super::reserved::is_reserved;
use super::tokens::{self, Kind, Token};
use super::{Problem, Scope};
use crate::services::dynamodb::value::Value;

/// Longest expression, in bytes.
const LONGEST: usize = 4096;
/// Deepest nesting of parentheses and functions; far above what 4 KB of sense need.
const DEEPEST: u32 = 100;

/// Reads one expression.
pub(super) struct Parser<'s, 'm> {
    text: &'s str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    pub(super) scope: &'s mut Scope<'m>,
}

impl<'s, 'm> Parser<'s, 'm> {
    pub(super) fn new(text: &'s str, scope: &'s mut Scope<'m>) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::new("The expression can not be empty;"));
        }
        if text.len() > LONGEST {
            return Err(Problem(format!(
                "Expression size has exceeded the maximum allowed size; expression size: {}",
                text.len()
            )));
        }
        match tokens::read(text) {
            Ok(tokens) => Ok(Self {
                text,
                tokens,
                at: 0,
                depth: 0,
                scope,
            }),
            Err(at) => {
                let token = text[at..].chars().next().unwrap_or(' ');
                let from = text[..at]
                    .char_indices()
                    .nth_back(2)
                    .map_or(0, |(at, _)| at);
                let to = text[at..]
                    .char_indices()
                    .nth(4)
                    .map_or(text.len(), |(more, _)| at + more);
                Err(syntax(&token.to_string(), &text[from..to]))
            }
        }
    }

    fn token(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn peek(&self) -> &Kind {
        &self.token().kind
    }

    pub(super) fn next(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.at += 1;
        kind
    }

    /// A syntax error at the present token.
    pub(super) fn wrong(&self) -> Problem {
        let token = self.token();
        let from = self
            .at
            .checked_sub(1)
            .map_or(0, |at| self.tokens[at.min(self.tokens.len() - 1)].start);
        let to = self
            .tokens
            .get(self.at + 1)
            .map_or(self.text.len(), |token| token.end);
        let shown = match token.kind {
            Kind::End => "<EOF>",
            _ => &self.text[token.start..token.end],
        };
        syntax(shown, &self.text[from..to.max(from)])
    }

    /// Whether the present token is this sign.
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Kind::Sign(found) if *found == sign)
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Problem> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    /// Takes a keyword in any case.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Kind::Word(found) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    pub(super) fn end(&self) -> Result<(), Problem> {
        match self.peek() {
            Kind::End => Ok(()),
            _ => Err(self.wrong()),
        }
    }

    /// The name of a function that is called here.
    pub(super) fn function(&mut self) -> Option<String> {
        let Kind::Word(name) = self.peek() else {
            return None;
        };
        let name = name.clone();
        let called = matches!(
            self.tokens.get(self.at + 1),
            Some(Token {
                kind: Kind::Sign("("),
                ..
            })
        );
        if !called {
            return None;
        }
        self.at += 2;
        Some(name)
    }

    /// Goes one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.depth == DEEPEST {
            return Err(Problem::new("The expression is nested too deeply"));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    /// What a `:value` stands for.
    pub(super) fn value(&mut self, name: &str) -> Result<Value, Problem> {
        self.scope.value(name)
    }

    /// A path; the present token begins it.
    pub(super) fn path(&mut self) -> Result<Path, Problem> {
        let mut steps = vec![Step::Name(self.attribute()?)];
        loop {
            if self.take(".") {
                steps.push(Step::Name(self.attribute()?));
            } else if self.take("[") {
                let Kind::Number(digits) = self.peek().clone() else {
                    return Err(self.wrong());
                };
                let index = digits.parse::<u32>().map_err(|_| {
                    Problem(format!(
                        "List index is not within the allowable range; index: [{digits}]"
                    ))
                })?;
                self.at += 1;
                steps.push(Step::Index(usize::try_from(index).unwrap_or(usize::MAX)));
                self.expect("]")?;
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn attribute(&mut self) -> Result<String, Problem> {
        match self.peek().clone() {
            Kind::Word(name) if is_reserved(&name) => Err(Problem(format!(
                "Attribute name is a reserved keyword; reserved keyword: {name}"
            ))),
            Kind::Word(name) => {
                self.at += 1;
                Ok(name)
            }
            Kind::Name(placeholder) => {
                self.at += 1;
                self.scope.name(&placeholder)
            }
            Kind::Value(_) | Kind::Number(_) | Kind::Sign(_) | Kind::End => Err(self.wrong()),
        }
    }
}

fn syntax(token: &str, near: &str) -> Problem {
    Problem(format!(
        "Syntax error; token: \"{token}\", near: \"{}\"",
        near.trim()
    ))
}

/// The complaint about a function with too many or too few operands.
pub(super) fn operands(function: &str, count: usize) -> Problem {
    Problem(format!(
        "Incorrect number of operands for operator or function; operator or function: \
         {function}, number of operands: {count}"
    ))
}

/// The complaint about an operand of a type that the function does not take.
pub(super) fn operand_type(function: &str, value: &Value) -> Problem {
    Problem(format!(
        "Incorrect operand type for operator or function; operator or function: {function}, \
         operand type: {}",
        value.kind()
    ))
}
