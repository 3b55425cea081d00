//! Regions behind gRPC: one stream of steps and one of replies for each.
//!
//! The simulator waits for each reply, so a current-thread runtime that runs only while it
//! waits is all there is: no task of ours goes on beside the loop, and no order depends on
//! a scheduler. How a node is launched and ended is its [`Launcher`]'s matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use faultline_node::config::MAX_MESSAGE;
use faultline_node::store::{SledStore, StoreOptions};
use faultline_proto::driving::region_client::RegionClient;
use faultline_proto::driving::{Crash, Reply, Step};
use faultline_proto::names::RegionName;
use faultline_region::store::{Store, own};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::{StepError, Transport, TransportError};

/// Steps that may be under way; the simulator has one at a time.
const AHEAD: usize = 4;

/// How nodes of one kind are launched and ended.
pub(super) trait Launcher {
    /// A running node.
    type Node;

    /// Launches the node of a Region over the store in `folder`, and reaches it.
    async fn launch(
        &mut self,
        region: &RegionName,
        folder: &Path,
    ) -> Result<(Self::Node, Channel), String>;

    /// Waits for a node that dies because a step said so.
    async fn wait(&mut self, node: Self::Node) -> Result<(), String>;

    /// Ends a node as SIGKILL does.
    async fn kill(&mut self, node: Self::Node) -> Result<(), String>;

    /// Ends a node in good order.
    async fn stop(&mut self, node: Self::Node) -> Result<(), String>;
}

/// A node and the stream that drives it.
pub(super) struct Driven<N> {
    pub node: N,
    pub steps: mpsc::Sender<Step>,
    pub replies: Streaming<Reply>,
}

/// See the module.
pub(super) struct Grpc<L: Launcher> {
    launcher: L,
    folder: PathBuf,
    // Dropped before the runtime, whose reactor their sockets need.
    nodes: BTreeMap<RegionName, Driven<L::Node>>,
    runtime: Runtime,
}

impl<L: Launcher> Grpc<L> {
    /// Nodes whose stores lie in `folder`, one folder a Region.
    pub fn new(launcher: L, folder: PathBuf) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            launcher,
            folder,
            nodes: BTreeMap::new(),
            runtime,
        })
    }

    fn store(&self, region: &RegionName) -> PathBuf {
        self.folder.join(region.as_str())
    }
}

pub(super) async fn drive(
    channel: Channel,
) -> Result<(mpsc::Sender<Step>, Streaming<Reply>), Status> {
    let (steps, sent) = mpsc::channel(AHEAD);
    let mut client = RegionClient::new(channel)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let replies = client
        .drive(tokio_stream::wrappers::ReceiverStream::new(sent))
        .await?;
    Ok((steps, replies.into_inner()))
}

/// Sends a step and waits; `None` when the stream ended instead.
pub(super) async fn exchange<N>(
    driven: &mut Driven<N>,
    step: Step,
) -> Result<Option<Reply>, Status> {
    if driven.steps.send(step).await.is_err() {
        return Ok(None);
    }
    driven.replies.message().await
}

impl<L: Launcher> Transport for Grpc<L> {
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let fail = |problem: String| TransportError::new(region, problem);
        if self.nodes.contains_key(region) {
            return Err(fail("its node is already running".to_owned()));
        }
        let folder = self.store(region);
        let launcher = &mut self.launcher;
        let driven = self.runtime.block_on(async {
            let (node, channel) = launcher.launch(region, &folder).await?;
            let (steps, replies) = drive(channel)
                .await
                .map_err(|status| format!("its node cannot be driven: {}", status.message()))?;
            Ok(Driven {
                node,
                steps,
                replies,
            })
        });
        self.nodes.insert(region.clone(), driven.map_err(fail)?);
        Ok(())
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let fail = |problem: String| StepError::Broken(TransportError::new(region, problem));
        let crashes = step.crash() != Crash::None;
        let id = step.id;
        let driven = self
            .nodes
            .get_mut(region)
            .ok_or_else(|| fail("its node is not running".to_owned()))?;
        match self.runtime.block_on(exchange(driven, step)) {
            Ok(Some(reply)) if reply.step == id => Ok(reply),
            Ok(Some(reply)) => Err(fail(format!(
                "step {id} was answered as step {}",
                reply.step
            ))),
            _ if crashes => {
                if let Some(driven) = self.nodes.remove(region) {
                    self.runtime
                        .block_on(self.launcher.wait(driven.node))
                        .map_err(fail)?;
                }
                Err(StepError::Died(region.clone()))
            }
            Ok(None) => Err(fail(format!("its node went away in step {id}"))),
            Err(status) => Err(fail(format!("step {id} failed: {}", status.message()))),
        }
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let Some(driven) = self.nodes.remove(region) else {
            return Ok(());
        };
        self.runtime
            .block_on(self.launcher.kill(driven.node))
            .map_err(|it| TransportError::new(region, it))
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let Some(Driven {
            node,
            steps,
            replies,
        }) = self.nodes.remove(region)
        else {
            return Ok(());
        };
        drop((steps, replies));
        self.runtime
            .block_on(self.launcher.stop(node))
            .map_err(|it| TransportError::new(region, it))
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        let fail = |error: faultline_region::store::StoreError| {
            TransportError::new(region, error.to_string())
        };
        if self.nodes.contains_key(region) {
            return Err(TransportError::new(
                region,
                "its node is running: stop it first",
            ));
        }
        let store = SledStore::open(&StoreOptions::new(self.store(region), region.clone()))
            .map_err(fail)?;
        for row in store.raw() {
            let (key, value) = row.map_err(fail)?;
            // What a store on disk says about itself is no row of the Region's; Regions in
            // memory have none, and a count of rows stands in the journal.
            if !own::is_own(&key) {
                visit(&key, &value);
            }
        }
        Ok(())
    }
}
