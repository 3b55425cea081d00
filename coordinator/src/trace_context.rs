//! W3C trace context: who belongs to whose doing, across Regions.
//!
//! A step of the scenario is one trace. Its calls are spans of it; a Region puts the
//! context of what it works for into every envelope, also when a timer brings the work
//! later; and on arrival the message is the parent of what it does there. So one put in
//! Ireland and its replica in Virginia are one trace. All ids are drawn from the seed: the
//! same run has the same traces, whoever looks.
//!
//! Left out: sampling, and `tracestate`. Everything is recorded.

use std::fmt;

use crate::seed::RunSeed;

/// A span of a trace, as `traceparent` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraceContext {
    /// Trace id, 16 bytes.
    pub trace: [u8; 16],
    /// Span id, 8 bytes.
    pub span: [u8; 8],
}

impl TraceContext {
    /// The run itself, with its set-up and its faults.
    #[must_use]
    pub fn of_run(seed: RunSeed) -> Self {
        Self::first(seed, "trace of the run")
    }

    /// The step with this path; the run, when the path is empty.
    #[must_use]
    pub fn of_step(seed: RunSeed, path: &str) -> Self {
        if path.is_empty() {
            Self::of_run(seed)
        } else {
            Self::first(seed, &format!("trace of step {path}"))
        }
    }

    /// Call number `call` of the run, made by the step with this path.
    #[must_use]
    pub fn of_call(seed: RunSeed, path: &str, call: u64) -> Self {
        Self::of_step(seed, path).child(seed, "call", call)
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn child(self, seed: RunSeed, kind: &str, number: u64) -> Self {
        let bytes = seed.draw(&format!("span of {kind}"), number).bytes();
        Self {
            span: *bytes.first_chunk().expect("32 bytes hold 8"),
            ..self
        }
    }

    /// Reads a `traceparent`; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('-').skip(1);
        let mut trace = [0; 16];
        let mut span = [0; 8];
        hex::decode_to_slice(words.next()?, &mut trace).ok()?;
        hex::decode_to_slice(words.next()?, &mut span).ok()?;
        Some(Self { trace, span })
    }

    fn first(seed: RunSeed, purpose: &str) -> Self {
        let bytes = seed.draw(purpose, 0).bytes();
        let (trace, rest) = bytes.split_first_chunk().expect("32 bytes hold 16");
        Self {
            trace: *trace,
            span: *rest.first_chunk().expect("16 bytes hold 8"),
        }
    }
}

impl fmt::Display for TraceContext {
    /// `00-<trace>-<span>-01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex::encode(self.trace), hex::encode(self.span));
        write!(f, "00-{trace}-{span}-01")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: RunSeed = RunSeed(7);

    #[test]
    fn a_context_is_read_as_it_is_written() {
        let context = TraceContext::of_call(SEED, "3.2", 5);
        assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
        for wrong in ["", "00-12-34-01", "hello"] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn calls_of_one_step_share_a_trace_and_other_steps_do_not() {
        let (one, two) = (
            TraceContext::of_call(SEED, "1", 1),
            TraceContext::of_call(SEED, "1", 2),
        );
        assert_eq!(one.trace, two.trace);
        assert_ne!(one.span, two.span);
        assert_ne!(one.trace, TraceContext::of_call(SEED, "2", 1).trace);
        assert_eq!(
            TraceContext::of_call(SEED, "", 1).trace,
            TraceContext::of_run(SEED).trace
        );
    }
}
