//! Labs in the console: task, editor, checks and map side by side.
//!
//! It is the learner's own folder and the same [`Desk`](crate::labs::desk::Desk) that
//! `faultline lab` works at: the page shows what it says, and does nothing by itself. A file that
//! is saved here and one that is saved in the learner's own editor are the same event, and both
//! are judged.
//!
//! For a class the same page has large type, a step at a time, and no solution anywhere: not
//! even in what is sent.
//!
//! - [`room`]: one lab that is open. [`house`]: all of them. [`routes`]: what the page asks.

pub mod house;
pub mod room;
pub mod routes;
#[cfg(test)]
mod tests;
