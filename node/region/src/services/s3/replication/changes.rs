//! Changes of tags and locks of a version, on their way between source and replica.
//!
//! A change on the source goes to every destination that has the version (S3-042). A change on a
//! replica goes back only where replica modification sync is on, on both rules (S3-087). Each
//! change has a stamp, and the later one stays; what came by replication is never sent on, so
//! two-way rules do not loop (S3-086).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::offer::Arrived;
use super::rows::{Deliveries, DeliveryKey, Stage};
use super::{owe, select};
use crate::context::Ctx;
use crate::services::s3::access;
use crate::services::s3::keyspaces::{LockRow, Status, VersionKey, VersionRow, Versions};

/// When and where the latest change of a version was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StampRow {
    /// On the Region's clock, microseconds since 1970.
    pub at: i64,
    /// Region in which it was made.
    pub region: String,
    /// Bucket in which it was made.
    pub bucket: String,
    /// Whether it was made on a replica.
    pub on_replica: bool,
}

crate::keyspaces! {
    /// Stamps of changed versions by bucket, key and version.
    pub Stamps = 0x0619, "s3.stamps", version 1: (String, String, String) => StampRow;
}

/// The stamp of a version.
pub(super) fn stamp(ctx: &mut Ctx<'_>, bucket: &str, key: &str, version_id: &str) -> StampRow {
    ctx.get::<Stamps>((bucket, key, version_id))
        .unwrap_or_default()
}

/// Tags or locks of a version were changed here by a call, and the version is written.
pub fn changed(ctx: &mut Ctx<'_>, place: &VersionKey) {
    let (bucket, key, order) = place;
    let Some(version) = ctx.get::<Versions>(place) else {
        return;
    };
    let known = stamp(ctx, bucket, key, &version.version_id);
    let made = StampRow {
        at: ctx.now().0.max(known.at + 1),
        region: ctx.region().to_string(),
        bucket: bucket.clone(),
        on_replica: version.replica,
    };
    ctx.put::<Stamps>(
        (bucket.as_str(), key.as_str(), version.version_id.as_str()),
        &made,
    );
    let Some(config) = access::bucket(ctx, bucket)
        .ok()
        .and_then(|row| select::of(&row))
    else {
        return;
    };
    let goes: Vec<(String, String)> = if version.replica {
        let seen = select::Seen {
            key,
            object: version.object.as_ref(),
        };
        select::that_fit(&config, seen)
            .iter()
            .filter(|rule| select::sends_modifications(rule))
            .filter_map(|rule| Some((select::destination(rule)?.to_owned(), rule.id().to_owned())))
            .collect()
    } else {
        version
            .destinations
            .iter()
            .filter(|known| !matches!(known.status, Status::Failed(_)))
            .map(|known| (known.bucket.clone(), known.rule.clone()))
            .collect()
    };
    for (to, rule) in goes {
        let id: DeliveryKey = (bucket.clone(), key.clone(), version.version_id.clone(), to);
        let row = ctx.get::<Deliveries>(&id);
        match row {
            // What waits reads the version when its turn comes.
            Some(row) if matches!(row.stage, Stage::Queued(_) | Stage::Parked) => {}
            Some(mut row) if matches!(row.stage, Stage::UnderWay(_)) => {
                row.again = true;
                ctx.put::<Deliveries>(&id, &row);
            }
            _ => owe::change(ctx, &id, order.0, &rule),
        }
    }
}

/// A change has come for a version that is here.
pub(super) fn apply(
    ctx: &mut Ctx<'_>,
    place: VersionKey,
    mut row: VersionRow,
    tags: Option<BTreeMap<String, String>>,
    lock: LockRow,
    made: StampRow,
) -> Arrived {
    let (bucket, key, _) = &place;
    let mark = (bucket.as_str(), key.as_str(), row.version_id.as_str());
    let known = ctx.get::<Stamps>(mark).unwrap_or_default();
    if known >= made || !takes(ctx, bucket, &made) {
        return Arrived {
            overtaken: true,
            ..Arrived::default()
        };
    }
    ctx.put::<Stamps>(mark, &made);
    if let Some(object) = &mut row.object {
        if let Some(tags) = tags {
            object.tags = tags;
        }
        object.lock = lock;
    }
    ctx.note(
        "replica_changed",
        &[
            ("service", "s3"),
            ("bucket", bucket),
            ("key", key),
            ("version_id", &row.version_id),
            ("from", &made.bucket),
        ],
    );
    ctx.put::<Versions>(&place, &row);
    Arrived::default()
}

/// A change of a replica is taken only by a bucket that has replica modification sync with it.
fn takes(ctx: &mut Ctx<'_>, bucket: &str, made: &StampRow) -> bool {
    if !made.on_replica {
        return true;
    }
    let config = access::bucket(ctx, bucket)
        .ok()
        .and_then(|row| select::of(&row));
    config.is_some_and(|config| {
        config.rules.iter().any(|rule| {
            rule.status() == "Enabled"
                && select::sends_modifications(rule)
                && select::destination(rule) == Some(&made.bucket)
        })
    })
}
