//! The label on the outside of a store's folder.
//!
//! Four lines of text, readable with `cat`: what this is, whose, how many commits were
//! flushed, and a checksum over that. It is there before sled's first file and written
//! after each flush, without a flush of its own: a kill keeps it, and after a power cut it
//! may be older than the store, which is harmless. A label that is *ahead* of the store
//! means that the store lost commits that somebody was told are kept.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use faultline_proto::names::RegionName;
use faultline_region::store::StoreError;
use faultline_region::store::own::{FORMAT, MAGIC};

/// Name of the file.
pub(super) const FILE: &str = "faultline.store";
/// What a kill while the first label was written may leave.
pub(super) const DRAFT: &str = "faultline.store.new";

/// What a label says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub format: u32,
    pub region: String,
    pub commits: u64,
}

/// The label of an open store.
pub(super) struct Label {
    folder: PathBuf,
    file: File,
    said: Said,
}

impl Label {
    /// The label in `folder`; `None` when there is none.
    pub fn open(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(unreadable(&path)),
            Err(error) => return Err(disk("read the store's label", &error)),
        };
        let said = parse(&text).ok_or_else(|| unreadable(&path))?;
        if said.format > FORMAT {
            let place = folder.display().to_string();
            return Err(StoreError::Newer {
                place,
                found: said.format,
                known: FORMAT,
            });
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|error| disk("open the store's label", &error))?;
        Ok(Some(Self {
            folder: folder.to_owned(),
            file,
            said,
        }))
    }

    /// Puts a label on an empty folder.
    pub fn create(folder: &Path, region: &RegionName) -> Result<Self, StoreError> {
        let said = Said {
            format: FORMAT,
            region: region.to_string(),
            commits: 0,
        };
        let draft = folder.join(DRAFT);
        let write = || -> std::io::Result<File> {
            let mut file = File::create(&draft)?;
            file.write_all(print(&said).as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, folder.join(FILE))?;
            File::open(folder)?.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|error| disk("write the store's label", &error))?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            said,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn region(&self) -> &str {
        &self.said.region
    }

    /// Commits that were flushed when it was written.
    pub fn commits(&self) -> u64 {
        self.said.commits
    }

    /// Says that so many commits are flushed now.
    pub fn write(&mut self, commits: u64) -> Result<(), StoreError> {
        self.said.commits = commits;
        // Its length never changes, so that one write replaces it whole.
        let text = print(&self.said);
        self.file
            .write_all_at(text.as_bytes(), 0)
            .map_err(|error| disk("write the store's label", &error))
    }
}

fn print(said: &Said) -> String {
    let Said {
        format,
        region,
        commits,
    } = said;
    let text = format!("{MAGIC} store, format {format}\nregion {region}\ncommits {commits:020}\n");
    let sum = crc32c::crc32c(text.as_bytes());
    format!("{text}check {sum:08x}\n")
}

fn parse(text: &str) -> Option<Said> {
    let mut lines = text.lines();
    let format = lines
        .next()?
        .strip_prefix(MAGIC)?
        .strip_prefix(" store, format ")?
        .parse()
        .ok()?;
    if format > FORMAT {
        // Its other lines may mean something else; that it is newer is all there is to say.
        return Some(Said {
            format,
            region: String::new(),
            commits: 0,
        });
    }
    let region = lines.next()?.strip_prefix("region ")?.to_owned();
    let commits = lines.next()?.strip_prefix("commits ")?.parse().ok()?;
    let said = Said {
        format,
        region,
        commits,
    };
    (print(&said) == text).then_some(said)
}

fn unreadable(path: &Path) -> StoreError {
    StoreError::Damaged {
        place: path.display().to_string(),
        what: "the label is not readable; restore the folder from a copy, or remove it to begin with an empty store"
            .to_owned(),
    }
}

pub(super) fn disk(doing: &'static str, error: &std::io::Error) -> StoreError {
    StoreError::Disk {
        doing,
        what: error.to_string(),
    }
}
