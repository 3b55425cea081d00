//! The search behind a pattern: bytes, `?` and `*` against a text.

/// Whether upper and lower case differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `A` is not `a`: resources, ARNs, most values.
    Matters,
    /// `A` is `a` (ASCII letters): actions, `StringEqualsIgnoreCase`.
    Ignored,
}

/// One thing that a pattern wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// This byte.
    Byte(u8),
    /// `?`: one character.
    One,
    /// `*`: any run of characters.
    Many,
}

/// The classic search: remember the last star and, on a mismatch, let it eat one character more.
pub(super) fn glob(units: &[Unit], text: &[u8], case: Case) -> bool {
    let (mut unit, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match units.get(unit) {
            Some(Unit::Many) => {
                unit += 1;
                star = Some((unit, at));
                continue;
            }
            Some(Unit::One) if at < text.len() => Some(character(text, at)),
            Some(Unit::Byte(byte)) if at < text.len() && equal(*byte, text[at], case) => Some(1),
            None if at == text.len() => return true,
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                unit += 1;
                at += length;
            }
            (None, Some((after, from))) if from < text.len() => {
                let next = from + character(text, from);
                star = Some((after, next));
                (unit, at) = (after, next);
            }
            (None, _) => return false,
        }
    }
}

fn equal(own: u8, other: u8, case: Case) -> bool {
    match case {
        Case::Matters => own == other,
        Case::Ignored => own.eq_ignore_ascii_case(&other),
    }
}

/// How many bytes the character at `at` takes, so that `?` is a character and not a byte.
fn character(text: &[u8], at: usize) -> usize {
    let length = match text[at] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    };
    length.min(text.len() - at)
}
