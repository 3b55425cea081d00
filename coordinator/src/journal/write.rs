//! Numbering, hashing, and who listens.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::event::{Event, What};
use crate::clock::SimTime;

/// Somebody who hears every event as it happens.
pub trait Listener {
    /// Takes an event, and its line without the line feed.
    ///
    /// # Errors
    /// When the line cannot be kept, for example on a full disk.
    fn hear(&mut self, event: &Event, line: &str) -> io::Result<()>;

    /// Nothing more comes.
    ///
    /// # Errors
    /// When something heard could not be kept.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one place where events become lines.
#[derive(Default)]
pub struct Journal {
    next: u64,
    hash: Sha256,
    listeners: Vec<Box<dyn Listener>>,
    broken: Option<io::Error>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("events", &self.next)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A journal that only counts and hashes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same journal, heard by one more.
    #[must_use]
    pub fn heard_by(mut self, listener: impl Listener + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Writes down what happened, and gives its number.
    ///
    /// A listener that fails is not asked again; [`Journal::finish`] tells of it.
    pub fn record(&mut self, t: SimTime, what: What) -> u64 {
        let event = Event {
            t,
            n: self.next,
            what,
        };
        let line = serde_json::to_string(&event).expect("events have text keys and no floats");
        self.repeat(&event, &line);
        event.n
    }

    /// Takes the next event as another journal wrote it.
    pub fn repeat(&mut self, event: &Event, line: &str) {
        self.next += 1;
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        if self.broken.is_none() {
            for listener in &mut self.listeners {
                if let Err(error) = listener.hear(event, line) {
                    self.broken = Some(error);
                    break;
                }
            }
        }
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next
    }

    /// Whether nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// SHA-256 of the lines so far, in hex: equal for equal runs.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// Lets the listeners go.
    ///
    /// # Errors
    /// The first error of a listener.
    pub fn finish(&mut self) -> io::Result<()> {
        let mut result = self.broken.take().map_or(Ok(()), Err);
        for mut listener in self.listeners.drain(..) {
            result = result.and(listener.finish());
        }
        result
    }
}

/// Lines into a file, or anything else that takes bytes.
#[derive(Debug)]
pub struct Lines<W: Write>(io::BufWriter<W>);

impl<W: Write> Lines<W> {
    /// Writes lines to `out`.
    pub fn new(out: W) -> Self {
        Self(io::BufWriter::with_capacity(1 << 16, out))
    }
}

impl<W: Write> Listener for Lines<W> {
    fn hear(&mut self, event: &Event, line: &str) -> io::Result<()> {
        self.0.write_all(line.as_bytes())?;
        self.0.write_all(b"\n")?;
        // Readers that follow a run see each step when it is over.
        if matches!(event.what, What::StepEnded(_) | What::Verdict(_)) {
            self.0.flush()
        } else {
            Ok(())
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// All events in memory, shared with whoever keeps a clone.
#[derive(Debug, Clone, Default)]
pub struct Memory(Rc<RefCell<Vec<Event>>>);

impl Memory {
    /// What was heard so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.borrow().clone()
    }

    /// Looks at what was heard so far without a copy.
    pub fn with<R>(&self, look: impl FnOnce(&[Event]) -> R) -> R {
        look(&self.0.borrow())
    }
}

impl Listener for Memory {
    fn hear(&mut self, event: &Event, _line: &str) -> io::Result<()> {
        self.0.borrow_mut().push(event.clone());
        Ok(())
    }
}

impl<F: FnMut(&Event)> Listener for F {
    fn hear(&mut self, event: &Event, _line: &str) -> io::Result<()> {
        self(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_have_equal_digests_whoever_listens() {
        let mut alone = Journal::new();
        let memory = Memory::default();
        let mut heard = Journal::new()
            .heard_by(memory.clone())
            .heard_by(Lines::new(Vec::new()));
        for journal in [&mut alone, &mut heard] {
            journal.record(SimTime(5), What::SetUpDone);
            journal.record(SimTime(6), What::SetUpDone);
        }
        assert_eq!(alone.digest(), heard.digest());
        assert_eq!(
            memory.with(|events| events.iter().map(|event| event.n).collect::<Vec<_>>()),
            [0, 1]
        );
        heard.record(SimTime(6), What::SetUpDone);
        assert_ne!(alone.digest(), heard.digest());
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        struct Full;
        impl Listener for Full {
            fn hear(&mut self, _: &Event, _: &str) -> io::Result<()> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
        }
        let mut journal = Journal::new().heard_by(Full);
        journal.record(SimTime(0), What::SetUpDone);
        journal.record(SimTime(0), What::SetUpDone);
        assert_eq!(
            journal.finish().map_err(|error| error.kind()),
            Err(io::ErrorKind::StorageFull)
        );
    }
}
