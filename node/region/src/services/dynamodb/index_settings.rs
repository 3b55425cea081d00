//! Secondary indexes as CreateTable and UpdateTable ask for them and DescribeTable shows them.

use std::collections::BTreeSet;

use faultline_proto::dynamodb::{
    self, AttributeDefinition, CreateTableRequest, GlobalSecondaryIndexDescription,
    GlobalSecondaryIndexUpdate, KeySchemaElement, LocalSecondaryIndexDescription,
    ProvisionedThroughput, ProvisionedThroughputDescription, UpdateTableRequest,
};

use super::error::DynamoError;
use super::keyspaces::{
    Billing, Counted, Extras, ExtrasRow, Index, IndexStatus, Projection, TableRow,
};
use super::names::TableName;
use super::schema::{KeyAttribute, KeySchema};
use super::{group_settings, index_fill, settings};
use crate::context::Ctx;

/// Indexes of a table.
const MOST_LOCAL: usize = 5;
const MOST_GLOBAL: usize = 20;

/// What is asked for one index.
struct Asked<'r> {
    name: &'r str,
    schema: &'r [KeySchemaElement],
    projection: Option<&'r dynamodb::Projection>,
    throughput: Option<&'r ProvisionedThroughput>,
    global: bool,
}

/// The indexes of a new table; every defined attribute must be used.
pub(crate) fn create(
    ctx: &mut Ctx<'_>,
    request: &CreateTableRequest,
    table: &KeySchema,
    billing: Billing,
) -> Result<Vec<Index>, DynamoError> {
    let local = request.local_secondary_indexes.iter().map(|index| Asked {
        name: index.index_name.as_deref().unwrap_or_default(),
        schema: &index.key_schema,
        projection: index.projection.as_ref(),
        throughput: None,
        global: false,
    });
    let global = request.global_secondary_indexes.iter().map(|index| Asked {
        name: index.index_name.as_deref().unwrap_or_default(),
        schema: &index.key_schema,
        projection: index.projection.as_ref(),
        throughput: index.provisioned_throughput.as_ref(),
        global: true,
    });
    let mut indexes: Vec<Index> = Vec::new();
    for asked in local.chain(global) {
        let id = ctx.entropy().uuid("dynamodb.index-id");
        let index = one(&asked, table, &request.attribute_definitions, billing, id)?;
        if indexes.iter().any(|known| known.name == index.name) {
            return Err(DynamoError::invalid(format!(
                "Duplicate index name: {}",
                index.name
            )));
        }
        indexes.push(index);
    }
    if request.local_secondary_indexes.len() > MOST_LOCAL {
        return Err(DynamoError::invalid(format!(
            "Number of LocalSecondaryIndexes exceeds per-table limit of {MOST_LOCAL}"
        )));
    }
    if request.global_secondary_indexes.len() > MOST_GLOBAL {
        return Err(DynamoError::invalid(format!(
            "GlobalSecondaryIndex count exceeds the per-table limit of {MOST_GLOBAL}"
        )));
    }
    all_used(table, &indexes, &request.attribute_definitions)?;
    Ok(indexes)
}

fn all_used(
    table: &KeySchema,
    indexes: &[Index],
    definitions: &[AttributeDefinition],
) -> Result<(), DynamoError> {
    let used: BTreeSet<&str> = table
        .attributes()
        .chain(indexes.iter().flat_map(|index| index.schema.attributes()))
        .map(|attribute| attribute.name.as_str())
        .collect();
    let defined: BTreeSet<&str> = definitions
        .iter()
        .filter_map(|definition| definition.attribute_name.as_deref())
        .collect();
    if used.len() == definitions.len() && used == defined {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(DynamoError::invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes \
             defined in AttributeDefinitions",
        ));
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    Err(DynamoError::invalid(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        list(defined),
        list(used)
    )))
}

