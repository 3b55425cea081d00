//! The members of the world's entries.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{
    FREE, KEY, NEED, NEED_ACCOUNT, NEED_BUCKET, NEED_PRINCIPAL, NEED_REGION, POLICY, PRINCIPAL,
    REGION, REGIONS, TIME,
};
use super::{ANY, list, map, message, one};

static RETRIES: Shape = Shape {
    pattern: Some(RETRIES_PATTERN),
    ..ANY
};
/// A number of retries, or how AWS SDKs retry.
pub const RETRIES_PATTERN: &str = r"\d|10|standard";

/// `client:` of a file, world or step.
pub static CLIENT: MessageDef = message(
    "client",
    "How a client waits and tries again.",
    &[
        one(
            "connect_timeout",
            Kind::Str,
            &TIME,
            "How long it waits for a connection; default 3s.",
        ),
        one(
            "read_timeout",
            Kind::Str,
            &TIME,
            "How long it waits for the answer; default 60s.",
        ),
        one(
            "retries",
            Kind::Str,
            &RETRIES,
            "Tries after the first, or `standard` for what AWS SDKs do; default 0.",
        ),
    ],
);

static PRINCIPAL_KIND: Shape = Shape {
    values: &["user", "role"],
    ..ANY
};
/// Members of an entry.
pub(super) static PRINCIPAL_ENTRY: MessageDef = message(
    "principal",
    "Somebody who calls: an IAM user, or a role.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account it belongs to.",
        ),
        one(
            "kind",
            Kind::Str,
            &PRINCIPAL_KIND,
            "`user` (default) or `role`; `assumed_by` makes it a role.",
        ),
        list(
            "allow",
            Kind::Str,
            &FREE,
            "Actions that its identity policy allows on all resources.",
        ),
        list(
            "deny",
            Kind::Str,
            &FREE,
            "Actions that its identity policy denies on all resources.",
        ),
        one(
            "assumed_by",
            Kind::Str,
            &FREE,
            "The service or principal that may assume the role, `s3.amazonaws.com`.",
        ),
        one(
            "policy",
            Kind::Str,
            &POLICY,
            "Its identity policy, short or in full, beside `allow` and `deny`.",
        ),
        list(
            "boundary",
            Kind::Str,
            &FREE,
            "Actions that its permissions boundary lets through; without it there is no boundary.",
        ),
        list(
            "session",
            Kind::Str,
            &FREE,
            "For a role: actions that the policy of its sessions lets through; without it they have none.",
        ),
    ],
);

/// Members of an entry.
pub(super) static GROUP_ENTRY: MessageDef = message(
    "group",
    "An IAM group: its policy speaks for every user in it.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account it belongs to.",
        ),
        list(
            "members",
            Kind::Str,
            &PRINCIPAL,
            "The users in it; they belong to the same account.",
        ),
        list(
            "allow",
            Kind::Str,
            &FREE,
            "Actions that its policy allows on all resources.",
        ),
        list(
            "deny",
            Kind::Str,
            &FREE,
            "Actions that its policy denies on all resources.",
        ),
        one(
            "policy",
            Kind::Str,
            &POLICY,
            "Its policy, short or in full, beside `allow` and `deny`.",
        ),
    ],
);

static KEY_SPEC: Shape = Shape {
    values: &[
        "SYMMETRIC_DEFAULT",
        "RSA_2048",
        "RSA_3072",
        "RSA_4096",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
        "HMAC_224",
        "HMAC_256",
        "HMAC_384",
        "HMAC_512",
        "ML_DSA_44",
        "ML_DSA_65",
        "ML_DSA_87",
        "ML_KEM_512",
        "ML_KEM_768",
        "ML_KEM_1024",
    ],
    ..ANY
};
static KEY_USAGE: Shape = Shape {
    values: &[
        "ENCRYPT_DECRYPT",
        "SIGN_VERIFY",
        "GENERATE_VERIFY_MAC",
        "KEY_AGREEMENT",
        "ENCAPSULATE_DECAPSULATE",
    ],
    ..ANY
};
/// Members of an entry.
pub(super) static KEY_ENTRY: MessageDef = message(
    "key",
    "A KMS key.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account that owns it.",
        ),
        one(
            "region",
            Kind::Str,
            &REGION,
            "Its Region, for a key of one Region.",
        ),
        one(
            "multi_region",
            Kind::Bool,
            &FREE,
            "Whether it is a multi-Region key.",
        ),
        one(
            "primary",
            Kind::Str,
            &REGION,
            "The Region of the primary key.",
        ),
        list(
            "replicas",
            Kind::Str,
            &REGIONS,
            "The Regions of its replica keys.",
        ),
        one(
            "policy",
            Kind::Str,
            &POLICY,
            "The key policy, short or in full; the default policy when absent.",
        ),
        one(
            "spec",
            Kind::Str,
            &KEY_SPEC,
            "KeySpec: the type of the key; SYMMETRIC_DEFAULT when absent.",
        ),
        one(
            "usage",
            Kind::Str,
            &KEY_USAGE,
            "KeyUsage: what the key is for; only SYMMETRIC_DEFAULT needs none.",
        ),
        one("description", Kind::Str, &FREE, "Its description."),
        one("alias", Kind::Str, &FREE, "An alias for it, `alias/...`."),
    ],
);

