//! `faultline soak`: a live world under load, whose nodes are killed again and again.
//!
//! Clients in every Region put items into a global table and remember what was acknowledged.
//! A node is killed (SIGKILL) every few seconds. At the end every acknowledged item must be
//! in every Region, with the same value; and the nodes' memory must not have grown without
//! bound. What was not acknowledged may be there or not.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use faultline_node::live::LiveClock;
use faultline_node::live::start::random;
use faultline_proto::driving::Credential;
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::registry::find_verb;
use faultline_proto::tables::OperationDef;
use serde_json::json;
use tokio::process::{Child, Command};
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::Where;
use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::known::Known;
use crate::scenario::quantity;

/// How long replicas may take to become equal once nobody dies any more.
const SETTLE: u64 = 120_000_000;
/// Items that are looked for at once in each Region.
const READERS: usize = 8;

/// Load a live world, kill its nodes, and look whether anything acknowledged was lost.
#[derive(Debug, Args)]
pub struct SoakArgs {
    /// How long: 10m, 30s.
    #[arg(long = "for", default_value = "10m", value_parser = duration)]
    span: Duration,
    /// Pause between two kills.
    #[arg(long, default_value = "5s", value_parser = duration)]
    kill_every: Duration,
    /// Clients in each Region.
    #[arg(long, default_value_t = 4)]
    clients: u32,
    /// Pause of a client between two puts.
    #[arg(long, default_value = "0s", value_parser = duration)]
    pause: Duration,
    /// Regions of the world.
    #[arg(long, value_delimiter = ',', default_value = "eu-west-1,us-east-1")]
    regions: Vec<RegionName>,
    /// Most memory that a node may take, MiB.
    #[arg(long, default_value_t = 256)]
    memory: u64,
}

fn duration(text: &str) -> Result<Duration, String> {
    quantity::duration(text).ok_or_else(|| format!("'{text}' is no duration such as 10m or 30s"))
}

/// Soaks.
#[must_use]
pub fn soak(args: &SoakArgs) -> Exit {
    super::block_on(LocalSet::new().run_until(soaked(args)))
}

/// What the clients and the killer have seen.
#[derive(Default)]
struct Seen {
    acknowledged: RefCell<Vec<(String, String)>>,
    unanswered: Cell<u64>,
    kills: Cell<u64>,
    /// Most memory of one node, KiB.
    memory: Cell<u64>,
    over: Cell<bool>,
}

async fn soaked(args: &SoakArgs) -> Result<Exit, String> {
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let dir = root.path().join("world");
    let mut up = start(args, root.path().join("world.yaml"), &dir)?;
    let place = Where { dir };
    let known = Rc::new(ready(&place, &mut up).await?);
    say(&format!(
        "soaking {} Regions for {:?}",
        args.regions.len(),
        args.span
    ));
    let seen = Rc::new(Seen::default());
    let mut tasks = Vec::new();
    for region in &args.regions {
        let credential = known.credential("admin", region).await?;
        for client in 0..args.clients {
            let work = put_items(
                Rc::clone(&known),
                region.clone(),
                credential.clone(),
                (client, args.pause),
                Rc::clone(&seen),
            );
            tasks.push(tokio::task::spawn_local(work));
        }
    }
    let killer = tokio::task::spawn_local(kill_nodes(
        Rc::clone(&known),
        args.kill_every,
        Rc::clone(&seen),
    ));
    sleep(args.span).await;
    seen.over.set(true);
    for task in tasks {
        task.await.map_err(|error| error.to_string())?;
    }
    killer.await.map_err(|error| error.to_string())?;
    let missing = missing(&known, &seen).await?;
    look_at_memory(&known, &seen).await;
    super::down::down_in(&place).await?;
    drop(up.wait().await);
    Ok(verdict(args, &seen, &missing))
}

fn verdict(args: &SoakArgs, seen: &Seen, missing: &[String]) -> Exit {
    out(&format!(
        "{} puts acknowledged, {} not answered, {} kills, {} lost or different, most memory of a node {:.1} MiB\n",
        seen.acknowledged.borrow().len(),
        seen.unanswered.get(),
        seen.kills.get(),
        missing.len(),
        seen.memory.get() as f64 / 1024.0
    ));
    for line in missing.iter().take(10) {
        say(line);
    }
    let holds = missing.is_empty() && seen.memory.get() / 1024 <= args.memory;
    let measured = !seen.acknowledged.borrow().is_empty();
    match (holds, measured) {
        (true, true) => Exit::Passed,
        (true, false) => Exit::Unknown,
        (false, _) => Exit::Failed,
    }
}

fn start(args: &SoakArgs, world: PathBuf, dir: &std::path::Path) -> Result<Child, String> {
    let names: Vec<&str> = args.regions.iter().map(RegionName::as_str).collect();
    let names = names.join(", ");
    let first = args.regions.first().ok_or("a soak needs a Region")?;
    let text = format!(
        "scenario: 1\ntitle: A soak\nworld:\n  regions: [{names}]\n  accounts: {{ main: \"111111111111\" }}\n  \
         principals:\n    admin: {{ account: main, kind: user, allow: [\"*\"] }}\n  \
         tables:\n    ledger: {{ account: main, replicas: [{names}], partition_key: id }}\n\
         steps:\n  - say: Who am I?\n    in: {first}\n    as: admin\n    sts.get_caller_identity: {{}}\n"
    );
    std::fs::write(&world, text).map_err(|error| format!("{}: {error}", world.display()))?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .arg("up")
        .arg("--world")
        .arg(world)
        .arg("--dir")
        .arg(dir);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    child.map_err(|error| format!("the world cannot be started: {error}"))
}

