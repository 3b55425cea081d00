//! `service_errors: { in: eu-west-1, service: kms, chance: 20% }` lets a service of a Region
//! answer with its own internal error, to clients and to the services that call it for them.
//! Without `chance` the service is out: every call fails.

use std::fmt;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule, RuleAction};
use crate::seed::Ratio;

/// A service that fails by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceErrors {
    /// The Region.
    pub region: RegionName,
    /// Prefix of the service, `kms`.
    pub service: String,
    /// Share of its calls that fail.
    pub chance: Ratio,
}

/// What a service answers when something is wrong with itself: code, words, HTTP status.
pub(super) fn internal_error(service: &str) -> (&'static str, &'static str, u32) {
    match service {
        "kms" => (
            "KMSInternalException",
            "The request was rejected because an internal exception occurred. The request can be retried.",
            500,
        ),
        "s3" => (
            "InternalError",
            "We encountered an internal error. Please try again.",
            500,
        ),
        "dynamodb" => ("InternalServerError", "Internal server error", 500),
        "secretsmanager" => (
            "InternalServiceError",
            "An error occurred on the server side.",
            500,
        ),
        "ssm" => (
            "InternalServerError",
            "An error occurred on the server side.",
            500,
        ),
        "ec2" => ("InternalError", "An internal error has occurred", 500),
        "iam" => (
            "ServiceFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
            500,
        ),
        _ => (
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
            500,
        ),
    }
}

impl ServiceErrors {
    pub(super) fn effects(&self) -> Vec<Effect> {
        let (code, message, http_status) = internal_error(&self.service);
        let rule = Rule {
            service: self.service.clone(),
            operations: Vec::new(),
            resource: String::new(),
            action: RuleAction::Refuse {
                code,
                message,
                http_status,
                chance: self.chance,
                passes_per_second: 0,
            },
        };
        vec![Effect::Inside(self.region.clone(), rule)]
    }
}

impl fmt::Display for ServiceErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            service,
            chance,
        } = self;
        if *chance == Ratio::ALWAYS {
            write!(f, "{service} of {region} is out")
        } else {
            write!(f, "{service} of {region} fails for {chance} of its calls")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::region;
    use super::*;

    fn fault(service: &str, chance: Ratio) -> ServiceErrors {
        ServiceErrors {
            region: region("eu-west-1"),
            service: service.to_owned(),
            chance,
        }
    }

    #[test]
    fn k_283_a_service_fails_with_its_own_words() {
        let effects = fault("kms", Ratio::ALWAYS).effects();
        let [Effect::Inside(at, rule)] = &effects[..] else {
            panic!("it is inside the Region")
        };
        let RuleAction::Refuse {
            code, http_status, ..
        } = &rule.action
        else {
            panic!("it refuses")
        };
        assert_eq!((at, rule.service.as_str()), (&region("eu-west-1"), "kms"));
        assert_eq!((*code, *http_status), ("KMSInternalException", 500));
    }

    #[test]
    fn an_outage_and_a_share_are_told_in_words() {
        let cases = [
            (fault("kms", Ratio::ALWAYS), "kms of eu-west-1 is out"),
            (
                fault("s3", Ratio::percent(20)),
                "s3 of eu-west-1 fails for 20% of its calls",
            ),
        ];
        for (fault, told) in cases {
            assert_eq!(fault.to_string(), told);
        }
    }
}
