//! `faultline certificates`: TLS for nodes that are started one by one.

use std::path::PathBuf;

use clap::Args;
use faultline_proto::names::RegionName;

use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::certificates::{Authority, CA};

/// Make an authority and a certificate a Region, for nodes in containers: `faultline node`
/// takes them as --tls-ca, --tls-cert and --tls-key. `faultline up --tls` needs none of this.
#[derive(Debug, Args)]
pub struct CertificatesArgs {
    /// The Regions of the world.
    #[arg(long, value_delimiter = ',', value_name = "REGIONS", required = true)]
    regions: Vec<RegionName>,
    /// Names or addresses by which clients reach the nodes, beside localhost.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Where to: ca.pem, ca.key, and a folder a Region. An authority that is there is kept.
    #[arg(long, default_value = "certificates")]
    dir: PathBuf,
}

/// Writes them.
#[must_use]
pub fn certificates(args: &CertificatesArgs) -> Exit {
    match make(args) {
        Ok(()) => Exit::Passed,
        Err(problem) => {
            say(&problem);
            Exit::Environment
        }
    }
}

fn make(args: &CertificatesArgs) -> Result<(), String> {
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| format!("{}: {error}", args.dir.display()))?;
    let authority = Authority::of(&args.dir)?;
    out(&format!("{}\n", args.dir.join(CA).display()));
    for region in &args.regions {
        let folder = args.dir.join(region.as_str());
        authority.node(&folder, region, &[], &args.names)?;
        out(&format!("{}\n", folder.join("node.pem").display()));
        out(&format!("{}\n", folder.join("node.key").display()));
    }
    Ok(())
}
