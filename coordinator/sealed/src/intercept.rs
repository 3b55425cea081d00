//! Whole requests of DynamoDB, as the SDK's interceptor takes them (CSE-009, CSE-010).
//!
//! ```text
//! BatchWriteItem, TransactWriteItems   each item put is sealed by itself before the one call
//! BatchGetItem, TransactGetItems       each item is opened by itself after it
//! UpdateItem                           refused before any call if it touches what is signed
//! ```
//!
//! A request may name several tables; one that has no client passes as it is.

use std::collections::BTreeMap;
use std::mem;

use faultline_proto::dynamodb::{
    BatchGetItemRequest, BatchGetItemResponse, BatchWriteItemRequest, BatchWriteItemResponse,
    TransactGetItemsRequest, TransactGetItemsResponse, TransactWriteItem,
    TransactWriteItemsRequest, TransactWriteItemsResponse, UpdateItemRequest, UpdateItemResponse,
};
use faultline_proto::names::RegionName;

use crate::attribute::{AttributeMap, from_attributes, to_attributes};
use crate::beacons::expression::{Names, check_condition, check_update};
use crate::client::{AwsClient, Client, call, unexpected};
use crate::entropy::Entropy;
use crate::error::SealedError;

const BATCH_GET: &str = "dynamodb.BatchGetItem";
const BATCH_WRITE: &str = "dynamodb.BatchWriteItem";
const TRANSACT_GET: &str = "dynamodb.TransactGetItems";
const TRANSACT_WRITE: &str = "dynamodb.TransactWriteItems";
const UPDATE: &str = "dynamodb.UpdateItem";

/// The clients of tables in one Region.
#[derive(Debug, Clone)]
pub struct Interceptor {
    /// Where DynamoDB is called.
    pub region: RegionName,
    /// By the table's name.
    pub clients: BTreeMap<String, Client>,
}

