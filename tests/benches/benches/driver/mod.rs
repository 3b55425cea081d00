//! Drives one Region by hand, in the three ways that are compared.

use faultline_node::store::Shelf;
use faultline_node::{EmbeddedNode, NodeConfig, StoreChoice, embedded};
use faultline_proto::driving::region_client::RegionClient;
use faultline_proto::driving::{Account, Call, Credential, Reply, Start, Step, completed, step};
use faultline_proto::kms;
use faultline_proto::names::RegionName;
use faultline_region::region::Region;
use faultline_region::store::MemoryStore;
use prost::Message as _;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111111111111";
const ROOT: &str = "AKIAROOT000000000001";

/// One way to step a Region.
pub trait Steps {
    /// Takes a step.
    fn step(&mut self, step: Step) -> Reply;
}

/// A Region in this process.
pub struct InProcess(Region<MemoryStore>);

impl InProcess {
    /// Over a memory store.
    pub fn new() -> Self {
        Self(Region::new(MemoryStore::default()))
    }
}

impl Steps for InProcess {
    fn step(&mut self, step: Step) -> Reply {
        self.0.step(step).expect("the Region lives")
    }
}

/// A node behind gRPC, in this process.
pub struct Embedded {
    runtime: Runtime,
    steps: mpsc::Sender<Step>,
    replies: tonic::Streaming<Reply>,
    _node: EmbeddedNode,
    _folder: Option<tempfile::TempDir>,
}

impl Embedded {
    /// Over a memory store.
    pub fn memory() -> Self {
        Self::new(StoreChoice::Memory(Shelf::default()), None)
    }

    /// Over sled: every step is flushed before it is answered.
    pub fn sled() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::new(
            StoreChoice::Folder(folder.path().join("store")),
            Some(folder),
        )
    }

    fn new(store: StoreChoice, folder: Option<tempfile::TempDir>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let region = RegionName::new(REGION).expect("a Region name");
        let (steps, inbox) = mpsc::channel(64);
        let (node, replies) = runtime.block_on(async {
            let node = embedded(NodeConfig::new(region, store))
                .await
                .expect("the node starts");
            let mut client = RegionClient::new(node.channel());
            let replies = client
                .drive(ReceiverStream::new(inbox))
                .await
                .expect("it drives")
                .into_inner();
            (node, replies)
        });
        Self {
            runtime,
            steps,
            replies,
            _node: node,
            _folder: folder,
        }
    }
}

impl Steps for Embedded {
    fn step(&mut self, step: Step) -> Reply {
        let (steps, replies) = (&self.steps, &mut self.replies);
        self.runtime.block_on(async {
            steps.send(step).await.expect("the node listens");
            replies
                .message()
                .await
                .expect("the stream lives")
                .expect("a reply")
        })
    }
}

/// Counts steps and makes calls as root.
pub struct Driver<D> {
    regions: D,
    next: u64,
}

impl<D: Steps> Driver<D> {
    /// Starts the Region.
    pub fn new(regions: D) -> Self {
        let mut driver = Self { regions, next: 0 };
        driver.take(step::Input::Start(Start {
            region: REGION.to_owned(),
            regions: vec![REGION.to_owned()],
            home: REGION.to_owned(),
            accounts: vec![Account {
                id: ACCOUNT.to_owned(),
                root_access_key: ROOT.to_owned(),
            }],
            seed: vec![7; 32],
            partition_secret: vec![9; 32],
            ..Start::default()
        }));
        driver
    }

    fn take(&mut self, input: step::Input) -> Reply {
        self.next += 1;
        let wall = 1_767_225_600_000_000 + i64::try_from(self.next).expect("few steps");
        self.regions.step(Step {
            id: self.next,
            elapsed: self.next,
            wall,
            input: Some(input),
            ..Step::default()
        })
    }

    /// Makes a call and gives its answer.
    pub fn call(&mut self, operation: &str, request: &[u8]) -> Vec<u8> {
        let reply = self.take(step::Input::Call(Call {
            id: format!("c{}", self.next),
            credential: Some(Credential {
                access_key: ROOT.to_owned(),
                session_token: String::new(),
            }),
            operation: operation.to_owned(),
            request: request.to_vec(),
            ..Call::default()
        }));
        match reply
            .completed
            .into_iter()
            .next()
            .and_then(|completed| completed.outcome)
        {
            Some(completed::Outcome::Success(success)) => success.response,
            other => panic!("{operation}: {other:?}"),
        }
    }

    /// A Decrypt request for `length` bytes under a new key.
    pub fn decrypt_of(&mut self, length: usize) -> Vec<u8> {
        let made = self.call(
            "kms.CreateKey",
            &kms::CreateKeyRequest::default().encode_to_vec(),
        );
        let made = kms::CreateKeyResponse::decode(made.as_slice()).expect("an answer");
        let encrypt = kms::EncryptRequest {
            key_id: made.key_metadata.and_then(|metadata| metadata.key_id),
            plaintext: Some(vec![5; length]),
            ..kms::EncryptRequest::default()
        };
        let sealed = self.call("kms.Encrypt", &encrypt.encode_to_vec());
        let sealed = kms::EncryptResponse::decode(sealed.as_slice()).expect("an answer");
        kms::DecryptRequest {
            ciphertext_blob: sealed.ciphertext_blob,
            ..kms::DecryptRequest::default()
        }
        .encode_to_vec()
    }
}
