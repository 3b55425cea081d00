//! Secrets that pass by: what callers hand over to be encrypted, and get back opened.
//!
//! Plaintexts and data keys of KMS, SSE-C keys and objects are secret wherever they appear.
//! Text and number attributes of items that a client wrote as they are, are secret where an
//! oracle names them. Left out: credentials, which must travel, and binary attributes, which
//! may be what a client sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::codec::{Face, decode};
use faultline_proto::registry::find_operation;
use faultline_proto::tables::{MessageDef, OperationDef};
use serde_json::Value;

use super::canaries::{CanaryBook, Class};

/// Learns from what a client sends.
pub(super) fn from_request(
    book: &mut CanaryBook,
    operation: &OperationDef,
    request: &[u8],
    body: Option<&[u8]>,
) {
    if let Some(body) = body {
        book.add(&format!("{} body", operation.verb), body);
    }
    if let Some(value) = read(operation.input, request) {
        members(book, operation.verb, &value);
        if operation.service == "dynamodb" {
            items(book, &value);
        }
    }
}

/// Learns from what a Region answers.
pub(super) fn from_response(book: &mut CanaryBook, operation: &str, response: &[u8]) {
    let Some(operation) = find_operation(operation).filter(|found| found.service == "kms") else {
        return;
    };
    if let Some(value) = read(operation.output, response) {
        members(book, operation.verb, &value);
    }
}

fn read(def: &'static MessageDef, bytes: &[u8]) -> Option<Value> {
    decode(def, bytes, Face::AWS_JSON).ok()
}

fn members(book: &mut CanaryBook, verb: &str, value: &Value) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members {
        let secret = name.ends_with("Plaintext") || name.ends_with("SSECustomerKey");
        if let (true, Value::String(text)) = (secret, value) {
            let bytes = STANDARD.decode(text);
            book.add(
                &format!("{verb} {name}"),
                &bytes.unwrap_or_else(|_| text.clone().into_bytes()),
            );
        }
    }
}

/// Items in a request that writes: next to their table's name, or under it in a batch.
fn items(book: &mut CanaryBook, value: &Value) {
    let Value::Object(members) = value else {
        return;
    };
    if let (Some(table), Some(item)) = (members.get("TableName"), members.get("Item")) {
        attributes(book, table.as_str().unwrap_or_default(), item);
    }
    if let Some(Value::Object(tables)) = members.get("RequestItems") {
        for (table, requests) in tables {
            for request in requests.as_array().into_iter().flatten() {
                attributes(book, table, &request["PutRequest"]["Item"]);
            }
        }
    }
    let transaction = members.get("TransactItems").and_then(Value::as_array);
    for action in transaction.into_iter().flatten() {
        items(book, &action["Put"]);
    }
}

fn attributes(book: &mut CanaryBook, table: &str, item: &Value) {
    let table = table.rsplit('/').next().unwrap_or(table);
    for (name, value) in item.as_object().into_iter().flatten() {
        if let Some(text) = value.get("S").or(value.get("N")).and_then(Value::as_str) {
            book.add_as(
                Class::Attribute,
                &format!("{table}.{name}"),
                text.as_bytes(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::codec::from_snake;
    use serde_json::json;

    fn learned(id: &str, arguments: Value) -> Vec<(String, Class)> {
        let operation = find_operation(id).expect("it is defined");
        let encoded = from_snake(operation.input, &arguments).expect("arguments");
        let mut book = CanaryBook::default();
        from_request(
            &mut book,
            operation,
            &encoded.message,
            encoded.body.as_deref(),
        );
        let all = book.all().iter();
        all.map(|canary| (canary.name.clone(), canary.class))
            .collect()
    }

    #[test]
    fn plaintexts_keys_and_objects_are_secret() {
        assert_eq!(
            learned(
                "kms.Encrypt",
                json!({ "key_id": "k", "plaintext": "4242 4242" })
            ),
            [("kms.encrypt Plaintext".to_owned(), Class::Secret)]
        );
        assert_eq!(
            learned(
                "s3.PutObject",
                json!({ "bucket": "b", "key": "k", "body": "4242 4242" })
            ),
            [("s3.put_object body".to_owned(), Class::Secret)]
        );
    }

    #[test]
    fn attributes_are_secret_when_named_and_binary_ones_never() {
        assert_eq!(
            learned(
                "dynamodb.PutItem",
                json!({ "table_name": "orders", "item": {
                    "card": { "S": "4242 4242" }, "sealed": { "B": "NDI0Mg==" } } })
            ),
            [("orders.card".to_owned(), Class::Attribute)]
        );
    }
}
