//! Laws that hold for every set of documents, and the agreement of two evaluators.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::naive::{self, Papers, Question};
use super::*;

const BUCKET: &str = "arn:aws:kms:eu-west-1:111111111111:key/9";

/// A statement of few choices, so that they often meet.
fn statement(with_principal: bool) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = prop::sample::select(vec![
        "kms:*",
        "kms:Encrypt",
        "KMS:enc*",
        "kms:Decrypt",
        "*",
        "kms:???rypt",
    ]);
    let resource = prop::sample::select(vec!["*", KEY, BUCKET, "arn:aws:kms:*:key/1*"]);
    let principal = prop::sample::select(vec![
        json!("*"),
        json!({"AWS": "arn:aws:iam::111111111111:root"}),
        json!({"AWS": "arn:aws:iam::222222222222:root"}),
        json!({"AWS": "arn:aws:iam::111111111111:user/ann"}),
        json!({"AWS": ["arn:aws:iam::222222222222:user/zoe", "arn:aws:iam::111111111111:role/reader"]}),
        json!({"AWS": "arn:aws:sts::111111111111:assumed-role/reader/nightly"}),
    ]);
    let via = prop_oneof![3 => Just(None), 1 => Just(Some("s3.eu-west-1.amazonaws.com"))];
    (effect, action, resource, principal, via).prop_map(
        move |(effect, action, resource, principal, via)| {
            let mut statement = json!({"Effect": effect, "Action": action, "Resource": resource});
            if with_principal {
                statement["Principal"] = principal;
            }
            if let Some(via) = via {
                statement["Condition"] = json!({"StringEquals": {"kms:ViaService": via}});
            }
            statement
        },
    )
}

fn document(with_principal: bool) -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(with_principal), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// A whole situation as raw JSON.
#[derive(Debug, Clone)]
struct World {
    caller: u8,
    via: bool,
    key: bool,
    resource: Value,
    identity: Vec<Value>,
    boundary: Option<Value>,
    session: Option<Value>,
    scps: Vec<Value>,
}

fn world() -> impl Strategy<Value = World> {
    let documents = |count| prop::collection::vec(document(false), 0..count);
    let rarely = || prop::option::weighted(0.3, document(false));
    (
        0u8..4,
        any::<bool>(),
        any::<bool>(),
        document(true),
        documents(3),
        rarely(),
        rarely(),
        documents(2),
    )
        .prop_map(
            |(caller, via, key, resource, identity, boundary, session, scps)| World {
                caller,
                via,
                key,
                resource,
                identity,
                boundary,
                session,
                scps,
            },
        )
}

fn read(kind: DocumentKind, value: &Value) -> Arc<Policy> {
    Arc::new(Policy::new(
        "p",
        Document::parse(&value.to_string(), kind).unwrap(),
    ))
}

impl World {
    fn case(&self) -> Case {
        let caller = match self.caller {
            0 => ann(),
            1 => reader(),
            2 => zoe(),
            _ => Principal::root(&home()),
        };
        let kind = if self.key {
            DocumentKind::Key
        } else {
            DocumentKind::Bucket
        };
        let mut case = Case::key(caller, &says("Allow", ROOT, "kms:*"));
        case.kind = kind;
        case.own = Some(read(kind, &self.resource));
        case.identity = self
            .identity
            .iter()
            .map(|value| read(DocumentKind::Identity, value))
            .collect();
        case.boundary = self
            .boundary
            .as_ref()
            .map(|value| read(DocumentKind::Identity, value));
        case.session = self
            .session
            .iter()
            .map(|value| read(DocumentKind::Session, value))
            .collect();
        case.scps = self
            .scps
            .iter()
            .map(|value| vec![read(DocumentKind::ServiceControl, value)])
            .collect();
        if self.via {
            case.context
                .set("kms:ViaService", "s3.eu-west-1.amazonaws.com");
        }
        case
    }

