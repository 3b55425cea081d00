//! Arguments and answers of `look.stored_database` and `look.global_database`.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{COUNT, FREE, KEY, NEED, NEED_REGION, REGION};
use super::{list, message, one};

pub(super) static STORED_DATABASE: MessageDef = message(
    "look.stored_database",
    "Arguments of look.stored_database.",
    &[
        one(
            "name",
            Kind::Str,
            &NEED,
            "Name of the database or the cluster.",
        ),
        one("in", Kind::Str, &NEED_REGION, "The Region that holds it."),
    ],
);
pub(super) static STORED_DATABASE_SEEN: MessageDef = message(
    "look.stored_database.answer",
    "The storage of a database, whatever state it is in.",
    &[
        one("exists", Kind::Bool, &FREE, "Whether it is there."),
        one("arn", Kind::Str, &FREE, "Its ARN."),
        one("status", Kind::Str, &FREE, "Its status."),
        one(
            "encryption",
            Kind::Str,
            &FREE,
            "`none`, `sse-rds` (an AWS owned key) or `sse-kms`.",
        ),
        one("kms_key_id", Kind::Str, &KEY, "The KMS key."),
        one("rows", Kind::I64, &COUNT, "How many rows it has."),
        one("stored_bytes", Kind::I64, &COUNT, "Bytes of its rows."),
        one("lsn", Kind::I64, &COUNT, "Number of its last commit."),
    ],
);

pub(super) static GLOBAL_DATABASE: MessageDef = message(
    "look.global_database",
    "Arguments of look.global_database.",
    &[
        one("name", Kind::Str, &NEED, "Name of the global database."),
        one("in", Kind::Str, &NEED_REGION, "The Region that tells."),
    ],
);
static HERE: MessageDef = message(
    "look.global_database_member",
    "The Region's own cluster.",
    &[
        one("lsn", Kind::I64, &COUNT, "Number of its last commit."),
        one("is_writer", Kind::Bool, &FREE, "Whether it is the primary."),
        one(
            "replication_lag_ms",
            Kind::I64,
            &COUNT,
            "How long its last commit was under way: AuroraGlobalDBReplicationLag, of a secondary.",
        ),
    ],
);
static SECONDARY: MessageDef = message(
    "look.global_database_secondary",
    "A secondary, as the primary knows it.",
    &[
        one("region", Kind::Str, &REGION, "Its Region."),
        one(
            "confirmed_lsn",
            Kind::I64,
            &COUNT,
            "Number of the last commit that it has confirmed.",
        ),
        one(
            "rpo_lag_ms",
            Kind::I64,
            &COUNT,
            "How long the oldest commit waits that it has not: AuroraGlobalDBRPOLag.",
        ),
    ],
);
static CHANGE: MessageDef = message(
    "look.global_database_change",
    "A change of the primary.",
    &[
        one("from", Kind::Str, &REGION, "The old primary's Region."),
        one("to", Kind::Str, &REGION, "The new primary's Region."),
        one("kind", Kind::Str, &FREE, "`switchover` or `failover`."),
        one(
            "lost_commits",
            Kind::I64,
            &COUNT,
            "Commits that are lost; absent until the old primary has told.",
        ),
        one(
            "rpo_ms",
            Kind::I64,
            &COUNT,
            "From the first lost commit to the takeover; absent until the old primary has told.",
        ),
    ],
);
pub(super) static GLOBAL_DATABASE_SEEN: MessageDef = message(
    "look.global_database.answer",
    "A global database as a Region knows it.",
    &[
        one(
            "primary_region",
            Kind::Str,
            &REGION,
            "The Region that writes.",
        ),
        one("reign", Kind::I64, &COUNT, "Number of its reign."),
        one(
            "here",
            Kind::Message(&HERE),
            &FREE,
            "The Region's own cluster.",
        ),
        list(
            "secondaries",
            Kind::Message(&SECONDARY),
            &FREE,
            "The secondaries; only the primary's Region knows them.",
        ),
        list(
            "changes",
            Kind::Message(&CHANGE),
            &FREE,
            "Changes of the primary, oldest first.",
        ),
    ],
);
