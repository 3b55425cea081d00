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

    /// Ends a proof.
    ///
    /// # Panics
    /// When anything is wrong.
    pub fn assert_none(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}
