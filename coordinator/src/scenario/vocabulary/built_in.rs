//! The verbs that AWS does not have: client-side encryption, the trail, and what only a
//! simulator can see.

use faultline_proto::tables::MessageDef;

use super::database_looks::{
    GLOBAL_DATABASE, GLOBAL_DATABASE_SEEN, STORED_DATABASE, STORED_DATABASE_SEEN,
};
use super::ec2_looks::{BLOCKS, BLOCKS_SEEN, CONTENT, EBS_EVENTS, OF_EBS, PLANTED};
use super::looks::{
    ADVANCE, CONFLICTS, ENVELOPES, EQUAL, EQUAL_SEEN, EVENTS, FIND, OF_TABLE, STATE, STATE_SEEN,
    STORED_ITEM, STORED_ITEM_SEEN, STORED_OBJECT, STORED_OBJECT_SEEN, VOLUME_CONTENT, VOLUME_SEEN,
};
use super::replication_looks::{
    EVENTS_SENT, LANES_SEEN, LATENCY, LATENCY_SEEN, METRICS_SEEN, OF_BUCKET, STREAMS, STREAMS_SEEN,
};
use super::secret_looks::{
    PARAMETER_EVENTS, PARAMETER_EVENTS_SEEN, STORED_SECRET, STORED_SECRET_SEEN,
};
use super::{message, sealed_verbs};

/// One verb of ours.
#[derive(Debug)]
pub struct BuiltIn {
    /// As it is written.
    pub verb: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Its arguments.
    pub input: &'static MessageDef,
    /// Its answer.
    pub output: &'static MessageDef,
    /// Whether a principal calls it (`as:`).
    pub called: bool,
    /// Error codes it may give beside those of the calls it makes.
    pub errors: &'static [&'static str],
}

pub(super) static NOTHING: MessageDef = message("nothing", "No answer.", &[]);

const LOOK_ERRORS: &[&str] = &["NotFound"];
const fn look(
    verb: &'static str,
    doc: &'static str,
    input: &'static MessageDef,
    output: &'static MessageDef,
) -> BuiltIn {
    BuiltIn {
        verb,
        doc,
        input,
        output,
        called: false,
        errors: LOOK_ERRORS,
    }
}

/// All verbs of ours.
pub static BUILT_IN: &[BuiltIn] = &[
    sealed_verbs::PUT,
    sealed_verbs::GET,
    sealed_verbs::QUERY,
    sealed_verbs::SCAN,
    sealed_verbs::BATCH_GET,
    sealed_verbs::BATCH_WRITE,
    sealed_verbs::TRANSACT_GET,
    sealed_verbs::TRANSACT_WRITE,
    sealed_verbs::UPDATE,
    sealed_verbs::CREATE_BRANCH_KEY,
    sealed_verbs::VERSION_BRANCH_KEY,
    sealed_verbs::WRAP_KEY_MATERIAL,
    look(
        "audit.find",
        "Searches the trail: management and data events of all accounts.",
        &FIND,
        &EVENTS,
    ),
    look(
        "look.stored_item",
        "An item as a replica holds it.",
        &STORED_ITEM,
        &STORED_ITEM_SEEN,
    ),
    look(
        "look.stored_object",
        "An object as S3 holds it.",
        &STORED_OBJECT,
        &STORED_OBJECT_SEEN,
    ),
    look(
        "look.volume_content",
        "What an instance would read from a volume.",
        &VOLUME_CONTENT,
        &VOLUME_SEEN,
    ),
    look(
        "look.stored_secret",
        "A secret as Secrets Manager holds it.",
        &STORED_SECRET,
        &STORED_SECRET_SEEN,
    ),
    look(
        "look.parameter_events",
        "What the policies of parameters did: expirations and notifications.",
        &PARAMETER_EVENTS,
        &PARAMETER_EVENTS_SEEN,
    ),
    look(
        "look.snapshot_blocks",
        "How a snapshot is stored: its blocks, and those that had to be moved for it.",
        &BLOCKS,
        &BLOCKS_SEEN,
    ),
    look(
        "look.ebs_events",
        "What EBS told EventBridge.",
        &OF_EBS,
        &EBS_EVENTS,
    ),
    look(
        "look.stored_database",
        "The storage of a database, whatever state it is in.",
        &STORED_DATABASE,
        &STORED_DATABASE_SEEN,
    ),
    look(
        "look.global_database",
        "A global database as a Region knows it: lag of its members, and what changes of the primary lost.",
        &GLOBAL_DATABASE,
        &GLOBAL_DATABASE_SEEN,
    ),
    look(
        "look.conflicts",
        "Concurrent writes to a global table, and which of them vanished.",
        &OF_TABLE,
        &CONFLICTS,
    ),
    look(
        "look.replication",
        "The streams between Regions and how far each is; with `bucket`, why each object did or did not arrive.",
        &STREAMS,
        &STREAMS_SEEN,
    ),
    look(
        "look.replication_metrics",
        "What S3 owes by each rule of a bucket, under CloudWatch's names.",
        &OF_BUCKET,
        &METRICS_SEEN,
    ),
    look(
        "look.replication_latency",
        "ReplicationLatency of a global table: how late its writes arrive, under CloudWatch's name.",
        &LATENCY,
        &LATENCY_SEEN,
    ),
    look(
        "look.replication_events",
        "The replication events that S3 sent for a bucket.",
        &OF_BUCKET,
        &EVENTS_SENT,
    ),
    look(
        "look.replication_lanes",
        "The backlog of a bucket by destination: a slow one is told from a dead one.",
        &OF_BUCKET,
        &LANES_SEEN,
    ),
    look(
        "look.replication_queue",
        "Envelopes that wait for acknowledgement.",
        &STREAMS,
        &ENVELOPES,
    ),
    look(
        "look.envelopes",
        "All envelopes that were sent so far, as carried.",
        &STREAMS,
        &ENVELOPES,
    ),
    look(
        "look.replicas_equal",
        "Compares the replicas of a key, a table or a secret; fails when they differ.",
        &EQUAL,
        &EQUAL_SEEN,
    ),
    look(
        "look.state",
        "How many rows a Region holds, and one hash over them.",
        &STATE,
        &STATE_SEEN,
    ),
    look(
        "time.advance",
        "Lets virtual time pass: the long form of `wait:`.",
        &ADVANCE,
        &NOTHING,
    ),
    BuiltIn {
        verb: "plant.volume_content",
        doc: "Writes to a volume as an instance would; AWS has no call for it.",
        input: &CONTENT,
        output: &PLANTED,
        called: false,
        errors: &["NotPlanted"],
    },
];
