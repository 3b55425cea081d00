//! The simulator: one run's time, order and network, and the Regions behind a transport.
//!
//! A runner writes what happens as `async` code over a [`Sim`], which is a cheap handle:
//!
//! ```ignore
//! let sim = Sim::start(config, Box::new(Loopback::new()), journal)?;
//! let answer = sim.run(async {
//!     let fault = sim.begin_fault(&Fault::RegionDown(home))?;
//!     let answer = sim.call(spec).await;            // one try, as the client sees it
//!     let tries = sim.send(spec, &policy).await;    // as an SDK does: retries, tokens, MD5
//!     sim.sleep(Span::millis(400)).await;
//!     let both = join(vec![Box::pin(ireland), Box::pin(virginia)]).await;   // lanes
//!     sim.heal_fault(fault)?;
//!     answer
//! })?;
//! ```
//!
//! Virtual time goes on only while everything waits; an idle hour costs nothing. Whatever
//! happens is in the journal, in order. What only a simulator can do ([`Sim::look`],
//! [`Sim::plant`], a fault's own calls as root) takes no time and crosses no link.
//!
//! - [`answer`]: what is asked and answered. [`sdk`]: what an SDK does before the wire and
//!   between tries. [`executor`]: lanes.
//! - [`core`]: the loop over events. [`nodes`]: steps, ticks, crashes, restarts. [`call`]:
//!   what a call is; [`calls`]: its way there and back; [`closing`]: what comes of it.
//!   [`messages`]: envelopes. [`trouble`]: faults begin and heal; [`frozen`]: what waits for
//!   a process that stands still.
//! - [`standing`]: between two lives of all Regions, from where many runs can go on.
//! - [`tap`]: raw bytes for oracles, which the journal must not hold.
//!
//! Left out: steps of several Regions in flight at once; each is waited for.

pub mod answer;
mod call;
mod calls;
mod closing;
mod core;
pub mod executor;
mod frozen;
mod messages;
mod nodes;
pub mod sdk;
pub mod standing;
pub mod tap;
#[cfg(test)]
mod tests;
mod trouble;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use faultline_proto::driving::{Account, Settings};
use faultline_proto::names::{RegionName, Timestamp};

use crate::clock::{SimTime, Span};
use crate::faults::{Fault, Window};
use crate::journal::redact::Canaries;
use crate::journal::{Journal, What};
use crate::network::link::Link;
use crate::seed::RunSeed;
use crate::transport::{Transport, TransportError};
use answer::{Answer, CallSpec};
use core::{Core, Next};
use executor::{Promise, poll_once};
use tap::Tap;

pub use executor::{Lane, join};
pub use trouble::FaultRefused;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// From which all chance follows.
    pub seed: RunSeed,
    /// From which the Regions' own keys follow, whoever goes on with their stores.
    pub world: RunSeed,
    /// The Regions.
    pub regions: Vec<RegionName>,
    /// Region that owns the partition directory.
    pub home: RegionName,
    /// Links that differ from the defaults, one direction each.
    pub links: BTreeMap<(RegionName, RegionName), Link>,
    /// Accounts and the access keys of their root users.
    pub accounts: Vec<Account>,
    /// What the world tunes.
    pub settings: Settings,
    /// Virtual time after which the run is cut.
    pub budget: Option<Span>,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A node or its machinery failed: the environment's fault.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The run took more virtual time than it may.
    #[error("the run was cut after {0} of virtual time")]
    Budget(Span),
    /// Everybody waits and nothing will happen: a bug of ours.
    #[error("everything waits, and nothing is left to happen at {0}")]
    Stuck(SimTime),
    /// A Region asks for the same moment again and again: a bug of ours.
    #[error("{region} wants to be woken at {at} again and again")]
    Restless {
        /// The Region.
        region: RegionName,
        /// The moment.
        at: SimTime,
    },
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] std::io::Error),
}

