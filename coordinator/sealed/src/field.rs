//! The attributes of one item in canonical order, each with its action.

use crate::error::SealedError;
use crate::path::CanonicalPath;
use crate::plaintext::Terminal;
use crate::schema::{AttributeAction, Schema};
use crate::value::{Item, Value};

/// One attribute on its way in or out.
#[derive(Clone)]
pub struct Field {
    /// What orders fields and is bound into them.
    pub path: CanonicalPath,
    /// The attribute's name.
    pub name: String,
    /// What is done with it.
    pub action: AttributeAction,
    /// Its serialized value.
    pub terminal: Terminal,
}

impl Field {
    /// Whether signature and legend cover the field.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.action != AttributeAction::DoNothing
    }

    /// Whether the field is stored encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.action == AttributeAction::EncryptAndSign
    }
}

/// The fields of `item` ordered by canonical path; `action` says what happens to each.
pub(crate) fn in_order(
    schema: &Schema,
    item: &Item,
    action: impl Fn(&str, &Value) -> Result<Option<AttributeAction>, SealedError>,
) -> Result<Vec<Field>, SealedError> {
    let mut fields = Vec::new();
    for (name, value) in item {
        if let Some(action) = action(name, value)? {
            fields.push(Field {
                path: CanonicalPath::new(schema.logical_table_name(), name),
                name: name.clone(),
                action,
                terminal: Terminal::of(value)?,
            });
        }
    }
    fields.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(fields)
}
