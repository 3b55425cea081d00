//! What a node serves over gRPC.
//!
//! - [`region`]: `Region.Drive`, driven mode only: then nothing else can change the Region,
//!   and the typed AWS services are not registered.
//! - Health and reflection, always: `grpcurl` finds its way without our files.

pub mod region;

use faultline_proto::FILE_DESCRIPTOR_SET;
use faultline_proto::driving::region_server::RegionServer;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use crate::actor::Job;
use crate::config::MAX_MESSAGE;

/// Full proto name of the driving service.
pub const REGION_SERVICE: &str = "faultline.region.v1.Region";

/// HTTP/2 windows: four of the largest messages may be under way.
pub(crate) const WINDOW: u32 = 4 << 20;

/// A server with our windows.
pub(crate) fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .tcp_nodelay(true)
}

/// The services of driven mode.
pub(crate) async fn driven(jobs: tokio::sync::mpsc::Sender<Job>) -> Routes {
    let drive = RegionServer::new(region::DriveService::new(jobs))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status(REGION_SERVICE, tonic_health::ServingStatus::Serving)
        .await;
    let mut routes = Routes::builder();
    routes
        .add_service(drive)
        .add_service(health_service)
        .add_service(reflection());
    routes.routes()
}

fn reflection() -> ServerReflectionServer<impl ServerReflection> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // Only what is served: the set also holds the AWS services.
        .with_service_name(REGION_SERVICE)
        .with_service_name("grpc.health.v1.Health")
        .build_v1()
        .expect("the descriptors were written by our own build and by tonic-health's")
}
