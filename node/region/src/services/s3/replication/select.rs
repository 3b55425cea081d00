//! Which rules send an object, and in words why others do not.
//!
//! Rules with different destinations all apply; among rules with one destination the highest
//! priority wins (S3-012), and only then is asked whether the winner opts in: a KMS object under
//! a winner that does not is not replicated (S3-043), whatever a lesser rule says.

use std::collections::BTreeMap;

use faultline_proto::s3;
use prost::Message as _;

use super::validate::{is_v2, markers_enabled};
use crate::services::s3::keyspaces::{BucketRow, EncryptionRow, ObjectRow};

/// The bucket that an ARN names.
#[must_use]
pub fn bucket_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:s3:::")
        .filter(|name| !name.is_empty() && !name.contains(['/', ':']))
}

/// The bucket that a rule's destination ARN names.
#[must_use]
pub fn destination(rule: &s3::ReplicationRule) -> Option<&str> {
    bucket_of(rule.destination.as_ref()?.bucket())
}

/// The configuration of a bucket.
#[must_use]
pub fn of(bucket: &BucketRow) -> Option<s3::ReplicationConfiguration> {
    bucket
        .replication
        .as_deref()
        .and_then(|bytes| s3::ReplicationConfiguration::decode(bytes).ok())
}

/// Whether a rule lets objects under KMS pass (S3-043).
#[must_use]
pub fn opts_in(rule: &s3::ReplicationRule) -> bool {
    rule.source_selection_criteria
        .as_ref()
        .and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref())
        .is_some_and(|opted| opted.status() == "Enabled")
}

/// Whether a rule sends changes that were made on replicas (S3-087).
#[must_use]
pub fn sends_modifications(rule: &s3::ReplicationRule) -> bool {
    rule.source_selection_criteria
        .as_ref()
        .and_then(|criteria| criteria.replica_modifications.as_ref())
        .is_some_and(|opted| opted.status() == "Enabled")
}

/// Whether a rule has Replication Time Control.
#[must_use]
pub fn is_timed(rule: &s3::ReplicationRule) -> bool {
    let target = rule.destination.as_ref();
    target
        .and_then(|target| target.replication_time.as_ref())
        .is_some_and(|time| time.status() == "Enabled")
}

/// Whether a rule has metrics, and so events (S3-083).
#[must_use]
pub fn is_tracked(rule: &s3::ReplicationRule) -> bool {
    let target = rule.destination.as_ref();
    target
        .and_then(|target| target.metrics.as_ref())
        .is_some_and(|metrics| metrics.status() == "Enabled")
}

/// Whether KMS has a hand in an object's key.
#[must_use]
pub fn under_kms(encryption: &EncryptionRow) -> bool {
    matches!(
        encryption,
        EncryptionRow::SseKms { .. } | EncryptionRow::Dsse { .. }
    )
}

/// What a rule sees of a version.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Object key.
    pub key: &'a str,
    /// The object; `None` for a delete marker.
    pub object: Option<&'a ObjectRow>,
}

/// The rules that send it, one a destination.
#[must_use]
pub fn that_fit(config: &s3::ReplicationConfiguration, seen: Seen<'_>) -> Vec<s3::ReplicationRule> {
    winners(config, seen)
        .into_values()
        .filter(|rule| refused(rule, seen).is_none())
        .cloned()
        .collect()
}

/// The rule that decides for each destination.
fn winners<'c>(
    config: &'c s3::ReplicationConfiguration,
    seen: Seen<'_>,
) -> BTreeMap<&'c str, &'c s3::ReplicationRule> {
    let mut chosen: BTreeMap<&str, &s3::ReplicationRule> = BTreeMap::new();
    for rule in &config.rules {
        let Some(target) = destination(rule) else {
            continue;
        };
        if rule.status() != "Enabled" || unfit(rule, seen).is_some() {
            continue;
        }
        let better = chosen
            .get(target)
            .is_none_or(|known| rule.priority() > known.priority());
        if better {
            chosen.insert(target, rule);
        }
    }
    chosen
}

/// Why the deciding rule does not send it.
fn refused(rule: &s3::ReplicationRule, seen: Seen<'_>) -> Option<&'static str> {
    match seen.object {
        Some(object) if under_kms(&object.encryption) && !opts_in(rule) => {
            Some("does not opt in to objects under KMS (S3-043)")
        }
        // V1 sends every delete marker that a user made (S3-056).
        None if is_v2(rule) && !markers_enabled(rule) => {
            Some("does not replicate delete markers (S3-056)")
        }
        _ => None,
    }
}

/// Why a rule's filter leaves it out.
fn unfit(rule: &s3::ReplicationRule, seen: Seen<'_>) -> Option<String> {
    let (prefix, tags) = match &rule.filter {
        None => (rule.prefix(), Vec::new()),
        Some(filter) => match &filter.and {
            Some(and) => (and.prefix(), and.tags.iter().collect()),
            None => (filter.prefix(), filter.tag.iter().collect()),
        },
    };
    if !seen.key.starts_with(prefix) {
        return Some(format!("its prefix is '{prefix}'"));
    }
    // Tags count as the put brought them (S3-058).
    let has = |tag: &&s3::Tag| {
        seen.object.is_some_and(|object| {
            object.tags.get(tag.key()).map(String::as_str) == Some(tag.value())
        })
    };
    let missing = tags.into_iter().find(|tag| !has(tag))?;
    Some(format!(
        "it wants the tag {}={}",
        missing.key(),
        missing.value()
    ))
}

/// Why nothing sends a version that no rule took: each rule with its reason.
#[must_use]
pub fn why_not(config: &s3::ReplicationConfiguration, seen: Seen<'_>) -> String {
    let chosen = winners(config, seen);
    let reasons: Vec<String> = config
        .rules
        .iter()
        .map(|rule| {
            let name = rule.id();
            if rule.status() != "Enabled" {
                return format!("rule {name} is off (S3-025)");
            }
            if let Some(why) = unfit(rule, seen) {
                return format!("rule {name} does not fit: {why}");
            }
            let winner = destination(rule).and_then(|target| chosen.get(target));
            match winner.filter(|winner| winner.id() != name) {
                Some(winner) => format!("rule {name} yields to rule {} (S3-012)", winner.id()),
                None => match refused(rule, seen) {
                    Some(why) => format!("rule {name} {why}"),
                    None => format!("rule {name} would send it today"),
                },
            }
        })
        .collect();
    reasons.join("; ")
}

/// The rule by which an owed delivery goes: the one that took it, if it is still there.
#[must_use]
pub fn rule_of<'c>(
    config: &'c s3::ReplicationConfiguration,
    id: &str,
    to: &str,
) -> Option<&'c s3::ReplicationRule> {
    config
        .rules
        .iter()
        .find(|rule| rule.id() == id && destination(rule) == Some(to))
}
