//! Rows of the past: a file of rows as they were once written, which must decode for ever.
//!
//! A line is `name version key row`, key and row in hexadecimal digits. Lines are added and
//! never changed: [`harvest`] takes the first row of each keyspace out of a store that a
//! test filled, so nobody invents samples.

use std::collections::BTreeMap;

use super::{Store, StoreError, registry};

/// One line a keyspace: the first row of each that `store` holds, by name.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn harvest(store: &dyn Store) -> Result<BTreeMap<String, String>, StoreError> {
    let mut lines = BTreeMap::new();
    for row in store.raw() {
        let (key, value) = row?;
        let Some(declared) = registry::of_key(&key) else {
            continue;
        };
        let name = format!(
            "{} {}",
            declared.name,
            value.first().copied().unwrap_or_default()
        );
        lines.entry(name).or_insert_with_key(|name| {
            format!("{name} {} {}", hex::encode(&key), hex::encode(&value))
        });
    }
    Ok(lines)
}

/// Decodes every line with today's code.
///
/// # Errors
/// The first line that does not decode, and why.
pub fn check(file: &str) -> Result<(), String> {
    for line in file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let say = |why: String| format!("{why}, in the line: {line}");
        let mut words = line.split(' ').skip(2).map(hex::decode);
        let (Some(Ok(key)), Some(Ok(row))) = (words.next(), words.next()) else {
            return Err(say("not `name version key row`".to_owned()));
        };
        let declared =
            registry::of_key(&key).ok_or_else(|| say("no keyspace has this prefix".to_owned()))?;
        (declared.check)(&key, &row).map_err(|error| say(error.to_string()))?;
    }
    Ok(())
}
