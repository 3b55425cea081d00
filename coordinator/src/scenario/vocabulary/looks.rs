//! Arguments and answers of `audit`, `look` and `time` verbs.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{
    ACCOUNT, COUNT, FREE, KEY, NEED, NEED_BUCKET, NEED_REGION, NEED_TABLE, NEED_TIME, NEED_VOLUME,
    PRINCIPAL, REGION, TABLE,
};
use super::{ATTRIBUTE_VALUE, bare, list, map, message, one};

const ITEM: Kind = Kind::Message(&ATTRIBUTE_VALUE);

pub(super) static FIND: MessageDef = message(
    "audit.find",
    "Arguments of audit.find.",
    &[
        one(
            "in",
            Kind::Str,
            &REGION,
            "Only this Region's trail; all when absent.",
        ),
        one(
            "account",
            Kind::Str,
            &ACCOUNT,
            "Only what this account finds in its own trail.",
        ),
        one(
            "event_name",
            Kind::Str,
            &FREE,
            "AWS name of the operation, `Decrypt`.",
        ),
        one(
            "event_source",
            Kind::Str,
            &FREE,
            "The service, `kms.amazonaws.com`.",
        ),
        one("principal", Kind::Str, &PRINCIPAL, "Who called."),
        one(
            "resource",
            Kind::Str,
            &FREE,
            "What was accessed: a name of the world, an id or an ARN.",
        ),
        one(
            "error_code",
            Kind::Str,
            &FREE,
            "The error code; events with any outcome when absent.",
        ),
        one(
            "invoked_by",
            Kind::Str,
            &FREE,
            "The service that called on somebody's behalf.",
        ),
        one(
            "denied_by",
            Kind::Str,
            &FREE,
            "The kind of policy that refused.",
        ),
    ],
);

static EVENT: MessageDef = message(
    "audit.event",
    "One event of the trail, with what only the simulator knows.",
    &[
        one("event_name", Kind::Str, &FREE, "AWS name of the operation."),
        one("event_source", Kind::Str, &FREE, "The service."),
        one(
            "event_time",
            Kind::Timestamp,
            &FREE,
            "When, on the Region's clock.",
        ),
        one("region", Kind::Str, &REGION, "Where."),
        one(
            "account",
            Kind::Str,
            &ACCOUNT,
            "The account whose trail it is in.",
        ),
        one("principal", Kind::Str, &PRINCIPAL, "Who called."),
        one(
            "invoked_by",
            Kind::Str,
            &FREE,
            "The service that called on the principal's behalf.",
        ),
        one("resource", Kind::Str, &FREE, "What was accessed."),
        one(
            "error_code",
            Kind::Str,
            &FREE,
            "The error code, if it was refused.",
        ),
        one("error_message", Kind::Str, &FREE, "The error's text."),
        one(
            "read_only",
            Kind::Bool,
            &FREE,
            "Whether CloudTrail calls it a read.",
        ),
        one("kind", Kind::Str, &FREE, "`management` or `data`."),
        one(
            "denied_by",
            Kind::Str,
            &FREE,
            "The kind of policy that refused.",
        ),
        one(
            "missing",
            Kind::Str,
            &FREE,
            "The permission that would have helped.",
        ),
    ],
);
pub(super) static EVENTS: MessageDef = bare(
    "audit.events",
    "Events, oldest first.",
    &[list("events", Kind::Message(&EVENT), &FREE, "The events.")],
);

