//! The console: a scenario in a browser, where a click breaks something.
//!
//! Nothing runs while somebody looks. A run is determined by its file and seed and takes
//! milliseconds, so the page has all of it and plays it back at any speed, forwards and
//! backwards. A click is a fault with a beginning and an end: it becomes a lane beside the
//! file's steps ([`acts`]), the whole is run again, and everything before the click is as it
//! was. So whatever was done is a scenario at any time, and can be saved as one.
//!
//! - [`stage`]: the file, what was done to it, and its latest run. [`view`]: a run as the page
//!   reads it. [`runs`]: what the page asks. [`server`]: who may ask.
//!
//! - [`dial`]: a workload beside the file's own. [`live`]: the same over live nodes, where nothing
//!   is played and nothing can be taken back, only healed. [`labs`]: lessons, with the same viewer.

pub mod acts;
pub mod dial;
pub mod labs;
pub mod live;
pub mod runs;
pub mod server;
pub mod stage;
#[cfg(test)]
mod tests;
pub mod view;
