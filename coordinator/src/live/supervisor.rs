//! One process a Region: started, watched, started again, stopped.
//!
//! Every node's standard input is a pipe that this process holds: however it ends (Ctrl-C, a
//! panic, SIGKILL), the kernel closes the pipe and the node stops in good order. Nodes have
//! process groups of their own, so that Ctrl-C reaches this process alone.
//!
//! A node that ends badly is started again, with pauses that grow; one that a fault holds
//! down stays down until the fault is healed. After a start a node is told the faults in force.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use faultline_proto::names::RegionName;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::beginning;
use super::certificates::{Authority, CA};
use super::client::{Access, LiveClient};
use super::folder::Folder;
use super::logs;
use super::saved::{Saved, SavedRegion};
use super::trouble;

/// How long a node may take to come up or to go.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often faults, deaths and wishes to stop are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Longest pause before a node that keeps dying is started again.
const LONGEST: Duration = Duration::from_secs(5);

/// The processes of a live world.
pub struct Supervisor {
    /// The program: this one.
    program: PathBuf,
    folder: Folder,
    saved: Saved,
    access: Access,
    nodes: BTreeMap<RegionName, Node>,
    /// What is in force, as the nodes were told.
    faults: Vec<trouble::Active>,
}

/// One Region's process.
#[derive(Default)]
struct Node {
    child: Option<Child>,
    deaths: u32,
}

impl Supervisor {
    /// A supervisor of a world whose nodes are not started yet.
    ///
    /// # Errors
    /// A sentence when the world's secret cannot be read, or certificates cannot be made.
    pub fn new(program: PathBuf, folder: &Folder, saved: &Saved) -> Result<Self, String> {
        certify(folder, saved)?;
        Ok(Self {
            program,
            folder: folder.clone(),
            saved: saved.clone(),
            access: folder.access(saved)?,
            nodes: BTreeMap::new(),
            faults: trouble::in_force(folder)?,
        })
    }

    /// Starts every node that no fault holds down, and waits until they are ready.
    ///
    /// # Errors
    /// A sentence for the first node that does not come up; the others are stopped.
    pub async fn start(&mut self) -> Result<(), String> {
        for node in &self.saved.regions {
            self.nodes.insert(node.region.clone(), Node::default());
        }
        for node in self.saved.regions.clone() {
            if !trouble::holds_down(&self.faults, &node.region) {
                self.launch(&node).await?;
            }
        }
        Ok(())
    }

    /// Starts one node, and waits until it is ready.
    ///
    /// # Errors
    /// A sentence when it does not come up.
    pub async fn launch_one(&mut self, region: &RegionName) -> Result<(), String> {
        let node = self.saved.region(region)?.clone();
        self.nodes.entry(region.clone()).or_default();
        self.launch(&node).await
    }

    /// Ends one node as SIGKILL does.
    pub async fn kill_one(&mut self, region: &RegionName) {
        let child = self.nodes.get_mut(region).and_then(|it| it.child.take());
        if let Some(mut child) = child {
            drop(child.kill().await);
        }
    }

