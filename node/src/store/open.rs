//! Opening a store: look first, touch nothing that is not ours, compare, refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use faultline_region::store::own::{self, CountersRow, HeaderRow};
use faultline_region::store::{StoreError, row};

use super::label::{DRAFT, FILE, Label, disk};
use super::large;
use super::{SledStore, Staged, StoreOptions, failed};

/// sled may keep its file lock for so long after its last handle was dropped (measured: 1 to
/// 10 ms, 1.2 s with large values).
const LOCK_PATIENCE: Duration = Duration::from_millis(1500);

const WHAT_TO_DO: &str =
    "restore the folder from a copy, or remove it to begin with an empty store";

pub(super) fn open(options: &StoreOptions) -> Result<SledStore, StoreError> {
    let label = find_or_make_label(options)?;
    let folder = options.folder.as_path();
    if label.commits() > 0 {
        // sled makes a new one of each without a word.
        for file in ["conf", "db"] {
            if !folder.join(file).is_file() {
                return Err(damaged(folder, &format!("its file {file} is missing")));
            }
        }
    }
    let db = open_sled(options)?;
    let counters = guarded(folder, || match read_own(&db, folder)? {
        Some((header, counters)) => compare(&db, options, &label, &header, counters),
        None if label.commits() == 0 && db.is_empty() => begin(&db, options),
        None => Err(damaged(folder, "it has a label but no header")),
    })?;
    Ok(SledStore {
        db,
        label,
        counters,
        staged: Staged::default(),
        broken: None,
    })
}

/// The folder's label; a new one when the folder is empty or not there yet.
fn find_or_make_label(options: &StoreOptions) -> Result<Label, StoreError> {
    let folder = options.folder.as_path();
    std::fs::create_dir_all(folder).map_err(|error| disk("make the store's folder", &error))?;
    if let Some(label) = Label::open(folder)? {
        if label.region() != options.region.as_str() {
            return Err(foreign(
                folder,
                format!(
                    "it belongs to {}, not to {}; give each Region its own folder",
                    label.region(),
                    options.region
                ),
            ));
        }
        return Ok(label);
    }
    let entries =
        std::fs::read_dir(folder).map_err(|error| disk("read the store's folder", &error))?;
    for entry in entries {
        let name = entry
            .map_err(|error| disk("read the store's folder", &error))?
            .file_name();
        if name != DRAFT {
            let name = name.to_string_lossy();
            return Err(foreign(
                folder,
                format!(
                    "it holds {name} and no {FILE}; nothing was touched; give the node an empty folder"
                ),
            ));
        }
    }
    Label::create(folder, &options.region)
}

fn open_sled(options: &StoreOptions) -> Result<sled::Db, StoreError> {
    let folder = options.folder.as_path();
    let config = sled::Config::default()
        .path(folder)
        .cache_capacity(options.cache_capacity)
        // We flush, and nobody else.
        .flush_every_ms(None);
    let mut waited = Duration::ZERO;
    let mut pause = Duration::from_millis(1);
    loop {
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened {
            Err(_) => return Err(cannot_open(folder, "sled panicked when it read its files")),
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(sled::Error::Io(error)))
                if error.to_string().contains("could not acquire lock") =>
            {
                if waited >= LOCK_PATIENCE {
                    return Err(StoreError::InUse {
                        place: folder.display().to_string(),
                    });
                }
                std::thread::sleep(pause);
                waited += pause;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            Ok(Err(sled::Error::Io(error)))
                if error.kind() != std::io::ErrorKind::UnexpectedEof =>
            {
                return Err(disk("open the store", &error));
            }
            Ok(Err(error)) => return Err(cannot_open(folder, &error.to_string())),
        }
    }
}

/// A snapshot is only a short cut: without it sled reads everything from `db`.
fn cannot_open(folder: &Path, why: &str) -> StoreError {
    let has_snapshot = std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("snap."))
    });
    if has_snapshot {
        let what = format!(
            "{why}; if only its snapshot is broken, moving the files snap.* out of the folder repairs it; else {WHAT_TO_DO}"
        );
        StoreError::Damaged {
            place: folder.display().to_string(),
            what,
        }
    } else {
        damaged(folder, why)
    }
}

