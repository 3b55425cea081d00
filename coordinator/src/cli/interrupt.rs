//! Ctrl-C: once finishes the step and writes the report, twice ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

/// Whether somebody pressed Ctrl-C. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for the rest of the program's life.
    #[must_use]
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let heard = interrupt.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "it waits for a person, who is no part of any run"
        )]
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            // Without a handler Ctrl-C ends the program at once, as it always did.
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if heard.0.swap(true, Ordering::SeqCst) {
                        std::process::exit(i32::from(Exit::Interrupted.status()));
                    }
                    super::say("finishing this step; press Ctrl-C again to stop at once");
                }
            });
        });
        interrupt
    }

    /// Whether the run should end after this step.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// As if somebody had pressed it.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
