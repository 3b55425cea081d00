//! Batch Replication: the only way to send what live replication does not: objects from before a
//! rule, FAILED ones, replicas, and what another destination has already (S3-092).
//!
//! A job reads the source bucket a page at a time and owes each version that its filter wants to
//! the destinations of the rules that take it; lanes do the rest. It is over when all of it is.
//! Left out: lists that a user writes, reports into a bucket, and the failure of a whole job by the
//! share of its failed tasks.

use std::cmp::Reverse;
use std::sync::Arc;

use faultline_proto::names::{AccountId, Elapsed};
use serde::{Deserialize, Serialize};

use super::rows::Kind;
use super::select::{self, Seen};
use super::{owe, reading, reasons};
use crate::caller::Caller;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::RemoteCall;
use crate::services::s3::encryption::object_arn;
use crate::services::s3::keyspaces::{BucketRow, Status, VersionKey, VersionRow, Versions};
use crate::services::s3::{access, versions};
use crate::store::Range;

/// Versions that a job looks at in one step.
const PAGE: usize = 64;
/// Until a new job begins, microseconds.
const PREPARES: u64 = 1_000_000;

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Just made.
    New,
    /// Waits for UpdateJobStatus.
    Suspended,
    /// Reads and sends.
    Active,
    /// Everything has ended.
    Complete,
    /// It could not begin.
    Failed,
    /// Taken back.
    Cancelled,
}

impl State {
    /// AWS's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Suspended => "Suspended",
            Self::Active => "Active",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

/// Which versions a job wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether a rule must take them, or must not.
    pub eligible: Option<bool>,
    /// Milliseconds since 1970.
    pub after: Option<i64>,
    /// Milliseconds since 1970.
    pub before: Option<i64>,
    /// NONE, FAILED, COMPLETED, REPLICA; empty for all.
    pub statuses: Vec<String>,
    /// Beginnings, ends and middles of keys; empty for all.
    pub prefixes: Vec<String>,
    /// Ends.
    pub suffixes: Vec<String>,
    /// Middles.
    pub middles: Vec<String>,
}

impl Wanted {
    fn fits(&self, key: &str, version: &VersionRow) -> bool {
        let status = versions::replication_status(version);
        let status = status.as_deref().unwrap_or("NONE");
        let millis = version.modified.div_euclid(1000);
        let any = |texts: &[String], fits: &dyn Fn(&str) -> bool| {
            texts.is_empty() || texts.iter().any(|text| fits(text))
        };
        // What is owed anyway is live replication's.
        status != "PENDING"
            && any(&self.statuses, &|wanted| wanted == status)
            && any(&self.prefixes, &|text| key.starts_with(text))
            && any(&self.suffixes, &|text| key.ends_with(text))
            && any(&self.middles, &|text| key.contains(text))
            && self.after.is_none_or(|after| millis > after)
            && self.before.is_none_or(|before| millis < before)
    }
}

/// A batch job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Source bucket.
    pub bucket: String,
    /// Role that it assumes.
    pub role: String,
    /// Which versions.
    pub wanted: Wanted,
    /// Where it is.
    pub state: State,
    /// Whether it waits for a confirmation.
    pub confirmation: bool,
    /// Text of the user's.
    pub description: Option<String>,
    /// The larger goes first.
    pub priority: i32,
    /// ClientRequestToken.
    pub token: String,
    /// Microseconds since 1970.
    pub created: i64,
    /// Microseconds since 1970; when it ended.
    pub ended: Option<i64>,
    /// Microseconds since the run began; when it became active.
    pub active: Option<u64>,
    /// Why the last state was asked for.
    pub reason: Option<String>,
    /// Whether all versions were looked at.
    pub read: bool,
    /// Tasks so far: one a version and destination.
    pub total: u64,
    /// Done.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Code and words of what kept it from beginning.
    pub failure: Option<(String, String)>,
}

crate::keyspaces! {
    /// Batch jobs by account and id.
    pub Jobs = 0x061A, "s3.jobs", version 1: (AccountId, String) => JobRow;
}

/// Where a job goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    account: AccountId,
    id: String,
    after: Option<(String, u64)>,
}

/// Name of a job in what it owes.
fn name(account: &AccountId, id: &str) -> String {
    format!("{account}/{id}")
}

/// Sets a job going.
pub(in crate::services::s3) fn begin(ctx: &mut Ctx<'_>, account: &AccountId, id: &str) {
    let turn = Turn {
        account: account.clone(),
        id: id.to_owned(),
        after: None,
    };
    let at = ctx.elapsed().plus_micros(PREPARES);
    ctx.schedule("s3", at, "job", encode(&turn));
}

