//! Nodes in this process, reached over gRPC through memory, with
//! real stores on disk. A kill between two steps is a stop here: every committed step has
//! been flushed, so there is nothing that a kill could lose.

use std::path::Path;

use faultline_node::{EmbeddedNode, Ended, NodeConfig, StoreChoice, embedded};
use faultline_proto::names::RegionName;
use tonic::transport::Channel;

use super::grpc::Launcher;

/// See the module.
pub(super) struct Embedded;

impl Launcher for Embedded {
    type Node = EmbeddedNode;

    async fn launch(
        &mut self,
        region: &RegionName,
        folder: &Path,
    ) -> Result<(EmbeddedNode, Channel), String> {
        let config = NodeConfig::new(region.clone(), StoreChoice::Folder(folder.to_owned()));
        let node = embedded(config).await.map_err(|error| error.to_string())?;
        let channel = node.channel();
        Ok((node, channel))
    }

    async fn wait(&mut self, node: EmbeddedNode) -> Result<(), String> {
        match node.ended().await {
            Ok(Ended::Crashed { .. }) => Ok(()),
            Ok(Ended::Stopped) => Err("its node stopped where it should have crashed".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn kill(&mut self, node: EmbeddedNode) -> Result<(), String> {
        self.stop(node).await
    }

    async fn stop(&mut self, node: EmbeddedNode) -> Result<(), String> {
        node.stop()
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}
