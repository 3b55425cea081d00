//! What a live node serves over gRPC: the AWS services, any call with bodies, its peers, the
//! operator, health and reflection. The driving protocol is not among them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faultline_proto::FILE_DESCRIPTOR_SET;
use faultline_proto::driving::calls_server::CallsServer;
use faultline_proto::driving::control_server::ControlServer;
use faultline_proto::driving::peers_server::PeersServer;
use faultline_proto::registry;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use super::aws::AwsRoute;
use super::calls::CallService;
use super::control::{ControlService, token};
use super::handle::Handle;
use super::incoming::incoming;
use super::intake::{Intake, Measure};
use super::links::Links;
use super::peers::{PeerService, Proofs};
use super::process::LiveConfig;
use crate::config::MAX_MESSAGE;
use crate::gateway::limits::Limits;

/// Calls that one connection may have under way.
const STREAMS: u32 = 256;
/// Streams of one connection that were reset before anybody looked at them; more end it.
const RESETS: usize = 32;

/// Everything that the services need.
pub(super) struct Served<'a> {
    pub config: &'a LiveConfig,
    pub handle: &'a Handle,
    pub links: Links,
    pub proofs: Proofs,
    pub told: Arc<Notify>,
    pub began: Instant,
    pub stop: watch::Receiver<bool>,
}

impl Served<'_> {
    pub async fn routes(self) -> Routes {
        let ready_after = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let control = ControlService {
            handle: self.handle.clone(),
            links: self.links.clone(),
            token: token(&self.config.start.partition_secret),
            trouble: Mutex::default(),
            ready: Instant::now(),
            ready_after,
            stop: self.told,
        };
        let peers = PeerService {
            links: self.links,
            proofs: self.proofs,
            handle: self.handle.clone(),
            stop: self.stop,
            tls: self.config.tls.is_some(),
        };
        let calls = CallService {
            handle: self.handle.clone(),
            tls: self.config.tls.is_some(),
        };
        let (health, health_service) = tonic_health::server::health_reporter();
        for service in names() {
            health
                .set_service_status(service, tonic_health::ServingStatus::Serving)
                .await;
        }
        let intake = Intake::new(&self.config.limits);
        let mut routes = Routes::builder();
        routes
            .add_service(PeersServer::new(peers).max_decoding_message_size(2 * MAX_MESSAGE))
            .add_service(Measure::new(
                CallsServer::new(calls).max_decoding_message_size(2 * MAX_MESSAGE),
                &intake,
                2 * MAX_MESSAGE,
            ))
            .add_service(Measure::new(
                ControlServer::new(control).max_decoding_message_size(MAX_MESSAGE),
                &intake,
                MAX_MESSAGE,
            ))
            .add_service(health_service)
            .add_service(reflection());
        let aws = AwsRoute {
            handle: self.handle.clone(),
            tls: self.config.tls.is_some(),
            intake,
        };
        Routes::from(routes.routes().into_axum_router().fallback_service(aws))
    }
}

/// Full names of the gRPC services, for health and reflection.
fn names() -> Vec<String> {
    let ours = ["Peers", "Calls", "Control"].map(|name| format!("faultline.region.v1.{name}"));
    let aws = registry::SERVICES
        .iter()
        .filter_map(|service| service.operations.first())
        .filter_map(|operation| operation.grpc_path.split('/').nth(1));
    ours.into_iter().chain(aws.map(str::to_owned)).collect()
}

fn reflection() -> ServerReflectionServer<impl ServerReflection> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for name in names() {
        builder = builder.with_service_name(name);
    }
    builder
        .build_v1()
        .expect("the descriptors were written by our own build and by tonic-health's")
}

/// Serves until `stop` turns true; calls that were begun are then finished.
pub(super) async fn serve(
    routes: Routes,
    listener: TcpListener,
    limits: &Limits,
    tls: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) {
    let headers = u32::try_from(limits.headers).unwrap_or(u32::MAX);
    let served = Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(headers)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming(listener, limits, tls), async move {
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "gRPC is no longer served");
    }
}
