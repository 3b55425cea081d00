//! The way of `faultline-sealed` to the Regions: AWS's SDK, and a memory of what KMS said.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use aws_sdk_kms::primitives::Blob;
use faultline_proto::dynamodb as ddb;
use faultline_proto::kms;
use faultline_proto::names::RegionName;
use faultline_sealed::attribute::{from_attributes, to_attributes};
use faultline_sealed::{AwsClient, CallFailure, Entropy};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::convert::{from_sdk, to_sdk};
use crate::world::World;

/// Calls over the wire.
pub struct Wire<'w> {
    world: &'w World,
    opened: RefCell<Vec<Json>>,
}

type Answer = Result<Vec<u8>, String>;

impl<'w> Wire<'w> {
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            opened: RefCell::default(),
        }
    }

    /// What KMS opened since the last time: what a golden file needs to be opened without KMS.
    pub fn opened(&self) -> Vec<Json> {
        self.opened.take()
    }

    async fn answer(&self, region: &str, operation: &str, request: &[u8]) -> Answer {
        match operation {
            "kms.GenerateDataKey" => self.generate(region, request).await,
            "kms.GenerateDataKeyWithoutPlaintext" => self.generate_unseen(region, request).await,
            "kms.ReEncrypt" => self.reencrypt(region, request).await,
            "kms.Decrypt" => self.decrypt(region, request).await,
            "dynamodb.PutItem" => self.put(region, request).await,
            "dynamodb.GetItem" => self.get(region, request).await,
            "dynamodb.TransactWriteItems" => self.transact(region, request).await,
            other => Err(format!("{other} is not called here")),
        }
    }

    async fn generate(&self, region: &str, request: &[u8]) -> Answer {
        let request = kms::GenerateDataKeyRequest::decode(request).map_err(words)?;
        let said = self.world.kms(region).generate_data_key();
        let said = said
            .set_key_id(request.key_id)
            .set_number_of_bytes(request.number_of_bytes)
            .set_encryption_context(Some(hashed(request.encryption_context)))
            .send()
            .await
            .map_err(words)?;
        Ok(kms::GenerateDataKeyResponse {
            ciphertext_blob: said.ciphertext_blob.map(Blob::into_inner),
            plaintext: said.plaintext.map(Blob::into_inner),
            key_id: said.key_id,
            ..Default::default()
        }
        .encode_to_vec())
    }

    async fn generate_unseen(&self, region: &str, request: &[u8]) -> Answer {
        let request =
            kms::GenerateDataKeyWithoutPlaintextRequest::decode(request).map_err(words)?;
        let said = self.world.kms(region).generate_data_key_without_plaintext();
        let said = said
            .set_key_id(request.key_id)
            .set_number_of_bytes(request.number_of_bytes)
            .set_encryption_context(Some(hashed(request.encryption_context)))
            .send()
            .await
            .map_err(words)?;
        Ok(kms::GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: said.ciphertext_blob.map(Blob::into_inner),
            key_id: said.key_id,
            ..Default::default()
        }
        .encode_to_vec())
    }

    async fn reencrypt(&self, region: &str, request: &[u8]) -> Answer {
        let request = kms::ReEncryptRequest::decode(request).map_err(words)?;
        let said = self.world.kms(region).re_encrypt();
        let said = said
            .set_ciphertext_blob(request.ciphertext_blob.map(Blob::new))
            .set_source_key_id(request.source_key_id)
            .set_source_encryption_context(Some(hashed(request.source_encryption_context)))
            .set_destination_key_id(request.destination_key_id)
            .set_destination_encryption_context(Some(hashed(
                request.destination_encryption_context,
            )))
            .send()
            .await
            .map_err(words)?;
        Ok(kms::ReEncryptResponse {
            ciphertext_blob: said.ciphertext_blob.map(Blob::into_inner),
            source_key_id: said.source_key_id,
            key_id: said.key_id,
            ..Default::default()
        }
        .encode_to_vec())
    }

    async fn decrypt(&self, region: &str, request: &[u8]) -> Answer {
        let request = kms::DecryptRequest::decode(request).map_err(words)?;
        let asked = request.clone();
        let said = self.world.kms(region).decrypt();
        let said = said
            .set_key_id(request.key_id)
            .set_ciphertext_blob(request.ciphertext_blob.map(Blob::new))
            .set_encryption_context(Some(hashed(request.encryption_context)))
            .send()
            .await
            .map_err(words)?;
        let plaintext = said.plaintext.map(Blob::into_inner);
        self.opened.borrow_mut().push(json!({
            "key_id": said.key_id,
            "ciphertext_blob": hex::encode(asked.ciphertext_blob.unwrap_or_default()),
            "encryption_context": asked.encryption_context,
            "plaintext": hex::encode(plaintext.clone().unwrap_or_default()),
        }));
        Ok(kms::DecryptResponse {
            key_id: said.key_id,
            plaintext,
            ..Default::default()
        }
        .encode_to_vec())
    }

    async fn put(&self, region: &str, request: &[u8]) -> Answer {
        let request = ddb::PutItemRequest::decode(request).map_err(words)?;
        let item = from_attributes(request.item).map_err(words)?;
        let names = request.expression_attribute_names;
        let call = self.world.dynamodb(region).put_item();
        call.set_table_name(request.table_name)
            .set_item(Some(to_sdk(&item)))
            .set_condition_expression(request.condition_expression)
            .set_expression_attribute_names((!names.is_empty()).then(|| hashed(names)))
            .send()
            .await
            .map_err(words)?;
        Ok(ddb::PutItemResponse::default().encode_to_vec())
    }

    async fn transact(&self, region: &str, request: &[u8]) -> Answer {
        let request = ddb::TransactWriteItemsRequest::decode(request).map_err(words)?;
        let mut call = self.world.dynamodb(region).transact_write_items();
        for put in request.transact_items.into_iter().filter_map(|item| item.put) {
            let item = from_attributes(put.item).map_err(words)?;
            let names = put.expression_attribute_names;
            let put = Put::builder()
                .set_table_name(put.table_name)
                .set_item(Some(to_sdk(&item)))
                .set_condition_expression(put.condition_expression)
                .set_expression_attribute_names((!names.is_empty()).then(|| hashed(names)))
                .build()
                .map_err(words)?;
            call = call.transact_items(TransactWriteItem::builder().put(put).build());
        }
        call.send().await.map_err(words)?;
        Ok(ddb::TransactWriteItemsResponse::default().encode_to_vec())
    }

    async fn get(&self, region: &str, request: &[u8]) -> Answer {
        let request = ddb::GetItemRequest::decode(request).map_err(words)?;
        let key = from_attributes(request.key).map_err(words)?;
        let call = self.world.dynamodb(region).get_item();
        let said = call
            .set_table_name(request.table_name)
            .set_key(Some(to_sdk(&key)))
            .set_consistent_read(request.consistent_read)
            .send()
            .await
            .map_err(words)?;
        Ok(ddb::GetItemResponse {
            item: to_attributes(from_sdk(&said.item.unwrap_or_default())),
            ..Default::default()
        }
        .encode_to_vec())
    }
}

impl AwsClient for Wire<'_> {
    async fn call(
        &self,
        region: &RegionName,
        operation: &'static str,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, CallFailure> {
        let answer = self.answer(region.as_str(), operation, &request).await;
        answer.map_err(|message| CallFailure {
            region: region.clone(),
            operation,
            code: "Call".to_owned(),
            message,
            payload: String::new(),
        })
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or_default())
    }
}

/// The machine's own randomness.
pub struct Chance;

impl Entropy for Chance {
    fn fill(&mut self, _purpose: &str, out: &mut [u8]) {
        getrandom::fill(out).expect("the machine has randomness");
    }
}

fn words(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn hashed(map: BTreeMap<String, String>) -> HashMap<String, String> {
    map.into_iter().collect()
}
