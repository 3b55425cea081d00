//! What nodes say, in files that do not grow for ever.
//!
//! A node appends to `log.txt` by its standard error, so its file cannot be swapped under it.
//! When it has more than [`LARGEST`] bytes, its content becomes `log.1.txt` and it begins anew.
//! A line that is written at that very moment may be lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a log; so many again lie in the older one.
pub const LARGEST: u64 = 8 << 20;

/// Where what was said before lies.
#[must_use]
pub fn older(log: &Path) -> PathBuf {
    log.with_extension("1.txt")
}

/// Puts a log aside when it has more than `largest` bytes; says whether it did.
///
/// # Errors
/// When files cannot be written.
pub fn shorten(log: &Path, largest: u64) -> io::Result<bool> {
    if fs::metadata(log)?.len() <= largest {
        return Ok(false);
    }
    let new = log.with_extension("new");
    fs::copy(log, &new)?;
    fs::rename(&new, older(log))?;
    fs::OpenOptions::new().write(true).open(log)?.set_len(0)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_log_is_put_aside_and_its_writer_goes_on() {
        let root = tempfile::tempdir().expect("a folder");
        let log = root.path().join("log.txt");
        let mut options = fs::OpenOptions::new();
        let mut writer = options.create(true).append(true).open(&log).expect("opens");
        for turn in 0..10 {
            writeln!(writer, "line {turn} {}", "x".repeat(100)).expect("writes");
            shorten(&log, 300).expect("shortens");
            assert!(fs::metadata(&log).expect("is there").len() <= 300);
        }
        assert!(!shorten(&log, 300).expect("is short"));
        let old = fs::read_to_string(older(&log)).expect("is there");
        let new = fs::read_to_string(&log).expect("is there");
        assert!(old.starts_with("line 6 ") && old.ends_with('\n'), "{old}");
        assert!(new.starts_with("line 9 "), "{new}");
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 2);
    }
}