impl Interceptor {
    /// Writes up to 25 items, each for itself; what DynamoDB left undone comes back as it was
    /// given.
    ///
    /// # Errors
    /// As [`Client::put_item`].
    pub async fn batch_write_item<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        request: &BatchWriteItemRequest,
    ) -> Result<BatchWriteItemResponse, SealedError> {
        let mut sent = request.clone();
        for (table, writes) in &mut sent.request_items {
            let Some(client) = self.client(table) else {
                continue;
            };
            for write in &mut writes.items {
                if let Some(put) = &mut write.put_request {
                    seal(client, aws, entropy, &mut put.item).await?;
                }
            }
        }
        let mut response: BatchWriteItemResponse =
            call(aws, &self.region, BATCH_WRITE, &sent).await?;
        // Nobody needs a key to know what was left.
        for (table, left) in &mut response.unprocessed_items {
            let of = |request: &BatchWriteItemRequest| request.request_items.get(table).cloned();
            let (sent, given) = (
                of(&sent).unwrap_or_default(),
                of(request).unwrap_or_default(),
            );
            for write in &mut left.items {
                let mut pairs = sent.items.iter().zip(&given.items);
                if let Some((_, given)) = pairs.find(|(sent, _)| *sent == write) {
                    *write = given.clone();
                }
            }
        }
        Ok(response)
    }

    /// Reads up to 100 items.
    ///
    /// # Errors
    /// As [`Client::get_item`].
    pub async fn batch_get_item<A: AwsClient>(
        &self,
        aws: &A,
        request: &BatchGetItemRequest,
    ) -> Result<BatchGetItemResponse, SealedError> {
        let mut response: BatchGetItemResponse =
            call(aws, &self.region, BATCH_GET, request).await?;
        for (table, found) in &mut response.responses {
            let Some(client) = self.client(table) else {
                continue;
            };
            for item in &mut found.items {
                self.open(client, aws, BATCH_GET, &mut item.items).await?;
            }
        }
        Ok(response)
    }

    /// Writes up to 100 items at once or not at all.
    ///
    /// # Errors
    /// As [`Client::put_item`]; [`SealedError::SchemaViolation`] for a condition on what is
    /// encrypted and for an update of what is signed.
    pub async fn transact_write_items<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        request: &TransactWriteItemsRequest,
    ) -> Result<TransactWriteItemsResponse, SealedError> {
        for action in &request.transact_items {
            self.check(action)?;
        }
        let mut sent = request.clone();
        let puts = sent.transact_items.iter_mut();
        for put in puts.filter_map(|action| action.put.as_mut()) {
            if let Some(client) = self.client(put.table_name()) {
                seal(client, aws, entropy, &mut put.item).await?;
            }
        }
        call(aws, &self.region, TRANSACT_WRITE, &sent).await
    }

    /// Reads items as they were at one moment.
    ///
    /// # Errors
    /// As [`Client::get_item`].
    pub async fn transact_get_items<A: AwsClient>(
        &self,
        aws: &A,
        request: &TransactGetItemsRequest,
    ) -> Result<TransactGetItemsResponse, SealedError> {
        let mut response: TransactGetItemsResponse =
            call(aws, &self.region, TRANSACT_GET, request).await?;
        for (asked, answer) in request.transact_items.iter().zip(&mut response.responses) {
            let table = asked.get.as_ref().map_or("", |get| get.table_name());
            if let Some(client) = self.client(table) {
                self.open(client, aws, TRANSACT_GET, &mut answer.item)
                    .await?;
            }
        }
        Ok(response)
    }

    /// Changes what is not signed.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] before any call for what is signed; as
    /// [`Client::get_item`] for an item that was asked back whole.
    pub async fn update_item<A: AwsClient>(
        &self,
        aws: &A,
        request: &UpdateItemRequest,
    ) -> Result<UpdateItemResponse, SealedError> {
        let table = request.table_name();
        let names = &request.expression_attribute_names;
        self.may_update(table, request.update_expression(), names)?;
        self.may_ask(table, request.condition_expression(), names)?;
        let mut response: UpdateItemResponse = call(aws, &self.region, UPDATE, request).await?;
        let whole = matches!(request.return_values(), "ALL_OLD" | "ALL_NEW");
        if let Some(client) = self.client(table).filter(|_| whole) {
            self.open(client, aws, UPDATE, &mut response.attributes)
                .await?;
        }
        Ok(response)
    }

    /// The client of a table, which a request may name by its ARN.
    fn client(&self, table: &str) -> Option<&Client> {
        let name = table.rsplit('/').next().unwrap_or(table);
        self.clients.get(name)
    }

    fn check(&self, action: &TransactWriteItem) -> Result<(), SealedError> {
        macro_rules! condition {
            ($($of:ident)*) => {
                $(if let Some(it) = &action.$of {
                    let names = &it.expression_attribute_names;
                    self.may_ask(it.table_name(), it.condition_expression(), names)?;
                })*
            };
        }
        condition!(condition_check put delete update);
        match &action.update {
            None => Ok(()),
            Some(it) => {
                let names = &it.expression_attribute_names;
                self.may_update(it.table_name(), it.update_expression(), names)
            }
        }
    }

    fn may_ask(&self, table: &str, condition: &str, names: &Names) -> Result<(), SealedError> {
        self.client(table).map_or(Ok(()), |client| {
            check_condition(&client.schema, condition, names).map_err(SealedError::SchemaViolation)
        })
    }

    fn may_update(&self, table: &str, update: &str, names: &Names) -> Result<(), SealedError> {
        self.client(table).map_or(Ok(()), |client| {
            check_update(&client.schema, update, names).map_err(SealedError::SchemaViolation)
        })
    }

    /// Opens `item` in place; none stays none.
    async fn open<A: AwsClient>(
        &self,
        client: &Client,
        aws: &A,
        operation: &'static str,
        item: &mut AttributeMap,
    ) -> Result<(), SealedError> {
        if item.is_empty() {
            return Ok(());
        }
        let stored = from_attributes(mem::take(item))
            .map_err(|why| unexpected(&self.region, operation, &why.to_string()))?;
        *item = to_attributes(client.open_item(aws, &stored).await?.item);
        Ok(())
    }
}

/// Seals `item` in place.
async fn seal<A: AwsClient>(
    client: &Client,
    aws: &A,
    entropy: &mut dyn Entropy,
    item: &mut AttributeMap,
) -> Result<(), SealedError> {
    let plain = from_attributes(mem::take(item))
        .map_err(|why| SealedError::SchemaViolation(why.to_string()))?;
    *item = to_attributes(client.as_stored(aws, entropy, &plain).await?.0);
    Ok(())
}
