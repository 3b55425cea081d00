//! Commands for live worlds: real processes that real clients talk to.
//!
//! - [`up`] makes a world and keeps its nodes; [`down`], [`status`], [`logs`].
//! - [`env`]: what a shell needs. [`call`]: one operation. [`fault`]: faults. [`soak`]: load and kills.
//! - [`certificates`]: TLS for nodes that are started one by one.

pub mod call;
pub mod certificates;
pub mod down;
pub mod env;
pub mod fault;
pub mod logs;
pub mod soak;
pub mod status;
pub mod up;
mod up_args;

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::live::folder::{Folder, USUAL};

/// Where the world is.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// Folder of the live world.
    #[arg(long, default_value = USUAL, env = "FAULTLINE_DIR")]
    dir: PathBuf,
}

impl Where {
    /// Its folder, whether it is there or not.
    pub(crate) fn folder(&self) -> Folder {
        Folder::new(&self.dir)
    }
}

/// Runs what waits for sockets, and tells what went wrong.
fn block_on(work: impl Future<Output = Result<Exit, String>>) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(error.to_string()),
    };
    done.unwrap_or_else(|problem| {
        super::say(&problem);
        Exit::Environment
    })
}

/// Splits `name=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not of the form name=value")),
    }
}