pub(super) static STORED_ITEM: MessageDef = message(
    "look.stored_item",
    "Arguments of look.stored_item.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The table."),
        one("in", Kind::Str, &NEED_REGION, "The replica."),
        map("key", ITEM, &NEED, "The item's key."),
    ],
);
pub(super) static STORED_ITEM_SEEN: MessageDef = message(
    "look.stored_item.answer",
    "An item as DynamoDB holds it.",
    &[
        map(
            "attributes",
            ITEM,
            &FREE,
            "Its attributes as they were sent; absent when there is none.",
        ),
        one(
            "written_in",
            Kind::Str,
            &REGION,
            "The Region in which it was written.",
        ),
        one(
            "deleted",
            Kind::Bool,
            &FREE,
            "Whether only a tombstone is left.",
        ),
    ],
);
pub(super) static STORED_OBJECT: MessageDef = message(
    "look.stored_object",
    "Arguments of look.stored_object.",
    &[
        one("bucket", Kind::Str, &NEED_BUCKET, "The bucket."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "The bucket's Region; found when absent.",
        ),
        one("key", Kind::Str, &NEED, "The object's key."),
        one(
            "version_id",
            Kind::Str,
            &FREE,
            "The version; the current one when absent.",
        ),
    ],
);
pub(super) static STORED_OBJECT_SEEN: MessageDef = message(
    "look.stored_object.answer",
    "An object as S3 holds it.",
    &[
        one("body", Kind::Bytes, &FREE, "The bytes at rest, sealed."),
        one("version_id", Kind::Str, &FREE, "The version."),
        one(
            "server_side_encryption",
            Kind::Str,
            &FREE,
            "How it is sealed.",
        ),
        one("ssekms_key_id", Kind::Str, &KEY, "Under which key."),
        one("sse_customer_algorithm", Kind::Str, &FREE, "For SSE-C."),
        one(
            "replication_status",
            Kind::Str,
            &FREE,
            "Its replication status.",
        ),
        one(
            "failure_reason",
            Kind::Str,
            &FREE,
            "Why its replication failed.",
        ),
    ],
);
pub(super) static VOLUME_CONTENT: MessageDef = message(
    "look.volume_content",
    "Arguments of look.volume_content.",
    &[
        one("volume_id", Kind::Str, &NEED_VOLUME, "The volume."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Its Region; the step's when absent.",
        ),
    ],
);
pub(super) static VOLUME_SEEN: MessageDef = message(
    "look.volume_content.answer",
    "What an instance would read from a volume.",
    &[
        one("content", Kind::Bytes, &FREE, "Its content, opened."),
        one(
            "kms_key_id",
            Kind::Str,
            &KEY,
            "The key it is encrypted under.",
        ),
        one("encrypted", Kind::Bool, &FREE, "Whether it is encrypted."),
    ],
);
pub(super) static OF_TABLE: MessageDef = message(
    "look.conflicts",
    "Arguments of look.conflicts.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The global table."),
        map("key", ITEM, &FREE, "Only conflicts about this item."),
    ],
);
static CONFLICT: MessageDef = message(
    "look.conflict",
    "Two writes that did not know of each other, and how it ended.",
    &[
        map("key", ITEM, &FREE, "The item's key."),
        one(
            "won_by",
            Kind::Str,
            &REGION,
            "The Region whose write stayed.",
        ),
        one(
            "lost_by",
            Kind::Str,
            &REGION,
            "The Region whose write vanished.",
        ),
    ],
);
pub(super) static CONFLICTS: MessageDef = bare(
    "look.conflicts.answer",
    "Conflicts, oldest first.",
    &[list(
        "conflicts",
        Kind::Message(&CONFLICT),
        &FREE,
        "The conflicts.",
    )],
);
static ENVELOPE: MessageDef = message(
    "look.envelope",
    "A message between Regions.",
    &[
        one("stream", Kind::Str, &FREE, "Its stream."),
        one("from", Kind::Str, &REGION, "Who sent it."),
        one("to", Kind::Str, &REGION, "To whom."),
        one("seq", Kind::I64, &COUNT, "Its number in the stream."),
        one("length", Kind::I64, &COUNT, "Bytes, as carried."),
        one(
            "payload",
            Kind::Bytes,
            &FREE,
            "Its bytes, as carried: sealed.",
        ),
    ],
);
pub(super) static ENVELOPES: MessageDef = bare(
    "look.envelopes.answer",
    "Envelopes.",
    &[list(
        "envelopes",
        Kind::Message(&ENVELOPE),
        &FREE,
        "The envelopes.",
    )],
);
pub(super) static EQUAL: MessageDef = message(
    "look.replicas_equal",
    "What must be the same everywhere: one of `key`, `table_name` and `secret`.",
    &[
        one(
            "key",
            Kind::Str,
            &KEY,
            "A multi-Region key: material, backing keys and shared properties.",
        ),
        one(
            "table_name",
            Kind::Str,
            &TABLE,
            "A global table: all items, byte for byte.",
        ),
        one(
            "secret",
            Kind::Str,
            &FREE,
            "Name of a secret: values, labels, tags, description and resource policy.",
        ),
    ],
);
pub(super) static EQUAL_SEEN: MessageDef = message(
    "look.replicas_equal.answer",
    "The step fails when replicas differ.",
    &[
        one("equal", Kind::Bool, &FREE, "Always true."),
        one("replicas", Kind::I64, &COUNT, "How many were compared."),
    ],
);
pub(super) static STATE: MessageDef = message(
    "look.state",
    "Arguments of look.state.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "keyspace",
            Kind::Str,
            &FREE,
            "Only rows of this keyspace; how many of each when absent.",
        ),
    ],
);
pub(super) static STATE_SEEN: MessageDef = message(
    "look.state.answer",
    "What a Region holds.",
    &[
        one("digest", Kind::Str, &FREE, "One hash over all rows."),
        map("rows", Kind::I64, &FREE, "Rows by keyspace."),
    ],
);
pub(super) static ADVANCE: MessageDef = message(
    "time.advance",
    "Arguments of time.advance.",
    &[one("by", Kind::Str, &NEED_TIME, "How long.")],
);
