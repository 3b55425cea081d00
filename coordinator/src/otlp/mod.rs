//! A run for OpenTelemetry: `--otlp URL` sends its spans and metrics to a collector.
//!
//! Everything comes from the journal after the run, so it costs a run nothing and changes
//! nothing in it. Spans have the simulator's own time: a run begins at 2026-01-01T00:00:00Z,
//! as the Regions' trails say, and ids come from the seed, so the same run sent twice is the
//! same spans twice. Each Region is a service of its own, clients are one more. Metrics are
//! sums over all runs of the command; OpenTelemetry stamps them with the real time.
//!
//! A collector that does not answer costs a warning and a few seconds, never the run.
//!
//! - [`spans`]: from events to spans, pure. [`meters`]: from events to metrics.
//! - [`send`]: onto the wire.

pub mod meters;
pub mod send;
pub mod spans;

pub use send::{Endpoint, Otlp, Unsent};

/// What everything here is said to come from.
const SCOPE: &str = "faultline";
