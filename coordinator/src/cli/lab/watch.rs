//! `faultline lab watch`: a check at each save, and a key for all the rest.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::{colours, out, say, show};
use crate::cli::watch::{Saves, is_save, listen};
use crate::exit::Exit;
use crate::labs::desk::Desk;

/// How often saves and keys are looked for.
const PAUSE: Duration = Duration::from_millis(40);
/// An editor that saves writes several times: quiet for so long, and it is done.
const QUIET: u32 = 2;

const KEYS: &str = "n next  h hint  s solution  l list  r run again  x reset the step  q quit";

/// Goes on until somebody quits.
pub(super) fn watch(desk: &mut Desk, manual: bool) -> Exit {
    let files: Vec<PathBuf> = desk
        .lab
        .edited()
        .into_iter()
        .map(|file| desk.path.join(file))
        .collect();
    let listening = if manual || files.is_empty() {
        None
    } else {
        match listen(&files) {
            Ok(listening) => Some(listening),
            Err(error) => {
                say(&format!("saves are not seen ({error}): r checks"));
                None
            }
        }
    };
    let single = !manual && std::io::stdin().is_terminal();
    let keys = keys(single);
    fresh(desk);
    let saves = listening.as_ref().map(|(_, saves)| saves);
    loop {
        let heard = next(&keys, saves, &files);
        // The console may be open beside, over the same folder.
        desk.refresh();
        match heard {
            Some(Heard::Saved) => checked(desk),
            Some(Heard::Key('q')) | None => return Exit::Passed,
            Some(Heard::Key(key)) => pressed(desk, key),
        }
        if let Err(problem) = desk.save() {
            say(&problem);
            return Exit::Environment;
        }
    }
}

enum Heard {
    Key(char),
    Saved,
}

/// Waits for a key or a save; `None` when no more keys can come.
fn next(keys: &Receiver<Option<char>>, saves: Option<&Saves>, files: &[PathBuf]) -> Option<Heard> {
    let mut quiet = None;
    loop {
        match keys.recv_timeout(PAUSE) {
            Ok(Some(key)) => return Some(Heard::Key(key)),
            Ok(None) | Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        }
        let events = saves.into_iter().flat_map(Receiver::try_iter);
        let saved = events.filter(|event| event.as_ref().is_ok_and(|event| is_save(event, files)));
        if saved.count() > 0 {
            quiet = Some(0);
        } else if let Some(turns) = &mut quiet {
            *turns += 1;
            if *turns >= QUIET {
                return Some(Heard::Saved);
            }
        }
    }
}

/// Keys as they come: single ones of a terminal, or the first letter of each line.
#[expect(
    clippy::disallowed_methods,
    reason = "a person types whenever they like; nothing in a run depends on it"
)]
fn keys(single: bool) -> Receiver<Option<char>> {
    let (tell, keys) = channel();
    std::thread::spawn(move || {
        if single {
            single_keys(&tell)
        } else {
            lines(&tell)
        }
    });
    keys
}

fn single_keys(tell: &Sender<Option<char>>) {
    let terminal = console::Term::stdout();
    loop {
        let key = match terminal.read_key() {
            Ok(console::Key::Char(key)) => Some(key),
            Ok(_) => continue,
            Err(_) => None,
        };
        if tell.send(key).is_err() || key.is_none() {
            return;
        }
    }
}

fn lines(tell: &Sender<Option<char>>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let key = line.trim().chars().next().unwrap_or('r');
        if tell.send(Some(key)).is_err() {
            return;
        }
    }
    // The other end may be gone already.
    let _ = tell.send(None);
}

fn clear() {
    if std::io::stdout().is_terminal() {
        out("\x1b[2J\x1b[3J\x1b[H");
    }
}

fn screen(text: &str) {
    clear();
    out(text);
    out(&format!("{KEYS}\n"));
    drop(std::io::stdout().flush());
}

/// The task, and how it stands.
fn fresh(desk: &Desk) {
    screen(&show::task(desk));
}

fn checked(desk: &mut Desk) {
    let (text, _) = show::check(desk, colours());
    screen(&text);
}

fn pressed(desk: &mut Desk, key: char) {
    let told = match key {
        'n' => show::next(desk),
        'h' => Ok(show::hint(desk, false)),
        's' => desk.solution(),
        'l' => Ok(show::status(desk)),
        'x' => {
            let step = desk.step().1.id.clone();
            show::reset(desk, Some(&step))
        }
        'r' => return checked(desk),
        key if key.is_ascii_digit() => {
            let number = key.to_digit(10).unwrap_or_default() as usize;
            show::answer(desk, number).map(|(text, _)| text)
        }
        key => Err(format!("`{key}` does nothing here")),
    };
    screen(&told.unwrap_or_else(|problem| problem + "\n"));
}
