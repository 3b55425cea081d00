//! ListStreams, DescribeStream, GetShardIterator, GetRecords.

use std::collections::BTreeMap;

use faultline_proto::dynamodbstreams::attribute_value::Value as Wire;
use faultline_proto::dynamodbstreams::{self as streams, AttributeValue, Record, StreamRecord};
use faultline_proto::progress::Progress;

use super::changes::Change;
use super::iterators::Iterator;
use super::shards::{self, Found, OLDEST, StreamName};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::services::dynamodb::encryption;
use crate::services::dynamodb::error::DynamoError;
use crate::services::dynamodb::keyspaces::{ChangeRow, Changes, Streams, Tables};
use crate::services::dynamodb::names::TableName;
use crate::services::dynamodb::value::{Item, Value};
use crate::services::dynamodb::{describe, index_settings};
use crate::store::Range;

/// Streams on a page, shards on a page, records in an answer, and their bytes.
const MOST_STREAMS: i32 = 100;
const MOST_SHARDS: i32 = 100;
const MOST_RECORDS: i32 = 1000;
const LARGEST: u64 = 1024 * 1024;

fn limit(asked: Option<i32>, most: i32) -> Result<usize, DynamoError> {
    let limit = asked.unwrap_or(most);
    if limit > most {
        return Err(DynamoError::Validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy \
             constraint: Member must have value less than or equal to {most}"
        )));
    }
    Ok(usize::try_from(limit).unwrap_or_default())
}

/// Lists streams: those that are on, and those that were less than 24 hours ago.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: streams::ListStreamsRequest,
) -> Result<Progress<streams::ListStreamsResponse>, Refusal> {
    let limit = limit(request.limit, MOST_STREAMS)?;
    let account = ctx.account();
    let mut all: BTreeMap<String, streams::Stream> = BTreeMap::new();
    let mut add = |ctx: &Ctx<'_>, table: &str, label: String| {
        let name = StreamName {
            table: TableName {
                account: account.clone(),
                name: table.to_owned(),
            },
            label,
        };
        let arn = name.arn(ctx);
        let stream = streams::Stream {
            stream_arn: Some(arn.clone()),
            table_name: Some(table.to_owned()),
            stream_label: Some(name.label),
        };
        all.insert(arn, stream);
    };
    for ((_, table), row) in ctx.all(Range::<Tables>::under((&ctx.account(),))) {
        if let Some(stream) = &row.stream {
            add(ctx, &table, describe::label(stream.since));
        }
    }
    for ((_, table, label), _) in ctx.all(Range::<Streams>::under((&ctx.account(),))) {
        add(ctx, &table, label);
    }
    let after = request.exclusive_start_stream_arn.unwrap_or_default();
    let mut rest = all
        .into_values()
        .filter(|stream| {
            let named = request.table_name.is_none() || stream.table_name == request.table_name;
            named && stream.stream_arn.as_ref().is_some_and(|arn| *arn > after)
        })
        .peekable();
    let page: Vec<streams::Stream> = rest.by_ref().take(limit).collect();
    let more = rest.peek().is_some();
    Ok(Progress::Done(streams::ListStreamsResponse {
        last_evaluated_stream_arn: page
            .last()
            .and_then(|stream| stream.stream_arn.clone())
            .filter(|_| more),
        streams: page,
    }))
}

fn last_number(ctx: &mut Ctx<'_>, found: &Found) -> Option<u64> {
    let range = Range::<Changes>::under((found.row.id.as_str(), found.stream.since.0));
    ctx.first(range.reversed())
        .map(|((_, _, number), _)| number)
}

/// The last record of a shard.
fn last_of(ctx: &mut Ctx<'_>, found: &Found, shard: u64) -> Option<u64> {
    let key = |number: u64| (found.row.id.as_str(), found.stream.since.0, number);
    let range = Range::<Changes>::under((found.row.id.as_str(), found.stream.since.0))
        .from(key(shards::begin(shard)))
        .before(key(shards::begin(shard + 1)));
    ctx.first(range.reversed())
        .map(|((_, _, number), _)| number)
}

