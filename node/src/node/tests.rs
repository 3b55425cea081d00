mod grouped;

use faultline_proto::driving::region_client::RegionClient;
use faultline_proto::driving::{Crash, Envelope, Look, Reply, Start, Step, Tick, step};
use faultline_proto::names::RegionName;
use faultline_region::store::{Store, StoreError};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use super::*;
use crate::config::{MAX_MESSAGE, StoreChoice};
use crate::rpc::REGION_SERVICE;
use crate::store::Shelf;

/// Answers a Look with its arguments, dies when told to.
struct Echo {
    last: u64,
}

impl Driven for Echo {
    fn step(&mut self, step: Step) -> Result<Reply, Died> {
        if step.id <= self.last {
            return Err(Died::Protocol(format!(
                "step {} was already taken",
                step.id
            )));
        }
        self.last = step.id;
        if step.crash() != Crash::None {
            return Err(Died::Crashed(step.id));
        }
        let mut reply = Reply {
            step: step.id,
            ..Reply::default()
        };
        match step.input {
            Some(step::Input::Look(look)) if look.what == "large" => {
                reply.look = "x".repeat(MAX_MESSAGE)
            }
            Some(step::Input::Look(look)) => reply.look = look.arguments,
            Some(step::Input::Start(_)) => {
                return Err(StoreError::Disk {
                    doing: "flush",
                    what: "no space left on device".to_owned(),
                }
                .into());
            }
            _ => {}
        }
        Ok(reply)
    }

    fn flush(&mut self) -> Result<(), Died> {
        Ok(())
    }
}

async fn echo() -> EmbeddedNode {
    embed(Box::new(Echo { last: 0 })).await.unwrap()
}

fn tick(id: u64) -> Step {
    Step {
        id,
        input: Some(step::Input::Tick(Tick {})),
        ..Step::default()
    }
}

fn look(id: u64, what: &str, arguments: String) -> Step {
    let look = Look {
        what: what.to_owned(),
        arguments,
    };
    Step {
        id,
        input: Some(step::Input::Look(look)),
        ..Step::default()
    }
}

/// A driver's two ends.
struct Driver {
    steps: mpsc::Sender<Step>,
    replies: Streaming<Reply>,
}

impl Driver {
    async fn new(channel: Channel) -> Result<Self, Status> {
        let (steps, queue) = mpsc::channel(512);
        let mut client = RegionClient::new(channel).max_encoding_message_size(usize::MAX);
        let replies = client.drive(ReceiverStream::new(queue)).await?.into_inner();
        Ok(Self { steps, replies })
    }

    async fn send(&self, step: Step) {
        self.steps.send(step).await.unwrap();
    }

    /// What comes next: the step answered and its text, or a status.
    async fn next(&mut self) -> Result<(u64, String), Status> {
        let reply = self
            .replies
            .message()
            .await?
            .ok_or_else(|| Status::unavailable("the stream ended"))?;
        Ok((reply.step, reply.look))
    }
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_steps() {
    let node = echo().await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    for id in 1..=300 {
        driver.send(look(id, "echo", format!("{id}"))).await;
    }
    for id in 1..=300 {
        assert_eq!(driver.next().await.unwrap(), (id, format!("{id}")));
    }
    assert_eq!(node.stop().await.unwrap(), Ended::Stopped);
}

#[tokio::test]
async fn a_crash_answers_nobody_and_ends_the_node() {
    for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
        let node = echo().await;
        let mut driver = Driver::new(node.channel()).await.unwrap();
        driver.send(tick(1)).await;
        driver
            .send(Step {
                crash: crash.into(),
                ..tick(2)
            })
            .await;
        driver.send(tick(3)).await;
        // The first reply may die with the node, as in a pipe; the others never come.
        if let Ok((step, _)) = driver.next().await {
            assert_eq!(step, 1);
            assert!(driver.next().await.is_err());
        }
        let channel = node.channel();
        assert_eq!(node.ended().await.unwrap(), Ended::Crashed { step: 2 });
        assert!(Driver::new(channel).await.is_err());
    }
}

