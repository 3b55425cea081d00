//! What lifecycle rules do, each midnight UTC while a bucket has rules and something in it.
//!
//! Nothing of it is replicated (S3-054), and what still replicates waits (S3-068).

use faultline_proto::s3;

use super::keyspaces::{
    BucketRow, Buckets, ObjectRow, VersionKey, VersionRow, Versioning, Versions,
};
use super::lifecycle::{DAY, fits, last_day, midnight_after, rules};
use super::uploads::{self, Uploads};
use super::{body, delete, lock, versions};
use crate::context::{Ctx, encode};
use crate::store::Range;

crate::keyspaces! {
    /// Buckets whose rules run at the next midnight, and when: microseconds since 1970.
    pub Armed = 0x060B, "s3.lifecycle-armed", version 1: String => i64;
}

/// Sets the timer for the next midnight, unless it is set.
pub fn arm(ctx: &mut Ctx<'_>, name: &str, bucket: &BucketRow) {
    if bucket.lifecycle.is_none() {
        return;
    }
    let now = ctx.now().0;
    if ctx.get::<Armed>(name).is_some_and(|at| at > now) {
        return;
    }
    let midnight = (now.div_euclid(DAY) + 1) * DAY;
    ctx.put::<Armed>(name, &midnight);
    let wait = u64::try_from(midnight - now).unwrap_or_default();
    let at = ctx.elapsed().plus_micros(wait);
    ctx.schedule("s3", at, "lifecycle", encode(&name.to_owned()));
}

/// The timer: does what is due in one bucket.
pub(super) fn run(ctx: &mut Ctx<'_>, name: &str) {
    ctx.delete::<Armed>(name);
    let Some(bucket) = ctx.get::<Buckets>(name) else {
        return;
    };
    let rules = rules(&bucket);
    let rows = ctx.all(Range::<Versions>::under((name,)));
    let mut left = false;
    for group in rows.chunk_by(|one, other| one.0.1 == other.0.1) {
        left |= one_key(ctx, &bucket, &rules, group);
    }
    for (at, row) in ctx.all(Range::<Uploads>::under((name,))) {
        let due = rules.iter().any(|rule| {
            let days = rule
                .abort_incomplete_multipart_upload
                .as_ref()
                .and_then(|abort| abort.days_after_initiation);
            fits(rule, &at.1, None)
                && days.is_some_and(|days| midnight_after(row.initiated, days) <= ctx.now().0)
        });
        if due {
            uploads::remove(ctx, &at, &row, &[]);
            note(ctx, &at.0, &at.1, "", "upload_aborted");
        } else {
            left = true;
        }
    }
    if left {
        arm(ctx, name, &bucket);
    }
}

fn note(ctx: &mut Ctx<'_>, bucket: &str, key: &str, version_id: &str, what: &str) {
    ctx.note(
        "lifecycle",
        &[
            ("bucket", bucket),
            ("key", key),
            ("version_id", version_id),
            ("action", what),
        ],
    );
}

/// Does what is due to the versions of one key, newest first; whether anything is left.
fn one_key(
    ctx: &mut Ctx<'_>,
    bucket: &BucketRow,
    rules: &[s3::LifecycleRule],
    group: &[(VersionKey, VersionRow)],
) -> bool {
    let Some((at, row)) = group.first() else {
        return false;
    };
    let mut removed = 0;
    // Older versions first: whether a delete marker hides nothing is seen after them.
    for (place, (old, version)) in group.iter().enumerate().skip(1) {
        let since = group[place - 1].1.modified;
        if noncurrent_is_due(ctx, rules, &old.1, version, since, place) {
            remove(ctx, old, version, "noncurrent_expired");
            removed += 1;
        } else {
            transition(ctx, rules, old, version, since, true);
        }
    }
    let alone = group.len() - removed == 1;
    if current(ctx, bucket, rules, at, row, alone) {
        removed += 1;
    }
    group.len() > removed
}

/// The current version; whether it is gone for good.
fn current(
    ctx: &mut Ctx<'_>,
    bucket: &BucketRow,
    rules: &[s3::LifecycleRule],
    at: &VersionKey,
    row: &VersionRow,
    alone: bool,
) -> bool {
    let now = ctx.now().0;
    let object = row.object.as_ref();
    let fitting = || rules.iter().filter(|rule| fits(rule, &at.1, object));
    if object.is_none() {
        let due = alone
            && fitting().any(|rule| {
                let said = rule.expiration.as_ref();
                said.and_then(|said| said.expired_object_delete_marker) == Some(true)
                    || last_day(rule, row.modified).is_some_and(|day| day <= now)
            });
        if due {
            remove(ctx, at, row, "delete_marker_removed");
        }
        return due;
    }
    let due = fitting().any(|rule| last_day(rule, row.modified).is_some_and(|day| day <= now));
    if !due || waits(row) {
        transition(ctx, rules, at, row, row.modified, false);
        return false;
    }
    match bucket.versioning {
        Versioning::Off => {
            remove(ctx, at, row, "expired");
            true
        }
        Versioning::Enabled | Versioning::Suspended => {
            delete::mark(ctx, &at.0, &at.1, bucket);
            note(ctx, &at.0, &at.1, &row.version_id, "expired");
            false
        }
    }
}

