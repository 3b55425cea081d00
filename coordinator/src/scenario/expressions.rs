//! `$name`, `$name.member[0]` and `$(expression)`, found in scalars of the parsed tree.
//!
//! The rules: a scalar that is one `$...` and nothing else keeps the type of what it
//! names. Inside longer text only `$(...)` stands for something, and becomes text; a bare
//! `$name` there is an error, for nobody can see where it ends. `$$` is a dollar sign.
//! Keys of maps are never touched. `$` before anything else is itself, so that the
//! variables of AWS policies, `${aws:username}`, pass.
//!
//! Expressions are CEL. Left out: its types of time; a duration is text here. Lists
//! that CEL makes of the members of a map are in no fixed order: see
//! [`Expression::evaluate`].

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::{Context, IdedExpr, Program};
use serde_json::Value;

/// The way to a value: a name, and members and indices from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The name after the dollar sign.
    pub root: String,
    /// What follows.
    pub steps: Vec<PathStep>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// `.member`.
    Member(String),
    /// `[0]`.
    Index(usize),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        for step in &self.steps {
            match step {
                PathStep::Member(member) => write!(f, ".{member}")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Path {
    /// Follows the path from the value that its name stands for.
    ///
    /// # Errors
    /// A sentence that says where the way ends.
    pub fn follow<'v>(&self, root: &'v Value) -> Result<&'v Value, String> {
        let mut value = root;
        for (taken, step) in self.steps.iter().enumerate() {
            let next = match step {
                PathStep::Member(member) => value.get(member),
                PathStep::Index(index) => value.get(index),
            };
            value = next.ok_or_else(|| {
                let so_far = Self {
                    root: self.root.clone(),
                    steps: self.steps[..taken].to_vec(),
                };
                match step {
                    PathStep::Member(member) => format!("`${so_far}` has no member `{member}`"),
                    PathStep::Index(index) => format!("`${so_far}` has no item {index}"),
                }
            })?;
        }
        Ok(value)
    }
}

/// The functions of CEL that expressions may call; macros (`has`, `all`, `exists`,
/// `exists_one`, `map`, `filter`) are known to the compiler.
pub const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// A compiled CEL expression.
#[derive(Clone)]
pub struct Expression {
    /// As written.
    pub source: String,
    /// What it reads.
    pub inputs: Vec<Path>,
    /// Functions it calls.
    pub functions: Vec<String>,
    program: Arc<Program>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.source)
    }
}
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// Something wrong inside a scalar, by bytes of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The diagnostic's code.
    pub code: &'static str,
    /// Where in the text.
    pub range: Range<usize>,
    /// What.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// The syntax errors, by bytes of `source`.
    pub fn compile(source: &str) -> Result<Self, Vec<Problem>> {
        let program =
            Program::compile(source).map_err(|errors| syntax_problems(source, &errors))?;
        let mut reading = Reading::default();
        reading.expression(program.expression());
        Ok(Self {
            source: source.to_owned(),
            inputs: reading.paths.into_iter().collect(),
            functions: reading.functions.into_iter().collect(),
            program: Arc::new(program),
        })
    }

    /// The functions that nothing knows.
    #[must_use]
    pub fn unknown_functions(&self) -> Vec<&str> {
        let operator = |name: &str| name.starts_with(['_', '@', '-', '!']);
        let known = |name: &str| operator(name) || FUNCTIONS.contains(&name);
        self.functions
            .iter()
            .map(String::as_str)
            .filter(|name| !known(name))
            .collect()
    }

    /// Computes the expression. A result that depends on the order of a map's members
    /// (`map` or `filter` over a map) is not the same in each run: sort by other means,
    /// or ask with `exists` and `all`.
    ///
    /// # Errors
    /// A sentence: a name without a value, operands that do not fit, no such member.
    pub fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
        let mut context = Context::default();
        let roots: BTreeSet<&str> = self.inputs.iter().map(|path| path.root.as_str()).collect();
        for root in roots {
            let value = lookup(root).ok_or_else(|| format!("`{root}` has no value here"))?;
            context.add_variable_from_value(root, to_cel(&value));
        }
        let value = self
            .program
            .execute(&context)
            .map_err(|error| error.to_string())?;
        from_cel(&value)
    }
}

fn syntax_problems(source: &str, errors: &cel::ParseErrors) -> Vec<Problem> {
    let byte = |column: isize| {
        let characters = usize::try_from(column).unwrap_or(0).saturating_sub(1);
        source
            .char_indices()
            .nth(characters)
            .map_or(source.len(), |(byte, _)| byte)
    };
    let mut problems: Vec<Problem> = errors
        .errors
        .iter()
        .map(|error| {
            let at = if error.pos.0 <= 1 {
                byte(error.pos.1)
            } else {
                0
            };
            let message = error.msg.replace("Syntax error: ", "").replace('\n', " ");
            Problem {
                code: "E0401",
                range: at..(at + 1).min(source.len().max(at)),
                message,
                help: None,
            }
        })
        .collect();
    problems.dedup();
    problems.truncate(1);
    problems
}

/// Collects what an expression reads: names that it does not bind itself.
#[derive(Default)]
struct Reading {
    bound: Vec<String>,
    paths: BTreeSet<Path>,
    functions: BTreeSet<String>,
}

