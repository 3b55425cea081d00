use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use faultline_region::store::{MemoryStore, Range, Txn};
use tempfile::TempDir;

use super::*;

mod spaces {
    faultline_region::keyspaces! {
        pub Notes = 0xFE01, "test.notes", version 1: u64 => String;
    }
}
use spaces::Notes;

fn region() -> RegionName {
    RegionName::new("eu-west-1").unwrap()
}

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(&StoreOptions::new(folder, region()))
}

fn note(store: &dyn Store, number: u64, text: &str) -> Batch {
    let mut txn = Txn::new(store);
    txn.put::<Notes>(number, &text.to_owned());
    txn.into_batch()
}

/// A closed store with `count` rows, one commit each.
fn filled(folder: &Path, count: u64) {
    let mut store = open(folder).unwrap();
    for number in 0..count {
        let batch = note(&store, number, &format!("{number} {}", "text ".repeat(40)));
        store.commit_lazily(batch).unwrap();
    }
    store.flush().unwrap();
}

fn refusal(folder: &Path) -> String {
    match open(folder) {
        Ok(_) => panic!("a store that should be refused was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_staged_is_read_scanned_and_lost_without_a_flush() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 3);
    let mut store = open(folder.path()).unwrap();
    let mut txn = Txn::new(&store);
    txn.delete::<Notes>(0u64);
    txn.put::<Notes>(1u64, &"new".to_owned());
    txn.put::<Notes>(9u64, &"nine".to_owned());
    let batch = txn.into_batch();
    store.commit_lazily(batch).unwrap();
    let txn = Txn::new(&store);
    assert_eq!(txn.get::<Notes>(1u64).unwrap().as_deref(), Some("new"));
    let keys = |range| -> Vec<u64> {
        txn.scan_keys::<Notes>(range)
            .map(|key| key.unwrap())
            .collect()
    };
    assert_eq!(keys(Range::all()), [1, 2, 9]);
    assert_eq!(keys(Range::all().reversed()), [9, 2, 1]);
    drop(store);
    let store = open(folder.path()).unwrap();
    let kept = Txn::new(&store).scan_keys::<Notes>(Range::all()).count();
    assert_eq!((kept, store.counters().rows), (3, 3));
}

#[test]
fn who_never_flushes_fills_no_memory() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path()).unwrap();
    for number in 0..200 {
        let batch = note(&store, number, &"x".repeat(64 * 1024));
        store.commit_lazily(batch).unwrap();
        assert!(store.staged.bytes < STAGED);
    }
    assert!(store.counters().rows > 100);
    store.flush().unwrap();
    assert_eq!(
        (store.counters().rows, store.counters().commits),
        (200, 200)
    );
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 3);
    let mut store = open(folder.path()).unwrap();
    assert_eq!((store.counters().rows, store.counters().commits), (3, 3));

    let mut txn = Txn::new(&store);
    txn.delete::<Notes>(0u64);
    txn.delete::<Notes>(77u64);
    txn.put::<Notes>(1u64, &"new".to_owned());
    let batch = txn.into_batch();
    store.commit(batch).unwrap();
    drop(store);

    let store = open(folder.path()).unwrap();
    assert_eq!((store.counters().rows, store.counters().commits), (2, 4));
    let txn = Txn::new(&store);
    assert_eq!(txn.get::<Notes>(1u64).unwrap().as_deref(), Some("new"));
    let backwards: Vec<u64> = txn
        .scan_keys::<Notes>(Range::all().reversed())
        .map(|key| key.unwrap())
        .collect();
    assert_eq!(backwards, [2, 1]);
    let label = fs::read_to_string(folder.path().join(label::FILE)).unwrap();
    assert!(
        label.starts_with(
            "faultline store, format 1\nregion eu-west-1\ncommits 00000000000000000004\n"
        ),
        "{label}"
    );
    assert!(
        store
            .deep_check()
            .problems
            .iter()
            .all(|problem| problem.to_string().contains("unknown keyspace"))
    );
}

#[test]
fn memory_and_disk_hold_the_same_rows() {
    let folder = TempDir::new().unwrap();
    let mut disk = open(folder.path()).unwrap();
    let mut memory = MemoryStore::new();
    for number in [5, 1, 300, 2, 1] {
        let batch = note(&memory, number, &number.to_string());
        disk.commit(batch.clone()).unwrap();
        memory.commit(batch).unwrap();
    }
    let rows = |store: &dyn Store| -> Vec<_> {
        store
            .raw()
            .map(|row| row.unwrap())
            .filter(|(key, _)| !own::is_own(key))
            .collect()
    };
    assert_eq!(rows(&disk), rows(&memory));
}

