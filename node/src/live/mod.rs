//! A node on the wall clock: nobody drives it, clients and peers come as they please.
//!
//! ```text
//!   entrances --Handle--> actor (owns the Region) --outbox--> peers
//!       ^                    |  drain what waits, step each, flush once, answer all
//!       +----- answers ------+
//! ```
//!
//! - [`clock`]: elapsed time that only grows, a wall clock that a fault may skew.
//! - [`start`]: what a live Region is told; secrets, and a seed that no two starts share.
//! - [`handle`]: how an entrance asks. [`bodies`]: bodies in and out, by chunks.
//! - [`actor`]: the loop. [`waiting`]: who waits for which answer.
//! - [`dial`]: how a node is reached.
//! - [`links`]: queues to the peers and what faults do to them; [`peers`]: the streams.
//! - [`aws`]: the typed AWS services; [`calls`]: calls with bodies; [`signature`]: who asks.
//! - [`incoming`] and [`intake`]: what gRPC's clients may take.
//! - [`control`]: the operator, and what it hears (`heard`). [`serve`]: all of them on one port. [`process`]: the process.
//!
//! No determinism is promised here; it is the same Region code as in a simulation.

pub mod actor;
mod aws;
pub mod bodies;
pub mod calls;
pub mod clock;
pub mod control;
pub mod dial;
pub mod handle;
mod heard;
mod incoming;
mod intake;
mod links;
mod peers;
pub mod process;
mod serve;
pub mod signature;
pub mod start;
mod waiting;

#[cfg(test)]
mod tests;

pub use bodies::{AnswerBody, Upload};
pub use clock::LiveClock;
pub use handle::{Answer, Gone, Handle, NewCall, Opened, Success};
pub use process::LiveConfig;
pub use start::LiveStart;
