//! The faults: their names and members. What they do to a run is the simulator's matter.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{
    BUCKET, FREE, KEY, NEED, NEED_KEY, NEED_POLICY, NEED_REGION, NEED_TIME, ODDS, PRINCIPAL,
    REGION, REGIONS, SIGNED_TIME, SKEW, SPEED, TABLE, TIME, TWO_REGIONS, WIDTH,
};
use super::{ANY, bare, list, message, one};

/// One kind of fault.
#[derive(Debug)]
pub struct FaultDef {
    /// As it is written.
    pub name: &'static str,
    /// Its members.
    pub members: &'static MessageDef,
    /// The member that a bare value stands for: `region_down: eu-west-1`.
    pub bare: Option<&'static str>,
    /// Sets of members of which exactly one must be there.
    pub one_of: &'static [&'static [&'static str]],
    /// The action of AWS Fault Injection Service that does the same, if there is one.
    pub fis: Option<&'static str>,
    /// How it looks in a file.
    pub example: &'static str,
}

/// Names of all kinds, for `caused_by`.
pub const KINDS: &[&str] = &[
    "region_down",
    "partition",
    "slow_link",
    "messages",
    "node_crash",
    "restart",
    "clock_skew",
    "key_disabled",
    "policy_replaced",
    "kms_throttled",
    "pause_replication",
    "freeze",
    "service_errors",
    "disk_full",
    "slow_disk",
    "failed_write",
    "iam_control_plane_outage",
    "iam_propagation_delay",
    "kms_propagation_delay",
];

/// The fault of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static FaultDef> {
    FAULTS.iter().find(|fault| fault.name == name)
}

static WHEN: Shape = Shape {
    values: &["before_commit", "after_commit"],
    ..ANY
};
static THEN: Shape = Shape {
    values: &["restart", "stay_down"],
    ..ANY
};
static GROUPS: Shape = Shape {
    min_length: Some(2),
    ..ANY
};

static GROUP: MessageDef = bare(
    "group",
    "Regions that still reach each other.",
    &[list("regions", Kind::Str, &REGIONS, "Regions of one side.")],
);

