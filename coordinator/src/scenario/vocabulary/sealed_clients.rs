//! `world.sealed_clients`: how clients encrypt, which the nodes never learn.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{FREE, KEY, KEYS, NEED};
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
    ],
};
static CRYPTO_ACTION: Shape = Shape {
    values: &["encrypt_and_sign", "sign_only", "do_nothing"],
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
    ],
);
