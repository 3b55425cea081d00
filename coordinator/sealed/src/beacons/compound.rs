//! The value of a compound beacon: of an item that is written, and of a query for it.

use super::config::{CompoundBeacon, Constructor, refused};
use super::location::Location;
use super::{BeaconKeys, Search};
use crate::error::SealedError;
use crate::value::Item;

/// A part of either kind.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    name: &'a str,
    prefix: &'a str,
    location: &'a Location,
    /// Bits of the standard beacon, if the part is one.
    length: Option<u8>,
}

/// A compound beacon with the standard beacons it refers to.
pub(super) struct Compound<'a> {
    beacon: &'a CompoundBeacon,
    search: &'a Search,
    parts: Vec<Part<'a>>,
    constructors: Vec<Constructor>,
}

impl<'a> Compound<'a> {
    pub(super) fn new(search: &'a Search, beacon: &'a CompoundBeacon) -> Self {
        let mut parts: Vec<Part<'a>> = beacon
            .signed
            .iter()
            .map(|part| Part {
                name: &part.name,
                prefix: &part.prefix,
                location: &part.location,
                length: None,
            })
            .collect();
        for part in &beacon.encrypted {
            if let Some(standard) = search.standard(&part.name) {
                parts.push(Part {
                    name: &part.name,
                    prefix: &part.prefix,
                    location: &standard.location,
                    length: Some(standard.length),
                });
            }
        }
        let mut constructors = beacon.constructors.clone();
        if constructors.is_empty() {
            let all = parts.iter().map(|part| (part.name.to_owned(), true));
            constructors.push(all.collect());
        }
        Self {
            beacon,
            search,
            parts,
            constructors,
        }
    }

    /// The value for `item`, by the first constructor that succeeds; without keys, as its
    /// user would write it.
    pub(super) fn of_item(
        &self,
        item: &Item,
        keys: Option<&BeaconKeys>,
    ) -> Result<Option<String>, SealedError> {
        for constructor in &self.constructors {
            if let Some(value) = self.constructed(constructor, item, keys)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn constructed(
        &self,
        constructor: &Constructor,
        item: &Item,
        keys: Option<&BeaconKeys>,
    ) -> Result<Option<String>, SealedError> {
        let mut pieces = Vec::new();
        for (name, required) in constructor {
            let part = self.parts.iter().find(|part| part.name == name);
            let Some(part) = part else { continue };
            match self.search.text(part.location, item)? {
                Some(text) if text.contains(self.beacon.split) => {
                    let (beacon, split) = (&self.beacon.name, self.beacon.split);
                    return refused(format!(
                        "Part {name} for beacon {beacon} has value '{text}' which contains the split character {split}'."
                    ));
                }
                Some(text) => pieces.push(value_of(part, &text, keys)?),
                None if *required => return Ok(None),
                None => {}
            }
        }
        Ok(Some(self.joined(&pieces)))
    }

    /// The beacon's value for what a query says of it.
    pub(super) fn of_query(
        &self,
        value: &str,
        keys: &BeaconKeys,
        for_equality: bool,
    ) -> Result<String, SealedError> {
        let written: Vec<&str> = value.split(self.beacon.split).collect();
        let parts: Vec<&Part<'_>> = written
            .iter()
            .map(|piece| self.part_of(piece))
            .collect::<Result<_, _>>()?;
        self.check_order(&parts, value)?;
        let last = written.len() - 1;
        let mut pieces = Vec::new();
        for (at, (piece, part)) in written.iter().zip(parts).enumerate() {
            let text = piece.strip_prefix(part.prefix).unwrap_or(piece);
            // The end of a range that is only a prefix stands for all values of that part.
            if text.is_empty() && at == last && !for_equality {
                pieces.push((*piece).to_owned());
            } else {
                pieces.push(value_of(part, text, Some(keys))?);
            }
        }
        Ok(self.joined(&pieces))
    }

    /// Whether what is left of a value after its leading pieces `before` can be compared by
    /// order: signed parts, then at most one prefix without a value.
    pub(super) fn is_ordered(&self, pieces: &[&str]) -> Result<bool, SealedError> {
        let mut rest = pieces;
        while let Some((first, after)) = rest.split_first() {
            let part = self.part_of(first)?;
            if part.length.is_some() {
                return Ok(after.is_empty() && part.prefix == *first);
            }
            rest = after;
        }
        Ok(true)
    }

    /// The pieces of a value.
    pub(super) fn pieces<'v>(&self, value: &'v str) -> Vec<&'v str> {
        value.split(self.beacon.split).collect()
    }

    fn joined(&self, pieces: &[String]) -> String {
        let mut buffer = [0; 4];
        pieces.join(self.beacon.split.encode_utf8(&mut buffer))
    }

    fn part_of(&self, piece: &str) -> Result<&Part<'a>, SealedError> {
        let mut parts = self.parts.iter();
        let found = parts.find(|part| piece.starts_with(part.prefix));
        found.ok_or_else(|| {
            SealedError::SchemaViolation(format!(
                "Value {piece} for beacon {} does not match the prefix of any configured part.",
                self.beacon.name
            ))
        })
    }

    fn check_order(&self, parts: &[&Part<'_>], value: &str) -> Result<(), SealedError> {
        let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
        if self
            .constructors
            .iter()
            .any(|with| can_make(with, &names, false))
        {
            return Ok(());
        }
        let parsed: String = parts.iter().map(|part| part.prefix).collect();
        let available: Vec<String> = self
            .constructors
            .iter()
            .map(|constructor| self.in_words(constructor))
            .collect();
        refused(format!(
            "Compound Beacon value '{value}' cannot be constructed from any available constructor for {} value parsed as {parsed} available constructors are {}.",
            self.beacon.name,
            available.join(", ")
        ))
    }

    fn in_words(&self, constructor: &Constructor) -> String {
        let prefix = |name: &str| {
            let part = self.parts.iter().find(|part| part.name == name);
            part.map(|part| part.prefix).unwrap_or_default()
        };
        let words = constructor.iter().map(|(name, required)| match required {
            true => prefix(name).to_owned(),
            false => format!("[{}]", prefix(name)),
        });
        words.collect()
    }
}

/// Whether a constructor can make these parts: some may be missing in front, but once one
/// is there, only optional ones may be left out.
fn can_make(constructor: &[(String, bool)], names: &[&str], begun: bool) -> bool {
    match (constructor.split_first(), names.split_first()) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(((part, _), rest)), Some((name, more))) if part == name => can_make(rest, more, true),
        (Some(((_, required), rest)), Some(_)) => {
            (!required || !begun) && can_make(rest, names, begun)
        }
    }
}

fn value_of(part: &Part<'_>, text: &str, keys: Option<&BeaconKeys>) -> Result<String, SealedError> {
    let value = match (part.length, keys) {
        (Some(length), Some(keys)) => keys.beacon(part.name, text.as_bytes(), length)?,
        (None, _) | (_, None) => text.to_owned(),
    };
    Ok(format!("{}{value}", part.prefix))
}
