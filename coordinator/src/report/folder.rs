//! Where a run lies on disk: `.faultline/runs/<time>-<name>-<seed>/`.
//!
//! `events.jsonl` is written from the first event on, `run.json` when the run is over, and
//! `latest` points to the newest. The wall clock is in the folder's name and nowhere else.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Summarizer, Summary, json};
use crate::journal::event::Event;
use crate::journal::read::{ReadError, read};

/// The journal's file.
pub const EVENTS: &str = "events.jsonl";
/// The summary's file.
pub const RUN: &str = "run.json";
/// The newest run.
pub const LATEST: &str = "latest";

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

/// Folder of all runs unless `--out` says otherwise.
#[must_use]
pub fn default_root() -> PathBuf {
    PathBuf::from(".faultline").join("runs")
}

impl RunFolder {
    /// Makes a new folder under `root`. `stamp` is the time as in [`stamp`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(root: &Path, stamp: &str, name: &str, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let wanted = format!("{stamp}-{name}-{seed}");
        for again in 0_u32.. {
            let folder = if again == 0 {
                root.join(&wanted)
            } else {
                root.join(format!("{wanted}.{again}"))
            };
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    /// A run by its folder, its name under `root`, or `latest`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(root: &Path, run: &str) -> io::Result<Self> {
        [root.join(run), PathBuf::from(run)]
            .into_iter()
            .find(|folder| folder.join(EVENTS).is_file())
            .map(Self)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("no run `{run}` under {}", root.display()),
                )
            })
    }

    /// All runs under `root`, the oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read; that there is none is no error.
    pub fn all(root: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if !path.is_symlink() && path.join(EVENTS).is_file() {
                folders.push(Self(path));
            }
        }
        folders.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(folders)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.0
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Opens the journal for writing.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn journal(&self) -> io::Result<File> {
        File::create(self.0.join(EVENTS))
    }

    /// Writes the summary and points `latest` here. `extra` members (the command, the
    /// file's path) go beside the summary's.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&self, summary: &Summary, digest: &str, extra: &Value) -> io::Result<()> {
        let mut run = json::write(summary, digest);
        if let (Some(run), Some(extra)) = (run.as_object_mut(), extra.as_object()) {
            run.extend(extra.clone());
        }
        let text = serde_json::to_string_pretty(&run)?;
        fs::write(self.0.join(RUN), text + "\n")?;
        self.point_latest()
    }

    fn point_latest(&self) -> io::Result<()> {
        let Some(root) = self.0.parent() else {
            return Ok(());
        };
        let latest = root.join(LATEST);
        match fs::remove_file(&latest) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(self.name(), latest)?;
        Ok(())
    }

    /// The journal's events.
    ///
    /// # Errors
    /// [`ReadError`] when it is no journal of this form.
    pub fn events(&self) -> Result<Vec<Event>, ReadError> {
        read(BufReader::new(File::open(self.0.join(EVENTS))?))
    }

    /// The summary, from the journal.
    ///
    /// # Errors
    /// As [`RunFolder::events`].
    pub fn summary(&self) -> Result<Summary, ReadError> {
        Ok(Summarizer::of(&self.events()?))
    }
}

/// The wall clock as folders are named by it: `20260101T120000Z`.
#[must_use]
#[expect(
    clippy::disallowed_types,
    reason = "a folder's name is for people; nothing in the run depends on it"
)]
pub fn stamp() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let millis = i64::try_from(now.as_millis()).unwrap_or_default();
    let iso = faultline_proto::codec::time::to_iso(millis);
    let seconds = iso
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end_matches('Z');
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_run_is_found_by_its_name_and_as_the_latest() {
        let root = tempfile::tempdir().expect("a folder");
        for seed in [7, 7] {
            let folder =
                RunFolder::create(root.path(), "20260101T000000Z", "a b", seed).expect("a folder");
            let lines: String = example::journal()
                .iter()
                .map(|event| serde_json::to_string(event).expect("a line") + "\n")
                .collect();
            fs::write(folder.path().join(EVENTS), lines).expect("it is written");
            let summary = folder.summary().expect("a journal");
            folder
                .finish(&summary, "abc", &serde_json::json!({ "path": "x.yaml" }))
                .expect("it is written");
        }
        let all = RunFolder::all(root.path()).expect("they are listed");
        let names: Vec<String> = all.iter().map(RunFolder::name).collect();
        assert_eq!(
            names,
            ["20260101T000000Z-a_b-7", "20260101T000000Z-a_b-7.1"]
        );
        let latest = RunFolder::find(root.path(), LATEST).expect("the newest");
        assert_eq!(latest.summary().expect("a journal").run.seed, 7);
        assert!(RunFolder::find(root.path(), "other").is_err());
    }

    #[test]
    fn a_stamp_sorts_as_time_does() {
        let stamp = stamp();
        assert_eq!(
            (stamp.len(), &stamp[8..9], &stamp[15..]),
            (16, "T", "Z"),
            "{stamp}"
        );
    }
}
