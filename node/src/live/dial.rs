//! How gRPC's clients reach a node: plain, or over TLS and to the Region that is meant.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use faultline_proto::names::RegionName;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio_rustls::TlsConnector;

use crate::tls::{Wire, node_name};

/// Connects to one Region's node, for a tonic endpoint.
#[derive(Clone)]
pub struct Dialer {
    tls: Option<(TlsConnector, String)>,
}

impl Dialer {
    /// Reaches `region`; with TLS, nobody else.
    #[must_use]
    pub fn new(region: &RegionName, tls: Option<TlsConnector>) -> Self {
        Self {
            tls: tls.map(|tls| (tls, node_name(region))),
        }
    }

    /// The URL that tonic is told: what is beneath it is nothing it knows of.
    ///
    /// # Errors
    /// A sentence when the scheme is not the one that this node speaks.
    pub fn url(&self, url: &str) -> Result<String, String> {
        match (&self.tls, url.strip_prefix("https://")) {
            (Some(_), Some(rest)) => Ok(format!("http://{rest}")),
            (None, None) => Ok(url.to_owned()),
            (Some(_), None) => Err(format!(
                "{url}: this node speaks TLS with its peers; write https://"
            )),
            (None, Some(_)) => Err(format!(
                "{url}: TLS with peers needs --tls-ca, --tls-cert and --tls-key"
            )),
        }
    }
}

impl tower::Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = self.tls.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let address = (host, uri.port_u16().unwrap_or(80));
            let tls = tls.as_ref().map(|(tls, name)| (tls, name.as_str()));
            Wire::dial(address, tls).await.map(TokioIo::new)
        })
    }
}
