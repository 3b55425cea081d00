//! What S3 checks when a replication configuration is put, in its own words.
//!
//! It looks at the form and at the destination bucket, never at the KMS key (S3-014): a wrong key
//! shows up only as FAILED objects. Two schemas: V1 has Prefix directly under the rule; V2 has a
//! Filter, or Replication Time Control, and must have Priority and DeleteMarkerReplication
//! (S3-010).

use std::collections::BTreeSet;

use faultline_proto::names::Arn;
use faultline_proto::s3;
use prost::Message as _;

use crate::refusal::Refusal;
use crate::services::s3::error::Error;

/// Most rules in one configuration (S3-008).
const MOST_RULES: usize = 1000;
/// Most bytes of one configuration (S3-008).
const MOST_BYTES: usize = 2 << 20;
/// Classes that replicas cannot have (S3-026).
const NO_CLASSES: [&str; 6] = [
    "FSX_OPENZFS",
    "FSX_ONTAP",
    "SNOW",
    "EXPRESS_ONEZONE",
    "AWS_BACKUP_WARM",
    "AWS_BACKUP_LOW_COST_WARM",
];

fn request(words: impl Into<String>) -> Refusal {
    Refusal::new("InvalidRequest", words)
}

fn argument(words: impl Into<String>) -> Refusal {
    Refusal::new("InvalidArgument", words)
}

fn malformed() -> Refusal {
    Error::MalformedXml.into()
}

/// The schema's complaint about an element.
fn schema(element: &str, must: &str) -> Refusal {
    request(format!(
        "{element} {must} for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."
    ))
}

/// Whether a rule is of the second schema.
#[must_use]
pub fn is_v2(rule: &s3::ReplicationRule) -> bool {
    let target = rule.destination.as_ref();
    rule.filter.is_some() || target.is_some_and(|target| target.replication_time.is_some())
}

/// Checks all that can be said without asking another Region.
///
/// # Errors
/// MalformedXML, InvalidRequest, InvalidArgument.
pub fn check(source: &str, config: &s3::ReplicationConfiguration) -> Result<(), Refusal> {
    role(config.role())?;
    if config.rules.is_empty() {
        return Err(malformed());
    }
    if config.rules.len() > MOST_RULES {
        return Err(request(
            "The number of replication rules must not exceed the allowed limit of 1000 rules.",
        ));
    }
    if config.encoded_len() > MOST_BYTES {
        return Err(Refusal::new(
            "MaxMessageLengthExceeded",
            "Your request was too big.",
        ));
    }
    let v2 = config.rules.iter().all(is_v2);
    let (mut ids, mut priorities) = (BTreeSet::new(), BTreeSet::new());
    for rule in &config.rules {
        if rule.id.is_some() && !ids.insert(rule.id()) {
            return Err(argument("Rule Id must be unique"));
        }
        one(source, rule, v2)?;
        if let Some(priority) = rule.priority
            && !priorities.insert(priority)
        {
            return Err(request(format!("Found duplicate priority {priority}.")));
        }
    }
    Ok(())
}

fn role(arn: &str) -> Result<(), Refusal> {
    let parsed: Arn = arn
        .parse()
        .map_err(|_| argument("Invalid Role specified in replication configuration"))?;
    if parsed.service() != "iam" {
        return Err(argument(
            "Invalid Role specified in replication configuration",
        ));
    }
    if parsed
        .resource()
        .strip_prefix("role/")
        .is_none_or(str::is_empty)
    {
        return Err(argument("The relative id should start with role"));
    }
    Ok(())
}

fn one(source: &str, rule: &s3::ReplicationRule, v2: bool) -> Result<(), Refusal> {
    if rule.existing_object_replication.is_some() {
        // S3-017: no longer supported.
        return Err(malformed());
    }
    identifier(rule)?;
    let tagged = filter(rule)?;
    version(rule, v2)?;
    if tagged && markers_enabled(rule) {
        return Err(request(
            "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.",
        ));
    }
    let target = rule.destination.as_ref().ok_or_else(malformed)?;
    destination(source, target)?;
    encryption(rule, target)?;
    time(target)
}

fn identifier(rule: &s3::ReplicationRule) -> Result<(), Refusal> {
    if rule.id().chars().count() > 255 {
        return Err(argument("Rule Id cannot be greater than 255"));
    }
    if !rule.id().is_ascii() {
        return Err(argument("Rule Id must contain only ASCII characters"));
    }
    Ok(())
}

/// S3-010, S3-021: what each schema must and may have.
fn version(rule: &s3::ReplicationRule, v2: bool) -> Result<(), Refusal> {
    let criteria = rule.source_selection_criteria.as_ref();
    let modifications = criteria.is_some_and(|criteria| criteria.replica_modifications.is_some());
    if criteria.is_some_and(|criteria| {
        criteria.replica_modifications.is_none() && criteria.sse_kms_encrypted_objects.is_none()
    }) {
        return Err(request("SourceSelectionCriteria cannot be empty."));
    }
    if !v2 {
        let unfit = [
            ("Priority", rule.priority.is_some()),
            (
                "DeleteMarkerReplication",
                rule.delete_marker_replication.is_some(),
            ),
            ("ReplicaModifications", modifications),
        ];
        return match unfit.iter().find(|(_, is_given)| *is_given) {
            Some((element, _)) => Err(schema(element, "cannot be used")),
            None => Ok(()),
        };
    }
    match rule.priority {
        None => return Err(schema("Priority", "must be specified")),
        Some(priority) if priority < 0 => {
            return Err(request("Priority must be between 0 and 2147483647."));
        }
        Some(_) => {}
    }
    // AWS's own example of replica modification sync leaves it out (S3-010).
    if rule.delete_marker_replication.is_none() && !modifications {
        return Err(schema("DeleteMarkerReplication", "must be specified"));
    }
    Ok(())
}

