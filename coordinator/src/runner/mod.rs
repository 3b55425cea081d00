//! A plan becomes a run: set-up, steps, `finally`, verdict.
//!
//! - [`setup`]: the world is made, before time zero. [`world`]: what exists then; [`names`]:
//!   how its names are written for a call, and known again in an answer. [`begun`]: a world
//!   that many runs go on from.
//! - [`steps`]: blocks, lanes, faults around them; [`rounds`]: loops; [`telling`]: what the
//!   journal hears of it. [`faults`]: what names in a fault stand for.
//! - [`verbs`]: a step's verb, with its patience and its expectations. [`ask`]: one operation
//!   of AWS. What AWS does not have: [`sealed`] and [`branch_keys`] with a
//!   [`sealed_client`] over [`sealed_aws`], [`audit`], [`seeing`], [`carried`].
//! - [`problem`]: what went wrong, as a picture. [`secrets`]: what must not be found.
//! - [`verdict`]: what it comes to; [`goals`] over what they [`measure`]; [`at_rest`].
//! - [`AsWritten`]: what the command line calls.
//!
//! Whatever can be seen of a run is in its journal; [`Outcome`] repeats the last line of it.
//! Left out: everything that is printed (reports) and every file but the journal's listeners.

pub mod ask;
mod at_rest;
mod audit;
mod begun;
mod branch_keys;
mod carried;
mod conductor;
mod faults;
pub mod goals;
mod measure;
mod names;
mod problem;
mod rounds;
mod sealed;
mod sealed_aws;
mod sealed_client;
mod sealed_find;
mod sealed_requests;
mod secrets;
mod seeing;
pub mod setup;
mod steps;
mod telling;
mod verbs;
pub mod verdict;
pub mod world;
mod wrapping;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use faultline_proto::driving::{Credential, Settings};
use faultline_proto::names::RegionName;

use crate::clock::{SimTime, Span};
use crate::journal::event::{JOURNAL_FORM, Judgement, RunStarted};
use crate::journal::{Journal, Memory, What};
use crate::network::link::{Bandwidth, Link};
use crate::oracles::Watch;
use crate::scenario::plan::{Case, Plan, WorldPlan};
use crate::scenario::quantity;
use crate::scenario::template::Bindings;
use crate::seed::RunSeed;
use crate::sim::{Broken, Sim, SimConfig};
use crate::transport::{Loopback, Transport};

pub use begun::Begun;
use carried::Carried;
pub use conductor::AsWritten;
use secrets::Secrets;
use steps::{Flow, Place};
use world::World;

/// How a case is run.
#[derive(Clone)]
pub struct Options {
    /// Name of the case: the file's stem, and the values of the matrix.
    pub name: String,
    /// From which all chance follows.
    pub seed: RunSeed,
    /// Whether faults happen; without them blocks still run.
    pub faults: bool,
    /// Whether oracles and goals are judged: not where nobody sees inside.
    pub judges: bool,
    /// Virtual time after which the run is cut.
    pub budget: Option<Span>,
    /// Whether somebody wants the run to end after the step that is under way.
    pub interrupted: Rc<dyn Fn() -> bool>,
}

impl Options {
    /// Everything as usual.
    #[must_use]
    pub fn new(name: &str, seed: RunSeed) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            faults: true,
            judges: true,
            budget: Some(Span::secs(400 * 86_400)),
            interrupted: Rc::new(|| false),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("seed", &self.seed)
            .field("faults", &self.faults)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The verdict.
    pub judgement: Judgement,
    /// Why, when it is not a pass.
    pub because: String,
    /// SHA-256 of the journal.
    pub digest: String,
    /// Lines of the journal.
    pub events: u64,
}

/// A case under way.
struct Runner<'p> {
    sim: Sim,
    plan: &'p Plan,
    case: &'p Case,
    options: &'p Options,
    world: World,
    memory: Memory,
    watch: Watch,
    zero: SimTime,
    /// Faults that a step started and nobody healed, with their names.
    started: RefCell<Vec<(Option<String>, u64)>>,
    /// Sessions of roles: since when, and the credential.
    sessions: RefCell<BTreeMap<String, (SimTime, Credential)>>,
    secrets: RefCell<Secrets>,
    /// Branch keys that sealed clients have at hand.
    kept: RefCell<sealed_client::Kept>,
    /// Envelopes, if some step looks at them.
    carried: Carried,
}

fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// Runs a case to its verdict, which is the last line of the journal.
///
/// # Errors
/// [`Broken`] when the machinery cannot go on; the journal then ends where it stood.
pub fn run_case(
    plan: &Plan,
    case: &Case,
    options: &Options,
    transport: Box<dyn Transport>,
    journal: Journal,
) -> Result<Outcome, Broken> {
    let (ears, journal) = Ears::open(plan, case, options, journal);
    let config = config(case, options);
    let (home, accounts) = (config.home.clone(), config.accounts.clone());
    let sim = Sim::start(config, transport, journal)?;
    ears.tap(&sim);
    let made = sim.run(setup::set_up(&sim, &case.world, home, &accounts))?;
    let world = match made {
        Ok(world) => world,
        Err(failed) => return verdict::without_world(&sim, &failed),
    };
    if case.world.seed.is_some() {
        sim.halt()?;
        sim.resume(options.seed)?;
    }
    ears.conduct(sim, world, plan, case, options)
}

