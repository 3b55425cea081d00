//! What a page is made of: one run, heard event by event by all its parts.

use std::sync::Arc;

use super::conflicts::Conflicts;
use super::data::Data;
use super::denials::Denials;
use super::keys::Keys;
use super::moments::{LIMIT, Moments, Window};
use super::names::Names;
use crate::clock::SimTime;
use crate::journal::event::{Event, What};
use crate::report::summary::{Summarizer, Summary};

/// Everything that is told of one run.
#[derive(Debug)]
pub struct Page {
    /// Name of the run's folder; empty when it has none.
    pub folder: String,
    /// The model that all views share.
    pub summary: Arc<Summary>,
    /// What things are called.
    pub names: Names,
    /// Keys by Region.
    pub keys: Keys,
    /// Data by Region.
    pub data: Data,
    /// Refusals.
    pub denials: Denials,
    /// Conflicts.
    pub conflicts: Conflicts,
    /// What is drawn.
    pub moments: Moments,
    /// The part that is drawn.
    pub window: Window,
}

impl Page {
    /// Hears a whole journal.
    #[must_use]
    pub fn of(events: &[Event], folder: &str, window: Window) -> Self {
        let mut summarizer = Summarizer::default();
        let (mut names, mut keys, mut data) = (Names::default(), Keys::default(), Data::default());
        let mut denials = Denials::default();
        let mut conflicts = Conflicts::default();
        let mut moments = Moments::default();
        for event in events {
            summarizer.take(event);
            keys.take(event);
            data.take(event);
            denials.take(event);
            conflicts.take(event);
            moments.take(event);
            if let What::World(world) = &event.what {
                names.learn(world);
            }
        }
        moments.trim(window, LIMIT);
        Self {
            folder: folder.to_owned(),
            summary: Arc::new(summarizer.finish()),
            names,
            keys,
            data,
            denials,
            conflicts,
            moments,
            window,
        }
    }

    /// The part that is drawn: its first moment and its last.
    #[must_use]
    pub fn span(&self) -> (SimTime, SimTime) {
        let zero = self.summary.zero;
        let moment = |t: SimTime| SimTime(zero.0 + t.0);
        let from = self.window.from.map_or(zero, moment);
        let to = self.window.to.map_or(self.summary.end, moment);
        (from, to.min(self.summary.end).max(from))
    }

    /// Regions in the order of the file.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.summary
            .world
            .regions
            .iter()
            .map(|region| region.as_str())
    }
}
