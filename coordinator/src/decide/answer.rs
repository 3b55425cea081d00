//! A decision as one line of JSON.

use faultline_region::identity::Decision;
use faultline_region::identity::reasons::StatementName;
use serde::{Deserialize, Serialize};

/// What a question expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expected {
    Allowed,
    Denied,
}

/// The answer to one question. Members that say nothing are left out.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    decision: Expected,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_by: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explicit: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    near: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// Where a statement stands.
#[derive(Debug, Serialize)]
struct Place {
    policy: String,
    statement: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl From<StatementName> for Place {
    fn from(name: StatementName) -> Self {
        Self {
            policy: name.policy,
            statement: name.index,
            sid: name.sid,
        }
    }
}

impl Answer {
    /// The answer to the question of a line.
    pub(super) fn new(
        line: u64,
        id: Option<String>,
        expected: Option<Expected>,
        decision: Decision<'_>,
    ) -> Self {
        let mut answer = Self {
            line,
            id,
            decision: Expected::Allowed,
            allowed_by: Vec::new(),
            grant: None,
            denied_by: None,
            explicit: None,
            message: None,
            missing: Vec::new(),
            near: Vec::new(),
            expected: None,
        };
        match decision {
            Decision::Allowed(allowance) => {
                answer.allowed_by = allowance
                    .statements()
                    .into_iter()
                    .map(Place::from)
                    .collect();
                answer.grant = allowance.grant.map(str::to_owned);
            }
            Decision::Denied(refusal) => {
                answer.decision = Expected::Denied;
                answer.denied_by = Some(refusal.denied_by.word());
                answer.explicit = refusal.explicit.map(Place::from);
                answer.message = Some(refusal.message);
                answer.missing = refusal.missing;
                answer.near = refusal.near;
            }
        }
        answer.expected = expected.filter(|expected| *expected != answer.decision);
        answer
    }

    /// A sentence when the decision is not the expected one.
    pub(super) fn surprise(&self) -> Option<String> {
        let word = |expected: Expected| match expected {
            Expected::Allowed => "allowed",
            Expected::Denied => "denied",
        };
        let expected = self.expected?;
        let name = self
            .id
            .as_ref()
            .map(|id| format!(" ({id})"))
            .unwrap_or_default();
        Some(format!(
            "line {}{name}: expected {}, is {}",
            self.line,
            word(expected),
            word(self.decision)
        ))
    }

    /// As JSON.
    pub(super) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("plain members always serialise")
    }
}