#[test]
fn a_folder_with_other_files_is_refused_and_untouched() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = refusal(folder.path());
    assert!(
        error.contains("it holds thesis.txt and no faultline.store; nothing was touched"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn somebody_elses_sled_is_refused_and_untouched() {
    let folder = TempDir::new().unwrap();
    sled::open(folder.path()).unwrap().insert("a", "b").unwrap();
    let before = fs::read(folder.path().join("db")).unwrap();
    assert!(refusal(folder.path()).contains("is not this Region's store"));
    assert_eq!(fs::read(folder.path().join("db")).unwrap(), before);
}

#[test]
fn another_regions_store_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 1);
    let other = StoreOptions::new(folder.path(), RegionName::new("us-east-1").unwrap());
    let error = SledStore::open(&other).err().unwrap().to_string();
    assert!(
        error.contains("it belongs to eu-west-1, not to us-east-1"),
        "{error}"
    );
}

#[test]
fn a_newer_store_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 1);
    fs::write(
        folder.path().join(label::FILE),
        "faultline store, format 9\nin words of the future\n",
    )
    .unwrap();
    let error = refusal(folder.path());
    assert!(
        error.contains("newer Faultline (format 9, this one knows 1)"),
        "{error}"
    );
}

#[test]
fn a_store_in_use_is_refused_after_a_bounded_wait() {
    let folder = TempDir::new().unwrap();
    let _open = open(folder.path()).unwrap();
    assert!(refusal(folder.path()).contains("is in use"));
}

#[test]
fn missing_files_are_damage_and_not_a_new_beginning() {
    for file in ["conf", "db"] {
        let folder = TempDir::new().unwrap();
        filled(folder.path(), 20);
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = refusal(folder.path());
        assert!(
            error.contains(&format!(
                "its file {file} is missing; restore the folder from a copy"
            )),
            "{error}"
        );
        assert!(!folder.path().join(file).exists());
    }
}

#[test]
fn an_emptied_file_is_damage() {
    for file in ["db", label::FILE] {
        let folder = TempDir::new().unwrap();
        filled(folder.path(), 20);
        fs::write(folder.path().join(file), "").unwrap();
        let error = refusal(folder.path());
        assert!(
            error.contains("damaged") && error.contains("restore the folder"),
            "{file}: {error}"
        );
    }
}

/// sled opens such files as "recovered"; the label and the counters do not.
#[test]
fn a_truncated_file_is_never_opened_with_rows_missing() {
    let whole = TempDir::new().unwrap();
    filled(whole.path(), 2000);
    let length = fs::metadata(whole.path().join("db")).unwrap().len();
    for cut in [1, 1_000, 20_000, 100_000, 300_000, length - 1] {
        let folder = TempDir::new().unwrap();
        copy(whole.path(), folder.path());
        let db = fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("db"))
            .unwrap();
        db.set_len(length.saturating_sub(cut)).unwrap();
        whole_or_refused(folder.path(), 2000, &format!("cut by {cut} of {length}"));
    }
}

#[test]
fn flipped_bytes_are_refused_or_found_or_harmless() {
    let whole = TempDir::new().unwrap();
    filled(whole.path(), 400);
    for name in fs::read_dir(whole.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
    {
        let Ok(good) = fs::read(whole.path().join(&name)) else {
            continue;
        };
        for part in 0..6 {
            let folder = TempDir::new().unwrap();
            copy(whole.path(), folder.path());
            let at = good.len() * part / 6;
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            fs::write(folder.path().join(&name), bad).unwrap();
            whole_or_refused(
                folder.path(),
                400,
                &format!("{} flipped at {at}", name.display()),
            );
        }
    }
}

/// Either the store is refused, or a row says that it is damaged, or all rows are right.
fn whole_or_refused(folder: &Path, count: u64, what: &str) {
    let store = match open(folder) {
        Ok(store) => store,
        Err(error) => {
            return assert!(
                error.to_string().contains("restore the folder"),
                "{what}: {error}"
            );
        }
    };
    let txn = Txn::new(&store);
    let rows: Result<Vec<_>, _> = txn.scan::<Notes>(Range::all()).collect();
    if let Ok(rows) = rows {
        assert_eq!(rows.len() as u64, count, "{what}: rows vanished in silence");
        assert!(
            rows.iter()
                .all(|(key, row)| row.starts_with(&format!("{key} "))),
            "{what}: rows changed in silence"
        );
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::create_dir_all(to.join("blobs")).unwrap();
}

/// A store that lost flushed commits, as a restored older copy of sled's files would be.
#[test]
fn a_store_behind_its_label_is_refused() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 5);
    let older = TempDir::new().unwrap();
    copy(folder.path(), older.path());
    let mut store = open(folder.path()).unwrap();
    let batch = note(&store, 9, "acknowledged");
    store.commit(batch).unwrap();
    drop(store);
    fs::copy(
        folder.path().join(label::FILE),
        older.path().join(label::FILE),
    )
    .unwrap();
    let error = refusal(older.path());
    assert!(
        error.contains("the last 1 of 6 commits that were flushed are gone"),
        "{error}"
    );
}