fn one(
    asked: &Asked<'_>,
    table: &KeySchema,
    definitions: &[AttributeDefinition],
    billing: Billing,
    id: String,
) -> Result<Index, DynamoError> {
    let name = asked.name.to_owned();
    if !asked.global && table.range.is_none() {
        return Err(DynamoError::invalid(
            "Table KeySchema does not have a range key, which is required when specifying a \
             LocalSecondaryIndex",
        ));
    }
    let schema = KeySchema::read(asked.schema, definitions)?;
    if !asked.global && schema.range.is_none() {
        return Err(DynamoError::invalid(format!(
            "Index KeySchema does not have a range key for index: {name}"
        )));
    }
    if !asked.global && schema.hash != table.hash {
        return Err(DynamoError::invalid(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for \
             index: {name}. index hash key: {}, table hash key: {}",
            schema.hash.name, table.hash.name
        )));
    }
    Ok(Index {
        projection: projection(asked.projection)?,
        billing: match (asked.global, billing, asked.throughput) {
            (false, billing, _) | (true, billing @ Billing::PayPerRequest, None) => billing,
            (true, Billing::PayPerRequest, Some(_)) => {
                return Err(DynamoError::invalid(format!(
                    "ProvisionedThroughput should not be specified for index: {name} when \
                     BillingMode is PAY_PER_REQUEST"
                )));
            }
            (true, Billing::Provisioned { .. }, None) => {
                return Err(DynamoError::invalid(format!(
                    "ProvisionedThroughput must be specified for index: {name}"
                )));
            }
            (true, Billing::Provisioned { .. }, given) => settings::billing(None, given)?,
        },
        name,
        id,
        global: asked.global,
        schema,
        status: IndexStatus::Active,
        counted: Counted::default(),
    })
}

fn projection(asked: Option<&dynamodb::Projection>) -> Result<Projection, DynamoError> {
    let kind = asked.and_then(|asked| asked.projection_type.as_deref());
    let names = asked
        .map(|asked| asked.non_key_attributes.clone())
        .unwrap_or_default();
    match (kind, names.is_empty()) {
        (Some("ALL"), true) => Ok(Projection::All),
        (Some("KEYS_ONLY"), true) => Ok(Projection::KeysOnly),
        (Some("INCLUDE"), false) => Ok(Projection::Include(names)),
        (Some("INCLUDE"), true) => Err(DynamoError::invalid(
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        )),
        (Some(kind), false) => Err(DynamoError::invalid(format!(
            "ProjectionType is {kind}, but NonKeyAttributes is specified"
        ))),
        (_, _) => Err(DynamoError::invalid("Unknown ProjectionType: null")),
    }
}

/// GlobalSecondaryIndexUpdates of UpdateTable; whether there are any.
pub(crate) fn update(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    request: &UpdateTableRequest,
) -> Result<bool, DynamoError> {
    if request.global_secondary_index_updates.is_empty() {
        return Ok(false);
    }
    let mut extras = ctx.get::<Extras>(row.id.as_str()).unwrap_or_default();
    let online = |update: &&GlobalSecondaryIndexUpdate| update.update.is_none();
    let busy = extras.indexes.iter().any(|index| match index.status {
        IndexStatus::Creating { .. } | IndexStatus::Deleting => true,
        IndexStatus::Active | IndexStatus::Updating => false,
    });
    let changes = request
        .global_secondary_index_updates
        .iter()
        .filter(online)
        .count();
    if changes > 1 || (busy && changes > 0) {
        return Err(DynamoError::Limit(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted \
             simultaneously per table"
                .to_owned(),
        ));
    }
    let mut begun = Vec::new();
    for update in &request.global_secondary_index_updates {
        begun.extend(apply(ctx, row, &mut extras, update, request)?);
    }
    ctx.put::<Extras>(row.id.as_str(), &extras);
    for id in begun {
        index_fill::begin(ctx, name, row, id);
    }
    group_settings::tell(ctx, name, row, &extras);
    Ok(true)
}

/// One update; the index that is made or deleted now.
fn apply(
    ctx: &mut Ctx<'_>,
    row: &TableRow,
    extras: &mut ExtrasRow,
    update: &GlobalSecondaryIndexUpdate,
    request: &UpdateTableRequest,
) -> Result<Option<String>, DynamoError> {
    let missing = || DynamoError::validation("The table does not have the specified index");
    let global = |extras: &ExtrasRow, name: Option<&str>| {
        extras
            .indexes
            .iter()
            .position(|index| index.global && Some(index.name.as_str()) == name)
    };
    match (&update.create, &update.update, &update.delete) {
        (Some(create), None, None) => {
            let asked = Asked {
                name: create.index_name.as_deref().unwrap_or_default(),
                schema: &create.key_schema,
                projection: create.projection.as_ref(),
                throughput: create.provisioned_throughput.as_ref(),
                global: true,
            };
            if extras.indexes.iter().any(|known| known.name == asked.name) {
                return Err(DynamoError::invalid(format!(
                    "Duplicate index name: {}",
                    asked.name
                )));
            }
            if extras.indexes.iter().filter(|index| index.global).count() >= MOST_GLOBAL {
                return Err(DynamoError::Limit(format!(
                    "Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table \
                     limit of {MOST_GLOBAL}"
                )));
            }
            let id = ctx.entropy().uuid("dynamodb.index-id");
            let definitions = &request.attribute_definitions;
            let mut index = one(&asked, &row.schema, definitions, row.billing, id.clone())?;
            index.status = IndexStatus::Creating { backfilling: false };
            extras.indexes.push(index);
            Ok(Some(id))
        }
        (None, Some(change), None) => {
            let at = global(extras, change.index_name.as_deref()).ok_or_else(missing)?;
            extras.indexes[at].billing =
                settings::billing(None, change.provisioned_throughput.as_ref())?;
            Ok(None)
        }
        (None, None, Some(delete)) => {
            let at = global(extras, delete.index_name.as_deref()).ok_or_else(missing)?;
            extras.indexes[at].status = IndexStatus::Deleting;
            Ok(Some(extras.indexes[at].id.clone()))
        }
        _ => Err(DynamoError::invalid(
            "Only one of Create, Update and Delete can be specified for a \
             GlobalSecondaryIndexUpdate",
        )),
    }
}

