//! `sealed.*`: the client that encrypts before it sends.
//!
//! It asks DynamoDB in the step's Region and KMS where its keyring says, each time over
//! the links from where the client stands. A failed call of it is the step's failure. How
//! it encrypts is read in `sealed_client`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use faultline_proto::codec;
use faultline_proto::dynamodb::{GetItemResponse, PutItemRequest};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;
use faultline_sealed::attribute::{AttributeMap, from_attributes, to_attributes};
use faultline_sealed::beacons::expression::check_condition;
use faultline_sealed::open::OpenedWith;
use faultline_sealed::{Item, SealedError, WrappedBy};
use prost::Message;
use serde_json::{Map, Value, json};

use super::Runner;
use super::ask::{self, Refusal, Said};
use super::problem::Trouble;
use super::sealed_aws::{Aws, Chance};
use super::sealed_requests::answer;
use super::verbs::Asked;
use crate::clock::SimTime;

impl Runner<'_> {
    /// `sealed.put_item`.
    pub(super) async fn sealed_put(&self, asked: &Asked) -> Result<Said, Trouble> {
        let (client, table) = self.sealed_client(asked)?;
        let request = self.put_request(&asked.arguments)?;
        let item = from_attributes(request.item.clone())
            .map_err(|error| self.own("InvalidArguments", error.to_string()))?;
        self.note_secrets(&table.name, &request.item);
        let condition = request.condition_expression();
        if let Err(why) = check_condition(
            &client.schema,
            condition,
            &request.expression_attribute_names,
        ) {
            let refused = SealedError::SchemaViolation(why);
            return Ok(self.not_sent(&refused));
        }
        // What is not the item goes along as it was written.
        let more = PutItemRequest {
            item: BTreeMap::new(),
            table_name: None,
            ..request
        };
        let aws = self.aws(asked, more.encode_to_vec());
        let mut chance = self.chance(asked);
        let since = self.sim.now();
        let put = client.put_item(&aws, &mut chance, &table, &item).await;
        let call = told(&aws, &table.region, since);
        Ok(Said {
            result: put
                .map(|_| json!({}))
                .map_err(|error| refusal(&aws, &error)),
            call,
        })
    }

    /// `sealed.get_item`.
    pub(super) async fn sealed_get(&self, asked: &Asked) -> Result<Said, Trouble> {
        let (client, table) = self.sealed_client(asked)?;
        let key = json!({ "table_name": table.name, "item": asked.arguments["key"] });
        let key = from_attributes(self.put_request(&key)?.item)
            .map_err(|error| self.own("InvalidArguments", error.to_string()))?;
        let consistent = asked.arguments["consistent_read"] == true;
        let aws = self.aws(asked, Vec::new());
        let since = self.sim.now();
        let got = client.get_item(&aws, &table, &key, consistent).await;
        let call = told(&aws, &table.region, since);
        let result = got
            .map_err(|error| refusal(&aws, &error))
            .map(|opened| match opened {
                None => json!({}),
                Some(opened) => json!({
                    "item": plain(opened.item),
                    "opened_with": opened.opened_with.as_ref().map(opened_with),
                }),
            });
        Ok(Said { result, call })
    }

    /// What the client refuses before any call.
    fn not_sent(&self, error: &SealedError) -> Said {
        Said {
            result: Err(Refusal::own(
                error.code(),
                error.to_string(),
                self.sim.now(),
            )),
            call: Value::Null,
        }
    }

    pub(super) fn chance<'a>(&self, asked: &'a Asked) -> Chance<'a> {
        Chance {
            seed: self.sim.seed(),
            purpose: &asked.purpose,
            drawn: 0,
        }
    }

    pub(super) fn aws<'a>(&'a self, asked: &'a Asked, more: Vec<u8>) -> Aws<'a> {
        Aws {
            sim: &self.sim,
            caller: &asked.caller,
            purpose: &asked.purpose,
            more,
            calls: Cell::new(0),
            attempts: Cell::new(1),
            cross_region: Cell::new(0),
            last: RefCell::new(None),
        }
    }

    /// The arguments as a PutItem: the only reader of plain items is the codec.
    pub(super) fn put_request(&self, arguments: &Value) -> Result<PutItemRequest, Trouble> {
        self.request("dynamodb.PutItem", arguments)
    }

    /// The arguments as a request of `operation`.
    pub(super) fn request<R: Message + Default>(
        &self,
        operation: &str,
        arguments: &Value,
    ) -> Result<R, Trouble> {
        let def = find_operation(operation)
            .ok_or_else(|| self.own("NotBuilt", "this build has no DynamoDB"))?;
        let encoded = codec::from_snake(def.input, arguments).map_err(|problems| {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            self.own("InvalidArguments", words.join("; "))
        })?;
        R::decode(encoded.message.as_slice())
            .map_err(|error| self.own("InvalidArguments", error.to_string()))
    }

    /// What is encrypted before it is sent is secret.
    pub(super) fn note_secrets(&self, table: &str, item: &AttributeMap) {
        let plan = self.case.world.sealed_clients.get(table);
        let Some(plan) = plan else { return };
        for (attribute, value) in item {
            let hidden = plan.attributes.get(attribute).map(String::as_str);
            if hidden != Some("encrypt_and_sign") {
                continue;
            }
            use faultline_proto::dynamodb::attribute_value::Value as Member;
            let secret = match &value.value {
                Some(Member::S(text) | Member::N(text)) => text.as_bytes(),
                Some(Member::B(bytes)) => bytes,
                _ => continue,
            };
            let name = format!("{table}.{attribute}");
            self.secrets.borrow_mut().add(&self.sim, &name, secret);
        }
    }
}

pub(super) fn told(aws: &Aws<'_>, region: &RegionName, since: SimTime) -> Value {
    let attempts = usize::try_from(aws.attempts.get()).unwrap_or(usize::MAX);
    ask::told(
        region,
        since,
        aws.sim.now(),
        attempts,
        aws.cross_region.get(),
    )
}

/// What opened an item: a KMS key and where it was asked, or a branch key.
fn opened_with(with: &OpenedWith) -> Value {
    match &with.key {
        WrappedBy::Kms(key) => json!({
            "region": with.region.as_ref().map(RegionName::as_str),
            "key": key.as_str(),
        }),
        WrappedBy::Branch { id, version } => json!({
            "branch_key": id,
            "branch_key_version": version.to_string(),
        }),
    }
}

/// A failed call as it was; what the client itself refuses under its own code.
pub(super) fn refusal(aws: &Aws<'_>, error: &SealedError) -> Refusal {
    let from_call = error
        .call()
        .and_then(|failure| serde_json::from_str::<Refusal>(&failure.payload).ok());
    if let Some(refusal) = from_call {
        return refusal;
    }
    let last = aws.last.borrow().clone().unwrap_or_default();
    Refusal {
        code: error.code().to_owned(),
        message: error.to_string(),
        at: aws.sim.now(),
        ..last
    }
}

/// An item in the language's spelling.
pub(super) fn plain(item: Item) -> Value {
    let response = GetItemResponse {
        item: to_attributes(item),
        ..GetItemResponse::default()
    };
    answer("dynamodb.GetItem", &response)
        .get_mut("item")
        .map_or_else(|| Value::Object(Map::new()), Value::take)
}
