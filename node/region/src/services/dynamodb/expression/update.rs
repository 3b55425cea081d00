//! Updates: SET, REMOVE, ADD, DELETE. What they do to an item is in `change`.

use super::parser::{Parser, operand_type, operands};
use super::path::Path;
use super::tokens::Kind;
use super::{Problem, add_path};
use crate::services::dynamodb::value::Value;

/// What an update expression does.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Update {
    pub(super) set: Vec<(Path, Source)>,
    pub(super) remove: Vec<Path>,
    pub(super) add: Vec<(Path, Value)>,
    pub(super) delete: Vec<(Path, Value)>,
}

/// The right side of SET.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Path(Path),
    Value(Value),
    IfNotExists(Path, Box<Source>),
    ListAppend(Box<Source>, Box<Source>),
    Plus(Box<Source>, Box<Source>),
    Minus(Box<Source>, Box<Source>),
}

const SECTIONS: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

/// Reads a whole update.
pub(super) fn read(parser: &mut Parser<'_, '_>) -> Result<Update, Problem> {
    let mut update = Update::default();
    let mut paths = Vec::new();
    let mut seen = Vec::new();
    loop {
        let Some(section) = SECTIONS.into_iter().find(|word| parser.keyword(word)) else {
            return Err(parser.wrong());
        };
        if seen.contains(&section) {
            return Err(Problem(format!(
                "The \"{section}\" section can only be used once in an update expression;"
            )));
        }
        seen.push(section);
        loop {
            clause(parser, section, &mut update, &mut paths)?;
            if !parser.take(",") {
                break;
            }
        }
        if matches!(parser.peek(), Kind::End) {
            return Ok(update);
        }
    }
}

fn clause(
    parser: &mut Parser<'_, '_>,
    section: &'static str,
    update: &mut Update,
    paths: &mut Vec<Path>,
) -> Result<(), Problem> {
    let path = parser.path()?;
    add_path(paths, path.clone())?;
    match section {
        "SET" => {
            parser.expect("=")?;
            let source = sum(parser)?;
            update.set.push((path, source));
        }
        "REMOVE" => update.remove.push(path),
        _ => {
            let Kind::Value(name) = parser.peek().clone() else {
                return Err(parser.wrong());
            };
            parser.next();
            let value = parser.value(&name)?;
            let fits = match value {
                Value::Ss(_) | Value::Ns(_) | Value::Bs(_) => true,
                Value::N(_) => section == "ADD",
                _ => false,
            };
            if !fits {
                return Err(Problem(format!(
                    "Incorrect operand type for operator or function; operator: {section}, \
                     operand type: {}",
                    long_name(&value)
                )));
            }
            let list = if section == "ADD" {
                &mut update.add
            } else {
                &mut update.delete
            };
            list.push((path, value));
        }
    }
    Ok(())
}

fn long_name(value: &Value) -> &'static str {
    match value {
        Value::S(_) => "STRING",
        Value::N(_) => "NUMBER",
        Value::B(_) => "BINARY",
        Value::Null => "NULL",
        Value::Bool(_) => "BOOLEAN",
        Value::L(_) => "LIST",
        Value::M(_) => "MAP",
        Value::Ss(_) | Value::Ns(_) | Value::Bs(_) => value.kind(),
    }
}

fn sum(parser: &mut Parser<'_, '_>) -> Result<Source, Problem> {
    let left = source(parser)?;
    let sign = if parser.take("+") {
        "+"
    } else if parser.take("-") {
        "-"
    } else {
        return Ok(left);
    };
    let right = source(parser)?;
    for side in [&left, &right] {
        if let Source::Value(value) = side
            && !matches!(value, Value::N(_))
        {
            return Err(operand_type(sign, value));
        }
    }
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(if sign == "+" {
        Source::Plus(left, right)
    } else {
        Source::Minus(left, right)
    })
}

fn source(parser: &mut Parser<'_, '_>) -> Result<Source, Problem> {
    if parser.take("(") {
        let inner = parser.deeper(sum)?;
        parser.expect(")")?;
        return Ok(inner);
    }
    if let Some(name) = parser.function() {
        let mut all = vec![parser.deeper(source)?];
        while parser.take(",") {
            all.push(parser.deeper(source)?);
        }
        parser.expect(")")?;
        return call(&name, all);
    }
    if let Kind::Value(name) = parser.peek().clone() {
        parser.next();
        return Ok(Source::Value(parser.value(&name)?));
    }
    Ok(Source::Path(parser.path()?))
}

fn call(name: &str, all: Vec<Source>) -> Result<Source, Problem> {
    let known = [
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
    ];
    if known.contains(&name) {
        return Err(Problem(format!(
            "The function is not allowed in an update expression; function: {name}"
        )));
    }
    if !["if_not_exists", "list_append"].contains(&name) {
        return Err(Problem(format!("Invalid function name; function: {name}")));
    }
    let count = all.len();
    let Ok([first, second]) = <[Source; 2]>::try_from(all) else {
        return Err(operands(name, count));
    };
    if name == "if_not_exists" {
        let Source::Path(path) = first else {
            return Err(Problem(format!(
                "Operator or function requires a document path; operator or function: {name}"
            )));
        };
        return Ok(Source::IfNotExists(path, Box::new(second)));
    }
    for side in [&first, &second] {
        if let Source::Value(value) = side
            && !matches!(value, Value::L(_))
        {
            return Err(operand_type(name, value));
        }
    }
    Ok(Source::ListAppend(Box::new(first), Box::new(second)))
}
