//! What an expression of DynamoDB is made of, as far as a client must know it.
//!
//! Names and values are told from each other and from the words of the language; whether
//! the expression is a good one is for DynamoDB to say.

use std::collections::BTreeMap;
use std::fmt;

use crate::schema::{AttributeAction, Schema};

/// Names behind `#name`.
pub type Names = BTreeMap<String, String>;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `attribute_exists(a)`
    AttributeExists,
    /// `attribute_not_exists(a)`
    AttributeNotExists,
    /// `attribute_type(a, :t)`
    AttributeType,
    /// `begins_with(a, :v)`
    BeginsWith,
    /// `contains(a, :v)`
    Contains,
    /// `size(a)`
    Size,
}

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An attribute, by path or as `#name`.
    Name(String),
    /// `:value`
    Value(String),
    /// A comparison.
    Compare(Comparison),
    /// A function.
    Call(Function),
    /// `BETWEEN`
    Between,
    /// `IN`
    In,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `NOT`
    Not,
    /// `AND`
    And,
    /// `OR`
    Or,
}

const WORDS: [(&str, Token); 11] = [
    ("between", Token::Between),
    ("in", Token::In),
    ("not", Token::Not),
    ("and", Token::And),
    ("or", Token::Or),
    ("attribute_exists", Token::Call(Function::AttributeExists)),
    (
        "attribute_not_exists",
        Token::Call(Function::AttributeNotExists),
    ),
    ("attribute_type", Token::Call(Function::AttributeType)),
    ("begins_with", Token::Call(Function::BeginsWith)),
    ("contains", Token::Call(Function::Contains)),
    ("size", Token::Call(Function::Size)),
];

const MARKS: [(&str, Token); 9] = [
    ("<=", Token::Compare(Comparison::LessOrEqual)),
    ("<>", Token::Compare(Comparison::Unequal)),
    (">=", Token::Compare(Comparison::GreaterOrEqual)),
    ("<", Token::Compare(Comparison::Less)),
    (">", Token::Compare(Comparison::Greater)),
    ("=", Token::Compare(Comparison::Equal)),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
];

/// The pieces of `text`. What belongs to no piece ends it: DynamoDB refuses it anyway.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    'next: while !rest.is_empty() {
        for (mark, token) in MARKS {
            if let Some(after) = rest.strip_prefix(mark) {
                tokens.push(token);
                rest = after.trim_start();
                continue 'next;
            }
        }
        let is_part = |at: char| at.is_alphanumeric() || "_.[]#:".contains(at);
        let end = rest.find(|at| !is_part(at)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        tokens.push(of_word(word));
        rest = after.trim_start();
    }
    tokens
}

fn of_word(word: &str) -> Token {
    if word.starts_with(':') {
        return Token::Value(word.to_owned());
    }
    let mut words = WORDS.into_iter();
    let known = words.find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map_or_else(|| Token::Name(word.to_owned()), |(_, token)| token)
}

/// The expression again, one blank between pieces.
#[must_use]
pub fn written(tokens: &[Token]) -> String {
    let words: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    words.join(" ")
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Unequal => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Name(text) | Self::Value(text) => text,
            Self::Compare(comparison) => return comparison.fmt(f),
            Self::Call(Function::AttributeExists) => "attribute_exists",
            Self::Call(Function::AttributeNotExists) => "attribute_not_exists",
            Self::Call(Function::AttributeType) => "attribute_type",
            Self::Call(Function::BeginsWith) => "begins_with",
            Self::Call(Function::Contains) => "contains",
            Self::Call(Function::Size) => "size",
            Self::Between => "BETWEEN",
            Self::In => "IN",
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Not => "NOT",
            Self::And => "AND",
            Self::Or => "OR",
        };
        f.write_str(word)
    }
}

/// The attributes of an expression whose values it looks at, which neither their existence
/// nor their size is; each as often as it is named.
#[must_use]
pub fn looked_at(expression: &str, names: &Names) -> Vec<String> {
    let tokens = tokens(expression);
    let special = |at: usize| {
        at >= 2
            && tokens[at - 1] == Token::Open
            && matches!(
                tokens[at - 2],
                Token::Call(
                    Function::AttributeExists | Function::AttributeNotExists | Function::Size
                )
            )
    };
    let named = tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match token {
            Token::Name(name) if !special(at) => Some(attribute(name, names)),
            _ => None,
        });
    named.collect()
}

