//! The flags of `faultline up`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use faultline_proto::names::RegionName;

use super::Where;
use crate::live::saved::{Saved, SavedTls};

/// Start a live world: one node process per Region, until Ctrl-C or `faultline down`.
///
/// A second `up` on the same folder goes on where the first one stopped.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// A file with a `world:`, as scenarios have it; it is made by AWS calls.
    #[arg(long, value_name = "FILE", conflicts_with = "regions")]
    pub(super) world: Option<PathBuf>,
    /// Regions of a world with nothing in it but an account `main` and its user `admin`.
    #[arg(long, value_delimiter = ',', value_name = "REGIONS")]
    pub(super) regions: Vec<RegionName>,
    #[command(flatten)]
    pub(super) place: Where,
    /// First port: the front door takes it, then each Region two, for AWS's wire and for gRPC.
    /// Free ones when absent.
    #[arg(long)]
    pub(super) port: Option<u16>,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) bind: IpAddr,
    /// Let whoever reaches the front door bring the world back to its beginning: `POST
    /// /_faultline/reset`. For test suites; the world must have been made with it.
    #[arg(long)]
    pub(super) allow_reset: bool,
    #[command(flatten)]
    pub(super) tls: TlsUp,
}

/// Encryption of everything that a world says.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsUp {
    /// Speak TLS everywhere, with certificates of an authority that the world makes for itself.
    /// It is remembered.
    #[arg(long)]
    tls: bool,
    /// Speak none any more.
    #[arg(long, conflicts_with_all = ["tls", "tls_cert", "tls_key", "tls_names"])]
    no_tls: bool,
    /// Show clients this certificate (PEM, with its chain) instead.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Names or addresses by which clients reach the world, beside localhost.
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,
}

impl TlsUp {
    /// Writes what is asked for into what is remembered.
    ///
    /// # Errors
    /// A sentence when a file is not there.
    pub(super) fn settle(&self, saved: &mut Saved) -> Result<(), String> {
        if self.no_tls {
            saved.tls = None;
            return Ok(());
        }
        let own = self.tls_cert.as_deref().zip(self.tls_key.as_deref());
        if !(self.tls || own.is_some() || !self.tls_names.is_empty()) {
            return Ok(());
        }
        let mut tls = saved.tls.take().unwrap_or_default();
        if let Some((cert, key)) = own {
            tls.public = Some((whole(cert)?, whole(key)?));
        } else if self.tls {
            tls.public = None;
        }
        if !self.tls_names.is_empty() {
            tls.names.clone_from(&self.tls_names);
        }
        saved.tls = Some(tls);
        Ok(())
    }
}

/// A path that means the same from everywhere.
fn whole(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether clients are shown a certificate of the world's own authority.
#[must_use]
pub(super) fn shows_its_own(tls: &SavedTls) -> bool {
    tls.public.is_none()
}
