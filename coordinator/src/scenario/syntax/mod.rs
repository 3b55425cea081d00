//! What was written: a scenario file by its parts, each with its place.
//!
//! The decoder knows which keys may stand where and what is a step; it knows no names,
//! no types and no values, those are checked against the tables afterwards. It never
//! stops at a problem: a part that cannot be read is reported and left out.
//!
//! - [`cursor`]: reading maps and lists, reporting what does not fit.
//! - [`file`]: the parts of a file.
//! - [`step`]: steps, their adverbs and their actions.

pub mod cursor;
pub mod file;
pub mod step;

use super::source::{Key, Node};

pub use file::{File, WorldPart};
pub use step::{Action, Adverbs, Call, Lane, Step};

/// A word and what belongs to it: a fault, an oracle, a variable.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The word.
    pub key: &'a Key,
    /// What belongs to it; `None` where the word stands alone.
    pub body: Option<&'a Node>,
}
