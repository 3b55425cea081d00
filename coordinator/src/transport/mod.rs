//! How steps reach Regions.
//!
//! A [`Transport`] starts, drives, stops and kills the Regions of one run; time, order and
//! the network are the simulator's. All transports carry the same [`Step`]s and bring the
//! same [`Reply`]s, so a run's journal is the same over each of them.
//!
//! - `loopback`: Regions in this process over stores in memory: campaigns.
//! - `grpc`: real nodes over gRPC, each with its own store on disk: `embedded` in this
//!   process, or `processes` of their own.
//! - [`victim`]: one such process, killed while it works: not for runs, whose order it breaks.
//! - `scripted`: no Region at all but a closure, for the simulator's own tests.

mod embedded;
mod grpc;
pub mod loopback;
mod processes;
#[cfg(test)]
pub mod scripted;
#[cfg(test)]
mod tests;
pub mod victim;

use std::path::{Path, PathBuf};

use faultline_proto::driving::{Reply, Step};
use faultline_proto::names::RegionName;

use crate::clock::SimTime;
use crate::network::condition::Condition;

pub use loopback::{Loopback, Stores};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The Region's process died in this step, because the step said so.
    #[error("the node of {0} died")]
    Died(RegionName),
    /// The machinery failed; the run cannot go on.
    #[error(transparent)]
    Broken(#[from] TransportError),
}

/// The machinery failed: a port, a disk, a process, or a bug in a node.
#[derive(Debug, thiserror::Error)]
#[error("{region}: {problem}")]
pub struct TransportError {
    /// Whose machinery.
    pub region: RegionName,
    /// What happened, and what to do where that is known.
    pub problem: String,
}

impl TransportError {
    /// Something went wrong with `region`.
    pub fn new(region: &RegionName, problem: impl Into<String>) -> Self {
        Self {
            region: region.clone(),
            problem: problem.into(),
        }
    }
}

/// Starts, drives, stops and kills Regions.
pub trait Transport {
    /// Starts the Region's process over its store, new or used. Its first step is a Start.
    ///
    /// # Errors
    /// When it does not come up.
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError>;

    /// Takes one step and waits for its reply.
    ///
    /// # Errors
    /// [`StepError::Died`] when the step said that the node crashes; else the machinery failed.
    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError>;

    /// The network is like this from now on: for Regions whose messages go their own way.
    ///
    /// # Errors
    /// When a Region cannot be told.
    fn network(&mut self, now: SimTime, conditions: &[Condition]) -> Result<(), TransportError> {
        let _ = (now, conditions);
        Ok(())
    }

    /// Ends the Region's process as SIGKILL does. Nothing happens when it is dead.
    ///
    /// # Errors
    /// When it cannot be ended.
    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError>;

    /// Ends the Region's process in good order. Nothing happens when it is dead.
    ///
    /// # Errors
    /// When it does not end.
    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError>;

    /// Copies of the Regions' stores, all of which have stopped; `None` where that is not cheap.
    fn stores(&self) -> Option<Stores> {
        None
    }

    /// Shows every row that the Region's store holds at rest, key and value as stored. The
    /// process must be dead: two cannot have one store open.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError>;
}

/// Real nodes in this process, over gRPC, with stores in `folder`.
///
/// # Errors
/// When the system has no thread or descriptor left.
pub fn embedded(folder: &Path) -> std::io::Result<Box<dyn Transport>> {
    Ok(Box::new(grpc::Grpc::new(
        embedded::Embedded,
        folder.to_owned(),
    )?))
}

/// Real nodes, each a process of `program` (this program), with stores in `folder`.
///
/// # Errors
/// When the system has no thread or descriptor left.
pub fn processes(program: PathBuf, folder: &Path) -> std::io::Result<Box<dyn Transport>> {
    Ok(Box::new(grpc::Grpc::new(
        processes::Processes { program },
        folder.to_owned(),
    )?))
}