impl IndexStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Creating { .. } => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// How a key looks from outside.
pub(crate) fn elements(schema: &KeySchema) -> Vec<KeySchemaElement> {
    schema
        .attributes()
        .zip(["HASH", "RANGE"])
        .map(|(attribute, kind)| KeySchemaElement {
            attribute_name: Some(attribute.name.clone()),
            key_type: Some(kind.to_owned()),
        })
        .collect()
}

/// The types of all key attributes of a table and its indexes.
pub(crate) fn definitions(table: &KeySchema, extras: &ExtrasRow) -> Vec<AttributeDefinition> {
    let mut all: Vec<&KeyAttribute> = Vec::new();
    let of_indexes = extras
        .indexes
        .iter()
        .flat_map(|index| index.schema.attributes());
    for attribute in table.attributes().chain(of_indexes) {
        if !all.iter().any(|known| known.name == attribute.name) {
            all.push(attribute);
        }
    }
    all.into_iter()
        .map(|attribute| AttributeDefinition {
            attribute_name: Some(attribute.name.clone()),
            attribute_type: Some(attribute.kind.name().to_owned()),
        })
        .collect()
}

fn shown(projection: &Projection) -> dynamodb::Projection {
    let (kind, names) = match projection {
        Projection::All => ("ALL", Vec::new()),
        Projection::KeysOnly => ("KEYS_ONLY", Vec::new()),
        Projection::Include(names) => ("INCLUDE", names.clone()),
    };
    dynamodb::Projection {
        projection_type: Some(kind.to_owned()),
        non_key_attributes: names,
    }
}

/// The global indexes of a table.
pub(crate) fn global(arn: &str, extras: &ExtrasRow) -> Vec<GlobalSecondaryIndexDescription> {
    let of = extras.indexes.iter().filter(|index| index.global);
    of.map(|index| {
        let (read, write) = match index.billing {
            Billing::PayPerRequest => (0, 0),
            Billing::Provisioned { read, write } => (read, write),
        };
        GlobalSecondaryIndexDescription {
            index_name: Some(index.name.clone()),
            key_schema: elements(&index.schema),
            projection: Some(shown(&index.projection)),
            index_status: Some(index.status.text().to_owned()),
            backfilling: match index.status {
                IndexStatus::Creating { backfilling } => Some(backfilling),
                IndexStatus::Active | IndexStatus::Updating | IndexStatus::Deleting => None,
            },
            provisioned_throughput: Some(ProvisionedThroughputDescription {
                read_capacity_units: Some(read),
                write_capacity_units: Some(write),
                number_of_decreases_today: Some(0),
                ..Default::default()
            }),
            index_size_bytes: i64::try_from(index.counted.bytes).ok(),
            item_count: i64::try_from(index.counted.items).ok(),
            index_arn: Some(format!("{arn}/index/{}", index.name)),
        }
    })
    .collect()
}

/// The local indexes of a table.
pub(crate) fn local(arn: &str, extras: &ExtrasRow) -> Vec<LocalSecondaryIndexDescription> {
    let of = extras.indexes.iter().filter(|index| !index.global);
    of.map(|index| LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: elements(&index.schema),
        projection: Some(shown(&index.projection)),
        index_size_bytes: i64::try_from(index.counted.bytes).ok(),
        item_count: i64::try_from(index.counted.items).ok(),
        index_arn: Some(format!("{arn}/index/{}", index.name)),
    })
    .collect()
}
