//! The shell around a Region: everything that does IO.
//!
//! - [`config`]: what a node is told.
//! - [`node`]: a node as a process ([`run`]) or inside another one ([`embedded`]).
//! - [`actor`]: the one task that owns the Region.
//! - [`live`]: a node on the wall clock, which nobody drives.
//! - [`gateway`]: AWS's own wire, for unmodified clients.
//! - [`rpc`]: what is served over gRPC.
//! - [`store`]: the Region's rows on disk, over sled.
//! - [`tls`]: certificates, and who is at the other end.

pub mod actor;
pub mod config;
#[cfg(test)]
mod dice;
pub mod gateway;
mod line;
pub mod live;
pub mod node;
pub mod rpc;
pub mod store;
pub mod tls;

pub use config::{NodeConfig, StoreChoice};
pub use node::{EmbeddedNode, Ended, NodeError, embedded, run};
