//! The client from outside: stories against a small AWS ([`client`], [`branch`]), laws
//! ([`laws`]), and items that the real library wrote ([`library`]).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod branch;
mod client;
mod intercept;
mod laws;
mod library;
mod world;
