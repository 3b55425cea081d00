//! The command line's way in: one job, on the stage that it is given.

use std::rc::Rc;

use super::{Options, run_case};
use crate::cli::jobs::Job;
use crate::cli::run::{Conductor, Stage};
use crate::sim::Broken;

/// Carries scenarios out as their files say.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsWritten;

impl Conductor for AsWritten {
    fn conduct(&self, job: &Job, stage: Stage) -> Result<String, Broken> {
        let interrupt = stage.interrupt;
        let options = Options {
            faults: !stage.no_faults,
            judges: !stage.live,
            interrupted: Rc::new(move || interrupt.is_raised()),
            ..Options::new(&job.name(), job.seed)
        };
        let case = &job.plan.cases[job.case];
        let outcome = run_case(&job.plan, case, &options, stage.transport, stage.journal)?;
        Ok(outcome.digest)
    }
}
