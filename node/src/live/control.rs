//! The operator's side of a live node. Only who holds the partition's secret may use it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use faultline_proto::driving::control_server::Control;
use faultline_proto::driving::{
    HearRequest, Heard, Inspected, LinkTrouble, Look, NodeStatus, StatusRequest, StopRequest,
    Stopping, Trouble, TroubleSet,
};
use faultline_region::vault::derive;
use subtle::ConstantTimeEq as _;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::handle::Handle;
use super::links::Links;

/// Metadata that carries the operator's token.
pub const TOKEN: &str = "x-faultline-operator";

/// What the operator may look at: what there is, and nothing of its content.
const LOOKS: [&str; 4] = ["keys", "tables", "buckets", "replication"];

/// The operator's token of a world.
#[must_use]
pub fn token(partition_secret: &[u8]) -> String {
    hex::encode(derive(partition_secret, "operator", b""))
}

/// See the module.
pub(super) struct ControlService {
    pub handle: Handle,
    pub links: Links,
    pub token: String,
    pub trouble: Mutex<Trouble>,
    pub ready: Instant,
    pub ready_after: u64,
    pub stop: Arc<Notify>,
}

impl ControlService {
    fn operator<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let given = request.metadata().get(TOKEN);
        let given = given.map_or(&[][..], |value| value.as_encoded_bytes());
        if bool::from(given.ct_eq(self.token.as_bytes())) {
            return Ok(());
        }
        Err(Status::permission_denied(
            "only the operator may do this: the token is derived from the world's partition secret",
        ))
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl Control for ControlService {
    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<NodeStatus>, Status> {
        self.operator(&request)?;
        let clock = self.handle.clock();
        Ok(Response::new(NodeStatus {
            region: self.handle.region().to_string(),
            process: std::process::id(),
            up_for: u64::try_from(self.ready.elapsed().as_micros()).unwrap_or(u64::MAX),
            wall: clock.wall().0,
            skew: clock.skew(),
            calls: self.handle.calls(),
            peers: self.links.status(),
            trouble: Some(self.trouble().clone()),
            ready_after: self.ready_after,
        }))
    }

    async fn set_trouble(&self, request: Request<Trouble>) -> Result<Response<TroubleSet>, Status> {
        self.operator(&request)?;
        let trouble = request.into_inner();
        self.links.set_trouble(&trouble.links);
        self.handle.clock().set_skew(trouble.skew);
        // Cut off from all at once: the Region is down, for clients too.
        let down = |link: &LinkTrouble| link.peer.is_empty() && link.cut_in && link.cut_out;
        self.handle.set_down(trouble.links.iter().any(down));
        let set = self.handle.set_faults(trouble.faults.clone()).await;
        set.map_err(|gone| Status::unavailable(gone.to_string()))?;
        *self.trouble() = trouble;
        Ok(Response::new(TroubleSet {}))
    }

    async fn stop(&self, request: Request<StopRequest>) -> Result<Response<Stopping>, Status> {
        self.operator(&request)?;
        self.stop.notify_one();
        Ok(Response::new(Stopping {}))
    }

    async fn inspect(&self, request: Request<Look>) -> Result<Response<Inspected>, Status> {
        self.operator(&request)?;
        let look = request.into_inner();
        if !LOOKS.contains(&look.what.as_str()) {
            let told = format!("the operator may look at {}", LOOKS.join(", "));
            return Err(Status::invalid_argument(told));
        }
        let answer = self.handle.inspect(look).await;
        let answer = answer.map_err(|gone| Status::unavailable(gone.to_string()))?;
        Ok(Response::new(Inspected { answer }))
    }

    async fn hear(&self, request: Request<HearRequest>) -> Result<Response<Heard>, Status> {
        self.operator(&request)?;
        Ok(Response::new(self.handle.hear(request.into_inner().from)))
    }
}
