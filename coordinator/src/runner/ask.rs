//! One operation of AWS, asked as a client asks it: values in, value or refusal out.

use std::collections::BTreeMap;

use faultline_proto::codec;
use faultline_proto::driving::Credential;
use faultline_proto::names::RegionName;
use faultline_proto::tables::OperationDef;
use faultline_region::quotas::SET_UP;
use serde_json::{Value, json};

use crate::clock::{SimTime, Span};
use crate::journal::event::Denial;
use crate::sim::Sim;
use crate::sim::answer::{Answer, Answered, CallSpec, Timeouts};
use crate::sim::sdk::Retries;

/// Who asks whom, and how long it waits.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The step's path; empty for set-up.
    pub step: String,
    /// Its lane.
    pub lane: String,
    /// World name of the principal.
    pub principal: String,
    /// Its credential.
    pub credential: Credential,
    /// Where it stands.
    pub from: RegionName,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How it tries again.
    pub retries: Retries,
    /// Whether exactly what is written is sent.
    pub raw: bool,
}

/// What came of a verb.
#[derive(Debug, Clone)]
pub struct Said {
    /// The answer in the language's spelling, or how it failed.
    pub result: Result<Value, Refusal>,
    /// The call itself: `region`, `latency`, `attempts`, `cross_region_calls`.
    pub call: Value,
}

/// How a verb failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// AWS error code, or the client's own.
    pub code: String,
    /// The words that came with it.
    pub message: String,
    /// The action that was refused or did not get through.
    pub action: Option<String>,
    /// Region that was asked.
    pub region: Option<RegionName>,
    /// Who refused, when it was a decision.
    pub denial: Option<Box<Denial>>,
    /// Kind of the fault that made it so.
    pub caused_by: Option<Box<str>>,
    /// When it was known.
    pub at: SimTime,
}

impl Refusal {
    /// A refusal that no Region said.
    #[must_use]
    pub fn own(code: &str, message: impl Into<String>, at: SimTime) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            at,
            ..Self::default()
        }
    }

    /// As `fails_with` sees it.
    #[must_use]
    pub fn value(&self) -> Value {
        let denial = self.denial.as_deref();
        json!({
            "code": self.code,
            "message": self.message,
            "denied_by": denial.map(|denial| denial.denied_by.as_str()),
            "action": denial.map(|denial| denial.action.as_str()).or(self.action.as_deref()),
            "missing": denial.filter(|denial| !denial.missing.is_empty()).map(|denial| denial.missing.join("; ")),
            "caused_by": self.caused_by,
        })
    }
}

/// Asks, and waits for what comes.
pub async fn ask(
    sim: &Sim,
    caller: &Caller,
    region: &RegionName,
    operation: &'static OperationDef,
    arguments: &Value,
    purpose: &str,
) -> Said {
    let arguments = &customer_keys(operation, arguments);
    let encoded = match codec::from_snake(operation.input, arguments) {
        Ok(encoded) => encoded,
        Err(problems) => {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let refusal = Refusal::own("InvalidArguments", words.join("; "), sim.now());
            return Said {
                result: Err(refusal),
                call: Value::Null,
            };
        }
    };
    let body = encoded.body.map(Into::into);
    let answers = send(
        sim,
        caller,
        region,
        operation,
        encoded.message.into(),
        body,
        purpose,
    )
    .await;
    said(operation, &answers, sim.now())
}

/// A customer's SSE-C key is bytes to a person and base64 to S3: an SDK turns the one into
/// the other.
#[must_use]
pub fn customer_keys(operation: &OperationDef, arguments: &Value) -> Value {
    let mut arguments = arguments.clone();
    let keys = operation
        .input
        .fields
        .iter()
        .filter(|field| field.aws.ends_with("SSECustomerKey"));
    for field in keys {
        let text = arguments.get(field.snake).and_then(Value::as_str);
        if let Some(base64) =
            text.and_then(|text| text.strip_prefix(crate::scenario::bytes::PREFIX))
        {
            arguments[field.snake] = base64.to_owned().into();
        }
    }
    arguments
}

