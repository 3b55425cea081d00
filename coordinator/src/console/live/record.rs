//! What was done to a live world while the console was open, and it as a scenario.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::acts::{self, Act, Fault};
use super::super::dial::{Load, MOST, Target, Wish};
use crate::clock::Span;
use crate::live::as_scenario::as_scenario;
use crate::live::trouble::Active;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::emit;
use crate::scenario::load;
use crate::scenario::source::Source;

/// See the module.
#[derive(Debug, Default)]
pub struct Record(Vec<Done>);

/// Something that was done, from when to when, microseconds.
#[derive(Debug)]
struct Done {
    what: What,
    from: u64,
    until: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Fault(Active),
    Load(Wish),
}

/// Before the first thing that was done.
const PAUSE: u64 = 1_000_000;

impl Record {
    /// How many things were done.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the faults that are in force now, whoever started them.
    pub fn faults(&mut self, now: u64, faults: &[Active]) {
        self.now(now, |what| match what {
            What::Fault(fault) => faults.contains(fault),
            What::Load(_) => true,
        });
        for fault in faults {
            self.begins(now, What::Fault(fault.clone()));
        }
    }

    /// Takes how the dial stands now.
    pub fn dial(&mut self, now: u64, wish: Option<&Wish>) {
        self.now(now, |what| match what {
            What::Fault(_) => true,
            What::Load(load) => Some(load) == wish,
        });
        if let Some(wish) = wish {
            self.begins(now, What::Load(wish.clone()));
        }
    }

    fn now(&mut self, now: u64, goes_on: impl Fn(&What) -> bool) {
        let standing = self.0.iter_mut().filter(|it| it.until.is_none());
        for it in standing.filter(|it| !goes_on(&it.what)) {
            it.until = Some(now);
        }
    }

    fn begins(&mut self, now: u64, what: What) {
        let known = |it: &Done| it.until.is_none() && it.what == what;
        if !self.0.iter().any(known) {
            self.0.push(Done {
                what,
                from: now,
                until: None,
            });
        }
    }

    /// All of it as a scenario of the world's file, which passes `faultline check`. What is not
    /// over yet lasts until `now`.
    ///
    /// # Errors
    /// What keeps it from being one, for people.
    pub fn scenario(
        &self,
        now: u64,
        source: &Arc<Source>,
        targets: &[Target],
        keys: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        let first = self.0.iter().map(|it| it.from).min().unwrap_or(now);
        let (mut done, mut left_out) = (Vec::new(), String::new());
        for it in &self.0 {
            let at = it.from - first + PAUSE;
            let lasts = it.until.unwrap_or(now).saturating_sub(it.from).max(1_000);
            // What people did is not worth microseconds.
            let (at, lasts) = (at / 1_000 * 1_000, lasts / 1_000 * 1_000);
            match &it.what {
                What::Fault(fault) => match as_scenario(fault, keys) {
                    Ok(entry) => done.push(Act::Fault(Fault {
                        at,
                        lasts,
                        fault: emit::file(&[entry]).trim_end().to_owned(),
                    })),
                    Err(why) => {
                        let _ = writeln!(left_out, "# Left out: fault {fault}: {why}.");
                    }
                },
                What::Load(wish) => {
                    let rate = u64::from(wish.writes) + u64::from(wish.reads);
                    let most = MOST * 1_000_000 / rate.max(1);
                    if lasts > most {
                        let (was, kept) = (Span(lasts), Span(most));
                        let _ = writeln!(
                            left_out,
                            "# Left out: the dial at {rate} requests a second after {kept} of {was}: {MOST} requests are the most."
                        );
                    }
                    done.push(Act::Load(Load {
                        at,
                        lasts: lasts.min(most),
                        load: wish.clone(),
                    }));
                }
            }
        }
        let text = acts::alone(source, targets, &done, "What was done to a live world")?;
        let text = format!("{left_out}{text}");
        let written = Source::new("what was done", text.clone());
        load(&written)
            .map(|_| text)
            .map_err(|found| render(&written, &found, Format::Human(false)))
    }
}
