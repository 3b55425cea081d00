//! A world for the client: a KMS that binds ciphertexts to their context, a table that
//! keeps items, and bytes that repeat. Enough of AWS to be answered by, no more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use faultline_proto::dynamodb::{
    AttributeValue, GetItemRequest, GetItemResponse, PutItemRequest, PutItemResponse,
};
use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse,
};
use faultline_proto::names::RegionName;
use faultline_sealed::{
    AwsClient, CallFailure, Client, Entropy, Item, Keyring, Schema, SchemaConfig, TableAt, Value,
};
use prost::Message;

pub const MRK_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";
pub const MRK_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
pub const SINGLE_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaa";
pub const SINGLE_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/bbbb";

type Plain = (Vec<u8>, BTreeMap<String, String>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    down: BTreeSet<String>,
    /// Ciphertext to key material (without Region for related keys) and what it hides.
    wrapped: BTreeMap<Vec<u8>, (String, Plain)>,
    contexts: Vec<BTreeMap<String, String>>,
    item: BTreeMap<String, AttributeValue>,
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
    /// Changes the stored item behind the client's back.
    pub fn edit(&self, change: impl FnOnce(&mut Item)) {
        let mut state = self.0.borrow_mut();
        let mut item = faultline_sealed::attribute::from_attributes(state.item.clone()).unwrap();
        change(&mut item);
        state.item = faultline_sealed::attribute::to_attributes(item);
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
            "dynamodb.PutItem" => {
                log("");
                state.item = PutItemRequest::decode(request).unwrap().item;
                PutItemResponse::default().encode_to_vec()
            }
            "dynamodb.GetItem" => {
                log("");
                let request = GetItemRequest::decode(request).unwrap();
                state.get_item(&request).encode_to_vec()
            }
            other => panic!("{other} is not part of this world"),
        })
    }
}

impl State {
    fn generate_data_key(&mut self, request: GenerateDataKeyRequest) -> GenerateDataKeyResponse {
        assert_eq!(request.number_of_bytes, Some(32));
        let count = u8::try_from(self.wrapped.len()).unwrap();
        let plaintext = vec![0x40 + count; 32];
        let blob = [b"blob           ".as_slice(), &[count; 49]].concat();
        assert_eq!(blob.len(), 64);
        self.contexts.push(request.encryption_context.clone());
        let key = request.key_id().to_owned();
        let hidden = (plaintext.clone(), request.encryption_context);
        self.wrapped.insert(blob.clone(), (material(&key), hidden));
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

pub fn key() -> Item {
    order()
        .into_iter()
        .filter(|(name, _)| name == "id" || name == "at")
        .collect()
}
