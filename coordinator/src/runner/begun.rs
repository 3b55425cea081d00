//! A world that is made once and continued by many runs.
//!
//! A world with a seed of its own is the same whatever the run's seed, and its Regions stop and
//! start anew when it is made. So what the set-up left (stores, counters) and what was heard of
//! it (events, raw bytes) can be kept, and each run goes on from there. The journal of such a
//! run is byte for byte that of one that made its world itself.

use std::cell::RefCell;
use std::rc::Rc;

use faultline_proto::driving::Envelope;
use faultline_proto::names::RegionName;

use super::carried::Carried;
use super::world::World;
use super::{Options, config, setup};
use crate::clock::SimTime;
use crate::journal::event::Event;
use crate::journal::{Journal, Listener, What};
use crate::oracles::Watch;
use crate::scenario::plan::Case;
use crate::sim::answer::CallSpec;
use crate::sim::standing::Standing;
use crate::sim::tap::Tap;
use crate::sim::{Broken, Sim};
use crate::transport::{Loopback, Stores};

/// See the module.
#[derive(Debug)]
pub struct Begun {
    pub(super) world: World,
    pub(super) standing: Standing,
    pub(super) stores: Stores,
    told: Vec<Told>,
}

/// Something that was heard or seen while the world was made.
#[derive(Debug, Clone)]
enum Told {
    Event(Box<Event>, String),
    Request(String, Box<CallSpec>),
    RequestBody(String, RegionName, Vec<u8>),
    Response(String, RegionName, Vec<u8>),
    Envelope(Box<Envelope>),
}

impl Begun {
    /// Makes the world of a case in memory. `None` when it has no seed of its own, or cannot
    /// be made: a run of its own then says why.
    ///
    /// # Errors
    /// [`Broken`] when the machinery fails.
    pub fn make(case: &Case, options: &Options) -> Result<Option<Self>, Broken> {
        if case.world.seed.is_none() {
            return Ok(None);
        }
        let ear = Ear::default();
        let mut journal = Journal::new();
        // In the place of the run's own first line.
        journal.record(SimTime::ZERO, What::SetUpDone);
        let config = config(case, options);
        let (home, accounts) = (config.home.clone(), config.accounts.clone());
        let transport = Box::new(Loopback::new());
        let sim = Sim::start(config, transport, journal.heard_by(ear.clone()))?;
        sim.add_tap(ear.clone());
        let made = sim.run(setup::set_up(&sim, &case.world, home, &accounts))?;
        let Ok(world) = made else { return Ok(None) };
        sim.halt()?;
        let Some(stores) = sim.stores() else {
            return Ok(None);
        };
        let told = ear.0.take();
        Ok(Some(Self {
            world,
            standing: sim.standing(),
            stores,
            told,
        }))
    }

    /// Tells those who listen to another run what they have missed.
    pub(super) fn tell(&self, journal: &mut Journal, watch: &Watch, carried: Option<&Carried>) {
        let (mut watch, mut carried) = (watch.clone(), carried.cloned());
        for told in &self.told {
            if let Told::Event(event, line) = told {
                journal.repeat(event, line);
                continue;
            }
            told.tap(&mut watch);
            if let Some(carried) = &mut carried {
                told.tap(carried);
            }
        }
    }
}

impl Told {
    fn tap(&self, tap: &mut dyn Tap) {
        match self {
            Self::Event(..) => {}
            Self::Request(call, spec) => tap.request(call, spec),
            Self::RequestBody(call, region, bytes) => tap.request_body(call, region, bytes),
            Self::Response(call, region, bytes) => tap.response(call, region, bytes),
            Self::Envelope(envelope) => tap.envelope(envelope),
        }
    }
}

/// Keeps all that it hears and sees. Clones share it.
#[derive(Debug, Clone, Default)]
struct Ear(Rc<RefCell<Vec<Told>>>);

impl Ear {
    fn keep(&self, told: Told) {
        self.0.borrow_mut().push(told);
    }
}

impl Listener for Ear {
    fn hear(&mut self, event: &Event, line: &str) -> std::io::Result<()> {
        self.keep(Told::Event(Box::new(event.clone()), line.to_owned()));
        Ok(())
    }
}

impl Tap for Ear {
    fn request(&mut self, call: &str, spec: &CallSpec) {
        self.keep(Told::Request(call.to_owned(), Box::new(spec.clone())));
    }

    fn request_body(&mut self, call: &str, region: &RegionName, bytes: &[u8]) {
        let told = Told::RequestBody(call.to_owned(), region.clone(), bytes.to_vec());
        self.keep(told);
    }

    fn response(&mut self, call: &str, region: &RegionName, bytes: &[u8]) {
        let told = Told::Response(call.to_owned(), region.clone(), bytes.to_vec());
        self.keep(told);
    }

    fn envelope(&mut self, envelope: &Envelope) {
        self.keep(Told::Envelope(Box::new(envelope.clone())));
    }
}
