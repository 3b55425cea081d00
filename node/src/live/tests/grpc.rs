//! The node's gRPC: generated clients, reflection, health, and whom it refuses.

use std::sync::Arc;
use std::time::Instant;

use faultline_proto::driving::control_client::ControlClient;
use faultline_proto::driving::{Failure, HearRequest, Look, StatusRequest};
use faultline_proto::kms;
use faultline_proto::kms::kms_client::KmsClient;
use faultline_proto::names::Timestamp;
use faultline_proto::s3;
use faultline_proto::s3::s3_client::S3Client;
use faultline_region::signing::secret_access_key;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::{ROOT, credential, new_key, told, with_region};
use crate::live::control::{TOKEN, token};
use crate::live::links::Links;
use crate::live::peers::Proofs;
use crate::live::process::LiveConfig;
use crate::live::serve::{Served, serve};
use crate::live::signature::{Signer, sign};
use crate::live::{Handle, LiveStart};
use crate::store::Shelf;
use crate::tls::{GRPC, Tls, node_name};

/// How a test's node is configured.
pub(super) fn config(start: LiveStart) -> LiveConfig {
    LiveConfig {
        start,
        store: "unused".into(),
        cache_capacity: 0,
        grpc: ([127, 0, 0, 1], 0).into(),
        aws: ([127, 0, 0, 1], 0).into(),
        peers: std::collections::BTreeMap::new(),
        tls: None,
        limits: crate::gateway::limits::Limits::default(),
        stop_when_stdin_closes: false,
    }
}

/// Serves a Region on a free port for the rest of the test.
pub(super) async fn served(
    handle: &Handle,
    config: &LiveConfig,
    links: Links,
    listener: TcpListener,
) {
    let start = &config.start;
    let (stop, stopping) = watch::channel(false);
    let served = Served {
        config,
        handle,
        links,
        proofs: Proofs::new(start.region.clone(), &start.partition_secret),
        told: Arc::new(Notify::new()),
        began: Instant::now(),
        stop: stopping.clone(),
    };
    let routes = served.routes().await;
    let limits = config.limits.clone();
    let tls = config.tls.as_ref().map(|files| {
        let tls = Tls::load(files, &node_name(&start.region)).unwrap();
        tls.acceptor(GRPC).unwrap()
    });
    tokio::spawn(async move {
        serve(routes, listener, &limits, tls, stopping).await;
        drop(stop);
    });
}

async fn alone(handle: &Handle) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    served(handle, &config(told()), Links::new([]).0, listener).await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

pub(super) fn signed<R: Message + Clone>(
    handle: &Handle,
    service: &str,
    path: &str,
    message: &R,
) -> Request<R> {
    signed_at(handle.clock().wall(), service, path, message)
}

fn signed_at<R: Message + Clone>(
    at: Timestamp,
    service: &str,
    path: &str,
    message: &R,
) -> Request<R> {
    let mut request = Request::new(message.clone());
    let (credential, secret) = (credential(), secret_access_key(&[7; 32], ROOT));
    let signer = Signer {
        credential: &credential,
        secret: &secret,
        region: "eu-west-1",
        service,
    };
    sign(
        &signer,
        at,
        path,
        &message.encode_to_vec(),
        request.metadata_mut(),
    );
    request
}

const CREATE: &str = "/faultline.aws.kms.v1.Kms/CreateKey";
const ENCRYPT: &str = "/faultline.aws.kms.v1.Kms/Encrypt";

#[test]
fn a_generated_client_makes_signed_calls_and_understands_refusals() {
    with_region(&Shelf::default(), async |handle, _| {
        let mut client = KmsClient::new(alone(&handle).await);
        let request = signed(&handle, "kms", CREATE, &kms::CreateKeyRequest::default());
        let made = client.create_key(request).await.unwrap();
        assert_eq!(made.metadata().get("x-amzn-requestid").unwrap().len(), 36);
        let key = made.into_inner().key_metadata.unwrap().key_id;
        let encrypt = kms::EncryptRequest {
            key_id: key,
            plaintext: Some(b"hello".to_vec()),
            ..Default::default()
        };
        let request = signed(&handle, "kms", ENCRYPT, &encrypt);
        let blob = client.encrypt(request).await.unwrap().into_inner();
        assert!(blob.ciphertext_blob.unwrap().len() > 50);
        let nothing = kms::EncryptRequest {
            key_id: Some("none".into()),
            ..encrypt
        };
        let status = client
            .encrypt(signed(&handle, "kms", ENCRYPT, &nothing))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
        assert_eq!(
            status.metadata().get("x-amzn-errortype").unwrap(),
            "NotFoundException"
        );
        let failure = Failure::decode(status.details()).unwrap();
        assert_eq!(failure.code, "NotFoundException");
    });
}

