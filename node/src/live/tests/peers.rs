//! Two live nodes that dial each other.

use std::time::Duration;

use faultline_proto::driving::LinkTrouble;
use faultline_proto::kms;
use faultline_proto::names::RegionName;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tonic::transport::Endpoint;

use super::grpc::{config, served};
use super::{ask, done, encrypt, told};
use crate::live::actor::LiveActor;
use crate::live::dial::Dialer;
use crate::live::links::Links;
use crate::live::peers::{Proofs, keep};
use crate::live::{Handle, LiveStart};
use crate::store::Shelf;

/// A node of the two.
struct Node {
    handle: Handle,
    links: Links,
    _stop: oneshot::Sender<()>,
}

fn start(region: &str, secret: u8) -> LiveStart {
    let names = ["eu-west-1", "us-east-1"].map(|name| RegionName::new(name).unwrap());
    LiveStart {
        region: RegionName::new(region).unwrap(),
        home: names[0].clone(),
        regions: names.into(),
        partition_secret: vec![secret; 32],
        ..told()
    }
}

async fn node(
    start: LiveStart,
    peer: &str,
    listener: TcpListener,
    other: std::net::SocketAddr,
) -> Node {
    let (outbox, posts) = mpsc::channel(1024);
    let store = Shelf::default().take(&start.region).unwrap();
    let (actor, handle) = LiveActor::start(store, &start, outbox).unwrap();
    let (links, queues) = Links::new([RegionName::new(peer).unwrap()]);
    tokio::spawn(links.clone().post(posts));
    let config = config(start);
    served(&handle, &config, links.clone(), listener).await;
    for (link, queue) in queues {
        let endpoint = Endpoint::from_shared(format!("http://{other}")).unwrap();
        let proofs = Proofs::new(config.start.region.clone(), &config.start.partition_secret);
        let dialer = Dialer::new(&link.peer, None);
        tokio::spawn(keep(link, queue, endpoint, dialer, proofs, handle.clone()));
    }
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(actor.run(stopped));
    Node {
        handle,
        links,
        _stop: stop,
    }
}

async fn two(secrets: [u8; 2]) -> [Node; 2] {
    let listeners = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let addresses = [
        listeners[0].local_addr().unwrap(),
        listeners[1].local_addr().unwrap(),
    ];
    let [one, other] = listeners;
    [
        node(
            start("eu-west-1", secrets[0]),
            "us-east-1",
            one,
            addresses[1],
        )
        .await,
        node(
            start("us-east-1", secrets[1]),
            "eu-west-1",
            other,
            addresses[0],
        )
        .await,
    ]
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let work = async { tokio::time::timeout(Duration::from_secs(60), work).await };
    runtime.block_on(work).expect("it ends in time");
}

async fn multi_region_key(handle: &Handle) -> String {
    let request = kms::CreateKeyRequest {
        multi_region: Some(true),
        ..Default::default()
    };
    done(handle, &request)
        .await
        .key_metadata
        .unwrap()
        .key_id
        .unwrap()
}

fn replicate(key: &str) -> kms::ReplicateKeyRequest {
    kms::ReplicateKeyRequest {
        key_id: Some(key.to_owned()),
        replica_region: Some("us-east-1".into()),
        ..Default::default()
    }
}

/// Waits until a key can be used.
async fn usable(handle: &Handle, key: &str) {
    while ask(handle, &encrypt(key)).await.outcome.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn what_one_region_seals_its_replica_in_the_other_opens() {
    run(async {
        let [ireland, virginia] = two([7, 7]).await;
        let key = multi_region_key(&ireland.handle).await;
        done(&ireland.handle, &replicate(&key)).await;
        usable(&virginia.handle, &key).await;
        let blob = done(&ireland.handle, &encrypt(&key)).await.ciphertext_blob;
        let request = kms::DecryptRequest {
            ciphertext_blob: blob,
            ..Default::default()
        };
        let opened = done(&virginia.handle, &request).await;
        assert_eq!(opened.plaintext.as_deref(), Some(&b"attack at dawn"[..]));
    });
}

#[test]
fn a_partition_keeps_messages_back_and_its_end_brings_them() {
    run(async {
        let [ireland, virginia] = two([7, 7]).await;
        let key = multi_region_key(&ireland.handle).await;
        let cut = LinkTrouble {
            cut_out: true,
            cut_in: true,
            ..LinkTrouble::default()
        };
        ireland.links.set_trouble(&[cut]);
        let (handle, request) = (ireland.handle.clone(), replicate(&key));
        let asked = tokio::spawn(async move { ask(&handle, &request).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(ask(&virginia.handle, &encrypt(&key)).await.outcome.is_err());
        ireland.links.set_trouble(&[]);
        assert!(asked.await.unwrap().outcome.is_ok());
        usable(&virginia.handle, &key).await;
    });
}

#[test]
fn a_region_of_another_world_is_refused_and_says_so() {
    run(async {
        let [ireland, _virginia] = two([7, 9]).await;
        loop {
            let status = &ireland.links.status()[0];
            if status.state == "refused" {
                assert!(status.problem.contains("partition secret"), "{status:?}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
