//! A transport that shows all bytes which pass: what a node is asked and what it answers.

use faultline::transport::{StepError, Transport, TransportError};
use faultline_proto::driving::{Reply, Step};
use faultline_proto::names::RegionName;

/// Carries what `inner` carries, and shows each step and each reply to `ear`.
pub struct Overheard<T, F> {
    /// What carries.
    pub inner: T,
    /// Who listens: the Region, what it was asked, and what it answered if it lived.
    pub ear: F,
}

impl<T, F> Transport for Overheard<T, F>
where
    T: Transport,
    F: FnMut(&RegionName, &Step, Option<&Reply>),
{
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.inner.start(region)
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let asked = step.clone();
        let reply = self.inner.step(region, step);
        (self.ear)(region, &asked, reply.as_ref().ok());
        reply
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
