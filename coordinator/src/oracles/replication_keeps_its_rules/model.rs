//! Which rules take a version: a model of S3's own rules, from what stands in the trail.

use std::collections::BTreeMap;

use serde_json::Value;

/// A version as its Region told of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Line of the journal.
    pub n: u64,
    /// `AES256`, `SSE-C`, `none` for a delete marker, or the ARN of a KMS key.
    pub encryption: String,
    /// Bytes.
    pub length: String,
    /// Place among the versions of the key.
    pub order: String,
    tags: BTreeMap<String, String>,
}

impl Written {
    pub(super) fn of(fields: &BTreeMap<String, String>, n: u64) -> Self {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let tags = field("tags");
        let pairs = tags.split('\n').filter_map(|pair| pair.split_once('='));
        Self {
            n,
            encryption: field("encryption"),
            length: field("length"),
            order: field("order"),
            tags: pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// A rule, as far as it decides who takes what.
#[derive(Debug, Clone)]
struct Rule {
    to: String,
    prefix: String,
    tags: Vec<(String, String)>,
    priority: i64,
    takes_kms: bool,
    takes_markers: bool,
}

/// The rules in force, by bucket.
#[derive(Debug, Default)]
pub(super) struct Configs(BTreeMap<String, Vec<Rule>>);

impl Configs {
    /// Hears the trail.
    pub(super) fn trail(&mut self, line: &Value) {
        let copy = line["recipientAccountId"] != line["account"];
        if line.get("errorCode").is_some() || copy {
            return;
        }
        let asked = &line["requestParameters"];
        let bucket = asked["bucket"].as_str().unwrap_or_default().to_owned();
        match line["eventName"].as_str().unwrap_or_default() {
            "PutBucketReplication" => {
                let rules = asked["replicationConfiguration"]["rules"].as_array();
                let rules = rules.into_iter().flatten().filter_map(rule).collect();
                self.0.insert(bucket, rules);
            }
            "DeleteBucketReplication" | "DeleteBucket" => {
                self.0.remove(&bucket);
            }
            _ => {}
        }
    }

    /// The destination buckets that a version of `key` goes to.
    pub(super) fn takers(&self, bucket: &str, key: &str, written: &Written) -> Vec<String> {
        let mut best: BTreeMap<&str, &Rule> = BTreeMap::new();
        for rule in self.0.get(bucket).into_iter().flatten() {
            let tagged = rule
                .tags
                .iter()
                .all(|(key, value)| written.tags.get(key) == Some(value));
            if !key.starts_with(&rule.prefix) || !tagged {
                continue;
            }
            let known = best.get(rule.to.as_str());
            if known.is_none_or(|known| rule.priority > known.priority) {
                best.insert(&rule.to, rule);
            }
        }
        let takes = |rule: &&&Rule| match written.encryption.as_str() {
            "none" => rule.takes_markers,
            kms if kms.starts_with("arn:aws:kms:") => rule.takes_kms,
            _ => true,
        };
        best.values()
            .filter(takes)
            .map(|rule| rule.to.clone())
            .collect()
    }
}

fn rule(value: &Value) -> Option<Rule> {
    if value["status"] != "Enabled" {
        return None;
    }
    let (filter, target) = (&value["filter"], &value["destination"]);
    let prefixes = [
        &filter["and"]["prefix"],
        &filter["prefix"],
        &value["prefix"],
    ];
    let one = filter.get("tag").into_iter();
    let several = filter["and"]["tags"].as_array();
    let tags = one.chain(several.into_iter().flatten()).map(|tag| {
        let text = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
        (text("key"), text("value"))
    });
    let is_first_schema = value.get("filter").is_none() && target.get("replicationTime").is_none();
    let opted = &value["sourceSelectionCriteria"]["sseKmsEncryptedObjects"]["status"];
    let markers = &value["deleteMarkerReplication"]["status"];
    let to = target["bucket"].as_str().unwrap_or_default();
    Some(Rule {
        to: to.rsplit(':').next().unwrap_or(to).to_owned(),
        prefix: prefixes
            .into_iter()
            .find_map(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        tags: tags.collect(),
        priority: value["priority"].as_i64().unwrap_or_default(),
        takes_kms: opted == "Enabled",
        takes_markers: is_first_schema || markers == "Enabled",
    })
}
