//! Every version that a rule takes ends COMPLETED, with the same bytes in the same place and
//! under the right kind of key, or FAILED for a cause that stands in the trail; and nothing else
//! comes to a destination.
//!
//! It reads the rules from the trail and has a model of its own of which rule takes what
//! ([`model`]). Regions tell of every version that is written to a bucket with rules, of every
//! replica and of every end. Bytes are compared by the length and, where the client's own bytes
//! passed by and the replica is not under SSE-C, by their CRC-32, which the destination tells.
//!
//! It cannot see what a Region does not tell, objects of batch jobs, and whether the bytes that a
//! Region sealed are those that it tells of: reading the replica shows that. When a process died
//! after a commit it does not judge the causes of failures: their lines may have died with it.

mod causes;
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::{Event, Outcome};
use causes::Trail;
use model::{Configs, Written};

/// Bucket, key and version.
type Version = (String, String, String);

/// See the module.
pub(super) struct ReplicationKeepsItsRules {
    bucket: Option<String>,
    pending_may: bool,
    configs: Configs,
    trail: Trail,
    written: BTreeMap<Version, Written>,
    /// What is owed: version and destination bucket, with the rule.
    owed: BTreeMap<(Version, String), Owed>,
    /// Replicas by destination bucket, key and version.
    replicas: BTreeMap<Version, Replica>,
    /// CRC-32 of the bodies that clients sent, by call.
    sending: BTreeMap<String, crc32fast::Hasher>,
    /// The same by bucket, key and version.
    sums: BTreeMap<Version, u32>,
    /// Bucket and key of puts under way.
    puts: BTreeMap<String, (String, String)>,
    /// Version and destination of what a batch job sent.
    by_batch: BTreeSet<(Version, String)>,
    /// First thing that is wrong.
    wrong: Option<(String, Vec<u64>)>,
}

struct Owed {
    n: u64,
    end: Option<Ending>,
}

/// How a delivery ended.
struct Ending {
    n: u64,
    outcome: String,
    reason: String,
}

struct Replica {
    n: u64,
    encryption: String,
    length: String,
    order: String,
    sum: Option<u32>,
}

impl ReplicationKeepsItsRules {
    pub fn new(bucket: Option<String>, pending_may: bool) -> Self {
        Self {
            bucket,
            pending_may,
            configs: Configs::default(),
            trail: Trail::default(),
            written: BTreeMap::new(),
            owed: BTreeMap::new(),
            replicas: BTreeMap::new(),
            sending: BTreeMap::new(),
            sums: BTreeMap::new(),
            puts: BTreeMap::new(),
            by_batch: BTreeSet::new(),
            wrong: None,
        }
    }

    fn note(&mut self, note: &str, fields: &BTreeMap<String, String>, n: u64) {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let version = (field("bucket"), field("key"), field("version_id"));
        match note {
            "version_written" => self.wrote(version, Written::of(fields, n)),
            "replica_written" => {
                let replica = Replica {
                    n,
                    encryption: field("encryption"),
                    length: field("length"),
                    order: field("order"),
                    sum: u32::from_str_radix(&field("crc32"), 16).ok(),
                };
                self.replicas.entry(version).or_insert(replica);
            }
            // Changes of tags and locks have no bytes.
            "replicated" if field("operation") == "OBJECT_METADATA" => {}
            "replicated" | "replication_ended" => {
                let place = (version, field("to"));
                if !field("job").is_empty() {
                    self.by_batch.insert(place);
                } else if let Some(owed) = self.owed.get_mut(&place) {
                    owed.end = Some(Ending {
                        n,
                        outcome: field("outcome"),
                        reason: field("reason"),
                    });
                }
            }
            _ => {}
        }
    }

    fn wrote(&mut self, version: Version, written: Written) {
        // A Region that starts again tells again what it has.
        if self.written.contains_key(&version) {
            return;
        }
        for to in self.configs.takers(&version.0, &version.1, &written) {
            let owed = Owed {
                n: written.n,
                end: None,
            };
            self.owed.insert((version.clone(), to), owed);
        }
        self.written.insert(version, written);
    }

    fn complain(&mut self, because: String, at: Vec<u64>) {
        self.wrong.get_or_insert((because, at));
    }

