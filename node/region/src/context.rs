//! The context of a step: what a handler may see and do.
//!
//! One [`Ctx`] lives as long as its step. Calls nest (S3 asks KMS), so it holds a stack of
//! [`Frame`]s; the last is the call being served. Everything a handler does goes through here:
//! rows, time, entropy, other services, other Regions, notes. Nothing here decides or audits.

use std::collections::BTreeSet;
use std::sync::Arc;

use faultline_proto::driving::{AuditEvent, Completed, Envelope, Note};
use faultline_proto::names::{AccountId, Elapsed, RegionName, Timestamp};
use serde::Serialize;

use crate::caches::Caches;
use crate::caller::Caller;
use crate::entropy::Entropy;
use crate::refusal::Refusal;
use crate::region::Core;
use crate::service::Access;
use crate::store::{KeyOf, Keyspace, Range, StoreError, Txn};

/// One call being served.
#[derive(Debug)]
pub struct Frame {
    /// The client's call id; `-` for background work.
    pub call: String,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// AWS's request id, a UUID.
    pub request_id: String,
    /// ARNs touched, for the trail.
    pub resources: Vec<String>,
    /// Accounts that own what is touched, for those ARNs that name none (S3).
    pub(crate) owners: BTreeSet<String>,
    /// Extra facts for the trail (`additionalEventData`), as JSON members.
    pub additional: serde_json::Map<String, serde_json::Value>,
    /// Members for the trail's responseElements when AWS records them.
    pub response_elements: Option<serde_json::Value>,
    /// requestParameters of the event of a remote half, which has no request of its own.
    pub(crate) parameters: Option<serde_json::Value>,
    /// Messages sent to other Regions on behalf of this call.
    pub cross_region_calls: u32,
    /// Questions to other Regions that wait for the handler to leave a saga open.
    pub(crate) asks: Vec<PendingAsk>,
    /// The saga being resumed, if any, and its next ask number.
    pub(crate) saga: Option<(String, u32)>,
    /// Deadline of the saga that the handler opens.
    pub(crate) deadline: Option<Elapsed>,
    /// Body of the answer: length and the service's state for reading it.
    pub(crate) answer_body: Option<(u64, Vec<u8>)>,
    /// Length of the request's body, if one follows.
    pub body_length: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct PendingAsk {
    pub to: RegionName,
    pub ordinal: u32,
    pub kind: String,
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame for `caller`.
    #[must_use]
    pub fn new(call: impl Into<String>, caller: Arc<Caller>, request_id: String) -> Self {
        Self {
            call: call.into(),
            caller,
            request_id,
            resources: Vec::new(),
            owners: BTreeSet::new(),
            additional: serde_json::Map::new(),
            response_elements: None,
            parameters: None,
            cross_region_calls: 0,
            asks: Vec::new(),
            saga: None,
            deadline: None,
            answer_body: None,
            body_length: None,
        }
    }
}

/// What a step hands to the outside, collected until the commit.
#[derive(Debug, Default)]
pub struct Effects {
    /// Calls that ended in this step.
    pub completed: Vec<Completed>,
    /// Envelopes to send after the commit.
    pub outbox: Vec<Envelope>,
    /// Trail events of this step.
    pub audit: Vec<AuditEvent>,
    /// Facts about the inside.
    pub notes: Vec<Note>,
    /// Chunks of answers.
    pub body: Vec<faultline_proto::driving::Body>,
}

impl Effects {
    /// Bytes of envelopes after which a step begins nothing more that can wait.
    const ENOUGH: usize = 256 << 10;

    /// Whether a step has so much to send that the rest is for another one: a reply is one
    /// message of gRPC.
    #[must_use]
    pub(crate) fn are_enough(&self) -> bool {
        let bytes = self.outbox.iter().map(|envelope| envelope.payload.len());
        bytes.sum::<usize>() >= Self::ENOUGH
    }
}

/// The context of one step.
pub struct Ctx<'a> {
    /// What never changes while the process lives: names, keys, accounts.
    pub core: &'a Core,
    /// The step's transaction.
    pub txn: Txn<'a>,
    /// Decoded things worth keeping between steps.
    pub caches: &'a mut Caches,
    /// Calls being served, outermost first.
    pub(crate) frames: Vec<Frame>,
    pub(crate) effects: Effects,
    pub(crate) entropy: Entropy,
    pub(crate) elapsed: Elapsed,
    pub(crate) wall: Timestamp,
    pub(crate) traceparent: String,
    pub(crate) damage: Option<StoreError>,
    pub(crate) step: u64,
    pub(crate) timer_ordinal: u64,
    pub(crate) faults: &'a [faultline_proto::driving::Fault],
}

