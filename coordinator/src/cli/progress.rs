//! A bar on a terminal, for anything longer than a second.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stopwatch::Stopwatch;
use crate::journal::What;
use crate::journal::event::{Event, Judgement};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs that are over and the step that is under way. Clones share it.
#[derive(Clone)]
pub struct Progress(Rc<RefCell<State>>);

struct State {
    bar: ProgressBar,
    since: Stopwatch,
    hidden: bool,
    wanted: bool,
    name: String,
    failed: u64,
}

impl Progress {
    /// For so many runs; silent when `quiet` or when nobody watches.
    #[must_use]
    pub fn new(runs: u64, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        let wanted = !quiet && std::io::stderr().is_terminal();
        let since = Stopwatch::start();
        Self(Rc::new(RefCell::new(State {
            bar,
            since,
            hidden: true,
            wanted,
            name: String::new(),
            failed: 0,
        })))
    }

    /// Hears an event of a run.
    pub fn hear(&self, event: &Event) {
        let mut state = self.0.borrow_mut();
        match &event.what {
            What::RunStarted(run) => state.name.clone_from(&run.name),
            What::StepStarted(step) => {
                let what = if step.say.is_empty() {
                    &step.verb
                } else {
                    &step.say
                };
                let failed = if state.failed == 0 {
                    String::new()
                } else {
                    format!("{} failed, ", state.failed)
                };
                let message = format!("{failed}{}: {}", state.name, what.trim());
                state.bar.set_message(message);
                state.show();
            }
            What::Verdict(verdict) => {
                state.failed += u64::from(verdict.judgement != Judgement::Pass);
                state.bar.inc(1);
                state.show();
            }
            _ => {}
        }
    }

    /// Runs `print` without the bar in its way.
    pub fn beside(&self, print: impl FnOnce()) {
        self.0.borrow().bar.suspend(print);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.borrow().bar.finish_and_clear();
    }
}

impl State {
    fn show(&mut self) {
        if self.wanted && self.hidden && self.since.elapsed() >= PATIENCE {
            self.hidden = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}
