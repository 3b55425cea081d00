//! Nodes as processes of their own: this program again, as `faultline node`.
//!
//! No orphan stays behind: a node ends when its standard input closes, which the kernel
//! does when this process ends, however it ends. Nodes have process groups of their own, so
//! that Ctrl-C reaches this process alone and it can finish its step.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use faultline_proto::names::RegionName;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use super::grpc::Launcher;

/// How long a node may take to come up or to go.
const PATIENCE: Duration = Duration::from_secs(20);
/// Window of a stream: a step's body chunk must never wait for it.
const WINDOW: u32 = 4 << 20;

/// Launches `program node` for each Region.
pub(super) struct Processes {
    /// The program: this one.
    pub program: PathBuf,
}

/// A node's process, and where its standard error goes.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// What the node said last, for an error message.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }

    /// The problem, and what the node said of it.
    fn explain(&self, problem: &str) -> String {
        match self.last_words() {
            words if words.is_empty() => problem.to_owned(),
            words => format!("{problem}; it said: {words}"),
        }
    }
}

impl Launcher for Processes {
    type Node = Process;

    async fn launch(
        &mut self,
        region: &RegionName,
        folder: &Path,
    ) -> Result<(Process, Channel), String> {
        let log = folder.with_extension("log");
        let told = |what: &str, error: std::io::Error| format!("{what}: {error}");
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent).map_err(|it| told("its folder cannot be made", it))?;
        }
        let errors =
            std::fs::File::create(&log).map_err(|it| told("its log cannot be written", it))?;
        let child = Command::new(&self.program)
            .arg("node")
            .args(["--region", region.as_str()])
            .arg("--store")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|it| told(&format!("{} cannot be started", self.program.display()), it))?;
        let mut process = Process { child, log };
        let address = match timeout(PATIENCE, address(&mut process.child)).await {
            Ok(Some(address)) => address,
            Ok(None) => return Err(process.explain("its node did not come up")),
            Err(_) => return Err(process.explain("its node did not come up in time")),
        };
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| error.to_string())?;
        let endpoint = endpoint
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        let channel = endpoint.tcp_nodelay(true).connect().await;
        let channel = channel
            .map_err(|error| process.explain(&format!("its node cannot be reached: {error}")))?;
        Ok((process, channel))
    }

    async fn wait(&mut self, mut node: Process) -> Result<(), String> {
        match timeout(PATIENCE, node.child.wait()).await {
            Ok(Ok(status)) if !status.success() => Ok(()),
            Ok(Ok(_)) => {
                Err("its node ended in good order where it should have crashed".to_owned())
            }
            Ok(Err(error)) => Err(format!("nobody knows whether its node died: {error}")),
            Err(_) => Err("its node did not die in time".to_owned()),
        }
    }

    async fn kill(&mut self, mut node: Process) -> Result<(), String> {
        node.child
            .kill()
            .await
            .map_err(|error| format!("its node cannot be killed: {error}"))
    }

    async fn stop(&mut self, mut node: Process) -> Result<(), String> {
        drop(node.child.stdin.take());
        match timeout(PATIENCE, node.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(node.explain(&format!("its node ended badly ({status})"))),
            Ok(Err(error)) => Err(format!("nobody knows whether its node ended: {error}")),
            Err(_) => {
                // It is killed when `node` is dropped.
                Err(node.explain("its node did not stop in time and was killed"))
            }
        }
    }
}

/// The address that a node prints when it is ready.
async fn address(child: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let line = lines.next_line().await.ok()??;
    line.strip_prefix("listening ").map(str::to_owned)
}
