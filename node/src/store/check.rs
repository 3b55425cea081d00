//! Reading all of a store, for `doctor --deep`.

use std::collections::BTreeMap;
use std::path::Path;

use faultline_proto::names::RegionName;
use faultline_region::store::own::{self, CountersRow};
use faultline_region::store::{StoreError, registry, row};

use super::label::Label;
use super::large;
use super::open::guarded;
use super::{SledStore, StoreOptions, failed};

/// How many complaints are kept; the rest are counted.
const KEPT: usize = 100;

/// What a deep check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeepCheck {
    /// Rows of each keyspace, by name.
    pub rows: BTreeMap<&'static str, u64>,
    /// What is wrong, at most a hundred of them.
    pub problems: Vec<StoreError>,
    /// How many things are wrong.
    pub problem_count: u64,
}

impl DeepCheck {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: StoreError) {
        self.problem_count += 1;
        if self.problems.len() < KEPT {
            self.problems.push(problem);
        }
    }
}

/// Opens the store in `folder`, whoever it belongs to, and reads all of it.
///
/// # Errors
/// [`StoreError`] when it cannot even be opened.
pub fn deep_check_folder(folder: &Path) -> Result<DeepCheck, StoreError> {
    let not_there = || StoreError::Foreign {
        place: folder.display().to_string(),
        what: "it holds no store".to_owned(),
    };
    if !folder.is_dir() {
        return Err(not_there());
    }
    let label = Label::open(folder)?.ok_or_else(not_there)?;
    let region = RegionName::new(label.region()).map_err(|error| StoreError::Foreign {
        place: folder.display().to_string(),
        what: error.to_string(),
    })?;
    drop(label);
    let store = SledStore::open(&StoreOptions {
        count_rows_up_to: 0,
        ..StoreOptions::new(folder, region)
    })?;
    Ok(store.deep_check())
}

pub(super) fn deep_check(db: &sled::Db, counters: CountersRow) -> DeepCheck {
    let mut report = DeepCheck::default();
    let mut counted = 0;
    let (mut pieces, mut named) = (0, 0);
    let walked = guarded(Path::new("sled"), || {
        for found in db.iter() {
            match found {
                Ok((key, _)) if large::is_piece(&key) => pieces += 1,
                Ok((key, value)) => {
                    counted += u64::from(!own::is_own(&key));
                    named += large::pieces_of(&value);
                    match large::read(db, &key, value) {
                        Ok(value) => check_row(&key, &value, &mut report),
                        Err(problem) => report.add(problem),
                    }
                }
                Err(error) => {
                    report.add(failed("read rows", error));
                    break;
                }
            }
        }
        Ok(())
    });
    if let Err(error) = walked {
        report.add(error);
    }
    if pieces != named {
        report.add(StoreError::Damaged {
            place: "the pieces of large rows".to_owned(),
            what: format!("{pieces} are there, and rows name {named}"),
        });
    }
    if counted != counters.rows {
        report.add(StoreError::Damaged {
            place: "the row count".to_owned(),
            what: format!(
                "{} rows were counted when they were written, {counted} are there",
                counters.rows
            ),
        });
    }
    report
}

fn check_row(key: &[u8], value: &[u8], report: &mut DeepCheck) {
    *report.rows.entry(registry::name_of(key)).or_default() += 1;
    let checked = match registry::of_key(key) {
        Some(declared) => (declared.check)(key, value),
        None => row::verify(key, value).and_then(|()| {
            Err(StoreError::damaged_row(
                "an unknown keyspace",
                key,
                "no version of ours writes there",
            ))
        }),
    };
    if let Err(problem) = checked {
        report.add(problem);
    }
}
