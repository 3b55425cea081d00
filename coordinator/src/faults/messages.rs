//! `messages: { drop: 10%, duplicate: 1/10 }` is unkind to single messages: each is lost,
//! repeated, overtaken or held by its own chance. Regions send again what is not
//! acknowledged, and a client's connection sends again what was lost: they see delay.

use std::collections::BTreeSet;
use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, list};
use crate::clock::Span;
use crate::network::condition::{Condition, Mischief, Scope};
use crate::seed::Ratio;

/// Messages that do not arrive as they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// Only between these Regions; everywhere when empty.
    pub between: BTreeSet<RegionName>,
    /// Chance that one is lost.
    pub drop: Ratio,
    /// Chance that one arrives twice.
    pub duplicate: Ratio,
    /// Chance that one is overtaken.
    pub reorder: Ratio,
    /// How long held messages wait; until the fault heals when absent.
    pub hold: Option<Span>,
    /// Chance that one is held.
    pub hold_chance: Ratio,
}

impl Messages {
    /// How late an overtaken message is at most.
    const LATE: Span = Span::millis(500);

    pub(super) fn effects(&self) -> Vec<Effect> {
        let scope = Scope {
            from: self.between.clone(),
            to: self.between.clone(),
            ..Scope::default()
        };
        let mischief = Mischief {
            lose: self.drop,
            duplicate: self.duplicate,
            reorder: self.reorder,
            by: Self::LATE,
            hold: self.hold_chance,
            hold_for: self.hold,
        };
        vec![Effect::Network(Condition::Messages { scope, mischief })]
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("lost", self.drop, None),
            ("repeated", self.duplicate, None),
            ("reordered", self.reorder, None),
            ("held", self.hold_chance, self.hold),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, chance, _)| chance.of > 0)
            .map(|(word, chance, time)| match time {
                Some(time) => format!("{chance} {word} for {time}"),
                None => format!("{chance} {word}"),
            })
            .collect();
        write!(f, "messages are {}", parts.join(", "))?;
        if self.between.is_empty() {
            Ok(())
        } else {
            write!(f, " between {}", list(&self.between))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;
    use crate::network::Message;

    #[test]
    fn it_concerns_what_passes_between_its_regions() {
        let (a, b, c) = (
            region("eu-west-1"),
            region("us-east-1"),
            region("ap-south-1"),
        );
        let fault = Messages {
            between: [a.clone(), b.clone()].into(),
            drop: Ratio::percent(10),
            duplicate: Ratio::NEVER,
            reorder: Ratio::NEVER,
            hold: Some(Span::secs(2)),
            hold_chance: Ratio { of: 1, per: 3 },
        };
        let effects = fault.effects();
        let Effect::Network(condition) = &effects[0] else {
            panic!("it is of the network")
        };
        for (from, to, meant) in [
            (&a, &b, true),
            (&b, &a, true),
            (&a, &c, false),
            (&a, &a, false),
            (&c, &b, false),
        ] {
            let message = Message {
                from,
                to,
                stream: "kms",
                flow: "",
                bytes: 1,
            };
            assert_eq!(
                condition.mischief(&message).is_some(),
                meant,
                "{from} to {to}"
            );
        }
        assert_eq!(
            fault.to_string(),
            "messages are 10% lost, 1/3 held for 2s between eu-west-1, us-east-1"
        );
    }
}
