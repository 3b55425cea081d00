//! The client from outside: stories against a small AWS ([`client`], [`branch`]) and laws ([`laws`]).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod branch;
mod client;
mod laws;
mod world;
