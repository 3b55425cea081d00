//! The journal: everything that happened, in order, one JSON object a line.
//!
//! It is the whole interface between running and telling. Reports, oracles, goals and the
//! console read it and nothing else. It holds no wall-clock time, process id, port or path,
//! so the same seed gives the same bytes whatever carries the Regions; its SHA-256 is the
//! run's fingerprint. It is written as a stream: memory does not grow with its length,
//! unless somebody asks for it in memory.
//!
//! - [`event`]: what can happen.
//! - [`write`]: numbering, hashing, and who listens.
//! - [`read`]: back from lines.

pub mod event;
pub mod read;
pub mod redact;
pub mod shown;
pub mod trail;
pub mod write;

pub use event::{Event, What};
pub use write::{Journal, Lines, Listener, Memory};
