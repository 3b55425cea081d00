//! The entrance before a live Region: what clients get, down to headers and status.

mod broken;
mod connections;
mod framing;
mod json;
mod objects;
mod query;
mod wire;

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use faultline_proto::driving::{Account, Settings};
use faultline_proto::names::RegionName;
use faultline_region::signing::secret_access_key;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::{mpsc, oneshot};

use super::request::Head;
use super::sigv4::sign::Signer;
use super::{Gateway, GatewayConfig, Limits};
use crate::live::LiveStart;
use crate::live::actor::LiveActor;
use crate::store::Shelf;

const ROOT: &str = "AKIAROOTROOTROOTROOT";
const REGION: &str = "eu-west-1";

fn ireland() -> RegionName {
    RegionName::new(REGION).expect("a Region")
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

/// Runs `work` against the entrance of a fresh Region.
fn with_gateway<T>(limits: Limits, work: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let store = Shelf::default().take(&ireland()).expect("a store");
        let (outbox, _posts) = mpsc::channel(16);
        let told = told();
        let (actor, handle) = LiveActor::start(store, &told, outbox).expect("a Region");
        let secret = secret_access_key(&told.partition_secret, ROOT);
        let gateway = Gateway::new(
            handle,
            GatewayConfig {
                regions: vec![ireland()],
                limits,
            },
        );
        let client = Client {
            gateway,
            secret: secret.to_string(),
        };
        let (stop, stopped) = oneshot::channel();
        let local = async {
            let said = work(client).await;
            let _ = stop.send(());
            said
        };
        let (ended, said) = tokio::join!(actor.run(stopped), local);
        ended.expect("a Region that ended well");
        said
    })
}

struct Client {
    gateway: Gateway,
    secret: String,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: http::HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Code and message of an error of the JSON protocols.
    fn refused(&self) -> (u16, String) {
        let code = self.json()["__type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (self.status, code)
    }
}

impl Client {
    fn signer(&self, service: &str) -> Signer {
        Signer {
            access_key: ROOT.into(),
            secret_access_key: self.secret.clone(),
            session_token: String::new(),
            region: REGION.into(),
            service: service.into(),
        }
    }

    fn now(&self) -> i64 {
        self.gateway.handle().clock().wall().0.div_euclid(1_000_000)
    }

    fn request(
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .header("content-length", body.len())
            .body(Full::new(Bytes::copy_from_slice(body)))
            .expect("a request")
    }

    /// Signs and sends.
    async fn signed(&self, service: &str, request: Request<Full<Bytes>>) -> Got {
        let signer = self.signer(service);
        self.signed_by(&signer, self.now(), request).await
    }

    async fn signed_by(&self, signer: &Signer, seconds: i64, request: Request<Full<Bytes>>) -> Got {
        let (parts, body) = request.into_parts();
        let bytes = body.clone().collect().await.expect("in memory").to_bytes();
        let mut head = Head::new(parts.clone(), IpAddr::V4(Ipv4Addr::LOCALHOST), false);
        signer.sign_body(&mut head, &bytes, seconds);
        let mut parts = parts;
        parts.headers = head.headers;
        self.send(Request::from_parts(parts, body)).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Got {
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        read(self.gateway.answer(request, peer, false).await).await
    }

    async fn kms(&self, operation: &str, body: &str) -> Got {
        self.signed("kms", kms(operation, body)).await
    }
}

fn kms(operation: &str, body: &str) -> Request<Full<Bytes>> {
    let target = format!("TrentService.{operation}");
    let headers = [
        ("x-amz-target", target.as_str()),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    Client::request("POST", "/", &headers, body.as_bytes())
}

async fn read(response: Response<super::answer::Answered>) -> Got {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    Got {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
