//! `faultline run --watch`: once more whenever a file is saved.
//!
//! Folders are watched, not files: editors save by putting a new file in the old one's
//! place. What failed in the last round runs first in the next, and what passed is told
//! after it, so the first failure is at the top of the screen.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::interrupt::Interrupt;
use super::{out, say};
use crate::exit::Exit;

/// An editor that saves writes several times: the round begins when it is quiet for so long.
const QUIET: Duration = Duration::from_millis(100);

/// What came of one round.
pub(super) struct Round {
    /// Its exit status.
    pub exit: Exit,
    /// Runs that did not pass, by name.
    pub failed: BTreeSet<String>,
}

impl Round {
    /// Nothing ran.
    pub fn without_runs(exit: Exit) -> Self {
        Self {
            exit,
            failed: BTreeSet::new(),
        }
    }
}

/// Runs rounds until Ctrl-C; answers the last one's exit status.
pub(super) fn watch(
    files: &[PathBuf],
    interrupt: &Interrupt,
    mut round: impl FnMut(&BTreeSet<String>) -> Round,
) -> Exit {
    let (watcher, saves) = match listen(files) {
        Ok(listening) => listening,
        Err(error) => {
            say(&format!("the files cannot be watched: {error}"));
            return Exit::Environment;
        }
    };
    let mut failed = BTreeSet::new();
    loop {
        if std::io::stdout().is_terminal() {
            out("\x1b[2J\x1b[3J\x1b[H");
        }
        let done = round(&failed);
        if interrupt.is_raised() {
            drop(watcher);
            return Exit::Interrupted;
        }
        failed = done.failed;
        say("watching: save a file to run again, press Ctrl-C to end");
        if !wait(&saves, files, interrupt) {
            return done.exit;
        }
    }
}

/// What is told of files.
pub(super) type Saves = Receiver<notify::Result<Event>>;

/// Begins to listen for saves of these files, for as long as the watcher lives.
pub(super) fn listen(files: &[PathBuf]) -> notify::Result<(RecommendedWatcher, Saves)> {
    let (tell, saves) = channel();
    let mut watcher = notify::recommended_watcher(tell)?;
    for file in files {
        if file.is_dir() {
            watcher.watch(file, RecursiveMode::Recursive)?;
        } else {
            watcher.watch(folder_of(file), RecursiveMode::NonRecursive)?;
        }
    }
    Ok((watcher, saves))
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Waits until one of `files` was saved; `false` when somebody pressed Ctrl-C before.
fn wait(saves: &Saves, files: &[PathBuf], interrupt: &Interrupt) -> bool {
    let mut saved = false;
    while !interrupt.is_raised() {
        match saves.recv_timeout(QUIET) {
            Ok(event) => saved |= event.is_ok_and(|event| is_save(&event, files)),
            Err(RecvTimeoutError::Timeout) if saved => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    false
}

/// Whether an event changed a scenario that is meant. Reading is none, and so are the
/// journals that the runs themselves write.
pub(super) fn is_save(event: &Event, files: &[PathBuf]) -> bool {
    let meant = |path: &PathBuf| {
        let yaml = path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml");
        yaml && files
            .iter()
            .any(|file| file.is_dir() || file.file_name() == path.file_name())
    };
    !event.kind.is_access() && event.paths.iter().any(meant)
}

#[cfg(test)]
mod tests {
    use notify::EventKind;
    use notify::event::{AccessKind, CreateKind, ModifyKind};

    use super::*;

    #[test]
    fn a_save_is_a_change_of_a_file_that_is_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, whole) = (PathBuf::from("a/tides.yaml"), folder.path().to_path_buf());
        let changed = EventKind::Modify(ModifyKind::Any);
        let cases = [
            (changed, "a/tides.yaml", &one, true),
            (
                EventKind::Create(CreateKind::File),
                "a/tides.yaml",
                &one,
                true,
            ),
            (
                EventKind::Access(AccessKind::Any),
                "a/tides.yaml",
                &one,
                false,
            ),
            (changed, "a/other.yaml", &one, false),
            (changed, "a/other.yaml", &whole, true),
            (changed, "a/events.jsonl", &whole, false),
        ];
        for (kind, path, watched, expected) in cases {
            let event = Event::new(kind).add_path(PathBuf::from(path));
            let files = std::slice::from_ref(watched);
            assert_eq!(is_save(&event, files), expected, "{kind:?} of {path}");
        }
    }

    #[test]
    fn a_round_follows_each_save_and_failures_are_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tides.yaml");
        std::fs::write(&file, "one").expect("it is written");
        let interrupt = Interrupt::default();
        let mut seen = Vec::new();
        let exit = watch(std::slice::from_ref(&file), &interrupt.clone(), |failed| {
            seen.push(failed.iter().cloned().collect::<Vec<_>>());
            if seen.len() == 2 {
                interrupt.raise();
            } else {
                // Saved as editors do: beside it, then in its place.
                let beside = folder.path().join("tides.yaml.new");
                std::fs::write(&beside, "two").expect("it is written");
                std::fs::rename(&beside, &file).expect("it is moved");
            }
            Round {
                exit: Exit::Failed,
                failed: ["tides".to_owned()].into(),
            }
        });
        assert_eq!(seen, [vec![], vec!["tides".to_owned()]]);
        assert_eq!(exit, Exit::Interrupted);
    }
}
