//! What becomes owed: a version that a rule takes, or a change of one that has arrived.
//!
//! A put, a delete and a change end here, in the batch of the call that made them: it costs a few
//! rows and never waits for anybody, whatever the destination does.

use faultline_proto::s3;

use super::rows::{Deliveries, DeliveryKey, DeliveryRow, Kind, Queue, Stage};
use super::select::{self, Seen};
use super::{lane, rtc, tally, telling};
use crate::context::Ctx;
use crate::services::s3::keyspaces::{
    BucketRow, DestinationRow, Status, VersionKey, VersionRow, Versions,
};
use crate::services::s3::{access, body};

/// Deliveries become due at whole tenths of a second: those of one moment share a message.
const GRAIN: u64 = 100_000;

/// Looks whether a rule sends the version that was just written.
pub(in crate::services::s3) fn consider(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    order: u64,
    row: &BucketRow,
) {
    let Some(config) = select::of(row) else {
        return;
    };
    let version_key = (bucket.to_owned(), key.to_owned(), std::cmp::Reverse(order));
    let Some(mut version) = ctx.get::<Versions>(&version_key) else {
        return;
    };
    let seen = Seen {
        key,
        object: version.object.as_ref(),
    };
    let rules = select::that_fit(&config, seen);
    telling::version(ctx, "version_written", &version_key, &version, None);
    if rules.is_empty() {
        return;
    }
    let kind = match version.object {
        Some(_) => Kind::Object,
        None => Kind::Marker,
    };
    for rule in &rules {
        let at = moment(ctx);
        owe(ctx, &version_key, &mut version, rule, kind, at, None);
    }
    ctx.put::<Versions>(&version_key, &version);
}

/// Notes that a version is owed to the destination of a rule; the caller writes the version.
pub(super) fn owe(
    ctx: &mut Ctx<'_>,
    version_key: &VersionKey,
    version: &mut VersionRow,
    rule: &s3::ReplicationRule,
    kind: Kind,
    at: u64,
    job: Option<&str>,
) {
    let Some(to) = select::destination(rule) else {
        return;
    };
    let (bucket, key, order) = version_key;
    let id: DeliveryKey = (
        bucket.clone(),
        key.clone(),
        version.version_id.clone(),
        to.to_owned(),
    );
    version.destinations.retain(|known| known.bucket != to);
    version.destinations.push(DestinationRow {
        bucket: to.to_owned(),
        rule: rule.id().to_owned(),
        status: Status::Pending,
    });
    let row = DeliveryRow {
        rule: rule.id().to_owned(),
        kind,
        order: order.0,
        bytes: match kind {
            Kind::Object => version.object.as_ref().map_or(0, |object| object.length),
            Kind::Marker | Kind::Change => 0,
        },
        chunks: match kind {
            Kind::Object => version.object.as_ref().map_or(0, body::chunks),
            Kind::Marker | Kind::Change => 0,
        },
        since: ctx.elapsed().0,
        requested: ctx.now().0,
        stage: Stage::Queued(at),
        attempts: 0,
        met: String::new(),
        tracked: select::is_tracked(rule),
        // Neither delete markers (S3-057) nor batch jobs (S3-079) have the fifteen minutes.
        timed: select::is_timed(rule) && kind != Kind::Marker && job.is_none(),
        missed: false,
        again: false,
        job: job.map(ToOwned::to_owned),
    };
    tally::owed(ctx, bucket, &row);
    if row.timed {
        rtc::watch(ctx, &id, row.since);
    }
    ctx.put::<Deliveries>(&id, &row);
    ctx.put::<Queue>((bucket.as_str(), to, at, key.as_str(), id.2.as_str()), &());
    lane::arm(ctx, bucket, to);
}

/// Notes that a change of a version is owed under a rule, if that is still on (S3-025).
pub(super) fn change(ctx: &mut Ctx<'_>, id: &DeliveryKey, order: u64, rule: &str) {
    let place = (id.0.clone(), id.1.clone(), std::cmp::Reverse(order));
    let version = ctx.get::<Versions>(&place);
    let Some(mut version) = version.filter(|version| version.version_id == id.2) else {
        return;
    };
    let config = access::bucket(ctx, &id.0)
        .ok()
        .and_then(|row| select::of(&row));
    let rule = config
        .as_ref()
        .and_then(|config| select::rule_of(config, rule, &id.3));
    let Some(rule) = rule.filter(|rule| rule.status() == "Enabled") else {
        return;
    };
    let at = moment(ctx);
    owe(ctx, &place, &mut version, rule, Kind::Change, at, None);
    ctx.put::<Versions>(&place, &version);
}

/// When the turn of something that is owed now comes.
pub(super) fn moment(ctx: &mut Ctx<'_>) -> u64 {
    let lag = lag(ctx);
    ctx.elapsed().plus_micros(lag).0.div_ceil(GRAIN) * GRAIN
}

/// A lag with the world's median and a long tail: the product of uniform halvings is close to the
/// lognormal of LAT-004 and needs integers only.
fn lag(ctx: &mut Ctx<'_>) -> u64 {
    let median = ctx.core.s3_replication_median;
    let mut lag = median;
    for _ in 0..6 {
        let factor = 667 + ctx.entropy().below("s3.lag", 833);
        lag = lag * factor / 1000;
    }
    lag.clamp(median / 10, median * 60)
}
