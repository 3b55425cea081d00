//! What an AWS SDK does that a bare call does not: before the wire, and between tries.
//!
//! Before the wire: idempotency tokens for members that the definition marks, and the MD5
//! of a customer's SSE-C key. Between tries: the standard mode's backoff, a random share of
//! 1 s, 2 s, 4 s..., at most 20 s. Every try is a call of its own in the journal.

use base64::Engine;
use bytes::Bytes;
use faultline_proto::names::RegionName;
use faultline_proto::tables::{Card, Kind, MessageDef};
use faultline_proto::wire::{self, Fields};
use md5::{Digest, Md5};

use super::Sim;
use super::answer::{Answer, CallSpec};
use crate::clock::Span;
use crate::seed::{Draw, RunSeed};

/// Whether a failed call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// Never: what failed has failed.
    None,
    /// So many more tries, each at once.
    Times(u32),
    /// As the SDKs' standard mode: so many tries in all, three by default.
    Standard {
        /// Tries, the first included.
        attempts: u32,
    },
}

impl Retries {
    /// The standard mode with its usual three tries.
    pub const STANDARD: Self = Self::Standard { attempts: 3 };

    fn attempts(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Times(more) => more.saturating_add(1),
            Self::Standard { attempts } => attempts.max(1),
        }
    }
}

/// Longest pause between two tries.
const MOST: Span = Span::secs(20);

impl Sim {
    /// The place of a Region in the world's list, from 0.
    #[must_use]
    pub fn place_of(&self, region: &RegionName) -> usize {
        let core = self.core.borrow();
        let regions = &core.config.regions;
        regions
            .iter()
            .position(|one| one == region)
            .unwrap_or_default()
    }

    /// Sends a call as an SDK does. The answers of all tries, the last one last.
    ///
    /// `purpose` names the call within the run, for its tokens and pauses: a step's path and
    /// its round.
    pub async fn send(&self, mut spec: CallSpec, retries: Retries, purpose: &str) -> Vec<Answer> {
        spec.request = prepare(spec.operation.input, &spec.request, self.seed(), purpose);
        let mut answers = Vec::new();
        for attempt in 1..=retries.attempts() {
            if attempt > 1 && matches!(retries, Retries::Standard { .. }) {
                let chance = self
                    .seed()
                    .draw(&format!("backoff {purpose}"), u64::from(attempt));
                self.sleep(pause(attempt - 1, chance)).await;
            }
            spec.attempt = attempt;
            let answer = self.call(spec.clone()).await;
            let again = answer.is_retryable();
            answers.push(answer);
            if !again {
                break;
            }
        }
        answers
    }
}

/// The pause after `failed` tries.
#[must_use]
pub fn pause(failed: u32, chance: Draw) -> Span {
    let most = Span::secs(1)
        .times(1 << failed.saturating_sub(1).min(20))
        .min(MOST);
    chance.span(Span::ZERO, most)
}

/// Fills what an SDK fills into a request.
#[must_use]
pub fn prepare(def: &MessageDef, request: &Bytes, seed: RunSeed, purpose: &str) -> Bytes {
    let mut added = Vec::new();
    for field in def.fields.iter().filter(|field| field.card == Card::One) {
        if text(request, field.tag).is_some() {
            continue;
        }
        if field.shape.idempotency_token && matches!(field.kind, Kind::Str) {
            let token = seed
                .draw(&format!("token {purpose}"), u64::from(field.tag))
                .uuid();
            wire::put_bytes(&mut added, field.tag, token.as_bytes());
        }
        if let Some(key) = field
            .aws
            .strip_suffix("MD5")
            .filter(|key| key.ends_with("SSECustomerKey"))
        {
            let key = def
                .fields
                .iter()
                .find(|other| other.aws == key)
                .and_then(|other| text(request, other.tag));
            if let Some(md5) = key.and_then(customer_key_md5) {
                wire::put_bytes(&mut added, field.tag, md5.as_bytes());
            }
        }
    }
    if added.is_empty() {
        request.clone()
    } else {
        [request.as_ref(), &added].concat().into()
    }
}

/// The text or bytes of a member that is there.
fn text(request: &[u8], tag: u32) -> Option<&[u8]> {
    Fields::of(request)
        .flatten()
        .find(|(found, _)| *found == tag)
        .and_then(|(_, value)| value.bytes().ok())
}

/// MD5 of a customer's key, which a request carries in base64.
fn customer_key_md5(key: &[u8]) -> Option<String> {
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine.decode(key).ok()?;
    Some(engine.encode(Md5::digest(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::ec2::CopySnapshotRequest;
    use faultline_proto::registry::find_operation;
    use faultline_proto::s3::HeadObjectRequest;
    use prost::Message;

    #[test]
    fn pauses_grow_to_twenty_seconds_and_no_further() {
        for (failed, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 20), (40, 20)] {
            for counter in 0..50 {
                let pause = pause(failed, RunSeed(1).draw("t", counter));
                assert!(pause <= Span::secs(most), "{failed}: {pause}");
            }
        }
    }

    #[test]
    fn a_customer_key_gets_its_md5() {
        let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        let request = HeadObjectRequest {
            sse_customer_key: Some(key),
            ..HeadObjectRequest::default()
        }
        .encode_to_vec();
        let def = find_operation("s3.HeadObject")
            .expect("it is defined")
            .input;
        let sent = prepare(def, &request.into(), RunSeed(1), "1");
        let sent = HeadObjectRequest::decode(sent).expect("a request");
        assert_eq!(sent.sse_customer_key_md5.expect("the SDK's MD5").len(), 24);
    }

    #[test]
    fn what_was_written_stays_as_it_is() {
        let request = CopySnapshotRequest::default().encode_to_vec();
        let def = find_operation("ec2.CopySnapshot")
            .expect("it is defined")
            .input;
        let once = prepare(def, &request.into(), RunSeed(1), "1");
        assert_eq!(prepare(def, &once, RunSeed(1), "2"), once);
    }
}