    /// Ends one node in good order.
    ///
    /// # Errors
    /// A sentence when it does not end, or not well.
    pub async fn stop_one(&mut self, region: &RegionName) -> Result<(), String> {
        let child = self.nodes.get_mut(region).and_then(|it| it.child.take());
        let Some(mut child) = child else {
            return Ok(());
        };
        drop(child.stdin.take());
        match timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("{region}: its node ended badly ({status})")),
            Ok(Err(error)) => Err(format!(
                "{region}: nobody knows whether its node ended: {error}"
            )),
            Err(_) => {
                drop(child.kill().await);
                Err(format!(
                    "{region}: its node did not stop in time and was killed"
                ))
            }
        }
    }

    /// Stops and starts the nodes of `restart` faults; with that they are over.
    async fn restart(&mut self) {
        let (over, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|fault| fault.kind == "restart");
        self.faults = left;
        for fault in &over {
            let named = fault.arguments.get("in").map(RegionName::new);
            let Some(Ok(region)) = named else { continue };
            if !trouble::holds_down(&self.faults, &region) {
                let done = self.stop_one(&region).await;
                if let Err(problem) = done.and(self.launch_one(&region).await) {
                    crate::cli::say(&problem);
                }
            }
        }
        if !over.is_empty()
            && let Err(problem) = trouble::keep(&self.folder, &self.faults)
        {
            crate::cli::say(&problem);
        }
    }

    async fn launch(&mut self, node: &SavedRegion) -> Result<(), String> {
        let region = &node.region;
        let folder = self.folder.of(region);
        let told = |error: std::io::Error| format!("{region}: {error}");
        std::fs::create_dir_all(&folder).map_err(told)?;
        super::folder::secret(&folder.join("root.key"), true)?;
        let log = folder.join("log.txt");
        let mut open = std::fs::OpenOptions::new();
        let errors = open.create(true).append(true).open(&log).map_err(told)?;
        let mut command = Command::new(&self.program);
        command.args(["node", "--live", "--region", region.as_str()]);
        command.args(["--home", self.saved.home.as_str()]);
        command.arg("--store").arg(folder.join("store"));
        command.arg("--root-key").arg(folder.join("root.key"));
        command
            .arg("--partition-key")
            .arg(self.folder.join("partition.key"));
        command.args([
            "--grpc",
            &node.grpc.to_string(),
            "--aws",
            &node.aws.to_string(),
        ]);
        let scheme = self.saved.scheme();
        for peer in self.saved.regions.iter().filter(|it| it.region != *region) {
            let peer = format!("{}={scheme}://{}", peer.region, peer.grpc);
            command.args(["--peer", &peer]);
        }
        if let Some(tls) = &self.saved.tls {
            command.arg("--tls-ca").arg(self.folder.join(CA));
            command.arg("--tls-cert").arg(folder.join("node.pem"));
            command.arg("--tls-key").arg(folder.join("node.key"));
            if let Some((cert, key)) = &tls.public {
                command.arg("--public-cert").arg(cert);
                command.arg("--public-key").arg(key);
            }
        }
        for account in self.saved.accounts() {
            command.args([
                "--account",
                &format!("{}={}", account.id, account.root_access_key),
            ]);
        }
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = child
            .map_err(|error| format!("{} cannot be started: {error}", self.program.display()))?;
        let ready = timeout(PATIENCE, ready(&mut child)).await.unwrap_or(false);
        if !ready {
            drop(child.stdin.take());
            drop(child.kill().await);
            return Err(format!(
                "the node of {region} did not come up; {}",
                last_words(&log)
            ));
        }
        if let Some(known) = self.nodes.get_mut(region) {
            known.child = Some(child);
        }
        if !self.faults.is_empty() {
            self.tell(node).await;
        }
        Ok(())
    }

    async fn tell(&self, node: &SavedRegion) {
        let regions: Vec<RegionName> = self
            .saved
            .regions
            .iter()
            .map(|it| it.region.clone())
            .collect();
        let trouble = trouble::for_node(&self.faults, &node.region, &regions);
        let client = LiveClient::new(node, &self.access);
        if let (Ok(trouble), Ok(client)) = (trouble, client)
            && let Err(status) = client.set_trouble(trouble).await
        {
            crate::cli::say(&format!(
                "{}: cannot be told its faults: {}",
                node.region,
                status.message()
            ));
        }
    }

    /// Brings the world back to its beginning: all stores, and no faults.
    async fn reset(&mut self) -> Result<(), String> {
        for node in std::mem::take(&mut self.nodes).into_values() {
            if let Some(mut child) = node.child {
                drop(child.kill().await);
            }
        }
        trouble::keep(&self.folder, &[])?;
        self.faults.clear();
        // Whatever goes wrong: nodes that are not there are started again by `watch`.
        let restored = beginning::restore(&self.folder, &self.saved);
        restored.and(self.start().await)
    }

    /// Watches until `stop` resolves, somebody asks the world to stop, or the operator has
    /// stopped every node. Whoever asks in between by `resets` gets a world as in its beginning.
    pub async fn watch(
        &mut self,
        stop: impl Future<Output = ()>,
        mut resets: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
    ) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some(done) = resets.recv() => {
                    let reset = self.reset().await;
                    if let Err(problem) = &reset {
                        crate::cli::say(&format!("the world was not reset: {problem}"));
                    }
                    drop(done.send(reset));
                }
                () = sleep(LOOK) => {}
            }
            if self.folder.join("stop").exists() {
                return;
            }
            if let Ok(faults) = trouble::in_force(&self.folder) {
                self.faults = faults;
                self.restart().await;
            }
            let mut alive = false;
            for node in self.saved.regions.clone() {
                alive |= self.look_after(&node).await;
            }
            if !alive {
                return;
            }
        }
    }

    /// Whether the node lives, or will.
    async fn look_after(&mut self, node: &SavedRegion) -> bool {
        let held = trouble::holds_down(&self.faults, &node.region);
        let log = self.folder.of(&node.region).join("log.txt");
        if let Err(error) = logs::shorten(&log, logs::LARGEST)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            crate::cli::say(&format!("{}: {error}", log.display()));
        }
        let Some(known) = self.nodes.get_mut(&node.region) else {
            return false;
        };
        let Some(child) = &mut known.child else {
            if held {
                return true;
            }
            return self.launch_again(node).await;
        };
        if held {
            // A crash is SIGKILL: no destructor runs, nothing is flushed.
            drop(child.kill().await);
            known.child = None;
            crate::cli::say(&format!(
                "{}: killed by node_crash; heal the fault to start it again",
                node.region
            ));
            return true;
        }
        match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) if status.success() => {
                // The operator stopped it, and it alone.
                self.nodes.remove(&node.region);
                false
            }
            Ok(Some(status)) => {
                known.child = None;
                known.deaths += 1;
                crate::cli::say(&format!(
                    "{}: its node ended ({status}) and is started again; {}",
                    node.region,
                    last_words(&log)
                ));
                true
            }
            Err(_) => true,
        }
    }

    async fn launch_again(&mut self, node: &SavedRegion) -> bool {
        let deaths = self.nodes.get(&node.region).map_or(0, |known| known.deaths);
        if deaths > 1 {
            let pause = Duration::from_millis(100).saturating_mul(1 << deaths.min(6));
            sleep(pause.min(LONGEST)).await;
        }
        if let Err(problem) = self.launch(node).await {
            crate::cli::say(&problem);
            if let Some(known) = self.nodes.get_mut(&node.region) {
                known.deaths += 1;
            }
        }
        true
    }

    /// Stops every node in good order; one that does not stop is killed, and named.
    pub async fn stop(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut going = Vec::new();
        for (region, mut node) in std::mem::take(&mut self.nodes) {
            if let Some(mut child) = node.child.take() {
                drop(child.stdin.take());
                going.push((region, child));
            }
        }
        for (region, mut child) in going {
            match timeout(PATIENCE, child.wait()).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(Ok(status)) => {
                    problems.push(format!("{region}: its node ended badly ({status})"))
                }
                Ok(Err(error)) => problems.push(format!(
                    "{region}: nobody knows whether its node ended: {error}"
                )),
                Err(_) => {
                    drop(child.kill().await);
                    problems.push(format!(
                        "{region}: its node did not stop in time and was killed"
                    ));
                }
            }
        }
        problems
    }
}

