//! What can happen in a run.
//!
//! Times are virtual microseconds since the first Region started ([`What::SetUpDone`] says
//! where a scenario's own zero is). Values over 1 KiB and sensitive members are not here:
//! their length and digest are (see [`super::redact`]).

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{SimTime, Span};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub t: SimTime,
    /// Its number in the journal, from 0.
    pub n: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// See [`Event`]. The field `kind` of a line says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The first line of every journal.
    RunStarted(RunStarted),
    /// What the world is made of, names and ARNs.
    World(World),
    /// Every resource is ready: the scenario's own time zero.
    SetUpDone,
    /// A step begins.
    StepStarted(StepStarted),
    /// A step is over.
    StepEnded(StepEnded),
    /// A client sends a call.
    CallSent(CallSent),
    /// A client has its answer, or has given up.
    CallAnswered(CallAnswered),
    /// A line of a Region's trail.
    Audit {
        /// Region whose trail it is.
        region: RegionName,
        /// The event, members as CloudTrail names them, and what only we know.
        event: Value,
        /// W3C trace context of what it happened for; empty when it is of nobody's doing.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        trace: String,
    },
    /// A Region hands a message to the network, which decides its fate.
    MessageSent(MessageSent),
    /// A message is there.
    MessageDelivered(Arrival),
    /// A message was on the way when its link was cut, or nobody was there to take it.
    MessageLost(Arrival),
    /// Something inside a Region: `replicated`, `conflict`, `key_used`...
    Note {
        /// Where.
        region: RegionName,
        /// What, in one word.
        note: String,
        /// Its particulars.
        fields: BTreeMap<String, String>,
        /// W3C trace context of what it happened for; empty when it is of nobody's doing.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        trace: String,
    },
    /// The simulator's own hand put something where AWS has no call for it.
    Planted {
        /// Where.
        region: RegionName,
        /// What, `volume_content`.
        what: String,
        /// Into what.
        target: String,
    },
    /// A fault begins.
    FaultStarted(FaultEvent),
    /// A fault ends.
    FaultHealed(FaultEvent),
    /// A Region's process is gone.
    NodeDied {
        /// Its Region.
        region: RegionName,
        /// Where in a step, or `stopped`.
        point: String,
        /// The fault that killed it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caused_by: Option<String>,
    },
    /// A Region's process has opened its store.
    NodeStarted {
        /// Its Region.
        region: RegionName,
        /// Last step in the store.
        last_step: u64,
        /// Envelopes in the store that nobody has acknowledged.
        unacknowledged: u64,
    },
    /// What a step expected, and whether it came.
    Expectation(Expectation),
    /// What an oracle says.
    Oracle(OracleVerdict),
    /// What a goal came to.
    Goal(GoalVerdict),
    /// The last line: what the run came to.
    Verdict(RunVerdict),
}

/// Which run this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// Form of the journal; changes when a reader must.
    pub journal: u32,
    /// Name of the case: the file's stem, and the matrix values.
    pub name: String,
    /// Title of the scenario.
    pub title: String,
    /// File name without folders.
    pub file: String,
    /// The file's text, which pictures of failures quote.
    pub source: String,
    /// Seed.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
}

/// The form of journal that this program writes.
pub const JOURNAL_FORM: u32 = 1;

/// What the world is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// Regions in the order of the file.
    pub regions: Vec<RegionName>,
    /// Where the partition directory is at home.
    pub home: String,
    /// World name to account id.
    pub accounts: BTreeMap<String, String>,
    /// World name to what it stands for: `payments` to key ARNs, `app` to its ARN.
    pub names: BTreeMap<String, Vec<String>>,
}

/// A step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Its path, unique in the run: `3`, `3.2`, `4[eu-west-1].1`.
    pub step: String,
    /// Its lane, empty outside `together`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lane: String,
    /// What the file says it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub say: String,
    /// Its verb, empty for blocks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verb: String,
    /// Region asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// World name of the principal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub principal: String,
    /// First line in the file.
    pub line: u64,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// Not tried: `when:` was false, or an earlier step failed.
    Skipped,
    /// Cut short.
    Interrupted,
}

/// A step is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnded {
    /// Its path.
    pub step: String,
    /// How it ended.
    pub status: StepStatus,
    /// What came of it in a few words, for the one line a reader sees.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// `why:` of the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A client sends a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSent {
    /// The call, unique in the run.
    pub call: String,
    /// Step that it belongs to; empty for set-up and faults.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Lane of the step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lane: String,
    /// Operation id, `kms.Encrypt`.
    pub operation: String,
    /// World name of the principal.
    pub principal: String,
    /// Where the client stands.
    pub from: RegionName,
    /// Region asked.
    pub region: RegionName,
    /// 1 for the first try of the SDK.
    pub attempt: u32,
    /// The request, secrets and long values as digests.
    pub request: Value,
    /// Length of the body that follows, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<u64>,
}