#[tokio::test]
async fn a_step_that_is_too_large_is_refused_with_its_size_and_those_before_it_are_answered() {
    let node = echo().await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    driver.send(tick(1)).await;
    driver.send(look(2, "echo", "x".repeat(MAX_MESSAGE))).await;
    driver.send(tick(3)).await;
    assert_eq!(driver.next().await.unwrap().0, 1);
    let status = driver.next().await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert!(
        status
            .message()
            .contains("the message after step 1 is larger than the 1048576 bytes"),
        "{status}"
    );
    assert!(status.message().contains("found 10485"), "{status}");

    let mut next = Driver::new(node.channel()).await.unwrap();
    next.send(tick(3)).await;
    assert_eq!(
        next.next().await.unwrap().0,
        3,
        "what was sent behind it was not taken"
    );
}

#[tokio::test]
async fn a_reply_that_is_too_large_is_refused_with_its_size() {
    let node = echo().await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    driver.send(look(1, "large", String::new())).await;
    let status = driver.next().await.unwrap_err();
    assert!(
        status
            .message()
            .contains("the reply to step 1 has 1048582 bytes"),
        "{status}"
    );
}

#[tokio::test]
async fn bytes_that_are_no_step_are_refused_with_words() {
    let node = echo().await;
    let mut client = tonic::client::Grpc::new(node.channel());
    client.ready().await.unwrap();
    // A text where a step has its number.
    let wrong = tokio_stream::once(Envelope {
        from: "eu-west-1".to_owned(),
        ..Envelope::default()
    });
    let path = PathAndQuery::from_static("/faultline.region.v1.Region/Drive");
    let codec = tonic_prost::ProstCodec::<Envelope, Reply>::default();
    let mut replies = client
        .streaming(tonic::Request::new(wrong), path, codec)
        .await
        .unwrap()
        .into_inner();
    let status = replies.message().await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status
            .message()
            .starts_with("the message after step 0 is no readable step: "),
        "{status}"
    );
}

#[tokio::test]
async fn a_broken_protocol_ends_the_stream_and_not_the_node() {
    let node = echo().await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    driver.send(tick(5)).await;
    driver.send(tick(5)).await;
    driver.send(tick(6)).await;
    assert_eq!(driver.next().await.unwrap().0, 5);
    let status = driver.next().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, "step 5 was already taken")
    );
    let mut next = Driver::new(node.channel()).await.unwrap();
    next.send(tick(6)).await;
    assert_eq!(next.next().await.unwrap().0, 6);
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_ends_the_node() {
    let node = echo().await;
    let mut driver = Driver::new(node.channel()).await.unwrap();
    driver
        .send(Step {
            id: 1,
            input: Some(step::Input::Start(Start::default())),
            ..Step::default()
        })
        .await;
    let status = driver.next().await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss);
    assert_eq!(
        status.message(),
        "the disk refused to flush: no space left on device"
    );
    assert!(
        node.ended()
            .await
            .unwrap_err()
            .to_string()
            .contains("no space left")
    );
}

