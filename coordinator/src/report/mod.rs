//! Telling what happened. Every view is built from the journal's events and nothing else.
//!
//! - [`summary`]: the model that views share, built event by event.
//! - [`terminal`]: for people, with [`picture`]s of failures. [`transcript`]: the golden
//!   story of a run. [`moment`]: what happened around one time. [`setup`]: how the world
//!   was made.
//! - [`cost`]: what KMS would have billed.
//! - [`json`], [`junit`], [`github`], [`trace`]: for machines.
//! - [`html`]: one file for browsers.
//! - [`folder`]: where a run lies on disk.

pub mod cost;
pub mod folder;
pub mod github;
mod happened;
pub mod html;
pub mod json;
pub mod junit;
pub mod moment;
pub mod picture;
pub mod setup;
pub mod summary;
pub mod terminal;
pub mod trace;
pub mod transcript;

#[cfg(test)]
pub(crate) mod example;

pub use summary::{Summarizer, Summary};
