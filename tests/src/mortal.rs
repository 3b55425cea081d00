//! Regions that die again and again, and nobody notices.
//!
//! [`Mortal`] ends a Region's process at a step that it chooses, starts it again over what
//! its store holds, and offers the step to the new process. The simulator sees one
//! Region that goes on; only its step numbers differ, which are never used twice. So a
//! scenario must come to the same verdict, whatever was under way when the process died.

use std::collections::BTreeMap;

use faultline::transport::{StepError, Transport, TransportError};
use faultline_proto::driving::step::Input;
use faultline_proto::driving::{Crash, Reply, Step};
use faultline_proto::names::RegionName;

/// How a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// By SIGKILL, before it hears of the step.
    Killed,
    /// With the step taken and nothing of it kept.
    BeforeCommit,
}

/// What a Region's process must be told again.
#[derive(Debug, Default)]
struct Life {
    /// Steps that the simulator knows nothing of.
    ahead: u64,
    start: Option<Step>,
    set_faults: Option<Step>,
}

/// Hears of each new process.
type Told = Box<dyn FnMut(&RegionName, u64)>;

/// See the module.
pub struct Mortal<T, F> {
    inner: T,
    /// Whether and how the process dies at this step.
    dies: F,
    lives: BTreeMap<RegionName, Life>,
    /// What was told about each new process: envelopes that nobody had acknowledged.
    told: Told,
}

impl<T, F> Mortal<T, F>
where
    T: Transport,
    F: FnMut(&RegionName, &Step) -> Option<Death>,
{
    /// Processes of `inner` that die when `dies` says so; `told` hears of each new one how
    /// many envelopes it still has to deliver.
    pub fn new(inner: T, dies: F, told: impl FnMut(&RegionName, u64) + 'static) -> Self {
        Self {
            inner,
            dies,
            lives: BTreeMap::new(),
            told: Box::new(told),
        }
    }

    /// A step with its number moved on; the reply with it moved back.
    fn offer(&mut self, region: &RegionName, mut step: Step) -> Result<Reply, StepError> {
        let ahead = self.lives.get(region).map_or(0, |life| life.ahead);
        let id = step.id;
        step.id += ahead;
        let mut reply = self.inner.step(region, step)?;
        reply.step = id;
        Ok(reply)
    }

    /// Kills the process and starts the next. What it says at once belongs to the next reply.
    fn reborn(
        &mut self,
        region: &RegionName,
        step: &Step,
        death: Death,
    ) -> Result<Option<Reply>, StepError> {
        let id = step.id;
        let life = self.lives.entry(region.clone()).or_default();
        // Time is that of the step at which the process died.
        let now = |told: &Step| Step {
            elapsed: step.elapsed,
            wall: step.wall,
            ..told.clone()
        };
        let set_faults = life.set_faults.as_ref().map(now);
        let Some(start) = life.start.as_ref().map(now) else {
            return Ok(None);
        };
        if death == Death::BeforeCommit {
            let mut last = step.clone();
            last.set_crash(Crash::BeforeCommit);
            match self.offer(region, last) {
                Err(StepError::Died(_)) => self.one_more(region),
                Err(broken) => return Err(broken),
                Ok(_) => return Err(TransportError::new(region, "it did not crash").into()),
            }
        } else {
            self.inner.kill(region)?;
        }
        self.inner.start(region)?;
        let mut first = self.offer(region, Step { id, ..start })?;
        self.one_more(region);
        if let Some(set_faults) = set_faults {
            let more = self.offer(region, Step { id, ..set_faults })?;
            self.one_more(region);
            merge(&mut first, more);
        }
        let unacknowledged = first.started.take().unwrap_or_default().unacknowledged;
        (self.told)(region, unacknowledged);
        Ok(Some(first))
    }

    fn one_more(&mut self, region: &RegionName) {
        if let Some(life) = self.lives.get_mut(region) {
            life.ahead += 1;
        }
    }
}

/// Puts what `later` says behind what `reply` says.
fn merge(reply: &mut Reply, later: Reply) {
    reply.completed.extend(later.completed);
    reply.outbox.extend(later.outbox);
    reply.audit.extend(later.audit);
    reply.notes.extend(later.notes);
    reply.body.extend(later.body);
    reply.wake = later.wake;
    reply.look = later.look;
}

impl<T, F> Transport for Mortal<T, F>
where
    T: Transport,
    F: FnMut(&RegionName, &Step) -> Option<Death>,
{
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.inner.start(region)
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let life = self.lives.entry(region.clone()).or_default();
        match &step.input {
            Some(Input::Start(_)) => {
                life.start = Some(step.clone());
                life.set_faults = None;
                return self.offer(region, step);
            }
            Some(Input::SetFaults(_)) => life.set_faults = Some(step.clone()),
            _ => {}
        }
        let first = match (self.dies)(region, &step) {
            Some(death) => self.reborn(region, &step, death)?,
            None => None,
        };
        let reply = self.offer(region, step)?;
        let Some(mut first) = first else {
            return Ok(reply);
        };
        first.step = reply.step;
        merge(&mut first, reply);
        Ok(first)
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.inner.kill(region)
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.inner.stop(region)
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        self.inner.rows_at_rest(region, visit)
    }
}
