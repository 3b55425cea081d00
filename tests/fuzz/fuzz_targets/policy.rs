//! Text that claims to be a policy. However it is made, it is read or refused; what was read can be
//! decided with; and a deny of everything beside it leaves nothing allowed.

#![no_main]

use std::sync::Arc;

use faultline_proto::names::{AccountId, Timestamp};
use faultline_region::identity::{
    Context, Document, DocumentKind, Policies, Policy, Principal, Request, ResourcePolicy, evaluate,
};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
const KINDS: [DocumentKind; 9] = [
    DocumentKind::Identity,
    DocumentKind::Session,
    DocumentKind::Key,
    DocumentKind::Bucket,
    DocumentKind::Trust,
    DocumentKind::Resource,
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
    DocumentKind::Endpoint,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let Ok(document) = Document::parse(text, kind) else {
        return;
    };
    let policy = Arc::new(Policy::new("fuzzed", document));
    let account = AccountId::new("111111111111").expect("an account");
    let ann = Principal::user(&account, "/", "ann", "AIDAANNANNANNANNANNAN");
    let mut context = Context::at(Timestamp(1_795_487_460_000_000));
    context.set("kms:viaservice", "s3.eu-west-1.amazonaws.com");
    context.set("aws:sourceip", "203.0.113.9");
    context.set("kms:encryptioncontext:purpose", "cards");
    let request = Request::new(&ann, "kms:Encrypt", KEY, &account, &context);
    let identity = [policy.clone()];
    let as_identity = Policies {
        identity: &identity,
        ..Policies::default()
    };
    let as_key = Policies {
        resource: ResourcePolicy::Key(&policy),
        ..Policies::default()
    };
    for policies in [as_identity, as_key] {
        let decision = evaluate(&request, &policies);
        assert_eq!(
            decision.is_allowed(),
            evaluate(&request, &policies).is_allowed()
        );
    }
    let deny = Document::parse(DENY_ALL, DocumentKind::Identity).expect("it is a policy");
    let both = [policy.clone(), Arc::new(Policy::new("deny", deny))];
    let denied = Policies {
        identity: &both,
        resource: ResourcePolicy::Key(&policy),
        ..Policies::default()
    };
    assert!(!evaluate(&request, &denied).is_allowed());
});
