//! `sealed.*`: the verbs of the client that encrypts before it sends.

use faultline_proto::registry;
use faultline_proto::tables::{Kind, MessageDef, Shape};
use faultline_sealed::import::Wrapping;

use super::built_in::{BuiltIn, NOTHING};
use super::shapes::{FREE, KEY, NEED, NEED_TABLE, REGION};
use super::{ANY, ATTRIBUTE_VALUE, list, map, message, one};

const ITEM: Kind = Kind::Message(&ATTRIBUTE_VALUE);
const ERRORS: &[&str] = &[
    "AllAttemptsFailed",
    "InvalidHeader",
    "KeyStoreException",
    "MissingClient",
    "NoMatchingKey",
    "PlaintextItem",
    "SchemaViolation",
    "SignatureInvalid",
    "UnexpectedAnswer",
];

static SEALED_PUT: MessageDef = message(
    "sealed.put_item",
    "Arguments of sealed.put_item.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The table."),
        map(
            "item",
            ITEM,
            &NEED,
            "The item, in plain; it is encrypted before it is sent.",
        ),
        one(
            "condition_expression",
            Kind::Str,
            &FREE,
            "A condition on what is stored; it sees ciphertext.",
        ),
        map(
            "expression_attribute_names",
            Kind::Str,
            &FREE,
            "Names in the condition.",
        ),
        map(
            "expression_attribute_values",
            ITEM,
            &FREE,
            "Values in the condition.",
        ),
    ],
);
static SEALED_GET: MessageDef = message(
    "sealed.get_item",
    "Arguments of sealed.get_item.",
    &[
        one("table_name", Kind::Str, &NEED_TABLE, "The table."),
        map("key", ITEM, &NEED, "The item's key."),
        one(
            "consistent_read",
            Kind::Bool,
            &FREE,
            "Whether the read is strongly consistent.",
        ),
    ],
);
static OPENED_WITH: MessageDef = message(
    "opened_with",
    "The key that unwrapped the data key.",
    &[
        one(
            "region",
            Kind::Str,
            &REGION,
            "The Region whose KMS was asked; absent for a branch key.",
        ),
        one(
            "key",
            Kind::Str,
            &KEY,
            "The KMS key; absent for a branch key.",
        ),
        one("branch_key", Kind::Str, &FREE, "Id of the branch key."),
        one(
            "branch_key_version",
            Kind::Str,
            &FREE,
            "Version of the branch key.",
        ),
    ],
);
static SEALED_ITEM: MessageDef = message(
    "sealed.item",
    "An item, opened.",
    &[
        map(
            "item",
            ITEM,
            &FREE,
            "Its attributes, in plain; absent when there is none.",
        ),
        one(
            "opened_with",
            Kind::Message(&OPENED_WITH),
            &FREE,
            "What opened it.",
        ),
    ],
);

static ALGORITHM: Shape = Shape {
    required: true,
    values: Wrapping::NAMES,
    ..ANY
};
static MATERIAL: Shape = Shape {
    min_length: Some(1),
    max_length: Some(4_096),
    sensitive: true,
    ..ANY
};
static RANDOM: Shape = Shape {
    min: Some(1),
    max: Some(4_096),
    ..ANY
};
static WRAP: MessageDef = message(
    "sealed.wrap_key_material",
    "Arguments of sealed.wrap_key_material.",
    &[
        one(
            "public_key",
            Kind::Bytes,
            &NEED,
            "The public key that kms.get_parameters_for_import gave.",
        ),
        one(
            "wrapping_algorithm",
            Kind::Str,
            &ALGORITHM,
            "How: what kms.get_parameters_for_import was asked for.",
        ),
        one(
            "key_material",
            Kind::Bytes,
            &MATERIAL,
            "The material, in plain. This or `random`.",
        ),
        one(
            "random",
            Kind::I64,
            &RANDOM,
            "Bytes of fresh material, from the run's seed; 32 for a symmetric key.",
        ),
    ],
);
static WRAPPED: MessageDef = message(
    "sealed.wrapped_key_material",
    "Key material, wrapped.",
    &[
        one(
            "encrypted_key_material",
            Kind::Bytes,
            &FREE,
            "For kms.import_key_material.",
        ),
        one(
            "key_material",
            Kind::Bytes,
            &MATERIAL,
            "The material itself, to be kept: KMS gives none back.",
        ),
    ],
);

