//! Steps as they run.

use std::time::Duration;

use faultline_proto::names::RegionName;

use crate::scenario::matchers::Matcher;
use crate::scenario::source::Span;
use crate::scenario::template::Template;
use crate::scenario::vocabulary::verbs::Verb;

use super::faults::FaultPlan;
use super::later::Later;

/// A step: `when` is asked first, then come the items of `for_each`, the repetitions, and
/// the faults around each of them, then the action.
#[derive(Debug, Clone)]
pub struct Step {
    /// `3.do.1`: its place among the steps, from 1.
    pub id: String,
    /// What happens, for people.
    pub say: Option<Template>,
    /// Why, for people.
    pub why: Option<String>,
    /// Left out when this is false.
    pub when: Option<Later<bool>>,
    /// The name, and the list whose items it takes.
    pub for_each: Option<(String, Later<Vec<serde_json::Value>>)>,
    /// How often.
    pub repeat: Option<Later<u64>>,
    /// Faults that last as long as the action.
    pub faults: Vec<FaultPlan>,
    /// What is done.
    pub action: Action,
    /// Where it is written.
    pub span: Span,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// A verb.
    Call(Box<Call>),
    /// Steps one after another.
    Do(Vec<Step>),
    /// Lanes of steps at the same time.
    Together(Vec<Lane>),
    /// Time passes.
    Wait(Later<Duration>),
    /// Faults begin, and last until they are healed by that name.
    StartFault {
        /// Which.
        faults: Vec<FaultPlan>,
        /// What `heal` calls them.
        name: Option<String>,
    },
    /// Faults of that name end; all, when there is none.
    Heal(Option<String>),
}

/// Steps beside those of other lanes.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A verb with all that belongs to it, what blocks around it say included.
#[derive(Debug, Clone)]
pub struct Call {
    /// The verb.
    pub verb: Verb,
    /// Where the verb is written.
    pub verb_span: Span,
    /// Its arguments: a map in the language's spelling.
    pub arguments: Template,
    /// The Region asked; `None` only where the verb needs none.
    pub region: Option<Later<RegionName>>,
    /// Where the client stands; the Region asked when `None`.
    pub from: Option<Later<RegionName>>,
    /// The principal that calls, by its world name.
    pub principal: Option<Later<String>>,
    /// How the client waits.
    pub client: Client,
    /// Whether exactly what is written is sent.
    pub raw: bool,
    /// Whether a refusal is as good as an answer.
    pub may_fail: bool,
    /// The name of the answer.
    pub save: Option<String>,
    /// What the answer must be.
    pub expect: Option<Matcher>,
    /// What must be true of the call itself: `region`, `latency`, `attempts`,
    /// `cross_region_calls`.
    pub call: Option<Matcher>,
    /// The error that it must end with; success when `None`.
    pub fails_with: Option<Failure>,
    /// How often it is repeated.
    pub patience: Patience,
}

/// How often a call is made.
#[derive(Debug, Clone)]
pub enum Patience {
    /// Once.
    Once,
    /// Until it is as expected, at most so long.
    Within(Later<Duration>),
    /// For so long; each must be as expected.
    Throughout(Later<Duration>),
}

/// How a call must fail.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What must be true of `code`, `message`, `denied_by`, `action`, `missing` and
    /// `caused_by`, those of them that are written.
    pub matcher: Matcher,
    /// Where it is written.
    pub span: Span,
}

/// How a client waits and tries again. What is `None` is not said by the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Client {
    /// For a connection.
    #[serde(with = "super::world::duration_text")]
    pub connect_timeout: Option<Duration>,
    /// For the answer.
    #[serde(with = "super::world::duration_text")]
    pub read_timeout: Option<Duration>,
    /// Tries after the first.
    pub retries: Option<Retries>,
}

/// How a client tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Retries {
    /// So many times, at once.
    Times(u32),
    /// As AWS SDKs do in their standard mode: up to two more, with backoff.
    Standard,
}

impl TryFrom<String> for Retries {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "standard" => Ok(Self::Standard),
            number => number
                .parse()
                .map(Self::Times)
                .map_err(|_| format!("`{number}` is no number of retries")),
        }
    }
}
impl From<Retries> for String {
    fn from(retries: Retries) -> Self {
        match retries {
            Retries::Standard => "standard".into(),
            Retries::Times(times) => times.to_string(),
        }
    }
}

impl Client {
    /// This client, with what it does not say taken from another.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
            read_timeout: self.read_timeout.or(other.read_timeout),
            retries: self.retries.or(other.retries),
        }
    }
}