static REGION_DOWN: MessageDef = message(
    "region_down",
    "Cuts a Region from clients and from all other Regions; its processes and state remain.",
    &[one("region", Kind::Str, &NEED_REGION, "The Region.")],
);
static PARTITION: MessageDef = message(
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
static SLOW_LINK: MessageDef = message(
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
static MESSAGES: MessageDef = message(
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
static NODE_CRASH: MessageDef = message(
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
static RESTART: MessageDef = message(
    "restart",
    "Stops a Region's process cleanly and starts it again.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
static CLOCK_SKEW: MessageDef = message(
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
static KEY_DISABLED: MessageDef = message(
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
static POLICY_REPLACED: MessageDef = message(
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
static KMS_THROTTLED: MessageDef = message(
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
static PAUSE_REPLICATION: MessageDef = message(
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
static IAM_CONTROL_PLANE_OUTAGE: MessageDef = message(
    "iam_control_plane_outage",
    "Stops changes of IAM and Organizations and nothing else: who may do what stays as it is.",
    &[],
);
static IAM_PROPAGATION_DELAY: MessageDef = message(
    "iam_propagation_delay",
    "Lets changes of IAM and Organizations reach other Regions late; these decide with what they have.",
    &[
        list("to", Kind::Str, &REGIONS, "Only to these Regions."),
        one("by", Kind::Str, &NEED_TIME, "How much later."),
    ],
);

static KMS_PROPAGATION_DELAY: MessageDef = message(
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

static FREEZE: MessageDef = message(
    "freeze",
    "Stops a Region's process as SIGSTOP does: connections stay, nobody answers; what waits is done when it thaws.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
static SERVICE_ERRORS: MessageDef = message(
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
static DISK_FULL: MessageDef = message(
    "disk_full",
    "A Region's disk takes no more data: calls that change something fail, what other Regions send is not taken.",
    &[one("in", Kind::Str, &NEED_REGION, "The Region.")],
);
static SLOW_DISK: MessageDef = message(
    "slow_disk",
    "Each write of a Region takes long, and so does all that waits for it: answers, and messages to other Regions.",
    &[
        one("in", Kind::Str, &NEED_REGION, "The Region."),
        one("latency", Kind::Str, &NEED_TIME, "What each write takes."),
    ],
);
static FAILED_WRITE: MessageDef = message(
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

/// All kinds of faults.
pub static FAULTS: &[FaultDef] = &[
    FaultDef {
        name: "region_down",
        members: &REGION_DOWN,
        bare: Some("region"),
        one_of: &[],
        fis: None,
        example: "while: [{ region_down: eu-west-1 }]",
    },
    FaultDef {
        name: "partition",
        members: &PARTITION,
        bare: Some("groups"),
        one_of: &[&["groups", "from"]],
        fis: Some("aws:network:disrupt-connectivity"),
        example: "while: [{ partition: [[eu-west-1], [us-east-1]] }]",
    },
    FaultDef {
        name: "slow_link",
        members: &SLOW_LINK,
        bare: None,
        one_of: &[],
        fis: None,
        example: "while: [{ slow_link: { between: [eu-west-1, us-east-1], latency: 2s } }]",
    },
    FaultDef {
        name: "messages",
        members: &MESSAGES,
        bare: None,
        one_of: &[],
        fis: None,
        example: "while: [{ messages: { duplicate: 1/10, reorder: 10% } }]",
    },
    FaultDef {
        name: "node_crash",
        members: &NODE_CRASH,
        bare: Some("in"),
        one_of: &[],
        fis: None,
        example: "while: [{ node_crash: { in: eu-west-1, when: after_commit, operation: kms.encrypt } }]",
    },
    FaultDef {
        name: "restart",
        members: &RESTART,
        bare: Some("in"),
        one_of: &[],
        fis: None,
        example: "while: [{ restart: eu-west-1 }]",
    },
    FaultDef {
        name: "clock_skew",
        members: &CLOCK_SKEW,
        bare: None,
        one_of: &[&["offset", "drift", "jump"]],
        fis: None,
        example: "while: [{ clock_skew: { in: us-east-1, offset: -5m } }]",
    },
    FaultDef {
        name: "key_disabled",
        members: &KEY_DISABLED,
        bare: Some("key"),
        one_of: &[],
        fis: None,
        example: "while: [{ key_disabled: { key: payments, in: us-east-1 } }]",
    },
    FaultDef {
        name: "policy_replaced",
        members: &POLICY_REPLACED,
        bare: None,
        one_of: &[&["key", "bucket", "principal"]],
        fis: None,
        example: "while: [{ policy_replaced: { key: vault, policy: [{ allow: [\"kms:*\"], to: owner }] } }]",
    },
    FaultDef {
        name: "kms_throttled",
        members: &KMS_THROTTLED,
        bare: Some("in"),
        one_of: &[],
        fis: Some("aws:fis:inject-api-throttle-error"),
        example: "while: [{ kms_throttled: { in: eu-west-1, rate: 10/s } }]",
    },
    FaultDef {
        name: "pause_replication",
        members: &PAUSE_REPLICATION,
        bare: None,
        one_of: &[&["table", "bucket", "key"]],
        fis: Some("aws:dynamodb:global-table-pause-replication, aws:s3:bucket-pause-replication"),
        example: "while: [{ pause_replication: { table: orders, to: [us-east-1] } }]",
    },
    FaultDef {
        name: "freeze",
        members: &FREEZE,
        bare: Some("in"),
        one_of: &[],
        fis: None,
        example: "while: [{ freeze: eu-west-1 }]",
    },
    FaultDef {
        name: "service_errors",
        members: &SERVICE_ERRORS,
        bare: None,
        one_of: &[],
        fis: Some("aws:fis:inject-api-internal-error, aws:fis:inject-api-unavailable-error"),
        example: "while: [{ service_errors: { in: eu-west-1, service: kms, chance: 20% } }]",
    },
    FaultDef {
        name: "disk_full",
        members: &DISK_FULL,
        bare: Some("in"),
        one_of: &[],
        fis: Some("aws:ssm:send-command with AWSFIS-Run-Disk-Fill"),
        example: "while: [{ disk_full: us-east-1 }]",
    },
    FaultDef {
        name: "slow_disk",
        members: &SLOW_DISK,
        bare: None,
        one_of: &[],
        fis: Some("aws:ebs:volume-io-latency"),
        example: "while: [{ slow_disk: { in: eu-west-1, latency: 50ms } }]",
    },
    FaultDef {
        name: "failed_write",
        members: &FAILED_WRITE,
        bare: Some("in"),
        one_of: &[],
        fis: None,
        example: "while: [{ failed_write: { in: eu-west-1, operation: kms.encrypt } }]",
    },
    FaultDef {
        name: "iam_control_plane_outage",
        members: &IAM_CONTROL_PLANE_OUTAGE,
        bare: None,
        one_of: &[],
        fis: None,
        example: "while: [{ iam_control_plane_outage: {} }]",
    },
    FaultDef {
        name: "iam_propagation_delay",
        members: &IAM_PROPAGATION_DELAY,
        bare: Some("by"),
        one_of: &[],
        fis: None,
        example: "while: [{ iam_propagation_delay: { to: [eu-west-1], by: 30s } }]",
    },
    FaultDef {
        name: "kms_propagation_delay",
        members: &KMS_PROPAGATION_DELAY,
        bare: None,
        one_of: &[],
        fis: None,
        example: "while: [{ kms_propagation_delay: { in: eu-west-1, by: 5m } }]",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_a_fault_and_every_fault_a_kind() {
        let names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        assert_eq!(names, KINDS);
    }
}
