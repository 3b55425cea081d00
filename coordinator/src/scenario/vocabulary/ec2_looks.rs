//! Arguments and answers of what only a simulator can do with disks: write to a volume without an
//! instance, look at how a snapshot is stored, and read what EBS tells EventBridge.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{ACCOUNT, COUNT, FREE, KEY, NEED, NEED_VOLUME, REGION};
use super::{bare, list, message, one};

pub(super) static CONTENT: MessageDef = message(
    "plant.volume_content",
    "Arguments of plant.volume_content.",
    &[
        one("volume_id", Kind::Str, &NEED_VOLUME, "The volume."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Its Region; the step's when absent.",
        ),
        one("content", Kind::Str, &NEED, "What is written."),
        one(
            "block",
            Kind::I64,
            &COUNT,
            "The block of 64 KiB to begin with; the others stay. Without it the volume has nothing else.",
        ),
        one(
            "blocks",
            Kind::I64,
            &COUNT,
            "As many whole blocks are filled with the content, each with its number; 512 at most.",
        ),
    ],
);
pub(super) static PLANTED: MessageDef = message(
    "plant.volume_content.answer",
    "What was written.",
    &[one("bytes", Kind::I64, &COUNT, "How many bytes.")],
);
pub(super) static BLOCKS: MessageDef = message(
    "look.snapshot_blocks",
    "Arguments of look.snapshot_blocks.",
    &[
        one("snapshot_id", Kind::Str, &NEED, "The snapshot."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Its Region; the step's when absent.",
        ),
    ],
);
pub(super) static BLOCKS_SEEN: MessageDef = message(
    "look.snapshot_blocks.answer",
    "How a snapshot is stored.",
    &[
        one("blocks", Kind::I64, &COUNT, "Blocks that it has."),
        one(
            "own",
            Kind::I64,
            &COUNT,
            "Blocks that nobody else has: what its deletion would free.",
        ),
        one(
            "moved",
            Kind::I64,
            &COUNT,
            "Blocks that were stored or copied for it so far.",
        ),
        one(
            "to_move",
            Kind::I64,
            &COUNT,
            "Blocks that are to be stored or copied for it; absent until that is known.",
        ),
        one(
            "based_on",
            Kind::Str,
            &FREE,
            "The copy whose unchanged blocks it shares.",
        ),
        one(
            "content",
            Kind::Str,
            &FREE,
            "A digest: the same for the same content, under whatever key.",
        ),
        one(
            "kms_key_id",
            Kind::Str,
            &KEY,
            "The key it is encrypted under.",
        ),
        one("encrypted", Kind::Bool, &FREE, "Whether it is encrypted."),
        one("state", Kind::Str, &FREE, "How far it is."),
    ],
);
pub(super) static OF_EBS: MessageDef = message(
    "look.ebs_events",
    "Arguments of look.ebs_events.",
    &[
        one(
            "in",
            Kind::Str,
            &REGION,
            "The Region; the step's when absent.",
        ),
        one(
            "account",
            Kind::Str,
            &ACCOUNT,
            "Only events of this account.",
        ),
    ],
);
static EVENT: MessageDef = message(
    "look.ebs_event",
    "An event as EventBridge has it.",
    &[
        one(
            "event",
            Kind::Str,
            &FREE,
            "`createVolume`, `copySnapshot`...",
        ),
        one(
            "result",
            Kind::Str,
            &FREE,
            "`available`, `succeeded`, `failed`...",
        ),
        one("cause", Kind::Str, &FREE, "Why it failed, in EBS's words."),
        one("resource", Kind::Str, &FREE, "The volume or snapshot."),
        one("source", Kind::Str, &FREE, "What that was made of."),
        one("account", Kind::Str, &ACCOUNT, "The account that gets it."),
    ],
);
pub(super) static EBS_EVENTS: MessageDef = bare(
    "look.ebs_events.answer",
    "Events of the last day, oldest first.",
    &[list("events", Kind::Message(&EVENT), &FREE, "The events.")],
);
