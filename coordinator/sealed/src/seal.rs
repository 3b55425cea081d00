//! Sealing: an item and its materials in, the item that DynamoDB stores out.
//!
//! Pure: no calls, no randomness. [`Draft`] checks the item and knows the encryption
//! context the keys must be bound to; [`Draft::seal`] does the rest once the keys are there.

use std::fmt;

use crate::beacons::Search;
use crate::context::{EncryptionContext, PUBLIC_KEY};
use crate::error::SealedError;
use crate::field::{self, Field};
use crate::footer::{FOOTER, Footer, canonical_hash};
use crate::header::{EncryptedDataKey, HEADER, Header, legend};
use crate::plaintext::Terminal;
use crate::schema::{AttributeAction, RESERVED_PREFIX, Schema, Suite};
use crate::secret::{DataKey, TagKey};
use crate::signing::Signer;
use crate::value::{Item, Value};
use crate::wrapping::MessageId;

/// The keys of one item, from the keyring.
pub struct SealMaterials {
    /// Identifies this sealed version of the item.
    pub message_id: MessageId,
    /// The key of the item.
    pub data_key: DataKey,
    /// The data key wrapped for each recipient, and the key of that recipient's tag.
    pub recipients: Vec<(EncryptedDataKey, TagKey)>,
    /// Present exactly if the suite has a signature; the one [`Draft::bind`] was called with.
    pub signer: Option<Signer>,
}

impl fmt::Debug for SealMaterials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealMaterials")
    }
}

/// A checked item on its way to be sealed.
#[derive(Clone)]
pub struct Draft {
    item: Item,
    fields: Vec<Field>,
    required: EncryptionContext,
    header_version: crate::header::HeaderVersion,
    suite: Suite,
}

impl Draft {
    /// Checks `item` against the schema.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a reserved name (CSE-005), a missing key, an
    /// attribute without action (CSE-001) or a value that DynamoDB would refuse.
    pub fn new(schema: &Schema, item: &Item) -> Result<Self, SealedError> {
        check_names(item)?;
        Self::of(schema, item)
    }

    /// Checks `item`, and adds to it what is signed of its beacons.
    ///
    /// # Errors
    /// As [`Self::new`], and as [`Search::with_signed`].
    pub fn with_beacons(
        schema: &Schema,
        item: &Item,
        search: &Search,
    ) -> Result<Self, SealedError> {
        check_names(item)?;
        Self::of(schema, &search.with_signed(item)?)
    }

    fn of(schema: &Schema, item: &Item) -> Result<Self, SealedError> {
        check_keys(schema, item, "Encrypt")?;
        check_included(schema, item)?;
        let fields = field::in_order(schema, item, |name, _| {
            schema.action_on_write(name).map(Some)
        })?;
        let required = EncryptionContext::of(schema, &fields, schema.version())?;
        Ok(Self {
            item: item.clone(),
            fields,
            required,
            header_version: schema.version(),
            suite: schema.suite(),
        })
    }

    /// The whole encryption context: what the item gives, and the signer's public key.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when the signer does not fit the suite.
    pub fn bind(&self, signer: Option<&Signer>) -> Result<EncryptionContext, SealedError> {
        let mut context = self.required.clone();
        match (self.suite, signer) {
            (Suite::WithSignature, Some(signer)) => {
                context.add(PUBLIC_KEY, &signer.public_key())?
            }
            (Suite::SymmetricOnly, None) => {}
            (Suite::WithSignature, None) | (Suite::SymmetricOnly, Some(_)) => {
                return Err(SealedError::SchemaViolation(
                    "a signer is needed exactly if the suite has a signature".to_owned(),
                ));
            }
        }
        Ok(context)
    }

    /// Encrypts, signs, and adds header and footer.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when the item or its keys do not fit the format.
    pub fn seal(&self, materials: &SealMaterials) -> Result<Item, SealedError> {
        let context = self.bind(materials.signer.as_ref())?;
        let header = Header {
            version: self.header_version,
            suite: self.suite,
            message_id: materials.message_id,
            legend: legend(&self.fields),
            stored_context: context.without(&self.required),
            data_keys: materials
                .recipients
                .iter()
                .map(|(key, _)| key.clone())
                .collect(),
        };
        let header = header.serialize(&materials.data_key)?;
        let fields = self.encrypted(&materials.data_key, &materials.message_id);
        let hash = canonical_hash(&header, &context, &fields);
        let footer = Footer {
            tags: materials
                .recipients
                .iter()
                .map(|(_, key)| key.tag(&hash))
                .collect(),
            signature: materials.signer.as_ref().map(|signer| signer.sign(&hash)),
        };

        let mut sealed = self.item.clone();
        for field in fields.into_iter().filter(Field::is_encrypted) {
            sealed.insert(field.name, Value::B(field.terminal.bytes));
        }
        sealed.insert(HEADER.to_owned(), Value::B(header));
        sealed.insert(FOOTER.to_owned(), Value::B(footer.serialize()));
        Ok(sealed)
    }

    /// The fields as they are stored: type id and ciphertext in place of what is hidden (CSE-018).
    fn encrypted(&self, data_key: &DataKey, message_id: &MessageId) -> Vec<Field> {
        let root = data_key.field_root_key(message_id);
        let mut fields = self.fields.clone();
        for (field, offset) in fields
            .iter_mut()
            .filter(|field| field.is_encrypted())
            .zip(0..)
        {
            let mut stored = field.terminal.type_id.0.to_vec();
            stored.extend(root.seal(offset, &field.terminal.bytes, field.path.as_bytes()));
            field.terminal = Terminal::binary(stored);
        }
        fields
    }
}

fn check_names(item: &Item) -> Result<(), SealedError> {
    let reserved = |name: &&String| name.starts_with(RESERVED_PREFIX);
    let bad: Vec<&str> = item.keys().filter(reserved).map(String::as_str).collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(SealedError::SchemaViolation(format!(
        "Writing reserved attributes not allowed : {}",
        bad.join("\n")
    )))
}

/// Both keys of the table must be in the item; `doing` is the SDK's word for what fails.
pub(crate) fn check_keys(schema: &Schema, item: &Item, doing: &str) -> Result<(), SealedError> {
    let mut missing = String::new();
    if !item.contains_key(schema.partition_key()) {
        missing += &format!(
            "Partition key '{}' does not exist in item. ",
            schema.partition_key()
        );
    }
    if let Some(sort_key) = schema.sort_key().filter(|key| !item.contains_key(*key)) {
        missing += &format!("Sort key '{sort_key}' does not exist in item. ");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = item.keys().map(String::as_str).collect();
    let names = if names.is_empty() {
        "item is empty".to_owned()
    } else {
        names.join(" ")
    };
    Err(SealedError::SchemaViolation(format!(
        "On {doing} : {missing}Item contains these attributes : {names}."
    )))
}

fn check_included(schema: &Schema, item: &Item) -> Result<(), SealedError> {
    let wanted = AttributeAction::SignAndIncludeInEncryptionContext;
    let missing = schema
        .actions()
        .iter()
        .find(|(name, action)| **action == wanted && !item.contains_key(*name));
    match missing {
        None => Ok(()),
        Some((name, _)) => Err(SealedError::SchemaViolation(format!(
            "Attribute {name} was configured with SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT but was not present in item to be encrypted."
        ))),
    }
}
