//! A live Region over a store in memory that loses what was not flushed.
//!
//! - [`grpc`]: what a node serves, asked by clients that others wrote. [`peers`]: two nodes.
//! - [`limits`]: what clients may take. [`twins`]: both entrances say the same.
//! - [`secured`]: TLS between peers.

mod grpc;
mod limits;
mod peers;
mod secured;
mod twins;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use faultline_proto::driving::{Account, Credential, Fault, Refuse, Settings, fault};
use faultline_proto::names::RegionName;
use faultline_proto::{Operation, kms, s3};
use faultline_region::signing::Scope;
use faultline_region::store::{Batch, Order, RawRows, Span, Store, StoreError};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};

use crate::live::actor::LiveActor;
use crate::live::bodies::UploadError;
use crate::live::{Answer, Handle, LiveStart, NewCall, Opened};
use crate::store::Shelf;

const ROOT: &str = "AKIAROOTROOTROOTROOT";

/// A store that counts its flushes.
struct Counting<S> {
    store: S,
    flushes: Arc<AtomicU64>,
}

impl<S: Store> Store for Counting<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.store.get(key)
    }
    fn scan(&self, span: &Span, order: Order) -> RawRows<'_> {
        self.store.scan(span, order)
    }
    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.store.commit_lazily(batch)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.store.flush()
    }
}

fn ireland() -> RegionName {
    RegionName::new("eu-west-1").unwrap()
}

fn told() -> LiveStart {
    LiveStart {
        region: ireland(),
        regions: vec![ireland()],
        home: ireland(),
        accounts: vec![Account {
            id: "111111111111".into(),
            root_access_key: ROOT.into(),
        }],
        settings: Settings::default(),
        epoch: 0,
        partition_secret: vec![7; 32],
        root_secret: vec![8; 32],
    }
}

fn credential() -> Credential {
    Credential {
        access_key: ROOT.into(),
        session_token: String::new(),
    }
}

