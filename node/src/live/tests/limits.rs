//! What gRPC's clients may take: connections, time, memory, rate; and bytes that are no gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use faultline_proto::driving::calls_client::CallsClient;
use faultline_proto::driving::{Failure, Invocation, InvokePart, invoke_part};
use faultline_proto::kms;
use faultline_proto::kms::kms_client::KmsClient;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::grpc::{config, served, signed};
use super::{bucket, done, get, put, told, with_region};
use crate::gateway::limits::Limits;
use crate::live::links::Links;
use crate::live::{Handle, Opened};
use crate::store::Shelf;

const LIST: &str = "/faultline.aws.kms.v1.Kms/ListKeys";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn limited(handle: &Handle, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = config(told());
    config.limits = limits;
    served(handle, &config, Links::new([]).0, listener).await;
    address
}

async fn dial(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

async fn list(handle: &Handle, address: SocketAddr) -> Result<(), Status> {
    let mut client = KmsClient::new(dial(address).await);
    let request = signed(handle, "kms", LIST, &kms::ListKeysRequest::default());
    client.list_keys(request).await.map(drop)
}

/// Sends bytes, and what comes until the other end closes.
async fn talk(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(stream.write_all(bytes).await);
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    drop(read.expect("closes in time"));
    said
}

#[test]
fn whoever_says_nothing_or_no_http2_is_hung_up_on() {
    with_region(&Shelf::default(), async |handle, _| {
        let limits = Limits {
            head_time: Duration::from_millis(200),
            connections: 2,
            ..Limits::default()
        };
        let address = limited(&handle, limits).await;
        // Two that say nothing have all places, for a while.
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(&PREFACE[..10]).await.unwrap();
        list(&handle, address).await.unwrap();
        let said = talk(address, b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert!(!String::from_utf8_lossy(&said).contains('<'), "no HTML");
        list(&handle, address).await.unwrap();
    });
}

#[test]
fn frames_that_nobody_understands_do_no_harm() {
    with_region(&Shelf::default(), async |handle, _| {
        let limits = Limits {
            head_time: Duration::from_millis(200),
            ..Limits::default()
        };
        let address = limited(&handle, limits).await;
        let mut state = 1_u32;
        for length in 1..60 {
            let mut bytes = PREFACE.to_vec();
            bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
            for _ in 0..length * 9 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes.push((state >> 24) as u8);
            }
            let mut stream = TcpStream::connect(address).await.unwrap();
            drop(stream.write_all(&bytes).await);
            stream.shutdown().await.ok();
            let mut said = Vec::new();
            let read = stream.read_to_end(&mut said);
            drop(
                tokio::time::timeout(Duration::from_secs(5), read)
                    .await
                    .unwrap(),
            );
        }
        list(&handle, address).await.unwrap();
    });
}

/// HTTP/2's frame: length, type, flags, stream.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn streams_that_are_begun_and_reset_end_their_connection() {
    with_region(&Shelf::default(), async |handle, _| {
        let address = limited(&handle, Limits::default()).await;
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(4, 0, 0, &[]));
        for turn in 0..5000 {
            // POST / over http, headers ended; then a reset.
            bytes.extend(frame(1, 4, 2 * turn + 1, &[0x83, 0x86, 0x84]));
            bytes.extend(frame(3, 0, 2 * turn + 1, &[0, 0, 0, 8]));
        }
        let said = talk(address, &bytes).await;
        assert!(said.len() < 1 << 20);
        // Headers without an end.
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(4, 0, 0, &[]));
        bytes.extend(frame(1, 0, 1, &[0x83, 0x86, 0x84]));
        for _ in 0..2000 {
            let mut more = vec![0x00, 0x01, b'x', 0x7f, 0x81, 0x01];
            more.resize(1000, b'y');
            bytes.extend(frame(9, 0, 1, &more));
        }
        talk(address, &bytes).await;
        list(&handle, address).await.unwrap();
    });
}

#[test]
fn a_message_that_does_not_come_is_not_waited_for() {
    with_region(&Shelf::default(), async |handle, _| {
        let limits = Limits {
            body_pause: Duration::from_millis(200),
            ..Limits::default()
        };
        let address = limited(&handle, limits).await;
        let mut calls = CallsClient::new(dial(address).await);
        // The call comes, its body does not.
        bucket(&handle).await;
        let Opened::Ready(upload) = handle.open(put("whole"), 0).await.unwrap() else {
            panic!("a bucket takes an object");
        };
        upload.finish().await.unwrap().outcome.unwrap();
        let invocation = Invocation {
            operation: "s3.PutObject".into(),
            request: put("slow").request,
            body_length: Some(1_000_000),
            body_sha256: Vec::new(),
        };
        let path = crate::live::calls::PATH;
        let request = signed(&handle, "s3", path, &invocation);
        let (metadata, extensions, _) = request.into_parts();
        let (parts, stream) = tokio::sync::mpsc::channel(2);
        let first = InvokePart {
            part: Some(invoke_part::Part::Call(invocation)),
        };
        parts.send(first).await.unwrap();
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        let request = Request::from_parts(metadata, extensions, stream);
        let status = calls.invoke(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        drop(parts);
        let failure = super::ask(&handle, &get("slow")).await.outcome.unwrap_err();
        assert_eq!(failure.code, "NoSuchKey", "nothing is left of it");
        // A typed call whose message never comes.
        let mut grpc = tonic::client::Grpc::new(dial(address).await);
        grpc.ready().await.unwrap();
        let never = tokio_stream::pending::<kms::ListKeysRequest>();
        let codec = tonic_prost::ProstCodec::<_, kms::ListKeysResponse>::default();
        let path = http::uri::PathAndQuery::from_static(LIST);
        let called = grpc.client_streaming(Request::new(never), path, codec);
        let called = tokio::time::timeout(Duration::from_secs(5), called).await;
        let status = called.expect("in time").unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    });
}

#[test]
fn messages_have_a_size_memory_an_end_and_calls_a_rate() {
    with_region(&Shelf::default(), async |handle, _| {
        let limits = Limits {
            memory: 200_000,
            requests_per_second: Some(6),
            ..Limits::default()
        };
        let address = limited(&handle, limits).await;
        let channel = dial(address).await;
        let mut client = KmsClient::new(channel.clone());
        let encrypt = |bytes: usize| kms::EncryptRequest {
            key_id: Some("none".into()),
            plaintext: Some(vec![1; bytes]),
            ..Default::default()
        };
        let status = client.encrypt(encrypt(9 << 20)).await.unwrap_err();
        assert!(
            matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted),
            "{status:?}"
        );
        let status = client.encrypt(encrypt(300_000)).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let failure = Failure::decode(status.details()).unwrap();
        assert_eq!(failure.code, "ThrottlingException");
        // A head that is too large.
        let mut request = Request::new(kms::ListKeysRequest::default());
        let long = "x".repeat(200_000).parse().unwrap();
        request.metadata_mut().insert("x-long", long);
        client.list_keys(request).await.unwrap_err();
        list(&handle, address).await.unwrap();
        let mut refused = 0;
        for _ in 0..20 {
            let status = list(&handle, address).await;
            refused += u32::from(status.is_err_and(|it| it.code() == Code::ResourceExhausted));
        }
        assert!(refused >= 5, "{refused} of 20 were more than 6 a second");
        assert!(
            done(&handle, &kms::ListKeysRequest::default())
                .await
                .keys
                .is_empty()
        );
    });
}
