//! A small OpenTelemetry collector that keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What a collector was sent.
#[derive(Debug, Default, Clone)]
pub struct Received {
    /// Spans, each with the service that it is of.
    pub spans: Vec<(String, Span)>,
    /// Metrics.
    pub metrics: Vec<Metric>,
}

/// A collector that listens in this process for the rest of its life.
#[derive(Debug, Clone)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When the system gives none.
    #[must_use]
    pub fn listen() -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let (tell, told) = std::sync::mpsc::channel();
        let keeps = Keeps(Arc::clone(&received));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
                let listener = listener.expect("a port");
                tell.send(listener.local_addr().expect("an address")).ok();
                tonic::transport::Server::builder()
                    .add_service(TraceServiceServer::new(keeps.clone()))
                    .add_service(MetricsServiceServer::new(keeps))
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await
                    .ok();
            });
        });
        let address = told.recv().expect("it listens");
        Self { address, received }
    }

    /// Where it listens, as `--otlp` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was sent so far.
    ///
    /// # Panics
    /// When the collector did.
    #[must_use]
    pub fn received(&self) -> Received {
        self.received.lock().expect("no panic").clone()
    }
}

#[derive(Debug, Clone)]
struct Keeps(Arc<Mutex<Received>>);

fn service(resource: Option<&Resource>) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let name = resource
        .into_iter()
        .flat_map(|it| &it.attributes)
        .find(|it| it.key == "service.name");
    match name.and_then(|it| it.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) => name.clone(),
        _ => String::new(),
    }
}

#[tonic::async_trait]
impl TraceService for Keeps {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().expect("no panic");
        for resource in request.into_inner().resource_spans {
            let service = service(resource.resource.as_ref());
            let spans = resource.scope_spans.into_iter().flat_map(|it| it.spans);
            received
                .spans
                .extend(spans.map(|span| (service.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Keeps {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let resources = request.into_inner().resource_metrics;
        let metrics = resources
            .into_iter()
            .flat_map(|it| it.scope_metrics)
            .flat_map(|it| it.metrics);
        self.0.lock().expect("no panic").metrics.extend(metrics);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
