//! `faultline node`: one Region as a process, driven over gRPC.

use std::path::PathBuf;

use clap::Args;
use faultline_node::{NodeConfig, NodeError, StoreChoice};
use faultline_proto::names::RegionName;

use super::say;
use crate::exit::Exit;

/// Run one Region's node in this process, to be driven by a coordinator.
///
/// Prints `listening ADDRESS` when it is ready, and ends when its standard input closes.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// The Region, for example eu-west-1.
    #[arg(long)]
    region: RegionName,
    /// Folder of its store; made when it is not there.
    #[arg(long)]
    store: PathBuf,
    /// Go on when standard input closes.
    #[arg(long)]
    detached: bool,
}

/// Serves until it is over.
#[must_use]
pub fn node(args: &NodeArgs) -> Exit {
    let mut config = NodeConfig::new(args.region.clone(), StoreChoice::Folder(args.store.clone()));
    config.stop_when_stdin_closes = !args.detached;
    match faultline_node::run(&config) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            say(&format!("faultline node {}: {error}", args.region));
            if matches!(error, NodeError::Panicked) {
                Exit::Bug
            } else {
                Exit::Environment
            }
        }
    }
}