/// Runs a case in the world that [`Begun::make`] made of it, over copies of its stores.
///
/// # Errors
/// As [`run_case`].
pub fn run_begun(
    begun: &Begun,
    plan: &Plan,
    case: &Case,
    options: &Options,
    journal: Journal,
) -> Result<Outcome, Broken> {
    let (ears, mut journal) = Ears::open(plan, case, options, journal);
    begun.tell(&mut journal, &ears.watch, ears.carried.as_ref());
    let transport = Box::new(Loopback::over(begun.stores.clone()));
    let sim = Sim::at(&begun.standing, config(case, options), transport, journal);
    ears.tap(&sim);
    sim.resume(options.seed)?;
    ears.conduct(sim, begun.world.clone(), plan, case, options)
}

/// Those who listen to a run for the runner itself.
struct Ears {
    memory: Memory,
    watch: Watch,
    carried: Option<Carried>,
}

impl Ears {
    /// They listen from the journal's first line on.
    fn open(plan: &Plan, case: &Case, options: &Options, journal: Journal) -> (Self, Journal) {
        let ears = Self {
            memory: Memory::default(),
            watch: Watch::new(if options.judges { &case.always } else { &[] }),
            carried: carried::wanted(case).then(Carried::default),
        };
        let mut journal = journal
            .heard_by(ears.memory.clone())
            .heard_by(ears.watch.clone());
        journal.record(
            SimTime::ZERO,
            What::RunStarted(RunStarted {
                journal: JOURNAL_FORM,
                name: options.name.clone(),
                title: plan.title.clone(),
                file: file_name(&plan.source.name),
                source: plan.source.text.clone(),
                seed: options.seed.0,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
        );
        (ears, journal)
    }

    fn tap(&self, sim: &Sim) {
        sim.add_tap(self.watch.clone());
        if let Some(carried) = &self.carried {
            sim.add_tap(carried.clone());
        }
    }

    /// The world is made: what the file says happens in it.
    fn conduct(
        self,
        sim: Sim,
        world: World,
        plan: &Plan,
        case: &Case,
        options: &Options,
    ) -> Result<Outcome, Broken> {
        sim.record(What::World(world.told()));
        sim.record(What::SetUpDone);
        let runner = Runner {
            zero: sim.now(),
            sim,
            plan,
            case,
            options,
            world,
            memory: self.memory,
            watch: self.watch,
            started: RefCell::default(),
            sessions: RefCell::default(),
            secrets: RefCell::default(),
            kept: RefCell::default(),
            carried: self.carried.unwrap_or_default(),
        };
        runner.run()
    }
}

impl Runner<'_> {
    fn run(self) -> Result<Outcome, Broken> {
        let mut bindings = Bindings::new(self.case.vars.clone());
        let place = Place::default();
        let cut = self.sim.run(async {
            let flow = self.steps(&self.case.steps, &place, &mut bindings).await;
            if flow == Flow::Stop {
                // What a failed step left broken must not fail what comes after all.
                drop(self.sim.heal_all());
            }
            self.steps(&self.case.finally, &place, &mut bindings).await;
        });
        verdict::conclude(&self, cut)
    }

    fn interrupted(&self) -> bool {
        (self.options.interrupted)()
    }
}

fn config(case: &Case, options: &Options) -> SimConfig {
    let world = &case.world;
    let home = setup::home(world).expect("the file was checked: a world has a Region");
    let seed = world.seed.map_or(options.seed, RunSeed);
    SimConfig {
        seed,
        world: seed,
        regions: world.regions.clone(),
        home,
        links: links(world),
        accounts: setup::accounts(world, seed),
        settings: Settings {
            directory_delay: Span::from(world.iam_propagation).0,
            quotas: setup::quotas(world),
            table_lags: setup::table_lags(world),
            ..Settings::default()
        },
        budget: options.budget,
    }
}

fn links(world: &WorldPlan) -> BTreeMap<(RegionName, RegionName), Link> {
    let mut links = BTreeMap::new();
    for plan in &world.links {
        let (one, other) = &plan.between;
        let bandwidth = plan
            .bandwidth
            .as_deref()
            .and_then(quantity::bits_per_second);
        let usual = crate::network::distances::default_link(one, other);
        let link = Link {
            latency: plan.latency.into(),
            jitter: plan.jitter.map_or(Span::ZERO, Into::into),
            bandwidth: bandwidth.map_or(usual.bandwidth, Bandwidth),
        };
        links.insert((one.clone(), other.clone()), link);
        links.insert((other.clone(), one.clone()), link);
    }
    links
}
