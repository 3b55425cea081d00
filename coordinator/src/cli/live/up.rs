//! `faultline up`: a world of live nodes.

use std::net::{IpAddr, SocketAddr, TcpListener};

use faultline_proto::names::RegionName;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

pub use super::up_args::UpArgs;
use crate::cli::{files, out, say};
use crate::exit::Exit;
use crate::journal::Journal;
use crate::live::beginning;
use crate::live::client::Access;
use crate::live::entrance::Entrance;
use crate::live::folder::{Folder, WORLD};
use crate::live::saved::{Saved, SavedRegion};
use crate::live::supervisor::Supervisor;
use crate::live::transport::LiveTransport;
use crate::runner::setup;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::plan::WorldPlan;
use crate::scenario::source::Source;
use crate::seed::RunSeed;
use crate::sim::{Sim, SimConfig};

/// Starts, makes, keeps.
#[must_use]
pub fn up(args: &UpArgs) -> Exit {
    match plan(args) {
        Ok(asked) => super::block_on(live(args, asked)),
        Err((problem, exit)) => {
            say(&problem);
            exit
        }
    }
}

/// The world that is asked for; `None` goes on with the one in the folder.
struct Asked {
    plan: Option<WorldPlan>,
    digest: String,
    /// The file that says so; empty without one.
    text: String,
}

fn plan(args: &UpArgs) -> Result<Asked, (String, Exit)> {
    let source = match (&args.world, args.regions.is_empty()) {
        (Some(path), _) => files::read(path).map_err(|problem| (problem, Exit::Usage))?,
        (None, false) => Source::new("--regions", bare(&args.regions)),
        (None, true) => {
            return Ok(Asked {
                plan: None,
                digest: String::new(),
                text: String::new(),
            });
        }
    };
    let loaded = crate::scenario::load(&source).map_err(|diagnostics| {
        let format = Format::Human(crate::cli::colours());
        (render(&source, &diagnostics, format), Exit::InvalidFile)
    })?;
    let case = loaded.cases.into_iter().next();
    let case = case.ok_or_else(|| ("the file has no case".to_owned(), Exit::Nothing))?;
    let mut world = case.world;
    for (name, volume) in &mut world.volumes {
        if volume.what.content.take().is_some() {
            say(&format!(
                "volume {name} begins empty: AWS has no call that writes a volume's content"
            ));
        }
    }
    // What the file says beside its world may change between two starts.
    let text = format!("{:?}{:?}{:?}", world.regions, world.accounts, world.home);
    let named = format!(
        "{:?}{:?}{:?}{:?}",
        world.principals.keys(),
        world.keys.keys(),
        world.buckets.keys(),
        world.tables.keys()
    );
    Ok(Asked {
        plan: Some(world),
        digest: hex::encode(Sha256::digest(text + &named)),
        text: source.text.clone(),
    })
}

/// A scenario with an empty world and a step that asks for nothing.
fn bare(regions: &[RegionName]) -> String {
    let names: Vec<&str> = regions.iter().map(RegionName::as_str).collect();
    format!(
        "scenario: 1\ntitle: A world with an administrator\nworld:\n  regions: [{}]\n  \
         accounts: {{ main: \"111111111111\" }}\n  principals:\n    \
         admin: {{ account: main, kind: user, allow: [\"*\"] }}\n\
         steps:\n  - say: Who am I?\n    in: {}\n    as: admin\n    sts.get_caller_identity: {{}}\n",
        names.join(", "),
        names.first().unwrap_or(&"us-east-1")
    )
}

async fn live(args: &UpArgs, asked: Asked) -> Result<Exit, String> {
    let folder = args.place.folder();
    if let Some(process) = folder.runs() {
        return Err(format!(
            "{} is already up (process {process}); `faultline down` stops it, `faultline status` shows it",
            folder.path().display()
        ));
    }
    let secret = folder.partition_secret(true)?;
    let saved = remembered(args, &folder, &asked, &secret)?;
    if !asked.text.is_empty() && !folder.join(WORLD).exists() {
        folder.write(WORLD, &asked.text)?;
    }
    if args.allow_reset && saved.made && !beginning::is_kept(&folder) {
        return Err("this world was made without --allow-reset, so its beginning was not kept: make it anew, in an empty folder".to_owned());
    }
    drop(std::fs::remove_file(folder.join("stop")));
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut supervisor = Supervisor::new(program, &folder, &saved)?;
    let (reset, resets) = mpsc::channel(1);
    let reset = Some(reset).filter(|_| args.allow_reset);
    let at = saved.front.ok_or("this world has no front door: a bug")?;
    let entrance = Entrance::open(&folder, &saved, at, reset).await?;
    let stop = stop_is_asked()?;
    supervisor.start().await?;
    folder.write("running", &std::process::id().to_string())?;
    let made = begin(args, &folder, saved, asked.plan, &mut supervisor).await;
    let problems = match made {
        Ok(saved) => {
            let (closing, closed) = oneshot::channel::<()>();
            let serving = tokio::spawn(entrance.serve(async move { drop(closed.await) }));
            out(&table(&saved));
            say("the world is up; Ctrl-C or `faultline down` stops it");
            supervisor.watch(stop, resets).await;
            say("stopping");
            // What came in through the front door is answered before its node goes.
            drop(closing);
            drop(serving.await);
            supervisor.stop().await
        }
        Err(problem) => {
            supervisor.stop().await;
            vec![problem]
        }
    };
    drop(std::fs::remove_file(folder.join("stop")));
    drop(std::fs::remove_file(folder.join("running")));
    if problems.is_empty() {
        return Ok(Exit::Passed);
    }
    Err(problems.join("\n"))
}

