//! The members of each fault.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::super::shapes::{
    BUCKET, FREE, KEY, NEED, NEED_KEY, NEED_POLICY, NEED_REGION, NEED_TIME, ODDS, PRINCIPAL,
    REGION, REGIONS, SIGNED_TIME, SKEW, SPEED, TABLE, TIME, TWO_REGIONS, WIDTH,
};
use super::super::{ANY, bare, list, message, one};

pub(super) static WHEN: Shape = Shape {
    values: &["before_commit", "after_commit"],
    ..ANY
};
pub(super) static THEN: Shape = Shape {
    values: &["restart", "stay_down"],
    ..ANY
};
pub(super) static GROUPS: Shape = Shape {
    min_length: Some(2),
    ..ANY
};

pub(super) static GROUP: MessageDef = bare(
    "group",
    "Regions that still reach each other.",
    &[list("regions", Kind::Str, &REGIONS, "Regions of one side.")],
);

pub(super) static REGION_DOWN: MessageDef = message(
    "region_down",
    "Cuts a Region from clients and from all other Regions; its processes and state remain.",
    &[one("region", Kind::Str, &NEED_REGION, "The Region.")],
);
pub(super) static PARTITION: MessageDef = message(
    "partition",
    "Cuts links: between groups of Regions both ways, or one way from some to others.",
    &[
        list(
            "groups",
            Kind::Message(&GROUP),
            &GROUPS,
            "Groups that no longer reach each other; clients stand with their Region.",
        ),
        list(
            "from",
            Kind::Str,
            &REGIONS,
            "One way only: messages from these Regions...",
        ),
        list("to", Kind::Str, &REGIONS, "...to these are lost."),
    ],
);
pub(super) static SLOW_LINK: MessageDef = message(
    "slow_link",
    "Makes the links between two Regions slower.",
    &[
        list("between", Kind::Str, &TWO_REGIONS, "The two Regions."),
        one(
            "latency",
            Kind::Str,
            &TIME,
            "One-way delay in place of the usual one.",
        ),
        one("jitter", Kind::Str, &TIME, "Most that is added by chance."),
        one(
            "bandwidth",
            Kind::Str,
            &WIDTH,
            "Bits a second in place of the usual ones.",
        ),
    ],
);
pub(super) static MESSAGES: MessageDef = message(
    "messages",
    "Drops, repeats, reorders or holds single messages between Regions.",
    &[
        list(
            "between",
            Kind::Str,
            &REGIONS,
            "Only between these Regions; all links when absent.",
        ),
        one("drop", Kind::Str, &ODDS, "Chance that a message is lost."),
        one(
            "duplicate",
            Kind::Str,
            &ODDS,
            "Chance that a message arrives twice.",
        ),
        one(
            "reorder",
            Kind::Str,
            &ODDS,
            "Chance that a message is overtaken by later ones.",
        ),
        one(
            "hold",
            Kind::Str,
            &TIME,
            "Every message waits for so long, or with `chance` some do.",
        ),
        one("chance", Kind::Str, &ODDS, "Chance that a message is held."),
    ],
);
pub(super) static NODE_CRASH: MessageDef = message(
    "node_crash",
    "Kills a Region's process at its next step, as SIGKILL does: what was not flushed is gone.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "when",
            Kind::Str,
            &WHEN,
            "Before the step's commit (default) or after it, before the answer.",
        ),
        one(
            "operation",
            Kind::Str,
            &FREE,
            "Only at a step that carries this verb, `kms.encrypt`.",
        ),
        one(
            "then",
            Kind::Str,
            &THEN,
            "Start again at once (default), or only where the block ends.",
        ),
    ],
);
pub(super) static RESTART: MessageDef = message(
    "restart",
    "Stops a Region's process cleanly and starts it again.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
pub(super) static CLOCK_SKEW: MessageDef = message(
    "clock_skew",
    "Makes a Region's own clock wrong. Timers go on rightly, stamps and expiry do not.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "offset",
            Kind::Str,
            &SIGNED_TIME,
            "Off by so much while the fault lasts.",
        ),
        one(
            "drift",
            Kind::Str,
            &SKEW,
            "Goes fast or slow by this share.",
        ),
        one(
            "jump",
            Kind::Str,
            &SIGNED_TIME,
            "Jumps once, and stays there after the fault.",
        ),
    ],
);
pub(super) static KEY_DISABLED: MessageDef = message(
    "key_disabled",
    "Disables a KMS key, as its account's root user would; healing enables it again.",
    &[
        one("key", Kind::Str, &NEED_KEY, "The key."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Its Region; for a multi-Region key one Region or, when absent, all.",
        ),
    ],
);
pub(super) static KEY_PENDING_DELETION: MessageDef = message(
    "key_pending_deletion",
    "Schedules the deletion of a KMS key, as its account's root user would; healing cancels it and enables the key.",
    &[
        one("key", Kind::Str, &NEED_KEY, "The key."),
        one(
            "in",
            Kind::Str,
            &REGION,
            "Its Region; for a multi-Region key one Region or, when absent, all.",
        ),
    ],
);
pub(super) static POLICY_REPLACED: MessageDef = message(
    "policy_replaced",
    "Puts another policy in the place of a key's, bucket's or principal's; healing puts the old one back.",
    &[
        one("key", Kind::Str, &KEY, "The key whose policy is replaced."),
        one(
            "bucket",
            Kind::Str,
            &BUCKET,
            "The bucket whose policy is replaced.",
        ),
        one(
            "principal",
            Kind::Str,
            &PRINCIPAL,
            "The principal whose identity policy is replaced.",
        ),
        one(
            "in",
            Kind::Str,
            &REGION,
            "For a multi-Region key: only the replica in this Region.",
        ),
        one(
            "policy",
            Kind::Str,
            &NEED_POLICY,
            "The policy, short or in full.",
        ),
    ],
);
pub(super) static KMS_THROTTLED: MessageDef = message(
    "kms_throttled",
    "KMS of a Region answers ThrottlingException above a rate.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "rate",
            Kind::Str,
            &SPEED,
            "Requests that still pass; none when absent.",
        ),
    ],
);
pub(super) static PAUSE_REPLICATION: MessageDef = message(
    "pause_replication",
    "Holds what a service replicates, without any error.",
    &[
        one("table", Kind::Str, &TABLE, "A global table."),
        one("bucket", Kind::Str, &BUCKET, "A source bucket."),
        one("key", Kind::Str, &KEY, "A multi-Region key."),
        list("from", Kind::Str, &REGIONS, "Only from these Regions."),
        list("to", Kind::Str, &REGIONS, "Only to these Regions."),
    ],
);
pub(super) static IAM_CONTROL_PLANE_OUTAGE: MessageDef = message(
    "iam_control_plane_outage",
    "Stops changes of IAM and Organizations and nothing else: who may do what stays as it is.",
    &[],
);
pub(super) static IAM_PROPAGATION_DELAY: MessageDef = message(
    "iam_propagation_delay",
    "Lets changes of IAM and Organizations reach other Regions late; these decide with what they have.",
    &[
        list("to", Kind::Str, &REGIONS, "Only to these Regions."),
        one("by", Kind::Str, &NEED_TIME, "How much later."),
    ],
);

