//! Batches and transactions by a client that encrypts (CSE-009).
//!
//! Each item is sealed by itself before the one call, and opened by itself after it. Updates are not
//! offered: what is signed cannot be changed in place (CSE-010).

use faultline_proto::dynamodb::{
    BatchGetItemRequest, BatchGetItemResponse, BatchWriteItemRequest, BatchWriteItemResponse,
    Delete, DeleteRequest, Get, Key, KeysAndAttributes, Put, PutRequest, TransactGetItem,
    TransactGetItemsRequest, TransactGetItemsResponse, TransactWriteItem,
    TransactWriteItemsRequest, TransactWriteItemsResponse, WriteRequest, WriteRequests,
};

use crate::attribute::{from_attributes, to_attributes};
use crate::client::{AwsClient, Client, TableAt, call, unexpected};
use crate::entropy::Entropy;
use crate::error::SealedError;
use crate::open::Opened;
use crate::value::Item;

const BATCH_GET: &str = "dynamodb.BatchGetItem";
const BATCH_WRITE: &str = "dynamodb.BatchWriteItem";
const TRANSACT_GET: &str = "dynamodb.TransactGetItems";
const TRANSACT_WRITE: &str = "dynamodb.TransactWriteItems";

/// One write of a batch or a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// This item, sealed.
    Put(Item),
    /// The item with this key goes.
    Delete(Item),
}

/// What a batch of reads gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchGot {
    /// The items that there are, opened, in the order in which DynamoDB gave them.
    pub items: Vec<Opened>,
    /// Keys that must be asked for again.
    pub unprocessed: Vec<Item>,
}

impl Client {
    /// Writes up to 25 items, each for itself; answers what DynamoDB left undone, as it was given.
    ///
    /// # Errors
    /// As [`Client::put_item`].
    pub async fn batch_write<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        table: &TableAt,
        writes: &[Write],
    ) -> Result<Vec<Write>, SealedError> {
        let mut sent = Vec::new();
        for write in writes {
            sent.push(match write {
                Write::Put(item) => WriteRequest {
                    put_request: Some(PutRequest {
                        item: to_attributes(self.as_stored(aws, entropy, item).await?.0),
                    }),
                    delete_request: None,
                },
                Write::Delete(key) => WriteRequest {
                    put_request: None,
                    delete_request: Some(DeleteRequest {
                        key: to_attributes(key.clone()),
                    }),
                },
            });
        }
        let items = sent.clone();
        let request = BatchWriteItemRequest {
            request_items: [(table.name.clone(), WriteRequests { items })].into(),
            ..BatchWriteItemRequest::default()
        };
        let response: BatchWriteItemResponse =
            call(aws, &table.region, BATCH_WRITE, &request).await?;
        // Nobody needs a key to know what was left.
        let left = response.unprocessed_items.values();
        let left: Vec<&WriteRequest> = left.flat_map(|left| &left.items).collect();
        let pairs = sent.iter().zip(writes);
        Ok(pairs
            .filter(|(sent, _)| left.contains(sent))
            .map(|(_, write)| write.clone())
            .collect())
    }

    /// Reads up to 100 items.
    ///
    /// # Errors
    /// As [`Client::get_item`].
    pub async fn batch_get<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        keys: &[Item],
        consistent: bool,
    ) -> Result<BatchGot, SealedError> {
        let keys = keys.iter().map(|key| Key {
            items: to_attributes(key.clone()),
        });
        let asked = KeysAndAttributes {
            keys: keys.collect(),
            consistent_read: consistent.then_some(true),
            ..KeysAndAttributes::default()
        };
        let request = BatchGetItemRequest {
            request_items: [(table.name.clone(), asked)].into(),
            ..BatchGetItemRequest::default()
        };
        let response: BatchGetItemResponse = call(aws, &table.region, BATCH_GET, &request).await?;
        let broken = |why: String| unexpected(&table.region, BATCH_GET, &why);
        let mut items = Vec::new();
        for item in response.responses.into_values().flat_map(|list| list.items) {
            let item = from_attributes(item.items).map_err(|why| broken(why.to_string()))?;
            items.push(self.open_item(aws, &item).await?);
        }
        let left = response.unprocessed_keys.into_values();
        let unprocessed = left
            .flat_map(|left| left.keys)
            .map(|key| from_attributes(key.items).map_err(|why| broken(why.to_string())))
            .collect::<Result<_, _>>()?;
        Ok(BatchGot { items, unprocessed })
    }

    /// Writes up to 100 items at once or not at all.
    ///
    /// # Errors
    /// As [`Client::put_item`].
    pub async fn transact_write<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        table: &TableAt,
        writes: &[Write],
    ) -> Result<(), SealedError> {
        let mut transact_items = Vec::new();
        for write in writes {
            let table_name = Some(table.name.clone());
            transact_items.push(match write {
                Write::Put(item) => TransactWriteItem {
                    put: Some(Put {
                        table_name,
                        item: to_attributes(self.as_stored(aws, entropy, item).await?.0),
                        ..Put::default()
                    }),
                    ..TransactWriteItem::default()
                },
                Write::Delete(key) => TransactWriteItem {
                    delete: Some(Delete {
                        table_name,
                        key: to_attributes(key.clone()),
                        ..Delete::default()
                    }),
                    ..TransactWriteItem::default()
                },
            });
        }
        let request = TransactWriteItemsRequest {
            transact_items,
            ..TransactWriteItemsRequest::default()
        };
        let _: TransactWriteItemsResponse =
            call(aws, &table.region, TRANSACT_WRITE, &request).await?;
        Ok(())
    }

    /// Reads items as they were at one moment, in the order of the keys; `None` where there is
    /// none.
    ///
    /// # Errors
    /// As [`Client::get_item`].
    pub async fn transact_get<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        keys: &[Item],
    ) -> Result<Vec<Option<Opened>>, SealedError> {
        let gets = keys.iter().map(|key| TransactGetItem {
            get: Some(Get {
                table_name: Some(table.name.clone()),
                key: to_attributes(key.clone()),
                ..Get::default()
            }),
        });
        let request = TransactGetItemsRequest {
            transact_items: gets.collect(),
            ..TransactGetItemsRequest::default()
        };
        let response: TransactGetItemsResponse =
            call(aws, &table.region, TRANSACT_GET, &request).await?;
        let mut opened = Vec::new();
        for answer in response.responses {
            if answer.item.is_empty() {
                opened.push(None);
                continue;
            }
            let item = from_attributes(answer.item)
                .map_err(|why| unexpected(&table.region, TRANSACT_GET, &why.to_string()))?;
            opened.push(Some(self.open_item(aws, &item).await?));
        }
        Ok(opened)
    }
}
