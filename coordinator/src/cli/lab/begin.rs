//! Folders to begin in: a learner's, and an author's.

use std::path::{Path, PathBuf};

use super::{out, refuse, say, show};
use crate::exit::Exit;
use crate::labs::desk::{Desk, find};
use crate::labs::shelf;

/// Begins a lab, or goes on with one that was begun there.
pub(super) fn start(id: &str, course: Option<&Path>, into: Option<&Path>) -> Exit {
    let begun = find(id, course).and_then(|found| {
        let path = into.map_or_else(|| PathBuf::from(&found.1.id), Path::to_owned);
        begin(found, course, &path)
    });
    match begun {
        Ok(desk) => {
            out(&show::begun(&desk));
            Exit::Passed
        }
        Err(problem) => refuse(&problem),
    }
}

/// Begins a lab in a folder.
pub(super) fn begin(
    found: (shelf::Folder, crate::labs::Lab),
    course: Option<&Path>,
    path: &Path,
) -> Result<Desk, String> {
    let course = course.map(Path::canonicalize).transpose();
    let course = course.map_err(|error| error.to_string())?;
    Desk::begin(found, course, path)
}

/// A small lab for authors.
const NEW: [(&str, &str); 6] = [
    (shelf::FILE, include_str!("new/lab.yaml")),
    ("README.md", include_str!("new/README.md")),
    ("drill.yaml", include_str!("new/drill.yaml")),
    ("starters/world.yaml", include_str!("new/starter.yaml")),
    ("solutions/world.yaml", include_str!("new/solution.yaml")),
    ("wrong/another-key.yaml", include_str!("new/wrong.yaml")),
];

/// Writes a lab to begin with.
pub(super) fn new(folder: &Path) -> Exit {
    if folder.exists() {
        return refuse(&format!("{} is there already", folder.display()));
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    for (file, text) in NEW {
        let path = folder.join(file);
        let text = text.replace("LAB-ID", &name);
        let under = path.parent().unwrap_or(folder);
        let written = std::fs::create_dir_all(under).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            say(&format!("{}: {error}", path.display()));
            return Exit::Environment;
        }
    }
    say(&format!(
        "wrote {0}; try: faultline lab test {0}",
        folder.display()
    ));
    Exit::Passed
}
