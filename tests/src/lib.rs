//! What the end-to-end proofs under `tests/tests/` share.
//!
//! - [`shipped`]: the scenario files of the project.
//! - [`runs`]: one case over a transport, and what came of it.
//! - [`collector`]: an OpenTelemetry collector that keeps what it is sent.
//! - [`driven`]: a node driven by hand.
//! - [`mortal`]: Regions that die again and again. [`overheard`]: all bytes that pass.
//! - [`nonces`]: sealed blobs among those bytes, and whether a nonce recurs.
//! - [`wire`]: one live node as a process, asked over AWS's wire.
//! - [`program`]: the `faultline` program, for what only processes can show.
//!
//! Proofs go over many files and tell all that is wrong at once: see [`Findings`].

pub mod collector;
pub mod driven;
pub mod mortal;
pub mod nonces;
pub mod overheard;
pub mod program;
pub mod runs;
pub mod shipped;
pub mod wire;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What is wrong, gathered so that one failure does not hide the next.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Something is wrong.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Something is wrong unless `holds`.
    pub fn check(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.add(problem());
        }
    }

    /// What `proof` finds wrong with each of many, on all processors, told in their order.
    ///
    /// # Panics
    /// When a proof does.
    pub fn over<T: Sync>(many: &[T], proof: impl Fn(&T, &mut Self) + Sync) -> Self {
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut found = BTreeMap::new();
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = many.get(nth) else {
                    return found;
                };
                let mut here = Self::default();
                proof(one, &mut here);
                found.insert(nth, here.0);
            }
        };
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let found: BTreeMap<_, _> = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .flat_map(|it| it.join().expect("a proof panicked"))
                .collect()
        });
        Self(found.into_values().flatten().collect())
    }

    /// Ends a proof.
    ///
    /// # Panics
    /// When anything is wrong.
    pub fn assert_none(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}
