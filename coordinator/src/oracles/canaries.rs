//! Canaries: what a run must keep secret, and every way in which it may be spelled.
//!
//! Left out: secrets shorter than [`SHORTEST`] bytes (chance would find them everywhere), and
//! spellings that change the bytes themselves, as compression does.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Fewest bytes of a secret that can be searched for.
pub const SHORTEST: usize = 6;
/// Secrets beyond this are searched for by pieces.
const LONG: usize = 256;
/// Length of a piece.
const PIECE: usize = 64;

/// When a canary is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Always: it was handed over to be encrypted.
    Secret,
    /// Where an oracle names it: an attribute that a client wrote without encrypting it first.
    Attribute,
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Canary {
    /// Its name, which may be printed: `kms.Encrypt Plaintext`, `orders.card`.
    pub name: String,
    /// When it is searched for.
    pub class: Class,
    /// The whole, or pieces of it; empty when it is too short or too plain to be searched for.
    pub pieces: Vec<Vec<u8>>,
}

/// All canaries of a run, in the order in which they became known.
#[derive(Debug, Clone, Default)]
pub struct CanaryBook {
    canaries: Vec<Canary>,
    known: BTreeSet<Canary>,
}

impl CanaryBook {
    /// Remembers a secret under a name that may be printed.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        self.add_as(Class::Secret, name, secret);
    }

    /// Remembers a value that is secret when an oracle says so.
    pub fn add_as(&mut self, class: Class, name: &str, secret: &[u8]) {
        let canary = Canary {
            name: name.to_owned(),
            class,
            pieces: pieces(secret),
        };
        if !secret.is_empty() && self.known.insert(canary.clone()) {
            self.canaries.push(canary);
        }
    }

    /// All of them; their places do not change.
    #[must_use]
    pub fn all(&self) -> &[Canary] {
        &self.canaries
    }
}

/// What is searched for in place of a secret.
pub(super) fn pieces(secret: &[u8]) -> Vec<Vec<u8>> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    if secret.len() <= LONG {
        return vec![secret.to_vec()];
    }
    let last = secret.len() - PIECE;
    let pieces = [0, last / 2, last].map(|start| secret[start..start + PIECE].to_vec());
    let telling = |piece: &Vec<u8>| piece.iter().collect::<BTreeSet<_>>().len() >= 4;
    pieces.into_iter().filter(telling).collect()
}

/// One way in which a piece may be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// What to search for.
    pub bytes: Vec<u8>,
    /// In words.
    pub how: &'static str,
    /// Digits only: a longer number that has it inside is no find.
    pub whole_number: bool,
}

/// Every way in which `piece` may be written.
#[must_use]
pub fn spellings(piece: &[u8]) -> Vec<Spelling> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |bytes: Vec<u8>, how| {
        if bytes.len() >= SHORTEST && seen.insert(bytes.clone()) {
            let whole_number = bytes.len() < 16 && bytes.iter().all(u8::is_ascii_digit);
            found.push(Spelling {
                bytes,
                how,
                whole_number,
            });
        }
    };
    add(piece.to_vec(), "in the clear");
    if let Ok(text) = std::str::from_utf8(piece) {
        add(json_text(text, false), "as JSON text");
        add(json_text(text, true), "as JSON text");
    }
    for shift in 0..3 {
        add(
            base64_inside(&STANDARD_NO_PAD, piece, shift).into_bytes(),
            "as base64",
        );
        add(
            base64_inside(&URL_SAFE_NO_PAD, piece, shift).into_bytes(),
            "as base64url",
        );
    }
    add(hex::encode(piece).into_bytes(), "as hex");
    add(hex::encode_upper(piece).into_bytes(), "as hex");
    found
}

/// The base64 digits that `piece` alone decides when it begins `shift` bytes after a group does.
fn base64_inside(engine: &impl Engine, piece: &[u8], shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(piece);
    let digits = engine.encode(&bytes);
    let (from, to) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
    digits[from..to].to_owned()
}

/// Text inside JSON quotes; with `ascii`, as writers do that escape all else.
fn json_text(text: &str, ascii: bool) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inside.as_bytes().to_vec();
    }
    let mut escaped = String::new();
    for letter in inside.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_found_wherever_a_secret_begins() {
        let secret = b"4242 4242 4242";
        for before in 0..7 {
            for after in 0..4 {
                let mut bytes = vec![0x7f; before];
                bytes.extend_from_slice(secret);
                bytes.extend(vec![0x33; after]);
                let text = STANDARD_NO_PAD.encode(&bytes);
                assert!(
                    spellings(secret).iter().any(|spelling| {
                        let wanted = String::from_utf8_lossy(&spelling.bytes).into_owned();
                        spelling.how == "as base64" && text.contains(&wanted)
                    }),
                    "{before} before, {after} after"
                );
            }
        }
    }

    #[test]
    fn each_spelling_is_there() {
        let text = "say \"é\" \u{1f600}";
        let all: Vec<Vec<u8>> = spellings(text.as_bytes())
            .into_iter()
            .map(|spelling| spelling.bytes)
            .collect();
        for wanted in [
            text.to_owned(),
            "say \\\"é\\\" \u{1f600}".to_owned(),
            "say \\\"\\u00e9\\\" \\ud83d\\ude00".to_owned(),
            hex::encode(text),
            hex::encode_upper(text),
        ] {
            assert!(all.contains(&wanted.clone().into_bytes()), "{wanted}");
        }
        let binary = [0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf];
        let hows: BTreeSet<_> = spellings(&binary).iter().map(|found| found.how).collect();
        assert!(hows.contains("as base64") && hows.contains("as base64url"));
    }

    #[test]
    fn long_secrets_are_searched_by_pieces_and_short_ones_not_at_all() {
        let mut book = CanaryBook::default();
        book.add("short", b"12345");
        let long: Vec<u8> = (0..1000).map(|n: u32| (n * n % 251) as u8).collect();
        book.add("long", &long);
        book.add("plain", &[b'x'; 1000]);
        book.add("long", &long);
        let counts: Vec<_> = book.all().iter().map(|found| found.pieces.len()).collect();
        assert_eq!(counts, [0, 3, 0]);
    }
}
