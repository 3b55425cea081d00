//! A world of live Regions in one process, with AWS's wire in front: what client tests and
//! comparisons with other emulators run against.
//!
//! ```sh
//! cargo run -p faultline-node --example live-world -- us-east-1,eu-west-1 [FOLDER]
//! ```
//!
//! Prints one line of JSON (endpoints by Region, the front door, the root user's credentials)
//! and serves until standard input closes. Without a folder, stores are in memory. Messages
//! between Regions are carried in this process; real worlds have `faultline up`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use faultline_node::gateway::front::Front;
use faultline_node::gateway::limits::Limits;
use faultline_node::gateway::{Gateway, GatewayConfig, server};
use faultline_node::live::actor::LiveActor;
use faultline_node::live::{Handle, LiveStart};
use faultline_node::store::Shelf;
use faultline_node::{NodeConfig, StoreChoice};
use faultline_proto::driving::{Account, Envelope, Settings};
use faultline_proto::names::RegionName;
use faultline_region::signing::secret_access_key;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ROOT: &str = "AKIAROOTROOTROOTROOT";
const ACCOUNT: &str = "111111111111";
const SECRET: [u8; 32] = [7; 32];

/// What a node's thread tells once it listens.
struct Up {
    handle: Handle,
    posts: mpsc::Receiver<Envelope>,
    address: SocketAddr,
}

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let names = arguments.next().unwrap_or_else(|| "us-east-1".to_owned());
    let folder = arguments.next().map(PathBuf::from);
    let regions: Vec<RegionName> = names
        .split(',')
        .map(RegionName::new)
        .collect::<Result<_, _>>()?;
    let home = regions.first().cloned().ok_or("no Regions")?;
    let mut nodes = Vec::new();
    for region in &regions {
        let told = LiveStart {
            region: region.clone(),
            regions: regions.clone(),
            home: home.clone(),
            accounts: vec![Account {
                id: ACCOUNT.into(),
                root_access_key: ROOT.into(),
            }],
            settings: Settings::default(),
            epoch: 0,
            partition_secret: SECRET.to_vec(),
            root_secret: SECRET.to_vec(),
        };
        let store = match &folder {
            Some(folder) => StoreChoice::Folder(folder.join(region.as_str())),
            None => StoreChoice::Memory(Shelf::default()),
        };
        let (ready, is_ready) = oneshot::channel();
        std::thread::spawn(move || {
            if let Err(error) = node(&told, store, ready) {
                eprintln!("{}: {error}", told.region);
                std::process::exit(1);
            }
        });
        nodes.push((region.clone(), is_ready.blocking_recv()?));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(stand_before(nodes, home))
}

/// One Region with its entrance, on its own thread.
fn node(told: &LiveStart, store: StoreChoice, ready: oneshot::Sender<Up>) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = NodeConfig::new(told.region.clone(), store);
        let (outbox, posts) = mpsc::channel(1024);
        let (actor, handle) = LiveActor::start(config.open_store()?, told, outbox)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let gateway = Gateway::new(
            handle.clone(),
            GatewayConfig {
                regions: told.regions.clone(),
                limits: Limits::default(),
            },
        );
        tokio::spawn(server::run(gateway, listener, None, std::future::pending()));
        let up = Up {
            handle,
            posts,
            address,
        };
        drop(ready.send(up));
        let (_stop, stopped) = oneshot::channel();
        Ok(actor.run(stopped).await?)
    })
}

/// Carries messages, serves the front door, says where all is.
async fn stand_before(nodes: Vec<(RegionName, Up)>, home: RegionName) -> Fallible<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let door = listener.local_addr()?;
    let mut addresses = BTreeMap::new();
    let mut handles = BTreeMap::new();
    let mut posts = Vec::new();
    for (region, up) in nodes {
        addresses.insert(region.clone(), up.address);
        handles.insert(region.to_string(), up.handle);
        posts.push(up.posts);
    }
    for mut posts in posts {
        let handles = handles.clone();
        tokio::spawn(async move {
            while let Some(envelope) = posts.recv().await {
                if let Some(handle) = handles.get(&envelope.to) {
                    let _ = handle.deliver(envelope).await;
                }
            }
        });
    }
    let front = Front {
        nodes: addresses.clone(),
        home: home.clone(),
        limits: Limits::default(),
        tls: None,
        reset: None,
    };
    tokio::spawn(front.run(listener, std::future::pending()));
    let endpoints: BTreeMap<String, String> = addresses
        .iter()
        .map(|(region, address)| (region.to_string(), format!("http://{address}")))
        .collect();
    let said = serde_json::json!({
        "home": home.as_str(),
        "endpoints": endpoints,
        "front": format!("http://{door}"),
        "account": ACCOUNT,
        "access_key_id": ROOT,
        "secret_access_key": *secret_access_key(&SECRET, ROOT),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{said}")?;
    out.flush()?;
    drop(out);
    let (closed, is_closed) = oneshot::channel();
    std::thread::spawn(move || {
        drop(std::io::stdin().lock().read_to_end(&mut Vec::new()));
        let _ = closed.send(());
    });
    is_closed.await?;
    Ok(())
}