/// Makes the certificates of all nodes and of the front door, if the world speaks TLS.
fn certify(folder: &Folder, saved: &Saved) -> Result<(), String> {
    let Some(tls) = &saved.tls else {
        return Ok(());
    };
    let authority = Authority::of(folder.path())?;
    for node in &saved.regions {
        let addresses = [node.aws.ip(), node.grpc.ip()];
        authority.node(
            &folder.of(&node.region),
            &node.region,
            &addresses,
            &tls.names,
        )?;
    }
    let regions: Vec<RegionName> = saved.regions.iter().map(|it| it.region.clone()).collect();
    let addresses: Vec<_> = saved.front.iter().map(std::net::SocketAddr::ip).collect();
    authority.front(&folder.join("front"), &regions, &addresses, &tls.names)
}

/// Whether the node says that it is ready.
async fn ready(child: &mut Child) -> bool {
    let Some(out) = child.stdout.take() else {
        return false;
    };
    let mut lines = BufReader::new(out).lines();
    matches!(lines.next_line().await, Ok(Some(line)) if line.starts_with("ready "))
}

/// What a node said last.
fn last_words(log: &std::path::Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().rev().take(2).collect();
    lines.reverse();
    if lines.is_empty() {
        format!("it said nothing in {}", log.display())
    } else {
        format!("it said: {}", lines.join("; "))
    }
}