impl Ctx<'_> {
    /// This Region.
    #[must_use]
    pub fn region(&self) -> &RegionName {
        &self.core.region
    }

    /// The Region's own clock: timestamps, expiry, last-writer-wins.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall
    }

    /// Monotone, unskewed time: timers, retries, quotas.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        self.elapsed
    }

    /// Randomness by purpose.
    pub fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    /// The call being served.
    #[must_use]
    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("a handler runs inside a frame")
    }

    /// The call being served.
    pub fn frame_mut(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("a handler runs inside a frame")
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> Arc<Caller> {
        Arc::clone(&self.frame().caller)
    }

    /// The caller's account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.frame().caller.account().clone()
    }

    /// Adds an ARN to the trail event of this call.
    pub fn touches(&mut self, arn: impl Into<String>) {
        let arn = arn.into();
        let resources = &mut self.frame_mut().resources;
        if !resources.contains(&arn) {
            resources.push(arn);
        }
    }

    /// Adds what an access wants to the trail event of this call.
    pub(crate) fn touches_access(&mut self, access: &Access) {
        self.touches(access.resource.clone());
        let owners = &mut self.frame_mut().owners;
        if !owners.contains(access.owner.as_str()) {
            owners.insert(access.owner.to_string());
        }
    }

    /// Adds a member to the trail event's `additionalEventData`.
    pub fn audit_detail(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.frame_mut()
            .additional
            .insert(name.to_owned(), value.into());
    }

    /// What a remote half's trail event shows as requestParameters; it has no request of its own.
    pub fn audit_parameters(&mut self, shown: serde_json::Value) {
        self.frame_mut().parameters = Some(shown);
    }

    /// A fact about the inside, for oracles and metrics; part of the journal.
    pub fn note(&mut self, kind: &str, fields: &[(&str, &str)]) {
        let fields = fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.effects.notes.push(Note {
            kind: kind.to_owned(),
            fields,
            traceparent: self.traceparent.clone(),
        });
    }

    /// Says that the answer has a body of `length` bytes; `state` is what `read_body` will get.
    pub fn answer_body(&mut self, length: u64, state: Vec<u8>) {
        self.frame_mut().answer_body = Some((length, state));
    }

    /// Reads a row.
    ///
    /// Damage in the store ends the step: nothing of it is kept and the node says what is wrong.
    pub fn get<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) -> Option<K::Row> {
        let found = self.txn.get::<K>(key);
        self.undamaged(found).flatten()
    }

    /// Reads a row that is decoded once for as long as nobody writes it.
    pub fn get_cached<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) -> Option<Arc<K::Row>>
    where
        K::Row: Send + Sync + 'static,
    {
        let found = self.txn.get_cached::<K>(key);
        self.undamaged(found).flatten()
    }

    /// Whether a row is there.
    pub fn has<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) -> bool {
        let found = self.txn.exists::<K>(key);
        self.undamaged(found).unwrap_or_default()
    }

    /// Writes a row; a refusal of this call discards it.
    pub fn put<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>, row: &K::Row) {
        self.txn.put::<K>(key, row);
    }

    /// Writes a row that a refusal keeps (trail, quota).
    pub fn put_kept<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>, row: &K::Row) {
        self.txn.put_kept::<K>(key, row);
    }

    /// Removes a row.
    pub fn delete<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) {
        self.txn.delete::<K>(key);
    }

    /// The first `limit` rows of `range`.
    pub fn page<K: Keyspace>(&mut self, range: Range<K>, limit: usize) -> Vec<(K::Key, K::Row)> {
        let found = self.txn.page(range, limit);
        self.undamaged(found).unwrap_or_default()
    }

    /// All rows of `range`.
    pub fn all<K: Keyspace>(&mut self, range: Range<K>) -> Vec<(K::Key, K::Row)> {
        self.page(range, usize::MAX)
    }

    /// The first row of `range`.
    pub fn first<K: Keyspace>(&mut self, range: Range<K>) -> Option<(K::Key, K::Row)> {
        let found = self.txn.first(range);
        self.undamaged(found).flatten()
    }

    fn undamaged<T>(&mut self, found: Result<T, StoreError>) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(error) => {
                self.damage.get_or_insert(error);
                None
            }
        }
    }

    /// Seals a secret for this Region's own store.
    pub fn seal_local(&mut self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let core = self.core;
        core.vault
            .seal_local(&mut self.entropy, purpose, aad, plaintext)
    }

    /// Opens what [`Ctx::seal_local`] made.
    ///
    /// # Errors
    /// An internal refusal when the bytes are not ours.
    pub fn open_local(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.core
            .vault
            .open_local(purpose, aad, sealed)
            .ok_or_else(|| Refusal::internal(format!("sealed {purpose} does not open")))
    }
}

/// Encodes a stored state (of a saga, a timer, a record) as rows are encoded.
///
/// # Panics
/// Never for the plain structs that states are.
#[must_use]
pub fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    postcard::to_stdvec(state).expect("plain structs always encode")
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// An internal refusal when the bytes are of another shape.
pub fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    postcard::from_bytes(bytes)
        .map_err(|error| Refusal::internal(format!("stored state does not decode: {error}")))
}