macro_rules! finding {
    ($name:literal, $doc:literal, [$($more:expr),*]) => {
        message(
            $name,
            $doc,
            &[
                one("table_name", Kind::Str, &NEED_TABLE, "The table."),
                $($more,)*
                one("index_name", Kind::Str, &FREE, "The index that is asked."),
                one(
                    "filter_expression",
                    Kind::Str,
                    &FREE,
                    "What else must hold; beacons may be in it.",
                ),
                map(
                    "expression_attribute_names",
                    Kind::Str,
                    &FREE,
                    "Names in the expressions.",
                ),
                map(
                    "expression_attribute_values",
                    ITEM,
                    &FREE,
                    "Values in the expressions, in plain; the client sends their beacons.",
                ),
                one(
                    "consistent_read",
                    Kind::Bool,
                    &FREE,
                    "Whether the read is strongly consistent.",
                ),
            ],
        )
    };
}
static FOUND_ITEM: MessageDef = message(
    "sealed.found_item",
    "An item, opened.",
    &[map("item", ITEM, &FREE, "Its attributes, in plain.")],
);
static FOUND: MessageDef = message(
    "sealed.found",
    "What was found.",
    &[
        list(
            "items",
            Kind::Message(&FOUND_ITEM),
            &FREE,
            "Items that are what was asked for.",
        ),
        one("count", Kind::I64, &FREE, "How many those are."),
        one(
            "given",
            Kind::I64,
            &FREE,
            "How many DynamoDB gave: those, and others with the same beacons.",
        ),
    ],
);
static QUERY_ARGUMENTS: MessageDef = finding!(
    "sealed.query",
    "Arguments of sealed.query.",
    [one(
        "key_condition_expression",
        Kind::Str,
        &NEED,
        "The key condition; beacons may be in it."
    )]
);
static SCAN_ARGUMENTS: MessageDef = finding!("sealed.scan", "Arguments of sealed.scan.", []);
static CREATE: MessageDef = message(
    "sealed.create_branch_key",
    "Arguments of sealed.create_branch_key.",
    &[
        one(
            "table_name",
            Kind::Str,
            &NEED_TABLE,
            "The table whose client has a hierarchical keyring.",
        ),
        one(
            "branch_key_id",
            Kind::Str,
            &FREE,
            "Its id; a random one if it does not say.",
        ),
        map(
            "encryption_context",
            Kind::Str,
            &FREE,
            "Its owner's own names and values; needed with an id.",
        ),
    ],
);
static CREATED: MessageDef = message(
    "sealed.branch_key",
    "A branch key.",
    &[one("branch_key_id", Kind::Str, &FREE, "Its id.")],
);
static VERSION: MessageDef = message(
    "sealed.version_branch_key",
    "Arguments of sealed.version_branch_key.",
    &[
        one(
            "table_name",
            Kind::Str,
            &NEED_TABLE,
            "The table whose client has a hierarchical keyring.",
        ),
        one("branch_key_id", Kind::Str, &NEED, "Its id."),
    ],
);

const fn sealed(
    verb: &'static str,
    doc: &'static str,
    input: &'static MessageDef,
    output: &'static MessageDef,
) -> BuiltIn {
    BuiltIn {
        verb,
        doc,
        input,
        output,
        called: true,
        errors: ERRORS,
    }
}

pub(super) const PUT: BuiltIn = sealed(
    "sealed.put_item",
    "Encrypts and signs an item on the client's side and stores it in DynamoDB.",
    &SEALED_PUT,
    &NOTHING,
);
pub(super) const GET: BuiltIn = sealed(
    "sealed.get_item",
    "Reads an item from DynamoDB, verifies and opens it on the client's side.",
    &SEALED_GET,
    &SEALED_ITEM,
);
pub(super) const QUERY: BuiltIn = sealed(
    "sealed.query",
    "Queries by beacons, opens what DynamoDB gives, and drops what merely has the same beacons.",
    &QUERY_ARGUMENTS,
    &FOUND,
);
pub(super) const SCAN: BuiltIn = sealed(
    "sealed.scan",
    "Scans by beacons, opens what DynamoDB gives, and drops what merely has the same beacons.",
    &SCAN_ARGUMENTS,
    &FOUND,
);
pub(super) const BATCH_GET: BuiltIn = sealed(
    "sealed.batch_get_item",
    "Reads a batch of items from DynamoDB, verifies and opens each on the client's side.",
    &registry::DYNAMODB_BATCH_GET_ITEM_REQUEST,
    &registry::DYNAMODB_BATCH_GET_ITEM_RESPONSE,
);
pub(super) const BATCH_WRITE: BuiltIn = sealed(
    "sealed.batch_write_item",
    "Encrypts and signs each item of a batch on the client's side and stores them in DynamoDB.",
    &registry::DYNAMODB_BATCH_WRITE_ITEM_REQUEST,
    &registry::DYNAMODB_BATCH_WRITE_ITEM_RESPONSE,
);
pub(super) const TRANSACT_GET: BuiltIn = sealed(
    "sealed.transact_get_items",
    "Reads items as they were at one moment, verifies and opens each on the client's side.",
    &registry::DYNAMODB_TRANSACT_GET_ITEMS_REQUEST,
    &registry::DYNAMODB_TRANSACT_GET_ITEMS_RESPONSE,
);
pub(super) const TRANSACT_WRITE: BuiltIn = sealed(
    "sealed.transact_write_items",
    "Encrypts and signs each item put on the client's side and writes all of them or none.",
    &registry::DYNAMODB_TRANSACT_WRITE_ITEMS_REQUEST,
    &registry::DYNAMODB_TRANSACT_WRITE_ITEMS_RESPONSE,
);
pub(super) const UPDATE: BuiltIn = sealed(
    "sealed.update_item",
    "Changes attributes that are not signed; refused on the client's side for any other.",
    &registry::DYNAMODB_UPDATE_ITEM_REQUEST,
    &registry::DYNAMODB_UPDATE_ITEM_RESPONSE,
);
pub(super) const CREATE_BRANCH_KEY: BuiltIn = sealed(
    "sealed.create_branch_key",
    "Makes a branch key and its beacon key in the client's key store, unseen.",
    &CREATE,
    &CREATED,
);
pub(super) const VERSION_BRANCH_KEY: BuiltIn = sealed(
    "sealed.version_branch_key",
    "Makes a new version of a branch key, which writes from then on; the old ones still read.",
    &VERSION,
    &NOTHING,
);
pub(super) const WRAP_KEY_MATERIAL: BuiltIn = BuiltIn {
    verb: "sealed.wrap_key_material",
    doc: "Wraps key material for its import into KMS, on its owner's side; nothing is sent.",
    input: &WRAP,
    output: &WRAPPED,
    called: false,
    errors: &["NoPublicKey", "WrongLength"],
};