pub(super) static KMS_PROPAGATION_DELAY: MessageDef = message(
    "kms_propagation_delay",
    "Lets changes of KMS count late: a new grant needs its token, a new key is not found, decisions see old tags and aliases.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "by",
            Kind::Str,
            &NEED_TIME,
            "How much later a change counts.",
        ),
    ],
);

pub(super) static FREEZE: MessageDef = message(
    "freeze",
    "Stops a Region's process as SIGSTOP does: connections stay, nobody answers; what waits is done when it thaws.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
pub(super) static SERVICE_ERRORS: MessageDef = message(
    "service_errors",
    "A service of a Region answers with its own internal error, to clients and to the services that call it.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one("service", Kind::Str, &NEED, "Its prefix, `kms`."),
        one(
            "chance",
            Kind::Str,
            &ODDS,
            "Chance that a call fails; an outage, when absent.",
        ),
    ],
);
pub(super) static DISK_FULL: MessageDef = message(
    "disk_full",
    "A Region's disk takes no more data: calls that change something fail, what other Regions send is not taken.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
pub(super) static SLOW_DISK: MessageDef = message(
    "slow_disk",
    "Each write of a Region takes long, and so does all that waits for it: answers, and messages to other Regions.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one("latency", Kind::Str, &NEED_TIME, "What each write takes."),
    ],
);
pub(super) static FAILED_WRITE: MessageDef = message(
    "failed_write",
    "A Region's disk refuses one write: the node stops before it answers, and starts again from what was flushed.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one(
            "operation",
            Kind::Str,
            &FREE,
            "Only the write of a step that carries this verb, `kms.encrypt`.",
        ),
    ],
);
