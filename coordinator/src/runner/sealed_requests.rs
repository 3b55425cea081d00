//! `sealed.*` verbs that take a request of DynamoDB as it is: batches, transactions, updates.

use faultline_proto::codec;
use faultline_proto::dynamodb::{BatchWriteItemRequest, TransactWriteItemsRequest};
use faultline_proto::registry::find_operation;
use prost::Message;
use serde_json::{Value, json};

use super::Runner;
use super::ask::Said;
use super::problem::Trouble;
use super::sealed::{refusal, told};
use super::verbs::Asked;

const BATCH_GET: &str = "dynamodb.BatchGetItem";
const BATCH_WRITE: &str = "dynamodb.BatchWriteItem";
const TRANSACT_GET: &str = "dynamodb.TransactGetItems";
const TRANSACT_WRITE: &str = "dynamodb.TransactWriteItems";
const UPDATE: &str = "dynamodb.UpdateItem";

impl Runner<'_> {
    /// `sealed.batch_get_item`, `sealed.batch_write_item`, `sealed.transact_get_items`,
    /// `sealed.transact_write_items` and `sealed.update_item` (CSE-009, CSE-010).
    pub(super) async fn sealed_request(&self, verb: &str, asked: &Asked) -> Result<Said, Trouble> {
        let tables = self.interceptor(asked)?;
        let arguments = &asked.arguments;
        let (aws, mut chance) = (self.aws(asked, Vec::new()), self.chance(asked));
        let since = self.sim.now();
        let result = match verb {
            "sealed.batch_get_item" => {
                let request = self.request(BATCH_GET, arguments)?;
                let got = tables.batch_get_item(&aws, &request).await;
                got.map(|got| answer(BATCH_GET, &got))
            }
            "sealed.batch_write_item" => {
                let request: BatchWriteItemRequest = self.request(BATCH_WRITE, arguments)?;
                for (table, writes) in &request.request_items {
                    let puts = writes.items.iter().filter_map(|it| it.put_request.as_ref());
                    puts.for_each(|put| self.note_secrets(table, &put.item));
                }
                let written = tables.batch_write_item(&aws, &mut chance, &request).await;
                written.map(|written| answer(BATCH_WRITE, &written))
            }
            "sealed.transact_get_items" => {
                let request = self.request(TRANSACT_GET, arguments)?;
                let got = tables.transact_get_items(&aws, &request).await;
                got.map(|got| answer(TRANSACT_GET, &got))
            }
            "sealed.transact_write_items" => {
                let request: TransactWriteItemsRequest = self.request(TRANSACT_WRITE, arguments)?;
                let puts = request.transact_items.iter();
                for put in puts.filter_map(|it| it.put.as_ref()) {
                    self.note_secrets(put.table_name(), &put.item);
                }
                let written = tables
                    .transact_write_items(&aws, &mut chance, &request)
                    .await;
                written.map(|written| answer(TRANSACT_WRITE, &written))
            }
            _ => {
                let request = self.request(UPDATE, arguments)?;
                let updated = tables.update_item(&aws, &request).await;
                updated.map(|updated| answer(UPDATE, &updated))
            }
        };
        Ok(Said {
            result: result.map_err(|error| refusal(&aws, &error)),
            call: told(&aws, &tables.region, since),
        })
    }
}

/// A response in the language's spelling.
pub(super) fn answer(operation: &str, response: &impl Message) -> Value {
    find_operation(operation)
        .and_then(|def| codec::to_snake(def.output, &response.encode_to_vec(), None).ok())
        .unwrap_or_else(|| json!({}))
}
