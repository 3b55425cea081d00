//! The link layer of a live node: queues to its peers, and what faults do to them.
//!
//! What a Region sends is durable in its outbox and is sent again until it is acknowledged,
//! so this layer may lose anything: when a queue is full, when a fault says so, when the
//! connection breaks. It never holds more than [`ROOM`] envelopes a peer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use faultline_proto::driving::{Envelope, LinkTrouble, PeerStatus};
use faultline_proto::names::RegionName;
use tokio::sync::mpsc;

use super::start::random;

/// Envelopes that may wait for one peer.
const ROOM: usize = 256;

/// All links of a node. Clones are the same links.
#[derive(Debug, Clone)]
pub struct Links {
    links: Arc<BTreeMap<RegionName, Arc<Link>>>,
}

/// The link to one peer.
#[derive(Debug)]
pub(super) struct Link {
    pub peer: RegionName,
    queue: mpsc::Sender<(Instant, Envelope)>,
    trouble: Mutex<LinkTrouble>,
    state: Mutex<(&'static str, String)>,
    sent: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
}

/// What waits for one peer, each with the moment from which it may leave.
pub(super) type Queue = mpsc::Receiver<(Instant, Envelope)>;

impl Links {
    /// Links to `peers`, and the queue of each.
    pub(super) fn new(
        peers: impl IntoIterator<Item = RegionName>,
    ) -> (Self, Vec<(Arc<Link>, Queue)>) {
        let mut links = BTreeMap::new();
        let mut queues = Vec::new();
        for peer in peers {
            let (queue, waiting) = mpsc::channel(ROOM);
            let link = Arc::new(Link {
                peer: peer.clone(),
                queue,
                trouble: Mutex::default(),
                state: Mutex::new(("connecting", String::new())),
                sent: AtomicU64::new(0),
                received: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
            });
            queues.push((Arc::clone(&link), waiting));
            links.insert(peer, link);
        }
        (
            Self {
                links: Arc::new(links),
            },
            queues,
        )
    }

    /// The link to `peer`, if it is one of the world's Regions.
    pub(super) fn to(&self, peer: &str) -> Option<&Arc<Link>> {
        self.links.values().find(|link| link.peer.as_str() == peer)
    }

    /// Carries what the Region hands over to the queues of its peers, until the Region ends.
    pub(super) async fn post(self, mut outbox: mpsc::Receiver<Envelope>) {
        while let Some(envelope) = outbox.recv().await {
            if let Some(link) = self.to(&envelope.to) {
                link.post(envelope);
            }
        }
    }

    /// Replaces the trouble of every link.
    pub(super) fn set_trouble(&self, troubles: &[LinkTrouble]) {
        for link in self.links.values() {
            let mut sum = LinkTrouble::default();
            let meant = |it: &&LinkTrouble| it.peer.is_empty() || it.peer == link.peer.as_str();
            for trouble in troubles.iter().filter(meant) {
                sum.cut_out |= trouble.cut_out;
                sum.cut_in |= trouble.cut_in;
                sum.latency = sum.latency.saturating_add(trouble.latency);
                sum.jitter = sum.jitter.max(trouble.jitter);
                sum.loss_ppm = sum.loss_ppm.max(trouble.loss_ppm);
            }
            *lock(&link.trouble) = sum;
        }
    }

    /// How each link is.
    pub(super) fn status(&self) -> Vec<PeerStatus> {
        self.links.values().map(|link| link.status()).collect()
    }
}

impl Link {
    fn post(&self, envelope: Envelope) {
        let trouble = lock(&self.trouble).clone();
        let lost = trouble.cut_out
            || (trouble.loss_ppm > 0 && chance() % 1_000_000 < u64::from(trouble.loss_ppm));
        let late = trouble.latency
            + if trouble.jitter > 0 {
                chance() % (trouble.jitter + 1)
            } else {
                0
            };
        let at = Instant::now() + Duration::from_micros(late);
        if lost || self.queue.try_send((at, envelope)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a fault lets nothing leave now: also what is on its way is lost.
    pub fn cuts_out(&self) -> bool {
        lock(&self.trouble).cut_out
    }

    /// Whether a fault lets nothing in.
    pub fn cuts_in(&self) -> bool {
        lock(&self.trouble).cut_in
    }

    pub fn was_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub fn was_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub fn was_lost(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// `true` when this is news.
    pub fn is_now(&self, state: &'static str, problem: impl Into<String>) -> bool {
        let now = (state, problem.into());
        let mut was = lock(&self.state);
        let news = *was != now;
        *was = now;
        news
    }

    fn status(&self) -> PeerStatus {
        let (state, problem) = lock(&self.state).clone();
        PeerStatus {
            region: self.peer.to_string(),
            state: state.to_owned(),
            problem,
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// A number from the operating system; 0 when it has none, which loses what may be lost.
fn chance() -> u64 {
    random::<8>().map_or(0, u64::from_be_bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn virginia() -> RegionName {
        RegionName::new("us-east-1").unwrap()
    }

    fn envelope(seq: u64) -> Envelope {
        Envelope {
            to: "us-east-1".into(),
            seq,
            ..Envelope::default()
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts_instead_of_growing() {
        let (links, queues) = Links::new([virginia()]);
        let link = links.to("us-east-1").unwrap();
        for seq in 0..1000 {
            link.post(envelope(seq));
        }
        assert_eq!(queues[0].1.len(), ROOM);
        assert_eq!(link.status().dropped, 1000 - ROOM as u64);
        assert!(links.to("mars-north-1").is_none());
    }

    #[test]
    fn cuts_and_losses_take_what_leaves_and_latency_delays_it() {
        let (links, mut queues) = Links::new([virginia()]);
        let link = Arc::clone(links.to("us-east-1").unwrap());
        let cases = [
            (
                LinkTrouble {
                    cut_out: true,
                    ..LinkTrouble::default()
                },
                0,
            ),
            (
                LinkTrouble {
                    loss_ppm: 1_000_000,
                    ..LinkTrouble::default()
                },
                0,
            ),
            (
                LinkTrouble {
                    peer: "eu-west-1".into(),
                    cut_out: true,
                    ..LinkTrouble::default()
                },
                1,
            ),
            (
                LinkTrouble {
                    latency: 60_000_000,
                    ..LinkTrouble::default()
                },
                2,
            ),
        ];
        for (trouble, waiting) in cases {
            links.set_trouble(&[trouble]);
            link.post(envelope(1));
            assert_eq!(queues[0].1.len(), waiting);
        }
        let queue = &mut queues[0].1;
        let (soon, late) = (queue.try_recv().unwrap().0, queue.try_recv().unwrap().0);
        assert!(late > soon + Duration::from_secs(50));
    }
}
