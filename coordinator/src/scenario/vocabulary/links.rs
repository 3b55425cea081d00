//! Entries of the world about two Regions: what lies between them, and how late DynamoDB is.

use faultline_proto::tables::{Kind, MessageDef};

use super::shapes::{NEED_TIME, TIME, TWO_REGIONS, WIDTH};
use super::{list, message, one};

/// Members of an entry.
pub(super) static LINK: MessageDef = message(
    "link",
    "What a link between two Regions is like.",
    &[
        list("between", Kind::Str, &TWO_REGIONS, "The two Regions."),
        one("latency", Kind::Str, &NEED_TIME, "One-way delay."),
        one("jitter", Kind::Str, &TIME, "Most that is added by chance."),
        one(
            "bandwidth",
            Kind::Str,
            &WIDTH,
            "Bits a second; unbounded when absent.",
        ),
    ],
);

/// Members of an entry.
pub(super) static LAG: MessageDef = message(
    "replication_lag",
    "How late DynamoDB's writes leave one of two Regions for the other, beside the link's latency. Writes of different items overtake each other, and one of the same item that still waits is replaced.",
    &[
        list("between", Kind::Str, &TWO_REGIONS, "The two Regions."),
        one(
            "median",
            Kind::Str,
            &NEED_TIME,
            "Half of the writes leave sooner.",
        ),
        one(
            "p99",
            Kind::Str,
            &TIME,
            "Of a hundred writes one leaves later; at least the median, and the median when absent.",
        ),
    ],
);
