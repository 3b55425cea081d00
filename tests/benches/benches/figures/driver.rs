//! Drives one Region by hand, in the ways that are compared.

use faultline_node::store::Shelf;
use faultline_node::{EmbeddedNode, NodeConfig, StoreChoice, embedded};
use faultline_proto::driving::region_client::RegionClient;
use faultline_proto::driving::{Account, Call, Credential, Reply, Start, Step, completed, step};
use faultline_proto::names::RegionName;
use faultline_proto::{Operation, dynamodb, kms};
use faultline_region::region::Region;
use faultline_region::store::MemoryStore;
use prost::Message as _;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111111111111";
const ROOT: &str = "AKIAROOT000000000001";
const TABLE: &str = "orders";
/// Steps that may be under way to a node.
const MOST_IN_FLIGHT: usize = 64;

/// One way to step a Region.
pub trait Steps {
    /// Takes the steps in order, so many of them under way at a time; replies come in order.
    fn take(
        &mut self,
        steps: &mut dyn Iterator<Item = Step>,
        in_flight: usize,
        reply: &mut dyn FnMut(Reply),
    );
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
    fn take(
        &mut self,
        steps: &mut dyn Iterator<Item = Step>,
        _in_flight: usize,
        reply: &mut dyn FnMut(Reply),
    ) {
        for step in steps {
            reply(self.0.step(step).expect("the Region lives"));
        }
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

    /// Over sled: no step is answered before it is flushed.
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
        let (steps, inbox) = mpsc::channel(MOST_IN_FLIGHT);
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
    fn take(
        &mut self,
        steps: &mut dyn Iterator<Item = Step>,
        in_flight: usize,
        reply: &mut dyn FnMut(Reply),
    ) {
        let (sender, replies) = (&self.steps, &mut self.replies);
        self.runtime.block_on(async {
            let mut flying = 0;
            loop {
                while flying < in_flight {
                    let Some(step) = steps.next() else { break };
                    sender.send(step).await.expect("the node listens");
                    flying += 1;
                }
                if flying == 0 {
                    return;
                }
                let next = replies.message().await.expect("the stream lives");
                reply(next.expect("a reply"));
                flying -= 1;
            }
        });
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
        let step = numbered(&mut self.next, input);
        let mut taken = None;
        self.regions
            .take(&mut std::iter::once(step), 1, &mut |reply| {
                taken = Some(reply)
            });
        taken.expect("a reply")
    }

    fn call<R: Operation>(&mut self, request: &R) -> R::Response {
        let reply = self.take(call_of(self.next, R::ID, request.encode_to_vec()));
        let answer = success(reply);
        R::Response::decode(answer.as_slice()).expect("an answer")
    }

    /// Makes `count` calls, so many of them under way at a time; each must succeed.
    pub fn calls(
        &mut self,
        operation: &'static str,
        request: &dyn Fn(u64) -> Vec<u8>,
        count: u64,
        in_flight: usize,
    ) {
        let next = &mut self.next;
        let mut steps = (0..count).map(|at| {
            let call = call_of(*next, operation, request(at));
            numbered(next, call)
        });
        self.regions.take(&mut steps, in_flight, &mut |reply| {
            success(reply);
        });
    }

    /// A new symmetric key; its id.
    pub fn key(&mut self) -> Option<String> {
        let made = self.call(&kms::CreateKeyRequest::default());
        made.key_metadata.and_then(|metadata| metadata.key_id)
    }

    /// A Decrypt request for `length` bytes under a new key.
    pub fn decrypt_of(&mut self, length: usize) -> Vec<u8> {
        let encrypt = self.encrypt(length);
        kms::DecryptRequest {
            ciphertext_blob: self.call(&encrypt).ciphertext_blob,
            ..kms::DecryptRequest::default()
        }
        .encode_to_vec()
    }

    fn encrypt(&mut self, length: usize) -> kms::EncryptRequest {
        kms::EncryptRequest {
            key_id: self.key(),
            plaintext: Some(vec![5; length]),
            ..kms::EncryptRequest::default()
        }
    }

    /// An Encrypt request for `length` bytes under a new key.
    pub fn encrypt_of(&mut self, length: usize) -> Vec<u8> {
        self.encrypt(length).encode_to_vec()
    }

    /// A GenerateDataKey request for 256 bits under a new key.
    pub fn data_key(&mut self) -> Vec<u8> {
        kms::GenerateDataKeyRequest {
            key_id: self.key(),
            key_spec: Some("AES_256".to_owned()),
            ..kms::GenerateDataKeyRequest::default()
        }
        .encode_to_vec()
    }

    /// A Sign request for `length` bytes under a new ECC_NIST_P256 key.
    pub fn sign_of(&mut self, length: usize) -> Vec<u8> {
        let made = self.call(&kms::CreateKeyRequest {
            key_spec: Some("ECC_NIST_P256".to_owned()),
            key_usage: Some("SIGN_VERIFY".to_owned()),
            ..kms::CreateKeyRequest::default()
        });
        kms::SignRequest {
            key_id: made.key_metadata.and_then(|metadata| metadata.key_id),
            message: Some(vec![5; length]),
            signing_algorithm: Some("ECDSA_SHA_256".to_owned()),
            ..kms::SignRequest::default()
        }
        .encode_to_vec()
    }

    /// Makes a table that is ready.
    pub fn table(&mut self) {
        self.table_by(&[("id", "HASH")]);
    }

    /// The same with a sort key.
    pub fn sorted_table(&mut self) {
        self.table_by(&[("id", "HASH"), ("at", "RANGE")]);
    }

    fn table_by(&mut self, keys: &[(&str, &str)]) {
        let name = |text: &str| Some(text.to_owned());
        let attributes = keys.iter().map(|(key, _)| dynamodb::AttributeDefinition {
            attribute_name: name(key),
            attribute_type: name("S"),
        });
        let schema = keys.iter().map(|(key, kind)| dynamodb::KeySchemaElement {
            attribute_name: name(key),
            key_type: name(kind),
        });
        self.call(&dynamodb::CreateTableRequest {
            table_name: name(TABLE),
            attribute_definitions: attributes.collect(),
            key_schema: schema.collect(),
            billing_mode: name("PAY_PER_REQUEST"),
            ..dynamodb::CreateTableRequest::default()
        });
        // Its creation takes time.
        self.next += 60_000_000;
        self.take(step::Input::Tick(faultline_proto::driving::Tick {}));
    }
}

fn text(text: String) -> dynamodb::AttributeValue {
    dynamodb::AttributeValue {
        value: Some(dynamodb::attribute_value::Value::S(text)),
    }
}

/// A GetItem request for what `put_of` puts.
pub fn get_of(at: u64) -> Vec<u8> {
    dynamodb::GetItemRequest {
        table_name: Some(TABLE.to_owned()),
        key: [("id".to_owned(), text(format!("order-{}", at % 1000)))].into(),
        ..dynamodb::GetItemRequest::default()
    }
    .encode_to_vec()
}

/// A PutItem request for an item of the one partition that is queried.
pub fn line_of(at: u64) -> Vec<u8> {
    dynamodb::PutItemRequest {
        table_name: Some(TABLE.to_owned()),
        item: [
            ("id".to_owned(), text("order".to_owned())),
            ("at".to_owned(), text(format!("line-{at:06}"))),
            ("note".to_owned(), text("n".repeat(50))),
        ]
        .into(),
        ..dynamodb::PutItemRequest::default()
    }
    .encode_to_vec()
}

/// A Query request for the first hundred of them.
pub fn query() -> Vec<u8> {
    dynamodb::QueryRequest {
        table_name: Some(TABLE.to_owned()),
        key_condition_expression: Some("id = :id".to_owned()),
        expression_attribute_values: [(":id".to_owned(), text("order".to_owned()))].into(),
        limit: Some(100),
        ..dynamodb::QueryRequest::default()
    }
    .encode_to_vec()
}

/// A PutItem request of about `length` bytes; keys come round again after a thousand.
pub fn put_of(at: u64, length: usize) -> Vec<u8> {
    dynamodb::PutItemRequest {
        table_name: Some(TABLE.to_owned()),
        item: [
            ("id".to_owned(), text(format!("order-{}", at % 1000))),
            ("note".to_owned(), text("n".repeat(length))),
        ]
        .into(),
        ..dynamodb::PutItemRequest::default()
    }
    .encode_to_vec()
}

/// The next step; time goes on by a microsecond.
fn numbered(next: &mut u64, input: step::Input) -> Step {
    *next += 1;
    Step {
        id: *next,
        elapsed: *next,
        wall: 1_767_225_600_000_000 + i64::try_from(*next).expect("few steps"),
        input: Some(input),
        ..Step::default()
    }
}

fn call_of(next: u64, operation: &str, request: Vec<u8>) -> step::Input {
    step::Input::Call(Call {
        id: format!("c{next}"),
        credential: Some(Credential {
            access_key: ROOT.to_owned(),
            session_token: String::new(),
        }),
        operation: operation.to_owned(),
        request,
        ..Call::default()
    })
}

fn success(reply: Reply) -> Vec<u8> {
    let completed = reply.completed.into_iter().next();
    match completed.and_then(|completed| completed.outcome) {
        Some(completed::Outcome::Success(success)) => success.response,
        other => panic!("{other:?}"),
    }
}
