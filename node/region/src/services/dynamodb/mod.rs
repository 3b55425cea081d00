//! DynamoDB: tables of items, encrypted at rest, and global tables with the last writer winning.
//!
//! Values first: [`number`], [`value`], [`schema`], [`names`], [`expression`]; [`error`] and
//! [`keyspaces`]. One file a family: [`tables`], [`update_table`] with [`settings`] and
//! [`describe`], [`listing`], [`ttl`]; [`items`], [`batch`], [`transact`] over [`actions`] over
//! [`shelf`], where every write happens; [`query`] and [`scan`] over [`pages`]; [`capacity`];
//! [`indexes`] with [`index_settings`] and [`index_fill`]; [`streams`], a service of its own;
//! [`encryption`] and [`sealing`], [`access`] with [`conditions`].
//! Global tables with strong consistency (MRSC): [`strong`].
//! Global tables (MREC): [`global`] and [`sagas`] add and remove replicas, [`disassociation`] lets one leave, [`replica`] is its other side,
//! [`members`] who there is, [`lagging`] how late a write leaves, [`backfill`] fills new ones, [`records`] what travels, [`apply`]
//! takes it, [`merge`] decides, [`group_settings`] are alike everywhere. [`watch`] notices keys that
//! cannot be used. [`journal`] tells oracles, [`trail`] the
//! auditor, [`look`] the simulator; [`due`] is
//! what time brings.
//!
//! Left out so far: PartiQL, backups and PITR, legacy parameters (Expected, AttributesToGet),
//! resource policies of tables, capacity limits, and
//! the archiving of tables whose key is unusable for a week (DDB-062).

mod access;
mod actions;
mod apply;
mod backfill;
mod batch;
mod capacity;
mod conditions;
mod describe;
mod disassociation;
mod due;
mod encryption;
mod error;
mod expression;
mod global;
mod group_settings;
mod index_fill;
mod index_settings;
mod indexes;
mod items;
mod journal;
pub(crate) mod keyspaces;
mod lagging;
mod listing;
mod look;
mod members;
mod merge;
mod names;
mod number;
mod pages;
mod query;
mod records;
mod replica;
mod sagas;
mod scan;
mod schema;
mod sealing;
mod settings;
mod shelf;
pub(crate) mod streams;
mod strong;
mod tables;
#[cfg(test)]
mod tests;
mod tombstones;
mod trail;
mod transact;
mod ttl;
mod update_table;
mod value;
mod watch;

use faultline_proto::dynamodb;
use faultline_proto::handlers::{DynamoDbHandler, DynamoDbRequest, dispatch_dynamodb};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use serde_json::{Map, Value};

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, SagaInput, Service, handlers};

/// DynamoDB.
#[derive(Debug)]
pub struct DynamoDb;

impl Service for DynamoDb {
    const PREFIX: &'static str = "dynamodb";
    const PRINCIPAL: &'static str = "dynamodb.amazonaws.com";
    type Request = DynamoDbRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<DynamoDbRequest, prost::DecodeError>> {
        DynamoDbRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &DynamoDbRequest) -> Result<Vec<Access>, Refusal> {
        access::of(ctx, request)
    }

    fn handle(ctx: &mut Ctx<'_>, request: DynamoDbRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        if let Some(progress) = strong::begin(ctx, &request)? {
            return Ok(progress);
        }
        dispatch_dynamodb::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        match kind {
            "create_replica" => sagas::resume_create(ctx, state, input),
            "delete_replica" => sagas::resume_delete(ctx, state, input),
            "strong" => strong::entry::resume(ctx, state, input),
            "strong_many" => strong::many::resume(ctx, state, input),
            "strong_form" => strong::group::formed(ctx, state, input),
            "strong_dissolve" => strong::leaving::dissolved(ctx, state, input),
            "strong_settle" => strong::background::settled(ctx, state, input),
            "strong_catch_up" => strong::background::caught_up(ctx, state, input),
            // Nobody waits: the word itself is durable and comes.
            "abandoned" => Ok(Progress::Done(Vec::new())),
            other => Err(Refusal::internal(format!(
                "dynamodb keeps no saga '{other}'"
            ))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        replica::access(ctx, kind, body)
    }

    fn remote(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match kind {
            "make_replica" => replica::make(ctx, body),
            "make_witness" => strong::leaving::make_witness(ctx, body),
            "register" => strong::acceptor::answer(ctx, body),
            "drop_replica" => replica::drop(ctx, body),
            "forget_replica" => replica::forget(ctx, body),
            other => Err(Refusal::internal(format!(
                "dynamodb answers no question '{other}'"
            ))),
        }
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        apply::apply(ctx, from, kind, body)
    }

    fn started(ctx: &mut Ctx<'_>) {
        look::tell_again(ctx);
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        due::due(ctx, kind, payload);
    }

    fn trail(ctx: &mut Ctx<'_>, operation: &str, parameters: &mut Map<String, Value>) {
        trail::shown(ctx, operation, parameters);
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }
}

handlers! {
    DynamoDbHandler for DynamoDb in dynamodb, Refusal;
    create_table => tables::create: CreateTableRequest -> CreateTableResponse;
    describe_table => tables::describe: DescribeTableRequest -> DescribeTableResponse;
    update_table => update_table::update: UpdateTableRequest -> UpdateTableResponse;
    delete_table => tables::delete: DeleteTableRequest -> DeleteTableResponse;
    put_item => items::put: PutItemRequest -> PutItemResponse;
    get_item => items::get: GetItemRequest -> GetItemResponse;
    update_item => items::update: UpdateItemRequest -> UpdateItemResponse;
    delete_item => items::delete: DeleteItemRequest -> DeleteItemResponse;
    query => query::query: QueryRequest -> QueryResponse;
    scan => scan::scan: ScanRequest -> ScanResponse;
    batch_get_item => batch::get: BatchGetItemRequest -> BatchGetItemResponse;
    batch_write_item => batch::write: BatchWriteItemRequest -> BatchWriteItemResponse;
    transact_get_items => transact::get: TransactGetItemsRequest -> TransactGetItemsResponse;
    transact_write_items => transact::write: TransactWriteItemsRequest -> TransactWriteItemsResponse;
    list_tables => listing::tables: ListTablesRequest -> ListTablesResponse;
    tag_resource => listing::tag: TagResourceRequest -> TagResourceResponse;
    untag_resource => listing::untag: UntagResourceRequest -> UntagResourceResponse;
    list_tags_of_resource => listing::tags_of: ListTagsOfResourceRequest -> ListTagsOfResourceResponse;
    update_time_to_live => ttl::update: UpdateTimeToLiveRequest -> UpdateTimeToLiveResponse;
    describe_time_to_live => ttl::describe: DescribeTimeToLiveRequest -> DescribeTimeToLiveResponse;
    describe_limits => listing::limits: DescribeLimitsRequest -> DescribeLimitsResponse;
    describe_endpoints => listing::endpoints: DescribeEndpointsRequest -> DescribeEndpointsResponse;
}
