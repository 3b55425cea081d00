//! TLS: what a node shows to clients and peers, and how it knows who is at the other end.
//!
//! Every node has a certificate of the world's own authority that names its Region, as
//! `REGION.faultline.internal`. Peers ask for that name and show their own; a node of one
//! Region cannot pass for another. Clients are shown the same certificate, which names what
//! they connect to as well, or one that its operator brought.
//!
//! Left out: revocation, and certificates of clients: those sign their requests.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use faultline_proto::names::RegionName;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// End of every name within a world.
const INSIDE: &str = ".faultline.internal";
/// HTTP/2, as gRPC has it.
pub const GRPC: &[u8] = b"h2";
/// HTTP/1.1, as AWS's clients speak it.
pub const AWS: &[u8] = b"http/1.1";

/// The name of a Region's node in its certificate.
#[must_use]
pub fn node_name(region: &RegionName) -> String {
    format!("{region}{INSIDE}")
}

/// Where certificates and keys are, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the world's authority.
    pub ca: PathBuf,
    /// This node's certificate, and its chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificate and key that clients are shown instead.
    pub public: Option<(PathBuf, PathBuf)>,
}

/// What came of the files.
#[derive(Clone)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    own: Arc<CertifiedKey>,
    public: Arc<CertifiedKey>,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Tls {
    /// Reads the files of a node with this name.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn load(files: &TlsFiles, name: &str) -> Result<Self, String> {
        let ca = read(&files.ca)?;
        let (chain, key) = pair(&files.cert, &files.key)?;
        let own = certified(&files.cert, chain.clone(), key.clone_key())?;
        if !names(&chain[0], name) {
            let file = files.cert.display();
            return Err(format!("{file} does not name {name}, which this node is"));
        }
        let public = match &files.public {
            Some((cert, key)) => {
                let (chain, key) = pair(cert, key)?;
                certified(cert, chain, key)?
            }
            None => Arc::clone(&own),
        };
        Ok(Self {
            roots: Arc::new(roots(&ca).map_err(|why| format!("{}: {why}", files.ca.display()))?),
            own,
            public,
            chain,
            key: Arc::new(key),
        })
    }

    /// Takes connections that speak `protocol`. Who has a certificate may show it.
    ///
    /// # Errors
    /// A sentence when the library refuses them.
    pub fn acceptor(&self, protocol: &[u8]) -> Result<TlsAcceptor, String> {
        let shown = Shown {
            own: Arc::clone(&self.own),
            public: Arc::clone(&self.public),
        };
        let peers = Arc::clone(&self.roots);
        let peers = WebPkiClientVerifier::builder_with_provider(peers, provider())
            .allow_unauthenticated()
            .build()
            .map_err(|error| error.to_string())?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(peers)
            .with_cert_resolver(Arc::new(shown));
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Dials peers, and shows them who is calling.
    ///
    /// # Errors
    /// A sentence when the library refuses the certificate.
    pub fn connector(&self, protocol: &[u8]) -> Result<TlsConnector, String> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key());
        let mut config = config.map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// Dials nodes of the world whose authority this is, as nobody in particular.
///
/// # Errors
/// A sentence when `ca` holds no certificate.
pub fn trusting(ca: &[u8], protocol: &[u8]) -> Result<TlsConnector, String> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Whether a certificate is one of `name`.
#[must_use]
pub fn names(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(parsed), Ok(name)) = (
        ParsedCertificate::try_from(certificate),
        ServerName::try_from(name),
    ) else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn roots(ca: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(roots)
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn pair(cert: &Path, key: &Path) -> Result<Pair, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let chain = chain.map_err(|error| format!("{}: {error}", cert.display()))?;
    if chain.is_empty() {
        return Err(format!("{}: there is no certificate in it", cert.display()));
    }
    let found = PrivateKeyDer::from_pem_slice(&read(key)?);
    let found = found.map_err(|error| format!("{}: no private key: {error}", key.display()))?;
    Ok((chain, found))
}

fn certified(
    cert: &Path,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, String> {
    CertifiedKey::from_der(chain, key, &provider())
        .map(Arc::new)
        .map_err(|error| format!("{}: {error}", cert.display()))
}

/// Which certificate is shown: by the name that is asked for.
#[derive(Debug)]
struct Shown {
    own: Arc<CertifiedKey>,
    public: Arc<CertifiedKey>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let inside = hello
            .server_name()
            .is_some_and(|name| name.ends_with(INSIDE));
        Some(Arc::clone(if inside { &self.own } else { &self.public }))
    }
}

/// A connection, with or without TLS.
pub enum Wire {
    /// Bytes as they are.
    Plain(TcpStream),
    /// TLS, its handshake done.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Greets a client that was just accepted.
    ///
    /// # Errors
    /// What was wrong with its greeting.
    pub async fn greet(stream: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Self> {
        Ok(match tls {
            None => Self::Plain(stream),
            Some(tls) => Self::Tls(Box::new(tls.accept(stream).await?.into())),
        })
    }

    /// Dials a node; with TLS it must be the one of this name.
    ///
    /// # Errors
    /// When nobody is there, or another one.
    pub async fn dial<A: tokio::net::ToSocketAddrs>(
        address: A,
        tls: Option<(&TlsConnector, &str)>,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(match tls {
            None => Self::Plain(stream),
            Some((tls, name)) => {
                let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
                Self::Tls(Box::new(tls.connect(name, stream).await?.into()))
            }
        })
    }

    /// Whether it is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Address of the other end.
    #[must_use]
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        match self {
            Self::Plain(stream) => stream.peer_addr().ok(),
            Self::Tls(stream) => stream.get_ref().0.peer_addr().ok(),
        }
    }

    /// The certificate that the other end has shown, of the world's authority.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        let Self::Tls(stream) = self else { return None };
        let shown = stream.get_ref().1.peer_certificates()?;
        shown.first().map(|it| it.clone().into_owned())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
