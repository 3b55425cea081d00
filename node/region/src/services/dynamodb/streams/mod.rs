//! DynamoDB Streams: the changes of a table's items, in order, for 24 hours.
//!
//! - [`changes`]: what is kept of a change, written with it.
//! - [`shards`]: a stream's shards: one is open, a new one begins every four hours.
//! - [`iterators`]: places in a shard.
//! - [`reading`]: the four operations.
//!
//! Left out: the stream of a deleted table, which AWS lets read for 24 hours more.

pub(crate) mod changes;
mod iterators;
mod reading;
mod shards;

use faultline_proto::dynamodbstreams as streams;
use faultline_proto::handlers::{
    DynamoDbStreamsHandler, DynamoDbStreamsRequest, dispatch_dynamodbstreams,
};
use faultline_proto::progress::Progress;

use self::iterators::Iterator;
use self::shards::StreamName;
use super::access;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service, Wording};

/// DynamoDB Streams.
#[derive(Debug)]
pub struct DynamoDbStreams;

impl Service for DynamoDbStreams {
    const PREFIX: &'static str = "dynamodbstreams";
    const PRINCIPAL: &'static str = "dynamodb.amazonaws.com";
    type Request = DynamoDbStreamsRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<DynamoDbStreamsRequest, prost::DecodeError>> {
        DynamoDbStreamsRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &DynamoDbStreamsRequest) -> Result<Vec<Access>, Refusal> {
        use DynamoDbStreamsRequest as R;
        let (action, arn) = match request {
            R::ListStreams(_) => {
                let account = ctx.account();
                let wording = Wording::AccessDeniedException;
                let action = "dynamodb:ListStreams".to_owned();
                return Ok(vec![Access::new(
                    ctx,
                    action,
                    "*".to_owned(),
                    account,
                    wording,
                )]);
            }
            R::DescribeStream(request) => ("DescribeStream", request.stream_arn.clone()),
            R::GetShardIterator(request) => ("GetShardIterator", request.stream_arn.clone()),
            R::GetRecords(request) => {
                let iterator = Iterator::read(request.shard_iterator.as_deref())?;
                ("GetRecords", Some(iterator.stream))
            }
        };
        let name = StreamName::read(ctx, arn.as_deref())?;
        let mut access = access::on(ctx, action, &name.table);
        access.resource = name.arn(ctx);
        Ok(vec![access])
    }

    fn handle(
        ctx: &mut Ctx<'_>,
        request: DynamoDbStreamsRequest,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_dynamodbstreams::<Self>(ctx, request)
    }
}

impl DynamoDbStreamsHandler for DynamoDbStreams {
    type Ctx<'a> = Ctx<'a>;
    type Error = Refusal;

    fn list_streams(
        ctx: &mut Ctx<'_>,
        request: streams::ListStreamsRequest,
    ) -> Result<Progress<streams::ListStreamsResponse>, Refusal> {
        reading::list(ctx, request)
    }

    fn describe_stream(
        ctx: &mut Ctx<'_>,
        request: streams::DescribeStreamRequest,
    ) -> Result<Progress<streams::DescribeStreamResponse>, Refusal> {
        reading::describe(ctx, request)
    }

    fn get_shard_iterator(
        ctx: &mut Ctx<'_>,
        request: streams::GetShardIteratorRequest,
    ) -> Result<Progress<streams::GetShardIteratorResponse>, Refusal> {
        reading::iterator(ctx, request)
    }

    fn get_records(
        ctx: &mut Ctx<'_>,
        request: streams::GetRecordsRequest,
    ) -> Result<Progress<streams::GetRecordsResponse>, Refusal> {
        reading::records(ctx, request)
    }
}