/// Runs `work` against a live Region over `shelf`; gives what it says and how often was flushed.
fn with_region<T>(shelf: &Shelf, work: impl AsyncFnOnce(Handle, Arc<AtomicU64>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let flushes = Arc::new(AtomicU64::new(0));
    let store = Counting {
        store: shelf.take(&ireland()).unwrap(),
        flushes: Arc::clone(&flushes),
    };
    runtime.block_on(async {
        let (outbox, _posts) = mpsc::channel(16);
        let (actor, handle) = LiveActor::start(store, &told(), outbox).unwrap();
        let (stop, stopped) = oneshot::channel();
        let local = async {
            let said = work(handle, flushes).await;
            let _ = stop.send(());
            said
        };
        let (ended, said) = tokio::join!(actor.run(stopped), local);
        ended.unwrap();
        said
    })
}

async fn ask<R: Operation>(handle: &Handle, request: &R) -> Answer {
    let call = NewCall::of(R::ID, credential(), request.encode_to_vec());
    handle.call(call).await.unwrap()
}

async fn done<R: Operation>(handle: &Handle, request: &R) -> R::Response {
    let success = ask(handle, request).await.outcome.unwrap();
    R::Response::decode(success.response.as_slice()).unwrap()
}

async fn new_key(handle: &Handle) -> String {
    let made = done(handle, &kms::CreateKeyRequest::default()).await;
    made.key_metadata.unwrap().key_id.unwrap()
}

fn encrypt(key: &str) -> kms::EncryptRequest {
    kms::EncryptRequest {
        key_id: Some(key.to_owned()),
        plaintext: Some(b"attack at dawn".to_vec()),
        ..Default::default()
    }
}

#[test]
fn what_one_process_encrypted_the_next_one_decrypts_though_its_seed_is_another() {
    let shelf = Shelf::default();
    let (key, blob) = with_region(&shelf, async |handle, _| {
        let key = new_key(&handle).await;
        let blob = done(&handle, &encrypt(&key)).await.ciphertext_blob;
        (key, blob)
    });
    with_region(&shelf, async |handle, _| {
        let request = kms::DecryptRequest {
            ciphertext_blob: blob.clone(),
            ..Default::default()
        };
        let opened = done(&handle, &request).await;
        assert_eq!(opened.plaintext.as_deref(), Some(&b"attack at dawn"[..]));
        let again = done(&handle, &encrypt(&key)).await.ciphertext_blob;
        assert_ne!(again, blob, "no key and nonce recur");
    });
}

#[test]
fn an_answer_has_the_request_id_of_the_trail_and_a_refusal_its_reason() {
    with_region(&Shelf::default(), async |handle, _| {
        let answer = ask(&handle, &encrypt("no-such-key")).await;
        let failure = answer.outcome.unwrap_err();
        assert_eq!(failure.code, "NotFoundException");
        assert_eq!(answer.request_id.len(), 36, "{}", answer.request_id);
    });
}

#[test]
fn calls_that_wait_together_are_flushed_once_and_those_that_change_nothing_not_at_all() {
    with_region(&Shelf::default(), async |handle, flushes| {
        let key = new_key(&handle).await;
        let before = flushes.load(Ordering::Relaxed);
        done(&handle, &encrypt(&key)).await;
        assert_eq!(flushes.load(Ordering::Relaxed), before, "only the trail");
        let made: Vec<_> = (0..16)
            .map(|_| {
                let handle = handle.clone();
                tokio::spawn(async move { new_key(&handle).await })
            })
            .collect();
        for task in made {
            task.await.unwrap();
        }
        let cost = flushes.load(Ordering::Relaxed) - before;
        assert!(cost <= 3, "16 keys at once cost {cost} flushes");
    });
}

fn put(key: &str) -> NewCall {
    let request = s3::PutObjectRequest {
        bucket: Some("reports".into()),
        key: Some(key.into()),
        ..Default::default()
    };
    NewCall::of("s3.PutObject", credential(), request.encode_to_vec())
}

fn get(key: &str) -> s3::GetObjectRequest {
    s3::GetObjectRequest {
        bucket: Some("reports".into()),
        key: Some(key.into()),
        ..Default::default()
    }
}

async fn bucket(handle: &Handle) {
    let request = s3::CreateBucketRequest {
        bucket: Some("reports".into()),
        create_bucket_configuration: Some(s3::CreateBucketConfiguration {
            location_constraint: Some("eu-west-1".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    done(handle, &request).await;
}

#[test]
fn a_body_goes_in_and_comes_out_by_chunks() {
    let sent: Vec<u8> = (0..3_000_001_u32).map(|at| (at % 251) as u8).collect();
    with_region(&Shelf::default(), async |handle, _| {
        bucket(&handle).await;
        let opened = handle.open(put("big"), sent.len() as u64).await.unwrap();
        let Opened::Ready(mut upload) = opened else {
            panic!("{opened:?}");
        };
        for piece in sent.chunks(100_003) {
            upload.write(piece).await.unwrap();
        }
        upload.finish().await.unwrap().outcome.unwrap();
        let success = ask(&handle, &get("big")).await.outcome.unwrap();
        let mut body = success.body.unwrap();
        assert_eq!(body.length(), sent.len() as u64);
        let mut heard = Vec::new();
        while let Some(chunk) = body.next().await.unwrap() {
            heard.extend_from_slice(&chunk);
        }
        assert_eq!(heard, sent);
    });
}

#[test]
fn a_body_that_is_empty_dropped_short_or_too_long() {
    with_region(&Shelf::default(), async |handle, _| {
        bucket(&handle).await;
        let Opened::Ready(upload) = handle.open(put("empty"), 0).await.unwrap() else {
            panic!("a bucket takes an empty object");
        };
        upload.finish().await.unwrap().outcome.unwrap();
        let mut body = ask(&handle, &get("empty"))
            .await
            .outcome
            .unwrap()
            .body
            .unwrap();
        assert_eq!(body.next().await.unwrap().unwrap().len(), 0);
        assert_eq!(body.next().await.unwrap(), None);

        let Opened::Ready(mut upload) = handle.open(put("short"), 200_000).await.unwrap() else {
            panic!("a bucket takes an object");
        };
        upload.write(&[1; 150_000]).await.unwrap();
        let error = upload.finish().await.unwrap_err();
        assert!(matches!(error, UploadError::Incomplete { missing: 50_000 }));
        let Opened::Ready(mut upload) = handle.open(put("long"), 10).await.unwrap() else {
            panic!("a bucket takes an object");
        };
        let error = upload.write(&[1; 12]).await.unwrap_err();
        assert!(matches!(error, UploadError::TooLong { excess: 2 }));
        drop(upload);
        for key in ["short", "long"] {
            let failure = ask(&handle, &get(key)).await.outcome.unwrap_err();
            assert_eq!(failure.code, "NoSuchKey", "{key}");
        }
    });
}

#[test]
fn a_call_is_refused_before_a_byte_of_its_body_is_taken() {
    with_region(&Shelf::default(), async |handle, _| {
        let opened = handle.open(put("x"), 1 << 30).await.unwrap();
        let Opened::Answered(answer) = opened else {
            panic!("there is no such bucket");
        };
        assert_eq!(answer.outcome.unwrap_err().code, "NoSuchBucket");
    });
}

#[test]
fn signing_keys_are_given_for_credentials_that_would_be_taken() {
    with_region(&Shelf::default(), async |handle, _| {
        let scope = Scope {
            date: "20260102".into(),
            region: "eu-west-1".into(),
            service: "kms".into(),
        };
        let key = handle.signing_key(credential(), scope.clone()).await;
        assert_eq!(format!("{:?}", key.unwrap().unwrap()), "SecretKey");
        let unknown = Credential {
            access_key: "AKIANOBODYNOBODYNOBO".into(),
            session_token: String::new(),
        };
        let refused = handle.signing_key(unknown, scope).await.unwrap();
        assert_eq!(refused.unwrap_err().code, "UnrecognizedClientException");
    });
}

#[test]
fn the_fault_stage_refuses_what_it_is_told_to() {
    with_region(&Shelf::default(), async |handle, _| {
        let key = new_key(&handle).await;
        let throttled = Fault {
            name: "kms_throttled".into(),
            service: "kms".into(),
            effect: Some(fault::Effect::Refuse(Refuse {
                code: "ThrottlingException".into(),
                message: "Rate exceeded".into(),
                http_status: 400,
                chance: 1,
                per: 1,
                passes_per_second: 0,
            })),
            ..Fault::default()
        };
        handle.set_faults(vec![throttled]).await.unwrap();
        let failure = ask(&handle, &encrypt(&key)).await.outcome.unwrap_err();
        assert_eq!(failure.code, "ThrottlingException");
        handle.set_faults(Vec::new()).await.unwrap();
        ask(&handle, &encrypt(&key)).await.outcome.unwrap();
    });
}

#[test]
fn a_stopped_region_tells_whoever_comes_late() {
    let late = with_region(&Shelf::default(), async |handle, _| handle);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let call = NewCall::of("kms.ListKeys", credential(), Vec::new());
    assert!(runtime.block_on(late.call(call)).is_err());
}