    fn judge_owed(&mut self) -> u64 {
        let owed = std::mem::take(&mut self.owed);
        let mut measured = 0;
        for (place, owed) in &owed {
            let ((bucket, key, id), to) = place;
            if self.bucket.as_ref().is_some_and(|only| only != bucket) {
                continue;
            }
            let Some(end) = &owed.end else {
                if !self.pending_may {
                    let said = format!("{key} ({id}) of {bucket} never came to {to}, nor FAILED");
                    self.complain(said, vec![owed.n]);
                }
                continue;
            };
            measured += 1;
            match (end.outcome.as_str(), end.reason.as_str()) {
                ("COMPLETED", _) => self.judge_copy(place, owed.n, end.n),
                (_, reason) => {
                    if let Some(missing) = self.trail.without_cause(reason, bucket, key, to) {
                        let said = format!("{key} of {bucket} FAILED with {reason}, and {missing}");
                        self.complain(said, vec![owed.n, end.n]);
                    }
                }
            }
        }
        self.owed = owed;
        measured
    }

    /// A delivery that is said to have arrived.
    fn judge_copy(&mut self, place: &(Version, String), put: u64, end: u64) {
        let ((bucket, key, id), to) = place;
        let at = (to.clone(), key.clone(), id.clone());
        let Some(replica) = self.replicas.get(&at) else {
            let said = format!("{key} ({id}) is COMPLETED, and no replica was written in {to}");
            return self.complain(said, vec![put, end]);
        };
        let lines = vec![put, replica.n];
        let source = &self.written[&(bucket.clone(), key.clone(), id.clone())];
        let sent = self.sums.get(&place.0);
        let said = if source.length != replica.length {
            format!(
                "has {} bytes, and {} were put",
                replica.length, source.length
            )
        } else if source.order != replica.order {
            "stands elsewhere among the versions of its key".to_owned()
        } else if kind(&source.encryption) != kind(&replica.encryption) {
            format!(
                "is under {}, and was put under {}",
                replica.encryption, source.encryption
            )
        } else if replica
            .sum
            .is_some_and(|sum| sent.is_some_and(|sent| *sent != sum))
        {
            "has other bytes than were put".to_owned()
        } else {
            return;
        };
        self.complain(format!("the replica of {key} ({id}) in {to} {said}"), lines);
    }

    /// Replicas that nothing sent.
    fn judge_strays(&mut self) {
        let sent: BTreeSet<(&str, &str, &str)> = self
            .owed
            .keys()
            .chain(&self.by_batch)
            .map(|((_, key, id), to)| (to.as_str(), key.as_str(), id.as_str()))
            .collect();
        let strays: Vec<(String, u64)> = self
            .replicas
            .iter()
            .filter(|((to, key, id), _)| !sent.contains(&(to.as_str(), key.as_str(), id.as_str())))
            .map(|((to, key, id), replica)| (format!("{key} ({id}) came to {to}"), replica.n))
            .collect();
        for (said, n) in strays {
            self.complain(format!("{said}, and no rule takes it there"), vec![n]);
        }
    }
}

/// Encryption without the key: the replica has another one, of the same kind (S3-046).
fn kind(encryption: &str) -> &str {
    if encryption.starts_with("arn:aws:kms:") {
        "KMS"
    } else {
        encryption
    }
}

impl Oracle for ReplicationKeepsItsRules {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Audit { event: line, .. } => {
                self.configs.trail(line);
                self.trail.hear(line);
            }
            What::NodeDied { point, .. } if point == "after_commit" => self.trail.tear(),
            What::Note { note, fields, .. } => self.note(note, fields, event.n),
            What::CallSent(sent) if sent.operation == "s3.PutObject" => {
                let text = |name: &str| sent.request[name].as_str().unwrap_or_default().to_owned();
                let place = (text("Bucket"), text("Key"));
                self.puts.insert(sent.call.clone(), place);
            }
            What::CallAnswered(answered) => {
                let sum = self.sending.remove(&answered.call);
                let place = self.puts.remove(&answered.call);
                if let (Some((bucket, key)), Outcome::Success { response, .. }) =
                    (place, &answered.outcome)
                {
                    let id = response["VersionId"].as_str().unwrap_or_default();
                    let sum = sum.unwrap_or_default().finalize();
                    self.sums.insert((bucket, key, id.to_owned()), sum);
                }
            }
            _ => {}
        }
    }

    fn body(&mut self, call: &str, bytes: &[u8]) {
        self.sending
            .entry(call.to_owned())
            .or_default()
            .update(bytes);
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        let measured = self.judge_owed();
        self.judge_strays();
        match self.wrong.take() {
            Some((because, at)) => Finding::violated(because, at),
            None => Finding::measured(measured, "no rule took an object"),
        }
    }
}
