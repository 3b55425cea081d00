//! Steps that share a flush: nobody hears of a step before it is durable.

use std::sync::{Arc, Mutex};

use faultline_proto::driving::{Account, Call, Credential, Success, completed};
use faultline_proto::kms;
use prost::Message as _;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Did {
    Step(u64),
    Flush,
}

/// Writes down what it is asked to do. Its disk fails from step `full` on.
struct Scribe {
    did: Arc<Mutex<Vec<Did>>>,
    full: u64,
}

impl Driven for Scribe {
    fn step(&mut self, step: Step) -> Result<Reply, Died> {
        if step.crash() != Crash::None {
            return Err(Died::Crashed(step.id));
        }
        self.did.lock().unwrap().push(Did::Step(step.id));
        Ok(Reply {
            step: step.id,
            ..Reply::default()
        })
    }

    fn flush(&mut self) -> Result<(), Died> {
        let mut did = self.did.lock().unwrap();
        if matches!(did.last(), Some(Did::Step(last)) if *last >= self.full) {
            return Err(StoreError::Disk {
                doing: "flush",
                what: "no space left on device".to_owned(),
            }
            .into());
        }
        did.push(Did::Flush);
        Ok(())
    }
}

async fn scribe(full: u64) -> (EmbeddedNode, Arc<Mutex<Vec<Did>>>) {
    let did = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&did);
    let node = embed(Box::new(Scribe { did: theirs, full }));
    (node.await.unwrap(), did)
}

#[tokio::test]
async fn steps_that_wait_together_are_flushed_once_and_answered_after_it() {
    let (node, did) = scribe(u64::MAX).await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    for id in 1..=500 {
        driver.send(tick(id)).await;
    }
    for id in 1..=500 {
        assert_eq!(driver.next().await.unwrap().0, id);
        let did = did.lock().unwrap();
        let taken = did.iter().position(|it| *it == Did::Step(id)).unwrap();
        assert!(did[taken..].contains(&Did::Flush), "{id} was not durable");
    }
    let did = did.lock().unwrap();
    let flushes = did.iter().filter(|it| **it == Did::Flush).count();
    assert!((500 / 64..400).contains(&flushes), "{flushes} flushes");
}

#[tokio::test]
async fn a_step_that_waits_alone_has_a_flush_of_its_own() {
    let (node, did) = scribe(u64::MAX).await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    for id in 1..=3 {
        assert_eq!(driver.step(tick(id)).await.unwrap(), id);
    }
    let each = (1..=3).flat_map(|id| [Did::Step(id), Did::Flush]);
    assert_eq!(*did.lock().unwrap(), each.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_waits_before_a_crash_is_flushed_first() {
    let (node, did) = scribe(u64::MAX).await;
    let driver = Driver::new(node.channel()).await.unwrap();
    for id in 1..=5 {
        driver.send(tick(id)).await;
    }
    let crash = Crash::BeforeCommit.into();
    driver.send(Step { crash, ..tick(6) }).await;
    assert_eq!(node.ended().await.unwrap(), Ended::Crashed { step: 6 });
    let did = did.lock().unwrap();
    assert_eq!(did.last(), Some(&Did::Flush));
    assert!(did.contains(&Did::Step(5)));
}

#[tokio::test]
async fn a_flush_that_fails_answers_no_step_of_its_group() {
    let (node, _did) = scribe(3).await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    for id in 1..=5 {
        driver.send(tick(id)).await;
    }
    let mut heard = 0;
    let refused = loop {
        match driver.next().await {
            Ok((id, _)) => heard = id,
            Err(status) => break status,
        }
    };
    assert!(heard < 3, "{heard} was heard of and is not kept");
    assert_eq!(refused.code(), Code::DataLoss);
    assert!(node.ended().await.is_err());
}

const ACCOUNT: &str = "111111111111";
const ROOT: &str = "AKIAROOT000000000001";

fn call<R: faultline_proto::Operation>(id: u64, request: &R) -> Step {
    let call = Call {
        id: format!("c{id}"),
        credential: Some(Credential {
            access_key: ROOT.to_owned(),
            session_token: String::new(),
        }),
        operation: R::ID.to_owned(),
        request: request.encode_to_vec(),
        ..Call::default()
    };
    Step {
        id,
        input: Some(step::Input::Call(call)),
        ..Step::default()
    }
}

fn start_with_account(id: u64) -> Step {
    let start = Start {
        region: "eu-west-1".to_owned(),
        accounts: vec![Account {
            id: ACCOUNT.to_owned(),
            root_access_key: ROOT.to_owned(),
        }],
        seed: vec![7; 32],
        partition_secret: vec![8; 32],
        ..Start::default()
    };
    Step {
        id,
        input: Some(step::Input::Start(start)),
        ..Step::default()
    }
}

async fn answer<R: faultline_proto::Operation>(driver: &mut Driver) -> Option<R::Response> {
    let reply = driver.replies.message().await.ok()??;
    match reply.completed.into_iter().next()?.outcome? {
        completed::Outcome::Success(Success { response, .. }) => {
            Some(R::Response::decode(response.as_slice()).unwrap())
        }
        completed::Outcome::Failure(failure) => panic!("{failure:?}"),
    }
}

/// A real process with many steps in flight is killed at many moments: every key whose
/// creation somebody heard of is there when it starts again, on the same store.
#[tokio::test]
async fn a_killed_process_has_kept_every_step_that_was_acknowledged() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut keys: Vec<Option<String>> = Vec::new();
    let mut step = 0;
    let mut next = || {
        step += 1;
        step
    };
    for until in [1, 3, 20, 63, 64, 65, 100, 150] {
        let mut node = process(folder.path()).await;
        let mut driver = Driver::new(node.channel).await.unwrap();
        driver.send(start_with_account(next())).await;
        let started = driver.replies.message().await.unwrap().unwrap();
        assert!(started.started.unwrap().last_step >= keys.len() as u64);
        for key_id in &keys {
            let request = kms::DescribeKeyRequest {
                key_id: key_id.clone(),
                ..kms::DescribeKeyRequest::default()
            };
            driver.send(call(next(), &request)).await;
            let found = answer::<kms::DescribeKeyRequest>(&mut driver).await;
            assert!(found.is_some(), "{key_id:?} is lost");
        }
        for _ in 0..200 {
            driver
                .send(call(next(), &kms::CreateKeyRequest::default()))
                .await;
        }
        let mut heard = 0;
        while let Some(made) = answer::<kms::CreateKeyRequest>(&mut driver).await {
            keys.push(made.key_metadata.unwrap().key_id);
            heard += 1;
            if heard == until {
                node.child.kill().unwrap();
            }
        }
        assert!(heard >= until);
        node.child.wait().unwrap();
    }
}
