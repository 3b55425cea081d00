//! Doctored runs: what an oracle would hear and see, made by hand.

use std::collections::BTreeMap;

use bytes::Bytes;
use faultline_proto::codec::from_snake;
use faultline_proto::driving::{Credential, Envelope};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;
use serde_json::{Value, json};

use super::{Finding, Watch};
use crate::clock::{SimTime, Span};
use crate::journal::event::{CallAnswered, CallSent, Outcome, Refused, World};
use crate::journal::{Journal, What};
use crate::scenario::plan::OracleSpec;
use crate::scenario::source;
use crate::scenario::vocabulary::oracles::find;
use crate::sim::answer::{CallSpec, Timeouts};
use crate::sim::tap::Tap;

/// Id of the key that the world calls `payments`.
pub(super) const KEY: &str = "mrk-00000000000000000000000000000001";
/// Account of everything.
pub(super) const ACCOUNT: &str = "111111111111";

/// A run made by hand for one oracle.
pub(super) struct Doctored {
    pub watch: Watch,
    journal: Journal,
    now: SimTime,
    calls: u64,
}

/// ARN of the key in a Region.
pub(super) fn key_arn(region: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{KEY}")
}

pub(super) fn region(name: &str) -> RegionName {
    RegionName::new(name).expect("a Region")
}

pub(super) fn violated(finding: Finding) -> (String, Vec<u64>) {
    match finding {
        Finding::Violated { because, at } => (because, at),
        other => panic!("not violated: {other:?}"),
    }
}

pub(super) fn unknown(finding: Finding) -> String {
    match finding {
        Finding::Unknown { because } => because,
        other => panic!("not unknown: {other:?}"),
    }
}

impl Doctored {
    /// A run with one oracle. The world has the key `payments` in two Regions.
    pub fn new(oracle: &str, arguments: Value) -> Self {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are a map");
        };
        let watch = Watch::new(&[OracleSpec {
            def: find(oracle).expect("it is defined"),
            arguments,
            span: source::Span { start: 0, end: 0 },
        }]);
        let mut run = Self {
            journal: Journal::new().heard_by(watch.clone()),
            watch,
            now: SimTime::ZERO,
            calls: 0,
        };
        let keys = vec![key_arn("eu-west-1"), key_arn("us-east-1")];
        let app = vec![format!("arn:aws:iam::{ACCOUNT}:user/app")];
        run.tell(What::World(World {
            regions: vec![region("eu-west-1"), region("us-east-1")],
            home: "us-east-1".to_owned(),
            accounts: [("shop".to_owned(), ACCOUNT.to_owned())].into(),
            names: [("payments".to_owned(), keys), ("app".to_owned(), app)].into(),
        }));
        run
    }

    pub fn tell(&mut self, what: What) -> u64 {
        self.journal.record(self.now, what)
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now + Span::secs(seconds);
    }

    pub fn note(&mut self, at: &str, note: &str, fields: &[(&str, &str)]) -> u64 {
        let fields = fields.iter();
        let fields: BTreeMap<String, String> = fields
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.tell(What::Note {
            region: region(at),
            note: note.to_owned(),
            fields,
            trace: String::new(),
        })
    }

    pub fn audit(&mut self, event: Value) -> u64 {
        self.tell(What::Audit {
            region: region("eu-west-1"),
            event,
            trace: String::new(),
        })
    }

    pub fn row(&mut self, key: &[u8], value: &[u8]) {
        self.watch.row(&region("eu-west-1"), key, value);
    }

    pub fn envelope(&mut self, payload: &[u8]) {
        self.watch.envelope(&Envelope {
            from: "eu-west-1".to_owned(),
            to: "us-east-1".to_owned(),
            stream: "kms".to_owned(),
            payload: payload.to_vec(),
            ..Envelope::default()
        });
    }

    /// A call that is sent and, when it is told to, answered. The line that sends it.
    pub fn call(&mut self, operation: &str, arguments: Value) -> u64 {
        let operation = find_operation(operation).expect("it is defined");
        let encoded = from_snake(operation.input, &arguments).expect("arguments");
        let spec = CallSpec {
            step: "1".to_owned(),
            lane: String::new(),
            principal: "app".to_owned(),
            credential: Credential::default(),
            from: region("eu-west-1"),
            region: region("eu-west-1"),
            operation,
            request: encoded.message.into(),
            body: encoded.body.map(Bytes::from),
            context: BTreeMap::new(),
            timeouts: Timeouts::default(),
            attempt: 1,
        };
        let id = format!("call-{}", self.calls + 1);
        self.watch.request(&id, &spec);
        self.sent(operation.id, json!({}))
    }

    /// The journal's line of a call; its id is `call-N`, counted from 1.
    pub fn sent(&mut self, operation: &str, request: Value) -> u64 {
        self.sent_to("eu-west-1", operation, request)
    }

    /// The same to a Region.
    pub fn sent_to(&mut self, to: &str, operation: &str, request: Value) -> u64 {
        self.calls += 1;
        let call = format!("call-{}", self.calls);
        self.tell(What::CallSent(CallSent {
            call,
            step: "1".to_owned(),
            lane: String::new(),
            operation: operation.to_owned(),
            principal: "app".to_owned(),
            from: region("eu-west-1"),
            region: region(to),
            attempt: 1,
            request,
            body: None,
        }))
    }

    /// The last call is answered, with an error when there is a code.
    pub fn answered(&mut self, operation: &str, code: &str) -> u64 {
        if code.is_empty() {
            return self.succeeded(operation, json!({}));
        }
        let refused = Outcome::Refused(Refused {
            code: code.to_owned(),
            message: String::new(),
            http_status: 400,
            definite: true,
            denial: None,
            caused_by: None,
        });
        self.ended(operation, refused)
    }

    /// The last call is answered with success.
    pub fn succeeded(&mut self, operation: &str, response: Value) -> u64 {
        let body = None;
        self.ended(operation, Outcome::Success { response, body })
    }

    fn ended(&mut self, operation: &str, outcome: Outcome) -> u64 {
        self.tell(What::CallAnswered(CallAnswered {
            call: format!("call-{}", self.calls),
            step: "1".to_owned(),
            operation: operation.to_owned(),
            principal: "app".to_owned(),
            region: region("eu-west-1"),
            attempt: 1,
            latency: Span::secs(1),
            cross_region_calls: 0,
            outcome,
        }))
    }

    pub fn finding(&self) -> Finding {
        let mut findings = self.watch.findings();
        findings.remove(0).1
    }

    pub fn holds(&self, wanted: u64) {
        match self.finding() {
            Finding::Holds { measured, .. } => assert_eq!(measured, wanted),
            other => panic!("does not hold: {other:?}"),
        }
    }
}
