//! What happened in a live world, as a page draws it.

use std::collections::VecDeque;

use faultline_proto::driving::happened::What;
use faultline_proto::driving::{AuditEvent, Happened};
use serde_json::{Value, json};

use crate::live::saved::Saved;

/// Most that is kept for pages that come later.
const KEPT: usize = 1_000;

/// The latest, numbered.
#[derive(Debug, Default)]
pub struct Events {
    next: u64,
    kept: VecDeque<Value>,
}

impl Events {
    /// Adds one that was heard of at `now`, microseconds since the console was opened.
    pub fn push(&mut self, now: u64, mut event: Value) {
        event["t"] = json!(now);
        event["n"] = json!(self.next);
        self.next += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(event);
    }

    /// Those from number `from` on, and what to ask for next.
    #[must_use]
    pub fn since(&self, from: u64) -> (Vec<Value>, u64) {
        let first = self.next - self.kept.len() as u64;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        (self.kept.iter().skip(skip).cloned().collect(), self.next)
    }
}

/// A node's event; `None` for what cannot be shown.
#[must_use]
pub fn of_node(region: &str, happened: &Happened, saved: &Saved) -> Option<Value> {
    let mut event = match happened.what.as_ref()? {
        What::Call(call) => of_call(region, call, saved),
        What::Note(note) => json!({
            "kind": "note", "region": region, "note": note.kind, "fields": note.fields,
        }),
    };
    event["wall"] = json!(happened.wall);
    Some(event)
}

fn of_call(region: &str, call: &AuditEvent, saved: &Saved) -> Value {
    let service = call.event_source.split('.').next().unwrap_or_default();
    let denied_by = call.denial.as_ref().map(|denial| &denial.denied_by);
    json!({
        "kind": "call", "operation": format!("{service}.{}", call.event_name),
        "principal": who(call, saved), "region": region,
        "code": Some(&call.error_code).filter(|code| !code.is_empty()),
        "denied_by": denied_by,
    })
}

/// Who called: by its name in the world, if it has one.
fn who(call: &AuditEvent, saved: &Saved) -> String {
    if !call.invoked_by.is_empty() {
        return call.invoked_by.clone();
    }
    let arn = call.principal.as_str();
    let named = saved.principals.iter().find(|(_, it)| it.arn == arn);
    if let Some((name, _)) = named {
        return name.clone();
    }
    if arn.ends_with(":root") {
        let owner = saved.accounts.iter();
        let mut owner = owner.filter(|(_, it)| it.id.as_str() == call.account);
        return owner
            .next()
            .map_or_else(|| "root".to_owned(), |(name, _)| format!("root of {name}"));
    }
    if let Some((_, session)) = arn.split_once(":assumed-role/") {
        return session.split('/').next().unwrap_or(session).to_owned();
    }
    let last = arn.rsplit([':', '/']).next().filter(|it| !it.is_empty());
    last.unwrap_or("anonymous").to_owned()
}
