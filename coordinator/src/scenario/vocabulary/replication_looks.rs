//! Arguments and answers of `look.replication` and of what S3 owes.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{BUCKET, COUNT, FREE, KEY, NEED_BUCKET, NEED_TABLE, REGION, TABLE};
use super::{bare, list, message, one};

pub(super) static STREAMS: MessageDef = message(
    "look.replication",
    "Which streams to look at.",
    &[
        one("in", Kind::Str, &REGION, "Only what this Region sends."),
        one("to", Kind::Str, &REGION, "Only what goes to this Region."),
        one("table_name", Kind::Str, &TABLE, "Only this global table."),
        one(
            "bucket",
            Kind::Str,
            &BUCKET,
            "Every version of this source bucket and how it is replicated, one entry a destination.",
        ),
        one(
            "object",
            Kind::Str,
            &FREE,
            "With `bucket`: only this object.",
        ),
        one(
            "version_id",
            Kind::Str,
            &FREE,
            "With `bucket`: only this version.",
        ),
        one("key", Kind::Str, &KEY, "Only this multi-Region key."),
    ],
);
static STREAM: MessageDef = message(
    "look.stream",
    "A stream of replicated records; with `bucket`, a version and what a destination has of it.",
    &[
        one(
            "object",
            Kind::Str,
            &FREE,
            "With `bucket`: the object's key.",
        ),
        one(
            "version_id",
            Kind::Str,
            &FREE,
            "With `bucket`: its version.",
        ),
        one(
            "destination",
            Kind::Str,
            &BUCKET,
            "With `bucket`: the destination bucket; absent when nothing sends it.",
        ),
        one(
            "rule",
            Kind::Str,
            &FREE,
            "With `bucket`: the rule that sends it.",
        ),
        one(
            "status",
            Kind::Str,
            &FREE,
            "With `bucket`: PENDING, COMPLETED, FAILED, REPLICA; absent when nothing sends it.",
        ),
        one(
            "failure_reason",
            Kind::Str,
            &FREE,
            "With `bucket`: S3's reason when it FAILED.",
        ),
        one(
            "why",
            Kind::Str,
            &FREE,
            "With `bucket`: why it did not arrive: filter, opt-in, permission and statement, key, or what it waits for.",
        ),
        one(
            "attempts",
            Kind::I64,
            &COUNT,
            "With `bucket`: how often it was sent.",
        ),
        one(
            "pending_seconds",
            Kind::I64,
            &COUNT,
            "With `bucket`: for how long it has been owed.",
        ),
        one("stream", Kind::Str, &FREE, "Its name."),
        one("from", Kind::Str, &REGION, "Who sends."),
        one("to", Kind::Str, &REGION, "Who receives."),
        one("sent", Kind::I64, &COUNT, "Last number that was sent."),
        one(
            "acknowledged",
            Kind::I64,
            &COUNT,
            "Last number that was acknowledged.",
        ),
        one(
            "waiting",
            Kind::I64,
            &COUNT,
            "Records not yet acknowledged.",
        ),
    ],
);
pub(super) static STREAMS_SEEN: MessageDef = bare(
    "look.replication.answer",
    "The streams.",
    &[list(
        "streams",
        Kind::Message(&STREAM),
        &FREE,
        "The streams.",
    )],
);
pub(super) static OF_BUCKET: MessageDef = message(
    "look.replication_metrics",
    "Which source bucket to look at.",
    &[
        one("bucket", Kind::Str, &NEED_BUCKET, "The source bucket."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "The bucket's Region; found when absent.",
        ),
    ],
);
static METRIC: MessageDef = message(
    "look.replication_metric",
    "What CloudWatch shows of one rule.",
    &[
        one("rule", Kind::Str, &FREE, "The rule."),
        one("to", Kind::Str, &BUCKET, "Its destination bucket."),
        one("schema", Kind::Str, &FREE, "V1 or V2."),
        one(
            "enabled",
            Kind::Bool,
            &FREE,
            "Whether the rule has metrics.",
        ),
        one(
            "published",
            Kind::Bool,
            &FREE,
            "Whether CloudWatch has them yet: a quarter of an hour after they were switched on.",
        ),
        one(
            "bytes_pending_replication",
            Kind::I64,
            &COUNT,
            "Bytes that are owed.",
        ),
        one(
            "operations_pending_replication",
            Kind::I64,
            &COUNT,
            "Operations that are owed.",
        ),
        one(
            "replication_latency",
            Kind::I64,
            &COUNT,
            "Seconds that the oldest of them is behind.",
        ),
        one(
            "operations_failed_replication",
            Kind::I64,
            &COUNT,
            "Operations that failed.",
        ),
        one(
            "operations_completed",
            Kind::I64,
            &COUNT,
            "Operations that arrived; CloudWatch has no such metric.",
        ),
    ],
);
pub(super) static METRICS_SEEN: MessageDef = bare(
    "look.replication_metrics.answer",
    "One entry a rule.",
    &[list(
        "metrics",
        Kind::Message(&METRIC),
        &FREE,
        "The metrics.",
    )],
);
pub(super) static LATENCY: MessageDef = message(
    "look.replication_latency",
    "Which table to look at.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The global table."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Only writes that arrived here; all Regions when absent.",
        ),
    ],
);
static PAIR: MessageDef = message(
    "look.replication_latency_pair",
    "What CloudWatch shows of two Regions, over the present minute and the last one.",
    &[
        one("from", Kind::Str, &REGION, "Where the writes were made."),
        one("to", Kind::Str, &REGION, "Where they arrived."),
        one(
            "samples",
            Kind::I64,
            &COUNT,
            "Writes that arrived; 0 when there were none, or replication stands still.",
        ),
        one("average", Kind::I64, &COUNT, "Milliseconds."),
        one("maximum", Kind::I64, &COUNT, "Milliseconds."),
    ],
);
pub(super) static LATENCY_SEEN: MessageDef = bare(
    "look.replication_latency.answer",
    "One entry for each pair of Regions between which a write ever arrived.",
    &[list("pairs", Kind::Message(&PAIR), &FREE, "The pairs.")],
);
static S3_EVENT: MessageDef = message(
    "look.replication_event",
    "An event as S3 sends it.",
    &[
        one(
            "event_name",
            Kind::Str,
            &FREE,
            "Its name without `s3:`, `Replication:OperationMissedThreshold`.",
        ),
        one("event_version", Kind::Str, &FREE, "Version of its form."),
        one("event_time", Kind::Timestamp, &FREE, "When it was sent."),
        one("aws_region", Kind::Str, &REGION, "Region of the source."),
        one("user_identity", Kind::Str, &FREE, "Always S3."),
        one("source_ip_address", Kind::Str, &FREE, "Always S3."),
        one("object", Kind::Str, &FREE, "The object's key."),
        one("version_id", Kind::Str, &FREE, "Its version."),
        one("replication_rule_id", Kind::Str, &FREE, "The rule."),
        one(
            "destination_bucket",
            Kind::Str,
            &FREE,
            "ARN of the destination bucket.",
        ),
        one("s3_operation", Kind::Str, &FREE, "OBJECT_PUT and so on."),
        one(
            "request_time",
            Kind::Timestamp,
            &FREE,
            "When the operation was asked for.",
        ),
        one("failure_reason", Kind::Str, &FREE, "Why it failed."),
    ],
);
pub(super) static EVENTS_SENT: MessageDef = bare(
    "look.replication_events.answer",
    "Events, oldest first.",
    &[list(
        "events",
        Kind::Message(&S3_EVENT),
        &FREE,
        "The events.",
    )],
);
static LANE: MessageDef = message(
    "look.replication_lane",
    "The traffic from one bucket to another.",
    &[
        one("to", Kind::Str, &BUCKET, "The destination bucket."),
        one(
            "region",
            Kind::Str,
            &REGION,
            "Its Region; absent when it is gone.",
        ),
        one(
            "state",
            Kind::Str,
            &FREE,
            "idle, moving, silent (nothing answers) or held (a fault holds it back).",
        ),
        one(
            "transfers_under_way",
            Kind::I64,
            &COUNT,
            "Messages that the destination has not answered.",
        ),
        one("waiting", Kind::I64, &COUNT, "Operations behind them."),
        one("delivered", Kind::I64, &COUNT, "Operations that arrived."),
        one(
            "catching_up",
            Kind::Bool,
            &FREE,
            "Whether it was silent and works off what waited.",
        ),
        one(
            "silent_seconds",
            Kind::I64,
            &COUNT,
            "How long the last silence was.",
        ),
        one(
            "caught_up_in_ms",
            Kind::I64,
            &COUNT,
            "How long it took to work off what waited, milliseconds.",
        ),
        one(
            "caught_up_with",
            Kind::I64,
            &COUNT,
            "How many operations that were.",
        ),
    ],
);
pub(super) static LANES_SEEN: MessageDef = bare(
    "look.replication_lanes.answer",
    "One entry a destination.",
    &[list("lanes", Kind::Message(&LANE), &FREE, "The lanes.")],
);