/// Describes a stream and a page of its shards.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: streams::DescribeStreamRequest,
) -> Result<Progress<streams::DescribeStreamResponse>, Refusal> {
    let limit = limit(request.limit, MOST_SHARDS)?;
    let name = StreamName::read(ctx, request.stream_arn.as_deref())?;
    let found = name.found(ctx)?;
    let last = last_number(ctx, &found);
    let child_of = request.shard_filter.and_then(|filter| filter.shard_id);
    let after = request.exclusive_start_shard_id.unwrap_or_default();
    let mut shards = Vec::new();
    for shard in found.shards(ctx, last) {
        let id = found.shard_id(shard.ordinal);
        let parent = shard
            .ordinal
            .checked_sub(1)
            .map(|parent| found.shard_id(parent));
        if id <= after || child_of.is_some() && parent != child_of {
            continue;
        }
        let ending = shard.closed.then(|| {
            let last = last_of(ctx, &found, shard.ordinal);
            shards::text(last.unwrap_or(shards::begin(shard.ordinal) + 1))
        });
        shards.push(streams::Shard {
            shard_id: Some(id),
            sequence_number_range: Some(streams::SequenceNumberRange {
                starting_sequence_number: Some(shards::text(shards::begin(shard.ordinal) + 1)),
                ending_sequence_number: ending,
            }),
            parent_shard_id: parent,
        });
    }
    let more = shards.len() > limit;
    shards.truncate(limit);
    let schema = index_settings::elements(&found.row.schema);
    let status = if found.ended.is_some() {
        "DISABLED"
    } else {
        "ENABLED"
    };
    Ok(Progress::Done(streams::DescribeStreamResponse {
        stream_description: Some(streams::StreamDescription {
            stream_arn: Some(name.arn(ctx)),
            stream_label: Some(name.label.clone()),
            stream_status: Some(status.to_owned()),
            stream_view_type: Some(found.stream.view.clone()),
            creation_request_date_time: Some(found.stream.since.millis()),
            table_name: Some(name.table.name.clone()),
            key_schema: schema
                .into_iter()
                .map(|element| streams::KeySchemaElement {
                    attribute_name: element.attribute_name,
                    key_type: element.key_type,
                })
                .collect(),
            last_evaluated_shard_id: shards
                .last()
                .and_then(|shard| shard.shard_id.clone())
                .filter(|_| more),
            shards,
        }),
    }))
}

/// Gives a place in a shard.
pub(super) fn iterator(
    ctx: &mut Ctx<'_>,
    request: streams::GetShardIteratorRequest,
) -> Result<Progress<streams::GetShardIteratorResponse>, Refusal> {
    let name = StreamName::read(ctx, request.stream_arn.as_deref())?;
    let found = name.found(ctx)?;
    let last = last_number(ctx, &found);
    let shard = found
        .shards(ctx, last)
        .into_iter()
        .find(|shard| Some(found.shard_id(shard.ordinal)) == request.shard_id)
        .ok_or(DynamoError::NoShard)?;
    let begin = shards::begin(shard.ordinal);
    let number = || {
        let text = request.sequence_number.as_deref();
        let number = text
            .and_then(shards::parse)
            .filter(|number| shards::of(*number) == shard.ordinal);
        number.ok_or_else(|| {
            DynamoError::validation("Invalid SequenceNumber: it must be given and lie in the shard")
        })
    };
    let (after, named) = match request.shard_iterator_type.as_deref() {
        Some("LATEST") => (last_of(ctx, &found, shard.ordinal).unwrap_or(begin), false),
        Some("AT_SEQUENCE_NUMBER") => (number()?.saturating_sub(1), true),
        Some("AFTER_SEQUENCE_NUMBER") => (number()?, true),
        Some("AT_TIMESTAMP") => {
            let moment = request.timestamp.ok_or_else(|| {
                DynamoError::validation("Timestamp must be specified with AT_TIMESTAMP")
            })?;
            (before(ctx, &found, shard.ordinal, moment), false)
        }
        _ => (begin, false),
    };
    if named && trimmed(ctx, &found, after + 1) {
        return Err(DynamoError::Trimmed(request.sequence_number.unwrap_or_default()).into());
    }
    let iterator = Iterator::new(ctx, name.arn(ctx), shard.ordinal, after, named);
    Ok(Progress::Done(streams::GetShardIteratorResponse {
        shard_iterator: Some(iterator.text()),
    }))
}

/// The number before the first record of a shard at or after a moment in milliseconds.
fn before(ctx: &mut Ctx<'_>, found: &Found, shard: u64, moment: i64) -> u64 {
    let mut at = shards::begin(shard);
    for (number, row) in of_shard(ctx, found, shard, at) {
        if row.at.millis() >= moment {
            break;
        }
        at = number;
    }
    at
}

/// Whether a record is older than 24 hours.
fn trimmed(ctx: &mut Ctx<'_>, found: &Found, number: u64) -> bool {
    let key = (found.row.id.as_str(), found.stream.since.0, number);
    let row = ctx.get::<Changes>(key);
    row.is_some_and(|row| is_old(ctx, &row))
}

fn is_old(ctx: &Ctx<'_>, row: &ChangeRow) -> bool {
    ctx.elapsed().0 - row.elapsed > OLDEST
}

