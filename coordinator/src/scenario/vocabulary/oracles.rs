//! The oracles: what a file can promise for a whole run, and how each is called.
//!
//! The measuring is with the oracles; here is only what must be known to read a file.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{ACCOUNT, BUCKET, FREE, KEY, NEED_KEY, NEED_TABLE, TABLE};
use super::{ANY, list, message, one};

/// One oracle.
#[derive(Debug)]
pub struct OracleDef {
    /// As it is written.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static MessageDef,
    /// The argument that a bare value stands for: `one_primary_at_most: payments`.
    pub bare: Option<&'static str>,
    /// Sets of arguments of which exactly one must be there.
    pub one_of: &'static [&'static [&'static str]],
    /// What it cannot see.
    pub blind: &'static str,
}

/// The oracle of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static OracleDef> {
    ORACLES.iter().find(|oracle| oracle.name == name)
}

static EXCEPT: Shape = Shape {
    values: &["resolved_conflicts"],
    ..ANY
};

static NO_PLAINTEXT_AT_REST: MessageDef = message(
    "no_plaintext_at_rest",
    "No secret of the run is found in a store's files, in an envelope as carried, or in the trail.",
    &[
        list(
            "attributes",
            Kind::Str,
            &FREE,
            "Search for the values of these attributes (`table.attribute`) and not for all secrets.",
        ),
        list(
            "values",
            Kind::Str,
            &FREE,
            "Search for these values as well.",
        ),
    ],
);
static NODE_NEVER_SEES: MessageDef = message(
    "node_never_sees",
    "No node receives, opens or answers a secret: it was encrypted before it was sent.",
    &[
        list("values", Kind::Str, &FREE, "The secrets, `$card`."),
        list(
            "attributes",
            Kind::Str,
            &FREE,
            "The attributes that hold them, `table.attribute`.",
        ),
    ],
);
static REPLICAS_SHARE: MessageDef = message(
    "replicas_share_key_material",
    "Related multi-Region keys have the same key material: what one encrypts, each other opens.",
    &[one("key", Kind::Str, &NEED_KEY, "The multi-Region key.")],
);
static ONE_PRIMARY: MessageDef = message(
    "one_primary_at_most",
    "At no moment do two Regions hold the primary of one multi-Region key.",
    &[one("key", Kind::Str, &NEED_KEY, "The multi-Region key.")],
);
static PERMISSION: MessageDef = message(
    "no_key_used_without_permission",
    "No key was used for somebody whom its policy, its grants and the caller's own policies did not permit.",
    &[one("key", Kind::Str, &KEY, "Only this key.")],
);
static UNUSABLE: MessageDef = message(
    "no_unusable_key_used",
    "No key was used while it was disabled, pending deletion, gone, or without its material.",
    &[one("key", Kind::Str, &KEY, "Only this key.")],
);
static RULE_KEYS: MessageDef = message(
    "replicas_use_the_key_their_rule_names",
    "Each object that arrived by replication is sealed under the key that its rule names.",
    &[one(
        "bucket",
        Kind::Str,
        &BUCKET,
        "Only objects of this source bucket.",
    )],
);
static PENDING: Shape = Shape {
    values: &["pending"],
    ..ANY
};
static RULES_KEPT: MessageDef = message(
    "replication_keeps_its_rules",
    "Each version that a rule takes ends COMPLETED, the same in the same place, or FAILED for a cause in the trail; nothing else comes to a destination.",
    &[
        one(
            "bucket",
            Kind::Str,
            &BUCKET,
            "Only objects of this source bucket.",
        ),
        one(
            "except",
            Kind::Str,
            &PENDING,
            "What may still be owed when the run ends.",
        ),
    ],
);
static VANISHED: MessageDef = message(
    "no_accepted_write_vanishes_silently",
    "Each write that was answered with success is there at the end, or a later one took its place.",
    &[
        one("table", Kind::Str, &NEED_TABLE, "The table."),
        one("except", Kind::Str, &EXCEPT, "What may take a write away."),
    ],
);
static LINEARIZABLE: MessageDef = message(
    "linearizable",
    "The table behaves as one copy in one place: some order of all calls about an item, each between its beginning and its end, gives every answer. For tables with strong consistency.",
    &[one("table", Kind::Str, &NEED_TABLE, "The table.")],
);
static NEVER_BACK: MessageDef = message(
    "reads_never_go_backwards",
    "A Region that has shown an item never shows an earlier one of the same key again.",
    &[one("table", Kind::Str, &NEED_TABLE, "The table.")],
);
static COPIES: MessageDef = message(
    "copies_equal_their_source",
    "A snapshot has what its volume had when it was taken, and a copy, an image's copy or a volume has what its snapshot has.",
    &[],
);
static SHARING: MessageDef = message(
    "sharing_ends_when_revoked",
    "A snapshot or an image is used by another account only while it is shared with it, and what was made of it meanwhile stays.",
    &[],
);
static BLOCKS: MessageDef = message(
    "blocks_need_their_key",
    "Whenever blocks of an encrypted disk become readable, KMS has decrypted their data key, and the trail shows it.",
    &[one("key", Kind::Str, &KEY, "Only disks under this key.")],
);
static AUDIT: MessageDef = message(
    "audit_complete",
    "Each call that a node answered is in the trail once, refused calls too.",
    &[one(
        "account",
        Kind::Str,
        &ACCOUNT,
        "Only calls of this account.",
    )],
);
static SECRET_KEYS: MessageDef = message(
    "no_secret_without_its_key",
    "No secret and no SecureString was read unless KMS opened it in that moment, for that secret and no other.",
    &[],
);
static SECRETS_EQUAL: MessageDef = message(
    "secret_replicas_in_sync_are_equal",
    "A replica of a secret that its primary calls InSync has what the primary has.",
    &[one(
        "secret",
        Kind::Str,
        &FREE,
        "Only the secret of this name.",
    )],
);
static RPO: MessageDef = message(
    "rpo_reported_is_the_data_lost",
    "What a change of a global database's primary reports as lost is what clients were told is committed and is not there.",
    &[],
);
static EQUAL: MessageDef = message(
    "look.replicas_equal",
    "All replicas hold the same bytes, whenever nothing is under way.",
    &[
        one("key", Kind::Str, &KEY, "A multi-Region key."),
        one("table_name", Kind::Str, &TABLE, "A global table."),
        one("secret", Kind::Str, &FREE, "Name of a secret."),
    ],
);

