//! Keeping events, and forgetting them after 90 days.
//!
//! Keeping happens on every call, so it is one write. Every so many steps a few rows that are
//! too old go with it: there is no timer, and an idle trail stays as it is, out of sight.

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::Timestamp;
use prost::Message as _;

use super::keyspaces::{Data, Management, TrailKey, TrailRow};
use crate::context::Ctx;
use crate::identity::Principal;
use crate::store::{Keyspace, Range};

/// What an entrance may say of a request beside its address. `faultline:Host` is no condition
/// key: it is the host name that the client asked.
const ENTRANCE: [&str; 6] = [
    "aws:UserAgent",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:MultiFactorAuthPresent",
    "aws:SecureTransport",
    "faultline:Host",
];
/// How long an event is found, seconds: 90 days.
const KEPT_FOR: i64 = 90 * 86_400;
/// Steps from one pruning to the next.
const PRUNE_EVERY: u64 = 64;
/// Rows of an account that go at one time, at most; more than can have come since the last time.
const PRUNE_ROWS: usize = 1_024;

/// Keeps an event of the call being served.
pub(crate) fn keep(ctx: &mut Ctx<'_>, event: &AuditEvent) {
    let (principal_id, issuer) = match &ctx.frame().caller.principal {
        Principal::Root { account, .. } => (account.to_string(), None),
        Principal::User { id, .. } => (id.to_string(), None),
        Principal::Role {
            role,
            role_id,
            session,
            ..
        } => (
            format!("{role_id}:{session}"),
            Some((role.to_string(), role_id.to_string())),
        ),
        Principal::Service { .. } | Principal::Anonymous => (String::new(), None),
    };
    let said = &ctx.frame().caller.context;
    let source_ip = said.get("aws:SourceIp").cloned();
    let entrance = said
        .iter()
        .filter(|(name, _)| ENTRANCE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let row = TrailRow {
        event: event.encode_to_vec(),
        principal_id,
        issuer,
        source_ip,
        entrance,
    };
    let at = Timestamp(event.event_time);
    let key = (
        event.recipient_account.clone(),
        at,
        ctx.step,
        ctx.effects.audit.len() as u64,
    );
    if event.category == "Data" {
        ctx.put_kept::<Data>(&key, &row);
    } else {
        ctx.put_kept::<Management>(&key, &row);
    }
    if ctx.step.is_multiple_of(PRUNE_EVERY) && ctx.effects.audit.is_empty() {
        let account = event.recipient_account.as_str();
        prune::<Management>(ctx, account);
        prune::<Data>(ctx, account);
    }
}

/// The oldest moment that is still found.
pub(super) fn horizon(now: Timestamp) -> Timestamp {
    now.plus_seconds(-KEPT_FOR)
}

fn prune<K: Keyspace<Key = TrailKey, Row = TrailRow>>(ctx: &mut Ctx<'_>, account: &str) {
    let account = account.to_owned();
    let oldest = (account.clone(), horizon(ctx.now()), 0, 0);
    let range = Range::<K>::under((&account,)).before(&oldest);
    for (key, _) in ctx.page(range, PRUNE_ROWS) {
        ctx.txn.delete_kept::<K>(&key);
    }
}