/// S3-009, S3-011; answers whether tags are asked for.
fn filter(rule: &s3::ReplicationRule) -> Result<bool, Refusal> {
    let Some(filter) = &rule.filter else {
        if rule.prefix.is_none() && !is_v2(rule) {
            return Err(malformed());
        }
        prefix(rule.prefix())?;
        return Ok(false);
    };
    let given = [
        filter.prefix.is_some(),
        filter.tag.is_some(),
        filter.and.is_some(),
        rule.prefix.is_some(),
    ];
    if given.iter().filter(|is_given| **is_given).count() > 1 {
        return Err(malformed());
    }
    let Some(and) = &filter.and else {
        prefix(filter.prefix())?;
        return Ok(filter.tag.is_some());
    };
    prefix(and.prefix())?;
    if and.tags.len() + usize::from(and.prefix.is_some()) < 2 {
        return Err(malformed());
    }
    let mut names = BTreeSet::new();
    if !and.tags.iter().all(|tag| names.insert(tag.key())) {
        return Err(request("Duplicate Tag Keys are not allowed."));
    }
    Ok(!and.tags.is_empty())
}

fn prefix(prefix: &str) -> Result<(), Refusal> {
    if prefix.len() > 1024 {
        return Err(request("The maximum size of a prefix is 1024."));
    }
    Ok(())
}

/// S3-019, S3-026.
fn destination(source: &str, target: &s3::Destination) -> Result<(), Refusal> {
    let name =
        super::select::bucket_of(target.bucket()).ok_or_else(|| argument("Invalid bucket ARN"))?;
    if name == source {
        return Err(request(
            "Destination bucket cannot be the same as the source bucket.",
        ));
    }
    if NO_CLASSES.contains(&target.storage_class()) {
        return Err(malformed());
    }
    match (
        &target.access_control_translation,
        target.account.as_deref(),
    ) {
        (_, Some("")) => Err(argument(
            "The Account element is empty. It must contain a valid account ID.",
        )),
        (Some(_), None) => Err(request(
            "Account must be specified if the Owner in AccessControlTranslation has a value",
        )),
        _ => Ok(()),
    }
}

/// S3-014 to S3-016.
fn encryption(rule: &s3::ReplicationRule, target: &s3::Destination) -> Result<(), Refusal> {
    let criteria = rule.source_selection_criteria.as_ref();
    let selector = criteria.and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref());
    let key = target
        .encryption_configuration
        .as_ref()
        .map(|encryption| encryption.replica_kms_key_id());
    if key.is_some() && selector.is_none() {
        return Err(request(
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
        ));
    }
    let opted = selector.is_some_and(|selector| selector.status() == "Enabled");
    if opted && key.is_none_or(str::is_empty) {
        return Err(request(
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
        ));
    }
    match key {
        Some(key) if !key.is_empty() && !is_key_arn(key) => {
            Err(argument("Invalid ReplicaKmsKeyID ARN."))
        }
        _ => Ok(()),
    }
}

fn is_key_arn(text: &str) -> bool {
    text.parse::<Arn>().is_ok_and(|arn| {
        let resource = arn.resource();
        arn.service() == "kms"
            && ["key/", "alias/"].iter().any(|kind| {
                resource
                    .strip_prefix(kind)
                    .is_some_and(|rest| !rest.is_empty())
            })
    })
}

/// S3-018.
fn time(target: &s3::Destination) -> Result<(), Refusal> {
    let threshold = target
        .metrics
        .as_ref()
        .and_then(|metrics| metrics.event_threshold.as_ref());
    let Some(time) = &target.replication_time else {
        return match threshold {
            Some(_) => Err(argument(
                "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
            )),
            None => Ok(()),
        };
    };
    let Some(metrics) = &target.metrics else {
        return Err(request(
            "Replication destination must contain both ReplicationTime and Metrics or neither.",
        ));
    };
    if time.status() != metrics.status() {
        return Err(request(
            "ReplicationTime and Metrics must have the same status.",
        ));
    }
    if time.time.as_ref().and_then(|time| time.minutes) != Some(15) {
        return Err(argument("Invalid time minute value"));
    }
    match threshold.map(|threshold| threshold.minutes) {
        None if time.status() == "Enabled" => Err(argument(
            "ReplicationMetrics must contain an event threshold",
        )),
        Some(minutes) if minutes != Some(15) => {
            Err(argument("Invalid event threshold minute value"))
        }
        Some(_) if time.status() != "Enabled" => Err(argument(
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
        )),
        _ => Ok(()),
    }
}

/// Whether a V2 rule replicates delete markers.
#[must_use]
pub fn markers_enabled(rule: &s3::ReplicationRule) -> bool {
    rule.delete_marker_replication
        .as_ref()
        .is_some_and(|replication| replication.status() == "Enabled")
}