/// Sends a message with all that an SDK does around it. The last answer comes last.
pub async fn send(
    sim: &Sim,
    caller: &Caller,
    region: &RegionName,
    operation: &'static OperationDef,
    request: bytes::Bytes,
    body: Option<bytes::Bytes>,
    purpose: &str,
) -> Vec<Answer> {
    let has_body = codec::body_member(operation.input).is_some();
    let spec = CallSpec {
        step: caller.step.clone(),
        lane: caller.lane.clone(),
        principal: caller.principal.clone(),
        credential: caller.credential.clone(),
        from: caller.from.clone(),
        region: region.clone(),
        operation,
        request,
        // A put without a body is a put of nothing.
        body: body.or_else(|| has_body.then(bytes::Bytes::new)),
        context: entrance(sim, caller),
        timeouts: caller.timeouts,
        attempt: 1,
    };
    if caller.raw {
        vec![sim.call(spec).await]
    } else {
        sim.send(spec, caller.retries, purpose).await
    }
}

/// What an entrance would say of this client: where it stands, and that it speaks TLS. Clients of
/// one Region share an address, `203.0.113.1` those of the world's first Region.
/// What makes the world, before any step, uses no quota.
fn entrance(sim: &Sim, caller: &Caller) -> BTreeMap<String, String> {
    let place = sim.place_of(&caller.from) + 1;
    let mut context: BTreeMap<String, String> = [
        ("aws:SecureTransport", "true".to_owned()),
        ("aws:SourceIp", format!("203.0.113.{place}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if caller.step.is_empty() {
        context.insert(SET_UP.to_owned(), "true".to_owned());
    }
    context
}

/// What all tries together come to.
fn said(operation: &'static OperationDef, answers: &[Answer], now: SimTime) -> Said {
    let Some(last) = answers.last() else {
        let refusal = Refusal::own("NotSent", "nothing was sent", now);
        return Said {
            result: Err(refusal),
            call: Value::Null,
        };
    };
    let call = told(
        &last.region,
        answers[0].sent,
        now,
        answers.len(),
        last.cross_region_calls,
    );
    let result = match &last.result {
        Answered::Success { response, body } => {
            codec::to_snake(operation.output, response, body.as_deref()).map_err(|_| {
                Refusal::own("MalformedAnswer", "the answer cannot be read: a bug", now)
            })
        }
        Answered::Refused { .. } | Answered::Unheard { .. } => Err(refusal(last, operation, now)),
    };
    Said { result, call }
}

/// `call:` beside an answer.
#[must_use]
pub fn told(
    region: &RegionName,
    sent: SimTime,
    now: SimTime,
    attempts: usize,
    cross_region_calls: u32,
) -> Value {
    let latency: Span = now.since(sent);
    json!({
        "region": region.as_str(),
        "latency": latency.to_string(),
        "attempts": attempts,
        "cross_region_calls": cross_region_calls,
    })
}

/// Why an answer is none.
#[must_use]
pub fn refusal(answer: &Answer, operation: &'static OperationDef, at: SimTime) -> Refusal {
    let (code, message, denial) = match &answer.result {
        Answered::Success { .. } => (String::new(), String::new(), None),
        Answered::Refused { failure, .. } => (
            failure.code.clone(),
            failure.message.clone(),
            failure.denial.clone().map(|denial| {
                Box::new(Denial {
                    principal: denial.principal,
                    action: denial.action,
                    resource: denial.resource,
                    denied_by: denial.denied_by,
                    explicit: denial.explicit,
                    statement: denial.statement,
                    missing: denial.missing,
                })
            }),
        ),
        Answered::Unheard { how, .. } => (how.code().to_owned(), how.to_string(), None),
    };
    Refusal {
        code,
        message,
        action: Some(operation.action.to_owned()),
        region: Some(answer.region.clone()),
        denial,
        caused_by: answer.caused_by().map(Box::from),
        at,
    }
}
