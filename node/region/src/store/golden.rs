//! Rows of the past: a file of rows as they were once written, which must decode for ever.
//!
//! A line is `name version key row`, key and row in hexadecimal digits. Lines are added and
//! never changed: [`harvest`] takes the first row of each keyspace out of a store that a
//! test filled, so nobody invents samples.

use std::collections::BTreeMap;

use super::keyspace::Declared;
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

/// The lines to add to the file for keyspaces that have none in it; the bare name of one that
/// `lines` has no row of.
#[must_use]
pub fn unlisted(file: &str, keyspaces: &[Declared], lines: &BTreeMap<String, String>) -> String {
    let names = keyspaces
        .iter()
        .map(|declared| format!("{} {}", declared.name, declared.version));
    let listed = |name: &String| {
        file.lines()
            .any(|line| line.starts_with(&format!("{name} ")))
    };
    names
        .filter(|name| !listed(name))
        .map(|name| format!("{}\n", lines.get(&name).unwrap_or(&name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::own::{CountersRow, FORMAT, HeaderRow, MAGIC};
    use crate::store::{Batch, MemoryStore, own, row};

    #[test]
    fn every_old_row_still_decodes() {
        check(include_str!("../../goldens/rows.txt")).unwrap();
    }

    #[test]
    fn the_first_row_of_each_keyspace_is_harvested_as_a_line_that_checks() {
        let header = HeaderRow {
            magic: MAGIC.to_owned(),
            format: FORMAT,
            region: "eu-west-1".to_owned(),
        };
        let counters = CountersRow {
            commits: 300,
            rows: 2,
        };
        let (first, second) = (own::header_key(), own::counters_key());
        let mut store = MemoryStore::new();
        let rows = [
            (
                first.clone().into(),
                Some(row::encode::<own::Header>(&first, &header)),
            ),
            (
                second.clone().into(),
                Some(row::encode::<own::Counters>(&second, &counters)),
            ),
        ];
        store.commit(Batch::of(rows)).unwrap();
        let lines = harvest(&store).unwrap();
        let file: String = lines.values().map(|line| format!("{line}\n")).collect();
        assert!(
            include_str!("../../goldens/rows.txt").contains(&file),
            "today's rows are not in the file:\n{file}"
        );
        check(&file).unwrap();
        let wrong = file.replace("store.counters 1 0002", "store.counters 1 0001");
        assert!(check(&wrong).unwrap_err().contains("checksum"));
    }
}
