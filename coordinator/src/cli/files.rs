//! From arguments to scenario files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::scenario::source::Source;

/// Folders of a collection that hold something other than scenarios, or scenarios that take long
/// and run when they are named.
const OTHERS: [&str; 4] = ["campaigns", "labs", "large", "schema"];

/// Finds the scenario files that `arguments` name: files as they are, folders with all
/// scenarios below them, in the order of their names. Campaigns, labs and large ones are left out.
///
/// # Errors
/// A sentence for the first path that cannot be read.
pub fn find(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            walk(argument, &mut found)?;
        } else if argument.exists() {
            found.push(argument.clone());
        } else {
            return Err(format!(
                "{}: there is no such file or folder",
                argument.display()
            ));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(fail)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !OTHERS.contains(&name.as_str()) && !name.starts_with('.') {
                walk(&path, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml")
            && is_scenario(&path)
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file of a folder says that it is a scenario. One that is named is taken at
/// its name, so that what is wrong with it is told.
fn is_scenario(path: &Path) -> bool {
    fs::read(path).is_ok_and(|text| {
        let text = String::from_utf8_lossy(&text);
        text.lines().any(|line| line.starts_with("scenario:"))
    })
}

/// Whether a file says that it is a campaign.
#[must_use]
pub fn is_campaign(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("campaign:"))
}

/// Reads a file.
///
/// # Errors
/// A sentence when it cannot be read or is no text.
pub fn read(path: &Path) -> Result<Arc<Source>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Source::new(path.display().to_string(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_scenarios_in_order_and_nothing_else() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, text).expect("it is written");
        };
        for path in ["b.yaml", "a/x.yaml", "campaigns/c.yaml", "schema/s.yaml"] {
            write(path, "# a comment\nscenario: 1\n");
        }
        write("other.yaml", "campaign: 1\n");
        write("notes.txt", "scenario: 1\n");
        let found = find(&[root.path().to_owned()]).expect("they are found");
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root.path()).expect("below it"))
            .collect();
        assert_eq!(names, [Path::new("a/x.yaml"), Path::new("b.yaml")]);
        let named = find(&[root.path().join("other.yaml")]).expect("it is there");
        assert_eq!(named.len(), 1, "a named file is taken at its name");
        assert!(find(&[root.path().join("none.yaml")]).is_err());
    }
}
