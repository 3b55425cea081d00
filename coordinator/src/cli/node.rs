//! `faultline node`: one Region as a process, driven over gRPC, or live.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use faultline_node::gateway::limits::Limits;
use faultline_node::live::process::GRACE;
use faultline_node::live::{LiveConfig, LiveStart};
use faultline_node::{NodeConfig, NodeError, StoreChoice};
use faultline_proto::driving::{Account, Quota, Settings};
use faultline_proto::names::RegionName;
use faultline_region::quotas::UNLIMITED;

use super::node_tls::TlsArgs;
use super::say;
use crate::exit::Exit;
use crate::live::folder::secret;

/// Run one Region's node in this process: driven by a coordinator, or live.
///
/// Driven, it prints `listening ADDRESS` when it is ready. Live (`--live`), it serves the AWS
/// services on the wall clock, prints `ready ...`, and stops at SIGTERM. Either ends when its
/// standard input closes, unless it is detached.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// The Region, for example eu-west-1.
    #[arg(long, env = "FAULTLINE_REGION")]
    region: RegionName,
    /// Folder of its store; made when it is not there.
    #[arg(long, env = "FAULTLINE_STORE")]
    store: PathBuf,
    /// Go on when standard input closes.
    #[arg(long, env = "FAULTLINE_DETACHED")]
    detached: bool,
    /// Serve real clients on the wall clock.
    #[arg(long, env = "FAULTLINE_LIVE")]
    live: bool,
    #[command(flatten)]
    options: LiveArgs,
}

/// What a live node needs to know.
#[derive(Debug, Args)]
#[command(next_help_heading = "Live nodes")]
struct LiveArgs {
    /// Region that holds IAM's directory; this one when absent.
    #[arg(long, env = "FAULTLINE_HOME_REGION")]
    home: Option<RegionName>,
    /// Where gRPC is served.
    #[arg(long, env = "FAULTLINE_GRPC", default_value = "127.0.0.1:0")]
    grpc: SocketAddr,
    /// Where AWS's own wire is served.
    #[arg(long, env = "FAULTLINE_AWS", default_value = "127.0.0.1:0")]
    aws: SocketAddr,
    /// Another Region of the world: us-east-1=http://HOST:PORT of its gRPC; https:// with TLS.
    #[arg(long = "peer", env = "FAULTLINE_PEERS", value_delimiter = ',', value_parser = peer)]
    peers: Vec<(RegionName, String)>,
    /// An account and the access key id of its root user: 111111111111=AKIA...
    #[arg(long = "account", env = "FAULTLINE_ACCOUNTS", value_delimiter = ',', value_parser = account)]
    accounts: Vec<Account>,
    /// File with the secret that all Regions of the world share: 64 hexadecimal digits.
    #[arg(long, env = "FAULTLINE_PARTITION_KEY")]
    partition_key: Option<PathBuf>,
    /// File with the secret that opens this Region's store; made when it is not there.
    #[arg(long, env = "FAULTLINE_ROOT_KEY")]
    root_key: Option<PathBuf>,
    /// Raise it after the store was restored from an older copy.
    #[arg(long, env = "FAULTLINE_EPOCH", default_value_t = 0)]
    epoch: u64,
    #[command(flatten)]
    tls: TlsArgs,
    /// Connections that each of the two ports takes at once.
    #[arg(long, env = "FAULTLINE_CONNECTIONS", default_value_t = 1024)]
    connections: usize,
    /// Requests a second that each of the two ports takes; without it, as many as come.
    #[arg(long, env = "FAULTLINE_REQUESTS_PER_SECOND")]
    requests_per_second: Option<u32>,
}

/// Serves until it is over.
#[must_use]
pub fn node(args: &NodeArgs) -> Exit {
    let done = if args.live {
        match live_config(args) {
            Ok(config) => {
                log();
                faultline_node::live::process::run(&config)
            }
            Err(problem) => {
                say(&format!("faultline node {}: {problem}", args.region));
                return Exit::Usage;
            }
        }
    } else {
        let mut config =
            NodeConfig::new(args.region.clone(), StoreChoice::Folder(args.store.clone()));
        config.stop_when_stdin_closes = !args.detached;
        faultline_node::run(&config)
    };
    match done {
        Ok(()) => Exit::Passed,
        Err(error) => {
            say(&format!("faultline node {}: {error}", args.region));
            if matches!(error, NodeError::Panicked) {
                Exit::Bug
            } else {
                Exit::Environment
            }
        }
    }
}

fn live_config(args: &NodeArgs) -> Result<LiveConfig, String> {
    let options = &args.options;
    let partition = options.partition_key.as_deref();
    let partition = partition.ok_or("a live node needs --partition-key FILE")?;
    let root = options.root_key.clone();
    let root = root.unwrap_or_else(|| args.store.with_extension("root.key"));
    if let Some(parent) = root.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    let peers: BTreeMap<RegionName, String> = options.peers.iter().cloned().collect();
    let mut regions: Vec<RegionName> = peers.keys().cloned().collect();
    regions.push(args.region.clone());
    regions.sort();
    Ok(LiveConfig {
        start: LiveStart {
            region: args.region.clone(),
            regions,
            home: options.home.clone().unwrap_or_else(|| args.region.clone()),
            accounts: options.accounts.clone(),
            // A live world makes itself through its entrances, so none of its requests count.
            settings: Settings {
                quotas: vec![Quota {
                    thousandths: UNLIMITED,
                    ..Quota::default()
                }],
                ..Settings::default()
            },
            epoch: options.epoch,
            partition_secret: secret(partition, false)?,
            root_secret: secret(&root, true)?,
        },
        store: args.store.clone(),
        cache_capacity: 8 << 20,
        grpc: options.grpc,
        aws: options.aws,
        peers,
        tls: options.tls.files()?,
        limits: Limits {
            connections: options.connections,
            requests_per_second: options.requests_per_second,
            shutdown: GRACE,
            ..Limits::default()
        },
        stop_when_stdin_closes: !args.detached,
    })
}

/// What a live node says goes to standard error, a line each.
fn log() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("FAULTLINE_LOG")
        .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    // Somebody who set one before wants that one.
    drop(lines.try_init());
}

fn peer(text: &str) -> Result<(RegionName, String), String> {
    let (region, url) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' is not of the form REGION=http://HOST:PORT"))?;
    let region = RegionName::new(region).map_err(|error| error.to_string())?;
    Ok((region, url.to_owned()))
}

fn account(text: &str) -> Result<Account, String> {
    let (id, key) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' is not of the form 111111111111=AKIA..."))?;
    Ok(Account {
        id: id.to_owned(),
        root_access_key: key.to_owned(),
    })
}
