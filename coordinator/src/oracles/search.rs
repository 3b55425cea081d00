//! The search for canaries in everything that passed by and everything that is at rest.
//!
//! Secrets become known while bytes pass: an answer may bring a data key that an earlier
//! message already carried. So bytes are kept on a tape and searched when it is full, and at
//! the end. What is cut from a full tape was searched for the secrets known by then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aho_corasick::AhoCorasick;

use super::canaries::{Canary, CanaryBook, Spelling, spellings};

/// Bytes on a tape before it is searched.
const FULL: usize = 16 << 20;
/// Finds that are remembered of one canary in one kind of place.
const ENOUGH: usize = 8;

/// Where bytes were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What a client sent, as the Region asked gets it.
    Request(String),
    /// What a Region answered.
    Answer(String),
    /// A message between Regions.
    Envelope {
        /// Sender, receiver and stream in words.
        way: String,
    },
    /// A line of a trail.
    Trail {
        /// Region and event in words.
        event: String,
    },
    /// A row of a store.
    Row {
        /// Whose store, and where in it.
        store: String,
    },
}

impl Place {
    /// Its kind, to count by.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Answer(_) => "answer",
            Self::Envelope { .. } => "envelope",
            Self::Trail { .. } => "trail",
            Self::Row { .. } => "row",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(operation) => write!(f, "a request of {operation}"),
            Self::Answer(call) => write!(f, "the answer to {call}"),
            Self::Envelope { way } => write!(f, "a message {way}"),
            Self::Trail { event } => write!(f, "the trail, {event}"),
            Self::Row { store } => write!(f, "the store of {store}"),
        }
    }
}

/// A canary that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Which, as a place in the book.
    pub canary: usize,
    /// How it was spelled.
    pub how: &'static str,
    /// Where.
    pub place: Place,
    /// The journal's line about it, if one is.
    pub at: Option<u64>,
}

/// Bytes not searched yet, and what was found so far.
#[derive(Debug, Default)]
pub struct Tape {
    entries: Vec<(Place, Option<u64>, Vec<u8>)>,
    bytes: usize,
    hits: Vec<Hit>,
    found: BTreeMap<(usize, &'static str), usize>,
    looked_at: BTreeMap<&'static str, u64>,
}

impl Tape {
    /// Keeps `bytes` to be searched.
    pub fn push(&mut self, book: &CanaryBook, place: Place, at: Option<u64>, bytes: &[u8]) {
        *self.looked_at.entry(place.kind()).or_default() += 1;
        self.bytes += bytes.len();
        self.entries.push((place, at, bytes.to_vec()));
        if self.bytes > FULL {
            self.search(book);
        }
    }

    /// How many things of a kind were put on the tape.
    #[must_use]
    pub fn looked_at(&self, kind: &str) -> u64 {
        self.looked_at.get(kind).copied().unwrap_or_default()
    }

    /// Everything that was found, after the rest of the tape was searched.
    pub fn hits(&mut self, book: &CanaryBook) -> &[Hit] {
        self.search(book);
        &self.hits
    }

    fn search(&mut self, book: &CanaryBook) {
        let entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        let patterns = patterns(book.all());
        let Ok(machine) = AhoCorasick::new(patterns.iter().map(|(_, spelling)| &spelling.bytes))
        else {
            return self.entries = entries; // Patterns beyond 2^31 bytes: not in one run.
        };
        for (place, at, bytes) in entries {
            let mut here = BTreeSet::new();
            for found in machine.find_overlapping_iter(&bytes) {
                let (canary, spelling) = &patterns[found.pattern().as_usize()];
                if spelling.whole_number && in_a_number(&bytes, found.start(), found.end()) {
                    continue;
                }
                let count = self.found.entry((*canary, place.kind())).or_default();
                if *count < ENOUGH && here.insert(*canary) {
                    *count += 1;
                    self.hits.push(Hit {
                        canary: *canary,
                        how: spelling.how,
                        place: place.clone(),
                        at,
                    });
                }
            }
        }
    }
}

fn patterns(canaries: &[Canary]) -> Vec<(usize, Spelling)> {
    let of = |(number, canary): (usize, &Canary)| {
        let found: Vec<_> = canary
            .pieces
            .iter()
            .flat_map(|piece| spellings(piece))
            .map(|spelling| (number, spelling))
            .collect();
        found
    };
    canaries.iter().enumerate().flat_map(of).collect()
}

/// Whether digits go on before or after.
fn in_a_number(bytes: &[u8], start: usize, end: usize) -> bool {
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    digit(start.checked_sub(1)) || digit(Some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> Place {
        Place::Trail {
            event: "Encrypt in eu-west-1".to_owned(),
        }
    }

    #[test]
    fn a_secret_that_becomes_known_later_is_found_in_what_passed_before() {
        let (mut tape, mut book) = (Tape::default(), CanaryBook::default());
        tape.push(&book, trail(), Some(7), b"{\"context\":\"NDI0MiA0MjQy\"}");
        book.add("card", b"4242 4242");
        let hits = tape.hits(&book);
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].at, hits[0].how), (Some(7), "as base64"));
    }

    #[test]
    fn a_number_is_not_found_inside_a_longer_one() {
        let (mut tape, mut book) = (Tape::default(), CanaryBook::default());
        book.add("pin", b"424242");
        tape.push(&book, trail(), None, b"\"eventTime\":1704424242000000");
        assert!(tape.hits(&book).is_empty());
        tape.push(&book, trail(), None, b"\"pin\":424242");
        assert_eq!(tape.hits(&book).len(), 1);
    }

    #[test]
    fn a_full_tape_is_searched_and_forgotten() {
        let (mut tape, mut book) = (Tape::default(), CanaryBook::default());
        book.add("card", b"4242 4242");
        let mut long = vec![0; FULL];
        long.extend_from_slice(b"4242 4242");
        tape.push(&book, trail(), None, &long);
        assert!(tape.entries.is_empty());
        assert_eq!(tape.hits(&book).len(), 1);
    }
}
