//! The faults: their names and members. What they do to a run is the simulator's matter.

use faultline_proto::tables::MessageDef;

mod members;

use members::*;

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
    "key_pending_deletion",
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
        name: "key_pending_deletion",
        members: &KEY_PENDING_DELETION,
        bare: Some("key"),
        one_of: &[],
        fis: None,
        example: "while: [{ key_pending_deletion: { key: payments, in: us-east-1 } }]",
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
