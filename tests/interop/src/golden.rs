//! Golden files: what the library wrote, and what is needed to open it without KMS.

use std::fs;
use std::path::Path;

use faultline_sealed::{AttributeAction, Item, SchemaConfig, Suite};
use serde_json::{Map, Value as Json, json};

use crate::Fallible;
use crate::convert::json_of;

/// The configuration of the table.
pub fn schema(config: &SchemaConfig) -> Json {
    let actions: Map<String, Json> = config
        .actions
        .iter()
        .map(|(name, action): (&String, &AttributeAction)| (name.clone(), action.name().into()))
        .collect();
    json!({
        "logical_table_name": config.logical_table_name,
        "partition_key": config.partition_key,
        "sort_key": config.sort_key,
        "actions": actions,
        "allowed_unsigned_prefix": config.allowed_unsigned_prefix,
        "suite": match config.suite {
            Suite::SymmetricOnly => "0x6700",
            Suite::WithSignature => "0x6701",
        },
    })
}

/// An item that the library wrote.
pub struct Golden<'a> {
    pub what: &'a str,
    pub config: &'a SchemaConfig,
    /// As its user wrote it, as it is stored, and as the library opens it again.
    pub plain: &'a Item,
    pub stored: &'a Item,
    pub opened: &'a Item,
    /// What KMS opened.
    pub kms: Vec<Json>,
    pub more: Json,
}

pub fn write(folder: Option<&Path>, name: &str, golden: Golden<'_>) -> Fallible<()> {
    let Some(folder) = folder else { return Ok(()) };
    let mut file = json!({
        "library": "aws-db-esdk 1.3.0",
        "what": golden.what,
        "schema": schema(golden.config),
        "plain": json_of(golden.plain),
        "stored": json_of(golden.stored),
        "opened": json_of(golden.opened),
        "kms": golden.kms,
    });
    if let (Json::Object(file), Json::Object(more)) = (&mut file, golden.more) {
        file.extend(more);
    }
    fs::create_dir_all(folder)?;
    let text = serde_json::to_string_pretty(&file)? + "\n";
    Ok(fs::write(folder.join(format!("{name}.json")), text)?)
}
