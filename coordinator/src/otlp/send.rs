//! Spans and metrics onto the wire, through opentelemetry-otlp over gRPC.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Event as SpanEvent, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId,
    TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tonic::transport::Channel;

use super::SCOPE;
use super::meters::Meters;
use super::spans::{Kind, Span, Spans};
use crate::clock::{BASE_WALL, SimTime};
use crate::journal::event::Event;
use crate::trace_context::TraceContext;

/// How long a collector may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long it may take to accept one batch.
const ACCEPT: Duration = Duration::from_secs(5);
/// Most spans in one batch: far below the 4 MiB that a gRPC server takes by default.
const BATCH: usize = 1_000;
/// The reader exports when it is shut down, and never before.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Where a collector listens: `http://localhost:4317`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl FromStr for Endpoint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let uri = text.parse::<tonic::codegen::http::Uri>();
        match uri {
            Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some() => {
                Ok(Self(text.to_owned()))
            }
            Ok(uri) if uri.scheme_str() == Some("https") => Err(
                "a collector is reached without TLS: give the `http://` address of one nearby, such as http://localhost:4317"
                    .to_owned(),
            ),
            _ => Err(format!(
                "`{text}` is no address of a collector: give the URL of its OTLP gRPC port, such as http://localhost:4317"
            )),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why nothing more goes to the collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was sent to the collector at {endpoint}: {problem}. The run is not affected. Is an OpenTelemetry collector listening there for OTLP over gRPC?"
)]
pub struct Unsent {
    /// Where.
    pub endpoint: Endpoint,
    /// What went wrong.
    pub problem: String,
}

/// Sends runs to a collector.
pub struct Otlp {
    endpoint: Endpoint,
    runtime: tokio::runtime::Runtime,
    channel: Option<Channel>,
    exporters: BTreeMap<String, SpanExporter>,
    metrics: Option<(SdkMeterProvider, Meters)>,
    /// Spans that the collector took.
    sent: u64,
    given_up: bool,
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("endpoint", &self.endpoint)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl Otlp {
    /// Somebody who will connect to `endpoint` with the first run.
    ///
    /// # Errors
    /// When the system has no more threads or sockets.
    pub fn new(endpoint: Endpoint) -> std::io::Result<Self> {
        Ok(Self {
            endpoint,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            channel: None,
            exporters: BTreeMap::new(),
            metrics: None,
            sent: 0,
            given_up: false,
        })
    }

    /// Sends a run's spans, and keeps its metrics for [`Otlp::finish`].
    ///
    /// # Errors
    /// [`Unsent`], once: after it nothing more is tried.
    pub fn add(&mut self, events: &[Event]) -> Result<(), Unsent> {
        if self.given_up {
            return Ok(());
        }
        self.try_add(events)
            .map_err(|problem| self.give_up(problem))
    }

    /// Sends the metrics. Answers how many spans were sent in all.
    ///
    /// # Errors
    /// [`Unsent`], unless [`Otlp::add`] said so before.
    pub fn finish(mut self) -> Result<u64, Unsent> {
        let Some((provider, _)) = self.metrics.take().filter(|_| !self.given_up) else {
            return Ok(self.sent);
        };
        // The reader waits for its export on a thread of its own; the runtime carries it.
        let done = self.runtime.block_on(async {
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(2 * ACCEPT)).await
        });
        let done = match done {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        done.map_err(|problem| self.give_up(problem))?;
        Ok(self.sent)
    }

    fn give_up(&mut self, problem: String) -> Unsent {
        self.given_up = true;
        Unsent {
            endpoint: self.endpoint.clone(),
            problem,
        }
    }

    fn try_add(&mut self, events: &[Event]) -> Result<(), String> {
        self.connect()?;
        if self.metrics.is_none() {
            self.metrics = Some(self.meters()?);
        }
        if let Some((_, meters)) = &self.metrics {
            meters.add(events);
        }
        let mut by_service: BTreeMap<String, Vec<SpanData>> = BTreeMap::new();
        for span in Spans::of(events) {
            by_service
                .entry(span.service.clone())
                .or_default()
                .push(data(span));
        }
        for (service, spans) in by_service {
            for batch in spans.chunks(BATCH) {
                self.send(&service, batch.to_vec())?;
            }
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), String> {
        if self.channel.is_some() {
            return Ok(());
        }
        let endpoint = tonic::transport::Endpoint::from_shared(self.endpoint.0.clone())
            .map_err(|error| error.to_string())?
            .connect_timeout(CONNECT)
            .timeout(ACCEPT);
        let connected = self
            .runtime
            .block_on(async { tokio::time::timeout(CONNECT, endpoint.connect()).await });
        self.channel = Some(match connected {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return Err(in_full(&error)),
            Err(_) => return Err(format!("no answer within {} seconds", CONNECT.as_secs())),
        });
        Ok(())
    }

    fn channel(&self) -> Channel {
        self.channel
            .clone()
            .expect("it is connected before it is used")
    }

    fn send(&mut self, service: &str, batch: Vec<SpanData>) -> Result<(), String> {
        let count = batch.len() as u64;
        if !self.exporters.contains_key(service) {
            let mut exporter = SpanExporter::builder()
                .with_tonic()
                .with_channel(self.channel())
                .with_timeout(ACCEPT)
                .build()
                .map_err(|error| error.to_string())?;
            exporter.set_resource(&resource(service));
            self.exporters.insert(service.to_owned(), exporter);
        }
        let exporter = &self.exporters[service];
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(2 * ACCEPT, exporter.export(batch)).await });
        match sent {
            Ok(Ok(())) => {
                self.sent += count;
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} seconds", 2 * ACCEPT.as_secs())),
        }
    }

