//! How a table looks from outside: TableDescription.

use faultline_proto::dynamodb::{
    BillingModeSummary, ProvisionedThroughputDescription, ReplicaDescription, SseDescription,
    StreamSpecification, TableClassSummary, TableDescription,
};
use faultline_proto::names::Timestamp;

use super::keyspaces::{
    Billing, Encryption, Extras, Replica, ReplicaStatus, Stream, TableRow, TableStatus,
};
use super::names::TableName;
use super::{disassociation, index_settings};
use crate::context::Ctx;

/// Status of a table or replica whose KMS key was found unusable.
const INACCESSIBLE: &str = "INACCESSIBLE_ENCRYPTION_CREDENTIALS";

impl TableStatus {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Creating | Self::Filling { .. } => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Archiving => "ARCHIVING",
            Self::Archived => "ARCHIVED",
        }
    }
}

impl ReplicaStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Asked | Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

/// The description of a table.
pub(crate) fn of(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) -> TableDescription {
    let extras = ctx.get::<Extras>(row.id.as_str()).unwrap_or_default();
    let (provisioned, billing) = capacity(row.billing);
    let arn = name.arn(ctx);
    let label = row.stream.as_ref().map(|stream| label(stream.since));
    TableDescription {
        attribute_definitions: index_settings::definitions(&row.schema, &extras),
        table_name: Some(name.name.clone()),
        key_schema: index_settings::elements(&row.schema),
        global_secondary_indexes: index_settings::global(&arn, &extras),
        local_secondary_indexes: index_settings::local(&arn, &extras),
        table_status: Some(match row.inaccessible {
            Some(_) if row.status == TableStatus::Active => INACCESSIBLE.to_owned(),
            _ => row.status.text().to_owned(),
        }),
        creation_date_time: Some(row.created.millis()),
        provisioned_throughput: Some(provisioned),
        table_size_bytes: i64::try_from(row.counted.bytes).ok(),
        item_count: i64::try_from(row.counted.items).ok(),
        table_id: Some(row.id.clone()),
        billing_mode_summary: billing,
        stream_specification: row.stream.as_ref().map(stream),
        latest_stream_arn: label.as_ref().map(|label| format!("{arn}/stream/{label}")),
        latest_stream_label: label,
        table_arn: Some(arn),
        // DDB-041: never the own Region, and no member when there is no replica.
        global_table_version: (!row.replicas.is_empty()).then(|| "2019.11.21".to_owned()),
        replicas: row
            .replicas
            .iter()
            .map(|(region, replica)| member(name, region.as_str(), replica))
            .collect(),
        sse_description: sse(row),
        table_class_summary: row.class.as_ref().map(|class| TableClassSummary {
            table_class: Some(class.clone()),
            last_update_date_time: None,
        }),
        deletion_protection_enabled: Some(row.deletion_protection),
        disassociation_protection_enabled: disassociation::protection(ctx, row),
        ..Default::default()
    }
}

fn capacity(billing: Billing) -> (ProvisionedThroughputDescription, Option<BillingModeSummary>) {
    let (read, write) = match billing {
        Billing::PayPerRequest => (0, 0),
        Billing::Provisioned { read, write } => (read, write),
    };
    let provisioned = ProvisionedThroughputDescription {
        read_capacity_units: Some(read),
        write_capacity_units: Some(write),
        number_of_decreases_today: Some(0),
        ..Default::default()
    };
    let summary = (billing == Billing::PayPerRequest).then(|| BillingModeSummary {
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..Default::default()
    });
    (provisioned, summary)
}

fn stream(stream: &Stream) -> StreamSpecification {
    StreamSpecification {
        stream_enabled: Some(true),
        stream_view_type: Some(stream.view.clone()),
    }
}

/// A stream's label: when it began, `2026-10-01T00:00:00.000`.
pub(crate) fn label(since: Timestamp) -> String {
    let text = faultline_proto::codec::time::to_iso(since.millis());
    let text = text.trim_end_matches('Z');
    if text.contains('.') {
        text.to_owned()
    } else {
        format!("{text}.000")
    }
}

fn member(name: &TableName, region: &str, replica: &Replica) -> ReplicaDescription {
    ReplicaDescription {
        region_name: Some(region.to_owned()),
        replica_status: Some(match (replica.inaccessible, replica.status) {
            (Some(_), ReplicaStatus::Active) => INACCESSIBLE.to_owned(),
            (_, status) => status.text().to_owned(),
        }),
        replica_inaccessible_date_time: replica.inaccessible.map(Timestamp::millis),
        replica_arn: Some(name.arn_in(region)),
        kms_master_key_id: replica.key.clone(),
        ..Default::default()
    }
}

/// DDB-058: the encryption's own status stays ENABLED.
fn sse(row: &TableRow) -> Option<SseDescription> {
    match &row.encryption {
        Encryption::Owned { .. } => None,
        Encryption::Kms { arn, .. } => Some(SseDescription {
            status: Some("ENABLED".to_owned()),
            sse_type: Some("KMS".to_owned()),
            kms_master_key_arn: Some(arn.clone()),
            inaccessible_encryption_date_time: row.inaccessible.map(|since| since.at.millis()),
        }),
    }
}
