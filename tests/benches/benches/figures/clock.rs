//! Wall time and processor time since a moment.

use std::time::{Duration, Instant};

/// A moment.
pub struct Clock {
    wall: Instant,
    processor: Duration,
}

/// What has passed since.
#[derive(Clone, Copy)]
pub struct Passed {
    /// By the wall clock.
    pub wall: Duration,
    /// Of processors, by all threads of this process and by children that have ended.
    pub processor: Duration,
}

impl Clock {
    /// Now.
    pub fn start() -> Self {
        Self {
            processor: processor(),
            wall: Instant::now(),
        }
    }

    /// Since then.
    pub fn passed(&self) -> Passed {
        let wall = self.wall.elapsed();
        Passed {
            wall,
            processor: processor().saturating_sub(self.processor),
        }
    }
}

/// User and system time of this process and of its ended children.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells of processes");
    let (_, after_name) = stat.rsplit_once(')').expect("a process has a name");
    // Fields 14 to 17 of proc(5), in ticks of 10 ms; the name is field 2.
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Most memory that a process ever had resident, in MiB.
pub fn peak_memory(process: &str) -> f64 {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(path).expect("the process lives");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("Linux tells of memory");
    let kib: f64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("kibibytes");
    kib / 1024.0
}
