//! Peers that know each other by certificates.

use std::path::Path;

use faultline_proto::driving::peers_client::PeersClient;
use faultline_proto::names::RegionName;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

use super::grpc::{config, served};
use super::{told, with_region};
use crate::live::dial::Dialer;
use crate::live::links::Links;
use crate::live::peers::Proofs;
use crate::store::Shelf;
use crate::tls::{GRPC, Tls, TlsFiles, node_name, trusting};

fn region(name: &str) -> RegionName {
    RegionName::new(name).unwrap()
}

/// An authority in `folder`, which signs for some Regions.
fn authority(folder: &Path, regions: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    for name in regions {
        let key = KeyPair::generate().unwrap();
        let names = vec![node_name(&region(name)), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let made = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), made.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

fn files(folder: &Path, name: &str) -> TlsFiles {
    TlsFiles {
        ca: folder.join("ca.pem"),
        cert: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
        public: None,
    }
}

#[test]
fn a_peer_shows_the_certificate_of_its_region_or_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (ours, theirs) = (root.path().join("ours"), root.path().join("theirs"));
    authority(&ours, &["eu-west-1", "us-east-1", "ap-south-1"]);
    authority(&theirs, &["us-east-1"]);
    with_region(&Shelf::default(), async |handle, _| {
        let start = told();
        let here = start.region.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config(start.clone());
        config.tls = Some(files(&ours, here.as_str()));
        let links = Links::new([region("us-east-1"), region("ap-south-1")]).0;
        served(&handle, &config, links, listener).await;
        let load = |files: TlsFiles, name: &str| Tls::load(&files, &node_name(&region(name)));
        // Ships nothing as us-east-1, which is what it proves to be by the world's secret.
        let ship = async |tls: Option<tokio_rustls::TlsConnector>, meant: &RegionName| {
            let dialer = Dialer::new(meant, tls);
            let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
            let channel = endpoint.connect_with_connector(dialer).await;
            let channel = channel.map_err(|error| Status::unavailable(error.to_string()))?;
            let mut request = Request::new(tokio_stream::empty());
            Proofs::new(region("us-east-1"), &start.partition_secret).attach(&here, &mut request);
            PeersClient::new(channel).ship(request).await.map(drop)
        };
        let own = |folder: &Path, name: &str| {
            let tls = load(files(folder, name), name).unwrap();
            Some(tls.connector(GRPC).unwrap())
        };
        ship(own(&ours, "us-east-1"), &here).await.unwrap();
        let refused = ship(own(&ours, "ap-south-1"), &here).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
        assert!(refused.message().contains("not the one of us-east-1"));
        let ca = std::fs::read(ours.join("ca.pem")).unwrap();
        let nobody = trusting(&ca, GRPC).unwrap();
        let refused = ship(Some(nobody), &here).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        // Of another authority, plain, or who meant another Region: there is no connection.
        ship(own(&theirs, "us-east-1"), &here).await.unwrap_err();
        ship(None, &here).await.unwrap_err();
        let other = region("ap-south-1");
        ship(own(&ours, "us-east-1"), &other).await.unwrap_err();
        let wrong = load(files(&ours, "us-east-1"), "eu-west-1").unwrap_err();
        assert!(wrong.contains("does not name eu-west-1"), "{wrong}");
    });
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let root = tempfile::tempdir().unwrap();
    authority(root.path(), &["eu-west-1", "us-east-1"]);
    let name = node_name(&region("eu-west-1"));
    let good = || files(root.path(), "eu-west-1");
    let mut mixed = good();
    mixed.key = root.path().join("us-east-1.key");
    let cases = [
        (
            TlsFiles {
                ca: root.path().join("eu-west-1.key"),
                ..good()
            },
            "no certificate in it",
        ),
        (
            TlsFiles {
                cert: root.path().join("none"),
                ..good()
            },
            "none",
        ),
        (
            TlsFiles {
                key: root.path().join("ca.pem"),
                ..good()
            },
            "no private key",
        ),
        (mixed, "eu-west-1.pem"),
    ];
    for (files, words) in cases {
        let why = Tls::load(&files, &name).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
    let plain = Dialer::new(&region("us-east-1"), None);
    assert!(plain.url("https://h:1").unwrap_err().contains("--tls-ca"));
    let ca = std::fs::read(root.path().join("ca.pem")).unwrap();
    let secured = Dialer::new(&region("us-east-1"), Some(trusting(&ca, GRPC).unwrap()));
    assert_eq!(secured.url("https://h:1").unwrap(), "http://h:1");
    assert!(secured.url("http://h:1").unwrap_err().contains("https://"));
}
