//! What time brings.

use super::streams::changes;
use super::tables::{self, TableTimer};
use super::{
    apply, backfill, disassociation, index_fill, indexes, lagging, members, sagas, strong,
    tombstones, transact, ttl, update_table, watch,
};
use crate::context::{Ctx, decode};

/// A timer has come.
pub(super) fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
    let table = || decode::<TableTimer>(payload);
    match (kind, table()) {
        ("backfill", _) => backfill::due(ctx, payload),
        ("lagging", _) => lagging::due(ctx, payload),
        ("disassociate", _) => disassociation::due(ctx, payload),
        ("abandon", _) => sagas::abandon(ctx, payload),
        ("entry_gone", _) => indexes::gone(ctx, payload),
        ("index_step", _) => index_fill::due(ctx, payload),
        ("token_gone", _) => transact::forget(ctx, payload),
        ("stream_gone", _) => update_table::stream_gone(ctx, payload),
        ("trim", _) => changes::trim(ctx, payload),
        ("expire", _) => ttl::expire(ctx, payload),
        ("ttl_walk", _) => ttl::walk(ctx, payload),
        ("ttl_changed", Ok(timer)) => ttl::changed(ctx, &timer),
        ("strong_settle" | "strong_catch_up", _) => strong::background::due(ctx, kind, payload),
        ("witness_active", _) => strong::group::witness_active(ctx, payload),
        ("ready", Ok(timer)) => tables::made(ctx, &timer),
        ("gone", Ok(timer)) => tables::gone(ctx, &timer),
        ("filled", Ok(timer)) => members::filled(ctx, &timer),
        ("waiting", Ok(timer)) => apply::due(ctx, &timer),
        ("sweep", Ok(timer)) => tombstones::due(ctx, &timer),
        ("archived", Ok(timer)) => watch::archived(ctx, &timer),
        ("key_check", Ok(timer)) => watch::due(ctx, &timer, false),
        ("key_doubt", Ok(timer)) => watch::due(ctx, &timer, true),
        (other, _) => ctx.note("timer_ignored", &[("service", "dynamodb"), ("kind", other)]),
    }
}
