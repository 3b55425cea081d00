//! Where labs are: in this program, or in a folder of somebody's own.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use include_dir::{Dir, include_dir};

use super::{Lab, read};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::source::Source;

/// The course that comes with the program.
static OWN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../scenarios/labs");

/// The file that makes a folder a lab.
pub const FILE: &str = "lab.yaml";

/// A lab's folder, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The folder's own name: `03-one-key-two-regions`.
    pub name: String,
    /// Texts by their paths from it, with `/`.
    pub files: BTreeMap<String, String>,
}

impl Folder {
    /// What `lab.yaml` says.
    ///
    /// # Errors
    /// A picture of everything that is wrong with it.
    pub fn lab(&self) -> Result<Lab, String> {
        let text = self.files.get(FILE).cloned().unwrap_or_default();
        let source = Source::new(format!("{}/{FILE}", self.name), text);
        read::read(&source).map_err(|found| render(&source, &found, Format::Human(false)))
    }

    /// A file's text.
    ///
    /// # Errors
    /// That it is not there, for people.
    pub fn text(&self, file: &str) -> Result<&str, String> {
        let text = self.files.get(file).map(String::as_str);
        text.ok_or_else(|| format!("the lab {} has no file {file}", self.name))
    }

    /// A folder on disk.
    ///
    /// # Errors
    /// When it cannot be read, or holds a file that is no text.
    pub fn open(path: &Path) -> io::Result<Self> {
        let name = path.canonicalize()?;
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        let mut files = BTreeMap::new();
        gather(path, "", &mut files)?;
        Ok(Self {
            name: name.into_owned(),
            files,
        })
    }
}

fn gather(path: &Path, under: &str, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{under}{name}");
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// The labs of this program, in their order.
#[must_use]
pub fn own() -> Vec<Folder> {
    let mut folders: Vec<Folder> = OWN
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join(FILE)).is_some())
        .map(|dir| {
            let mut files = BTreeMap::new();
            embedded(dir, dir.path(), &mut files);
            let name = dir.path().file_name().unwrap_or_default();
            Folder {
                name: name.to_string_lossy().into_owned(),
                files,
            }
        })
        .collect();
    folders.sort_by(|one, other| one.name.cmp(&other.name));
    folders
}

fn embedded(dir: &Dir<'_>, root: &Path, files: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        let path = file.path().strip_prefix(root).unwrap_or(file.path());
        let parts = path.components().map(|it| it.as_os_str().to_string_lossy());
        let name = parts.collect::<Vec<_>>().join("/");
        if let Some(text) = file.contents_utf8() {
            files.insert(name, text.to_owned());
        }
    }
    for below in dir.dirs() {
        embedded(below, root, files);
    }
}

/// The labs of a folder, or of this program.
///
/// # Errors
/// That there are none, for people.
pub fn of(course: Option<&Path>) -> Result<Vec<Folder>, String> {
    let Some(path) = course else {
        return Ok(own());
    };
    let labs = at(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if labs.is_empty() {
        return Err(format!("{} holds no lab", path.display()));
    }
    Ok(labs)
}

/// The labs of a folder: itself if it is one, else those in it, by their names.
///
/// # Errors
/// When it cannot be read.
pub fn at(path: &Path) -> io::Result<Vec<Folder>> {
    if path.join(FILE).is_file() {
        return Ok(vec![Folder::open(path)?]);
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let below = entry?.path();
        if below.join(FILE).is_file() {
            folders.push(Folder::open(&below)?);
        }
    }
    folders.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(folders)
}