/// What still replicates, or failed to, stays (S3-068).
fn waits(row: &VersionRow) -> bool {
    matches!(
        versions::replication_status(row).as_deref(),
        Some("PENDING" | "FAILED")
    )
}

fn noncurrent_is_due(
    ctx: &Ctx<'_>,
    rules: &[s3::LifecycleRule],
    key: &str,
    row: &VersionRow,
    since: i64,
    place: usize,
) -> bool {
    let object = row.object.as_ref();
    let due = rules.iter().any(|rule| {
        let Some(said) = &rule.noncurrent_version_expiration else {
            return false;
        };
        let kept = usize::try_from(said.newer_noncurrent_versions.unwrap_or_default());
        fits(rule, key, object)
            && place > kept.unwrap_or_default()
            && said
                .noncurrent_days
                .is_some_and(|days| midnight_after(since, days) <= ctx.now().0)
    });
    due && !waits(row) && !object.is_some_and(|object| lock::is_kept(ctx, &object.lock))
}

/// Gives a version the storage class that is due.
fn transition(
    ctx: &mut Ctx<'_>,
    rules: &[s3::LifecycleRule],
    at: &VersionKey,
    row: &VersionRow,
    since: i64,
    noncurrent: bool,
) {
    let Some(object) = &row.object else { return };
    let now = ctx.now().0;
    let mut due: Option<(i64, String)> = None;
    for rule in rules.iter().filter(|rule| fits(rule, &at.1, Some(object))) {
        let said: Vec<(Option<i64>, Option<String>)> = if noncurrent {
            rule.noncurrent_version_transitions
                .iter()
                .map(|one| {
                    let day = one.noncurrent_days.map(|days| midnight_after(since, days));
                    (day, one.storage_class.clone())
                })
                .collect()
        } else {
            rule.transitions
                .iter()
                .map(|one| {
                    let by_date = one.date.map(|millis| millis.saturating_mul(1000));
                    let day = by_date.or(one.days.map(|days| midnight_after(since, days)));
                    (day, one.storage_class.clone())
                })
                .collect()
        };
        for (day, class) in said {
            let (Some(day), Some(class)) = (day, class) else {
                continue;
            };
            if day <= now && due.as_ref().is_none_or(|(last, _)| day >= *last) {
                due = Some((day, class));
            }
        }
    }
    let Some((_, class)) = due.filter(|(_, class)| *class != object.storage_class) else {
        return;
    };
    if waits(row) {
        return;
    }
    let mut row = row.clone();
    let object = ObjectRow {
        storage_class: class,
        ..object.clone()
    };
    row.object = Some(object);
    ctx.put::<Versions>(at, &row);
    note(ctx, &at.0, &at.1, &row.version_id, "transitioned");
}

fn remove(ctx: &mut Ctx<'_>, at: &VersionKey, row: &VersionRow, what: &str) {
    if let Some(object) = &row.object {
        body::remove(ctx, object);
    }
    ctx.delete::<Versions>(at);
    note(ctx, &at.0, &at.1, &row.version_id, what);
}

/// `Fri, 21 Dec 2012 00:00:00 GMT`.
#[must_use]
pub(super) fn http_date(micros: i64) -> String {
    const WEEK: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const YEAR: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = micros.div_euclid(DAY);
    let seconds = micros.rem_euclid(DAY) / 1_000_000;
    // Howard Hinnant's civil_from_days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let name = |names: &[&'static str], at: i64| {
        usize::try_from(at)
            .ok()
            .and_then(|at| names.get(at).copied())
            .unwrap_or_default()
    };
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        name(&WEEK, days.rem_euclid(7)),
        name(&YEAR, month),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(
            http_date(1_356_048_000_000_000),
            "Fri, 21 Dec 2012 00:00:00 GMT"
        );
        assert_eq!(
            http_date(951_868_799_000_000),
            "Tue, 29 Feb 2000 23:59:59 GMT"
        );
    }

    #[test]
    fn a_day_ends_at_the_next_midnight() {
        assert_eq!(midnight_after(1, 1), 2 * DAY);
        assert_eq!(midnight_after(DAY - 1, 1), 2 * DAY);
        assert_eq!(midnight_after(DAY, 1), 3 * DAY);
    }
}
