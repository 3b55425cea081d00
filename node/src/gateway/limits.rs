//! What one client may take: sizes, times and rates.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
            connections: 1024,
            requests_per_second: None,
            shutdown: Duration::from_secs(10),
        }
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
