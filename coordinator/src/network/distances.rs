//! How far apart the Regions are: typical round trips, as data.
//!
//! The table is LAT-A: the median round trip over one year between twelve Regions, in
//! milliseconds. A link's median one-way delay is half of it. Between Regions that the
//! table lacks, [`UNKNOWN_ROUND_TRIP`] holds: about the median of the table, so that a
//! world with a newer Region is neither nearer nor farther than usual; a scenario that
//! cares says `links:`. Jitter follows LAT-001 (the 90th percentile of a round trip lies 4
//! to 5 ms above its median; two ways of 0 to 8 ms each give 4.4), a Region's inside
//! LAT-002.

use faultline_proto::names::RegionName;

use super::link::{Bandwidth, Link};
use crate::clock::Span;

/// Regions of the table, in its order.
const REGIONS: [&str; 12] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
];

/// LAT-A, milliseconds there and back. The diagonal (request overhead of the tool that
/// measured) is not used.
#[rustfmt::skip]
const ROUND_TRIP_MS: [[u64; 12]; 12] = [
    [  6,  16,  64,  17, 115,  70,  93, 112, 191, 219, 200, 150],
    [ 16,   5,  51,  27, 126,  80, 104, 123, 202, 204, 188, 136],
    [ 64,  51,   3,  61, 175, 118, 143, 155, 222, 161, 141,  98],
    [ 17,  27,  61,   4, 126,  69,  93, 106, 192, 215, 198, 147],
    [115, 126, 175, 126,   3, 178, 205, 223, 301, 328, 312, 259],
    [ 70,  80, 118,  69, 178,   3,  27,  40, 126, 179, 256, 202],
    [ 93, 104, 143,  93, 205,  27,   4,  23, 129, 161, 251, 227],
    [112, 123, 155, 106, 223,  40,  23,   3, 149, 181, 271, 247],
    [191, 202, 222, 192, 301, 126, 129, 149,   3,  64, 155, 134],
    [219, 204, 161, 215, 328, 179, 161, 181,  64,   4,  95,  71],
    [200, 188, 141, 198, 312, 256, 251, 271, 155,  95,   4, 106],
    [150, 136,  98, 147, 259, 202, 227, 247, 134,  71, 106,   3],
];

/// Round trip between Regions of which the table lacks one.
pub const UNKNOWN_ROUND_TRIP: Span = Span::millis(140);

/// Inside a Region: half a millisecond each way, a little more or less (LAT-002).
const INSIDE: Link = Link {
    latency: Span(450),
    jitter: Span(100),
    bandwidth: Bandwidth::gbit(25),
};

/// Most that chance adds one way between Regions.
const JITTER: Span = Span::millis(8);

/// What one flow between Regions may take.
const BANDWIDTH: Bandwidth = Bandwidth::gbit(5);

/// The link from one Region to another as it is when a world says nothing of it.
#[must_use]
pub fn default_link(from: &RegionName, to: &RegionName) -> Link {
    if from == to {
        return INSIDE;
    }
    let median = Span(round_trip(from, to).0 / 2);
    let jitter = JITTER.min(Span(median.0 / 2));
    Link {
        latency: median.minus(Span(jitter.0 / 2)),
        jitter,
        bandwidth: BANDWIDTH,
    }
}

fn round_trip(from: &RegionName, to: &RegionName) -> Span {
    let index = |region: &RegionName| REGIONS.iter().position(|name| *name == region.as_str());
    match (index(from), index(to)) {
        (Some(from), Some(to)) => Span::millis(ROUND_TRIP_MS[from][to]),
        _ => UNKNOWN_ROUND_TRIP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Median one-way delay.
    fn median(from: &str, to: &str) -> Span {
        let name = |text| RegionName::new(text).expect("a Region");
        let link = default_link(&name(from), &name(to));
        link.latency.plus(Span(link.jitter.0 / 2))
    }

    #[test]
    fn lat_a_is_symmetric() {
        for (row, line) in ROUND_TRIP_MS.iter().enumerate() {
            for (column, ms) in line.iter().enumerate() {
                assert_eq!(
                    *ms, ROUND_TRIP_MS[column][row],
                    "{} to {}",
                    REGIONS[row], REGIONS[column]
                );
            }
        }
    }

    #[test]
    fn lat_a_one_way_is_half_the_round_trip() {
        assert_eq!(median("eu-west-1", "us-east-1"), Span::millis(35));
        assert_eq!(median("sa-east-1", "ap-southeast-1"), Span::millis(164));
        assert_eq!(median("us-east-1", "us-east-2"), Span::millis(8));
    }

    #[test]
    fn lat_002_inside_a_region_a_round_trip_takes_about_a_millisecond() {
        assert_eq!(median("eu-west-1", "eu-west-1").times(2), Span::millis(1));
        assert_eq!(median("mx-central-1", "mx-central-1"), Span(500));
    }

    #[test]
    fn a_region_that_the_table_lacks_is_as_far_as_most() {
        assert_eq!(median("eu-west-1", "mx-central-1"), Span::millis(70));
    }
}