#[tokio::test]
async fn a_second_driver_waits_its_turn() {
    let node = echo().await;
    let first = Driver::new(node.channel()).await.unwrap();
    let refused = Driver::new(node.channel()).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    drop(first);
    for _ in 0..100 {
        if Driver::new(node.channel()).await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the seat was not given back");
}

#[tokio::test]
async fn health_and_reflection_tell_what_is_served() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

    let node = echo().await;
    let request = HealthCheckRequest {
        service: REGION_SERVICE.to_owned(),
    };
    let health = HealthClient::new(node.channel())
        .check(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);

    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest {
        message_request,
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(node.channel());
    let mut answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<_> = list
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    assert!(
        names.contains(&REGION_SERVICE) && names.contains(&"grpc.health.v1.Health"),
        "{names:?}"
    );
    assert!(
        !names.iter().any(|name| name.contains("faultline.aws")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_node_whose_store_is_refused_says_why() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let region = RegionName::new("eu-west-1").unwrap();
    let config = NodeConfig::new(region, StoreChoice::Folder(folder.path().to_owned()));
    let error = embedded(config).await.err().unwrap().to_string();
    assert!(error.contains("it holds thesis.txt"), "{error}");
}

fn region() -> RegionName {
    RegionName::new("eu-west-1").unwrap()
}

fn start(id: u64, region: &str) -> Step {
    let start = Start {
        region: region.to_owned(),
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

impl Driver {
    /// Starts a Region and answers the last step that its store knows.
    async fn start(&mut self, id: u64) -> u64 {
        self.send(start(id, "eu-west-1")).await;
        let reply = self.replies.message().await.unwrap().unwrap();
        reply.started.unwrap().last_step
    }

    async fn step(&mut self, step: Step) -> Result<u64, Status> {
        self.send(step).await;
        self.next().await.map(|(id, _)| id)
    }
}

/// A crash before the commit leaves the store as it was; one after it keeps the step that
/// nobody heard of.
async fn crashes_keep_what_they_say(store: StoreChoice) {
    let config = NodeConfig::new(region(), store);
    for (first, crash, kept) in [(1, Crash::BeforeCommit, 2), (11, Crash::AfterCommit, 13)] {
        let node = embedded(config.clone()).await.unwrap();
        let mut driver = Driver::new(node.channel()).await.unwrap();
        driver.start(first).await;
        assert_eq!(driver.step(tick(first + 1)).await.unwrap(), first + 1);
        assert!(
            driver
                .step(Step {
                    crash: crash.into(),
                    ..tick(first + 2)
                })
                .await
                .is_err()
        );
        assert_eq!(
            node.ended().await.unwrap(),
            Ended::Crashed { step: first + 2 }
        );

        let node = embedded(config.clone()).await.unwrap();
        let mut driver = Driver::new(node.channel()).await.unwrap();
        assert_eq!(driver.start(first + 3).await, kept, "{crash:?}");
        node.stop().await.unwrap();
    }
}

#[tokio::test]
async fn crashes_keep_what_they_say_on_disk() {
    let folder = tempfile::TempDir::new().unwrap();
    crashes_keep_what_they_say(StoreChoice::Folder(folder.path().to_owned())).await;
}

#[tokio::test]
async fn crashes_keep_what_they_say_in_memory() {
    let shelf = Shelf::default();
    crashes_keep_what_they_say(StoreChoice::Memory(shelf.clone())).await;
    assert!(shelf.look().unwrap().raw().count() > 0);
}

#[tokio::test]
async fn a_node_answers_to_one_name_and_starts_first() {
    let node = embedded(NodeConfig::new(
        region(),
        StoreChoice::Memory(Shelf::default()),
    ))
    .await
    .unwrap();
    for (step, words) in [
        (
            start(1, "us-east-1"),
            "this node is eu-west-1, not us-east-1",
        ),
        (tick(1), "the first step of a process must be Start"),
        (
            Step {
                id: 1,
                ..Step::default()
            },
            "step 1 has no input",
        ),
    ] {
        let mut driver = Driver::new(node.channel()).await.unwrap();
        assert_eq!(driver.step(step).await.unwrap_err().message(), words);
    }
}

const CHILD_FOLDER: &str = "FAULTLINE_TEST_NODE_FOLDER";

/// Not a test of its own: the process that the test below starts.
#[test]
fn child_that_is_a_node() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let config = NodeConfig::new(region(), StoreChoice::Folder(folder.into()));
    run(&config).unwrap();
}

struct Process {
    child: std::process::Child,
    channel: Channel,
    /// Held open: the test harness in the child writes there when it ends.
    _stdout: std::io::BufReader<std::process::ChildStdout>,
}

async fn process(folder: &std::path::Path) -> Process {
    use std::io::BufRead as _;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "node::tests::child_that_is_a_node",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, folder)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The test harness writes on the same line.
    while !line.contains("listening ") {
        line.clear();
        assert!(
            stdout.read_line(&mut line).unwrap() > 0,
            "the child said nothing"
        );
    }
    let address = line.split_once("listening ").unwrap().1.trim();
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    Process {
        child,
        channel: endpoint.connect().await.unwrap(),
        _stdout: stdout,
    }
}

#[tokio::test]
async fn a_node_process_aborts_in_a_crash_and_ends_when_its_standard_input_closes() {
    use std::os::unix::process::ExitStatusExt as _;
    let folder = tempfile::TempDir::new().unwrap();
    let mut node = process(folder.path()).await;
    let mut driver = Driver::new(node.channel).await.unwrap();
    assert_eq!(driver.start(1).await, 0);
    assert!(
        driver
            .step(Step {
                crash: Crash::AfterCommit.into(),
                ..tick(2)
            })
            .await
            .is_err()
    );
    assert_eq!(node.child.wait().unwrap().signal(), Some(6));

    let mut node = process(folder.path()).await;
    let mut driver = Driver::new(node.channel).await.unwrap();
    assert_eq!(driver.start(3).await, 2);
    drop(node.child.stdin.take());
    assert!(node.child.wait().unwrap().success());
}
