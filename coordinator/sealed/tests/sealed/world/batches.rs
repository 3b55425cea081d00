//! What the small AWS does with batches and transactions.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{
    AttributeMap, BatchGetItemRequest, BatchGetItemResponse, BatchWriteItemRequest,
    BatchWriteItemResponse, ItemList, ItemResponse, PutItemRequest, TransactGetItemsRequest,
    TransactGetItemsResponse, TransactWriteItemsRequest, TransactWriteItemsResponse, WriteRequests,
};

use super::{Attributes, State};

impl State {
    pub(super) fn transact(
        &mut self,
        request: TransactWriteItemsRequest,
    ) -> Result<TransactWriteItemsResponse, &'static str> {
        let kept = (self.keys.clone(), self.items.clone());
        for action in request.transact_items {
            if let Some(put) = action.put {
                let put = PutItemRequest {
                    table_name: put.table_name,
                    item: put.item,
                    condition_expression: put.condition_expression,
                    ..PutItemRequest::default()
                };
                if put.table_name() != "keys" {
                    self.items.push(put.item);
                } else if self.put_item(put).is_err() {
                    (self.keys, self.items) = kept;
                    return Err("TransactionCanceledException");
                }
            }
            if let Some(delete) = action.delete {
                self.remove(&delete.key);
            }
        }
        Ok(TransactWriteItemsResponse::default())
    }

    pub(super) fn transact_get(
        &self,
        request: TransactGetItemsRequest,
    ) -> TransactGetItemsResponse {
        let gets = request.transact_items.into_iter().flat_map(|item| item.get);
        let found = gets.map(|get| self.found(&get.key).unwrap_or_default());
        TransactGetItemsResponse {
            responses: found.map(|item| ItemResponse { item }).collect(),
            ..TransactGetItemsResponse::default()
        }
    }

    /// What a key names among the items of batches and transactions.
    pub(super) fn found(&self, key: &Attributes) -> Option<Attributes> {
        let is_it = |item: &&Attributes| {
            key.iter()
                .all(|(name, value)| item.get(name) == Some(value))
        };
        self.items.iter().find(is_it).cloned()
    }

    fn remove(&mut self, key: &Attributes) {
        let is_it = |item: &Attributes| {
            key.iter()
                .all(|(name, value)| item.get(name) == Some(value))
        };
        self.items.retain(|item| !is_it(item));
    }

    /// Writes all but the last of a batch.
    pub(super) fn batch(&mut self, request: BatchWriteItemRequest) -> BatchWriteItemResponse {
        let mut unprocessed_items = BTreeMap::new();
        for (table, mut writes) in request.request_items {
            let last = writes.items.pop();
            for write in writes.items {
                if let Some(put) = write.put_request {
                    self.items.push(put.item);
                }
                if let Some(delete) = write.delete_request {
                    self.remove(&delete.key);
                }
            }
            let items = last.into_iter().collect();
            unprocessed_items.insert(table, WriteRequests { items });
        }
        BatchWriteItemResponse {
            unprocessed_items,
            ..BatchWriteItemResponse::default()
        }
    }

    /// Reads all but the last of a batch.
    pub(super) fn batch_get(&self, request: BatchGetItemRequest) -> BatchGetItemResponse {
        let mut response = BatchGetItemResponse::default();
        for (table, mut asked) in request.request_items {
            let last = asked.keys.pop();
            let items = asked.keys.iter().filter_map(|key| self.found(&key.items));
            let items = items.map(|items| AttributeMap { items }).collect();
            response.responses.insert(table.clone(), ItemList { items });
            asked.keys = last.into_iter().collect();
            response.unprocessed_keys.insert(table, asked);
        }
        response
    }
}
