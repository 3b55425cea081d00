//! This program as `faultline` itself: `run` and `node` are what the real one does. So runs are
//! measured as a user makes them, and nodes are processes of their own.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::clock::{Clock, Passed, peak_memory};

/// Where the program writes how much memory it had, in MiB.
const MEMORY: &str = "FAULTLINE_BENCH_MEMORY";

/// Does what `faultline` does when the arguments are its own.
pub fn if_asked() -> Option<ExitCode> {
    let asked = std::env::args().nth(1)?;
    if asked != "run" && asked != "node" {
        return None;
    }
    let exit = faultline::cli::main();
    if let Some(file) = std::env::var_os(MEMORY) {
        std::fs::write(file, peak_memory("self").to_string()).expect("the figure is kept");
    }
    Some(exit)
}

/// How long a command took and how much memory it had, in MiB.
pub fn measured(arguments: &[&str], in_folder: &Path) -> (Passed, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = folder.path().join("memory");
    let clock = Clock::start();
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(arguments)
        .arg("--out")
        .arg(folder.path().join("runs"))
        .current_dir(in_folder)
        .env(MEMORY, &memory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it starts");
    let passed = clock.passed();
    assert!(status.success(), "{arguments:?}: {status}");
    let memory = std::fs::read_to_string(memory).expect("it said how much");
    (passed, memory.parse().expect("a figure"))
}
