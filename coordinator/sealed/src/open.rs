//! Opening: a stored item and its keys in, the item its user wrote out.
//!
//! Pure, and in the order that gives an attacker least: parse, then verify commitment,
//! tag and signature, and only then decrypt. [`SealedItem`] knows the encrypted data keys
//! and the context to ask KMS with; [`SealedItem::open`] does the rest.

use faultline_proto::names::RegionName;

use crate::client::WrappedBy;
use crate::context::{EncryptionContext, PUBLIC_KEY};
use crate::error::SealedError;
use crate::field::{self, Field};
use crate::footer::{FOOTER, Footer, canonical_hash};
use crate::header::{self, EncryptedDataKey, HEADER, Header};
use crate::plaintext::{Terminal, TypeId};
use crate::schema::{AttributeAction, PlaintextPolicy, RESERVED_PREFIX, Schema, Suite};
use crate::seal::check_keys;
use crate::secret::{DataKey, TagKey};
use crate::signing;
use crate::value::{Item, Value};
use crate::wrapping::{GCM_TAG, MessageId};

/// An item that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The item as its user wrote it.
    pub item: Item,
    /// Which key opened it; `None` for a plaintext item that the policy lets through.
    pub opened_with: Option<OpenedWith>,
}

/// The key that opened an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedWith {
    /// The key that unwrapped its data key.
    pub key: WrappedBy,
    /// Where KMS was asked; `None` for a branch key, which may have been at hand.
    pub region: Option<RegionName>,
    /// Which of the item's encrypted data keys it was, counted from zero.
    pub data_key: u32,
}

/// What a stored item turned out to be.
pub enum Stored {
    /// Encrypted; its keys are still to be fetched.
    Sealed(Box<SealedItem>),
    /// Not encrypted, and the policy lets it through.
    Plain(Item),
}

/// A parsed item on its way to be opened.
pub struct SealedItem {
    item: Item,
    fields: Vec<Field>,
    header: Header,
    header_bytes: Vec<u8>,
    footer: Footer,
    context: EncryptionContext,
}

impl Stored {
    /// Parses a stored item.
    ///
    /// # Errors
    /// [`SealedError::PlaintextItem`] for an item without header and footer under a policy
    /// that forbids reading it, [`SealedError::InvalidHeader`] for one that does not parse,
    /// [`SealedError::SignatureInvalid`] when signed attributes were added or removed (CSE-004).
    pub fn parse(schema: &Schema, item: &Item) -> Result<Self, SealedError> {
        check_keys(schema, item, "Decrypt")?;
        if !item.contains_key(HEADER) && !item.contains_key(FOOTER) {
            return match schema.plaintext_policy() {
                PlaintextPolicy::ForceWriteAllowRead | PlaintextPolicy::ForbidWriteAllowRead => {
                    Ok(Self::Plain(item.clone()))
                }
                PlaintextPolicy::ForbidWriteForbidRead => Err(SealedError::PlaintextItem(
                    "Encrypted item missing expected header and footer attributes".to_owned(),
                )),
            };
        }
        SealedItem::parse(schema, item).map(|item| Self::Sealed(Box::new(item)))
    }
}

impl SealedItem {
    fn parse(schema: &Schema, item: &Item) -> Result<Self, SealedError> {
        let header_bytes = binary(item, HEADER)?;
        let header = Header::parse(header_bytes)?;
        let footer = Footer::parse(binary(item, FOOTER)?, header.suite, header.data_keys.len())?;

        let mut fields = field::in_order(schema, item, |name, _| {
            Ok(schema
                .is_signed_on_read(name)
                .then_some(AttributeAction::SignOnly))
        })?;
        resolve(&mut fields, &header.legend)?;

        let context = EncryptionContext::of(schema, &fields, header.version)?;
        let context = context.with_stored(&header.stored_context)?;
        check_public_key(header.suite, &context)?;
        Ok(Self {
            item: item.clone(),
            fields,
            header_bytes: header_bytes.clone(),
            header,
            footer,
            context,
        })
    }

    /// The wrapped copies of the data key.
    #[must_use]
    pub fn data_keys(&self) -> &[EncryptedDataKey] {
        &self.header.data_keys
    }

