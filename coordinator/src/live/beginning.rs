//! The beginning of a world, kept so that a test suite can go back to it.
//!
//! What is kept are the stores of all Regions as they were when the world was made, copied
//! while no node ran. All go back together, so no stream of records between two Regions is
//! older at one end than at the other.

use std::fs;
use std::io;
use std::path::Path;

use super::folder::Folder;
use super::saved::Saved;

/// Folder of the stores as they were.
const BEGINNING: &str = "beginning";

/// Whether the beginning of this world was kept, to its end.
#[must_use]
pub fn is_kept(folder: &Folder) -> bool {
    folder.join(BEGINNING).is_dir()
}

/// Keeps the stores as they are. No node may run.
///
/// # Errors
/// A sentence when a store cannot be copied.
pub fn keep(folder: &Folder, saved: &Saved) -> Result<(), String> {
    let (new, kept) = (folder.join("beginning.new"), folder.join(BEGINNING));
    let told = |error: io::Error| format!("{}: {error}", kept.display());
    remove(&new).map_err(told)?;
    for node in &saved.regions {
        let store = folder.of(&node.region).join("store");
        copy(&store, &new.join(node.region.as_str())).map_err(told)?;
    }
    fs::rename(&new, &kept).map_err(told)
}

/// Puts the stores back. No node may run.
///
/// # Errors
/// A sentence when the beginning was not kept, or a store cannot be written.
pub fn restore(folder: &Folder, saved: &Saved) -> Result<(), String> {
    let kept = folder.join(BEGINNING);
    for node in &saved.regions {
        let store = folder.of(&node.region).join("store");
        let told = |error: io::Error| format!("{}: {error}", store.display());
        remove(&store).map_err(told)?;
        copy(&kept.join(node.region.as_str()), &store).map_err(told)?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_copied_whole_and_replaced_whole() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(from.join("deep")).expect("it is made");
        fs::write(from.join("deep/db"), "rows").expect("it is written");
        copy(&from, &to).expect("it is copied");
        assert_eq!(fs::read(to.join("deep/db")).expect("it is there"), b"rows");
        fs::write(to.join("later"), "x").expect("it is written");
        remove(&to).expect("it goes");
        remove(&to).expect("it is gone already");
        copy(&from, &to).expect("it is copied");
        assert!(!to.join("later").exists());
    }
}