/// Makes the world, if it is not made yet, and keeps its beginning if it may be reset.
async fn begin(
    args: &UpArgs,
    folder: &Folder,
    saved: Saved,
    plan: Option<WorldPlan>,
    supervisor: &mut Supervisor,
) -> Result<Saved, String> {
    let new = !saved.made;
    let access = folder.access(&saved)?;
    let saved = make(folder, saved, plan, access).await?;
    if new && args.allow_reset {
        let problems = supervisor.stop().await;
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        beginning::keep(folder, &saved)?;
        supervisor.start().await?;
    }
    Ok(saved)
}

/// What the folder has, checked against what is asked, or a new world.
fn remembered(
    args: &UpArgs,
    folder: &Folder,
    asked: &Asked,
    secret: &[u8],
) -> Result<Saved, String> {
    if let Some(mut saved) = folder.saved()? {
        if asked.plan.is_some() && saved.asked != asked.digest {
            return Err(format!(
                "{} holds another world; name another folder with --dir, or remove this one",
                folder.path().display()
            ));
        }
        if !saved.made && asked.plan.is_none() {
            return Err("this world was never made to its end: start it with the same --world or --regions, in an empty folder".to_owned());
        }
        if saved.front.is_none() {
            saved.front = Some(Ports::of(args).next()?);
        }
        args.tls.settle(&mut saved)?;
        folder.save(&saved)?;
        return Ok(saved);
    }
    let plan = asked.plan.as_ref().ok_or_else(|| {
        format!(
            "there is no world in {} yet: name one with --world FILE or --regions eu-west-1,us-east-1",
            folder.path().display()
        )
    })?;
    let home = setup::home(plan).ok_or("a world has at least one Region")?;
    let accounts = setup::accounts(plan, seed(secret));
    let mut saved = Saved::new(plan, home, &accounts, asked.digest.clone());
    let mut ports = Ports::of(args);
    saved.front = Some(ports.next()?);
    for region in &plan.regions {
        saved.regions.push(SavedRegion {
            region: region.clone(),
            aws: ports.next()?,
            grpc: ports.next()?,
        });
    }
    args.tls.settle(&mut saved)?;
    folder.save(&saved)?;
    Ok(saved)
}

/// Access key ids of root users follow from the world's secret; they are no secret themselves.
fn seed(secret: &[u8]) -> RunSeed {
    let digest = Sha256::digest(secret);
    RunSeed(
        digest
            .iter()
            .take(8)
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    )
}

/// Ports that are free, the same at every start from now on.
struct Ports {
    bind: IpAddr,
    next: Option<u16>,
    /// Held until all are chosen, so that no port is given twice.
    held: Vec<TcpListener>,
}

impl Ports {
    fn of(args: &UpArgs) -> Self {
        Self {
            bind: args.bind,
            next: args.port,
            held: Vec::new(),
        }
    }

    fn next(&mut self) -> Result<SocketAddr, String> {
        let wanted = self.next.unwrap_or(0);
        self.next = self.next.and_then(|port| port.checked_add(1));
        let listener = TcpListener::bind((self.bind, wanted))
            .map_err(|error| format!("port {wanted} of {} cannot be used: {error}", self.bind))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        self.held.push(listener);
        Ok(address)
    }
}

/// Makes the world by AWS calls, once. It blocks, so it has a thread of its own.
async fn make(
    folder: &Folder,
    mut saved: Saved,
    plan: Option<WorldPlan>,
    access: Access,
) -> Result<Saved, String> {
    let Some(plan) = plan.filter(|_| !saved.made) else {
        return Ok(saved);
    };
    let work = saved.clone();
    let making = tokio::task::spawn_blocking(move || made(&plan, &work, &access));
    let world = making.await.map_err(|error| error.to_string())??;
    saved.remember(&world);
    folder.save(&saved)?;
    Ok(saved)
}

fn made(
    plan: &WorldPlan,
    saved: &Saved,
    access: &Access,
) -> Result<crate::runner::world::World, String> {
    let transport = LiveTransport::new(saved, access)?;
    let config = SimConfig {
        seed: seed(&access.partition_secret),
        world: seed(&access.partition_secret),
        regions: plan.regions.clone(),
        home: saved.home.clone(),
        links: std::collections::BTreeMap::new(),
        accounts: saved.accounts(),
        settings: faultline_proto::driving::Settings::default(),
        budget: None,
    };
    let accounts = config.accounts.clone();
    let sim =
        Sim::start(config, Box::new(transport), Journal::new()).map_err(|it| it.to_string())?;
    let made = sim.run(setup::set_up(&sim, plan, saved.home.clone(), &accounts));
    made.map_err(|broken| broken.to_string())?.map_err(|failed| {
        format!(
            "the world cannot be made: {} was refused: {}: {}; remove the folder and start again",
            failed.asked, failed.refusal.code, failed.refusal.message
        )
    })
}

/// Resolves at Ctrl-C or SIGTERM.
fn stop_is_asked() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let told = |error: std::io::Error| format!("signals cannot be heard: {error}");
    let mut term = signal(SignalKind::terminate()).map_err(told)?;
    let mut int = signal(SignalKind::interrupt()).map_err(told)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(told)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

fn table(saved: &Saved) -> String {
    let scheme = saved.scheme();
    let mut text = String::new();
    if let Some(front) = saved.front {
        text += &format!(
            "{:<16} aws {scheme}://{front}  (all Regions, by the one that is signed for)\n",
            "front door"
        );
    }
    for node in &saved.regions {
        let home = if node.region == saved.home {
            "  (home of IAM)"
        } else {
            ""
        };
        text += &format!(
            "{:<16} aws {scheme}://{}  grpc {scheme}://{}{home}\n",
            node.region.as_str(),
            node.aws,
            node.grpc
        );
    }
    text
}
