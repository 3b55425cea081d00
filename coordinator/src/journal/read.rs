//! Journals back from their lines.

use std::io::BufRead;

use super::event::{Event, JOURNAL_FORM, What};

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the journal cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is no event.
    #[error("line {line} of the journal is no event: {problem}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Another program wrote it.
    #[error("the journal has form {found}, this program reads form {JOURNAL_FORM}")]
    Form {
        /// The form it has.
        found: u32,
    },
    /// There is nothing.
    #[error("the journal is empty")]
    Empty,
}

/// Reads all events of a journal.
///
/// # Errors
/// [`ReadError`] when it is not a journal of this form from its first line on. A last line
/// that was cut in the middle (a killed run) is left out.
pub fn read(mut lines: impl BufRead) -> Result<Vec<Event>, ReadError> {
    let mut events = Vec::new();
    let mut text = String::new();
    let mut line = 0;
    loop {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            break;
        }
        line += 1;
        match serde_json::from_str::<Event>(&text) {
            Ok(event) => events.push(event),
            Err(_) if !text.ends_with('\n') && !events.is_empty() => break,
            Err(error) => {
                return Err(ReadError::Line {
                    line,
                    problem: error.to_string(),
                });
            }
        }
        if let (1, Some(What::RunStarted(started))) = (line, events.last().map(|event| &event.what))
            && started.journal != JOURNAL_FORM
        {
            return Err(ReadError::Form {
                found: started.journal,
            });
        }
    }
    if events.is_empty() {
        Err(ReadError::Empty)
    } else {
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"t\":5,\"n\":0,\"kind\":\"set_up_done\"}";

    #[test]
    fn lines_become_events_again() {
        let events = read(format!("{LINE}\n").as_bytes()).expect("a journal");
        assert_eq!(serde_json::to_string(&events[0]).expect("a line"), LINE);
    }

    #[test]
    fn a_line_that_was_cut_off_by_a_kill_is_left_out() {
        let events = read(format!("{LINE}\n{{\"t\":6,").as_bytes()).expect("a journal");
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn what_is_no_journal_is_refused() {
        assert!(matches!(read("".as_bytes()), Err(ReadError::Empty)));
        assert!(matches!(
            read("hello\n".as_bytes()),
            Err(ReadError::Line { line: 1, .. })
        ));
        let other = r#"{"t":0,"n":0,"kind":"run_started","journal":99,"name":"","title":"","file":"","source":"","seed":1,"version":""}"#;
        assert!(matches!(
            read(format!("{other}\n").as_bytes()),
            Err(ReadError::Form { found: 99 })
        ));
    }
}
