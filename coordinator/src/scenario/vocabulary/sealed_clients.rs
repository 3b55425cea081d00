//! `world.sealed_clients`: how clients encrypt, which the nodes never learn.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::beacons::{self, BEACONS};
use super::shapes::{ACCOUNT, FREE, KEY, KEYS, NEED, NEED_KEY, NEED_TABLE, TIME};
use super::{ANY, list, map, message, one};

static MULTI: MessageDef = message(
    "kms_multi",
    "A keyring of several keys: the generator makes the data key, all can unwrap it.",
    &[
        one(
            "generator",
            Kind::Str,
            &KEY,
            "The key that makes the data key.",
        ),
        list(
            "others",
            Kind::Str,
            &KEYS,
            "Keys that can unwrap it as well.",
        ),
    ],
);
static ACCOUNTS: Shape = Shape {
    item: Some(&ACCOUNT),
    ..ANY
};
static DISCOVERY: MessageDef = message(
    "mrk_discovery",
    "Which keys discovery takes.",
    &[list(
        "accounts",
        Kind::Str,
        &ACCOUNTS,
        "Only keys of these accounts; of any if there are none.",
    )],
);
static BY: MessageDef = message(
    "branch_key_by",
    "A branch key for each value of an attribute.",
    &[
        one(
            "attribute",
            Kind::Str,
            &NEED,
            "A key attribute, or one that is in the encryption context.",
        ),
        map("ids", Kind::Str, &NEED, "Ids of branch keys by value."),
    ],
);
static HIERARCHY: MessageDef = message(
    "hierarchy",
    "A hierarchical keyring: data keys under branch keys, which a table keeps.",
    &[
        one(
            "key_store",
            Kind::Str,
            &NEED_TABLE,
            "The table: partition key `branch-key-id`, sort key `type`.",
        ),
        one(
            "logical_key_store_name",
            Kind::Str,
            &FREE,
            "What is bound into every branch key; the table's name unless it was renamed.",
        ),
        one(
            "key",
            Kind::Str,
            &NEED_KEY,
            "The KMS key; a multi-Region key is asked where the client stands.",
        ),
        one("branch_key", Kind::Str, &FREE, "Id of the branch key."),
        one(
            "branch_key_by",
            Kind::Message(&BY),
            &FREE,
            "Or what says it.",
        ),
        one(
            "ttl",
            Kind::Str,
            &TIME,
            "How long a branch key is used once it is fetched; 10m if it does not say.",
        ),
    ],
);
static KEYRING: MessageDef = MessageDef {
    name: "keyring",
    doc: "How data keys are wrapped.",
    transparent: false,
    union: true,
    not_built: &[],
    fields: &[
        one(
            "kms",
            Kind::Str,
            &KEY,
            "A KMS key, asked in its own Region.",
        ),
        one(
            "kms_mrk",
            Kind::Str,
            &KEY,
            "A multi-Region key, asked in the Region where the client stands.",
        ),
        one(
            "kms_multi",
            Kind::Message(&MULTI),
            &FREE,
            "Several KMS keys.",
        ),
        one(
            "mrk_multi",
            Kind::Message(&MULTI),
            &FREE,
            "Several multi-Region keys.",
        ),
        one(
            "mrk_discovery",
            Kind::Message(&DISCOVERY),
            &FREE,
            "Whatever key the item names, asked where the client stands; it only reads.",
        ),
        one(
            "hierarchy",
            Kind::Message(&HIERARCHY),
            &FREE,
            "Branch keys in a table, under one KMS key.",
        ),
    ],
};
static CRYPTO_ACTION: Shape = Shape {
    values: &[
        "encrypt_and_sign",
        "sign_only",
        "sign_and_include_in_encryption_context",
        "do_nothing",
    ],
    ..ANY
};
static SUITE: Shape = Shape {
    values: &["0x6700", "0x6701"],
    ..ANY
};
static PLAINTEXT: Shape = Shape {
    values: &[
        "force_plaintext_write_allow_plaintext_read",
        "forbid_plaintext_write_allow_plaintext_read",
        "forbid_plaintext_write_forbid_plaintext_read",
    ],
    ..ANY
};
static ATTRIBUTES: Shape = Shape {
    required: true,
    item: Some(&CRYPTO_ACTION),
    ..ANY
};
/// Members of an entry.
pub(super) static SEALED_CLIENT: MessageDef = message(
    "sealed_client",
    "How `sealed.*` clients encrypt the items of a table; the nodes know nothing of it.",
    &[
        one(
            "keyring",
            Kind::Message(&KEYRING),
            &NEED,
            "How data keys are wrapped.",
        ),
        map(
            "attributes",
            Kind::Str,
            &ATTRIBUTES,
            "What is done with each attribute.",
        ),
        one(
            "logical_table_name",
            Kind::Str,
            &FREE,
            "What is bound into every item; the table's name unless it was restored under another.",
        ),
        one(
            "suite",
            Kind::Str,
            &SUITE,
            "Algorithms for writing: `0x6701` signs as well, and is used if it does not say.",
        ),
        one(
            "plaintext",
            Kind::Str,
            &PLAINTEXT,
            "Whether items that are not encrypted may be written or read; neither if it does not say.",
        ),
        one(
            "allowed_unsigned_prefix",
            Kind::Str,
            &FREE,
            "Attributes whose names begin so are neither encrypted nor signed.",
        ),
        one(
            "beacons",
            Kind::Message(&BEACONS),
            &FREE,
            "What can be searched for.",
        ),
    ],
);

/// What can be explained of sealed clients: how keys are chosen, and beacons.
pub static TOPICS: &[&MessageDef] = &[
    &SEALED_CLIENT,
    &KEYRING,
    &MULTI,
    &DISCOVERY,
    &HIERARCHY,
    &BY,
    &BEACONS,
    &beacons::STANDARD,
    &beacons::COMPOUND,
    &beacons::PART,
    &beacons::CONSTRUCTOR,
    &beacons::VIRTUAL_FIELD,
    &beacons::TRANSFORM,
];
