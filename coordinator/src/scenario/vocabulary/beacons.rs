//! `world.sealed_clients.TABLE.beacons`: what a client can search for in what it encrypted.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{FREE, NEED};
use super::{ANY, list, message, one};

static LENGTH: Shape = Shape {
    required: true,
    min: Some(1),
    max: Some(63),
    ..ANY
};
pub(super) static STANDARD: MessageDef = message(
    "standard_beacon",
    "A few bits of an HMAC over a value.",
    &[
        one("name", Kind::Str, &NEED, "What queries call it."),
        one(
            "length",
            Kind::I32,
            &LENGTH,
            "Bits, 1 to 63: fewer hide more and find more.",
        ),
        one(
            "location",
            Kind::Str,
            &FREE,
            "An encrypted place, `a.b[3]`, or a virtual field; its name if it does not say.",
        ),
    ],
);
pub(super) static PART: MessageDef = message(
    "beacon_part",
    "A part of a compound beacon.",
    &[
        one("name", Kind::Str, &NEED, "Its name."),
        one(
            "prefix",
            Kind::Str,
            &NEED,
            "What it begins with; none begins with another's.",
        ),
        one(
            "location",
            Kind::Str,
            &FREE,
            "Where a signed part is read; its name if it does not say.",
        ),
    ],
);
pub(super) static CONSTRUCTOR: MessageDef = message(
    "constructor",
    "A way to make a compound beacon.",
    &[list(
        "parts",
        Kind::Str,
        &NEED,
        "Names of parts in order; those that may be missing end with `?`.",
    )],
);
pub(super) static COMPOUND: MessageDef = message(
    "compound_beacon",
    "Standard beacons and parts in plain, joined.",
    &[
        one("name", Kind::Str, &NEED, "What queries call it."),
        one("split", Kind::Str, &NEED, "The character between parts."),
        list(
            "signed",
            Kind::Message(&PART),
            &FREE,
            "Parts that are stored as they are.",
        ),
        list(
            "encrypted",
            Kind::Message(&PART),
            &FREE,
            "Parts that are standard beacons, by their names.",
        ),
        list(
            "constructors",
            Kind::Message(&CONSTRUCTOR),
            &FREE,
            "Tried in order; if there are none, all parts, signed ones first.",
        ),
    ],
);
static RANGE: MessageDef = message(
    "range",
    "Positions; negative ones count from the end.",
    &[
        one("low", Kind::I32, &NEED, "From here."),
        one("high", Kind::I32, &NEED, "To before here."),
    ],
);
static PIECE: MessageDef = message(
    "pieces",
    "Pieces of a text; negative positions count from the end.",
    &[
        one("split", Kind::Str, &NEED, "The character between them."),
        one("low", Kind::I32, &NEED, "The piece, or the first one."),
        one(
            "high",
            Kind::I32,
            &FREE,
            "Of several, the one behind the last.",
        ),
    ],
);
pub(super) static TRANSFORM: MessageDef = MessageDef {
    name: "transform",
    doc: "A change of text.",
    transparent: false,
    union: true,
    not_built: &[],
    fields: &[
        one("upper", Kind::Bool, &FREE, "To capitals, if true."),
        one("lower", Kind::Bool, &FREE, "To small letters, if true."),
        one("insert", Kind::Str, &FREE, "With this behind it."),
        one(
            "prefix",
            Kind::I32,
            &FREE,
            "The first characters; all but the last ones if negative.",
        ),
        one(
            "suffix",
            Kind::I32,
            &FREE,
            "The last characters; all but the first ones if negative.",
        ),
        one(
            "substring",
            Kind::Message(&RANGE),
            &FREE,
            "From one position to another.",
        ),
        one(
            "segment",
            Kind::Message(&PIECE),
            &FREE,
            "One piece of what a character splits.",
        ),
        one(
            "segments",
            Kind::Message(&PIECE),
            &FREE,
            "Some pieces of what a character splits.",
        ),
    ],
};
static VIRTUAL_PART: MessageDef = message(
    "virtual_part",
    "A part of a virtual field.",
    &[
        one("location", Kind::Str, &NEED, "Where it is read."),
        list(
            "transforms",
            Kind::Message(&TRANSFORM),
            &FREE,
            "What is done with it, in order.",
        ),
    ],
);
pub(super) static VIRTUAL_FIELD: MessageDef = message(
    "virtual_field",
    "Text made of parts of an item, searched for and never stored.",
    &[
        one(
            "name",
            Kind::Str,
            &NEED,
            "Its name, which no attribute has.",
        ),
        list(
            "parts",
            Kind::Message(&VIRTUAL_PART),
            &NEED,
            "Its parts, joined in order.",
        ),
    ],
);
/// What stands under `beacons`.
pub(super) static BEACONS: MessageDef = message(
    "beacons",
    "Attributes that tell what is in an item without saying it. Their key is in the key store of the client's hierarchical keyring.",
    &[
        one(
            "branch_key",
            Kind::Str,
            &NEED,
            "Id of the branch key whose beacon key they are made with.",
        ),
        list(
            "standard",
            Kind::Message(&STANDARD),
            &NEED,
            "Standard beacons, stored as `aws_dbe_b_NAME`.",
        ),
        list(
            "compound",
            Kind::Message(&COMPOUND),
            &FREE,
            "Compound beacons.",
        ),
        list(
            "virtual_fields",
            Kind::Message(&VIRTUAL_FIELD),
            &FREE,
            "Virtual fields.",
        ),
    ],
);
