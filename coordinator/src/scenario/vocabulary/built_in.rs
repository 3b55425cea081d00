//! The verbs that AWS does not have: client-side encryption, the trail, and what only a
//! simulator can see.

use faultline_proto::tables::{Kind, MessageDef, Shape};
use faultline_sealed::import::Wrapping;

use super::looks::{
    ADVANCE, CONFLICTS, ENVELOPES, EQUAL, EQUAL_SEEN, EVENTS, FIND, OF_TABLE, STATE, STATE_SEEN,
    STORED_ITEM, STORED_ITEM_SEEN, STORED_OBJECT, STORED_OBJECT_SEEN, VOLUME_CONTENT, VOLUME_SEEN,
};
use super::replication_looks::{
    EVENTS_SENT, LANES_SEEN, METRICS_SEEN, OF_BUCKET, STREAMS, STREAMS_SEEN,
};
use super::shapes::{FREE, KEY, NEED, NEED_TABLE, REGION};
use super::{ANY, ATTRIBUTE_VALUE, map, message, one};

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

const ITEM: Kind = Kind::Message(&ATTRIBUTE_VALUE);

static NOTHING: MessageDef = message("nothing", "No answer.", &[]);

static SEALED_PUT: MessageDef = message(
    "sealed.put_item",
    "Arguments of sealed.put_item.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The table."),
        map(
            "item",
            ITEM,
            &NEED,
            "The item, in plain; it is encrypted before it is sent.",
        ),
        one(
            "condition_expression",
            Kind::Str,
            &FREE,
            "A condition on what is stored; it sees ciphertext.",
        ),
        map(
            "expression_attribute_names",
            Kind::Str,
            &FREE,
            "Names in the condition.",
        ),
        map(
            "expression_attribute_values",
            ITEM,
            &FREE,
            "Values in the condition.",
        ),
    ],
);
static SEALED_GET: MessageDef = message(
    "sealed.get_item",
    "Arguments of sealed.get_item.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The table."),
        map("key", ITEM, &NEED, "The item's key."),
        one(
            "consistent_read",
            Kind::Bool,
            &FREE,
            "Whether the read is strongly consistent.",
        ),
    ],
);
static OPENED_WITH: MessageDef = message(
    "opened_with",
    "The key that unwrapped the data key.",
    &[
        one("region", Kind::Str, &REGION, "The Region that was asked."),
        one("key", Kind::Str, &KEY, "The key."),
    ],
);
static SEALED_ITEM: MessageDef = message(
    "sealed.item",
    "An item, opened.",
    &[
        map(
            "item",
            ITEM,
            &FREE,
            "Its attributes, in plain; absent when there is none.",
        ),
        one(
            "opened_with",
            Kind::Message(&OPENED_WITH),
            &FREE,
            "What opened it.",
        ),
    ],
);

static ALGORITHM: Shape = Shape {
    required: true,
    values: Wrapping::NAMES,
    ..ANY
};
static MATERIAL: Shape = Shape {
    min_length: Some(1),
    max_length: Some(4_096),
    sensitive: true,
    ..ANY
};
static RANDOM: Shape = Shape {
    min: Some(1),
    max: Some(4_096),
    ..ANY
};
static WRAP: MessageDef = message(
    "sealed.wrap_key_material",
    "Arguments of sealed.wrap_key_material.",
    &[
        one(
            "public_key",
            Kind::Bytes,
            &NEED,
            "The public key that kms.get_parameters_for_import gave.",
        ),
        one(
            "wrapping_algorithm",
            Kind::Str,
            &ALGORITHM,
            "How: what kms.get_parameters_for_import was asked for.",
        ),
        one(
            "key_material",
            Kind::Bytes,
            &MATERIAL,
            "The material, in plain. This or `random`.",
        ),
        one(
            "random",
            Kind::I64,
            &RANDOM,
            "Bytes of fresh material, from the run's seed; 32 for a symmetric key.",
        ),
    ],
);
static WRAPPED: MessageDef = message(
    "sealed.wrapped_key_material",
    "Key material, wrapped.",
    &[
        one(
            "encrypted_key_material",
            Kind::Bytes,
            &FREE,
            "For kms.import_key_material.",
        ),
        one(
            "key_material",
            Kind::Bytes,
            &MATERIAL,
            "The material itself, to be kept: KMS gives none back.",
        ),
    ],
);

const LOOK_ERRORS: &[&str] = &["NotFound"];
const SEALED_ERRORS: &[&str] = &[
    "SignatureInvalid",
    "CommitmentInvalid",
    "NoKeyUnwrapped",
    "UnknownFormat",
    "MissingClient",
];

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
    BuiltIn {
        verb: "sealed.put_item",
        doc: "Encrypts and signs an item on the client's side and stores it in DynamoDB.",
        input: &SEALED_PUT,
        output: &NOTHING,
        called: true,
        errors: SEALED_ERRORS,
    },
    BuiltIn {
        verb: "sealed.get_item",
        doc: "Reads an item from DynamoDB, verifies and opens it on the client's side.",
        input: &SEALED_GET,
        output: &SEALED_ITEM,
        called: true,
        errors: SEALED_ERRORS,
    },
    BuiltIn {
        verb: "sealed.wrap_key_material",
        doc: "Wraps key material for its import into KMS, on its owner's side; nothing is sent.",
        input: &WRAP,
        output: &WRAPPED,
        called: false,
        errors: &["NoPublicKey", "WrongLength"],
    },
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
        "Compares the replicas of a key or a table; fails when they differ.",
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
];