#[test]
fn a_row_changed_behind_our_back_is_found_by_the_read_and_by_the_deep_check() {
    let folder = TempDir::new().unwrap();
    filled(folder.path(), 3);
    let store = open(folder.path()).unwrap();
    let key = faultline_region::store::keyspace::raw_key::<Notes>(&1u64);
    let mut value = store.db.get(&key).unwrap().unwrap().to_vec();
    value[3] ^= 1;
    store.db.insert(&key, value).unwrap();
    assert!(Txn::new(&store).get::<Notes>(1u64).is_err());
    let report = store.deep_check();
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.to_string().contains("the checksum does not match"))
    );

    store.db.remove(&key).unwrap();
    let report = store.deep_check();
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.to_string().contains("3 rows were counted"))
    );
    drop(store);
    assert!(refusal(folder.path()).contains("it counted 3 rows and has 2"));
}

const CHILD_FOLDER: &str = "FAULTLINE_TEST_CHILD_FOLDER";

/// Not a test of its own: what the killed child does, when the test below starts it.
#[test]
fn child_that_commits_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let mut store = open(Path::new(&folder)).unwrap();
    for number in 0.. {
        let batch = note(&store, number, &format!("{number} acknowledged"));
        store.commit(batch).unwrap();
        eprintln!("acknowledged {number}");
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    use std::io::{BufRead as _, BufReader};
    let folder = TempDir::new().unwrap();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::tests::child_that_commits_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut last = None;
        for line in lines {
            let Some(number) = line
                .unwrap()
                .strip_prefix("acknowledged ")
                .map(|text| text.parse::<u64>().unwrap())
            else {
                continue;
            };
            last = Some(number);
            if number == 40 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let last = last.unwrap();
        let store = open(folder.path()).unwrap();
        let txn = Txn::new(&store);
        for number in 0..=last {
            assert!(
                txn.exists::<Notes>(number).unwrap(),
                "{number} of {last} was acknowledged and is gone"
            );
        }
    }
}

#[test]
fn a_creation_that_was_killed_begins_again() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(label::DRAFT), "faultl").unwrap();
    assert!(open(folder.path()).is_ok());

    let folder = TempDir::new().unwrap();
    drop(Label::create(folder.path(), &region()).unwrap());
    fs::create_dir(folder.path().join("blobs")).unwrap();
    assert!(open(folder.path()).is_ok());
}

/// Writes over and over one row and a neighbour, from nothing to large and back.
#[test]
fn a_large_row_is_cut_and_comes_back_whole() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path()).unwrap();
    let text = |length: usize| "0123456789abcdef".repeat(length / 16);
    for length in [160, 64 << 10, 200 << 10, 20 << 10, 320, 64 << 10] {
        for number in [4u64, 5] {
            let batch = note(&store, number, &text(length));
            store.commit_lazily(batch).unwrap();
        }
        store.flush().unwrap();
        assert_eq!(damage(&store), [""; 0], "{length}");
        assert_eq!(store.counters().rows, 2);
        let txn = Txn::new(&store);
        for range in [Range::all(), Range::all().reversed()] {
            let all: Vec<usize> = txn
                .scan::<Notes>(range)
                .map(|row| row.unwrap().1.len())
                .collect();
            assert_eq!(all, [length, length]);
        }
        assert_eq!(txn.get::<Notes>(5u64).unwrap(), Some(text(length)));
    }
    drop(store);
    let mut store = open(folder.path()).unwrap();
    let mut txn = Txn::new(&store);
    txn.delete::<Notes>(4u64);
    let batch = txn.into_batch();
    store.commit_lazily(batch).unwrap();
    store.flush().unwrap();
    assert_eq!(damage(&store), [""; 0]);
    let key = store
        .db
        .iter()
        .keys()
        .map(Result::unwrap)
        .find(|key| large::is_piece(key));
    store.db.remove(key.unwrap()).unwrap();
    let read = Txn::new(&store).get::<Notes>(5u64).unwrap_err().to_string();
    assert!(read.contains("a piece of the row is missing"), "{read}");
    assert!(damage(&store)[0].contains("pieces of large rows"));
}

/// What a deep check finds, but for the keyspace of these tests, which it does not know.
fn damage(store: &SledStore) -> Vec<String> {
    let problems = store.deep_check().problems.into_iter();
    problems
        .map(|problem| problem.to_string())
        .filter(|problem| !problem.contains("an unknown keyspace"))
        .collect()
}
