//! `faultline doctor`: whether this machine can run what the program needs.

use clap::Args;

use super::out;
use crate::clock::Span;
use crate::exit::Exit;
use crate::journal::Journal;
use crate::seed::RunSeed;
use crate::sim::{Sim, SimConfig};
use crate::transport::{self, Loopback, Transport};
use faultline_proto::driving::Settings;
use faultline_proto::names::RegionName;

/// Check whether this machine can run nodes: memory, gRPC, processes, stores.
#[derive(Debug, Args)]
pub struct DoctorArgs {}

/// One check: what it is, and whether it went well.
type Check = (&'static str, fn() -> Result<String, String>);

/// Checks, and says what to do.
#[must_use]
pub fn doctor(_: &DoctorArgs) -> Exit {
    let checks: [Check; 4] = [
        ("a temporary folder can be written", folder),
        ("Regions run in memory", in_memory),
        (
            "nodes run in this process over gRPC, with stores on disk",
            embedded,
        ),
        ("nodes run as processes of their own", processes),
    ];
    let mut exit = Exit::Passed;
    for (name, check) in checks {
        match check() {
            Ok(told) => out(&format!("ok    {name}{told}\n")),
            Err(problem) => {
                out(&format!("FAIL  {name}: {problem}\n"));
                exit = Exit::Environment;
            }
        }
    }
    exit
}

fn folder() -> Result<String, String> {
    let folder = tempfile::tempdir()
        .map_err(|error| format!("{error}; set TMPDIR to a folder with room"))?;
    Ok(format!(
        " ({})",
        folder.path().parent().unwrap_or(folder.path()).display()
    ))
}

fn in_memory() -> Result<String, String> {
    try_out(Box::new(Loopback::new()))
}

fn embedded() -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    try_out(transport::embedded(folder.path()).map_err(|error| error.to_string())?)
}

fn processes() -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let program = std::env::current_exe()
        .map_err(|error| format!("this program cannot find itself: {error}"))?;
    try_out(transport::processes(program, folder.path()).map_err(|error| error.to_string())?)
}

/// Two Regions for a virtual minute.
fn try_out(transport: Box<dyn Transport>) -> Result<String, String> {
    let region = |text: &str| RegionName::new(text).map_err(|error| error.to_string());
    let home = region("eu-west-1")?;
    let config = SimConfig {
        seed: RunSeed(1),
        world: RunSeed(1),
        regions: vec![home.clone(), region("us-east-1")?],
        home,
        links: std::collections::BTreeMap::new(),
        accounts: Vec::new(),
        settings: Settings::default(),
        budget: None,
    };
    let run = || {
        let sim = Sim::start(config, transport, Journal::new())?;
        sim.run(sim.sleep(Span::secs(60)))?;
        sim.stop_all()
    };
    run()
        .map(|()| String::new())
        .map_err(|error| error.to_string())
}
