//! What a client asks, and what comes of it.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use faultline_proto::driving::{Credential, Failure};
use faultline_proto::names::RegionName;
use faultline_proto::tables::OperationDef;

use crate::clock::{SimTime, Span};

/// How long a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Span,
    /// For the next byte once connected.
    pub read: Span,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Span::secs(3),
            read: Span::secs(60),
        }
    }
}

/// One call of one client.
#[derive(Debug, Clone)]
pub struct CallSpec {
    /// Step that it belongs to; empty for set-up.
    pub step: String,
    /// Lane of the step; calls of one lane share a connection.
    pub lane: String,
    /// World name of the principal, for people.
    pub principal: String,
    /// Its access key and session token.
    pub credential: Credential,
    /// Where the client stands.
    pub from: RegionName,
    /// Region asked.
    pub region: RegionName,
    /// What is asked.
    pub operation: &'static OperationDef,
    /// The request message, without a body member.
    pub request: Bytes,
    /// The body, if the request has one.
    pub body: Option<Bytes>,
    /// Condition keys that only the entrance knows.
    pub context: BTreeMap<String, String>,
    /// How long the client waits.
    pub timeouts: Timeouts,
    /// 1 for the first try; [`super::Sim::send`] counts it up.
    pub attempt: u32,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The call's id, as in the journal.
    pub call: String,
    /// Region asked.
    pub region: RegionName,
    /// 1 for the first try.
    pub attempt: u32,
    /// When it was sent.
    pub sent: SimTime,
    /// From the first byte sent to the last byte heard.
    pub latency: Span,
    /// Messages to other Regions that it waited for, its own way there included.
    pub cross_region_calls: u32,
    /// What was answered, or that nothing was.
    pub result: Answered,
}

/// See [`Answer`].
#[derive(Debug, Clone)]
pub enum Answered {
    /// Done.
    Success {
        /// The response message, without a body member.
        response: Bytes,
        /// Its body, if it has one.
        body: Option<Bytes>,
    },
    /// The Region said no.
    Refused {
        /// What it said.
        failure: Box<Failure>,
        /// Kind of the fault that made it so.
        caused_by: Option<&'static str>,
    },
    /// The client never heard; whether it was done is unknown.
    Unheard {
        /// How the client noticed.
        how: Unheard,
        /// Kind of the fault that made it so.
        caused_by: Option<&'static str>,
    },
}

impl Answer {
    /// The error code, when it is not a success.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.result {
            Answered::Success { .. } => None,
            Answered::Refused { failure, .. } => Some(&failure.code),
            Answered::Unheard { how, .. } => Some(how.code()),
        }
    }

    /// Kind of the fault that made it fail.
    #[must_use]
    pub fn caused_by(&self) -> Option<&'static str> {
        match &self.result {
            Answered::Success { .. } => None,
            Answered::Refused { caused_by, .. } | Answered::Unheard { caused_by, .. } => *caused_by,
        }
    }

    /// Whether an SDK would try again: throttled, a server's fault, or nothing heard (K-283).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.result {
            Answered::Success { .. } => false,
            Answered::Unheard { .. } => true,
            Answered::Refused { failure, .. } => {
                failure.http_status >= 500 || THROTTLED.contains(&failure.code.as_str())
            }
        }
    }
}

/// Error codes that the SDKs' standard mode takes for throttling.
const THROTTLED: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
];

/// How a client notices that nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unheard {
    /// No connection in time.
    ConnectTimeout,
    /// Connected, but no byte in time.
    ReadTimeout,
    /// The other side went away in the middle.
    ConnectionReset,
    /// Nobody listens there.
    ConnectionRefused,
}

impl Unheard {
    /// As `fails_with` spells it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "ConnectTimeout",
            Self::ReadTimeout => "ReadTimeout",
            Self::ConnectionReset => "ConnectionReset",
            Self::ConnectionRefused => "ConnectionRefused",
        }
    }
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectTimeout => "no connection in time",
            Self::ReadTimeout => "connected, but no answer in time",
            Self::ConnectionReset => {
                "the connection was reset before the answer; whether the call was done is unknown"
            }
            Self::ConnectionRefused => "nobody listens at the endpoint",
        })
    }
}
