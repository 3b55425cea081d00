//! How a world was made: the calls of its set-up, as a person would make them.

use std::fmt::Write as _;

use crate::journal::event::{CallSent, Event, What};

/// Tells every call of the set-up with its request, equal neighbours folded; what AWS has no
/// call for is told as planted.
#[must_use]
pub fn tell(events: &[Event]) -> String {
    let mut lines: Vec<(String, u64)> = Vec::new();
    for event in events {
        let line = match &event.what {
            What::SetUpDone => break,
            What::CallSent(call) => asked(call),
            What::Planted {
                region,
                what,
                target,
            } => format!("planted in {region}: {what} {target} (AWS has no call for it)"),
            _ => continue,
        };
        match lines.last_mut() {
            Some((last, times)) if *last == line => *times += 1,
            _ => lines.push((line, 1)),
        }
    }
    let mut out = format!("the world is made by {} calls:\n", lines.len());
    for (line, times) in lines {
        let again = if times > 1 {
            format!("  ({times} times)")
        } else {
            String::new()
        };
        let _ = writeln!(out, "  {line}{again}");
    }
    out
}

fn asked(call: &CallSent) -> String {
    let verb = faultline_proto::registry::find_operation(&call.operation)
        .map_or(call.operation.as_str(), |operation| operation.verb);
    let (who, region, request) = (&call.principal, &call.region, &call.request);
    format!("{who} {verb} in {region} {request}")
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn calls_before_time_zero_are_told_with_their_requests() {
        assert_eq!(
            tell(&example::journal()),
            "the world is made by 1 calls:\n  app kms.create_key in eu-west-1 {\"KeyId\":\"k\"}\n"
        );
    }
}