impl Reading {
    fn expression(&mut self, node: &IdedExpr) {
        if let Some(path) = path_of(node) {
            if !path.root.starts_with('@') && !self.bound.contains(&path.root) {
                self.paths.insert(path);
            }
            return;
        }
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => {}
            Expr::Select(select) => self.expression(&select.operand),
            Expr::Call(call) => {
                self.functions.insert(call.func_name.clone());
                call.target
                    .iter()
                    .for_each(|target| self.expression(target));
                call.args
                    .iter()
                    .for_each(|argument| self.expression(argument));
            }
            Expr::List(list) => list
                .elements
                .iter()
                .for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(structure) => structure
                .entries
                .iter()
                .for_each(|entry| self.entry(&entry.expr)),
            Expr::Comprehension(comprehension) => {
                self.expression(&comprehension.iter_range);
                self.expression(&comprehension.accu_init);
                let before = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                for part in [
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.expression(part);
                }
                self.bound.truncate(before);
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key);
                self.expression(&entry.value);
            }
        }
    }
}

/// `a.b[0].c` as a path; `None` for anything that computes. `has(a.b)` reads `a`.
fn path_of(node: &IdedExpr) -> Option<Path> {
    match &node.expr {
        Expr::Ident(name) => Some(Path {
            root: name.clone(),
            steps: Vec::new(),
        }),
        Expr::Select(select) => {
            let mut path = path_of(&select.operand)?;
            if !select.test {
                path.steps.push(PathStep::Member(select.field.clone()));
            }
            Some(path)
        }
        Expr::Call(call) if call.func_name == "_[_]" && call.target.is_none() => {
            let [operand, index] = call.args.as_slice() else {
                return None;
            };
            let Expr::Literal(literal) = &index.expr else {
                return None;
            };
            let mut path = path_of(operand)?;
            path.steps.push(match literal {
                LiteralValue::Int(index) => PathStep::Index(usize::try_from(*index.inner()).ok()?),
                LiteralValue::String(member) => PathStep::Member(member.inner().to_owned()),
                _ => return None,
            });
            Some(path)
        }
        _ => None,
    }
}

fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(truth) => cel::Value::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => cel::Value::Int(int),
            (None, Some(uint)) => cel::Value::UInt(uint),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(members) => cel::Value::Map(cel::objects::Map {
            map: Arc::new(
                members
                    .iter()
                    .map(|(key, value)| (key.clone().into(), to_cel(value)))
                    .collect(),
            ),
        }),
    }
}

fn from_cel(value: &cel::Value) -> Result<Value, String> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(truth) => (*truth).into(),
        cel::Value::Int(int) => (*int).into(),
        cel::Value::UInt(uint) => (*uint).into(),
        cel::Value::Float(float) => serde_json::Number::from_f64(*float)
            .map(Value::Number)
            .ok_or("the result is not a number")?,
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::Bytes(bytes) => super::bytes::written(bytes).into(),
        cel::Value::List(items) => {
            Value::Array(items.iter().map(from_cel).collect::<Result<_, _>>()?)
        }
        cel::Value::Map(map) => {
            let mut members = serde_json::Map::new();
            let mut entries: Vec<_> = map
                .map
                .iter()
                .map(|(key, value)| (key.to_string(), value))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in entries {
                members.insert(key, from_cel(value)?);
            }
            Value::Object(members)
        }
        other => {
            return Err(format!(
                "the result is {}, which no scenario can hold",
                other.type_of()
            ));
        }
    })
}

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
            let help =
                format!("inside longer text write `$({path})`; write `$$` for a dollar sign");
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
fn closing(text: &str) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(source: &str) -> Expression {
        Expression::compile(source).expect("the test's expression is right")
    }

    #[test]
    fn a_scalar_that_is_one_name_keeps_its_type() {
        let pieces = scan("$launch.instances[0].instance_id").expect("a path");
        assert!(
            matches!(&pieces[..], [Piece::Path(path)] if path.to_string() == "launch.instances[0].instance_id")
        );
        assert_eq!(
            scan("costs 5$, $$home, ${aws:username}"),
            Ok(vec![Piece::Text("costs 5$, $home, ${aws:username}".into())])
        );
        assert_eq!(scan(""), Ok(vec![Piece::Text(String::new())]));
    }

    #[test]
    fn inside_text_only_parentheses_stand_for_something() {
        let pieces = scan("item-$(n + 1).txt").expect("text and an expression");
        assert_eq!(pieces.len(), 3);
        for (text, code) in [
            ("x-$home", "E0403"),
            ("${home}", "E0404"),
            ("$(a + ", "E0402"),
            ("$(a + )", "E0401"),
        ] {
            let problems = scan(text).expect_err(text);
            assert_eq!(problems[0].code, code, "{text}");
        }
        assert_eq!(closing(r#"f(")") + 1) x"#), Some(10));
    }

    #[test]
    fn an_expression_tells_what_it_reads() {
        let expression = compiled("size(launch.instances[0].tags) > 1 && [1, 2].exists(x, x == n)");
        let paths: Vec<String> = expression.inputs.iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["launch.instances[0].tags", "n"]);
        assert_eq!(compiled("sized(n)").unknown_functions(), ["sized"]);
        assert!(
            compiled("size(n) + int('1') - (n.contains('x') ? 1 : 0)")
                .unknown_functions()
                .is_empty()
        );
    }

    #[test]
    fn expressions_compute_with_the_values_of_answers() {
        let lookup =
            |name: &str| (name == "a").then(|| json!({"n": 2, "list": ["x", "y"], "none": null}));
        assert_eq!(compiled("a.n + 1").evaluate(&lookup), Ok(json!(3)));
        assert_eq!(
            compiled("a.list[1] + '!'").evaluate(&lookup),
            Ok(json!("y!"))
        );
        assert_eq!(
            compiled("{'b': a.none, 'a': 1.5}").evaluate(&lookup),
            Ok(json!({"a": 1.5, "b": null}))
        );
        assert!(compiled("a.gone").evaluate(&lookup).is_err());
        assert!(compiled("b").evaluate(&lookup).is_err());
    }
}
