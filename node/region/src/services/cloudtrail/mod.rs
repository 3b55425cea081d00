//! The trail's keeper.

use faultline_proto::driving::AuditEvent;

use crate::context::Ctx;

/// Keeps an event.
pub(crate) fn keep(_ctx: &mut Ctx<'_>, _event: &AuditEvent) {}
