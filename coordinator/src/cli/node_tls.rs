//! TLS of a node that was started by hand, or by a container.

use std::path::PathBuf;

use clap::Args;
use faultline_node::tls::TlsFiles;

/// Certificates and keys, as PEM. `faultline certificates` makes them.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS of live nodes")]
pub(super) struct TlsArgs {
    /// Certificates of the authority that all nodes of the world trust; turns TLS on.
    #[arg(long, env = "FAULTLINE_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// This node's certificate of that authority; it names REGION.faultline.internal.
    #[arg(long, env = "FAULTLINE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key.
    #[arg(long, env = "FAULTLINE_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A certificate that clients are shown instead, of an authority that they know.
    #[arg(long, env = "FAULTLINE_PUBLIC_CERT", value_name = "FILE")]
    public_cert: Option<PathBuf>,
    /// Its private key.
    #[arg(long, env = "FAULTLINE_PUBLIC_KEY", value_name = "FILE")]
    public_key: Option<PathBuf>,
}

impl TlsArgs {
    /// All files or none.
    pub(super) fn files(&self) -> Result<Option<TlsFiles>, String> {
        let public = match (&self.public_cert, &self.public_key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            _ => return Err("--public-cert and --public-key go together".to_owned()),
        };
        match (&self.tls_ca, &self.tls_cert, &self.tls_key) {
            (Some(ca), Some(cert), Some(key)) => Ok(Some(TlsFiles {
                ca: ca.clone(),
                cert: cert.clone(),
                key: key.clone(),
                public,
            })),
            (None, None, None) if public.is_none() => Ok(None),
            _ => Err(
                "TLS needs --tls-ca, --tls-cert and --tls-key: all nodes of a world have \
                 certificates of one authority; `faultline certificates` makes them"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_tls_is_none() {
        let some = || Some(PathBuf::from("x"));
        let args = |ca, key, public| TlsArgs {
            tls_ca: ca,
            tls_cert: some(),
            tls_key: key,
            public_cert: public,
            public_key: None,
        };
        assert!(
            args(some(), some(), None)
                .files()
                .is_ok_and(|it| it.is_some())
        );
        let told = args(some(), None, None).files().expect_err("half");
        assert!(told.contains("faultline certificates"), "{told}");
        assert!(args(some(), some(), some()).files().is_err());
    }
}