    /// What identifies this sealed version of the item.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        self.header.message_id
    }

    /// The context that KMS must be asked with.
    #[must_use]
    pub fn context(&self) -> &EncryptionContext {
        &self.context
    }

    /// Verifies and decrypts.
    ///
    /// # Errors
    /// [`SealedError::SignatureInvalid`] when anything signed is not what was written.
    pub fn open(&self, data_key: &DataKey, tag_key: &TagKey) -> Result<Item, SealedError> {
        self.verify(data_key, tag_key)?;
        let root = data_key.field_root_key(&self.header.message_id);
        let mut opened = self.item.clone();
        let encrypted = self.fields.iter().filter(|field| field.is_encrypted());
        for (field, offset) in encrypted.zip(0..) {
            let broken = || {
                SealedError::SignatureInvalid(format!("attribute {} does not decrypt", field.name))
            };
            let (type_id, ciphertext) = field
                .terminal
                .bytes
                .split_first_chunk()
                .ok_or_else(broken)?;
            let bytes = root
                .open(offset, ciphertext, field.path.as_bytes())
                .ok_or_else(broken)?;
            let value = Terminal {
                type_id: TypeId(*type_id),
                bytes,
            }
            .value()?;
            opened.insert(field.name.clone(), value);
        }
        opened.retain(|name, _| !name.starts_with(RESERVED_PREFIX));
        Ok(opened)
    }

    fn verify(&self, data_key: &DataKey, tag_key: &TagKey) -> Result<(), SealedError> {
        let invalid = |why: &str| Err(SealedError::SignatureInvalid(why.to_owned()));
        if !self.header.commits_to(data_key, &self.header_bytes) {
            return invalid("Key commitment mismatch.");
        }
        let hash = canonical_hash(&self.header_bytes, &self.context, &self.fields);
        if !self.footer.has_tag_of(tag_key, &hash) {
            return invalid(
                "Signature of record does not match the signature computed when the record was encrypted.",
            );
        }
        if let Some(signature) = &self.footer.signature {
            let key = self.context.get(PUBLIC_KEY).unwrap_or_default();
            if !signing::verify(key, &hash, signature) {
                return invalid("Signature did not verify");
            }
        }
        Ok(())
    }
}

fn binary<'a>(item: &'a Item, name: &str) -> Result<&'a Vec<u8>, SealedError> {
    match item.get(name) {
        Some(Value::B(bytes)) => Ok(bytes),
        Some(_) => Err(SealedError::InvalidHeader(format!(
            "{name} must be a binary Terminal."
        ))),
        None => Err(SealedError::InvalidHeader(format!(
            "The field name {name} is required."
        ))),
    }
}

/// Gives each signed field the action its legend letter stands for.
fn resolve(fields: &mut [Field], legend: &[u8]) -> Result<(), SealedError> {
    // The SDK's words; what happened is that an attribute was removed, or added.
    let changed = |how: &str| SealedError::SignatureInvalid(format!("Schema changed : {how}"));
    if legend.len() > fields.len() {
        return Err(changed("something that was signed is now unsigned."));
    }
    if legend.len() < fields.len() {
        return Err(changed("something that was unsigned is now signed."));
    }
    for (field, letter) in fields.iter_mut().zip(legend) {
        field.action = header::action(*letter).ok_or_else(|| {
            SealedError::InvalidHeader("Invalid byte in stored legend".to_owned())
        })?;
        let stored = &field.terminal;
        if field.action == AttributeAction::EncryptAndSign
            && (stored.type_id != TypeId::B || stored.bytes.len() < 2 + GCM_TAG)
        {
            return Err(SealedError::SignatureInvalid(format!(
                "attribute {} is not what an encrypted attribute looks like",
                field.name
            )));
        }
    }
    Ok(())
}

fn check_public_key(suite: Suite, context: &EncryptionContext) -> Result<(), SealedError> {
    match (suite, context.get(PUBLIC_KEY)) {
        (Suite::WithSignature, Some(_)) | (Suite::SymmetricOnly, None) => Ok(()),
        (Suite::WithSignature, None) => Err(SealedError::InvalidHeader(
            "Encryption Context missing verification key.".to_owned(),
        )),
        (Suite::SymmetricOnly, Some(_)) => Err(SealedError::InvalidHeader(
            "Verification key can not exist in non-signed Algorithm Suites.".to_owned(),
        )),
    }
}
