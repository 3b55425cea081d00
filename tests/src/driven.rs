//! A node that is driven by hand over gRPC, and must answer in time.

use std::time::Duration;

use faultline_node::{EmbeddedNode, NodeConfig, StoreChoice, embedded};
use faultline_proto::driving::region_client::RegionClient;
use faultline_proto::driving::step::Input;
use faultline_proto::driving::{Account, Call, Credential, Reply, Start, Step, completed::Outcome};
use faultline_proto::names::RegionName;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Its Region.
pub const REGION: &str = "eu-west-1";
/// Access key of its account's root user.
pub const ROOT: &str = "AKIAROOT";

/// The input that starts it.
#[must_use]
pub fn start() -> Input {
    Input::Start(Start {
        region: REGION.to_owned(),
        regions: vec![REGION.to_owned(), "us-east-1".to_owned()],
        home: REGION.to_owned(),
        accounts: vec![Account {
            id: "111111111111".to_owned(),
            root_access_key: ROOT.to_owned(),
        }],
        seed: vec![7; 32],
        partition_secret: vec![8; 32],
        ..Start::default()
    })
}

/// A node and its driver.
pub struct Driven {
    /// The node.
    pub node: EmbeddedNode,
    steps: mpsc::Sender<Step>,
    replies: Streaming<Reply>,
    last: u64,
}

impl Driven {
    /// A started node over `store`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn new(store: StoreChoice) -> Self {
        let region = RegionName::new(REGION).expect("a Region");
        let config = NodeConfig::new(region, store);
        let node = embedded(config).await.expect("it starts");
        let (steps, replies) = drive(&node).await;
        let mut driven = Self {
            node,
            steps,
            replies,
            last: 0,
        };
        driven.step(start()).await.expect("it starts");
        driven
    }

    /// Another stream, after one that ended with a status.
    pub async fn again(&mut self) {
        (self.steps, self.replies) = drive(&self.node).await;
    }

    /// The next step, with this input.
    ///
    /// # Errors
    /// The status that ended the stream.
    pub async fn step(&mut self, input: Input) -> Result<Reply, Status> {
        self.last += 1;
        let step = Step {
            id: self.last,
            elapsed: self.last,
            wall: 1_700_000_000_000_000,
            input: Some(input),
            ..Step::default()
        };
        self.send(step).await
    }

    /// Sends a step as it is.
    ///
    /// # Errors
    /// The status that ended the stream, or that no answer came in time.
    ///
    /// # Panics
    /// When the stream had ended before.
    pub async fn send(&mut self, step: Step) -> Result<Reply, Status> {
        self.steps.send(step).await.expect("the stream is open");
        tokio::time::timeout(Duration::from_secs(20), self.replies.message())
            .await
            .map_err(|_| Status::deadline_exceeded("it hangs"))??
            .ok_or_else(|| Status::unavailable("the stream ended"))
    }

    /// A call as root, with the request as bytes.
    ///
    /// # Errors
    /// The status that ended the stream.
    pub async fn call(&mut self, operation: &str, request: &[u8]) -> Result<Reply, Status> {
        let call = Call {
            id: format!("call-{}", self.last),
            credential: Some(Credential {
                access_key: ROOT.to_owned(),
                session_token: String::new(),
            }),
            operation: operation.to_owned(),
            request: request.to_vec(),
            ..Call::default()
        };
        self.step(Input::Call(call)).await
    }

    /// Whether the node still does its work.
    pub async fn works(&mut self) -> bool {
        let reply = self.call("sts.GetCallerIdentity", &[]).await;
        reply.is_ok_and(|reply| matches!(outcome(&reply), Some(Outcome::Success(_))))
    }
}

/// How the first call of a reply ended.
#[must_use]
pub fn outcome(reply: &Reply) -> Option<&Outcome> {
    reply.completed.first()?.outcome.as_ref()
}

async fn drive(node: &EmbeddedNode) -> (mpsc::Sender<Step>, Streaming<Reply>) {
    let (steps, queue) = mpsc::channel(8);
    let mut client = RegionClient::new(node.channel())
        .max_encoding_message_size(usize::MAX)
        .max_decoding_message_size(usize::MAX);
    let replies = client.drive(ReceiverStream::new(queue)).await;
    (steps, replies.expect("it can be driven").into_inner())
}
