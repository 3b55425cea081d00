//! Regions that are a closure each: the simulator's tests say what they reply.

use std::collections::BTreeMap;

use faultline_proto::driving::{Crash, Reply, Step};
use faultline_proto::names::RegionName;

use super::{StepError, Transport, TransportError};

type Script = Box<dyn FnMut(&Step) -> Reply>;

/// A closure for each Region.
#[derive(Default)]
pub struct Scripted {
    scripts: BTreeMap<RegionName, Script>,
    alive: BTreeMap<RegionName, bool>,
}

impl Scripted {
    /// `region` replies what `script` says.
    pub fn with(
        mut self,
        region: &RegionName,
        script: impl FnMut(&Step) -> Reply + 'static,
    ) -> Self {
        self.scripts.insert(region.clone(), Box::new(script));
        self
    }
}

impl Transport for Scripted {
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.alive.insert(region.clone(), true);
        Ok(())
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        if self.alive.get(region) != Some(&true) {
            return Err(TransportError::new(region, "its node is not running").into());
        }
        if step.crash() == Crash::BeforeCommit {
            self.alive.insert(region.clone(), false);
            return Err(StepError::Died(region.clone()));
        }
        let script = self
            .scripts
            .get_mut(region)
            .ok_or_else(|| TransportError::new(region, "no script"))?;
        let reply = Reply {
            step: step.id,
            ..script(&step)
        };
        if step.crash() == Crash::AfterCommit {
            self.alive.insert(region.clone(), false);
            return Err(StepError::Died(region.clone()));
        }
        Ok(reply)
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.alive.insert(region.clone(), false);
        Ok(())
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.kill(region)
    }

    fn rows_at_rest(
        &mut self,
        _: &RegionName,
        _: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        Ok(())
    }
}
