//! What happened when and where: calls, messages, lives of nodes, remarks of Regions.
//!
//! A page draws 10,000 of them at most. What went wrong is kept first; of the rest every n-th
//! is, evenly over the run, and the page says so. `--from` and `--to` reach the others.

use std::collections::BTreeMap;

use crate::clock::SimTime;
use crate::journal::event::{CallAnswered, Event, MessageSent, Outcome, What};
use crate::report::moment;

/// How many are drawn.
pub const LIMIT: usize = 10_000;
/// Characters of a text that are kept.
const TEXT: usize = 240;

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Well.
    Ok,
    /// Nobody heard.
    Unknown,
    /// Refused, lost, dead.
    Fail,
}

/// A call and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it was sent.
    pub sent: SimTime,
    /// When its client had an answer, or gave up.
    pub answered: Option<SimTime>,
    /// Where the client stands.
    pub from: String,
    /// Region asked.
    pub region: String,
    /// Operation.
    pub operation: String,
    /// Who.
    pub principal: String,
    /// What came.
    pub outcome: String,
    /// How it went.
    pub tone: Tone,
    /// Its step.
    pub step: String,
    /// Its line in the journal.
    pub n: u64,
}

/// A message between Regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it was sent.
    pub sent: SimTime,
    /// When it was there, or was lost.
    pub ended: Option<SimTime>,
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Stream.
    pub stream: String,
    /// Whether it was lost, or dropped.
    pub lost: bool,
    /// The fault that did it.
    pub cause: String,
    /// Its line in the journal.
    pub n: u64,
}

/// Something in one Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// When.
    pub t: SimTime,
    /// Where.
    pub region: String,
    /// In one word: the note's, `died`, `started`, `refused`, `planted`.
    pub word: String,
    /// In a line.
    pub text: String,
    /// How it went.
    pub tone: Tone,
    /// Its line in the journal.
    pub n: u64,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// From, counted from the scenario's own zero.
    pub from: Option<SimTime>,
    /// To, counted likewise.
    pub to: Option<SimTime>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Moments {
    /// Calls by when they were sent.
    pub calls: Vec<Call>,
    /// Messages by when they were sent.
    pub messages: Vec<Message>,
    /// Remarks.
    pub remarks: Vec<Remark>,
    /// How many there were before some were left out.
    pub all: usize,
    zero: Option<SimTime>,
    open: BTreeMap<String, usize>,
    under_way: BTreeMap<u64, usize>,
}

impl Moments {
    /// These calls and messages, and nothing else.
    #[must_use]
    pub fn of(calls: Vec<Call>, messages: Vec<Message>) -> Self {
        Self {
            calls,
            messages,
            ..Self::default()
        }
    }

    /// Takes the next event. What comes before the scenario's own zero is set-up.
    pub fn take(&mut self, event: &Event) {
        if matches!(event.what, What::SetUpDone) {
            self.zero = Some(event.t);
        }
        if self.zero.is_none() {
            return;
        }
        let (t, n) = (event.t, event.n);
        match &event.what {
            What::CallSent(call) => {
                self.open.insert(call.call.clone(), self.calls.len());
                self.calls.push(Call {
                    sent: t,
                    answered: None,
                    from: call.from.to_string(),
                    region: call.region.to_string(),
                    operation: call.operation.clone(),
                    principal: call.principal.clone(),
                    outcome: "no answer yet".to_owned(),
                    tone: Tone::Unknown,
                    step: call.step.clone(),
                    n,
                });
            }
            What::CallAnswered(call) => self.answered(t, call),
            What::MessageSent(message) => self.sent(t, n, message),
            What::MessageDelivered(arrival) => self.arrived(t, arrival.message, None),
            What::MessageLost(arrival) => {
                let cause = arrival.caused_by.clone();
                self.arrived(t, arrival.message, Some(cause.unwrap_or_default()));
            }
            _ => self.remark(event),
        }
    }

    fn answered(&mut self, t: SimTime, answer: &CallAnswered) {
        let Some(call) = self
            .open
            .remove(&answer.call)
            .and_then(|index| self.calls.get_mut(index))
        else {
            return;
        };
        call.answered = Some(t);
        (call.tone, call.outcome) = match &answer.outcome {
            Outcome::Success { .. } => (Tone::Ok, "ok".to_owned()),
            Outcome::Refused(it) => (Tone::Fail, it.code.clone()),
            Outcome::Unheard {
                code, caused_by, ..
            } => {
                let by = caused_by
                    .as_ref()
                    .map(|by| format!(" by {by}"))
                    .unwrap_or_default();
                (Tone::Unknown, format!("{code}{by}"))
            }
        };
    }

    fn sent(&mut self, t: SimTime, n: u64, message: &MessageSent) {
        if !message.arrives.is_empty() {
            self.under_way.insert(message.message, self.messages.len());
        }
        self.messages.push(Message {
            sent: t,
            ended: None,
            from: message.from.to_string(),
            to: message.to.to_string(),
            stream: message.stream.clone(),
            lost: message.arrives.is_empty(),
            cause: message.caused_by.clone().unwrap_or_default(),
            n,
        });
    }

    fn arrived(&mut self, t: SimTime, message: u64, lost: Option<String>) {
        if let Some(message) = self
            .under_way
            .remove(&message)
            .and_then(|index| self.messages.get_mut(index))
        {
            message.ended = Some(t);
            if let Some(cause) = lost {
                (message.lost, message.cause) = (true, cause);
            }
        }
    }