#[test]
fn unsigned_forged_old_and_misdirected_calls_are_refused() {
    with_region(&Shelf::default(), async |handle, _| {
        let mut client = KmsClient::new(alone(&handle).await);
        let message = kms::CreateKeyRequest::default();
        let status = client.create_key(message.clone()).await.unwrap_err();
        assert!(
            matches!(
                status.code(),
                Code::PermissionDenied | Code::Unauthenticated
            ),
            "{status:?}"
        );
        let other = kms::CreateKeyRequest {
            description: Some("not what was signed".into()),
            ..Default::default()
        };
        let mut forged = signed(&handle, "kms", CREATE, &message);
        *forged.get_mut() = other;
        let old = signed_at(Timestamp(0), "kms", CREATE, &message);
        let elsewhere = signed(&handle, "s3", CREATE, &message);
        let replayed = signed(&handle, "kms", ENCRYPT, &message);
        for request in [forged, old, elsewhere, replayed] {
            let status = client.create_key(request).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
            assert!(
                status.message().starts_with("SignatureDoesNotMatch"),
                "{status:?}"
            );
        }
        let words = format!("{:?}", client.create_key(message).await.unwrap_err());
        let secret = secret_access_key(&[7; 32], ROOT);
        assert!(!words.contains(secret.as_str()));
    });
}

#[test]
fn bodies_travel_in_typed_calls_too() {
    with_region(&Shelf::default(), async |handle, _| {
        super::bucket(&handle).await;
        let mut client = S3Client::new(alone(&handle).await);
        let put = s3::PutObjectRequest {
            bucket: Some("reports".into()),
            key: Some("a".into()),
            body: Some(vec![7; 100_000]),
            ..Default::default()
        };
        let path = "/faultline.aws.s3.v1.S3/PutObject";
        client
            .put_object(signed(&handle, "s3", path, &put))
            .await
            .unwrap();
        let get = super::get("a");
        let path = "/faultline.aws.s3.v1.S3/GetObject";
        let got = client
            .get_object(signed(&handle, "s3", path, &get))
            .await
            .unwrap();
        assert_eq!(got.into_inner().body.unwrap(), vec![7; 100_000]);
    });
}

#[test]
fn reflection_and_health_name_what_is_served_and_nothing_else() {
    with_region(&Shelf::default(), async |handle, _| {
        let channel = alone(&handle).await;
        let mut client = ServerReflectionClient::new(channel.clone());
        let ask = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let answers = client
            .server_reflection_info(tokio_stream::once(ask))
            .await
            .unwrap();
        let answer = answers.into_inner().message().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
            panic!("{answer:?}");
        };
        let names: Vec<String> = list.service.into_iter().map(|it| it.name).collect();
        for name in ["faultline.aws.kms.v1.Kms", "faultline.region.v1.Calls"] {
            assert!(names.iter().any(|it| it == name), "{names:?}");
        }
        let driving = crate::rpc::REGION_SERVICE;
        assert!(
            !names.iter().any(|it| it == driving),
            "live nodes are not driven"
        );
        let mut health = HealthClient::new(channel);
        let check = HealthCheckRequest {
            service: "faultline.aws.kms.v1.Kms".into(),
        };
        let status = health.check(check).await.unwrap().into_inner();
        assert_eq!(status.status, 1);
    });
}

#[test]
fn only_the_operator_asks_how_a_node_is() {
    with_region(&Shelf::default(), async |handle, _| {
        let mut client = ControlClient::new(alone(&handle).await);
        let refused = client.status(StatusRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let mut request = Request::new(StatusRequest {});
        request
            .metadata_mut()
            .insert(TOKEN, token(&[7; 32]).parse().unwrap());
        let status = client.status(request).await.unwrap().into_inner();
        assert_eq!(status.region, "eu-west-1");
    });
}

#[test]
fn an_operator_sees_what_there_is_and_hears_who_called_what() {
    with_region(&Shelf::default(), async |handle, _| {
        let mut client = ControlClient::new(alone(&handle).await);
        fn operator<T>(message: T) -> Request<T> {
            let mut request = Request::new(message);
            let token = token(&[7; 32]).parse().unwrap();
            request.metadata_mut().insert(TOKEN, token);
            request
        }
        let hear = |from| operator(HearRequest { from });
        let refused = client.hear(Request::new(HearRequest { from: 0 })).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
        let next = client.hear(hear(0)).await.unwrap().into_inner().next;
        let key = new_key(&handle).await;
        let heard = client.hear(hear(next)).await.unwrap().into_inner();
        let names: Vec<&str> = heard
            .happened
            .iter()
            .filter_map(|one| match &one.what {
                Some(faultline_proto::driving::happened::What::Call(call)) => {
                    Some(call.event_name.as_str())
                }
                _ => None,
            })
            .collect();
        assert_eq!(names, ["CreateKey"]);

        let look = |what: &str| {
            operator(Look {
                what: what.to_owned(),
                arguments: String::new(),
            })
        };
        let keys = client.inspect(look("keys")).await.unwrap().into_inner();
        let enabled = keys.answer.contains("\"key_state\":\"Enabled\"");
        assert!(keys.answer.contains(&key) && enabled, "{}", keys.answer);
        // Looking left no trace.
        let heard = client.hear(hear(heard.next)).await.unwrap().into_inner();
        assert!(heard.happened.is_empty());
        for what in ["tables", "buckets", "replication"] {
            let seen = client.inspect(look(what)).await.unwrap().into_inner();
            assert!(!seen.answer.contains("error"), "{}", seen.answer);
        }
        let content = client.inspect(look("stored_object")).await.unwrap_err();
        assert_eq!(content.code(), Code::InvalidArgument);
    });
}
