//! One case over a transport, and what came of it.

use std::cell::RefCell;
use std::rc::Rc;

use faultline::cli::jobs::Job;
use faultline::journal::{Event, Journal};
use faultline::report::{Summarizer, Summary};
use faultline::runner::{Options, Outcome, run_case};
use faultline::seed::RunSeed;
use faultline::sim::Broken;
use faultline::transport::{self, Loopback, Transport};

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// Its verdict and the digest of its journal.
    pub outcome: Outcome,
    /// The model of its reports.
    pub summary: Summary,
}

/// A job over Regions in memory.
///
/// # Errors
/// When the machinery fails.
pub fn loopback(job: &Job) -> Result<Ran, Broken> {
    over(job, Box::new(Loopback::new()))
}

/// A job over embedded nodes with stores on disk.
///
/// # Errors
/// When the machinery fails.
///
/// # Panics
/// When the system has no folder or thread left.
pub fn grpc(job: &Job) -> Result<Ran, Broken> {
    let folder = tempfile::tempdir().expect("a folder");
    over(job, transport::embedded(folder.path()).expect("a runtime"))
}

/// A job over any transport.
///
/// # Errors
/// When the machinery fails.
pub fn over(job: &Job, transport: Box<dyn Transport>) -> Result<Ran, Broken> {
    heard_by(job, job.seed, transport, |_| {})
}

/// A job with any seed, whose events somebody hears.
///
/// # Errors
/// When the machinery fails.
pub fn heard_by(
    job: &Job,
    seed: RunSeed,
    transport: Box<dyn Transport>,
    mut listener: impl FnMut(&Event) + 'static,
) -> Result<Ran, Broken> {
    let summarizer = Rc::new(RefCell::new(Summarizer::default()));
    let hears = Rc::clone(&summarizer);
    let journal = Journal::new().heard_by(move |event: &Event| {
        hears.borrow_mut().take(event);
        listener(event);
    });
    let options = Options::new(&job.name(), seed);
    let case = &job.plan.cases[job.case];
    let outcome = run_case(&job.plan, case, &options, transport, journal)?;
    let summary = summarizer.take().finish();
    Ok(Ran { outcome, summary })
}
