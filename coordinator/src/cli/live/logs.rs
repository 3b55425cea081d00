//! `faultline logs`: what the nodes said.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use clap::Args;
use faultline_proto::names::RegionName;

use super::Where;
use crate::cli::out;
use crate::exit::Exit;
use crate::live::logs;

/// Show what the nodes of a live world wrote to their logs.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Only these Regions.
    regions: Vec<RegionName>,
    /// Go on showing what comes.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    place: Where,
}

/// Shows.
#[must_use]
pub fn logs(args: &LogsArgs) -> Exit {
    super::block_on(async {
        let folder = args.place.folder();
        let saved = folder.world()?;
        for region in &args.regions {
            saved.region(region)?;
        }
        let mut files: Vec<(RegionName, u64)> = saved
            .regions
            .iter()
            .map(|node| node.region.clone())
            .filter(|region| args.regions.is_empty() || args.regions.contains(region))
            .map(|region| (region, 0))
            .collect();
        for (region, _) in &files {
            let before = logs::older(&folder.of(region).join("log.txt"));
            for line in std::fs::read_to_string(before).unwrap_or_default().lines() {
                out(&format!("{region} | {line}\n"));
            }
        }
        loop {
            for (region, at) in &mut files {
                let path = folder.of(region).join("log.txt");
                let Ok(mut file) = std::fs::File::open(&path) else {
                    continue;
                };
                // A log that was put aside begins anew.
                if file.metadata().is_ok_and(|it| it.len() < *at) {
                    *at = 0;
                }
                let mut text = String::new();
                let read = file
                    .seek(SeekFrom::Start(*at))
                    .and_then(|_| file.read_to_string(&mut text));
                *at += read.map_err(|error| format!("{}: {error}", path.display()))? as u64;
                for line in text.lines() {
                    out(&format!("{region} | {line}\n"));
                }
            }
            if !args.follow {
                return Ok(Exit::Passed);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
}
