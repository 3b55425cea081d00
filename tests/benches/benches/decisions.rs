//! Policy decisions a second, with 1, 10 and 100 statements. Run:
//! `cargo bench -p faultline-benches --bench decisions`.
//!
//! The documents are read once, as a Region reads them; each decision is one call of the
//! evaluator on one core. The statement that allows is the last, so every one is looked at.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_proto::names::{AccountId, Timestamp};
use faultline_region::identity::{
    Context, Document, DocumentKind, Policies, Policy, Principal, Request, ResourcePolicy, evaluate,
};

const PATIENCE: Duration = Duration::from_secs(1);
const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn main() {
    println!("{:<60} {:>12}", "decisions", "a second");
    for statements in [1, 10, 100] {
        measure(
            &format!("{statements} statements, allowed"),
            statements,
            "",
            "kms:Encrypt",
        );
    }
    let condition =
        r#","Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}"#;
    measure(
        "10 statements with a condition each, allowed",
        10,
        condition,
        "kms:Encrypt",
    );
    measure(
        "10 statements, refused with all its reasons",
        10,
        "",
        "kms:Decrypt",
    );
}

fn document(kind: DocumentKind, statements: &[String]) -> Arc<Policy> {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    );
    let document = Document::parse(&text, kind).expect("it is a policy");
    Arc::new(Policy::new("bench", document))
}

fn measure(name: &str, statements: usize, condition: &str, action: &str) {
    let mut own: Vec<String> = (1..statements)
        .map(|at| format!(r#"{{"Effect":"Allow","Action":"s3:Get{at}","Resource":"arn:aws:s3:::bucket-{at}/*"{condition}}}"#))
        .collect();
    own.push(format!(
        r#"{{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}"{condition}}}"#
    ));
    let identity = [document(DocumentKind::Identity, &own)];
    let key = document(
        DocumentKind::Key,
        &[r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#.to_owned()],
    );
    let account = AccountId::new("111111111111").expect("an account");
    let ann = Principal::user(&account, "/", "ann", "AIDAANNANNANNANNANNAN");
    let mut context = Context::at(Timestamp(1_795_487_460_000_000));
    context.set("kms:viaservice", "s3.eu-west-1.amazonaws.com");
    context.set("aws:requestedregion", "eu-west-1");
    let request = Request::new(&ann, action, KEY, &account, &context);
    let policies = Policies {
        identity: &identity,
        resource: ResourcePolicy::Key(&key),
        ..Policies::default()
    };
    assert_eq!(
        evaluate(&request, &policies).is_allowed(),
        action == "kms:Encrypt"
    );
    let begin = Instant::now();
    let mut count = 0_u64;
    while begin.elapsed() < PATIENCE {
        for _ in 0..1_024 {
            black_box(evaluate(black_box(&request), black_box(&policies)));
        }
        count += 1_024;
    }
    let rate = u128::from(count) * 1_000_000_000 / begin.elapsed().as_nanos().max(1);
    println!("{name:<60} {rate:>12}");
}
