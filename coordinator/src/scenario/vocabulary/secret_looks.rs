//! Arguments and answers of `look.stored_secret` and `look.parameter_events`.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{COUNT, FREE, KEY, NEED, NEED_REGION, REGION};
use super::{bare, list, message, one};

pub(super) static STORED_SECRET: MessageDef = message(
    "look.stored_secret",
    "Arguments of look.stored_secret.",
    &[
        one("name", Kind::Str, &NEED, "Name of the secret."),
        one("in", Kind::Str, &NEED_REGION, "The Region that holds it."),
    ],
);
static STORED_VERSION: MessageDef = message(
    "look.stored_version",
    "A version as Secrets Manager holds it.",
    &[
        one("version_id", Kind::Str, &FREE, "Its id."),
        list("stages", Kind::Str, &FREE, "Its staging labels."),
        one("kms_key_id", Kind::Str, &KEY, "The key it is sealed under."),
        one(
            "sealed_bytes",
            Kind::I64,
            &COUNT,
            "Bytes of the sealed value.",
        ),
    ],
);
pub(super) static STORED_SECRET_SEEN: MessageDef = message(
    "look.stored_secret.answer",
    "A secret as Secrets Manager holds it.",
    &[
        one("exists", Kind::Bool, &FREE, "Whether it is there."),
        one("arn", Kind::Str, &FREE, "Its ARN."),
        one("place", Kind::Str, &FREE, "`primary` or `replica`."),
        one(
            "primary_region",
            Kind::Str,
            &REGION,
            "Region of its primary.",
        ),
        list(
            "versions",
            Kind::Message(&STORED_VERSION),
            &FREE,
            "All its versions, those without labels too.",
        ),
    ],
);

pub(super) static PARAMETER_EVENTS: MessageDef = message(
    "look.parameter_events",
    "Arguments of look.parameter_events.",
    &[
        one("name", Kind::Str, &FREE, "Only this parameter."),
        one("in", Kind::Str, &REGION, "Only this Region."),
    ],
);
static PARAMETER_EVENT: MessageDef = message(
    "look.parameter_event",
    "What a policy of a parameter did.",
    &[
        one("name", Kind::Str, &FREE, "The parameter."),
        one(
            "policy_type",
            Kind::Str,
            &FREE,
            "`Expiration`, `ExpirationNotification` or `NoChangeNotification`.",
        ),
        one("region", Kind::Str, &REGION, "Where."),
    ],
);
pub(super) static PARAMETER_EVENTS_SEEN: MessageDef = bare(
    "look.parameter_events.answer",
    "What policies did, oldest first, where AWS would send events to EventBridge.",
    &[list(
        "events",
        Kind::Message(&PARAMETER_EVENT),
        &FREE,
        "The events.",
    )],
);
