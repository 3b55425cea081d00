//! A world for the client: a KMS that binds ciphertexts to their context, a table that
//! keeps items, and bytes that repeat. Enough of AWS to be answered by, no more.

mod batches;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use faultline_proto::dynamodb::{
    AttributeValue, BatchGetItemRequest, BatchWriteItemRequest, GetItemRequest, GetItemResponse,
    PutItemRequest, PutItemResponse, TransactGetItemsRequest, TransactWriteItemsRequest,
};
use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse,
    GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse,
    ReEncryptRequest, ReEncryptResponse,
};
use faultline_proto::names::RegionName;
use faultline_sealed::attribute::{from_attributes, to_attributes};
use faultline_sealed::{
    AwsClient, CallFailure, Client, Entropy, Item, Keyring, Schema, SchemaConfig, TableAt, Value,
};
use prost::Message;

pub const MRK_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";
pub const MRK_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
pub const SINGLE_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaa";
pub const SINGLE_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/bbbb";

type Attributes = BTreeMap<String, AttributeValue>;
type Plain = (Vec<u8>, BTreeMap<String, String>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    down: BTreeSet<String>,
    /// Ciphertext to key material (without Region for related keys) and what it hides.
    wrapped: BTreeMap<Vec<u8>, (String, Plain)>,
    contexts: Vec<BTreeMap<String, String>>,
    item: Attributes,
    /// What batches and transactions have written.
    items: Vec<Attributes>,
    /// Rows of the table `keys`, by id and type.
    keys: BTreeMap<(String, String), BTreeMap<String, AttributeValue>>,
    now: u64,
}

/// The AWS of one test; the table has one item in all Regions.
#[derive(Default)]
pub struct World(RefCell<State>);

impl World {
    /// What was called since the last time, as `operation region key`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().calls)
    }
    /// Encryption contexts that KMS has seen.
    pub fn contexts(&self) -> Vec<BTreeMap<String, String>> {
        self.0.borrow().contexts.clone()
    }
    /// Lets every KMS call in `region` fail.
    pub fn kms_down(&self, region: &str) {
        self.0.borrow_mut().down.insert(region.to_owned());
    }
    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.0.borrow_mut().now += seconds * 1_000_000;
    }
    /// Rows of the key store's table, by id and type.
    pub fn key_rows(&self) -> BTreeMap<(String, String), Item> {
        let state = self.0.borrow();
        let rows = state.keys.iter();
        rows.map(|(key, row)| (key.clone(), from_attributes(row.clone()).unwrap()))
            .collect()
    }
    /// Changes a row of the key store's table.
    pub fn edit_key(&self, id: &str, kind: &str, change: impl FnOnce(&mut Item)) {
        let key = (id.to_owned(), kind.to_owned());
        let row = self.0.borrow().keys[&key].clone();
        let mut item = from_attributes(row).unwrap();
        change(&mut item);
        self.0.borrow_mut().keys.insert(key, to_attributes(item));
    }
    /// What batches and transactions have written.
    pub fn items(&self) -> Vec<Item> {
        let state = self.0.borrow();
        let items = state.items.iter();
        items
            .map(|item| from_attributes(item.clone()).unwrap())
            .collect()
    }
    /// Changes the stored item behind the client's back.
    pub fn edit(&self, change: impl FnOnce(&mut Item)) {
        let mut state = self.0.borrow_mut();
        let mut item = from_attributes(state.item.clone()).unwrap();
        change(&mut item);
        state.item = to_attributes(item);
    }

    fn answer(
        &self,
        region: &RegionName,
        operation: &'static str,
        request: &[u8],
    ) -> Result<Vec<u8>, CallFailure> {
        let state = &mut *self.0.borrow_mut();
        let fail = |code: &'static str| CallFailure {
            region: region.clone(),
            operation,
            code: code.to_owned(),
            message: String::new(),
            payload: "reply 7".to_owned(),
        };
        if operation.starts_with("kms.") && state.down.contains(region.as_str()) {
            return Err(fail("ConnectTimeout"));
        }
        let mut log = |key: &str| {
            let line = format!("{operation} {region} {key}");
            state.calls.push(line.trim_end().to_owned());
        };
        Ok(match operation {
            "kms.GenerateDataKey" => {
                let request = GenerateDataKeyRequest::decode(request).unwrap();
                log(request.key_id());
                state.generate_data_key(request).encode_to_vec()
            }
            "kms.Decrypt" => {
                let request = DecryptRequest::decode(request).unwrap();
                log(request.key_id());
                state.decrypt(request).map_err(fail)?.encode_to_vec()
            }
            "kms.GenerateDataKeyWithoutPlaintext" => {
                let request = GenerateDataKeyWithoutPlaintextRequest::decode(request).unwrap();
                log(request.key_id());
                state.generate_unseen(request).encode_to_vec()
            }
            "kms.ReEncrypt" => {
                let request = ReEncryptRequest::decode(request).unwrap();
                log(request.source_key_id());
                state.reencrypt(request).map_err(fail)?.encode_to_vec()
            }
            "dynamodb.PutItem" => {
                log("");
                let request = PutItemRequest::decode(request).unwrap();
                state.put_item(request).map_err(fail)?.encode_to_vec()
            }
            "dynamodb.GetItem" => {
                log("");
                let request = GetItemRequest::decode(request).unwrap();
                state.get_item(&request).encode_to_vec()
            }
            "dynamodb.TransactWriteItems" => {
                log("");
                let request = TransactWriteItemsRequest::decode(request).unwrap();
                state.transact(request).map_err(fail)?.encode_to_vec()
            }
            "dynamodb.TransactGetItems" => {
                log("");
                let request = TransactGetItemsRequest::decode(request).unwrap();
                state.transact_get(request).encode_to_vec()
            }
            "dynamodb.BatchWriteItem" => {
                log("");
                let request = BatchWriteItemRequest::decode(request).unwrap();
                state.batch(request).encode_to_vec()
            }
            "dynamodb.BatchGetItem" => {
                log("");
                let request = BatchGetItemRequest::decode(request).unwrap();
                state.batch_get(request).encode_to_vec()
            }
            other => panic!("{other} is not part of this world"),
        })
    }
}