/// Header and counters, when there is a header.
fn read_own(db: &sled::Db, folder: &Path) -> Result<Option<(HeaderRow, CountersRow)>, StoreError> {
    let read = |key: &[u8]| {
        db.get(key)
            .map_err(|error| failed("read the header", error))
    };
    let header_key = own::header_key();
    let Some(header) = read(&header_key)? else {
        return Ok(None);
    };
    let header = row::decode::<own::Header>(&header_key, &header)?;
    let counters_key = own::counters_key();
    let counters =
        read(&counters_key)?.ok_or_else(|| damaged(folder, "its counters are missing"))?;
    Ok(Some((
        header,
        row::decode::<own::Counters>(&counters_key, &counters)?,
    )))
}

fn begin(db: &sled::Db, options: &StoreOptions) -> Result<CountersRow, StoreError> {
    let header = HeaderRow {
        magic: own::MAGIC.to_owned(),
        format: own::FORMAT,
        region: options.region.to_string(),
    };
    let counters = CountersRow::default();
    let mut batch = sled::Batch::default();
    let key = own::header_key();
    batch.insert(key.as_slice(), &*row::encode::<own::Header>(&key, &header));
    let key = own::counters_key();
    batch.insert(
        key.as_slice(),
        &*row::encode::<own::Counters>(&key, &counters),
    );
    db.apply_batch(batch)
        .map_err(|error| failed("write the header", error))?;
    db.flush().map_err(|error| failed("flush", error))?;
    Ok(counters)
}

fn compare(
    db: &sled::Db,
    options: &StoreOptions,
    label: &Label,
    header: &HeaderRow,
    counters: CountersRow,
) -> Result<CountersRow, StoreError> {
    let folder = options.folder.as_path();
    if header.magic != own::MAGIC || header.region != label.region() {
        let what = format!(
            "its label says {} and its header {} {}",
            label.region(),
            header.magic,
            header.region
        );
        return Err(foreign(folder, what));
    }
    if header.format > own::FORMAT {
        let place = folder.display().to_string();
        return Err(StoreError::Newer {
            place,
            found: header.format,
            known: own::FORMAT,
        });
    }
    if let Some(other) = db
        .tree_names()
        .iter()
        .find(|name| name.as_ref() != b"__sled__default")
    {
        return Err(foreign(
            folder,
            format!("it holds a tree named {}", String::from_utf8_lossy(other)),
        ));
    }
    if counters.commits < label.commits() {
        let lost = label.commits() - counters.commits;
        let what = format!(
            "the last {lost} of {} commits that were flushed are gone",
            label.commits()
        );
        return Err(damaged(folder, &what));
    }
    if counters.rows <= options.count_rows_up_to {
        let found = count(db)?;
        if found != counters.rows {
            return Err(damaged(
                folder,
                &format!("it counted {} rows and has {found}", counters.rows),
            ));
        }
    }
    Ok(counters)
}

fn count(db: &sled::Db) -> Result<u64, StoreError> {
    let mut found = 0;
    for key in db.iter().keys() {
        let key = key.map_err(|error| failed("count the rows", error))?;
        found += u64::from(!own::is_own(&key) && !large::is_piece(&key));
    }
    Ok(found)
}

/// Runs a look into sled that may panic over broken files.
pub(super) fn guarded<T>(
    folder: &Path,
    look: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(look)) {
        Ok(Err(StoreError::Damaged { place, what })) if !what.contains(WHAT_TO_DO) => {
            Err(StoreError::Damaged {
                place: format!("{}, {place}", folder.display()),
                what: format!("{what}; {WHAT_TO_DO}"),
            })
        }
        Ok(result) => result,
        Err(_) => Err(damaged(folder, "sled panicked when it read its pages")),
    }
}

fn damaged(folder: &Path, what: &str) -> StoreError {
    StoreError::Damaged {
        place: folder.display().to_string(),
        what: format!("{what}; {WHAT_TO_DO}"),
    }
}

fn foreign(folder: &Path, what: String) -> StoreError {
    StoreError::Foreign {
        place: folder.display().to_string(),
        what,
    }
}
