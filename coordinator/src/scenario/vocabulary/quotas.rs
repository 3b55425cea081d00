//! What a world says of service quotas.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{ACCOUNT, REGION};
use super::{ANY, LIMIT, message, one};

static QUOTA_NAME: Shape = Shape {
    required: true,
    values: faultline_region::quotas::NAMES,
    ..ANY
};
static QUOTA_LIMIT: Shape = Shape {
    required: true,
    pattern: Some(LIMIT),
    ..ANY
};
/// One quota of `world.quotas`.
pub(super) static QUOTA: MessageDef = message(
    "quota",
    "Service quotas that count in this world.",
    &[
        one(
            "quota",
            Kind::Str,
            &QUOTA_NAME,
            "Which: `kms.` and a pool of keys, an operation, or a kind of thing.",
        ),
        one(
            "limit",
            Kind::Str,
            &QUOTA_LIMIT,
            "Requests a second, or how many things there may be; `aws` for AWS's own number, `none` for no limit.",
        ),
        one("region", Kind::Str, &REGION, "Only in this Region."),
        one("account", Kind::Str, &ACCOUNT, "Only for this account."),
    ],
);
