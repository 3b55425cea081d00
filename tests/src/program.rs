//! The `faultline` program, for what only processes can show.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The program of this build, built when it is not there.
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
    // Cargo knows best whether the program is as new as its sources.
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
