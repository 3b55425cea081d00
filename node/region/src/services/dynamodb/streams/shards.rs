//! The shards of a stream, by arithmetic.
//!
//! A shard lasts four hours of its Region's clock; the next one is its child. A record's number
//! is its shard's ordinal and its place in it, so nothing about shards is stored. Shards whose
//! records are all older than 24 hours are not listed any more.

use faultline_proto::names::{AccountId, Arn, Timestamp};

use crate::context::Ctx;
use crate::services::dynamodb::describe;
use crate::services::dynamodb::error::DynamoError;
use crate::services::dynamodb::keyspaces::{Stream, StreamRow, Streams, TableRow};
use crate::services::dynamodb::names::TableName;
use crate::services::dynamodb::tables;

/// How long a shard takes records, and how long records are kept, microseconds.
pub(crate) const LASTS: u64 = 4 * 3600 * 1_000_000;
pub(crate) const OLDEST: u64 = 24 * 3600 * 1_000_000;
/// Records that a shard may have.
const ROOM: u64 = 1_000_000_000_000;

/// In which shard a record of this moment would be.
pub(crate) fn window(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.0 - since.0).unwrap_or_default() / LASTS
}

/// The shard of a record.
pub(crate) fn of(number: u64) -> u64 {
    number / ROOM
}

/// The number before a shard's first record.
pub(crate) fn begin(shard: u64) -> u64 {
    shard * ROOM
}

/// The number of the next record, and whether it is the first of its shard. A clock that was
/// set back does not bring an older shard back.
pub(crate) fn next(last: Option<u64>, window: u64) -> (u64, bool) {
    match last {
        Some(last) if of(last) >= window => (last + 1, false),
        _ => (begin(window) + 1, true),
    }
}

/// A number as AWS writes it: at least 21 digits.
pub(crate) fn text(number: u64) -> String {
    format!("1{number:020}")
}

/// The number that a text says.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('1').filter(|rest| rest.len() == 20)?;
    digits.parse().ok()
}

/// A stream by its ARN; it need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamName {
    pub(crate) table: TableName,
    pub(crate) label: String,
}

/// A stream that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) row: TableRow,
    pub(crate) stream: Stream,
    /// Elapsed moment at which it was switched off.
    pub(crate) ended: Option<u64>,
}

impl StreamName {
    /// Reads a StreamArn member.
    pub(crate) fn read(ctx: &Ctx<'_>, arn: Option<&str>) -> Result<Self, DynamoError> {
        let text = arn.unwrap_or_default();
        let wrong = || {
            DynamoError::Validation(format!(
                "1 validation error detected: Invalid StreamArn: Invalid ARN: {text}"
            ))
        };
        let arn = Arn::new(text).map_err(|_| wrong())?;
        let (table, label) = arn
            .resource()
            .strip_prefix("table/")
            .and_then(|rest| rest.split_once("/stream/"))
            .filter(|_| arn.service() == "dynamodb")
            .ok_or_else(wrong)?;
        if arn.region() != ctx.region().as_str() {
            return Err(DynamoError::NoStream(text.to_owned()));
        }
        let account = AccountId::new(arn.account()).map_err(|_| wrong())?;
        Ok(Self {
            table: TableName {
                account,
                name: table.to_owned(),
            },
            label: label.to_owned(),
        })
    }

    /// Its ARN.
    pub(crate) fn arn(&self, ctx: &Ctx<'_>) -> String {
        format!("{}/stream/{}", self.table.arn(ctx), self.label)
    }

    /// The stream, on or off since less than 24 hours.
    pub(crate) fn found(&self, ctx: &mut Ctx<'_>) -> Result<Found, DynamoError> {
        let missing = || DynamoError::NoStream(self.arn(ctx));
        let error = missing();
        let Some(row) = tables::row_of(ctx, &self.table) else {
            return Err(error);
        };
        if let Some(stream) = row.stream.clone()
            && describe::label(stream.since) == self.label
        {
            return Ok(Found {
                row,
                stream,
                ended: None,
            });
        }
        let key = (
            &self.table.account,
            self.table.name.as_str(),
            self.label.as_str(),
        );
        match ctx.get::<Streams>(key).filter(|old| old.table == row.id) {
            Some(old) => Ok(old.found(row)),
            None => Err(error),
        }
    }
}

impl StreamRow {
    /// As a stream of its table.
    pub(crate) fn found(self, row: TableRow) -> Found {
        Found {
            row,
            stream: Stream {
                view: self.view,
                since: self.since,
            },
            ended: self.ended,
        }
    }
}

/// One shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) ordinal: u64,
    pub(crate) closed: bool,
}

impl Found {
    /// The shards that may have records that are kept.
    pub(crate) fn shards(&self, ctx: &Ctx<'_>, last: Option<u64>) -> Vec<Shard> {
        let newest = window(self.stream.since, ctx.now()).max(last.map_or(0, of));
        let oldest = window(
            self.stream.since,
            Timestamp(ctx.now().0 - i64::try_from(OLDEST).unwrap_or(i64::MAX)),
        );
        (oldest..=newest)
            .map(|ordinal| Shard {
                ordinal,
                closed: ordinal < newest || self.ended.is_some(),
            })
            .collect()
    }

    /// A shard's id: when it began, and which one it is.
    pub(crate) fn shard_id(&self, ordinal: u64) -> String {
        let began = self.stream.since.millis() + i64::try_from(ordinal * LASTS / 1000).unwrap_or(0);
        let tail: String = self.row.id.chars().take(8).collect();
        format!("shardId-{began:020}-{tail}")
    }
}