/// All oracles.
pub static ORACLES: &[OracleDef] = &[
    OracleDef {
        name: "no_plaintext_at_rest",
        arguments: &NO_PLAINTEXT_AT_REST,
        bare: Some("attributes"),
        one_of: &[],
        blind: "a secret shorter than six bytes; one that was changed before it was stored (compressed, cut, another encoding than UTF-8, base64 or hex); rows that were gone before the run ended",
    },
    OracleDef {
        name: "node_never_sees",
        arguments: &NODE_NEVER_SEES,
        bare: Some("values"),
        one_of: &[&["values", "attributes"]],
        blind: "a secret shorter than six bytes; one that was changed before it was sent; what can be learned from lengths and access patterns",
    },
    OracleDef {
        name: "replicas_share_key_material",
        arguments: &REPLICAS_SHARE,
        bare: Some("key"),
        one_of: &[],
        blind: "whether a Region uses the key material that it tells of",
    },
    OracleDef {
        name: "one_primary_at_most",
        arguments: &ONE_PRIMARY,
        bare: Some("key"),
        one_of: &[],
        blind: "a change whose Region died before it told, until its process starts again",
    },
    OracleDef {
        name: "no_key_used_without_permission",
        arguments: &PERMISSION,
        bare: Some("key"),
        one_of: &[],
        blind: "keys that AWS makes for itself, boundaries, session policies, and conditions other than kms:ViaService and kms:CallerAccount",
    },
    OracleDef {
        name: "no_unusable_key_used",
        arguments: &UNUSABLE,
        bare: Some("key"),
        one_of: &[],
        blind: "a change whose Region died before it told, until its process starts again; what services do with data keys that they got before",
    },
    OracleDef {
        name: "replicas_use_the_key_their_rule_names",
        arguments: &RULE_KEYS,
        bare: Some("bucket"),
        one_of: &[],
        blind: "objects that never arrive; rules that choose by tags or name their key by an alias",
    },
    OracleDef {
        name: "replication_keeps_its_rules",
        arguments: &RULES_KEPT,
        bare: Some("bucket"),
        one_of: &[],
        blind: "bytes of replicas that no client put in one piece, or that are under SSE-C: there only lengths are compared",
    },
    OracleDef {
        name: "no_accepted_write_vanishes_silently",
        arguments: &VANISHED,
        bare: Some("table"),
        one_of: &[],
        blind: "writes whose client never learned the outcome",
    },
    OracleDef {
        name: "linearizable",
        arguments: &LINEARIZABLE,
        bare: Some("table"),
        one_of: &[],
        blind: "how old what a read shows is, when it is not strongly consistent; items with updates or conditions that its model does not know, or with more than 14 writes of unknown outcome",
    },
    OracleDef {
        name: "reads_never_go_backwards",
        arguments: &NEVER_BACK,
        bare: Some("table"),
        one_of: &[],
        blind: "items that UpdateItem made, deletes, and items that two calls wrote alike",
    },
    OracleDef {
        name: "copies_equal_their_source",
        arguments: &COPIES,
        bare: None,
        one_of: &[],
        blind: "content of a Region that died before it told of it; blocks that were written before there were digests",
    },
    OracleDef {
        name: "sharing_ends_when_revoked",
        arguments: &SHARING,
        bare: None,
        one_of: &[],
        blind: "images that are shared with an organisation; snapshots whose taking or copying was not told",
    },
    OracleDef {
        name: "blocks_need_their_key",
        arguments: &BLOCKS,
        bare: Some("key"),
        one_of: &[],
        blind: "what reads blocks without telling; what a host does with a data key that it has",
    },
    OracleDef {
        name: "audit_complete",
        arguments: &AUDIT,
        bare: Some("account"),
        one_of: &[],
        blind: "calls that died with their node before the commit",
    },
    OracleDef {
        name: "no_secret_without_its_key",
        arguments: &SECRET_KEYS,
        bare: None,
        one_of: &[],
        blind: "a value that was answered and that neither a Region nor its trail tells of",
    },
    OracleDef {
        name: "secret_replicas_in_sync_are_equal",
        arguments: &SECRETS_EQUAL,
        bare: Some("secret"),
        one_of: &[],
        blind: "what a Region stores and does not tell of; replicas that nobody calls InSync",
    },
    OracleDef {
        name: "rpo_reported_is_the_data_lost",
        arguments: &RPO,
        bare: None,
        one_of: &[],
        blind: "a failover whose old primary never came back to tell",
    },
    OracleDef {
        name: "look.replicas_equal",
        arguments: &EQUAL,
        bare: None,
        one_of: &[&["key", "table_name", "secret"]],
        blind: "replicas of which one cannot be reached",
    },
];
