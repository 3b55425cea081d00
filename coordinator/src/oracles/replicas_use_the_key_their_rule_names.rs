//! Each object that arrived by replication is sealed under the key that its rule names.
//!
//! It learns the rules from the trail, and what a replica is sealed under from the Region that
//! wrote it. A replica under a KMS key must have the key of a rule that was in force at or
//! after its put; one without a KMS key must not come from an object that was put under one.
//!
//! It cannot see objects that never arrive, and which of several matching rules S3 had read
//! when rules change while objects are under way. Rules whose key is an alias, rules by tags,
//! and objects without a put in the trail are counted as unclear.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// See the module.
pub(super) struct ReplicasUseTheKeyTheirRuleNames {
    bucket: Option<String>,
    /// Source bucket, rules and the line that set them, in order.
    rules: BTreeMap<String, Vec<(u64, Vec<Rule>)>>,
    /// Source bucket and key: line of the first put, and what puts asked for.
    puts: BTreeMap<(String, String), (u64, BTreeSet<String>)>,
    replicas: Vec<Replica>,
}

#[derive(Clone)]
struct Rule {
    prefix: String,
    tagged: bool,
    priority: i64,
    to: String,
    key: String,
}

struct Replica {
    bucket: String,
    key: String,
    encryption: String,
    n: u64,
}

/// What came of one replica.
enum Judged {
    Right,
    Unclear,
    Wrong(String),
}

impl ReplicasUseTheKeyTheirRuleNames {
    pub fn new(bucket: Option<String>) -> Self {
        Self {
            bucket,
            rules: BTreeMap::new(),
            puts: BTreeMap::new(),
            replicas: Vec::new(),
        }
    }

    fn trail(&mut self, line: &Value, n: u64) {
        let copy = line["recipientAccountId"] != line["account"];
        if line.get("errorCode").is_some() || copy {
            return;
        }
        let asked = &line["requestParameters"];
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        match line["eventName"].as_str().unwrap_or_default() {
            "PutBucketReplication" => {
                let rules = asked["replicationConfiguration"]["rules"].as_array();
                let rules = rules.into_iter().flatten().filter_map(rule).collect();
                self.rules
                    .entry(text("bucket"))
                    .or_default()
                    .push((n, rules));
            }
            "PutObject" | "CreateMultipartUpload" | "CopyObject" => {
                let put = self.puts.entry((text("bucket"), text("key")));
                let (_, asked) = put.or_insert_with(|| (n, BTreeSet::new()));
                asked.insert(text("serverSideEncryption"));
            }
            _ => {}
        }
    }

    /// Rules that may have brought the replica, best first in each set that was in force.
    fn candidates(&self, replica: &Replica) -> Vec<(String, Vec<Rule>)> {
        let mut found = Vec::new();
        for (source, sets) in &self.rules {
            let object = (source.clone(), replica.key.clone());
            let put = self.puts.get(&object).map_or(0, |(n, _)| *n);
            let current = sets.iter().rposition(|(n, _)| *n <= put).unwrap_or(0);
            for (n, rules) in sets.iter().skip(current) {
                if *n > replica.n {
                    continue;
                }
                let mut fitting: Vec<Rule> = rules
                    .iter()
                    .filter(|rule| {
                        rule.to == replica.bucket && replica.key.starts_with(&rule.prefix)
                    })
                    .cloned()
                    .collect();
                fitting.sort_by_key(|rule| -rule.priority);
                if !fitting.is_empty() {
                    found.push((source.clone(), fitting));
                }
            }
        }
        found
    }

    fn judge(&self, replica: &Replica, sets: &[(String, Vec<Rule>)]) -> Judged {
        let Replica {
            bucket,
            key,
            encryption,
            ..
        } = replica;
        if !encryption.starts_with("arn:aws:kms:") {
            let asked: BTreeSet<&str> = sets
                .iter()
                .filter_map(|(source, _)| self.puts.get(&(source.clone(), key.clone())))
                .flat_map(|(_, asked)| asked.iter().map(String::as_str))
                .collect();
            let kms = asked
                .iter()
                .filter(|how| how.starts_with("aws:kms"))
                .count();
            return match (encryption.as_str(), kms, asked.len()) {
                ("none", ..) => Judged::Unclear, // a delete marker
                (_, 0, 1..) => Judged::Right,
                (_, kms, all) if kms == all && all > 0 => Judged::Wrong(format!(
                    "{key} was put under a KMS key, and its replica in {bucket} is under {encryption}"
                )),
                _ => Judged::Unclear,
            };
        }
        let mut unclear = false;
        let mut named = BTreeSet::new();
        for (_, rules) in sets {
            for rule in rules {
                if same_key(&rule.key, encryption) {
                    return Judged::Right;
                }
                unclear |= rule.key.contains("alias/");
                named.insert(rule.key.as_str());
                // A rule by tags may not fit; then the next one counts.
                if !rule.tagged {
                    break;
                }
            }
        }
        if unclear {
            return Judged::Unclear;
        }
        let named: Vec<&str> = named.into_iter().collect();
        Judged::Wrong(format!(
            "the replica of {key} in {bucket} is under {encryption}, and its rule names {}",
            named.join(" or ")
        ))
    }
}

