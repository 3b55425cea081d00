//! Tokens of an expression.

/// One token, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word(String),
    /// `#name`.
    Name(String),
    /// `:value`.
    Value(String),
    /// Digits.
    Number(String),
    /// `(`, `<=` and the like.
    Sign(&'static str),
    End,
}

/// The longest first, so that `<=` is not `<`.
const SIGNS: &[&str] = &[
    "<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-",
];

/// Reads all tokens; the offset of a byte that begins none otherwise.
pub(super) fn read(text: &str) -> Result<Vec<Token>, usize> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let word = |from: usize| {
            let tail = &rest[from..];
            from + tail.find(|letter| !is_part(letter)).unwrap_or(tail.len())
        };
        let (kind, length) = match first {
            '#' | ':' => {
                let length = word(1);
                if length == 1 {
                    return Err(at);
                }
                let text = rest[..length].to_owned();
                let kind = if first == '#' {
                    Kind::Name(text)
                } else {
                    Kind::Value(text)
                };
                (kind, length)
            }
            '0'..='9' => {
                let length = word(0);
                (Kind::Number(rest[..length].to_owned()), length)
            }
            _ if is_part(first) => {
                let length = word(0);
                (Kind::Word(rest[..length].to_owned()), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Kind::Sign(sign), sign.len()),
                None => return Err(at),
            },
        };
        tokens.push(Token {
            kind,
            start: at,
            end: at + length,
        });
        at += length;
    }
    tokens.push(Token {
        kind: Kind::End,
        start: text.len(),
        end: text.len(),
    });
    Ok(tokens)
}