/// The attribute that a path begins with.
pub(super) fn attribute(name: &str, names: &Names) -> String {
    let first = name.split(['.', '[']).next().unwrap_or(name);
    names
        .get(first)
        .cloned()
        .unwrap_or_else(|| first.to_owned())
}

/// Says why a condition may not be sent: it looks at what is encrypted (CSE-011).
///
/// # Errors
/// The SDK's words.
pub fn check_condition(schema: &Schema, condition: &str, names: &Names) -> Result<(), String> {
    let of = |name: &String| schema.actions().get(name) == Some(&AttributeAction::EncryptAndSign);
    let encrypted: Vec<String> = looked_at(condition, names).into_iter().filter(of).collect();
    if encrypted.is_empty() {
        return Ok(());
    }
    Err(format!(
        "Condition Expressions forbidden on encrypted attributes : {}",
        encrypted.join(",")
    ))
}

/// Says why an update may not be sent: it changes or reads what is signed (CSE-010).
///
/// # Errors
/// The SDK's words.
pub fn check_update(schema: &Schema, update: &str, names: &Names) -> Result<(), String> {
    let words = ["set", "remove", "add", "delete"];
    let text = update.replace(['+', '-'], " ");
    let mut signed = Vec::new();
    for token in tokens(&text) {
        let Token::Name(name) = token else { continue };
        if words.iter().any(|word| word.eq_ignore_ascii_case(&name)) {
            continue;
        }
        let name = attribute(&name, names);
        let action = schema.actions().get(&name);
        if action.is_some_and(|action| *action != AttributeAction::DoNothing) {
            signed.push(name);
        }
    }
    if signed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "Update Expressions forbidden on signed attributes : {}",
        signed.join(",")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_read_and_written_again() {
        for (text, wanted) in [
            ("a=:a", "a = :a"),
            ("a<=:a And NOT (b<>:b)", "a <= :a AND NOT ( b <> :b )"),
            ("inner in(:a,:b)", "inner IN ( :a , :b )"),
            ("#a.b[1] between :x and :y", "#a.b[1] BETWEEN :x AND :y"),
            (
                "begins_with ( android , :x )",
                "begins_with ( android , :x )",
            ),
            (
                "size(ordinal) > :n OR attribute_exists(x)",
                "size ( ordinal ) > :n OR attribute_exists ( x )",
            ),
            ("a = ?", "a ="),
        ] {
            assert_eq!(written(&tokens(text)), wanted);
        }
    }

    #[test]
    fn existence_and_size_do_not_look_at_a_value() {
        let names = [("#c".to_owned(), "card".to_owned())].into();
        let text = "attribute_exists(a) AND size(b) > :n AND #c.x = :c AND contains(d, :d)";
        assert_eq!(looked_at(text, &names), ["card", "d"]);
    }

    fn schema() -> Schema {
        use AttributeAction::{DoNothing, EncryptAndSign, SignOnly};
        let actions = [
            ("id", SignOnly),
            ("card", EncryptAndSign),
            ("note", DoNothing),
        ];
        Schema::new(crate::schema::SchemaConfig {
            logical_table_name: "orders".to_owned(),
            partition_key: "id".to_owned(),
            actions: actions
                .map(|(name, action)| (name.to_owned(), action))
                .into(),
            allowed_unsigned_attributes: ["note".to_owned()].into(),
            ..crate::schema::SchemaConfig::default()
        })
        .unwrap()
    }

    #[test]
    fn cse_011_a_condition_may_not_look_at_what_is_encrypted() {
        let names = [("#c".to_owned(), "card".to_owned())].into();
        let check = |text: &str| check_condition(&schema(), text, &names);
        assert_eq!(check("attribute_not_exists(card) AND id = :i"), Ok(()));
        assert_eq!(
            check("#c = :c OR card = :d"),
            Err("Condition Expressions forbidden on encrypted attributes : card,card".to_owned())
        );
    }

    #[test]
    fn cse_010_an_update_may_only_touch_what_is_not_signed() {
        let names = [("#c".to_owned(), "card".to_owned())].into();
        let check = |text: &str| check_update(&schema(), text, &names);
        assert_eq!(check("SET note = :n REMOVE other"), Ok(()));
        assert_eq!(
            check("SET note = id+:n, #c = :c"),
            Err("Update Expressions forbidden on signed attributes : id,card".to_owned())
        );
    }
}