impl State {
    fn wrap(
        &mut self,
        key: &str,
        plaintext: Option<Vec<u8>>,
        context: BTreeMap<String, String>,
    ) -> (Vec<u8>, Vec<u8>) {
        let count = u8::try_from(self.wrapped.len()).unwrap();
        let plaintext = plaintext.unwrap_or_else(|| vec![0x40 + count; 32]);
        let blob = [b"blob           ".as_slice(), &[count; 49]].concat();
        assert_eq!(blob.len(), 64);
        self.contexts.push(context.clone());
        let hidden = (plaintext.clone(), context);
        self.wrapped.insert(blob.clone(), (material(key), hidden));
        (blob, plaintext)
    }

    fn generate_unseen(
        &mut self,
        request: GenerateDataKeyWithoutPlaintextRequest,
    ) -> GenerateDataKeyWithoutPlaintextResponse {
        assert_eq!(request.number_of_bytes, Some(32));
        let key = request.key_id().to_owned();
        let (blob, _) = self.wrap(&key, None, request.encryption_context);
        GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: Some(blob),
            key_id: Some(key),
            ..GenerateDataKeyWithoutPlaintextResponse::default()
        }
    }

    fn reencrypt(&mut self, request: ReEncryptRequest) -> Result<ReEncryptResponse, &'static str> {
        let opened = self.decrypt(DecryptRequest {
            ciphertext_blob: request.ciphertext_blob,
            key_id: request.source_key_id,
            encryption_context: request.source_encryption_context,
            ..DecryptRequest::default()
        })?;
        let key = request.destination_key_id.unwrap();
        let context = request.destination_encryption_context;
        let (blob, _) = self.wrap(&key, opened.plaintext, context);
        Ok(ReEncryptResponse {
            ciphertext_blob: Some(blob),
            key_id: Some(key),
            ..ReEncryptResponse::default()
        })
    }

    fn put_item(&mut self, request: PutItemRequest) -> Result<PutItemResponse, &'static str> {
        if request.table_name() != "keys" {
            self.item = request.item;
            return Ok(PutItemResponse::default());
        }
        let key = row_key(&request.item);
        let wanted = request
            .condition_expression()
            .starts_with("attribute_exists(");
        if self.keys.contains_key(&key) != wanted {
            return Err("ConditionalCheckFailedException");
        }
        self.keys.insert(key, request.item);
        Ok(PutItemResponse::default())
    }

    fn generate_data_key(&mut self, request: GenerateDataKeyRequest) -> GenerateDataKeyResponse {
        assert_eq!(request.number_of_bytes, Some(32));
        let key = request.key_id().to_owned();
        let (blob, plaintext) = self.wrap(&key, None, request.encryption_context);
        GenerateDataKeyResponse {
            ciphertext_blob: Some(blob),
            plaintext: Some(plaintext),
            key_id: Some(key),
            ..GenerateDataKeyResponse::default()
        }
    }

    fn decrypt(&mut self, request: DecryptRequest) -> Result<DecryptResponse, &'static str> {
        self.contexts.push(request.encryption_context.clone());
        let (by, (plaintext, context)) = self
            .wrapped
            .get(request.ciphertext_blob())
            .ok_or("InvalidCiphertextException")?;
        if *context != request.encryption_context {
            return Err("InvalidCiphertextException");
        }
        if *by != material(request.key_id()) {
            return Err("IncorrectKeyException");
        }
        Ok(DecryptResponse {
            key_id: request.key_id,
            plaintext: Some(plaintext.clone()),
            ..DecryptResponse::default()
        })
    }

    fn get_item(&self, request: &GetItemRequest) -> GetItemResponse {
        if request.table_name() == "keys" {
            let row = self.keys.get(&row_key(&request.key));
            return GetItemResponse {
                item: row.cloned().unwrap_or_default(),
                ..GetItemResponse::default()
            };
        }
        let is_it = |(name, value)| self.item.get::<String>(name) == Some(value);
        let found = request.key.iter().all(is_it);
        GetItemResponse {
            item: if found {
                self.item.clone()
            } else {
                BTreeMap::new()
            },
            ..GetItemResponse::default()
        }
    }
}

