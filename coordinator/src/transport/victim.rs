//! A node's process over a real store that is killed while it works.
//!
//! Many steps are under way at once, so that the node commits them in groups, and SIGKILL comes
//! after a time on the wall clock: between two system calls, or in one. What was answered until
//! then is what the process has acknowledged.

use std::path::PathBuf;
use std::time::Duration;

use faultline_proto::driving::{Reply, Step};
use faultline_proto::names::RegionName;
use tokio::runtime::Runtime;

use super::TransportError;
use super::grpc::{Driven, Launcher, drive, exchange};
use super::processes::{Process, Processes};

/// See the module.
pub struct Victim {
    region: RegionName,
    folder: PathBuf,
    launcher: Processes,
    // Dropped before the runtime, whose reactor its sockets need.
    alive: Option<Driven<Process>>,
    runtime: Runtime,
}

impl std::fmt::Debug for Victim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Victim")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Victim {
    /// A node of `program` (this program) whose store lies in `folder`. It does not run yet.
    ///
    /// # Errors
    /// When the system has no thread or descriptor left.
    pub fn new(program: PathBuf, folder: PathBuf, region: RegionName) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            region,
            folder,
            launcher: Processes { program },
            alive: None,
            runtime,
        })
    }

    fn broken(&self, problem: impl Into<String>) -> TransportError {
        TransportError::new(&self.region, problem)
    }

    /// Starts the process over its store; the first step must be a Start.
    ///
    /// # Errors
    /// When it does not come up: for a store that a kill left, that is a finding.
    pub fn start(&mut self) -> Result<(), TransportError> {
        let (launcher, region, folder) = (&mut self.launcher, &self.region, &self.folder);
        let driven = self.runtime.block_on(async {
            let (node, channel) = launcher.launch(region, folder).await?;
            let (steps, replies) = drive(channel)
                .await
                .map_err(|status| format!("its node cannot be driven: {}", status.message()))?;
            Ok::<_, String>(Driven {
                node,
                steps,
                replies,
            })
        });
        self.alive = Some(driven.map_err(|problem| self.broken(problem))?);
        Ok(())
    }

    /// Takes one step.
    ///
    /// # Errors
    /// When the process does not run, or ends.
    pub fn step(&mut self, step: Step) -> Result<Reply, TransportError> {
        let id = step.id;
        let Some(driven) = self.alive.as_mut() else {
            return Err(self.broken("its node is not running"));
        };
        match self.runtime.block_on(exchange(driven, step)) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(self.broken(format!("its node went away in step {id}"))),
            Err(status) => Err(self.broken(format!("step {id} failed: {}", status.message()))),
        }
    }

    /// Sends `steps` as fast as the node takes them and kills it `after` a while, or when all are
    /// answered. Gives what was answered.
    ///
    /// # Errors
    /// When the process does not run, or cannot be killed.
    pub fn until_killed(
        &mut self,
        steps: Vec<Step>,
        after: Duration,
    ) -> Result<Vec<Reply>, TransportError> {
        let Some(driven) = self.alive.take() else {
            return Err(self.broken("its node is not running"));
        };
        let Driven {
            node,
            steps: sender,
            mut replies,
        } = driven;
        let launcher = &mut self.launcher;
        let wanted = steps.len();
        let ended = self.runtime.block_on(async move {
            let mut answered = Vec::with_capacity(wanted);
            let feed = async {
                for step in steps {
                    if sender.send(step).await.is_err() {
                        break;
                    }
                }
                std::future::pending::<()>().await;
            };
            let listen = async {
                while answered.len() < wanted {
                    match replies.message().await {
                        Ok(Some(reply)) => answered.push(reply),
                        Ok(None) | Err(_) => break,
                    }
                }
            };
            tokio::select! {
                () = tokio::time::sleep(after) => {}
                () = feed => {}
                () = listen => {}
            }
            launcher.kill(node).await?;
            // What it said before it died may still be on the way: it was acknowledged.
            while let Ok(Some(reply)) = replies.message().await {
                answered.push(reply);
            }
            Ok(answered)
        });
        ended.map_err(|problem: String| self.broken(problem))
    }

    /// Stops the process in good order.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<(), TransportError> {
        let Some(Driven {
            node,
            steps,
            replies,
        }) = self.alive.take()
        else {
            return Ok(());
        };
        drop((steps, replies));
        let stopped = self.runtime.block_on(self.launcher.stop(node));
        stopped.map_err(|problem| self.broken(problem))
    }
}