    fn remark(&mut self, event: &Event) {
        let (region, word, tone) = match &event.what {
            What::Note {
                region,
                note,
                fields,
                ..
            } => {
                let failed = fields
                    .get("outcome")
                    .is_some_and(|it| it.eq_ignore_ascii_case("failed"))
                    || matches!(
                        note.as_str(),
                        "conflict" | "copy_refused" | "replication_failed"
                    );
                let tone = if failed { Tone::Fail } else { Tone::Ok };
                (region, note.clone(), tone)
            }
            What::Audit { region, event, .. } => {
                let text = |name: &str| {
                    event
                        .get(name)
                        .and_then(serde_json::Value::as_str)
                        .unwrap_or_default()
                };
                // A client's own refusal is on its call.
                if text("errorCode").is_empty() || text("invokedBy").is_empty() {
                    return;
                }
                (region, "refused".to_owned(), Tone::Fail)
            }
            What::Planted { region, .. } => (region, "planted".to_owned(), Tone::Ok),
            What::NodeDied { region, .. } => (region, "died".to_owned(), Tone::Fail),
            What::NodeStarted { region, .. } => (region, "started".to_owned(), Tone::Ok),
            _ => return,
        };
        let line = told(&event.what);
        self.remarks.push(Remark {
            t: event.t,
            region: region.to_string(),
            word,
            text: line.chars().take(TEXT).collect(),
            tone,
            n: event.n,
        });
    }

    /// Leaves out what is outside the window, then what is too much.
    pub fn trim(&mut self, window: Window, limit: usize) {
        let zero = self.zero.unwrap_or(SimTime::ZERO);
        let place = |t: Option<SimTime>| t.map(|t| SimTime(zero.0.saturating_add(t.0)));
        let from = place(window.from).unwrap_or(SimTime::ZERO);
        let to = place(window.to).unwrap_or(SimTime(u64::MAX));
        self.calls
            .retain(|it| it.answered.unwrap_or(it.sent) >= from && it.sent <= to);
        self.messages
            .retain(|it| it.ended.unwrap_or(it.sent) >= from && it.sent <= to);
        self.remarks.retain(|it| it.t >= from && it.t <= to);
        self.all = self.len();
        if self.all <= limit {
            return;
        }
        let wrong = self.calls.iter().filter(|it| it.tone != Tone::Ok).count()
            + self.messages.iter().filter(|it| it.lost).count()
            + self.remarks.iter().filter(|it| it.tone != Tone::Ok).count();
        let mut wrongs = Thin::to(wrong, limit * 4 / 5);
        let mut fine = Thin::to(
            self.all - wrong,
            limit.saturating_sub(wrong.min(limit * 4 / 5)),
        );
        let mut keep = |well: bool| if well { fine.keeps() } else { wrongs.keeps() };
        self.calls.retain(|it| keep(it.tone == Tone::Ok));
        self.messages.retain(|it| keep(!it.lost));
        self.remarks.retain(|it| keep(it.tone == Tone::Ok));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len() + self.messages.len() + self.remarks.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every moment at which something begins or ends.
    #[must_use]
    pub fn times(&self) -> Vec<SimTime> {
        let calls = self
            .calls
            .iter()
            .flat_map(|it| [Some(it.sent), it.answered]);
        let messages = self
            .messages
            .iter()
            .flat_map(|it| [Some(it.sent), it.ended]);
        let remarks = self.remarks.iter().map(|it| Some(it.t));
        calls.chain(messages).chain(remarks).flatten().collect()
    }
}

/// Fields of notes that say nothing to a reader.
const DULL: [&str; 8] = [
    "account",
    "call",
    "crc32",
    "digest",
    "material",
    "materials",
    "order",
    "trace",
];

/// A remark in a line.
fn told(what: &What) -> String {
    if let What::Note { fields, .. } = what {
        let fields = fields
            .iter()
            .filter(|(name, value)| !value.is_empty() && !DULL.contains(&name.as_str()));
        let fields: Vec<String> = fields
            .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
            .collect();
        return fields.join(", ");
    }
    let line = moment::line(what);
    line.split_once(' ')
        .map_or(line.clone(), |(_, rest)| rest.trim_start().to_owned())
}

/// Keeps `wanted` of `all`, evenly.
struct Thin {
    all: usize,
    wanted: usize,
    owed: usize,
}

impl Thin {
    fn to(all: usize, wanted: usize) -> Self {
        let (all, wanted) = (all.max(1), wanted.min(all));
        Self {
            all,
            wanted,
            owed: 0,
        }
    }

    fn keeps(&mut self) -> bool {
        self.owed += self.wanted;
        let kept = self.owed >= self.all;
        if kept {
            self.owed -= self.all;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn calls_messages_and_their_ends_are_found() {
        let mut moments = Moments::default();
        for event in example::journal() {
            moments.take(&event);
        }
        assert_eq!(moments.calls.len(), 4, "set-up is not drawn");
        assert_eq!(moments.calls[0].tone, Tone::Ok);
        assert_eq!(moments.calls[1].outcome, "ConnectTimeout by region_down");
        assert!(moments.messages.iter().all(|message| message.lost));
    }

    #[test]
    fn too_much_is_thinned_evenly_and_what_went_wrong_stays() {
        let call = |n: u64| Call {
            sent: SimTime(n),
            answered: None,
            from: String::new(),
            region: String::new(),
            operation: String::new(),
            principal: String::new(),
            outcome: String::new(),
            tone: if n == 777 { Tone::Fail } else { Tone::Ok },
            step: String::new(),
            n,
        };
        let mut moments = Moments {
            calls: (0..1_000).map(call).collect(),
            ..Moments::default()
        };
        moments.trim(Window::default(), 100);
        assert_eq!((moments.all, moments.len()), (1_000, 100));
        assert!(moments.calls.iter().any(|call| call.n == 777));
        assert!(
            moments
                .calls
                .iter()
                .filter(|call| call.n < 500)
                .count()
                .abs_diff(50)
                <= 2
        );
    }
}
