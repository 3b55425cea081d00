//! The DynamoDB side of a key store.

use faultline_proto::dynamodb::{
    self, GetItemRequest, GetItemResponse, TransactWriteItem, TransactWriteItemsRequest,
    TransactWriteItemsResponse,
};

use super::record::ID;
use crate::attribute::{from_attributes, to_attributes};
use crate::client::{AwsClient, TableAt, call, unexpected};
use crate::error::SealedError;
use crate::value::Item;

const GET_ITEM: &str = "dynamodb.GetItem";
const TRANSACT: &str = "dynamodb.TransactWriteItems";
const NAME: &str = "#BranchKeyIdentifierField";

/// A row to write: a new one, or one in place of another.
pub(super) struct Put {
    pub item: Item,
    pub new: bool,
}

/// Reads a row.
pub(super) async fn get<A: AwsClient>(
    aws: &A,
    table: &TableAt,
    key: &Item,
) -> Result<Option<Item>, SealedError> {
    let request = GetItemRequest {
        table_name: Some(table.name.clone()),
        key: to_attributes(key.clone()),
        ..GetItemRequest::default()
    };
    let response: GetItemResponse = call(aws, &table.region, GET_ITEM, &request).await?;
    if response.item.is_empty() {
        return Ok(None);
    }
    from_attributes(response.item)
        .map(Some)
        .map_err(|why| unexpected(&table.region, GET_ITEM, &why.to_string()))
}

/// Writes rows, all of them or none.
pub(super) async fn write<A: AwsClient>(
    aws: &A,
    table: &TableAt,
    puts: Vec<Put>,
) -> Result<(), SealedError> {
    let rows = puts.into_iter().map(|put| {
        let function = if put.new {
            "attribute_not_exists"
        } else {
            "attribute_exists"
        };
        let put = dynamodb::Put {
            table_name: Some(table.name.clone()),
            item: to_attributes(put.item),
            condition_expression: Some(format!("{function}({NAME})")),
            expression_attribute_names: [(NAME.to_owned(), ID.to_owned())].into(),
            ..dynamodb::Put::default()
        };
        TransactWriteItem {
            put: Some(put),
            ..TransactWriteItem::default()
        }
    });
    let request = TransactWriteItemsRequest {
        transact_items: rows.collect(),
        ..TransactWriteItemsRequest::default()
    };
    let _: TransactWriteItemsResponse = call(aws, &table.region, TRANSACT, &request).await?;
    Ok(())
}