    fn is_allowed(&self) -> bool {
        self.case().ask().is_allowed()
    }

    fn naive(&self) -> bool {
        let root = "arn:aws:iam::111111111111:root";
        let identities: &[&str] = match self.caller {
            0 => &["arn:aws:iam::111111111111:user/ann", root],
            1 => &[
                "arn:aws:sts::111111111111:assumed-role/reader/nightly",
                "arn:aws:iam::111111111111:role/reader",
                root,
            ],
            2 => &[
                "arn:aws:iam::222222222222:user/zoe",
                "arn:aws:iam::222222222222:root",
            ],
            _ => &[root],
        };
        let question = Question {
            identities,
            kind: if self.key { "key" } else { "bucket" },
            is_root: self.caller == 3,
            action: "kms:Encrypt",
            resource: KEY,
            same_account: self.caller != 2,
            via: self.via.then_some("s3.eu-west-1.amazonaws.com"),
        };
        let list = |value: &Option<Value>| value.iter().cloned().collect::<Vec<Value>>();
        let papers = Papers {
            resource: std::slice::from_ref(&self.resource),
            identity: &self.identity,
            boundary: &list(&self.boundary),
            session: &list(&self.session),
            scps: &self.scps,
        };
        naive::allows(&question, &papers)
    }
}

fn deny(with_principal: bool) -> Value {
    let mut statement = json!({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"});
    if with_principal {
        statement["Principal"] = json!("*");
    }
    statement
}

fn push(document: &mut Value, statement: Value) {
    document["Statement"]
        .as_array_mut()
        .unwrap()
        .push(statement);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_evaluators_agree(world in world()) {
        prop_assert_eq!(world.is_allowed(), world.naive());
    }

    #[test]
    fn no_allow_beats_an_explicit_deny(mut world in world(), place in 0..3) {
        match place {
            0 => push(&mut world.resource, deny(true)),
            1 => world.identity.push(json!({"Version": "2012-10-17", "Statement": [deny(false)]})),
            _ => world.scps.push(json!({"Version": "2012-10-17", "Statement": [deny(false)]})),
        }
        prop_assert!(!world.is_allowed());
    }

    #[test]
    fn a_deny_more_never_opens(world in world(), mut extra in statement(true), in_resource: bool) {
        extra["Effect"] = json!("Deny");
        let mut more = world.clone();
        if in_resource {
            push(&mut more.resource, extra);
        } else {
            extra.as_object_mut().unwrap().remove("Principal");
            more.identity.push(json!({"Version": "2012-10-17", "Statement": [extra]}));
        }
        prop_assert!(world.is_allowed() || !more.is_allowed());
    }

    #[test]
    fn an_allow_more_in_what_is_there_never_closes(world in world(), mut extra in statement(true)) {
        extra["Effect"] = json!("Allow");
        let mut more = world.clone();
        push(&mut more.resource, extra);
        prop_assert!(!world.is_allowed() || more.is_allowed());
    }

    #[test]
    fn k_193_one_account_alone_never_crosses(mut world in world(), ours: bool) {
        world.caller = 2;
        if ours {
            world.identity.clear();
        } else {
            world.resource = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "111111111111"}}]});
        }
        prop_assert!(!world.is_allowed());
    }

    #[test]
    fn the_order_of_statements_and_policies_says_nothing(world in world()) {
        let mut turned = world.clone();
        for document in turned.identity.iter_mut().chain([&mut turned.resource]) {
            document["Statement"].as_array_mut().unwrap().reverse();
        }
        turned.identity.reverse();
        turned.scps.reverse();
        prop_assert_eq!(world.is_allowed(), turned.is_allowed());
    }

    #[test]
    fn every_refusal_says_what_would_have_helped(world in world()) {
        if let Decision::Denied(refusal) = world.case().ask() {
            prop_assert!(!refusal.missing.is_empty());
            prop_assert!(!refusal.message.is_empty());
        }
    }
}
