//! What is going to happen, in the one order in which it will.
//!
//! Events are ordered by (time, ordinal): of two at the same moment the one queued first
//! comes first. That is the whole of the simulator's scheduling.

use std::collections::BTreeMap;

use crate::clock::SimTime;

/// A place in the queue, by which an event can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When.
    pub at: SimTime,
    ordinal: u64,
}

/// Events waiting for their moment.
#[derive(Debug)]
pub struct Queue<E> {
    now: SimTime,
    next: u64,
    waiting: BTreeMap<Place, E>,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            now: SimTime::ZERO,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }
}

impl<E> Queue<E> {
    /// The present moment: that of the event taken last.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Forgets everything that waits; the present is `now`.
    pub fn begin_at(&mut self, now: SimTime) {
        *self = Self {
            now,
            ..Self::default()
        };
    }

    /// Queues `event` for `at`; for now, when that has passed.
    pub fn push(&mut self, at: SimTime, event: E) -> Place {
        let place = Place {
            at: at.max(self.now),
            ordinal: self.next,
        };
        self.next += 1;
        self.waiting.insert(place, event);
        place
    }

    /// Takes the next event and moves time to it.
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        let (place, event) = self.waiting.pop_first()?;
        self.now = place.at;
        Some((place.at, event))
    }

    /// When the next event is.
    #[must_use]
    pub fn next_at(&self) -> Option<SimTime> {
        self.waiting.first_key_value().map(|(place, _)| place.at)
    }

    /// Takes an event back, if it has not happened.
    pub fn cancel(&mut self, place: Place) -> Option<E> {
        self.waiting.remove(&place)
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_the_order_they_were_queued() {
        let mut queue = Queue::default();
        queue.push(SimTime(20), "late");
        queue.push(SimTime(10), "first");
        queue.push(SimTime(10), "second");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(
            order,
            [
                (SimTime(10), "first"),
                (SimTime(10), "second"),
                (SimTime(20), "late")
            ]
        );
        assert_eq!(queue.now(), SimTime(20));
    }

    #[test]
    fn the_past_is_now() {
        let mut queue = Queue::default();
        queue.push(SimTime(20), "a");
        queue.pop();
        queue.push(SimTime(5), "b");
        assert_eq!(queue.pop(), Some((SimTime(20), "b")));
    }

    #[test]
    fn what_was_taken_back_does_not_happen() {
        let mut queue = Queue::default();
        let place = queue.push(SimTime(1), "a");
        assert_eq!(queue.cancel(place), Some("a"));
        assert_eq!(queue.cancel(place), None);
        assert!(queue.is_empty());
    }
}