    fn meters(&self) -> Result<(SdkMeterProvider, Meters), String> {
        let _runtime = self.runtime.enter();
        let exporter = MetricExporter::builder()
            .with_tonic()
            .with_channel(self.channel())
            .with_timeout(ACCEPT)
            .build()
            .map_err(|error| error.to_string())?;
        let provider = SdkMeterProvider::builder()
            .with_reader(
                PeriodicReader::builder(exporter)
                    .with_interval(NEVER)
                    .build(),
            )
            .with_resource(resource(SCOPE))
            .build();
        let meters = Meters::new(&provider.meter(SCOPE));
        Ok((provider, meters))
    }
}

/// An error with everything below it: transport errors say nothing on their own.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}

fn resource(service: &str) -> Resource {
    Resource::builder_empty()
        .with_service_name(service.to_owned())
        .with_attributes([
            KeyValue::new("service.namespace", SCOPE),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build()
}

/// A simulated moment on the simulated wall clock.
#[expect(
    clippy::disallowed_types,
    reason = "OpenTelemetry's type for a moment; the clock behind it is the run's"
)]
fn wall(t: SimTime) -> std::time::SystemTime {
    let base = u64::try_from(BASE_WALL).expect("it is after 1970");
    std::time::UNIX_EPOCH + Duration::from_micros(base.saturating_add(t.0))
}

fn named(context: TraceContext, remote: bool) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(context.trace),
        SpanId::from_bytes(context.span),
        TraceFlags::SAMPLED,
        remote,
        TraceState::default(),
    )
}

fn data(span: Span) -> SpanData {
    let mut events = SpanEvents::default();
    events.events = span
        .moments
        .into_iter()
        .map(|it| SpanEvent::new(it.name, wall(it.t), it.attributes, 0))
        .collect();
    let mut links = SpanLinks::default();
    links.links = span
        .links
        .into_iter()
        .map(|it| Link::with_context(named(it, true)))
        .collect();
    SpanData {
        span_context: named(span.context, false),
        parent_span_id: span
            .parent
            .map_or(SpanId::INVALID, |parent| SpanId::from_bytes(parent.span)),
        parent_span_is_remote: span.kind == Kind::Server,
        span_kind: match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Client => SpanKind::Client,
            Kind::Server => SpanKind::Server,
            Kind::Producer => SpanKind::Producer,
        },
        name: span.name.into(),
        start_time: wall(span.began),
        end_time: wall(span.ended),
        attributes: span.attributes,
        dropped_attributes_count: 0,
        events,
        links,
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder(SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_http_url() {
        assert!("http://localhost:4317".parse::<Endpoint>().is_ok());
        for (wrong, said) in [
            ("https://localhost:4317", "without TLS"),
            ("localhost:4317", "give the URL"),
            ("", "give the URL"),
        ] {
            let problem = wrong.parse::<Endpoint>().expect_err("it is none");
            assert!(problem.contains(said), "{wrong}: {problem}");
        }
    }
}
