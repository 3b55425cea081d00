//! Finding `$name` and `$(...)` in the text of a scalar.

use std::ops::Range;

use super::{Expression, Path, PathStep, Problem};

/// A part of a scalar's text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// `$name...`: the whole scalar.
    Path(Path),
    /// `$(...)`.
    Expression(Expression),
}

/// Finds what a text stands for.
///
/// # Errors
/// Everything that is wrong in it.
pub fn scan(text: &str) -> Result<Vec<Piece>, Vec<Problem>> {
    let mut scanner = Scanner {
        text,
        at: 0,
        plain: String::new(),
        pieces: Vec::new(),
        problems: Vec::new(),
    };
    scanner.run();
    if scanner.problems.is_empty() {
        Ok(scanner.pieces)
    } else {
        Err(scanner.problems)
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    plain: String,
    pieces: Vec<Piece>,
    problems: Vec<Problem>,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(dollar) = self.text[self.at..].find('$') {
            self.plain.push_str(&self.text[self.at..self.at + dollar]);
            self.at += dollar;
            let rest = &self.text[self.at + 1..];
            match rest.chars().next() {
                Some('$') => self.literal_dollar(2),
                Some('(') => self.parenthesis(),
                Some('{') => self.brace(),
                Some(first) if first.is_ascii_alphabetic() || first == '_' => self.name(),
                _ => self.literal_dollar(1),
            }
        }
        self.plain.push_str(&self.text[self.at..]);
        self.flush();
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() || (self.pieces.is_empty() && self.text.is_empty()) {
            self.pieces
                .push(Piece::Text(std::mem::take(&mut self.plain)));
        }
    }

    fn literal_dollar(&mut self, length: usize) {
        self.plain.push('$');
        self.at += length;
    }

    fn problem(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            code,
            range,
            message,
            help,
        });
    }

    fn name(&mut self) {
        let (path, length) = path_at(&self.text[self.at + 1..]);
        let end = self.at + 1 + length;
        if self.at == 0 && end == self.text.len() {
            self.pieces.push(Piece::Path(path));
        } else {
            let whole = if path.steps.is_empty() {
                String::new()
            } else {
                format!(" or `$({path})`")
            };
            let root = &path.root;
            let help = format!(
                "inside longer text write `$({root})`{whole}; write `$$` for a dollar sign"
            );
            let message = format!("it cannot be seen where `${path}` ends inside longer text");
            self.problem("E0403", self.at..end, message, Some(help));
        }
        self.at = end;
    }

    /// `${name}` is what other languages write; `${aws:username}` belongs to AWS policies.
    fn brace(&mut self) {
        let rest = &self.text[self.at + 2..];
        let inner = rest.split('}').next().unwrap_or_default();
        let (path, length) = path_at(inner);
        if length == inner.len() && length > 0 && rest.len() > length {
            let end = self.at + 3 + length;
            let help = format!("write `$({path})`");
            self.problem(
                "E0404",
                self.at..end,
                format!("`${{{path}}}` stands for nothing here"),
                Some(help),
            );
            self.at = end;
        } else {
            self.literal_dollar(1);
        }
    }

    fn parenthesis(&mut self) {
        let start = self.at + 2;
        let Some(length) = closing(&self.text[start..]) else {
            self.problem(
                "E0402",
                self.at..self.text.len(),
                "this `$(` is never closed".into(),
                None,
            );
            self.at = self.text.len();
            return;
        };
        let source = &self.text[start..start + length];
        match Expression::compile(source) {
            Ok(expression) => {
                self.flush();
                self.pieces.push(Piece::Expression(expression));
            }
            Err(problems) => self
                .problems
                .extend(problems.into_iter().map(|problem| Problem {
                    range: start + problem.range.start..start + problem.range.end,
                    ..problem
                })),
        }
        self.at = start + length + 1;
    }
}

/// The path at the start of a text, and its length.
fn path_at(text: &str) -> (Path, usize) {
    let word = |from: &str| {
        from.find(|char: char| !char.is_ascii_alphanumeric() && char != '_')
            .unwrap_or(from.len())
    };
    let mut at = word(text);
    let mut path = Path {
        root: text[..at].to_owned(),
        steps: Vec::new(),
    };
    loop {
        let rest = &text[at..];
        if let Some(member) = rest.strip_prefix('.') {
            let length = word(member);
            if length == 0 || member.starts_with(|char: char| char.is_ascii_digit()) {
                break;
            }
            path.steps
                .push(PathStep::Member(member[..length].to_owned()));
            at += 1 + length;
        } else if let Some((index, _)) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            let Ok(number) = index.parse() else { break };
            path.steps.push(PathStep::Index(number));
            at += 2 + index.len();
        } else {
            break;
        }
    }
    (path, at)
}

/// The length up to the parenthesis that closes, past strings and nested ones.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(char),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}
