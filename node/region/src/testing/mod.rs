//! A few Regions, a network driven by hand and a clock that moves when told: how services test.
//!
//! ```ignore
//! let mut world = World::new(&["us-east-1", "eu-west-1"]);
//! let ann = world.user(ACCOUNT, "ann", r#"{"Version":"2012-10-17","Statement":[...]}"#);
//! let key = world.call("eu-west-1", &ann, &CreateKeyRequest::default()).unwrap();
//! world.cut("us-east-1", "eu-west-1");
//! world.advance(60);
//! ```
//!
//! - [`World`]: Regions over memory stores, steps, time. [`calls`]: calls and bodies.
//! - `lifecycle`: crashes, restarts, restored copies. `inspection`: looks and plants.
//! - [`network`]: what is in flight, and what a test does to it.
//! - [`people`]: users, roles and sessions in one line.
//!
//! Messages take no time; a call delivers only what it waits for, [`World::settle`] all, and
//! [`World::advance`] lets timers run and delivers as it goes. The coordinator's network model,
//! real latencies and the journal are left out on purpose: this is for one service's rules.

pub mod calls;
mod inspection;
mod lifecycle;
pub mod network;
pub mod people;
#[cfg(test)]
mod tests;
mod world;

pub use calls::CallId;
pub use faultline_proto::driving::{AuditEvent, Crash, Credential, Failure, Fault, Note};
pub use network::Network;
pub use world::{ACCOUNT, EPOCH, PARTNER, World};