static SSE: Shape = Shape {
    required: true,
    values: &["AES256", "aws:kms"],
    ..ANY
};
static BUCKET_ENCRYPTION: MessageDef = message(
    "encryption",
    "Default encryption of a bucket.",
    &[
        one("sse_algorithm", Kind::Str, &SSE, "`AES256` or `aws:kms`."),
        one(
            "kms_master_key_id",
            Kind::Str,
            &KEY,
            "The key, for `aws:kms`.",
        ),
        one(
            "bucket_key_enabled",
            Kind::Bool,
            &FREE,
            "Whether an S3 Bucket Key is used.",
        ),
    ],
);
/// Members of an entry.
pub(super) static BUCKET_ENTRY: MessageDef = message(
    "bucket",
    "An S3 bucket; its name is the entry's.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account that owns it.",
        ),
        one("region", Kind::Str, &NEED_REGION, "Its Region."),
        one("versioned", Kind::Bool, &FREE, "Whether it keeps versions."),
        one(
            "allow_sse_c",
            Kind::Bool,
            &FREE,
            "Whether SSE-C is allowed; new buckets block it.",
        ),
        one(
            "encryption",
            Kind::Message(&BUCKET_ENCRYPTION),
            &FREE,
            "Default encryption; SSE-S3 when absent.",
        ),
        one(
            "policy",
            Kind::Str,
            &POLICY,
            "The bucket policy, short or in full.",
        ),
    ],
);

static KEY_TYPE: Shape = Shape {
    values: &["S", "N", "B"],
    ..ANY
};
static KEY_TYPES: Shape = Shape {
    item: Some(&KEY_TYPE),
    ..ANY
};
static SSE_TYPE: Shape = Shape {
    values: &["aws_owned", "aws_managed", "customer_managed"],
    ..ANY
};
static CONSISTENCY: Shape = Shape {
    values: &["eventual", "strong"],
    ..ANY
};
static TABLE_SSE: MessageDef = message(
    "sse",
    "How a table is encrypted at rest.",
    &[
        one(
            "kind",
            Kind::Str,
            &SSE_TYPE,
            "Who owns the key; default `aws_owned`.",
        ),
        one(
            "kms_master_key_id",
            Kind::Str,
            &KEY,
            "The key, for `customer_managed`.",
        ),
    ],
);
/// Members of an entry.
pub(super) static TABLE_ENTRY: MessageDef = message(
    "table",
    "A DynamoDB table; its name is the entry's.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account that owns it.",
        ),
        one(
            "region",
            Kind::Str,
            &REGION,
            "Its Region, for a table of one Region.",
        ),
        list(
            "replicas",
            Kind::Str,
            &REGIONS,
            "The Regions of a global table.",
        ),
        one(
            "consistency",
            Kind::Str,
            &CONSISTENCY,
            "How replicas agree; default `eventual`. `strong` wants three Regions, or two and a witness.",
        ),
        one(
            "witness",
            Kind::Str,
            &REGION,
            "The Region that votes and holds no table, for `strong`.",
        ),
        one(
            "partition_key",
            Kind::Str,
            &NEED,
            "Name of the partition key attribute.",
        ),
        one(
            "sort_key",
            Kind::Str,
            &FREE,
            "Name of the sort key attribute.",
        ),
        map(
            "key_types",
            Kind::Str,
            &KEY_TYPES,
            "Types of key attributes that are not text: `S`, `N` or `B`.",
        ),
        one(
            "sse",
            Kind::Message(&TABLE_SSE),
            &FREE,
            "Encryption at rest.",
        ),
    ],
);

/// Members of an entry.
pub(super) static VOLUME_ENTRY: MessageDef = message(
    "volume",
    "An EBS volume with content, for which AWS has no call: it is planted.",
    &[
        one(
            "account",
            Kind::Str,
            &NEED_ACCOUNT,
            "The account that owns it.",
        ),
        one("region", Kind::Str, &NEED_REGION, "Its Region."),
        one(
            "kms_key_id",
            Kind::Str,
            &KEY,
            "The key it is encrypted under.",
        ),
        one(
            "encrypted",
            Kind::Bool,
            &FREE,
            "Whether it is encrypted; a key says yes.",
        ),
        one("content", Kind::Bytes, &FREE, "What is on it."),
        one("size", Kind::I64, &FREE, "GiB; default 1."),
    ],
);

static ON_OFF: Shape = Shape {
    values: &["Enabled", "Disabled"],
    ..ANY
};
static RULE: MessageDef = message(
    "rule",
    "A replication rule.",
    &[
        one("id", Kind::Str, &FREE, "Its id."),
        one("prefix", Kind::Str, &FREE, "Only keys that begin so."),
        one(
            "priority",
            Kind::I64,
            &FREE,
            "The higher wins where rules overlap; default: the order.",
        ),
        one("status", Kind::Str, &ON_OFF, "Default `Enabled`."),
        one(
            "sse_kms_encrypted_objects",
            Kind::Str,
            &ON_OFF,
            "Whether objects under SSE-KMS take part.",
        ),
        one(
            "replica_kms_key_id",
            Kind::Str,
            &KEY,
            "The key for replicas of KMS objects.",
        ),
        one(
            "delete_marker_replication",
            Kind::Str,
            &ON_OFF,
            "Whether delete markers are replicated; default `Disabled`.",
        ),
    ],
);
/// Members of an entry.
pub(super) static REPLICATION: MessageDef = message(
    "replication",
    "A bucket's replication configuration.",
    &[
        one("from", Kind::Str, &NEED_BUCKET, "The source bucket."),
        one("to", Kind::Str, &NEED_BUCKET, "The destination bucket."),
        one(
            "role",
            Kind::Str,
            &NEED_PRINCIPAL,
            "The role that S3 assumes.",
        ),
        list("rules", Kind::Message(&RULE), &NEED, "Its rules."),
    ],
);