fn rule(value: &Value) -> Option<Rule> {
    if value["status"] != "Enabled" {
        return None;
    }
    let filter = &value["filter"];
    let prefixes = [
        &filter["and"]["prefix"],
        &filter["prefix"],
        &value["prefix"],
    ];
    let prefix = prefixes.into_iter().find_map(Value::as_str);
    let destination = &value["destination"];
    let to = destination["bucket"].as_str().unwrap_or_default();
    let key = &destination["encryptionConfiguration"]["replicaKmsKeyID"];
    Some(Rule {
        prefix: prefix.unwrap_or_default().to_owned(),
        tagged: filter.get("tag").is_some() || filter["and"].get("tags").is_some(),
        priority: value["priority"].as_i64().unwrap_or_default(),
        to: to.rsplit(':').next().unwrap_or(to).to_owned(),
        key: key.as_str().unwrap_or_default().to_owned(),
    })
}

/// A rule may name a key by its id alone.
fn same_key(named: &str, arn: &str) -> bool {
    !named.is_empty() && (named == arn || arn.ends_with(&format!(":key/{named}")))
}

impl Oracle for ReplicasUseTheKeyTheirRuleNames {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Audit { event: line, .. } => self.trail(line, event.n),
            What::Note { note, fields, .. } if note == "replica_written" => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                self.replicas.push(Replica {
                    bucket: field("bucket"),
                    key: field("key"),
                    encryption: field("encryption"),
                    n: event.n,
                });
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        let (mut right, mut unclear) = (0, 0);
        for replica in &self.replicas {
            let mut sets = self.candidates(replica);
            if let Some(bucket) = &self.bucket {
                sets.retain(|(source, _)| source == bucket);
                if sets.is_empty() {
                    continue;
                }
            }
            if sets.is_empty() {
                let Replica { bucket, key, .. } = replica;
                let because = format!("{key} arrived in {bucket}, and no rule sends it there");
                return Finding::violated(because, [replica.n]);
            }
            match self.judge(replica, &sets) {
                Judged::Right => right += 1,
                Judged::Unclear => unclear += 1,
                Judged::Wrong(because) => return Finding::violated(because, [replica.n]),
            }
        }
        match (right, unclear) {
            (0, 0) => Finding::unknown("no object arrived by replication"),
            (0, unclear) => Finding::unknown(format!("none of {unclear} replicas could be judged")),
            (right, 0) => Finding::measured(right, ""),
            (right, unclear) => Finding::Holds {
                measured: right,
                but: format!("{unclear} more replicas could not be judged"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{ACCOUNT, Doctored, key_arn, unknown, violated};

    fn run() -> Doctored {
        let mut run = Doctored::new("replicas_use_the_key_their_rule_names", json!({}));
        let rules = json!([
            { "status": "Enabled", "priority": 1, "filter": { "prefix": "cards/" }, "destination": {
                "bucket": "arn:aws:s3:::copy",
                "encryptionConfiguration": { "replicaKmsKeyID": key_arn("us-east-1") } } },
            { "status": "Enabled", "priority": 2, "filter": { "prefix": "notes/" }, "destination": {
                "bucket": "arn:aws:s3:::copy", "encryptionConfiguration": { "replicaKmsKeyID": "alias/x" } } },
        ]);
        audit(
            &mut run,
            "PutBucketReplication",
            json!({ "bucket": "photos", "replicationConfiguration": { "rules": rules } }),
        );
        run
    }

    fn audit(run: &mut Doctored, name: &str, asked: serde_json::Value) {
        run.audit(
            json!({ "eventName": name, "account": ACCOUNT, "recipientAccountId": ACCOUNT,
            "requestParameters": asked }),
        );
    }

    fn put(run: &mut Doctored, key: &str, how: &str) {
        let asked = json!({ "bucket": "photos", "key": key, "serverSideEncryption": how });
        audit(run, "PutObject", asked);
    }

    fn arrives(run: &mut Doctored, key: &str, encryption: &str) -> u64 {
        let fields = [("bucket", "copy"), ("key", key), ("encryption", encryption)];
        run.note("us-east-1", "replica_written", &fields)
    }

    #[test]
    fn the_key_of_the_rule_holds_and_so_does_no_kms_for_no_kms() {
        let mut run = run();
        put(&mut run, "cards/1", "aws:kms");
        arrives(&mut run, "cards/1", &key_arn("us-east-1"));
        put(&mut run, "cards/2", "AES256");
        arrives(&mut run, "cards/2", "AES256");
        run.holds(2);
    }

    #[test]
    fn another_key_no_key_and_no_rule_violate() {
        for (key, encryption) in [
            ("cards/1", key_arn("eu-west-1")),
            ("cards/1", "AES256".to_owned()),
            ("other/1", key_arn("us-east-1")),
        ] {
            let mut run = run();
            put(&mut run, key, "aws:kms");
            let at = arrives(&mut run, key, &encryption);
            assert_eq!(violated(run.finding()).1, [at]);
        }
    }

    #[test]
    fn nothing_that_arrives_and_keys_by_alias_are_unknown() {
        let mut run = run();
        unknown(run.finding());
        put(&mut run, "notes/1", "aws:kms");
        arrives(&mut run, "notes/1", &key_arn("us-east-1"));
        unknown(run.finding());
    }
}
