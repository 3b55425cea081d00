//! What time brings.

use super::tables::{self, TableTimer};
use super::{apply, backfill, members, sagas, watch};
use crate::context::{Ctx, decode};

/// A timer has come.
pub(super) fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
    let table = || decode::<TableTimer>(payload);
    match (kind, table()) {
        ("backfill", _) => backfill::due(ctx, payload),
        ("abandon", _) => sagas::abandon(ctx, payload),
        ("ready", Ok(timer)) => tables::made(ctx, &timer),
        ("gone", Ok(timer)) => tables::gone(ctx, &timer),
        ("filled", Ok(timer)) => members::filled(ctx, &timer),
        ("waiting", Ok(timer)) => apply::due(ctx, &timer),
        ("key_check", Ok(timer)) => watch::due(ctx, &timer, false),
        ("key_doubt", Ok(timer)) => watch::due(ctx, &timer, true),
        (other, _) => ctx.note("timer_ignored", &[("service", "dynamodb"), ("kind", other)]),
    }
}