/// A client has its answer, or has given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAnswered {
    /// The call.
    pub call: String,
    /// Step that it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Operation id.
    pub operation: String,
    /// World name of the principal.
    pub principal: String,
    /// Region asked.
    pub region: RegionName,
    /// 1 for the first try.
    pub attempt: u32,
    /// From the first byte sent to the answer.
    pub latency: Span,
    /// Messages to other Regions that it waited for.
    pub cross_region_calls: u32,
    /// What came.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Success {
        /// The answer, secrets and long values as digests.
        response: Value,
        /// Length of its body, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<u64>,
    },
    /// The Region said no.
    Refused(Refused),
    /// The client never heard.
    Unheard {
        /// `ConnectTimeout`, `ReadTimeout`, `ConnectionReset`, `ConnectionRefused`.
        code: String,
        /// The client's words.
        message: String,
        /// Kind of the fault that made it so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caused_by: Option<String>,
    },
}

/// A Region's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// AWS error code.
    pub code: String,
    /// AWS error text.
    pub message: String,
    /// HTTP status.
    pub http_status: u32,
    /// Whether it certainly left no trace.
    pub definite: bool,
    /// Who refused and what would have helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Denial>,
    /// Kind of the fault that made it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<String>,
}

/// A decision against a principal, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the members of region.proto's Denial, documented there"
)]
pub struct Denial {
    pub principal: String,
    pub action: String,
    pub resource: String,
    pub denied_by: String,
    pub explicit: bool,
    pub statement: String,
    pub missing: Vec<String>,
}

/// A message between Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// Number of the message in the run; arrivals name it.
    pub message: u64,
    /// Sender.
    pub from: RegionName,
    /// Receiver.
    pub to: RegionName,
    /// Stream.
    pub stream: String,
    /// Place in the stream, 0 for a bare acknowledgement.
    pub seq: u64,
    /// What it acknowledges.
    pub ack: u64,
    /// Size of its payload.
    pub bytes: u64,
    /// What the network decides.
    pub fate: String,
    /// When it arrives, if it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrives: Vec<SimTime>,
    /// W3C trace context of what it was sent for; empty for a bare acknowledgement.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
    /// Kind of the fault that holds or drops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<String>,
}

/// A message at its destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its number.
    pub message: u64,
    /// Receiver.
    pub to: RegionName,
    /// Kind of the fault that lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<String>,
}

/// A fault begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// Its number in the run, from 1.
    pub fault: u64,
    /// Its kind, `region_down`.
    pub name: String,
    /// What it does, in words.
    pub text: String,
    /// Regions that it concerns, for bands in timelines; empty when it is of links alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<RegionName>,
}

/// What a step expected, and whether it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The step.
    pub step: String,
    /// Whether it came.
    pub passed: bool,
    /// How often was asked.
    pub attempts: u64,
    /// From when on was asked.
    pub since: SimTime,
    /// What is wrong, when it did not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// A picture of a failure, as data: where in the file, and what to say there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `X0007`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The caret.
    pub primary: Mark,
    /// Other places that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Mark>,
    /// Facts, among them the cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What would have helped, and the command that shows the moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// A place in the source with a caption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// First byte in the source.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// What to write there.
    pub caption: String,
}

/// The four answers to "did it hold?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It held.
    Pass,
    /// It did not.
    Fail,
    /// Nobody can say: nothing was measured, or the run was cut short.
    Unknown,
    /// The file or the machinery is broken.
    Error,
}

/// What an oracle says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OracleVerdict {
    /// Its name.
    pub oracle: String,
    /// What it was asked about, as in the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What it says.
    pub judgement: Judgement,
    /// Whether the file says that it is meant to be violated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub meant_to_violate: bool,
    /// How many things it looked at.
    pub checked: u64,
    /// Why, when it is not a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// Lines of the journal that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<u64>,
    /// The picture, when the file can be quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What a goal came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalVerdict {
    /// The goal as in the file: `p99 of replication_lag`.
    pub goal: String,
    /// What was wanted: `at_most 15m`.
    pub wanted: String,
    /// What was measured; empty without samples.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub measured: String,
    /// How many samples.
    pub samples: u64,
    /// What that comes to.
    pub judgement: Judgement,
    /// The picture, when the file can be quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What the run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunVerdict {
    /// All taken together.
    pub judgement: Judgement,
    /// Why, in one sentence, when it is not a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// Whether somebody interrupted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}
