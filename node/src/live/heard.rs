//! What happened in a Region lately, for an operator who listens.
//!
//! Nothing is kept while nobody asks. What is kept says who called what and how it ended; it
//! holds no parameter and no answer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use faultline_proto::driving::happened::What;
use faultline_proto::driving::{AuditEvent, Happened, Heard as Answer, Reply};

/// How long somebody who asked is taken to listen.
const LISTENS: Duration = Duration::from_secs(10);
/// Most that is kept.
const KEPT: usize = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    until: Option<Instant>,
    /// Number of the first one that is kept.
    first: u64,
    events: VecDeque<Happened>,
}

impl Heard {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a reply tells, if somebody listens.
    pub fn take(&self, reply: &Reply, wall: i64) {
        if reply.audit.is_empty() && reply.notes.is_empty() {
            return;
        }
        let mut kept = self.kept();
        if kept.until.is_none_or(|until| until < Instant::now()) {
            return;
        }
        let calls = reply.audit.iter().map(|event| What::Call(outside(event)));
        let notes = reply.notes.iter().map(|note| What::Note(note.clone()));
        for what in calls.chain(notes) {
            if kept.events.len() == KEPT {
                kept.events.pop_front();
                kept.first += 1;
            }
            kept.events.push_back(Happened {
                wall,
                what: Some(what),
            });
        }
    }

    /// What happened since number `from`; from now on somebody listens.
    pub fn since(&self, from: u64) -> Answer {
        let mut kept = self.kept();
        let now = Instant::now();
        if kept.until.is_none_or(|until| until < now) {
            // What was kept for the last one who listened ended somewhere.
            kept.first += kept.events.len() as u64;
            kept.events.clear();
        }
        kept.until = Some(now + LISTENS);
        let next = kept.first + kept.events.len() as u64;
        // A number from another life of this node, or from nobody.
        let known = if from > next { kept.first } else { from };
        let begins = known.max(kept.first);
        let skipped = usize::try_from(begins - kept.first).unwrap_or(usize::MAX);
        Answer {
            next,
            missed: if from == 0 { 0 } else { begins - known },
            happened: kept.events.iter().skip(skipped).cloned().collect(),
        }
    }
}

/// A call as everybody may see it.
fn outside(event: &AuditEvent) -> AuditEvent {
    AuditEvent {
        request_parameters: String::new(),
        response_elements: String::new(),
        additional: String::new(),
        access_key: String::new(),
        ..event.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(count: usize) -> Reply {
        let event = AuditEvent {
            event_name: "PutItem".to_owned(),
            request_parameters: "{\"secret\":1}".to_owned(),
            ..AuditEvent::default()
        };
        Reply {
            audit: vec![event; count],
            ..Reply::default()
        }
    }

    #[test]
    fn who_listens_hears_each_thing_once_and_how_much_was_missed() {
        let heard = Heard::default();
        heard.take(&reply(3), 1);
        let first = heard.since(0);
        assert_eq!((first.next, first.missed, first.happened.len()), (0, 0, 0));
        heard.take(&reply(3), 2);
        let second = heard.since(first.next);
        assert_eq!((second.next, second.happened.len()), (3, 3));
        let Some(What::Call(call)) = &second.happened[0].what else {
            panic!("a call");
        };
        assert!(call.event_name == "PutItem" && call.request_parameters.is_empty());
        assert!(heard.since(second.next).happened.is_empty());
        heard.take(&reply(KEPT + 5), 3);
        let third = heard.since(second.next);
        assert_eq!((third.missed, third.happened.len()), (5, KEPT));
        // The node was started again, and counts anew.
        assert_eq!(heard.since(1_000_000).happened.len(), KEPT);
    }
}