/// The kept records of a shard after a number.
fn of_shard(ctx: &mut Ctx<'_>, found: &Found, shard: u64, after: u64) -> Vec<(u64, ChangeRow)> {
    let key = |number: u64| (found.row.id.as_str(), found.stream.since.0, number);
    let range = Range::<Changes>::under((found.row.id.as_str(), found.stream.since.0))
        .after(key(after))
        .before(key(shards::begin(shard + 1)));
    let rows = ctx.all(range);
    rows.into_iter()
        .filter(|(_, row)| !is_old(ctx, row))
        .map(|((_, _, number), row)| (number, row))
        .collect()
}

/// Reads changes from a place on.
pub(super) fn records(
    ctx: &mut Ctx<'_>,
    request: streams::GetRecordsRequest,
) -> Result<Progress<streams::GetRecordsResponse>, Refusal> {
    let limit = limit(request.limit, MOST_RECORDS)?;
    let iterator = Iterator::read(request.shard_iterator.as_deref())?;
    iterator.check(ctx)?;
    let name = StreamName::read(ctx, Some(&iterator.stream))?;
    let found = name.found(ctx)?;
    let key = encryption::key_of(ctx, &name.table, &found.row)?;
    if iterator.named && trimmed(ctx, &found, iterator.after + 1) {
        return Err(DynamoError::Trimmed(shards::text(iterator.after + 1)).into());
    }
    let last = last_number(ctx, &found);
    let closed = found
        .shards(ctx, last)
        .iter()
        .any(|shard| shard.ordinal == iterator.shard && shard.closed);
    let all = of_shard(ctx, &found, iterator.shard, iterator.after);
    let (mut records, mut bytes, mut after) = (Vec::new(), 0, iterator.after);
    let mut rest = all.into_iter().peekable();
    while records.len() < limit && bytes < LARGEST {
        let Some((number, row)) = rest.next() else {
            break;
        };
        let place = (found.row.id.as_str(), &number.to_be_bytes()[..]);
        let change: Change = key.open_at(place, &row.sealed)?;
        bytes += change.size;
        after = number;
        records.push(shown(ctx, &found, number, &row, &change));
    }
    let ends = closed && rest.peek().is_none();
    let next = Iterator::new(ctx, iterator.stream, iterator.shard, after, false);
    Ok(Progress::Done(streams::GetRecordsResponse {
        records,
        next_shard_iterator: (!ends).then(|| next.text()),
    }))
}

fn shown(ctx: &Ctx<'_>, found: &Found, number: u64, row: &ChangeRow, change: &Change) -> Record {
    let members = |item: &Option<Item>| item.as_ref().map(wire_of).unwrap_or_default();
    Record {
        event_id: Some(row.event.clone()),
        event_name: Some(change.name.clone()),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(ctx.region().to_string()),
        dynamodb: Some(StreamRecord {
            // In whole seconds, as AWS gives it.
            approximate_creation_date_time: Some(row.at.millis() / 1000 * 1000),
            keys: wire_of(&change.keys),
            new_image: members(&change.new),
            old_image: members(&change.old),
            sequence_number: Some(shards::text(number)),
            size_bytes: i64::try_from(change.size.max(1)).ok(),
            stream_view_type: Some(found.stream.view.clone()),
        }),
        // DDB-020: replicated deletions do not have it.
        user_identity: change.expired.then(|| streams::Identity {
            principal_id: Some("dynamodb.amazonaws.com".to_owned()),
            r#type: Some("Service".to_owned()),
        }),
    }
}

fn wire_of(item: &Item) -> BTreeMap<String, AttributeValue> {
    item.iter()
        .map(|(name, value)| (name.clone(), wire(value)))
        .collect()
}

/// The same value in the messages of this service.
fn wire(value: &Value) -> AttributeValue {
    let value = match value {
        Value::S(text) => Wire::S(text.clone()),
        Value::N(number) => Wire::N(number.to_string()),
        Value::B(bytes) => Wire::B(bytes.clone()),
        Value::Ss(set) => Wire::Ss(streams::StringSetAttributeValue {
            items: set.iter().cloned().collect(),
        }),
        Value::Ns(set) => Wire::Ns(streams::NumberSetAttributeValue {
            items: set.iter().map(ToString::to_string).collect(),
        }),
        Value::Bs(set) => Wire::Bs(streams::BinarySetAttributeValue {
            items: set.iter().cloned().collect(),
        }),
        Value::M(map) => Wire::M(streams::MapAttributeValue {
            items: wire_of(map),
        }),
        Value::L(list) => Wire::L(streams::ListAttributeValue {
            items: list.iter().map(wire).collect(),
        }),
        Value::Null => Wire::Null(true),
        Value::Bool(value) => Wire::Bool(*value),
    };
    AttributeValue { value: Some(value) }
}
