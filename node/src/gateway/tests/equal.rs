//! Entrances are equal: what the gateway answers is what the Region answers to its handle (and
//! so to gRPC), for requests made from the tables of every operation.
//!
//! Two fresh Regions get the same calls in the same order, one by its handle and one by AWS's
//! wire; codes, messages and the members of answers must be the same. Ids and times differ and
//! are blotted out.

use faultline_proto::codec::{self, Encoded, Face};
use faultline_proto::driving::Credential;
use faultline_proto::registry::SERVICES;
use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, OperationDef, Protocol, Shape};
use serde_json::{Map, Value, json};

use super::*;
use crate::live::NewCall;

/// Requests of each operation.
const EACH: usize = 8;

/// A plain generator, the same in every run.
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn structure(&mut self, def: &'static MessageDef, depth: usize) -> Value {
        let mut members = Map::new();
        for field in def.fields.iter().filter(|field| !field.shape.body) {
            let wanted = field.shape.required && self.below(8) > 0 || self.below(4) == 0;
            if wanted && !def.union && depth < 4 {
                members.insert(field.aws.to_owned(), self.member(field, depth));
            }
        }
        // Query parameters cannot say that a structure is there and empty.
        let scalar =
            |field: &&FieldDef| !matches!(field.kind, Kind::Message(_)) && field.card == Card::One;
        if members.is_empty()
            && depth > 0
            && !def.union
            && let Some(field) = def.fields.iter().find(scalar)
        {
            members.insert(field.aws.to_owned(), self.member(field, depth));
        }
        if def.union {
            let at = usize::try_from(self.below(3)).expect("small");
            let field = &def.fields[at.min(def.fields.len() - 1)];
            members.insert(field.aws.to_owned(), self.member(field, depth));
        }
        Value::Object(members)
    }

    fn member(&mut self, field: &'static FieldDef, depth: usize) -> Value {
        let count = self.below(3);
        let shape = field.shape.item.unwrap_or(field.shape);
        match field.card {
            Card::One => self.value(field.kind, field.shape, depth),
            Card::List => (0..=count)
                .map(|_| self.value(field.kind, shape, depth))
                .collect(),
            Card::Map => (0..=count)
                .map(|at| (format!("k{at}"), self.value(field.kind, shape, depth)))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    fn value(&mut self, kind: Kind, shape: &Shape, depth: usize) -> Value {
        match kind {
            Kind::Str if !shape.values.is_empty() && self.below(5) > 0 => {
                let at = self.below(shape.values.len() as u64);
                json!(shape.values[usize::try_from(at).expect("small")])
            }
            Kind::Str => json!(
                ["x", "alias/none", "", "a b<&>+", "eu-west-1", "{}"]
                    [usize::try_from(self.below(6)).expect("small")]
            ),
            Kind::Bytes => {
                json!(["aGVsbG8=", "AAEC", ""][usize::try_from(self.below(3)).expect("small")])
            }
            Kind::Bool => json!(self.below(2) == 0),
            Kind::I32 | Kind::I64 => json!(self.below(40)),
            Kind::F64 => json!(1.5),
            Kind::Timestamp => json!(1_716_400_000),
            Kind::Message(def) => match def.seen_through() {
                Some(inner) => self.member(inner, depth + 1),
                None => self.structure(def, depth + 1),
            },
        }
    }
}

/// What an answer is, without what differs between two Regions.
#[derive(Debug, PartialEq)]
enum Said {
    Refused(String, String),
    Members(Vec<String>),
}

fn blotted(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_hexdigit() || letter == '-' {
            run.push(letter);
            continue;
        }
        out.push_str(if run.len() < 6 { &run } else { "#" });
        run.clear();
        out.push(letter);
    }
    out.trim_end().to_owned()
}

