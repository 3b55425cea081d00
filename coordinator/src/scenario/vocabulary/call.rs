//! What can be said of a call itself: `call:` in an `expect`, and `fails_with`.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{COUNT, FREE, NEED, REGION, TIME};
use super::{message, one};

/// `call:` beside the answer's members.
pub static CALL: MessageDef = message(
    "call",
    "The call itself, as its client saw it.",
    &[
        one("region", Kind::Str, &REGION, "Region that answered."),
        one(
            "latency",
            Kind::Str,
            &TIME,
            "From the first byte sent to the answer, in virtual time.",
        ),
        one("attempts", Kind::I64, &COUNT, "Tries, the first included."),
        one(
            "cross_region_calls",
            Kind::I64,
            &COUNT,
            "Calls and messages to other Regions that this call waited for.",
        ),
    ],
);

/// `fails_with:` in its long form.
pub static FAILURE: MessageDef = message(
    "fails_with",
    "How a step must fail.",
    &[
        one(
            "code",
            Kind::Str,
            &NEED,
            "The error code, as AWS or the client gives it.",
        ),
        one(
            "message",
            Kind::Str,
            &FREE,
            "The error's text, or a matcher for it.",
        ),
        one(
            "denied_by",
            Kind::Str,
            &FREE,
            "The kind of policy that refused: `key_policy`, `identity_policy`, `bucket_policy`...",
        ),
        one(
            "action",
            Kind::Str,
            &FREE,
            "The action that was refused or did not get through, `kms:Decrypt`.",
        ),
        one(
            "missing",
            Kind::Str,
            &FREE,
            "The permission that would have helped.",
        ),
        one("caused_by", Kind::Str, &CAUSE, "The fault that caused it."),
    ],
);

static CAUSE: faultline_proto::tables::Shape = faultline_proto::tables::Shape {
    values: super::faults::KINDS,
    ..super::ANY
};
