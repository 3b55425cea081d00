//! `faultline mutants`: does each planted bug break a property of a campaign?
//!
//! Only a build with the feature `mutants` holds them. For each bug the campaigns of the folder
//! run until one of them fails; the failing run is made small, and must pass again when the bug
//! is gone. What is printed is the table of `docs/chaos.md`.

#[cfg(feature = "mutants")]
mod hunt;

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "mutants")]
pub use hunt::{mutants, plant_named};

#[cfg(not(feature = "mutants"))]
use super::say;
#[cfg(not(feature = "mutants"))]
use crate::exit::Exit;

/// Plant each known bug and see which property catches it.
#[derive(Debug, Args)]
pub struct MutantsArgs {
    /// Folder of campaign files.
    #[arg(default_value = "scenarios/campaigns")]
    campaigns: PathBuf,
    /// Seeds of each campaign, at most.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// Only bugs with one of these words in their names.
    #[arg(long, value_name = "WORD")]
    only: Vec<String>,
    /// Only campaigns with one of these words in their names.
    #[arg(long, value_name = "WORD")]
    campaign: Vec<String>,
}

/// Says that this build has none.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub fn mutants(_: &MutantsArgs) -> Exit {
    say("this build holds no planted bugs: cargo run --release --features mutants -- mutants");
    Exit::Usage
}
