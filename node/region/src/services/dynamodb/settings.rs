//! The settings of a table as requests spell them: capacity, stream, encryption.

use faultline_proto::dynamodb::{ProvisionedThroughput, SseSpecification, StreamSpecification};

use super::encryption::MANAGED_ALIAS;
use super::error::DynamoError;
use super::keyspaces::Billing;

/// Most capacity units.
const MOST_UNITS: i64 = 1_000_000_000_000;

/// Checks billing mode and capacity; PROVISIONED unless said otherwise.
pub(crate) fn billing(
    mode: Option<&str>,
    throughput: Option<&ProvisionedThroughput>,
) -> Result<Billing, DynamoError> {
    if mode == Some("PAY_PER_REQUEST") {
        return match throughput {
            None => Ok(Billing::PayPerRequest),
            Some(_) => Err(DynamoError::invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when \
                 BillingMode is PAY_PER_REQUEST",
            )),
        };
    }
    let units = throughput
        .and_then(|given| Some((given.read_capacity_units?, given.write_capacity_units?)));
    let Some((read, write)) = units else {
        return Err(DynamoError::invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
             PROVISIONED",
        ));
    };
    for (name, value) in [("ReadCapacityUnits", read), ("WriteCapacityUnits", write)] {
        if value > MOST_UNITS {
            return Err(DynamoError::validation(format!(
                "Given value {value} for {name} is out of bounds"
            )));
        }
    }
    Ok(Billing::Provisioned { read, write })
}

/// The view type of the stream that is asked for; `None` for no stream.
pub(crate) fn stream(spec: &StreamSpecification) -> Result<Option<String>, DynamoError> {
    match (
        spec.stream_enabled.unwrap_or_default(),
        &spec.stream_view_type,
    ) {
        (true, Some(view)) => Ok(Some(view.clone())),
        (true, None) => Err(DynamoError::invalid(
            "StreamViewType is required when StreamEnabled is true",
        )),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(DynamoError::invalid(
            "StreamViewType cannot be specified when StreamEnabled is false",
        )),
    }
}

/// The KMS key that is asked for; `None` for the AWS owned key (DDB-043, DDB-048).
pub(crate) fn encryption(spec: &SseSpecification) -> Result<Option<String>, DynamoError> {
    let kind = spec.sse_type.as_deref();
    let key = spec.kms_master_key_id.clone();
    if kind == Some("AES256") {
        return Err(DynamoError::invalid(
            "SSEType AES256 is not supported. Use SSEType KMS, or leave SSESpecification out for an AWS owned key",
        ));
    }
    if spec.enabled == Some(false) {
        return match (kind, key) {
            (None, None) => Ok(None),
            _ => Err(DynamoError::invalid(
                "SSEType and KMSMasterKeyId can only be specified when SSE is enabled",
            )),
        };
    }
    if key.is_some() && kind != Some("KMS") {
        return Err(DynamoError::invalid(
            "KMSMasterKeyId can only be specified when SSEType is KMS",
        ));
    }
    if spec.enabled.is_none() && kind.is_none() {
        return Ok(None);
    }
    // The aliases and ids of the AWS managed key all mean the same table encryption.
    Ok(Some(key.unwrap_or_else(|| MANAGED_ALIAS.to_owned())))
}