/// A job's turn has come.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(turn) = decode::<Turn>(payload) else {
        return;
    };
    let place = (turn.account.clone(), turn.id.clone());
    let Some(mut job) = ctx.get::<Jobs>(&place) else {
        return;
    };
    match job.state {
        State::New if job.confirmation => job.state = State::Suspended,
        State::New | State::Active => {
            job.state = State::Active;
            job.active.get_or_insert(ctx.elapsed().0);
            if let Err(refusal) = page(ctx, &turn, &mut job) {
                job.state = State::Failed;
                job.failure = Some((
                    "AssumeRoleNotPermitted".to_owned(),
                    reasons::words(&refusal),
                ));
            }
        }
        State::Suspended | State::Complete | State::Failed | State::Cancelled => return,
    }
    finish(ctx, &mut job);
    ctx.put::<Jobs>(&place, &job);
}

/// Looks at a page of versions, and owes what is wanted.
fn page(ctx: &mut Ctx<'_>, turn: &Turn, job: &mut JobRow) -> Result<(), Refusal> {
    let source = access::bucket(ctx, &job.bucket)?;
    let service = "batchoperations.s3.amazonaws.com";
    let role = reading::assume_for(ctx, &job.bucket, &source, job.role.clone(), service)?;
    let mut range = Range::<Versions>::under((job.bucket.as_str(),));
    if let Some((key, order)) = &turn.after {
        range = range.after((job.bucket.as_str(), key.as_str(), Reverse(*order)));
    }
    let found = ctx.page(range, PAGE);
    let last = found
        .last()
        .map(|((_, key, order), _)| (key.clone(), order.0));
    job.read = found.len() < PAGE;
    for (place, version) in found {
        if job.wanted.fits(&place.1, &version) {
            let name = name(&turn.account, &turn.id);
            task(ctx, &role, &name, &source, job, place, version);
        }
    }
    if !job.read {
        let next = Turn {
            account: turn.account.clone(),
            id: turn.id.clone(),
            after: last,
        };
        let at = Elapsed(ctx.elapsed().0 + 1000);
        ctx.schedule("s3", at, "job", encode(&next));
    }
    Ok(())
}

/// Owes one version to the destinations of the rules that take it.
fn task(
    ctx: &mut Ctx<'_>,
    role: &Arc<Caller>,
    name: &str,
    source: &BucketRow,
    job: &mut JobRow,
    place: VersionKey,
    mut version: VersionRow,
) {
    let seen = Seen {
        key: &place.1,
        object: version.object.as_ref(),
    };
    let rules = select::of(source).map_or_else(Vec::new, |config| select::that_fit(&config, seen));
    if job
        .wanted
        .eligible
        .is_some_and(|wanted| wanted == rules.is_empty())
    {
        return;
    }
    let why = if rules.is_empty() {
        Some((
            "SrcObjectNotEligible".to_owned(),
            "no rule takes it".to_owned(),
        ))
    } else {
        let asked = encode(&(&place.0, &place.1));
        let refused = ctx.question_as(role, "s3", "initiate", &asked).err();
        refused.map(|refusal| {
            let why = reasons::at_source(&refusal, Kind::Object);
            (why.reason, why.words)
        })
    };
    if let Some((reason, words)) = why {
        job.total += 1;
        job.failed += 1;
        let fields = [
            ("service", "s3"),
            ("job", name),
            ("bucket", place.0.as_str()),
            ("key", place.1.as_str()),
            ("version_id", version.version_id.as_str()),
            ("reason", &reason),
            ("why", &words),
        ];
        return ctx.note("batch_task_failed", &fields);
    }
    let kind = match version.object {
        Some(_) => Kind::Object,
        None => Kind::Marker,
    };
    for rule in &rules {
        let to = select::destination(rule);
        let is_pending = version
            .destinations
            .iter()
            .any(|known| Some(known.bucket.as_str()) == to && known.status == Status::Pending);
        if is_pending {
            continue;
        }
        job.total += 1;
        let now = ctx.elapsed().0;
        owe::owe(ctx, &place, &mut version, rule, kind, now, Some(name));
    }
    ctx.put::<Versions>(&place, &version);
}

/// S3-094: what the job's role must be allowed for each object.
pub(super) fn accesses(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let (bucket, key): (String, String) = decode(body)?;
    let row = access::bucket(ctx, &bucket)?;
    let arn = object_arn(&bucket, &key);
    Ok(RemoteCall {
        event: None,
        read_only: false,
        accesses: vec![access::on(ctx, "s3:InitiateReplication", arn, &row)],
        charge: None,
    })
}

/// A task of a job has ended.
pub(super) fn settled(ctx: &mut Ctx<'_>, job: &str, is_done: bool) {
    let Some((account, id)) = job.split_once('/') else {
        return;
    };
    let Ok(account) = AccountId::new(account) else {
        return;
    };
    let place = (account, id.to_owned());
    let Some(mut row) = ctx.get::<Jobs>(&place) else {
        return;
    };
    if is_done {
        row.succeeded += 1;
    } else {
        row.failed += 1;
    }
    finish(ctx, &mut row);
    ctx.put::<Jobs>(&place, &row);
}

fn finish(ctx: &mut Ctx<'_>, job: &mut JobRow) {
    let all = job.succeeded + job.failed >= job.total;
    if job.state == State::Active && job.read && all {
        job.state = State::Complete;
    }
    if job.state.is_over() {
        job.ended.get_or_insert(ctx.now().0);
    }
}
