//! The `faultline` program, for what only processes can show.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The program of this build, built when it is not there or older than its sources.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn path() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(find).clone()
}

/// A proof lies in `target/<profile>/deps/`, the program one folder above.
fn find() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a test lies in the folder of its profile");
    let name = format!("faultline{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join(name);
    if is_new(&program) {
        return program;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-q", "-p", "faultline", "--bin", "faultline"]);
    if folder.file_name().is_some_and(|it| it == "release") {
        cargo.arg("--release");
    }
    if let Some(target) = folder.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    let built = cargo.current_dir(super::shipped::root()).status();
    let built = built.is_ok_and(|status| status.success());
    assert!(
        built && program.exists(),
        "{} cannot be built",
        program.display()
    );
    program
}

/// Whether the program is there and no source of it is newer.
fn is_new(program: &Path) -> bool {
    let Some(built) = changed(program) else {
        return false;
    };
    let root = super::shipped::root();
    ["proto", "node", "coordinator"]
        .iter()
        .all(|folder| newest(&root.join(folder)) <= built)
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|it| it.modified()).ok()
}

/// When the youngest source below a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter_map(|path| {
            if path.is_dir() {
                return Some(newest(&path));
            }
            let source = path
                .extension()
                .is_some_and(|it| it == "rs" || it == "proto");
            changed(&path).filter(|_| source)
        })
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
