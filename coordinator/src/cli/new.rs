//! `faultline new`: a scenario to begin with, which passes as it is.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::say;
use crate::exit::Exit;

/// The scenario that `new` writes.
pub const TEMPLATE: &str = include_str!("new.yaml");

/// Write a small scenario to begin with.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The file; it must not be there yet.
    file: PathBuf,
}

/// Writes the file.
#[must_use]
pub fn new(args: &NewArgs) -> Exit {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file);
    match file.and_then(|mut file| file.write_all(TEMPLATE.as_bytes())) {
        Ok(()) => {
            say(&format!(
                "wrote {0}; try: faultline check {0}",
                args.file.display()
            ));
            Exit::Passed
        }
        Err(error) => {
            say(&format!("{}: {error}", args.file.display()));
            Exit::Environment
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{load, source::Source};

    #[test]
    fn what_it_writes_is_without_fault() {
        let plan = load(&Source::new("new.yaml", TEMPLATE)).expect("it is a scenario");
        assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    }
}
