//! What one client may take: sizes, times and rates.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits of an entrance; the defaults suit a laptop.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a JSON, query or XML request. 1 MiB.
    pub document: usize,
    /// Bytes of an object. 5 GiB, as S3's PUT.
    pub object: u64,
    /// Bytes of all headers together. 64 KiB.
    pub headers: usize,
    /// Number of headers. 128.
    pub header_count: usize,
    /// Time for the head of a request to come, from the moment its connection is idle. 60 s.
    pub head_time: Duration,
    /// Longest pause within a body. 30 s.
    pub body_pause: Duration,
    /// Bytes a second that a body must come with, and an answer go with, when the client is
    /// what is waited for. 512.
    pub slowest: u64,
    /// How long an answer may wait for its reader before its pace is judged. 30 s.
    pub write_pause: Duration,
    /// Bytes of all requests that are held in memory at once. 256 MiB.
    pub memory: u32,
    /// Connections at once; the next one waits to be accepted. 1,024.
    pub connections: usize,
    /// Requests a second over all clients; unlimited when absent.
    pub requests_per_second: Option<u32>,
    /// Time for open requests to finish when the node stops. 10 s.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document: 1 << 20,
            object: 5 << 30,
            headers: 64 << 10,
            header_count: 128,
            head_time: Duration::from_secs(60),
            body_pause: Duration::from_secs(30),
            slowest: 512,
            write_pause: Duration::from_secs(30),
            memory: 256 << 20,
            connections: 1024,
            requests_per_second: None,
            shutdown: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Bytes that must come or go in `time`; at least one.
    #[must_use]
    pub fn least_in(&self, time: Duration) -> u64 {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        (self.slowest.saturating_mul(millis) / 1000).max(1)
    }
}

/// Memory for requests, of all clients together. Clones share it.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Self(Arc::new(Semaphore::new(bytes as usize)))
    }
}

/// What one request takes of a [`Room`]; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Room,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Nothing yet.
    #[must_use]
    pub fn none(room: &Room) -> Self {
        Self {
            room: room.clone(),
            permit: None,
        }
    }

    /// Takes room for so many bytes more; false when there is none.
    #[must_use]
    pub fn take(&mut self, bytes: usize) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.room.0).try_acquire_many_owned(bytes) else {
            return false;
        };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        true
    }

    /// Bytes that are held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

/// How a body has come so far. A trickle that never pauses is refused too.
#[derive(Debug, Default)]
pub struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// So many bytes came after so long; false when that is too slow.
    #[must_use]
    pub fn keeps(&mut self, waited: Duration, bytes: usize, limits: &Limits) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        self.waited <= limits.body_pause || self.bytes >= limits.least_in(self.waited)
    }
}

/// A bucket of tokens: one second's worth, refilled as time goes.
#[derive(Debug)]
pub struct Bucket {
    per_second: f64,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            state: Mutex::new((per_second, Instant::now())),
        }
    }

    /// Takes a token; false when there is none.
    pub fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.1).as_secs_f64();
        state.0 = (state.0 + passed * self.per_second).min(self.per_second);
        state.1 = now;
        let some = state.0 >= 1.0;
        if some {
            state.0 -= 1.0;
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_and_never_overdrawn() {
        let room = Room::new(100);
        let (mut one, mut other) = (Held::none(&room), Held::none(&room));
        assert!(one.take(60) && one.take(30));
        assert!(!other.take(11), "10 are left");
        assert_eq!((one.bytes(), other.bytes()), (90, 0));
        drop(one);
        assert!(other.take(100));
        assert!(!other.take(usize::MAX));
    }

    #[test]
    fn a_pace_is_judged_once_it_had_its_time() {
        let limits = Limits {
            body_pause: Duration::from_secs(10),
            slowest: 100,
            ..Limits::default()
        };
        let mut pace = Pace::default();
        assert!(pace.keeps(Duration::from_secs(10), 1, &limits));
        assert!(!pace.keeps(Duration::from_secs(1), 1, &limits));
        let mut pace = Pace::default();
        assert!(pace.keeps(Duration::from_secs(20), 2000, &limits));
        assert!(!pace.keeps(Duration::from_secs(1), 99, &limits));
    }

    #[test]
    fn a_bucket_gives_its_rate_and_no_more() {
        let bucket = Bucket::new(2);
        let start = Instant::now();
        assert!(bucket.take_at(start) && bucket.take_at(start));
        assert!(!bucket.take_at(start));
        assert!(!bucket.take_at(start + Duration::from_millis(400)));
        assert!(bucket.take_at(start + Duration::from_millis(600)));
        let later = start + Duration::from_secs(60);
        assert!(bucket.take_at(later) && bucket.take_at(later));
        assert!(!bucket.take_at(later), "what was not used is lost");
    }
}
