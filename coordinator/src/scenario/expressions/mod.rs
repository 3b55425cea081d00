//! `$name`, `$name.member[0]` and `$(expression)`, found in scalars of the parsed tree.
//!
//! The rules: a scalar that is one `$...` and nothing else keeps the type of what it
//! names. Inside longer text only `$(...)` stands for something, and becomes text; a bare
//! `$name` there is an error, for nobody can see where it ends. `$$` is a dollar sign.
//! Keys of maps are never touched. `$` before anything else is itself, so that the
//! variables of AWS policies, `${aws:username}`, pass.
//!
//! Expressions are CEL. Left out: its types of time; a duration is text here. CEL
//! lists the members of a map in no fixed order, so `map` and `filter` over one are
//! refused: a run must not depend on it.

mod reading;
mod scan;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use cel::{Context, Program};
use serde_json::Value;

use reading::Reading;
pub use scan::{Piece, scan};
use values::{from_cel, to_cel};

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
    listed: Box<[Path]>,
    /// Whether it is nothing but the way to its input.
    bare: bool,
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
        let mut inputs = reading.paths.iter();
        let first = inputs.next();
        Ok(Self {
            bare: first.is_some_and(|path| path.to_string() == source.trim()),
            source: source.to_owned(),
            inputs: reading.paths.into_iter().collect(),
            functions: reading.functions.into_iter().collect(),
            listed: reading.listed.into_iter().collect(),
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

    /// Computes the expression.
    ///
    /// # Errors
    /// A sentence: a name without a value, operands that do not fit, no such member, a
    /// list made of a map's members.
    pub fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
        for path in &self.listed {
            let map =
                lookup(&path.root).and_then(|root| path.follow(&root).ok().map(Value::is_object));
            if map == Some(true) {
                return Err(format!(
                    "`{path}` is a map, whose members have no order to list them in"
                ));
            }
        }
        if let (true, Some(path)) = (self.bare, self.inputs.first()) {
            let root = lookup(&path.root);
            let root = root.ok_or_else(|| format!("`{}` has no value here", path.root))?;
            return path.follow(&root).cloned();
        }
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
            let message = in_our_words(&error.msg);
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

/// The parser's message without its list of everything that might have come.
fn in_our_words(message: &str) -> String {
    if message.contains("<EOF>") && message.contains("mismatched") {
        return "the expression ends too early".into();
    }
    let message = message
        .trim_start_matches("Syntax error: ")
        .replace('\n', " ");
    let short = message.split(" expecting ").next().unwrap_or_default();
    format!("this is no expression: {short}")
}

#[cfg(test)]
mod tests {
    use super::scan::closing;
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
        assert_eq!(
            compiled("a.list.map(x, x + x)").evaluate(&lookup),
            Ok(json!(["xx", "yy"]))
        );
        assert_eq!(
            compiled("a.exists(key, key == 'n')").evaluate(&lookup),
            Ok(json!(true))
        );
        assert!(
            compiled("a.map(key, key)").evaluate(&lookup).is_err(),
            "no order"
        );
        assert!(compiled("b").evaluate(&lookup).is_err());
    }
}