/// A running simulation: a handle, cheap to clone.
#[derive(Clone)]
pub struct Sim {
    core: Rc<RefCell<Core>>,
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl Sim {
    /// Starts every Region at time zero.
    ///
    /// # Errors
    /// [`Broken`] when a Region does not come up.
    pub fn start(
        config: SimConfig,
        transport: Box<dyn Transport>,
        journal: Journal,
    ) -> Result<Self, Broken> {
        let mut core = Core::new(config, transport, journal);
        core.start_all();
        core.verdict()?;
        Ok(Self {
            core: Rc::new(RefCell::new(core)),
        })
    }

    /// Runs `future` until it is done, moving time on whenever it waits.
    ///
    /// # Errors
    /// [`Broken`] when the run cannot go on; `future` is dropped where it stands.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Broken> {
        let mut future: Pin<&mut dyn Future<Output = T>> = std::pin::pin!(future);
        loop {
            if let Poll::Ready(value) = poll_once(&mut future) {
                self.core.borrow_mut().verdict()?;
                return Ok(value);
            }
            self.core.borrow_mut().advance()?;
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.core.borrow().queue.now()
    }

    /// What the clock of `region` shows.
    #[must_use]
    pub fn wall(&self, region: &RegionName) -> Timestamp {
        self.core.borrow().wall(region)
    }

    /// The run's seed, to derive chance for purposes of the runner's own.
    #[must_use]
    pub fn seed(&self) -> RunSeed {
        self.core.borrow().config.seed
    }

    /// Writes a line of the journal and gives its number.
    pub fn record(&self, what: What) -> u64 {
        self.core.borrow_mut().record(what)
    }

    /// SHA-256 of the journal so far, and how many lines it has.
    #[must_use]
    pub fn journal_digest(&self) -> (String, u64) {
        let core = self.core.borrow();
        (core.journal.digest(), core.journal.len())
    }

    /// Names a secret, so that the journal can say which one it hides.
    pub fn add_canary(&self, name: &str, secret: &[u8]) {
        self.core.borrow_mut().canaries.add(name, secret);
    }

    /// Every secret that was named.
    #[must_use]
    pub fn canaries(&self) -> Canaries {
        self.core.borrow().canaries.clone()
    }

    /// Lets somebody see raw bytes from now on.
    pub fn add_tap(&self, tap: impl Tap + 'static) {
        self.core.borrow_mut().taps.push(Box::new(tap));
    }

    /// Waits for `span`.
    pub async fn sleep(&self, span: Span) {
        let until = self.now() + span;
        self.sleep_until(until).await;
    }

    /// Waits until `at`; not at all when that has passed.
    pub async fn sleep_until(&self, at: SimTime) {
        let (promise, comes) = Promise::new();
        self.core.borrow_mut().queue.push(at, Next::Wake(promise));
        comes.await;
    }

    /// Makes a call once, over the links, and waits for what its client sees.
    pub async fn call(&self, spec: CallSpec) -> Answer {
        let (promise, comes) = Promise::new();
        self.core.borrow_mut().open_call(spec, promise);
        comes.await
    }

    /// A fault begins now. Its number is what heals it.
    ///
    /// # Errors
    /// [`FaultRefused`] when a Region refuses what the fault does as root.
    pub fn begin_fault(&self, fault: &Fault) -> Result<u64, FaultRefused> {
        self.core.borrow_mut().begin_fault(fault)
    }

    /// A fault ends now. Nothing happens when it has ended.
    ///
    /// # Errors
    /// [`FaultRefused`] when a Region refuses to take back what the fault did as root.
    pub fn heal_fault(&self, fault: u64) -> Result<(), FaultRefused> {
        self.core.borrow_mut().heal_fault(fault)
    }

    /// A fault begins and ends at its times, whatever else happens then. A refusal is a
    /// line of the journal.
    pub fn schedule_fault(&self, fault: &Fault, window: Window) {
        self.core.borrow_mut().queue.push(
            window.from,
            Next::BeginFault(Box::new(fault.clone()), window.until),
        );
    }

    /// Ends every fault that is in force.
    ///
    /// # Errors
    /// The first [`FaultRefused`]; all are healed nevertheless.
    pub fn heal_all(&self) -> Result<(), FaultRefused> {
        let mut core = self.core.borrow_mut();
        let ids = core.faults_in_force();
        ids.into_iter()
            .map(|id| core.heal_fault(id))
            .fold(Ok(()), Result::and)
    }

    /// Whether any fault is in force.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.core.borrow().faults_in_force().is_empty()
    }

    /// Asks a Region what only a simulator can ask. The answer is JSON; an object with
    /// `error` says why there is none. A Region whose process is dead answers nothing.
    #[must_use]
    pub fn look(
        &self,
        region: &RegionName,
        what: &str,
        arguments: &serde_json::Value,
    ) -> Option<serde_json::Value> {
        self.core.borrow_mut().look(region, what, arguments)
    }

    /// Puts content that AWS has no call for into a Region. Answers as [`Sim::look`] does.
    #[must_use]
    pub fn plant(
        &self,
        region: &RegionName,
        what: &str,
        arguments: &serde_json::Value,
    ) -> Option<serde_json::Value> {
        self.core.borrow_mut().plant(region, what, arguments)
    }

    /// Whether the Region's process lives.
    #[must_use]
    pub fn is_alive(&self, region: &RegionName) -> bool {
        self.core
            .borrow()
            .nodes
            .get(region)
            .is_some_and(|node| node.alive)
    }

    /// Kills a Region's process between two steps.
    pub fn kill(&self, region: &RegionName) {
        self.core.borrow_mut().kill(region);
    }

    /// Starts a Region's process again, if it is dead.
    pub fn revive(&self, region: &RegionName) {
        self.core.borrow_mut().revive(region);
    }

    /// Stops every Region in good order: the run is over.
    ///
    /// # Errors
    /// [`Broken`] when one does not stop.
    pub fn stop_all(&self) -> Result<(), Broken> {
        self.core.borrow_mut().stop_all()
    }

    /// Shows every row that a Region's store holds at rest, after [`Sim::stop_all`].
    ///
    /// # Errors
    /// [`Broken`] when the store cannot be read.
    pub fn rows_at_rest(
        &self,
        region: &RegionName,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Broken> {
        Ok(self
            .core
            .borrow_mut()
            .transport
            .rows_at_rest(region, &mut visit)?)
    }

    /// Closes the journal.
    ///
    /// # Errors
    /// [`Broken::Journal`] when a line could not be kept.
    pub fn finish_journal(&self) -> Result<(), Broken> {
        Ok(self.core.borrow_mut().journal.finish()?)
    }
}