async fn ready(place: &Where, up: &mut Child) -> Result<Known, String> {
    for _ in 0..1200 {
        if let Ok(Some(status)) = up.try_wait() {
            return Err(format!("the world did not come up ({status})"));
        }
        if let Ok(known) = Known::of(place.folder())
            && known.saved.made
        {
            return Ok(known);
        }
        sleep(Duration::from_millis(100)).await;
    }
    Err("the world did not come up in two minutes".to_owned())
}

fn verb(name: &str) -> Result<&'static OperationDef, String> {
    find_verb(name).ok_or_else(|| format!("this build does not have {name}"))
}

/// Puts one item after the other, each with a key of its own.
async fn put_items(
    known: Rc<Known>,
    region: RegionName,
    credential: Credential,
    (client, pause): (u32, Duration),
    seen: Rc<Seen>,
) {
    let Ok(put) = verb("dynamodb.put_item") else {
        return;
    };
    let mut number = 0_u64;
    while !seen.over.get() {
        if !pause.is_zero() {
            sleep(pause).await;
        }
        number += 1;
        let id = format!("{region}-{client}-{number}");
        let value = random::<8>().map_or_else(|_| String::new(), hex::encode);
        let item = json!({ "table_name": "ledger", "item": { "id": id, "value": value } });
        match known.ask(put, &region, &credential, &item).await {
            Ok(Ok(_)) => seen.acknowledged.borrow_mut().push((id, value)),
            Ok(Err(_)) | Err(_) => {
                seen.unanswered.set(seen.unanswered.get() + 1);
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Kills one node after the other.
async fn kill_nodes(known: Rc<Known>, pause: Duration, seen: Rc<Seen>) {
    let clock = LiveClock::start(Elapsed(0));
    for turn in 0.. {
        let until = clock
            .elapsed()
            .plus_micros(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX));
        while clock.elapsed() < until {
            if seen.over.get() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        look_at_memory(&known, &seen).await;
        let client = &known.clients[turn % known.clients.len()];
        if let Ok(status) = client.status().await {
            let killed = Command::new("kill")
                .args(["-9", &status.process.to_string()])
                .status()
                .await;
            if killed.is_ok_and(|status| status.success()) {
                seen.kills.set(seen.kills.get() + 1);
            }
        }
    }
}

/// Remembers the most memory that a node takes.
async fn look_at_memory(known: &Known, seen: &Seen) {
    for client in &known.clients {
        let Ok(status) = client.status().await else {
            continue;
        };
        let path = format!("/proc/{}/status", status.process);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        seen.memory.set(seen.memory.get().max(kib.unwrap_or(0)));
    }
}

/// What was acknowledged and is not in every Region, after a while.
async fn missing(known: &Rc<Known>, seen: &Seen) -> Result<Vec<String>, String> {
    let clock = LiveClock::start(Elapsed(0));
    let until = clock.elapsed().plus_micros(SETTLE);
    let acknowledged: Rc<[(String, String)]> = seen.acknowledged.borrow().as_slice().into();
    let mut readers = Vec::new();
    for node in &known.saved.regions {
        let credential = loop {
            match known.credential("admin", &node.region).await {
                Ok(credential) => break credential,
                Err(problem) if clock.elapsed() > until => return Err(problem),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        };
        for first in 0..READERS {
            let reader = Reader {
                known: Rc::clone(known),
                region: node.region.clone(),
                credential: credential.clone(),
                clock: clock.clone(),
                until,
            };
            let acknowledged = Rc::clone(&acknowledged);
            readers.push(tokio::task::spawn_local(async move {
                reader
                    .missing(acknowledged.iter().skip(first).step_by(READERS))
                    .await
            }));
        }
    }
    let mut missing = Vec::new();
    for reader in readers {
        missing.extend(reader.await.map_err(|error| error.to_string())??);
    }
    Ok(missing)
}

/// Looks for items in one Region.
struct Reader {
    known: Rc<Known>,
    region: RegionName,
    credential: Credential,
    clock: LiveClock,
    until: Elapsed,
}

impl Reader {
    async fn missing(
        &self,
        items: impl Iterator<Item = &(String, String)>,
    ) -> Result<Vec<String>, String> {
        let get = verb("dynamodb.get_item")?;
        let mut missing = Vec::new();
        for (id, value) in items {
            let key = json!({ "table_name": "ledger", "key": { "id": id } });
            loop {
                let answer = self
                    .known
                    .ask(get, &self.region, &self.credential, &key)
                    .await;
                let found =
                    matches!(&answer, Ok(Ok(answer)) if answer["item"]["value"] == value.as_str());
                if found {
                    break;
                }
                if self.clock.elapsed() > self.until {
                    missing.push(format!("{id} is not in {}: {answer:?}", self.region));
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(missing)
    }
}
