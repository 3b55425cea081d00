//! `clock_skew: { in: us-east-1, offset: -5m }` makes a Region's own clock wrong. Timers go
//! on rightly; stamps, expiry and signatures do not. Offset and drift end with the fault, a
//! jump stays.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::clock::{Skew, Span};

/// A wrong clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSkew {
    /// The Region.
    pub region: RegionName,
    /// How its clock is wrong.
    pub skew: Skew,
}

impl ClockSkew {
    pub(super) fn effects(&self) -> Vec<Effect> {
        vec![Effect::Clock(self.region.clone(), self.skew)]
    }
}

/// A span with its direction in words.
fn direction(micros: i64, ahead: &str, behind: &str) -> String {
    format!(
        "{} {}",
        Span(micros.unsigned_abs()),
        if micros < 0 { behind } else { ahead }
    )
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Skew {
            offset,
            drift_ppm,
            jump,
        } = self.skew;
        let mut parts = Vec::new();
        if offset != 0 {
            parts.push(format!("is {}", direction(offset, "ahead", "behind")));
        }
        if drift_ppm != 0 {
            parts.push(format!("drifts by {drift_ppm} ppm"));
        }
        if jump != 0 {
            parts.push(format!("jumps {}", direction(jump, "ahead", "back")));
        }
        write!(f, "the clock of {} {}", self.region, parts.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn it_is_told_in_words() {
        let skew = |offset, drift_ppm, jump| {
            ClockSkew {
                region: region("us-east-1"),
                skew: Skew {
                    offset,
                    drift_ppm,
                    jump,
                },
            }
            .to_string()
        };
        let cases = [
            (
                skew(-300_000_000, 0, 0),
                "the clock of us-east-1 is 5m behind",
            ),
            (skew(0, 200, 0), "the clock of us-east-1 drifts by 200 ppm"),
            (
                skew(1_000_000, 0, -7_000_000),
                "the clock of us-east-1 is 1s ahead and jumps 7s back",
            ),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }
}
