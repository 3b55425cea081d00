//! Tables of the rules, each row with the fact that it stands for, and laws that hold for all.

mod documents;
mod fences;
mod grants;
mod keys;
mod laws;
mod naive;
mod others;
mod words;
mod worlds;

use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn, Timestamp};

use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234";
const ROLE: &str = "arn:aws:iam::111111111111:role/reader";
const ROOT: &str = r#"{"AWS":"arn:aws:iam::111111111111:root"}"#;
const ANN: &str = r#"{"AWS":"arn:aws:iam::111111111111:user/ann"}"#;

fn home() -> AccountId {
    AccountId::new("111111111111").unwrap()
}
fn abroad() -> AccountId {
    AccountId::new("222222222222").unwrap()
}
fn ann() -> Principal {
    Principal::user(&home(), "/", "ann", "AIDAANNANNANNANN")
}
fn zoe() -> Principal {
    Principal::user(&abroad(), "/", "zoe", "AIDAZOEZOEZOEZOE")
}
fn reader() -> Principal {
    Principal::role(&Arn::new(ROLE).unwrap(), "AROAREADERREADER", "nightly").unwrap()
}
fn now() -> Context {
    // 2026-11-24T02:31:00Z
    Context::at(Timestamp(1_795_487_460_000_000))
}

/// A document of `statements`, which are JSON objects separated by commas.
fn policy(kind: DocumentKind, name: &str, statements: &str) -> Arc<Policy> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Arc::new(Policy::new(name, Document::parse(&text, kind).unwrap()))
}
fn key_policy(statements: &str) -> Arc<Policy> {
    policy(DocumentKind::Key, "default", statements)
}
fn identity(statements: &str) -> Arc<Policy> {
    policy(DocumentKind::Identity, "inline", statements)
}
/// A statement of a resource policy about any resource.
fn says(effect: &str, principal: &str, action: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"*"}}"#)
}
/// A statement of an identity policy about any resource.
fn may(effect: &str, action: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}"#)
}

/// A question and its policies, owned, so that a table row is one expression.
struct Case {
    caller: Principal,
    action: &'static str,
    resource: &'static str,
    account: AccountId,
    crosses: bool,
    context: Context,
    wording: Wording,
    identity: Vec<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    session: Vec<Arc<Policy>>,
    scps: Vec<Vec<Arc<Policy>>>,
    rcps: Vec<Vec<Arc<Policy>>>,
    endpoint: Option<Arc<Policy>>,
    kind: DocumentKind,
    own: Option<Arc<Policy>>,
}

impl Case {
    /// `kms:Encrypt` on a key of the home account whose policy holds `statements`.
    fn key(caller: Principal, statements: &str) -> Self {
        Self {
            caller,
            action: "kms:Encrypt",
            resource: KEY,
            account: home(),
            crosses: true,
            context: now(),
            wording: Wording::Resource,
            identity: Vec::new(),
            boundary: None,
            session: Vec::new(),
            scps: Vec::new(),
            rcps: Vec::new(),
            endpoint: None,
            kind: DocumentKind::Key,
            own: Some(key_policy(statements)),
        }
    }
    fn identity(mut self, statements: &str) -> Self {
        self.identity.push(identity(statements));
        self
    }
    fn boundary(mut self, statements: &str) -> Self {
        self.boundary = Some(policy(DocumentKind::Identity, "edge", statements));
        self
    }
    fn session(mut self, statements: &str) -> Self {
        self.session
            .push(policy(DocumentKind::Session, "session", statements));
        self
    }
    fn scp(mut self, statements: &str) -> Self {
        self.scps.push(vec![policy(
            DocumentKind::ServiceControl,
            "arn:aws:organizations::1:policy/o/p",
            statements,
        )]);
        self
    }
    fn rcp(mut self, statements: &str) -> Self {
        self.rcps.push(vec![policy(
            DocumentKind::ResourceControl,
            "arn:aws:organizations::1:policy/o/r",
            statements,
        )]);
        self
    }
    fn endpoint(mut self, statements: &str) -> Self {
        self.endpoint = Some(policy(DocumentKind::Endpoint, "vpce-1", statements));
        self
    }
    fn action(mut self, action: &'static str) -> Self {
        self.action = action;
        self
    }
    fn ask(&self) -> Decision<'_> {
        self.ask_with(&[], None)
    }
    fn ask_with<'a>(
        &'a self,
        grants: &'a [GrantView<'a>],
        pairs: Option<&std::collections::BTreeMap<String, String>>,
    ) -> Decision<'a> {
        let mut request = Request::new(
            &self.caller,
            self.action,
            self.resource,
            &self.account,
            &self.context,
        );
        request.crosses_accounts = self.crosses;
        request.wording = self.wording;
        request.encryption_context = pairs;
        evaluate(&request, &self.policies(grants))
    }
    fn policies<'a>(&'a self, grants: &'a [GrantView<'a>]) -> Policies<'a> {
        let own = self.own.as_deref();
        Policies {
            identity: &self.identity,
            boundary: self.boundary.as_deref(),
            session: &self.session,
            scp_levels: &self.scps,
            rcp_levels: &self.rcps,
            endpoint: self.endpoint.as_deref(),
            resource: match (self.kind, own) {
                (DocumentKind::Key, Some(policy)) => ResourcePolicy::Key(policy),
                (DocumentKind::Trust, Some(policy)) => ResourcePolicy::Trust(policy),
                (DocumentKind::Bucket, policy) => ResourcePolicy::Bucket(policy),
                (DocumentKind::Resource, policy) => ResourcePolicy::Other(policy),
                _ => ResourcePolicy::None,
            },
            grants,
        }
    }
    /// `allowed`, or the word for who denied.
    fn verdict(&self) -> &'static str {
        word(&self.ask())
    }
}

fn word(decision: &Decision<'_>) -> &'static str {
    match decision {
        Decision::Allowed(_) => "allowed",
        Decision::Denied(refusal) => refusal.denied_by.word(),
    }
}