fn names(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                found.push(format!("{path}.{name}"));
                names(inner, &format!("{path}.{name}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, path, found)),
        _ => {}
    }
}

async fn by_handle(client: &Client, operation: &'static OperationDef, message: Vec<u8>) -> Said {
    let credential = Credential {
        access_key: ROOT.into(),
        session_token: String::new(),
    };
    let call = NewCall::of(operation.id, credential, message);
    let answer = client
        .gateway
        .handle()
        .call(call)
        .await
        .expect("a living Region");
    match answer.outcome {
        Err(failure) => Said::Refused(failure.code, blotted(&failure.message)),
        Ok(success) => {
            let value = codec::decode(operation.output, &success.response, Face::AWS_JSON)
                .expect("an answer");
            let mut found = Vec::new();
            names(&value, "", &mut found);
            Said::Members(found)
        }
    }
}

/// Members of an XML answer come without their lists' items told apart, so only refusals and
/// success are compared there.
async fn by_wire(client: &Client, operation: &'static OperationDef, asked: &Value) -> Said {
    let service = SERVICES
        .iter()
        .find(|service| service.prefix == operation.service)
        .expect("its service");
    let got = match service.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let target = format!("{}.{}", service.target, operation.name);
            let request = Client::request(
                "POST",
                "/",
                &[("x-amz-target", &target)],
                asked.to_string().as_bytes(),
            );
            client.signed(service.signing_name, request).await
        }
        _ => {
            let mut form = format!("Action={}", operation.name);
            flatten(&mut form, "", operation.input, asked, service.protocol);
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            let request = Client::request("POST", "/", &headers, form.as_bytes());
            client.signed(service.signing_name, request).await
        }
    };
    if got.status >= 300 {
        if got.body.starts_with('{') {
            let said = got.json();
            let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
            return Said::Refused(text("__type"), blotted(&text("message")));
        }
        let part = |name: &str| {
            let rest = got
                .body
                .split(&format!("<{name}>"))
                .nth(1)
                .unwrap_or_default();
            let text = rest.split("</").next().unwrap_or_default();
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
        };
        return Said::Refused(part("Code"), blotted(&part("Message")));
    }
    let mut found = Vec::new();
    if got.body.starts_with('{') {
        names(&got.json(), "", &mut found);
    }
    Said::Members(found)
}

fn flatten(
    form: &mut String,
    path: &str,
    def: &'static MessageDef,
    value: &Value,
    protocol: Protocol,
) {
    for field in def.fields {
        let Some(value) = value.get(field.aws) else {
            continue;
        };
        let name = format!("{path}{}", field.query_name(protocol));
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let between = if protocol == Protocol::Ec2Query {
                        "."
                    } else {
                        ".member."
                    };
                    one(
                        form,
                        &format!("{name}{between}{}", at + 1),
                        field.kind,
                        item,
                        protocol,
                    );
                }
            }
            value => one(form, &name, field.kind, value, protocol),
        }
    }
}

fn one(form: &mut String, name: &str, kind: Kind, value: &Value, protocol: Protocol) {
    match kind {
        Kind::Message(def) => flatten(form, &format!("{name}."), def, value, protocol),
        _ => {
            let text = codec::shown(value).unwrap_or_default();
            let text: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            form.push_str(&format!("&{name}={text}"));
        }
    }
}

#[test]
fn the_wire_answers_what_the_region_answers() {
    with_gateway(Limits::default(), async |wire| {
        // The other Region lives on its own thread and runtime.
        let requests = made();
        let others = std::thread::spawn(|| {
            with_gateway(Limits::default(), async |client| {
                let mut said = Vec::new();
                for (operation, _, message) in made() {
                    said.push(by_handle(&client, operation, message).await);
                }
                said
            })
        });
        let mut ours = Vec::new();
        for (operation, asked, _) in &requests {
            ours.push(by_wire(&wire, operation, asked).await);
        }
        let others = others.join().expect("the other Region");
        let mut compared = 0;
        for (((operation, asked, _), ours), other) in requests.iter().zip(&ours).zip(&others) {
            match (ours, other) {
                // XML: that both worked is all that is compared.
                (Said::Members(found), Said::Members(_)) if found.is_empty() => {}
                (ours, other) => {
                    assert_eq!(ours, other, "{} of {asked}", operation.id);
                    compared += 1;
                }
            }
        }
        assert!(compared > 300, "{compared} answers were compared");
    });
}

/// Requests for every operation without a body, as value and as message.
fn made() -> Vec<(&'static OperationDef, Value, Vec<u8>)> {
    let mut dice = Dice(42);
    let mut all = Vec::new();
    for service in SERVICES
        .iter()
        .filter(|service| service.protocol != Protocol::RestXml)
    {
        for operation in service.operations {
            for _ in 0..EACH {
                let asked = dice.structure(operation.input, 0);
                if let Ok(Encoded { message, .. }) =
                    codec::encode(operation.input, &asked, Face::AWS_JSON)
                {
                    all.push((operation, asked, message));
                }
            }
        }
    }
    all
}
