//! `kms_throttled: { in: eu-west-1, rate: 10/s }` lets KMS of a Region answer
//! ThrottlingException above a rate, in AWS's words (K-243), to clients and to the services
//! that call it for them.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction};
use crate::seed::Ratio;

/// KMS that refuses what is too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsThrottled {
    /// The Region.
    pub region: RegionName,
    /// Requests in a second that still pass.
    pub passes_per_second: u64,
}

impl KmsThrottled {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let rule = Rule {
            service: "kms".to_owned(),
            operations: Vec::new(),
            resource: String::new(),
            action: RuleAction::Refuse {
                code: "ThrottlingException",
                message: "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
                http_status: 400,
                chance: Ratio::ALWAYS,
                passes_per_second: self.passes_per_second,
            },
        };
        vec![Effect::Inside(self.region.clone(), rule)]
    }
}

impl fmt::Display for KmsThrottled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.passes_per_second {
            0 => write!(f, "KMS of {} throttles every call", self.region),
            rate => write!(f, "KMS of {} throttles above {rate}/s", self.region),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    #[test]
    fn k_243_the_refusal_has_the_words_of_aws() {
        let effects = KmsThrottled {
            region: region("eu-west-1"),
            passes_per_second: 10,
        }
        .effects();
        let Effect::Inside(at, rule) = &effects[0] else {
            panic!("it is inside the Region")
        };
        assert_eq!((at, rule.service.as_str()), (&region("eu-west-1"), "kms"));
        let RuleAction::Refuse {
            code,
            message,
            http_status,
            passes_per_second,
            ..
        } = &rule.action
        else {
            panic!("it refuses")
        };
        assert_eq!(
            (*code, *http_status, *passes_per_second),
            ("ThrottlingException", 400, 10)
        );
        assert!(message.starts_with("You have exceeded the rate at which you may call KMS."));
    }
}