fn row_key(item: &BTreeMap<String, AttributeValue>) -> (String, String) {
    let item = from_attributes(item.clone()).unwrap();
    match (&item["branch-key-id"], &item["type"]) {
        (Value::S(id), Value::S(kind)) => (id.clone(), kind.clone()),
        other => panic!("{other:?} is no key of a row"),
    }
}

fn material(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if parts[5].starts_with("key/mrk-") {
        parts[5].to_owned()
    } else {
        arn.to_owned()
    }
}

impl AwsClient for World {
    async fn call(
        &self,
        region: &RegionName,
        operation: &'static str,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, CallFailure> {
        self.answer(region, operation, &request)
    }

    fn now(&self) -> u64 {
        self.0.borrow().now
    }
}

/// Bytes that differ for each purpose and draw, and are the same in each test.
#[derive(Default)]
pub struct Repeatable(u8);

impl Entropy for Repeatable {
    fn fill(&mut self, purpose: &str, out: &mut [u8]) {
        self.0 += 1;
        let seed = purpose
            .bytes()
            .fold(self.0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        for (byte, at) in out.iter_mut().zip(0_u8..) {
            *byte = seed.wrapping_add(at.wrapping_mul(7));
        }
    }
}

/// Runs a future that never has to wait.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in this world waits"),
    }
}

pub fn config(actions: &[(&str, &str)]) -> SchemaConfig {
    SchemaConfig {
        logical_table_name: "orders".to_owned(),
        partition_key: "id".to_owned(),
        sort_key: Some("at".to_owned()),
        actions: actions
            .iter()
            .map(|(name, action)| ((*name).to_owned(), action.parse().unwrap()))
            .collect(),
        allowed_unsigned_attributes: ["note".to_owned()].into(),
        ..SchemaConfig::default()
    }
}

/// Keys signed, `card` and `more` encrypted, `state` signed, `note` left alone.
pub fn orders() -> SchemaConfig {
    config(&[
        ("id", "sign_only"),
        ("at", "sign_only"),
        ("card", "encrypt_and_sign"),
        ("more", "encrypt_and_sign"),
        ("state", "sign_only"),
        ("note", "do_nothing"),
    ])
}

pub fn client(config: SchemaConfig, keyring: Keyring) -> Client {
    Client::new(Schema::new(config).unwrap(), keyring)
}

pub fn mrk(arn: &str) -> Keyring {
    Keyring::KmsMrk(arn.parse().unwrap())
}

pub fn table(region: &str) -> TableAt {
    TableAt {
        region: RegionName::new(region).unwrap(),
        name: "orders-prod".to_owned(),
    }
}

pub fn order() -> Item {
    let text = |text: &str| Value::S(text.to_owned());
    let more = Value::M(
        [
            ("n".to_owned(), Value::N("1.50".to_owned())),
            (
                "l".to_owned(),
                Value::L(vec![Value::Null, Value::Bool(true)]),
            ),
        ]
        .into(),
    );
    [
        ("id", text("a")),
        ("at", Value::N("1".to_owned())),
        ("card", text("4000 1234")),
        ("more", more),
        ("state", text("paid")),
        ("note", text("free text")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The order as it comes back: numbers in encrypted attributes have their one spelling.
pub fn order_again() -> Item {
    let mut item = order();
    if let Some(Value::M(more)) = item.get_mut("more") {
        more.insert("n".to_owned(), Value::N("1.5".to_owned()));
    }
    item
}

pub fn key() -> Item {
    order()
        .into_iter()
        .filter(|(name, _)| name == "id" || name == "at")
        .collect()
}
