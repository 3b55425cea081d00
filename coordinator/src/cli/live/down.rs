//! `faultline down`: stops a live world.

use std::time::Duration;

use clap::Args;

use super::Where;
use crate::cli::say;
use crate::exit::Exit;

/// Stop a live world in good order. Its folder stays; `up` goes on with it.
#[derive(Debug, Args)]
pub struct DownArgs {
    #[command(flatten)]
    place: Where,
}

/// Asks, and waits until it is done.
#[must_use]
pub fn down(args: &DownArgs) -> Exit {
    super::block_on(async {
        say(down_in(&args.place).await?);
        Ok(Exit::Passed)
    })
}

/// Stops the world of a folder; what came of it in words.
pub(super) async fn down_in(place: &Where) -> Result<&'static str, String> {
    let folder = place.folder();
    folder.world()?;
    let Some(process) = folder.runs() else {
        drop(std::fs::remove_file(folder.join("running")));
        return Ok("nothing runs here");
    };
    folder.write("stop", "")?;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if folder.runs().is_none() {
            return Ok("the world is down");
        }
    }
    Err(format!(
        "process {process} does not stop; look at `faultline logs`"
    ))
}
